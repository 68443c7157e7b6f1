"""Truncated card numbers of accounts: what can be told from the digits shown, and what can't."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import parts
import polars as pl
import pytest

import cardscreen as cs

DAY = date(2026, 11, 23)
PAN = "6222021234561234"
HIDDEN = "622202******1234"
KEY = cs.TokenKey("correct horse battery staple, and some more")
TOKEN = pl.DataFrame({"pan": ["4111111111111111"]}).select(cs.token("pan", "card", KEY)).item()
Row = dict[str, Any]


def screened(cells: list[str | None], listed: list[str], **columns: Any) -> cs.Result:
    """Accounts 0, 1, … with a card each."""
    accounts = pl.DataFrame({"account_id": range(len(cells)), "card": pl.Series(cells, dtype=pl.String)})
    listings = pl.DataFrame({"kind": "card", "value": listed, "severity": 95, **columns})
    return cs.screen(accounts, cs.Blocklist.from_frame(listings), {"card": cs.Card()}, as_of=DAY, tokens=KEY)


def outcome(cell: str, *listed: str) -> list[str]:
    """The matches of a cell, or what else it came to."""
    result = screened([cell], list(listed))
    rows = result.summary["rows"]
    coverage = result.summary["coverage"]["card"]
    assert coverage["cells"] == sum(count for name, count in coverage.items() if name != "cells") == 1
    rejects = result.rejects.collect()["status"].to_list()
    assert (rows["not_screenable"], coverage["rejected"]) == (len(rejects), len(rejects))
    hits = result.hits.collect()
    assert set(hits["cap"].cast(pl.String)) <= {"verify"}
    return hits["match"].cast(pl.String).to_list() or rejects or [name for name in ("clear",) if rows[name]]


@pytest.mark.parametrize(
    "form",
    ["622202******1234", "6222 02** **** 1234", "622202…1234", "622202****1234", "622202XXXX1234", "622202...1234"],
)
@pytest.mark.parametrize("listed", [HIDDEN, "622202xxxxxx1234", "622202…1234", "622202****1234", "622202...1234"])
def test_a_truncated_number_meets_a_truncated_listing_with_the_same_digits(form: str, listed: str) -> None:
    assert outcome(form, listed) == ["truncated"]


@pytest.mark.parametrize(
    ("cell", "listed"),
    [
        pytest.param("62220212****1234", HIDDEN, id="one-shows-more-of-the-beginning"),
        pytest.param(HIDDEN, "622202****561234", id="one-shows-more-of-the-end"),
        pytest.param("62220212****1234", "622202****561234", id="each-shows-other-digits"),
        pytest.param("62220212345*1234", "622202****561234", id="one-shows-nearly-all"),
        pytest.param("622202…1234", "622202*********1234", id="a-length-that-only-one-tells"),
    ],
)
def test_what_only_one_of_two_truncated_numbers_shows_tells_them_not_apart(cell: str, listed: str) -> None:
    assert outcome(cell, listed) == outcome(listed, cell) == ["truncated"]


@pytest.mark.parametrize(
    ("cell", "listed"),
    [
        pytest.param("622202*******1234", HIDDEN, id="two-lengths"),
        pytest.param("62220213****1234", "62220212****1234", id="another-seventh-digit"),
        pytest.param("622202****571234", "622202****561234", id="another-digit-before-the-last-four"),
        pytest.param("62220212349*1234", "622202****561234", id="the-end-of-one-reaches-into-the-beginning"),
        pytest.param("622203…1234", "622202…1234", id="another-beginning"),
        pytest.param("622202…1235", "622202…1234", id="another-end"),
    ],
)
def test_truncated_numbers_that_differ_in_a_digit_or_in_length_are_two(cell: str, listed: str) -> None:
    assert outcome(cell, listed) == outcome(listed, cell) == ["clear"]


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param("622202*", id="the-prefix-shown"),
        pytest.param("6222*", id="a-shorter-prefix"),
        pytest.param("6222020000000000-6222029999999999", id="a-range-of-the-digits-shown"),
        pytest.param("6222020000001234-6222029999991234", id="just-all-that-it-may-be"),
        pytest.param("6222000000000000-6222991234567890", id="a-wider-range"),
    ],
)
def test_a_truncated_number_of_which_all_that_it_may_be_lies_in_a_range_is_a_hit(listed: str) -> None:
    assert outcome(HIDDEN, listed) == ["truncated"]
    assert outcome("622202****1234", listed) == ["truncated"]  # of any length


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param("62220212*", id="a-longer-prefix"),
        pytest.param("6222020000000000-6222021234569999", id="a-range-that-ends-within"),
        pytest.param("6222020000001235-6222029999991234", id="all-but-one"),
        pytest.param("6222021234561234-6222021234561234", id="one-number"),
    ],
)
def test_what_is_hidden_decides_where_a_range_holds_some_of_what_it_may_be(listed: str) -> None:
    assert outcome(HIDDEN, listed) == ["incomparable"]
    assert outcome(HIDDEN, listed, PAN) == ["truncated"]  # another listing decides
    assert outcome(PAN, listed) in (["range"], ["clear"])


@pytest.mark.parametrize(
    "listed", ["62220300*", "6222030000000000-6222039999999999", "62220200000000000-62220299999999999", "4*"]
)
def test_a_range_of_other_beginnings_or_another_length_leaves_nothing_open(listed: str) -> None:
    assert outcome(HIDDEN, listed) == ["clear"]


@pytest.mark.parametrize("form", [HIDDEN, "622202…1234", "622202****1234", "6222 02** **** 1234"])
def test_nothing_can_be_said_of_a_truncated_number_against_tokens(form: str) -> None:
    assert outcome(form, TOKEN) == ["incomparable"]
    assert outcome(form, TOKEN, "622203******1234") == ["incomparable"]
    assert outcome(form, TOKEN, "6222021*", "6222029876549999") == ["incomparable"]
    for listed in (PAN, HIDDEN, "622202*"):
        assert outcome(form, TOKEN, listed) == ["truncated"]


def test_a_listing_with_the_same_ends_and_another_digit_shown_saves_nothing_from_tokens() -> None:
    assert outcome("62220213****1234", TOKEN, PAN) == ["incomparable"]
    assert outcome("62220212****1234", TOKEN, PAN) == ["truncated"]


def test_tokens_of_another_day_another_kind_or_an_allow_list_leave_nothing_open() -> None:
    assert screened([HIDDEN], [TOKEN], expires_on="2026-11-22").summary["rows"]["clear"] == 1
    assert screened([HIDDEN], [TOKEN], list="allow").summary["rows"]["clear"] == 1
    phone = pl.DataFrame({"pan": ["+8613800138000"]}).select(cs.token("pan", "phone", KEY)).item()
    assert screened([HIDDEN], [phone], kind="phone").summary["rows"]["clear"] == 1


def test_an_allow_listing_does_not_decide_what_a_token_leaves_open() -> None:
    result = screened([HIDDEN], [TOKEN, HIDDEN], list=["block", "allow"])
    assert result.rejects.collect()["status"].to_list() == ["incomparable"]


def test_a_row_with_another_usable_number_is_screened_by_that_one() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "card": [HIDDEN] * 2, "other": [PAN, "4111111111111112"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "card", "value": [TOKEN, PAN[:8] + "9*", PAN]}))
    kinds = {"card": cs.Card(), "other": cs.Card()}
    result = cs.screen(accounts.head(0).vstack(accounts), listed, kinds, as_of=DAY, tokens=KEY)
    # The card that is listed meets the truncated one as well: its ends are the same.
    assert result.hits.collect().select("account_id", "identifier").rows() == [
        ("a", "card"),
        ("a", "other"),
        ("b", "card"),
    ]


def test_cells_in_lists_are_decided_one_by_one() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "card": [[HIDDEN, PAN], [HIDDEN], [None, "x", HIDDEN]]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [TOKEN]}))
    result = cs.screen(accounts, listed, {"card": cs.Card()}, as_of=DAY, tokens=KEY)
    rejects = result.rejects.collect().select("account_id", "status").rows()
    assert rejects == [("a", "incomparable"), ("b", "incomparable"), ("c", "not_a_number"), ("c", "incomparable")]
    assert result.summary["rows"] | {"read": 3, "clear": 1, "not_screenable": 2} == result.summary["rows"]


def test_workers_tell_the_same(tmp_path: Path) -> None:
    cells = [HIDDEN, "622202…1234", "62220213****1234", PAN, "622203******1234", "x", None]
    accounts = pl.DataFrame({"account_id": range(len(cells)), "card": cells})
    for at, values in enumerate([[HIDDEN, TOKEN], ["62220212*", PAN], ["6222*"], [TOKEN], ["62220213*"]]):
        listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "card", "value": values}))
        options: Row = {"as_of": DAY, "tokens": [KEY]}
        one = cs.screen(accounts, listed, {"card": cs.Card()}, **options)
        (tmp_path / str(at)).mkdir()
        many = parts.screen(
            [accounts.head(3), accounts.slice(3)], listed, {"card": cs.Card()}, tmp_path / str(at), **options
        )
        for name in ("hits", "rejects"):
            assert getattr(many, name).collect().equals(getattr(one, name).collect()), (values, name)
        told = {name: one.summary[name] for name in ("rows", "coverage", "notes")}
        assert told == {name: many.summary[name] for name in told}
