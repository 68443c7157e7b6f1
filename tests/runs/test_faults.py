"""What goes wrong at night: whatever it is, `latest` stays the last good run, and one sentence says what happened."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import polars as pl
import pytest
from commands import cardscreen, unmeasured
from nights import JOB, Operator, account, day, listing, phone
from small_operator import begin_chain, write_manifest

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.runs import folder as runs
from cardscreen.runs.job import Job
from cardscreen.runs.night import run_job

ONE, FREE = phone(1), phone(99)
MINE = [account("a", ONE), account("b", FREE)]
LISTED = [listing(ONE)]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator with one good night behind."""
    operator = Operator(tmp_path)
    operator.night(1, MINE, LISTED)
    return operator


def untouched(operator: Operator) -> bool:
    """Whether the first night's run is the only one, is latest, and nothing half-done lies beside it."""
    output = operator.folder / "runs"
    (run,) = operator.published()
    return (output / "latest").readlink() == Path(run.name) and list(output.glob(".staging*")) == []


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    return fail


# Interrupted


@pytest.mark.parametrize("stage", range(6))
@pytest.mark.parametrize("ended", [KeyboardInterrupt(), SystemExit(143), MemoryError()])
def test_a_run_that_is_ended_at_any_stage_leaves_nothing(operator: Operator, stage: int, ended: BaseException) -> None:
    told: list[str] = []

    def tell(name: str) -> None:
        told.append(name)
        if len(told) > stage:
            raise ended

    with pytest.raises(type(ended)):
        operator.run(2, tell=tell)
    assert untouched(operator)
    assert len(told) == stage + 1


def test_the_stages_are_told_in_order(operator: Operator) -> None:
    told: list[str] = []
    operator.run(2, tell=told.append)
    assert told == [
        "reading the lists",
        "screening the accounts",
        "comparing with the night before",
        "writing notices and actions",
        "writing the manifest",
        "writing the report",
        "publishing",
    ]


def test_a_run_that_was_published_before_it_could_be_latest_is_so_at_the_next_start(operator: Operator) -> None:
    stops = mock.patch("cardscreen.runs.folder.point_latest", side_effect=[None, KeyboardInterrupt()])
    with stops, pytest.raises(KeyboardInterrupt):
        operator.run(2)
    assert len(operator.published()) == 2
    third = operator.run(3)
    assert third.folder is not None
    compared = json.loads((third.folder / "manifest.json").read_text(encoding="utf-8"))["compared"]
    assert compared["base"] == operator.published()[1].name


@pytest.mark.parametrize("fails", ["point_latest", "_settle"])
def test_a_run_is_published_although_what_comes_behind_that_fails(operator: Operator, fails: str) -> None:
    broken = OSError(errno.EIO, "Input/output error")
    whole = getattr(runs, fails)

    def fail(place: Path) -> None:
        if len(operator.published()) == 2:  # once the run can be seen
            raise broken
        whole(place)

    with mock.patch(f"cardscreen.runs.folder.{fails}", fail), pytest.warns(UserWarning, match="is complete in .* but"):
        second = operator.run(2)
    assert second.folder is not None
    assert (second.folder, second.held) == (operator.published()[1], [])
    third = operator.run(3)
    assert third.folder is not None
    assert (operator.folder / "runs/latest").resolve() == third.folder
    told = json.loads((third.folder / "manifest.json").read_text(encoding="utf-8"))
    assert told["compared"]["base"] == second.folder.name


# A full disk


@pytest.mark.parametrize("place", ["screened", "write_files", "write_records", "compare"])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="no-space"),
        pytest.param(OSError(errno.EDQUOT, "Disk quota exceeded"), id="quota"),
        pytest.param(pl.exceptions.ComputeError("sink: No space left on device (os error 28)"), id="engine"),
    ],
)
def test_a_full_disk_is_told_in_one_sentence(operator: Operator, place: str, error: Exception) -> None:
    with (
        mock.patch(f"cardscreen.runs.night.{place}", raising(error)),
        pytest.raises(InputError, match="no space left in"),
    ):
        operator.run(2)
    assert untouched(operator)


def test_a_full_disk_is_recognised_behind_another_error(operator: Operator) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            raise InputError("the accounts can't be read") from None

    with mock.patch("cardscreen.runs.engines.answer", fail), pytest.raises(InputError, match="no space left in"):
        operator.run(2)


def test_another_error_is_not_taken_for_a_full_disk(operator: Operator) -> None:
    denied = raising(PermissionError(errno.EACCES, "Permission denied"))
    with mock.patch("cardscreen.runs.night.write_files", denied), pytest.raises(PermissionError):
        operator.run(2)
    assert untouched(operator)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_write_that_really_fails_is_told_so(operator: Operator) -> None:
    def write(file: Path, content: Any) -> None:
        with Path("/dev/full").open("w", encoding="utf-8") as stream:
            json.dump(content, stream)

    with mock.patch("cardscreen.runs.manifest.write_json", write), pytest.raises(InputError, match="no space left in"):
        operator.run(2)
    assert untouched(operator)


# Inputs


def changing(operator: Operator, change: Callable[[Path], Any]) -> Callable[..., Any]:
    from cardscreen.screening.screen import answer

    def screened(*arguments: Any) -> Any:
        result = answer(*arguments)
        change(operator.folder / "accounts.csv")
        return result

    return screened


def rewritten(file: Path) -> None:
    """Another content of the same size, with the time of before."""
    before = file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda file: file.write_text("x"), "changed while they were read", id="cut"),
        pytest.param(lambda file: file.unlink(), "there is no file", id="gone"),
        pytest.param(lambda file: os.utime(file, (1, 1)), "changed while they were read", id="touched"),
        pytest.param(lambda file: rewritten(file), "changed while they were read", id="same-size-and-time"),
    ],
)
def test_an_input_that_changes_while_it_is_read_is_refused(
    operator: Operator, change: Callable[[Path], Any], words: str
) -> None:
    with (
        mock.patch("cardscreen.runs.engines.answer", changing(operator, change)),
        pytest.raises(InputError, match=words),
    ):
        operator.run(2)
    assert untouched(operator)


def test_a_clearance_file_that_changes_meanwhile_is_refused(operator: Operator) -> None:
    def change(_: Path) -> None:
        operator.clear(f"a,,{day(1)},", f"b,,{day(1)},")

    with (
        mock.patch("cardscreen.runs.engines.answer", changing(operator, change)),
        pytest.raises(InputError, match="changed"),
    ):
        operator.run(2)


@pytest.mark.parametrize("cut", [0, 1])
def test_a_part_file_that_can_not_be_read_is_named(operator: Operator, cut: int) -> None:
    parts = operator.folder / "accounts"
    parts.mkdir()
    for number in range(2):
        pl.DataFrame(MINE).write_parquet(parts / f"{number}.parquet")
    whole = (parts / f"{cut}.parquet").read_bytes()
    (parts / f"{cut}.parquet").write_bytes(whole[: len(whole) // 2])
    operator.say(JOB.replace("accounts.csv", "accounts/*.parquet"))
    with pytest.raises(InputError, match=rf"{cut}\.parquet can't be read"):
        operator.run(2)
    assert untouched(operator)


# The clock


def test_a_clock_that_went_back_by_days_is_no_reason_to_look_back(operator: Operator) -> None:
    with mock.patch.object(Job, "today", return_value=day(0)), pytest.raises(InputError, match=r"--as-of 2026-11-01"):
        run_job(Job.read(operator.folder / "job.toml"))
    assert untouched(operator)


def test_a_clock_before_the_newest_run_stops_the_night(operator: Operator) -> None:
    output = operator.folder / "runs"
    output.joinpath(operator.published()[0].name).rename(output / "29990101T000000Z")
    begin_chain(output)
    runs.tidy(output, None)
    with pytest.raises(InputError, match="set the clock right"):
        run_job(Job.read(operator.folder / "job.toml"), as_of=day(2), allow_future=True)
    assert untouched(operator)


def test_two_runs_within_a_second_have_different_names(tmp_path: Path) -> None:
    first = runs.new_id(tmp_path)
    (tmp_path / first).mkdir()
    (tmp_path / first / "manifest.json").touch()
    assert runs.new_id(tmp_path) > first


# What can be compared


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param('card_no = { kind = "card" }', "", "identifiers.card_no is not there", id="one-less"),
        pytest.param('region = "CN"', 'region = "HK"', "identifiers.mobile is", id="another-region"),
        pytest.param(
            'path = "accounts.csv"', 'path = "accounts.csv"\nid = "segment"', "the account id's column", id="id"
        ),
    ],
)
def test_runs_of_other_identifiers_are_compared_only_if_that_is_said(
    operator: Operator, old: str, new: str, words: str
) -> None:
    job = JOB.replace(old, new)
    operator.say(job.replace('carry = ["segment"]', "") if "id =" in new else job)
    job_rules = (operator.folder / "job.toml").read_text(encoding="utf-8")
    operator.say(job_rules.replace('{ when = { "account.segment" = "hospital" }, cap = "none" },', ""))
    with pytest.raises(ConfigError, match=words):
        operator.run(2)
    assert untouched(operator)
    assert operator.run(2, allow_changed_identifiers=True).folder is not None
    assert len(operator.published()) == 2


def test_a_second_run_of_the_first_day_is_held_against_the_first_too(operator: Operator) -> None:
    operator.say(JOB.replace('region = "CN"', 'region = "HK"'))
    with pytest.raises(ConfigError, match="identifiers.mobile is"):
        operator.run(1)


def test_account_ids_that_can_not_be_told_in_tonights_type_are_never_given_up(operator: Operator) -> None:
    frame = pl.DataFrame(MINE).with_columns(account_id=pl.Series([1, 2]))
    frame.write_parquet(operator.folder / "accounts.parquet")
    operator.say(JOB.replace("accounts.csv", "accounts.parquet"))
    with pytest.raises(ConfigError, match="1 account ids of an earlier run can't be told as Int64"):
        operator.run(2, allow_changed_identifiers=True)


@pytest.mark.parametrize(
    ("were", "are", "told"),
    [
        pytest.param(["7", "x"], [8, 9], [7, None], id="text-that-are-numbers-now"),
        pytest.param([7, 8], ["x", "y"], ["7", "8"], id="numbers-that-are-text-now"),
        pytest.param([7, 20_000], [date(2026, 1, 1)] * 2, [None, None], id="numbers-that-are-days-now"),
        pytest.param([date(2026, 1, 1)] * 2, ["x", "y"], ["2026-01-01"] * 2, id="days-that-are-text-now"),
    ],
)
def test_carried_columns_of_another_type_are_told_in_tonights_as_far_as_they_can_be(
    tmp_path: Path, were: list[Any], are: list[Any], told: list[Any]
) -> None:
    operator = Operator(tmp_path)
    operator.write([], [listing(ONE), listing(phone(2))])
    operator.say(JOB.replace("accounts.csv", "accounts.parquet").replace('{ when = { "account.segment"', "#"))
    for night, (names, segments) in enumerate([("ab", were), ("cd", are)], 1):
        accounts = pl.DataFrame([account(names[0], ONE), account(names[1], phone(2))])
        accounts.with_columns(segment=pl.Series(segments)).write_parquet(tmp_path / "accounts.parquet")
        operator.run(night)
    changes = pl.read_parquet(operator.published()[-1] / "changes.parquet")
    gone = changes.filter(pl.col("account_id").is_in(["a", "b"])).sort("account_id")
    assert gone["segment"].to_list() == told


def test_account_ids_that_became_numbers_are_another_key(operator: Operator) -> None:
    frame = pl.DataFrame(MINE).with_columns(account_id=pl.Series([1, 2]))
    frame.write_parquet(operator.folder / "accounts.parquet")
    operator.say(JOB.replace("accounts.csv", "accounts.parquet"))
    with pytest.raises(ConfigError, match="the account id's type is Int64 and was String"):
        operator.run(2)


def test_a_run_of_an_older_version_is_a_base_all_the_same(operator: Operator) -> None:
    (run,) = operator.published()
    for name in ("changes.parquet", "carried.parquet"):
        (run / name).unlink()
    records = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    for name in ("audit", "compared", "identifiers", "account_key", "policy"):
        del records[name]
    for name in ("changes.parquet", "carried.parquet"):
        del records["outputs"][name]
    write_manifest(run, records)
    assert operator.night(2, MINE, LISTED).change("a") == ("unchanged", None, "suspend", "suspend")
    assert operator.night(2, MINE, []).change("a") == ("released", "listing_ended", "suspend", "none")


def test_a_run_says_what_it_was_compared_with_and_what_is_new_about_it(operator: Operator) -> None:
    operator.say(JOB.replace("low = 5", "low = 6"))
    with mock.patch("cardscreen.screening.screen.versions", return_value={"cardscreen": "9"}):
        night = operator.night(2, MINE, LISTED)
    told = night.manifest["summary"]["changes"]
    assert (told["base"], told["policy_changed"]) == (operator.published()[0].name, True)
    assert told["software"]["cardscreen"][1] == "9"
    assert any("policy" in warning for warning in night.run.warnings)
    assert any(warning.startswith("cardscreen is 9") for warning in night.run.warnings)
    assert night.manifest["identifiers"]["card_no"] == {"kind": "card"}
    assert night.manifest["account_key"] == {"column": "account_id", "type": "String"}


# Held


def test_what_only_other_software_changed_is_held(operator: Operator) -> None:
    with mock.patch("cardscreen.screening.screen.versions", return_value={"phonenumbers": "9"}):
        night = operator.night(2, [account("a", FREE), account("b", ONE)], LISTED)
    (reason,) = night.run.held
    assert "1 accounts would newly be told to be suspended or closed and 1 released" in reason
    assert "phonenumbers" in reason
    assert night.folder.parent.name == ".held"
    assert untouched(operator)
    assert {"notices", "actions", "changes.parquet"} <= {file.name for file in night.folder.iterdir()}


def test_other_software_that_changes_nothing_holds_nothing(operator: Operator) -> None:
    with mock.patch("cardscreen.screening.screen.versions", return_value={"phonenumbers": "9"}):
        assert operator.night(2, MINE, LISTED).run.held == []


@pytest.mark.parametrize(
    ("limit", "accounts", "listings", "words"),
    [
        pytest.param("released_share", MINE, [], "released_share: 100.00 % of those flagged before", id="released"),
        pytest.param("accounts_shrink", MINE[:1], LISTED, "accounts_shrink: 50.00 % fewer rows", id="shrink"),
        pytest.param("accounts_grow", MINE * 2, LISTED, "accounts_grow: 100.00 % more rows", id="grow"),
        pytest.param(
            "coverage_drop", [MINE[0], account("b", "")], LISTED, "coverage_drop: 50.00 % points", id="coverage"
        ),
        pytest.param(
            "new_suspend",
            MINE,
            [*LISTED, listing(FREE, listing_id="X")],
            "new_suspend: 50.00 % of the rows",
            id="suspend",
        ),
    ],
)
def test_a_limit_against_the_base_holds_the_run(
    operator: Operator, limit: str, accounts: list[Any], listings: list[Any], words: str
) -> None:
    lines = [f"{limit} = 0.01" if line.startswith(limit) else line for line in JOB.splitlines()]
    operator.say("\n".join(lines))
    night = operator.night(2, accounts, listings)
    assert [reason.startswith(words) for reason in night.run.held] == [True]
    assert night.manifest["held"] == night.run.held
    assert untouched(operator)


def test_released_flags_are_measured_by_those_that_stood_not_by_those_that_are_new(operator: Operator) -> None:
    operator.say(JOB.replace("released_share = 1", "released_share = 0.2"))
    everybody = [*MINE, *(account(f"n{number}", phone(number)) for number in range(10, 20))]
    stood, then = ([*LISTED, *map(listing, map(phone, some))] for some in (range(10, 13), range(11, 20)))
    operator.night(2, everybody, stood)
    night = operator.night(3, everybody, then)
    assert night.run.held == ["released_share: 25.00 % of those flagged before would be released (limit 20.00 %)"]


def test_carried_flags_do_not_count_as_released(operator: Operator) -> None:
    operator.say(JOB.replace("released_share = 1", "released_share = 0"))
    assert operator.night(2, MINE[1:], LISTED).run.held == []


def test_undoing_what_only_a_superseded_run_said_is_never_held(operator: Operator) -> None:
    operator.night(2, MINE, [*LISTED, listing(FREE, listing_id="X")])
    operator.say(JOB.replace("released_share = 1", "released_share = 0"))
    right = operator.night(2, MINE, LISTED)
    assert (right.change("b")[0], right.run.held) == ("released", [])


def test_a_held_run_prints_what_it_would_change(operator: Operator) -> None:
    operator.say(JOB.replace("new_suspend = 1", "new_suspend = 0"))
    operator.write(MINE, [*LISTED, listing(FREE, listing_id="X", source="bank")])
    with mock.patch("cardscreen.runs.folder.new_id", return_value="20261202T000000Z"):
        done = cardscreen("run", "job.toml", "--allow-future", "--as-of", day(2), "-q", cwd=operator.folder)
    assert (done.code, done.out) == (4, "")
    assert "new: 1 suspend" in done.err
    assert "most that is new or escalated comes from bank (1)" in done.err


def test_a_dry_run_compares_and_brakes_and_writes_nothing(operator: Operator) -> None:
    operator.write(MINE, [])
    told = operator.run(2, dry_run=True).result.summary["changes"]
    assert told["counts"] == {"released": {"suspend": 1}}
    assert untouched(operator)


def test_equal_nights_write_equal_changes(operator: Operator, tmp_path: Path) -> None:
    other = Operator(tmp_path / "other")
    other.night(1, MINE, LISTED)
    files = ["changes.parquet", "carried.parquet", "flagged.parquet", "hits.parquet"]
    first = operator.night(2, [account("b", FREE), account("c", ONE)], LISTED)
    second = other.night(2, [account("c", ONE), account("b", FREE)], LISTED)
    assert [(first.folder / name).read_bytes() == (second.folder / name).read_bytes() for name in files] == [True] * 4


def test_a_held_run_is_current_until_another_is_published(operator: Operator) -> None:
    output = operator.folder / "runs"
    operator.say(JOB.replace("released_share = 1", "released_share = 0"))
    held = operator.night(2, MINE, []).folder
    assert list(runs.held(output)) == [held]
    assert runs.is_current(output, held)
    operator.night(2, MINE, LISTED)
    assert not runs.is_current(output, held)


def test_runs_for_a_day_begin_with_the_newest_for_an_earlier_one(operator: Operator) -> None:
    for night in (3, 2, 5):
        operator.night(night, MINE, LISTED)
    output = operator.folder / "runs"
    newest = runs.newest(output, before=date(2026, 11, 6))
    assert newest == operator.published()[1]
    assert runs.is_audit(output, day(4))
    assert not runs.is_audit(output, day(5))


@pytest.mark.parametrize("limit", [2_000_000, 1_500_000])
def test_too_little_memory_is_told_before_the_pass(limit: int, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("account_id,mobile\na,13800138000\n")
    program = (
        "import resource, cardscreen as cs, polars as pl\n"
        "listed = cs.Blocklist.from_frame(pl.DataFrame({'kind': ['phone'], 'value': ['+8613800138000']}))\n"
        "cs.screen('a.csv', listed, {'mobile': cs.Phone('CN')})\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({limit} * 1024,) * 2)\n"
        "try:\n    cs.screen('a.csv', listed, {'mobile': cs.Phone('CN')})\n"
        "except cs.InputError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    told = "there is too little memory: the process's own limit (ulimit -v) allows 1,464 MiB, and screening needs 1,536"
    assert done.stdout.strip() == (told if limit < 1_536 * 1024 else ""), done.stderr


COMMAND = str(Path(sys.executable).with_name("cardscreen"))
FEED = 'source = "police"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\n'


@pytest.mark.parametrize(
    ("limits", "code", "told"),
    [
        pytest.param((16, 4096), 0, "", id="raised-by-the-process"),
        pytest.param(
            (16, 16),
            3,
            "cardscreen: too few files may be open at once (ulimit -n): 16 are allowed, and 256 are needed\n",
            id="not-to-be-raised",
        ),
    ],
)
@pytest.mark.parametrize("command", ["import police.csv --feed police.toml", "show"])
def test_too_few_open_files_are_told_before_the_engines_start(
    tmp_path: Path, limits: tuple[int, int], code: int, told: str, command: str
) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    (tmp_path / "police.csv").write_text("number\n13800138000\n")
    (tmp_path / "police.toml").write_text(FEED)
    begin = ("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists")
    assert cardscreen(*begin, cwd=tmp_path).code == 0
    program = [COMMAND, "list", *command.split(), "--store", "lists"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=100, preexec_fn=few)
    assert (done.returncode, done.stderr) == (code, told)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_that_finds_no_room_says_so(tmp_path: Path, ending: str) -> None:
    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    (tmp_path / "police.csv").write_text("number\n" + "".join(f"13800{each:06}\n" for each in range(2_000)))
    (tmp_path / "police.toml").write_text(FEED)
    done = cardscreen("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", cwd=tmp_path)
    assert done.code == 0, done.err
    out = tmp_path / f"out.{ending}"
    program, environment = [COMMAND, "list", "export", "--store", "lists", "--out", out.name], unmeasured()
    stopped = subprocess.run(
        program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, preexec_fn=little
    )
    assert (stopped.returncode, stopped.stderr) == (
        3,
        f"cardscreen: there is no space left in {out.name}, or not for a file so large: nothing was written. Make room "
        "and run again\n",
    )
    assert not list(tmp_path.glob("*out*"))


def test_memory_that_did_not_suffice_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: object) -> None:
        raise TypeError("_ArrayMemoryError.__init__() missing 1 required positional argument")

    monkeypatch.setattr("cardscreen.cli.commands.normalize.describe", hungry)
    done = cardscreen("check", "phone", "1", cwd=tmp_path)
    assert (done.code, done.err) == (
        3,
        "cardscreen: the memory that this process may have did not suffice, nothing is half-published\n",
    )
