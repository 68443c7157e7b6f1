"""A held run that is approved days later: grace runs from the approval, and not from the run's day."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import Done, cardscreen
from small_operator import LISTED, held, job_with, lists, manifest, on_day, published, run, two_nights, write_manifest

WHO = ("--by", "A. Li", "--reason", "expected")
THIRD = "2026-11-22"
NEW = "13900139020,2026-11-22,C-20,"
TOLD_BEFORE = "13800138009,2026-11-21,C-9,"
#: Of the third night: an account that is newly told to be suspended, one that is told to be notified, one told before.
SUSPENDED, NOTIFIED, BEFORE = "20", "21", "9"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights, and a third that is held: 20 and 21 are new."""
    folder = two_nights(tmp_path_factory.mktemp("operator"))
    job_with(folder, "new_suspend = 1", "new_suspend = 0.01")
    pl.read_parquet(folder / "accounts.parquet").with_columns(
        segment=pl.when(account_id=21).then(pl.lit("hospital")).otherwise("segment")
    ).write_parquet(folder / "accounts.parquet")
    rows = [*LISTED[:1], *LISTED[2:], TOLD_BEFORE, NEW, "13900139021,2026-11-22,C-21,"]
    lists(folder, rows, THIRD)
    assert run(folder, THIRD).code == 4
    told = manifest(held(folder)[0])
    write_manifest(held(folder)[0], told | {"ended": "2026-11-22T18:00:00+00:00"})
    return folder


@pytest.fixture
def operator(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "o", symlinks=True)
    return tmp_path / "o"


def approve(operator: Path, instant: str, *more: str) -> Done:
    with on_day(instant):
        return cardscreen("runs", "approve", held(operator)[0], *WHO, *more, cwd=operator)


def rows(folder: Path, name: str) -> dict[str, dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return {row["account_id"]: row for row in csv.DictReader(file)}


def due(folder: Path, table: str) -> dict[str, date]:
    flags = pl.read_parquet(folder / f"{table}.parquet").select(pl.col("account_id").cast(pl.String), "act_on")
    return dict(flags.iter_rows())


def test_grace_runs_from_the_approval_in_every_file_that_says_a_day(operator: Path) -> None:
    waiting = held(operator)[0]
    before = {table: due(waiting, table) for table in ("changes", "flagged")}
    keys = {name: rows(waiting, name) for name in ("notices/suspend.csv", "notices/notify.csv", "actions/notify.csv")}
    done = approve(operator, "2026-11-24T17:00:00")  # the 25th in Shanghai
    assert done.code == 0, done.err
    assert "2 accounts newly told: days of grace begin on 2026-11-25, not on 2026-11-22" in done.err
    folder = published(operator)[-1]
    for table, days in before.items():
        moved = {SUSPENDED: date(2026, 11, 28), NOTIFIED: date(2026, 11, 25)}
        assert due(folder, table) == {**days, **moved}
    for name, then in keys.items():
        now = rows(folder, name)
        assert now.keys() == then.keys()
        for account, row in now.items():
            changed = {column for column in row if row[column] != then[account][column]}
            assert changed == {"act_on", "key"}
            assert row["act_on"] == str({SUSPENDED: date(2026, 11, 28), NOTIFIED: date(2026, 11, 25)}[account])
    assert rows(folder, "actions/suspend.csv") == {}


def test_what_was_told_on_an_earlier_night_keeps_its_day(operator: Path) -> None:
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    folder = published(operator)[-1]
    assert due(folder, "changes")[BEFORE] == due(folder, "flagged")[BEFORE] == date(2026, 11, 24)


def test_the_manifest_tells_the_new_days_and_an_audit_finds_all_as_written(operator: Path) -> None:
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    folder = published(operator)[-1]
    (approval,) = manifest(folder)["approvals"]
    assert approval["redated"] == {"to": "2026-11-24", "accounts": 2}
    done = cardscreen("audit", folder, "--replay", "--json", cwd=operator)
    assert (done.code, set(json.loads(done.out)["replay"].values())) == (0, {"same"})
    shown = cardscreen("runs", "show", folder, cwd=operator).out
    assert "days of grace begin on 2026-11-24 (2 accounts)" in shown
    assert "due on 2026-11-27" in cardscreen("explain", SUSPENDED, "--run", folder, cwd=operator).out


def test_the_next_nights_go_on_from_the_new_days(operator: Path) -> None:
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    for day, acts in (("2026-11-25", False), ("2026-11-26", False), ("2026-11-27", True)):
        assert run(operator, day).code == 0
        folder = published(operator)[-1]
        assert due(folder, "flagged")[SUSPENDED] == date(2026, 11, 27)
        assert (SUSPENDED in rows(folder, "actions/suspend.csv")) is acts
        assert SUSPENDED not in rows(folder, "notices/suspend.csv")


def test_a_run_that_supersedes_it_says_the_same_days_under_the_same_keys(operator: Path) -> None:
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    approved = published(operator)[-1]
    job_with(operator, "new_suspend = 0.01", "new_suspend = 1")
    assert run(operator, THIRD).code == 0
    again = published(operator)[-1]
    assert manifest(again)["compared"]["supersedes"] == approved.name
    for table in ("changes", "flagged"):
        assert due(again, table) == due(approved, table)
    for name in ("notices/suspend.csv", "notices/notify.csv"):
        told = [{account: row["key"] for account, row in rows(each, name).items()} for each in (approved, again)]
        assert told[0] == told[1] != {}
    assert cardscreen("audit", again, "--replay", cwd=operator).code == 0


def test_what_a_superseded_run_has_told_already_keeps_its_day(operator: Path) -> None:
    assert cardscreen("runs", "discard", held(operator)[0], *WHO, cwd=operator).code == 0
    shutil.rmtree(held(operator)[0])
    job_with(operator, "new_suspend = 0.01", "new_suspend = 1")
    assert run(operator, THIRD).code == 0  # tells 20 and 21
    job_with(operator, "new_suspend = 1", "new_suspend = 0")
    lists(operator, [*LISTED[:1], *LISTED[2:], TOLD_BEFORE, NEW, "13900139022,2026-11-22,C-22,"], THIRD)
    assert run(operator, THIRD).code == 4
    waiting = held(operator)[0]
    write_manifest(waiting, manifest(waiting) | {"ended": "2026-11-22T18:00:00+00:00"})
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    days = due(published(operator)[-1], "changes")
    assert (days[SUSPENDED], days["22"]) == (date(2026, 11, 25), date(2026, 11, 27))


def unchanged(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether an approval has changed no file but the page, which says who approved."""
    page, other = before.pop("report.html"), after.pop("report.html")
    return page != other and before == after


def test_an_approval_on_the_day_of_the_run_or_before_it_changes_no_day(operator: Path) -> None:
    before = manifest(held(operator)[0])["outputs"]
    done = approve(operator, "2026-11-21T12:00:00")
    assert (done.code, "grace" in done.err) == (0, False)
    assert unchanged(before, manifest(published(operator)[-1])["outputs"])


@pytest.mark.parametrize("at", ["redate", "publish", "settle"])
def test_an_approval_that_was_killed_leaves_the_held_run_as_it_was(operator: Path, at: str) -> None:
    waiting = held(operator)[0]
    before = {file: file.read_bytes() for file in sorted(waiting.rglob("*")) if file.is_file()}
    with (
        mock.patch("cardscreen.runs.folder.shutil.rmtree"),  # whoever is killed tidies nothing up
        mock.patch(f"cardscreen.review.decisions.held.{at}", side_effect=KeyboardInterrupt),
    ):
        assert approve(operator, "2026-11-24T12:00:00").code != 0
    assert {file: file.read_bytes() for file in sorted(waiting.rglob("*")) if file.is_file()} == before
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    assert [each.name for each in (operator / "runs").glob(".staging*")] == []
    assert held(operator) == []
    assert cardscreen("audit", "runs", cwd=operator).code == 0


def test_an_approval_that_was_killed_after_publishing_is_one_run_and_not_two(operator: Path) -> None:
    with mock.patch("cardscreen.review.decisions.held.tidy"):
        assert approve(operator, "2026-11-24T12:00:00").code == 0
    assert len(held(operator)) == 1
    told: list[dict[str, Any]] = json.loads(cardscreen("runs", "list", "runs", "--json", cwd=operator).out)
    assert [each["state"] for each in told] == ["published", "published", "latest"]
    done = approve(operator, "2026-11-24T12:00:00")
    assert (done.code, "published already" in done.err) == (2, True)
    assert run(operator, "2026-11-25").code == 0
    assert held(operator) == []


def test_an_old_run_is_approved_only_where_that_is_said(operator: Path) -> None:
    done = approve(operator, "2026-11-27T01:00:00")
    assert done.code == 3
    assert "was made on 2026-11-23, 4 days ago (limit approve_within_days = 3)" in done.err
    assert len(held(operator)) == 1
    assert approve(operator, "2026-11-27T01:00:00", "--late").code == 0
    assert manifest(published(operator)[-1])["approvals"][0]["late"]


def test_the_job_says_how_long_a_run_may_wait(operator: Path) -> None:
    job_with(operator, "new_suspend = 0.01", "new_suspend = 0.01\napprove_within_days = 0")
    assert run(operator, THIRD).code == 4
    first, second = held(operator)
    shutil.rmtree(first)
    told = manifest(second)
    assert told["limits"]["approve_within_days"] == 0
    write_manifest(second, told | {"ended": "2026-11-22T18:00:00+00:00"})
    assert approve(operator, "2026-11-23T18:00:00").code == 3
    assert approve(operator, "2026-11-23T12:00:00").code == 0  # still the 23rd in Shanghai


def test_an_audit_run_tells_nobody_and_so_moves_no_day(operator: Path) -> None:
    shutil.rmtree(held(operator)[0])
    job_with(operator, "flagged_share = 1", "flagged_share = 0")
    assert run(operator, "2026-11-10").code == 4
    waiting = held(operator)[0]
    write_manifest(waiting, manifest(waiting) | {"ended": "2026-11-22T18:00:00+00:00"})
    before = manifest(waiting)["outputs"]
    assert approve(operator, "2026-11-24T12:00:00").code == 0
    assert unchanged(before, manifest(published(operator)[-1])["outputs"])
