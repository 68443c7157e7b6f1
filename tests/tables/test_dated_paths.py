"""Extracts of which each night has its own: the night's day in the job's paths, and other days in files' names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from small_operator import FIRST, SECOND, job_with, manifest, project, published, run

from cardscreen.tables.partitions import days_in


@pytest.fixture
def operator(tmp_path: Path) -> Path:
    """In a folder with braces in its name."""
    folder = tmp_path / "{as_of} {x}"
    folder.mkdir()
    project(folder)
    for day in (FIRST, SECOND):
        (folder / "accounts" / day).mkdir(parents=True)
        pl.read_parquet(folder / "accounts.parquet").write_parquet(folder / f"accounts/{day}/part-0.parquet")
        text = (folder / "clearances.csv").read_text(encoding="utf-8")
        (folder / f"clearances-{day.replace('-', '')}.csv").write_text(text, encoding="utf-8")
        (folder / f"applied.{day}.csv").write_text("account,action,applied_on\n", encoding="utf-8")
    (folder / "accounts.parquet").unlink()
    (folder / "clearances.csv").unlink()
    job_with(folder, 'path = "accounts.parquet"', 'path = "accounts/{as_of}/*.parquet"')
    job_with(folder, "[limits]", '[output]\napplied = "applied.{as_of}.csv"\n[limits]')
    policy = (folder / "policy.toml").read_text(encoding="utf-8")
    policy = policy.replace("clearances.csv", "clearances-{as_of:%Y%m%d}.csv")
    (folder / "policy.toml").write_text(policy, encoding="utf-8")
    return folder


def test_each_night_reads_what_is_of_its_day_and_is_run_again_from_it(operator: Path) -> None:
    for day in (FIRST, SECOND):
        done = run(operator, day)
        assert (done.code, "is of" in done.err) == (0, False), done.err
        inputs = manifest(published(operator)[-1])["inputs"]
        assert [each["path"] for each in inputs["accounts"]] == [str(operator / f"accounts/{day}/part-0.parquet")]
        assert inputs["clearances"]["path"].endswith(f"clearances-{day.replace('-', '')}.csv")
        assert inputs["applied"]["path"].endswith(f"applied.{day}.csv")
    for folder in published(operator):
        told = json.loads(cardscreen("audit", folder, "--replay", "--json", cwd=operator).out)
        assert (told["passed"], set(told["replay"].values())) == (True, {"same"}), told
    assert cardscreen("explain", 1, "--run", published(operator)[0], cwd=operator).code == 0
    assert cardscreen("policy", "check", "job.toml", "--as-of", SECOND, cwd=operator).code == 0


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_day_without_files_is_told(operator: Path, options: tuple[str, ...]) -> None:
    done = run(operator, "2026-11-23", *options)
    assert done.code == 3
    assert "accounts/2026-11-23/*.parquet' (and no folder" in done.err
    assert "2026-11-23 was put in for {as_of}" in done.err


@pytest.mark.parametrize(
    ("old", "path", "words"),
    [
        ("accounts/{as_of}/*.parquet", "a/{day}.csv", "accounts.path: 'a/{day}.csv': there is no {day}: write {as_of}"),
        ("accounts/{as_of}/*.parquet", "a/{as_of:Ymd}.csv", "'Ymd' is no format of days"),
        ("accounts/{as_of}/*.parquet", "a/{as_of:%H}.csv", "'%H' is no format of days"),
        ("accounts/{as_of}/*.parquet", "a/{as_of.csv", "a brace too many or too few"),
        ("applied.{as_of}.csv", "{0}.csv", "output.applied: '{0}.csv': there is no {0}"),
        ('applied = "', 'directory = "runs/{as_of}"\\napplied = "', "output.directory"),
    ],
)
def test_what_is_no_day_in_a_path_is_told_with_its_key(operator: Path, old: str, path: str, words: str) -> None:
    job_with(operator, old, path.replace("\\n", "\n"))
    done = run(operator, FIRST)
    assert (done.code, words in done.err) == (2, True), done.err


def test_a_file_of_another_day_is_warned_of(operator: Path) -> None:
    job_with(operator, "accounts/{as_of}/", "accounts/2026-11-20/")
    done = run(operator, SECOND)
    assert done.code == 0
    assert "accounts/2026-11-20/part-0.parquet is of 2026-11-20, and the night asked about is 2026-11-21" in done.err


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("a/dt=2026-11-23/p.csv", ["2026-11-23"]),
        ("full_20261101_20261123.csv", ["2026-11-01", "2026-11-23"]),
        *((name, []) for name in ("part-12345678.csv", "20261123001.csv", "2026-1123.csv", "10000101.csv", "20261301")),
    ],
)
def test_days_are_whole_groups_of_digits(name: str, days: list[Any]) -> None:
    assert [str(day) for day in days_in(name)] == days
