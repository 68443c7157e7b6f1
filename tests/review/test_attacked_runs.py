"""Runs that were changed after they were written: nobody stays cut off, or is cut off, because of it."""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import Done, cardscreen
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from small_operator import (
    LISTED,
    begin_chain,
    held,
    job_with,
    lists,
    manifest,
    published,
    run,
    two_nights,
    write_manifest,
)
from tampering import flip, outcomes

from cardscreen.lists.store.table import Store
from cardscreen.runs import chain
from cardscreen.runs import folder as runs
from cardscreen.runs.manifest import fingerprint, write_json
from cardscreen.runs.record import Base

WHO = ("--by", "A. Li", "--reason", "expected")
THIRD = "2026-11-22"
Records = dict[str, Any]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights, and a third that is held."""
    folder = two_nights(tmp_path_factory.mktemp("operator"))
    job_with(folder, "new_suspend = 1", "new_suspend = 0.01")
    lists(folder, [*LISTED[:1], *LISTED[2:], "13800138009,2026-11-21,C-9,", "13900139020,2026-11-22,C-20,"], THIRD)
    assert run(folder, THIRD).code == 4
    return folder


@pytest.fixture
def operator(template: Path, tmp_path: Path) -> Iterator[Path]:
    """The same place for each test, so that runs find their inputs; afterwards all is as before."""
    shutil.copytree(template, tmp_path / "kept", symlinks=True)
    yield template
    shutil.rmtree(template)
    shutil.copytree(tmp_path / "kept", template, symlinks=True)


def audit(folder: Path, place: Path | str, *more: str) -> tuple[bool, str]:
    """Whether it passed, and all that was said."""
    done = cardscreen("audit", place, *more, cwd=folder)
    assert done.code in (0, 3), done.err
    return done.code == 0, done.out + done.err


def approve(folder: Path, waiting: Path) -> Done:
    return cardscreen("runs", "approve", waiting, *WHO, cwd=folder)


def _set(*path: str, to: Any) -> Callable[[Records], object]:
    def change(told: Records) -> None:
        for name in path[:-1]:
            told = told[name]
        told[path[-1]] = to

    return change


def _belittle(told: Records) -> None:
    told["held"] = [reason.replace("2.50 %", "1.50 %") for reason in told["held"]]
    assert any("1.50" in reason for reason in told["held"])


TAMPERED = {
    "no-reason": _set("held", to=[]),
    "reworded": _set("held", to=["first_run: nothing to worry about"]),
    "belittled": _belittle,
    "limits": _set("limits", "new_suspend", to=1.0),
    "policy": _set("policy", to="0" * 64),
    "counts": _set("summary", "changes", "counts", to={"unchanged": {"suspend": 1}}),
    "rows": _set("summary", "rows", "read", to=41),
    "audit": _set("audit", to=True),
    "base": _set("compared", "base", to=None),
    "day": _set("as_of", to="2030-01-01"),
    "approval": _set("approvals", to=[{"by": "B. Wu", "reason": "fine", "at": "2026-11-22T00:00:00+00:00"}]),
    "ended": _set("ended", to="2030-01-01T00:00:00+00:00"),
    "store": _set("inputs", "store", "version", to=0),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_a_held_run_whose_record_was_changed_is_neither_passed_nor_approved(
    operator: Path, change: Callable[[Records], object]
) -> None:
    (waiting,) = held(operator)
    told = manifest(waiting)
    change(told)
    write_json(waiting / "manifest.json", told)
    passed, said = audit(operator, waiting)
    assert (passed, f"the manifest of run {waiting.name} was changed" in said) == (False, True)
    done = approve(operator, waiting)
    assert (done.code, "is not as it was written" in done.err) == (3, True)
    done = cardscreen("runs", "show", waiting, cwd=operator)
    assert (done.code, "cardscreen audit" in done.err) == (3, True)
    assert cardscreen("runs", "discard", waiting, *WHO, cwd=operator).code == 0  # the way out
    assert run(operator, THIRD).code == 4


def tampered_with_its_chain(operator: Path, name: str) -> Path:
    """The held run, of which everything was rewritten that speaks of one change."""
    (waiting,) = held(operator)
    told = manifest(waiting)
    TAMPERED[name](told)
    write_json(waiting / "summary.json", {"run_id": waiting.name, **told["summary"]})
    told["outputs"]["summary.json"] = fingerprint(str(waiting / "summary.json"), named=False)
    write_manifest(waiting, told)
    return waiting


@pytest.mark.parametrize("name", ["no-reason", "reworded", "belittled", "limits", "policy", "counts", "rows"])
def test_a_record_that_is_rewritten_with_its_chain_comes_out_in_a_replay(operator: Path, name: str) -> None:
    waiting = tampered_with_its_chain(operator, name)
    assert audit(operator, waiting)[0], "without a key, who rewrites both is not noticed"
    passed, said = audit(operator, waiting, "--replay")
    assert (passed, "another than in the replay" in said) == (False, True)


@pytest.mark.parametrize("name", ["no-reason", "reworded", "belittled", "limits", "counts"])
def test_reasons_that_do_not_follow_from_the_figures_are_not_approved(operator: Path, name: str) -> None:
    waiting = tampered_with_its_chain(operator, name)
    done = approve(operator, waiting)
    assert (done.code, "can't be approved" in done.err) == (3, True), done.err


@pytest.mark.parametrize("table", ["changes", "flagged", "hits", "carried"])
def test_a_night_does_not_go_on_from_tables_that_were_changed(operator: Path, table: str) -> None:
    latest = published(operator)[-1]
    frame = pl.read_parquet(latest / f"{table}.parquet")
    frame.head(max(len(frame) - 1, 0)).write_parquet(latest / f"{table}.parquet", metadata={"by": "another"})
    done = run(operator, THIRD)
    assert (done.code, f"{table}.parquet is not as it was written" in done.err) == (3, True), done.err
    assert [each.name for each in published(operator)][-1] == latest.name


def test_a_day_in_the_far_future_in_a_record_does_not_silence_the_nights_after_it(operator: Path) -> None:
    latest = published(operator)[-1]
    told = manifest(latest)
    told["summary"]["as_of"] = "2030-01-01"
    write_json(latest / "manifest.json", told)
    done = run(operator, THIRD)
    assert (done.code, "the manifest of run" in done.err) == (3, True)
    write_manifest(latest, told)  # even where the chain was written anew
    done = run(operator, THIRD)
    assert (done.code, "names two days" in done.err) == (3, True)


def test_a_bit_flipped_anywhere_in_a_base_is_refused_or_harmless(operator: Path, tmp_path: Path) -> None:
    latest = published(operator)[-1]
    files = [file for file in latest.rglob("*") if file.is_file()] + [operator / "runs" / chain.FILE]

    def base(place: Path) -> Any:
        read = Base.read(place / latest.name)
        tables = (read.flags, read.hits, read.standing)
        return read.as_of, read.summary, [table.collect().rows() for table in tables]

    told = outcomes(operator / "runs", files, base, tmp_path / "copy", random.Random(18), 150)
    assert told.keys() == {"refused", "same"}


def test_an_audit_finds_any_flipped_bit_of_a_run_and_of_its_chain(operator: Path) -> None:
    latest, dice = published(operator)[-1], random.Random(19)
    files = [file for file in latest.rglob("*") if file.is_file()] + [operator / "runs" / chain.FILE]
    for _ in range(40):
        file = dice.choice(files)
        content = file.read_bytes()
        flip(file, dice)
        assert not audit(operator, "runs")[0]
        file.write_bytes(content)
    assert audit(operator, "runs")[0]


def test_a_manifest_of_an_earlier_release_that_says_nonsense_is_told_in_a_sentence(operator: Path) -> None:
    latest, dice = published(operator)[-1], random.Random(20)
    told = {name: said for name, said in manifest(latest).items() if name != chain.PREVIOUS}
    (operator / "runs" / chain.FILE).unlink()
    for _ in range(25):
        other: Any = json.loads(json.dumps(told))
        name = dice.choice(list(other))
        other[name] = dice.choice([None, 5, "x", [], {}, [1], {"a": 1}])
        write_json(latest / "manifest.json", other)
        for command in (("audit", latest), ("explain", "1", "--run", latest), ("runs", "list", "job.toml")):
            done = cardscreen(*command, cwd=operator)
            assert (done.code in (0, 2, 3), "Traceback" in done.err) == (True, False), (name, other[name], done.err)


@pytest.mark.parametrize("what", ["link", "hard-link", "fifo", "folder", "manifest-link"])
def test_what_a_run_never_holds_is_not_as_written(operator: Path, what: str, tmp_path: Path) -> None:
    latest = published(operator)[-1]
    if what == "folder":
        (latest / "notices/more").mkdir()
    elif what == "fifo":
        os.mkfifo(latest / "more.parquet")
    else:
        file = latest / ("manifest.json" if what == "manifest-link" else "hits.parquet")
        kept = tmp_path / file.name
        shutil.copyfile(file, kept)
        file.unlink()
        (os.link if what == "hard-link" else os.symlink)(kept, file)
    done = cardscreen("audit", latest, cwd=operator)
    assert done.code == 3
    assert any(
        word in done.out + done.err for word in ("hard link", "a link", "no file", "empty folder", "can't be read")
    )


def test_a_chain_that_was_cut_off_or_lost_stops_the_night_until_a_person_begins_another(operator: Path) -> None:
    file = operator / "runs" / chain.FILE
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[1:]))
    done = run(operator, THIRD)
    assert (done.code, "line 1, is not as it was written" in done.err, "cardscreen upgrade" in done.err) == (
        3,
        True,
        True,
    )
    file.unlink()
    done = run(operator, THIRD)
    assert (done.code, "is not in" in done.err) == (3, True)
    done = cardscreen("upgrade", "job.toml", cwd=operator)
    assert (done.code, "3 more runs" in done.err) == (0, True)
    assert run(operator, THIRD).code == 4


def test_an_audit_of_a_job_walks_all_its_runs(operator: Path) -> None:
    first, second = published(operator)
    assert audit(operator, "job.toml")[0]
    told = manifest(first)
    write_json(first / "manifest.json", told | {"policy": "other"})
    passed, said = audit(operator, "job.toml")
    assert (passed, f"the manifest of run {first.name} was changed" in said) == (False, True)
    write_json(first / "manifest.json", told)
    shutil.rmtree(held(operator)[0])
    passed, said = audit(operator, "job.toml")
    assert (passed, "is gone" in said) == (False, True)
    assert cardscreen("upgrade", "job.toml", cwd=operator).code == 0
    passed, said = audit(operator, "job.toml")
    assert (passed, "was taken away" in said) == (True, True)
    assert audit(operator, second)[0]


def test_runs_of_an_earlier_release_are_gone_on_from_with_a_warning_until_they_are_upgraded(operator: Path) -> None:
    for folder in (*published(operator), *held(operator)):
        told = manifest(folder)
        del told[chain.PREVIOUS]
        write_json(folder / "manifest.json", told)
    (operator / "runs" / chain.FILE).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        done = run(operator, THIRD)
    assert (done.code, done.err.count("written by an earlier release")) == (4, 1), done.err
    assert f"cardscreen upgrade {operator / 'runs'}" in done.err
    passed, said = audit(operator, "job.toml")
    assert (passed, "cardscreen upgrade" in said) == (True, True)
    begin_chain(operator / "runs")
    assert run(operator, THIRD).code == 4


# Signatures


def _make_key(file: Path) -> str:
    """A new key in a file; its public half."""
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def signed(operator: Path) -> Path:
    """The operator, whose job names a key, and whose runs a person has had signed."""
    (operator / "public.pem").write_text(_make_key(operator / "sign.pem"), encoding="utf-8")
    with (operator / "job.toml").open("a", encoding="utf-8") as job:
        job.write('[output]\nsign = { file = "sign.pem" }\n')
    done = run(operator, THIRD)
    assert (done.code, "is not signed by the key" in done.err, "cardscreen upgrade" in done.err) == (3, True, True)
    assert cardscreen("upgrade", "job.toml", cwd=operator).code == 0
    assert run(operator, THIRD).code == 4
    return operator


def test_signed_runs_are_audited_approved_and_pruned_by_their_jobs_key(signed: Path) -> None:
    passed, said = audit(signed, "job.toml")
    assert (passed, "not proven" in said) == (True, False), said
    waiting = held(signed)[-1]
    assert approve(signed, waiting).code == 0
    assert audit(signed, "job.toml", "--replay")[0]
    assert cardscreen("runs", "discard", held(signed)[0], *WHO, cwd=signed).code == 0
    assert cardscreen("runs", "prune", "job.toml", "--keep", "1runs", cwd=signed).code == 0
    assert audit(signed, "job.toml")[0]
    assert all(link.key for link in chain.read(signed / "runs")[3:])


def test_an_auditor_needs_the_public_key_only(signed: Path) -> None:
    (signed / "sign.pem").unlink()
    assert audit(signed, "runs", "--key", "public.pem")[0]
    _make_key(signed / "another.pem")
    passed, said = audit(signed, "runs", "--key", "another.pem")
    assert (passed, "is not signed by the key" in said) == (False, True)
    done = cardscreen("audit", "job.toml", cwd=signed)
    assert (done.code, "sign.pem can't be read" in done.err) == (2, True)


def test_a_run_that_is_rewritten_with_its_chain_is_not_signed(signed: Path) -> None:
    waiting = held(signed)[-1]
    told = manifest(waiting) | {"held": []}
    write_json(waiting / "manifest.json", told)
    begin_chain(signed / "runs")  # all lines anew, by one who has no key
    passed, said = audit(signed, "job.toml")
    assert (passed, f"run {waiting.name} is not signed" in said) == (False, True)
    assert approve(signed, waiting).code == 3
    done = run(signed, THIRD)
    assert (done.code, "is not signed by the key" in done.err) == (3, True)


def test_a_signed_chain_is_not_gone_on_with_unsigned(signed: Path) -> None:
    job = (signed / "job.toml").read_text(encoding="utf-8")
    (signed / "job.toml").write_text(job.replace('sign = { file = "sign.pem" }', ""), encoding="utf-8")
    done = run(signed, THIRD)
    assert (done.code, "is signed by the key" in done.err, "Traceback" in done.err) == (3, True, False)
    passed, said = audit(signed, "job.toml")
    assert (passed, "which is not known here" in said) == (True, True)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ('{ file = "no.pem" }', "no.pem can't be read"),
        ('{ file = "job.toml" }', "holds no Ed25519 key"),
        ('{ file = "rsa.pem" }', "a key of another kind than Ed25519"),
        ('{ env = "NOT_SET" }', "NOT_SET holds no key for signing"),
        ('{ command = ["false"] }', "ended with exit code 1"),
        ('{ command = ["/no/such/program"] }', "can't be run"),
        ('{ file = "a", env = "B" }', "give one of file, env and command"),
    ],
)
def test_a_key_that_can_not_be_had_is_told_and_nothing_is_run(operator: Path, sign: str, words: str) -> None:
    (operator / "rsa.pem").write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (operator / "rsa.pem").chmod(0o600)
    with (operator / "job.toml").open("a", encoding="utf-8") as job:
        job.write(f"[output]\nsign = {sign}\n")
    done = run(operator, THIRD)
    assert (done.code, words in done.err, "PRIVATE" in done.err) == (2, True, False), done.err


def test_a_key_is_printed_by_a_command_and_one_that_others_can_read_is_refused(operator: Path) -> None:
    _make_key(operator / "sign.pem")
    with (operator / "job.toml").open("a", encoding="utf-8") as job:
        job.write(f'[output]\nsign = {{ command = ["cat", "{operator / "sign.pem"}"] }}\n')
    assert cardscreen("upgrade", "job.toml", cwd=operator).code == 0
    assert run(operator, THIRD).code == 4
    (operator / "sign.pem").chmod(0o640)
    done = cardscreen("audit", "job.toml", "--key", "sign.pem", cwd=operator)
    assert (done.code, "can be read by others" in done.err) == (2, True)


def test_a_job_whose_store_is_not_there_yet_is_upgraded_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,mobile\n1,13800138000\n", encoding="utf-8")
    job = 'timezone = "UTC"\n[accounts]\npath = "accounts.csv"\n[identifiers]\n'
    job += 'mobile = { kind = "phone", region = "CN" }\n[blocklist]\nstore = "lists"\n'
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("upgrade", "job.toml", cwd=tmp_path)
    assert (done.code, "nothing to upgrade" in done.err, (tmp_path / "lists").exists()) == (0, True, False), done.err


# Beside a running night


def test_what_a_running_night_reads_is_not_vacuumed(operator: Path) -> None:
    def vacuumed(folder: Path) -> None:
        lists(operator, [*LISTED, "13900139021,2026-11-22,C-21,"], THIRD)  # another version is the newest by now
        command = ("list", "vacuum", "--store", "lists", "--runs", "runs", "--keep-days", 0)
        assert cardscreen(*command, cwd=operator).code == 0
        whole(folder)

    whole = runs.settle
    with mock.patch("cardscreen.runs.folder.settle", vacuumed):
        assert run(operator, THIRD).code == 4
    passed, said = audit(operator, held(operator)[-1], "--replay")
    assert passed, said
    assert not (operator / "lists/.leases").exists()


def test_a_lease_that_a_killed_night_has_left_does_not_hold_for_ever(operator: Path) -> None:
    store = Store(operator / "lists")
    with store.leased(0):
        assert store.leases() == {0}
        (lease,) = (operator / "lists/.leases").iterdir()
        os.utime(lease, (0, 0))
        assert store.leases() == set()
    assert store.leases() == set()


def test_a_folder_that_was_swapped_for_a_link_is_not_published(operator: Path, tmp_path: Path) -> None:
    def swapped(folder: Path) -> None:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")

    before = published(operator), held(operator)
    with mock.patch("cardscreen.runs.folder.settle", swapped):
        done = run(operator, THIRD)
    assert (done.code, "is a link by now" in done.err) == (3, True)
    assert not list((operator / "runs").glob(".staging*"))
    assert (published(operator), held(operator)) == before
