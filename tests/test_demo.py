"""The demo, small, and what its user would look at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl

from cardscreen.demo import run_demo


def test_the_demo_finds_what_was_planted_and_nothing_else(tmp_path: Path) -> None:
    outcome = run_demo(tmp_path / "demo", 6000)
    assert outcome.cases.filter(pl.col("accounts") == 0).rows() == []
    assert outcome.cases.filter(pl.col("accounts") != pl.col("right")).rows() == []
    assert (outcome.unplanted, outcome.wrong()) == (0, 0)


def test_the_demos_police_feed_is_chinese_in_gb18030(tmp_path: Path) -> None:
    run_demo(tmp_path / "demo", 1000)
    header = (tmp_path / "demo/feeds/police.csv").read_bytes().split(b"\n")[0]
    assert header.decode("gb18030") == "号码,登记日期,案件编号"


def test_the_demo_prints_a_table_and_runs_again_in_the_same_folder(tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "cardscreen.cli", "demo", str(tmp_path / "demo"), "--accounts", "1000"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "recommended action" in done.stdout
        assert str(tmp_path / "demo/operator/runs") in done.stdout


def test_the_demo_tells_machines_in_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cardscreen.cli", "demo", str(tmp_path / "demo"), "--accounts", "1000", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["wrong"] == 0


def test_the_demo_never_clears_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "cardscreen.cli", "demo", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, (tmp_path / "precious.txt").read_text(encoding="utf-8")) == (2, "mine")
    assert "name another folder" in done.stderr
