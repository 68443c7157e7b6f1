"""The README does what it says: its Python blocks run, its commands exist, its job file is one."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from typer.main import get_command

from cardscreen.cli.app import app
from cardscreen.lists.feeds.feed import Feed
from cardscreen.policy.policy import Policy
from cardscreen.runs.job import Job

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def test_there_are_code_blocks_of_each_sort() -> None:
    assert len(blocks("python")) >= 2
    assert len(blocks("toml")) == 3
    assert len(blocks("sh")) >= 4


def test_the_python_blocks_run_one_after_another() -> None:
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, str(README), "exec"), names)
    assert "result" in names


def test_the_job_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(blocks("toml")[0], encoding="utf-8")
    job = Job.read(tmp_path / "job.toml")
    assert list(job.identifiers) == ["mobile", "card_no"]
    assert job.output == tmp_path / "runs"


def test_the_feed_is_read(tmp_path: Path) -> None:
    (tmp_path / "police.toml").write_text(blocks("toml")[1], encoding="utf-8")
    assert Feed.read(tmp_path / "police.toml").terms.cap == "suspend"


def test_the_policy_is_read(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(blocks("toml")[2], encoding="utf-8")
    assert [rule.cap for rule in Policy.read(tmp_path / "policy.toml").rules] == [None, "none", None]


def test_every_command_is_in_the_readme_and_every_command_of_the_readme_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    shown = set(re.findall(r"^(?:.*&& )?cardscreen ([a-z]+)", "\n".join(blocks("sh")), flags=re.MULTILINE))
    assert shown == commands


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md"])
def test_linked_files_exist(name: str) -> None:
    assert (README.parent / name).exists()
    assert pl.Series([TEXT]).str.contains(name, literal=True).all()
