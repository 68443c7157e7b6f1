"""A project that was moved, restored or renamed between two nights: nothing of it hangs on where it lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from small_operator import (
    FIRST,
    LISTED,
    SECOND,
    job_with,
    lists,
    located_in,
    manifest,
    project,
    published,
    run,
    write_manifest,
)

from cardscreen.lists.store.table import Store

NEW = "13800138009,2026-11-21,C-9,"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After one night, with a later version of the store that no night has read."""
    folder = tmp_path_factory.mktemp("before") / "op"
    folder.mkdir()
    project(folder)
    assert run(folder, FIRST).code == 0
    lists(folder, [*LISTED, "13900139031,2026-11-20,C-31,"], FIRST)
    return folder


@pytest.fixture
def moved(template: Path, tmp_path: Path) -> Path:
    """The project in another folder, at another depth; where it was is nothing."""
    was = tmp_path / "was/op"
    shutil.copytree(template, was, symlinks=True)
    located_in(was, template, str(was))
    now = tmp_path / "mnt/new host/project"
    now.parent.mkdir(parents=True)
    was.rename(now)
    return now


def second_night(folder: Path) -> dict[int, dict[str, Any]]:
    lists(folder, [*LISTED[:1], *LISTED[2:], NEW], SECOND)
    done = run(folder, SECOND)
    assert done.code == 0, done.err
    changes = pl.read_parquet(published(folder)[-1] / "changes.parquet")
    return {row["account_id"]: row for row in changes.to_dicts()}


def test_the_night_after_a_move_goes_on_and_tells_nobody_twice(moved: Path) -> None:
    changes = second_night(moved)
    news = {name: (row["change"], row["cause"]) for name, row in changes.items() if row["change"] != "unchanged"}
    assert news == {2: ("released", "listing_ended"), 9: ("new", "listing_added")}
    assert (published(moved)[-1] / "notices/suspend.csv").read_text(encoding="utf-8").count("\n") == 2


def test_a_number_that_is_new_to_an_account_is_no_new_listing_after_a_move(moved: Path) -> None:
    accounts = pl.read_parquet(moved / "accounts.parquet")
    swapped = pl.when(account_id=20).then(pl.lit("13800138001")).otherwise("mobile")
    accounts.with_columns(mobile=swapped).write_parquet(moved / "accounts.parquet")
    assert second_night(moved)[20]["cause"] == "identifier_changed"


@pytest.mark.parametrize("plain", ["lists.parquet", "listed/*.parquet"])
def test_plain_lists_are_known_by_what_they_hold(template: Path, tmp_path: Path, plain: str) -> None:
    was, now = tmp_path / "was", tmp_path / "now/deeper"
    shutil.copytree(template, was)
    shutil.rmtree(was / "runs")
    (was / "listed").mkdir()
    listed = {"kind": ["phone"], "value": ["+8613800138001"], "severity": [95]}
    for name in ("lists.parquet", "listed/a.parquet"):
        pl.DataFrame(listed).write_parquet(was / name)
    job_with(was, 'store = "lists"', f'paths = ["{plain}"]')
    assert run(was, FIRST).code == 0
    now.parent.mkdir()
    was.rename(now)
    accounts = pl.read_parquet(now / "accounts.parquet")
    swapped = pl.when(account_id=20).then(pl.lit("13800138001")).otherwise("mobile")
    accounts.with_columns(mobile=swapped).write_parquet(now / "accounts.parquet")
    assert run(now, SECOND).code == 0
    changes = pl.read_parquet(published(now)[-1] / "changes.parquet")
    assert changes.filter(change="new").select("account_id", "cause").rows() == [(20, "identifier_changed")]


def test_runs_of_before_the_move_are_explained_audited_and_replayed(moved: Path) -> None:
    first = published(moved)[0]
    told = cardscreen("explain", 1, "--run", first, cwd=moved)
    assert (told.code, "Law on telecom fraud" in told.out) == (0, True), told.err
    done = cardscreen("audit", first, "--replay", "--json", cwd=moved)
    report = json.loads(done.out)
    assert (done.code, report["notes"], report["obstacle"]) == (0, [], None)
    assert set(report["replay"].values()) == {"same"}
    assert cardscreen("diff", first, "--policy", "policy.toml", cwd=moved).code == 0


def test_paths_from_the_root_are_found_after_a_move_of_all_they_name(template: Path, tmp_path: Path) -> None:
    was, now = tmp_path / "data/op", tmp_path / "disk/op"
    shutil.copytree(template, was)
    shutil.rmtree(was / "runs")
    job_with(was, 'path = "accounts.parquet"', f'path = "{was}/*.parquet"')
    assert run(was, FIRST).code == 0
    now.parent.mkdir()
    was.rename(now)
    done = cardscreen("audit", "runs", "--replay", cwd=now)
    assert (done.code, done.out.splitlines()[-1]) == (0, "passed"), done.out


def _gone(now: Path) -> None:
    (now / "accounts.parquet").unlink()


def _other(now: Path) -> None:
    pl.DataFrame({"account_id": [1]}).write_parquet(now / "accounts.parquet")


def _another_store(now: Path) -> None:
    shutil.rmtree(now / "lists")
    for _ in range(6):
        lists(now, LISTED, FIRST)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(_gone, "accounts.parquet is gone", id="gone"),
        pytest.param(_other, "project/accounts.parquet has changed since", id="changed"),
        pytest.param(_another_store, "the store is another one, or was restored from a backup", id="store"),
    ],
)
def test_what_did_not_come_along_is_an_obstacle_to_a_replay(
    moved: Path, change: Callable[[Path], None], words: str
) -> None:
    change(moved)
    done = cardscreen("audit", "runs", "--replay", cwd=moved)
    assert (done.code, words in done.out) == (3, True), done.out


def readable(folder: Path) -> list[int]:
    """The versions of the store of which all listings are still there."""
    store = Store(folder / "lists")
    told = []
    for version in store.history():
        done = cardscreen(
            "list", "export", "--store", "lists", "--version", version.number, "--out", "x.csv", "--force", cwd=folder
        )
        told += [version.number] if done.code == 0 else []
    return sorted(told)


def vacuum(folder: Path) -> None:
    done = cardscreen("list", "vacuum", "--store", "lists", "--runs", "runs", "--keep-days", 0, cwd=folder)
    assert done.code == 0, done.err


def test_a_moved_store_keeps_the_versions_that_runs_name(moved: Path) -> None:
    (needed,) = [manifest(folder)["inputs"]["store"]["version"] for folder in published(moved)]
    lists(moved, [*LISTED, NEW], SECOND)
    vacuum(moved)
    newest = Store(moved / "lists").at().number
    assert needed in readable(moved)
    assert set(readable(moved)) < set(range(newest + 1))
    assert cardscreen("audit", "runs", "--replay", cwd=moved).code == 0


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        pytest.param({"path": "/elsewhere/lists"}, True, id="no-id-of-any-path"),
        pytest.param({"path": "/elsewhere/lists", "id": "0"}, False, id="another-store"),
        pytest.param({"path": "/elsewhere/lists", "version": 999}, None, id="version-that-is-not-there"),
    ],
)
def test_a_run_of_old_that_names_no_id_keeps_its_version(moved: Path, named: dict[str, Any], kept: bool | None) -> None:
    (folder,) = published(moved)
    told = manifest(folder)
    needed = told["inputs"]["store"]["version"]
    told["inputs"]["store"] = {"version": needed, **named}
    write_manifest(folder, told)
    lists(moved, [*LISTED, NEW], SECOND)
    vacuum(moved)
    assert (needed in readable(moved)) is bool(kept)


def test_a_version_of_a_restored_store_is_not_taken_for_the_one_that_was_lost(moved: Path) -> None:
    backup = moved.parent / "backup"
    shutil.copytree(moved / "lists", backup)
    lists(moved, [*LISTED, NEW], SECOND)
    assert run(moved, SECOND).code == 0
    lost = manifest(published(moved)[-1])["inputs"]["store"]
    shutil.rmtree(moved / "lists")
    backup.rename(moved / "lists")
    lists(moved, LISTED[:3], SECOND)
    now = Store(moved / "lists").identity(lost["version"])
    assert (now["id"], now["instant"] != lost["instant"]) == (lost["id"], True)
    done = cardscreen("audit", "runs", "--replay", cwd=moved)
    assert (done.code, "restored from a backup" in done.out) == (3, True)
    vacuum(moved)
