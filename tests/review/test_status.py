"""Where a job stands: last night, what waits, what to load and when, lists, disk, and what to do first."""

from __future__ import annotations

import json
import shlex
from datetime import date, timedelta
from pathlib import Path

import pytest
from commands import cardscreen
from small_operator import FIRST, SECOND, run, two_nights

from cardscreen.review.status import status_of
from cardscreen.runs.job import Job


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


def told(operator: Path) -> str:
    done = cardscreen("status", "job.toml", cwd=operator)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_last_night_what_to_load_and_what_falls_due_are_told_with_releases_first(operator: Path) -> None:
    text = told(operator)
    assert f"last night: {SECOND}, " in text
    loaded = [line.split("latest/")[1].split(":")[0] for line in text.splitlines() if line.startswith("  /")]
    assert loaded[0] == "actions/release.csv"
    assert loaded == list(dict.fromkeys(loaded))
    assert "notices/suspend.csv" in loaded
    later = [line for line in text.splitlines() if line.startswith("due on ")]
    assert later
    assert all(line.split()[2].rstrip(":") > SECOND for line in later)
    assert "disk: runs " in text


def test_json_tells_the_same_in_numbers(operator: Path) -> None:
    status = json.loads(cardscreen("status", "job.toml", "--json", cwd=operator).out)
    assert status["latest"]["as_of"] == SECOND
    assert all(each["rows"] > 0 and Path(each["file"]).is_file() for each in status["load"])
    assert {each["source"] for each in status["lists"]} >= {"police", "bank-a"}
    assert status["disk"]["free_mib"] > 0


def test_old_lists_and_a_missing_night_are_what_to_do_first(operator: Path) -> None:
    status = status_of(Job.read(operator / "job.toml"))
    assert (status.today > date.fromisoformat(SECOND)) == any(
        "there is no run for today" in do for do in status.problems
    )


def test_a_held_night_comes_first_with_its_reasons(tmp_path: Path) -> None:
    operator = two_nights(tmp_path)
    job = (operator / "job.toml").read_text("utf-8").replace("flagged_share = 1", "flagged_share = 0.0001")
    (operator / "job.toml").write_text(job, encoding="utf-8")
    third = (date.fromisoformat(FIRST) + timedelta(days=2)).isoformat()
    assert run(operator, third).code == 4
    text = told(operator)
    assert f"held: {third} (" in text
    assert "  flagged_share: " in text
    assert "do: decide about the held run: cardscreen runs show" in text


def test_a_job_without_a_run_says_so(tmp_path: Path) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    text = told(tmp_path)
    assert text.startswith("last night: none was published yet\nto load: nothing\n")
    assert "do: there is no run for today" in text


def test_commands_that_are_to_be_done_name_the_job_and_run_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "my job"
    assert cardscreen("init", folder, cwd=tmp_path).code == 0
    imported = ("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists")
    assert cardscreen(*imported, cwd=folder).code == 0
    text = cardscreen("status", folder / "job.toml", cwd=tmp_path).out
    command = text.partition("there is no run for today, ")[2].partition(": ")[2].splitlines()[0]
    done = cardscreen(*shlex.split(command)[1:], cwd=tmp_path)
    assert done.code == 0, done.err
    assert "there is no run for today" not in cardscreen("status", folder / "job.toml", cwd=tmp_path).out
