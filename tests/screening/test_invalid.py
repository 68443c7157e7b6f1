"""Numbers that no numbering plan has: screened, and never clear without a word."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen

import cardscreen as cs

ITALIAN: list[str | None] = [
    "3331234567",
    "347 123 4567",
    "02 1234567",
    "06 12345678",
    "0552345678",
    "3209876543",
    "3201234567",
]
LISTED = cs.Blocklist.from_frame(
    pl.DataFrame({"kind": ["phone", "phone"], "value": ["+863331234567", "+8613800138000"]})
)
JOB = """
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "%s" }
[blocklist]
paths = ["list.parquet"]
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
"""


def screened(numbers: list[str | None], kind: cs.Phone) -> cs.Result:
    accounts = pl.DataFrame({"account_id": [f"a{at}" for at in range(len(numbers))], "mobile": numbers})
    return cs.screen(accounts, LISTED, {"mobile": kind})


def test_numbers_read_in_the_wrong_region_are_counted_within_clear_and_hit() -> None:
    result = screened([*ITALIAN, "13800138000", None, "n/a"], cs.Phone("CN"))
    coverage = dict(result.summary["coverage"]["mobile"])
    numbers = pl.DataFrame({"x": ITALIAN}).select(cs.phone("x", "CN").struct.field("status")).to_series()
    assert coverage.pop("invalid") == (numbers == "invalid").sum() > 3
    assert coverage == {"cells": 10, "missing": 1, "rejected": 1, "clear": 6, "exempt": 0, "hit": 2}
    assert screened(ITALIAN, cs.Phone("IT")).summary["coverage"]["mobile"]["invalid"] == 0


@pytest.mark.parametrize("kind", [cs.Phone("CN"), cs.Phone("CN", many=True), cs.Phone("CN", repair=True)])
def test_they_are_counted_however_cells_are_read(kind: cs.Phone) -> None:
    assert (
        screened(["12345", "138 0013 8000", "+86 12345", "+8612345"], kind).summary["coverage"]["mobile"]["invalid"]
        == 3
    )


def test_a_third_of_them_holds_a_screening() -> None:
    result = screened([*ITALIAN], cs.Phone("CN"))
    with pytest.raises(
        cs.HeldForApproval, match=r"invalid_share: .* of the usable cells of 'mobile' are no valid numbers"
    ):
        cs.check(result, {"first_run": "publish", "flagged_share": 1, "source_share": 1})
    cs.check(result, {"first_run": "publish", "flagged_share": 1, "source_share": 1, "invalid_share": 1})


def test_a_run_prints_how_many_there_are_and_warns_or_waits(tmp_path: Path) -> None:
    def written(numbers: list[str | None]) -> None:
        accounts = pl.DataFrame({"account_id": [f"a{at}" for at in range(len(numbers))], "mobile": numbers})
        accounts.write_csv(tmp_path / "accounts.csv")

    pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}).write_parquet(tmp_path / "list.parquet")
    (tmp_path / "job.toml").write_text(JOB % "CN", encoding="utf-8")
    written([*ITALIAN[:2], *["13800138001"] * 8])
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert (done.code, "not valid" in done.out) == (0, True)
    assert "20% of the usable cells of 'mobile' are no valid numbers: is their region right?" in done.err
    written(ITALIAN)
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 4
    assert "invalid_share" in done.err


def test_cards_of_which_most_fail_their_check_digit_are_told(tmp_path: Path) -> None:
    cards = [str(6222021234560000 + at) for at in range(120)]
    pl.DataFrame({"account_id": range(120), "mobile": cards}).write_csv(tmp_path / "accounts.csv")
    pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}).write_parquet(tmp_path / "list.parquet")
    job = (JOB % "CN").replace('{ kind = "phone", region = "CN" }', '{ kind = "card" }')
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 0
    assert "most of the numbers in 'mobile' fail their check digit: is it the right column?" in done.err
