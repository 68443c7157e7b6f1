"""An audit: hashes, files that were added, copies of inputs, and a replay that must come out the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from small_operator import begin_chain, job_with, located_in, manifest, published, run, two_nights, write_manifest

from cardscreen.runs.manifest import fingerprint, write_json


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


@pytest.fixture
def operator(template: Path, tmp_path: Path) -> Path:
    """A copy whose runs name their inputs where the copy has them."""
    shutil.copytree(template, tmp_path / "o", symlinks=True)
    located_in(tmp_path / "o", template, str(tmp_path / "o"))
    return tmp_path / "o"


def audit(folder: Path, *more: str, run: str | Path = "runs") -> dict[str, Any]:
    done = cardscreen("audit", run, "--json", *more, cwd=folder)
    told: dict[str, Any] = json.loads(done.out)
    assert done.code == (0 if told["passed"] else 3)
    return told


def test_a_run_that_nobody_touched_passes(template: Path) -> None:
    done = cardscreen("audit", "runs", cwd=template)
    assert (done.code, done.out.splitlines()[-1]) == (0, "passed")
    assert "all are as they were written" in done.out


def test_a_run_of_a_release_that_told_no_digests_of_tables_is_shown_audited_and_replayed(operator: Path) -> None:
    newest = published(operator)[-1]
    told = manifest(newest)
    write_manifest(newest, {name: said for name, said in told.items() if name not in ("tables", "listings_sha256")})
    assert told.keys() > manifest(newest).keys()
    assert cardscreen("runs", "show", "runs", cwd=operator).code == 0
    assert audit(operator, "--replay")["passed"]


def test_a_run_of_a_release_whose_notices_had_fewer_columns_passes_its_replay(operator: Path) -> None:
    newest = published(operator)[-1]
    told = manifest(newest)
    del told["summary"]["changes"]["limits"], told["summary"]["listed_by"], told["lang"]
    write_json(newest / "summary.json", {"run_id": told["run_id"], **told["summary"]})
    told["outputs"]["summary.json"] = fingerprint(str(newest / "summary.json"), named=False)
    for file in (*newest.glob("notices/*.csv"), *newest.glob("actions/*.csv")):
        pl.read_csv(file, infer_schema=False).drop("identifier", "value").write_csv(file)
        told["outputs"][str(file.relative_to(newest))] = fingerprint(str(file), named=False)
    write_manifest(newest, told)
    done = audit(operator, "--replay")
    assert done["passed"], done
    assert done["replay"]["notices/suspend.csv"] == "same rows"


def test_an_input_that_is_gone_is_told_in_the_verdict(operator: Path) -> None:
    (operator / "accounts.parquet").unlink()
    done = cardscreen("audit", "runs", cwd=operator)
    assert (done.code, done.out.splitlines()[-1]) == (0, "passed; 1 input is not there any more as read")


def test_a_replay_of_each_night_gives_the_same_bytes(template: Path) -> None:
    for folder in published(template):
        told = audit(template, "--replay", run=folder)
        assert told["passed"], told
        assert {"flagged.parquet", "hits.parquet", "changes.parquet", "actions/release.csv"} < set(told["replay"])
        assert set(told["replay"].values()) == {"same"}


def test_a_replay_leaves_nothing_and_publishes_nothing(template: Path) -> None:
    before = sorted(template.rglob("*"))
    assert audit(template, "--replay")["passed"]
    assert sorted(template.rglob("*")) == before


def test_a_night_that_superseded_another_and_the_superseded_one_are_replayed(operator: Path) -> None:
    assert run(operator, "2026-11-21").code == 0
    first, second, third = published(operator)
    assert manifest(third)["compared"] == {"base": first.name, "supersedes": second.name}
    for folder in (second, third):
        assert audit(operator, "--replay", run=folder)["passed"]


def test_an_audit_run_is_replayed(operator: Path) -> None:
    assert run(operator, "2026-11-10").code == 0
    newest = published(operator)[-1]
    assert manifest(newest)["audit"]
    assert audit(operator, "--replay", run=newest)["passed"]


def test_a_replay_sees_the_lists_of_then_although_the_store_went_on(operator: Path) -> None:
    (operator / "police.csv").write_text("number,listed,case,why\n13900139030,,C-9,\n", encoding="utf-8")
    done = cardscreen(
        *("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2026-11-22"),
        "--allow", "shrink", cwd=operator,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert audit(operator, "--replay")["passed"]


def test_a_replay_judges_by_the_policy_and_clearances_of_then(operator: Path) -> None:
    (operator / "policy.toml").write_text('[actions]\ncritical = "close"\n', encoding="utf-8")
    (operator / "clearances.csv").unlink()
    (operator / "job.toml").write_text("not a job", encoding="utf-8")
    assert audit(operator, "--replay")["passed"]


def _append(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / name).open("ab") as file:
            file.write(b"x")

    return change


def _without(key: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        told = {name: said for name, said in manifest(folder).items() if name != key}
        write_manifest(folder, told)

    return change


def _other_job(folder: Path) -> None:
    told = manifest(folder)
    told["inputs"]["job"]["sha256"] = "0" * 64
    write_manifest(folder, told)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(_append("flagged.parquet"), "flagged.parquet was changed", id="table"),
        pytest.param(_append("notices/suspend.csv"), "notices/suspend.csv was changed", id="notice"),
        pytest.param(_append("inputs/policy.toml"), "inputs/policy.toml was changed", id="copy-of-an-input"),
        pytest.param(_append("note.txt"), "note.txt was added", id="added"),
        pytest.param(_append(".hidden"), ".hidden was added", id="added-hidden"),
        pytest.param(lambda run: (run / "hits.parquet").unlink(), "hits.parquet is gone", id="gone"),
        pytest.param(_without("approvals"), "the manifest lacks approvals", id="manifest-incomplete"),
        pytest.param(_without("outputs"), "the manifest lacks outputs", id="manifest-without-outputs"),
        pytest.param(_other_job, "inputs/job.toml is no copy of the job that was read", id="other-job"),
    ],
)
def test_a_run_that_is_not_as_written_fails(operator: Path, change: Callable[[Path], None], words: str) -> None:
    change((operator / "runs/latest").resolve())
    told = audit(operator)
    assert (told["passed"], words in "; ".join(told["faults"])) == (False, True), told
    done = cardscreen("audit", "runs", cwd=operator)
    assert (done.code, words in done.out, done.out.splitlines()[-1]) == (3, True, "NOT passed")


def test_a_run_under_another_name_fails(operator: Path) -> None:
    shutil.copytree((operator / "runs/latest").resolve(), operator / "runs/20991231T000000Z")
    told = audit(operator, run="runs/20991231T000000Z")
    assert "run 20991231T000000Z is not in" in told["faults"][0]
    begin_chain(operator / "runs")
    told = audit(operator, run="runs/20991231T000000Z")
    assert "the manifest is that of run 2" in told["faults"][0]


def test_inputs_that_changed_since_are_a_note_and_an_obstacle_to_a_replay(operator: Path) -> None:
    pl.DataFrame({"account_id": [1]}).write_parquet(operator / "accounts.parquet")
    told = audit(operator)
    assert told["passed"]
    assert any("accounts.parquet has changed since" in note for note in told["notes"])
    told = audit(operator, "--replay")
    assert (told["passed"], "accounts.parquet has changed since" in told["obstacle"]) == (False, True)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        pytest.param("accounts.parquet", "accounts.parquet is gone", id="accounts"),
        pytest.param("lists", "lists", id="store"),
    ],
)
def test_a_replay_says_what_is_gone(operator: Path, gone: str, words: str) -> None:
    target = operator / gone
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    told = audit(operator, "--replay")
    assert (told["passed"], words in told["obstacle"]) == (False, True), told


def test_a_part_that_was_added_to_the_accounts_is_an_obstacle(operator: Path) -> None:
    (operator / "accounts").mkdir()
    accounts = pl.read_parquet(operator / "accounts.parquet")
    accounts.write_parquet(operator / "accounts/1.parquet")
    job_with(operator, "accounts.parquet", "accounts/*.parquet")
    assert run(operator, "2026-11-22").code == 0
    accounts.with_columns(pl.col("account_id") + 100).write_parquet(operator / "accounts/2.parquet")
    told = audit(operator, "--replay")
    assert (told["passed"], "accounts/2.parquet was added since" in told["obstacle"]) == (False, True)


def test_a_replay_says_that_the_base_is_gone(operator: Path) -> None:
    shutil.rmtree(published(operator)[0])
    assert "is gone" in audit(operator)["faults"][0]
    told = audit(operator, "--replay", run="runs/latest")
    assert (told["passed"], "with which it was compared, is gone" in told["obstacle"]) == (False, True)


def test_rows_that_do_not_come_out_again_are_counted(operator: Path) -> None:
    latest = (operator / "runs/latest").resolve()
    flagged = pl.read_parquet(latest / "flagged.parquet")
    flagged.filter(pl.col("account_id") != 1).write_parquet(latest / "flagged.parquet")
    told = manifest(latest)
    told["outputs"]["flagged.parquet"] = fingerprint(str(latest / "flagged.parquet"), named=False)
    write_manifest(latest, told)
    report = audit(operator, "--replay")
    assert not report["passed"]
    assert report["replay"]["flagged.parquet"] == "rows only in the run: 0, only in the replay: 1"
    assert report["replay"]["hits.parquet"] == "same"


def test_the_same_rows_in_other_bytes_pass_and_are_told(operator: Path) -> None:
    latest = (operator / "runs/latest").resolve()
    pl.read_parquet(latest / "hits.parquet").write_parquet(latest / "hits.parquet", compression="snappy")
    told = manifest(latest)
    told["outputs"]["hits.parquet"] = fingerprint(str(latest / "hits.parquet"), named=False)
    write_manifest(latest, told)
    report = audit(operator, "--replay")
    assert (report["passed"], report["replay"]["hits.parquet"]) == (True, "same rows")


def test_versions_that_differ_are_told_after_a_replay(operator: Path) -> None:
    latest = (operator / "runs/latest").resolve()
    told = manifest(latest)
    told["versions"]["phonenumbers"] = "8.0.0"
    write_manifest(latest, told)
    report = audit(operator, "--replay")
    assert report["versions"] == [
        f"phonenumbers was 8.0.0 and is {manifest(published(operator)[0])['versions']['phonenumbers']}"
    ]


def test_a_folder_that_is_no_run_can_not_be_audited(template: Path, tmp_path: Path) -> None:
    done = cardscreen("audit", tmp_path, cwd=template)
    assert (done.code, "holds no published run" in done.err) == (3, True)
    done = cardscreen("audit", "lists", cwd=template)
    assert (done.code, "is a store of listings" in done.err) == (2, True)
