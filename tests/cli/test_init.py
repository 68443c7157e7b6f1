"""A new project: written with comments, never over anything, and it runs as it is."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen


def test_a_new_project_runs_by_doing_what_was_printed(tmp_path: Path) -> None:
    made = cardscreen("init", "my blocklists", cwd=tmp_path)
    assert made.code == 0, made.err
    first, *steps = made.out.splitlines()
    folder = tmp_path / shlex.split(first)[1]
    for step in steps:
        done = cardscreen(*shlex.split(step)[1:], cwd=folder)
        assert done.code == 0, done.err
    flagged = pl.read_parquet(folder / "runs/latest/flagged.parquet")
    assert flagged.select("account_id", "action").rows() == [("A0017", "suspend"), ("A0042", "verify")]


def test_the_second_night_of_a_new_project_is_published_too(tmp_path: Path) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    listed = ("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", "--as-of", "2026-11-20")
    assert cardscreen(*listed, cwd=tmp_path).code == 0
    for day in ("2026-11-20", "2026-11-21"):
        done = cardscreen("run", "job.toml", "--as-of", day, "--allow-future", "-q", cwd=tmp_path)
        assert done.code == 0, done.err


def test_every_table_of_a_new_project_has_comments(tmp_path: Path) -> None:
    assert cardscreen("init", "p", cwd=tmp_path).code == 0
    for file in (tmp_path / "p").glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        assert tomllib.loads(text)
        assert text.count("#") >= 5


@pytest.mark.parametrize("name", ["job.toml", "policy.toml", "accounts.csv"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    done = cardscreen("init", ".", cwd=tmp_path)
    assert (done.code, f"holds {name} already" in done.err) == (2, True)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("", encoding="utf-8")
    done = cardscreen("init", "p", cwd=tmp_path)
    assert (done.code, "is no folder" in done.err) == (2, True)
