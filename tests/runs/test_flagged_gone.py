"""Flagged accounts that are not among tonight's although as many rows came: their ids may have turned into others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nights import JOB, Operator, account, listing, phone

import cardscreen as cs

LISTED = [listing(phone(number)) for number in range(10)]
STRICT = JOB.replace("flagged_gone_share = 1\n", "")


def accounts(flagged: list[str], clear: list[str]) -> list[dict[str, Any]]:
    return [
        *(account(name, phone(number)) for number, name in enumerate(flagged)),
        *(account(name, phone(50 + number)) for number, name in enumerate(clear)),
    ]


BEFORE = accounts([f"1{number}" for number in range(10)], [f"2{number}" for number in range(10)])
FLOATS = accounts([f"1{number}.0" for number in range(10)], [f"2{number}.0" for number in range(10)])


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    operator = Operator(tmp_path, STRICT)
    assert operator.night(1, BEFORE, LISTED).run.held == []
    return operator


def test_ids_that_turned_into_others_hold_the_night_and_are_told_by_their_shape(operator: Operator) -> None:
    night = operator.night(2, FLOATS, LISTED)
    assert night.run.held == [
        "flagged_gone_share: 100.00 % of the accounts flagged in the base run are not among tonight's: most of their "
        "ids look like '99', and those of the newly flagged like '99.9': did the ids change? (limit 10.00 %)"
    ]
    assert night.manifest["summary"]["changes"]["flagged_gone"] == 10


@pytest.mark.parametrize(("gone", "is_held"), [(4, False), (5, True)])
def test_a_few_accounts_may_go(operator: Operator, gone: int, is_held: bool) -> None:
    names = [f"1{number}" for number in range(gone, 10)]
    rest = [row for row in BEFORE if row["account_id"] in names or row["account_id"].startswith("2")]
    night = operator.night(2, [*rest, *(account(f"3{number}", phone(70 + number)) for number in range(gone))], LISTED)
    assert (night.run.held != [], night.manifest["summary"]["changes"]["flagged_gone"]) == (is_held, gone)


@pytest.mark.parametrize(
    ("was", "now", "is_held"),
    [
        pytest.param(["11", "12"], ["11.0", "12.0"], True, id="floats"),
        pytest.param(["0011"], ["11"], True, id="lost-zeros"),
        pytest.param(["11", "12", "13"], ["11.0", "22", "33"], False, id="one-of-three"),
        pytest.param(["11", "12"], ["21", "22"], False, id="other-accounts"),
        pytest.param(["11", "12"], [], False, id="gone"),
    ],
)
def test_even_a_few_flagged_ids_hold_the_night_when_most_are_only_written_otherwise(
    tmp_path: Path, was: list[str], now: list[str], is_held: bool
) -> None:
    operator = Operator(tmp_path, STRICT)
    clear = [f"4{number}" for number in range(40)]
    operator.night(1, accounts(was, clear), LISTED)
    reasons = operator.night(2, accounts(now, clear), LISTED).run.held
    assert [reason.split(":")[0] for reason in reasons] == ["flagged_gone_share"] * is_held
    assert all("did the ids change?" in reason for reason in reasons)


def test_accounts_that_were_missing_before_hold_no_further_night(operator: Operator) -> None:
    operator.say(JOB)
    assert operator.night(2, FLOATS, LISTED).run.held == []
    operator.say(STRICT)
    night = operator.night(3, FLOATS, LISTED)
    assert (night.run.held, night.manifest["summary"]["changes"]["flagged_gone"]) == ([], 0)


def test_rows_that_are_missing_are_told_as_such(operator: Operator) -> None:
    operator.say(STRICT.replace("accounts_shrink = 1", "accounts_shrink = 0.1"))
    (reason,) = operator.night(2, BEFORE[10:], LISTED).run.held
    assert reason.startswith("accounts_shrink")


@pytest.mark.parametrize("kept_in", ["memory", "files"])
def test_frames_are_braked_alike(tmp_path: Path, kept_in: str) -> None:
    blocklist = cs.Blocklist.from_frame(pl.DataFrame(LISTED).select("kind", "value", "severity"))
    options: dict[str, Any] = {"identifiers": {"mobile": cs.Phone("CN")}, "as_of": "2026-11-02"}
    first = cs.screen(pl.DataFrame(BEFORE), blocklist, **options, out=tmp_path if kept_in == "files" else None)
    limits: Any = dict.fromkeys(("flagged_share", "source_share", "new_suspend", "released_share"), 1)
    for tonight, held in ((BEFORE, False), (FLOATS, True)):
        result = cs.screen(pl.DataFrame(tonight), blocklist, **options, previous=first)
        reasons = []
        try:
            cs.check(result, limits, first)
        except cs.HeldForApproval as error:
            reasons = error.reasons
        assert ["ids look like '99', and those of the newly flagged like '99.9'" in reason for reason in reasons] == (
            [True] if held else []
        )
