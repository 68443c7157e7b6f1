"""A source's files one after another, against a slow model that keeps a dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.lists.store.merging import IDENTITY, STORED, Defaults, end, lasts, merge

DAY = date(2026, 3, 1)
ROWS = {
    "line": pl.UInt32,
    "operation": pl.String,
    **{name: STORED[name] for name in (*IDENTITY, "reason", "severity", "listed_on", "expires_on")},
}
NUMBERS = ["+8613800138000", "+8613800138001", "+8613800138002"]


@dataclass(frozen=True)
class Done:
    """A merge with its listings in memory."""

    listings: pl.DataFrame
    outcome: pl.DataFrame
    before: int
    after: int
    counts: dict[str, int]


def row(value: str, **said: Any) -> dict[str, Any]:
    base = {"line": 2, "operation": "add", "kind": "phone", "value": value, "match": "exact", "list": "block"}
    return base | {"reference": None, "reason": "fraud", "severity": 50, "listed_on": None, "expires_on": None} | said


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([{**each, "line": 2 + at} for at, each in enumerate(rows)], schema=ROWS, orient="row")


def nothing() -> pl.DataFrame:
    return pl.DataFrame(schema=STORED)


def step(
    current: pl.DataFrame, rows: list[dict[str, Any]], mode: Any = "snapshot", day: date = DAY, **said: Any
) -> Done:
    merged = merge(current, table(rows), mode, Defaults("police", day, **said))
    return Done(merged.listings.collect(), merged.outcome, merged.before, merged.after, merged.counts())


def held(merged: Done) -> dict[str, list[Any]]:
    shown = merged.listings.select("value", "listed_on", "expires_on", "ended_on", "ended_by")
    return {value: rest for value, *rest in shown.rows()}


def test_a_first_snapshot_adds_all_its_rows_from_the_day_of_the_data() -> None:
    merged = step(nothing(), [row(NUMBERS[0]), row(NUMBERS[1], listed_on=date(2026, 1, 5))])
    assert merged.counts == {"added": 2}
    assert (merged.before, merged.after) == (0, 2)
    assert merged.listings["listed_on"].to_list() == [DAY, date(2026, 1, 5)]
    assert merged.listings["source"].to_list() == ["police"] * 2
    assert merged.listings["listing_id"].n_unique() == 2


def test_first_seen_does_not_move_while_the_listing_stays() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    second = step(first.listings, [row(NUMBERS[0])], day=DAY + timedelta(days=9))
    assert second.counts == {"unchanged": 1}
    assert second.listings.equals(first.listings)


def test_what_a_snapshot_does_not_name_any_more_ends_on_that_day_and_keeps_its_row() -> None:
    first = step(nothing(), [row(number) for number in NUMBERS])
    second = step(first.listings, [row(NUMBERS[0])], day=DAY + timedelta(days=1))
    assert second.counts == {"unchanged": 1, "ended": 2}
    assert held(second)[NUMBERS[1]] == [DAY, None, DAY + timedelta(days=1), "source"]
    assert (second.before, second.after) == (3, 1)


def test_what_had_run_out_before_does_not_count_as_ended_when_a_snapshot_drops_it() -> None:
    first = step(nothing(), [row(NUMBERS[0]), row(NUMBERS[1], expires_on=DAY)])
    second = step(first.listings, [row(NUMBERS[0]), row(NUMBERS[2])], day=DAY + timedelta(days=1))
    assert second.counts == {"added": 1, "unchanged": 1}
    assert held(second)[NUMBERS[1]] == [DAY, DAY, DAY + timedelta(days=1), "source"]
    assert (second.before, second.after) == (1, 2)


def test_what_comes_back_keeps_its_name_and_first_day_and_the_gap() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    gone = step(first.listings, [], day=DAY + timedelta(days=1))
    back = step(gone.listings, [row(NUMBERS[0])], day=DAY + timedelta(days=2))
    assert back.counts == {"reopened": 1}
    assert held(back)[NUMBERS[0]] == [DAY, None, None, None]
    assert back.listings["gaps"].to_list() == [[DAY + timedelta(days=1), DAY + timedelta(days=2)]]
    assert back.listings["listing_id"].to_list() == first.listings["listing_id"].to_list()


def test_a_changed_severity_changes_the_listing_and_not_its_name_or_first_day() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    second = step(first.listings, [row(NUMBERS[0], severity=90)], day=DAY + timedelta(days=1))
    assert second.counts == {"changed": 1}
    assert second.listings.drop("severity").equals(first.listings.drop("severity"))


def test_what_a_person_has_ended_stays_ended_until_it_is_listed_on_a_later_day() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    ended = end(first.listings, pl.lit(True), DAY, "A. Li")
    undated = step(ended, [row(NUMBERS[0])], day=DAY + timedelta(days=1))
    older = step(ended, [row(NUMBERS[0], listed_on=DAY - timedelta(days=1))], day=DAY + timedelta(days=1))
    same_day = step(ended, [row(NUMBERS[0], listed_on=DAY)], day=DAY + timedelta(days=1))
    newer = step(ended, [row(NUMBERS[0], listed_on=DAY + timedelta(days=1))], day=DAY + timedelta(days=1))
    told = [each.counts for each in (undated, older, same_day, newer)]
    assert told == [{"closed": 1}, {"closed": 1}, {"closed": 1}, {"reopened": 1}]
    assert held(undated)[NUMBERS[0]][3] == "A. Li"


def test_a_delta_adds_and_removes_and_leaves_the_rest() -> None:
    first = step(nothing(), [row(NUMBERS[0]), row(NUMBERS[1])])
    second = step(
        first.listings, [row(NUMBERS[2]), row(NUMBERS[0], operation="remove")], "delta", DAY + timedelta(days=1)
    )
    assert second.counts == {"added": 1, "ended": 1}
    assert {value for value, said in held(second).items() if said[2] is None} == {NUMBERS[1], NUMBERS[2]}


def test_an_old_message_that_arrives_late_does_not_bring_back_what_was_removed() -> None:
    first = step(nothing(), [row(NUMBERS[0], listed_on=date(2026, 2, 1))], "delta")
    removed = step(first.listings, [row(NUMBERS[0], operation="remove")], "delta", DAY + timedelta(days=1))
    late = step(removed.listings, [row(NUMBERS[0], listed_on=date(2026, 2, 1))], "delta", DAY + timedelta(days=2))
    assert late.counts == {"stale": 1}
    assert late.listings.equals(removed.listings)


def test_a_delta_tells_of_rows_that_add_what_is_there_or_remove_what_is_not() -> None:
    first = step(nothing(), [row(NUMBERS[0])], "delta")
    second = step(first.listings, [row(NUMBERS[0]), row(NUMBERS[1], operation="remove")], "delta")
    assert second.counts == {"already": 1, "absent": 1}
    assert second.listings.equals(first.listings)


@pytest.mark.parametrize(("reference", "left"), [(None, set()), ("C1", {"C2"})], ids=["the-number", "one-case"])
def test_a_removal_without_case_number_ends_all_cases_of_a_number(reference: str | None, left: set[str]) -> None:
    cases = [row(NUMBERS[0], reference="C1"), row(NUMBERS[0], reference="C2")]
    first = step(nothing(), cases, "delta")
    second = step(first.listings, [row(NUMBERS[0], reference=reference, operation="remove")], "delta")
    assert set(second.listings.filter(pl.col("ended_on").is_null())["reference"]) == left


def test_an_end_is_counted_from_the_first_day_and_does_not_move() -> None:
    first = step(nothing(), [row(NUMBERS[0])], expires_after_days=10)
    second = step(first.listings, [row(NUMBERS[0])], day=DAY + timedelta(days=5), expires_after_days=10)
    assert second.listings["expires_on"].to_list() == [DAY + timedelta(days=10)]


def test_reports_of_one_number_widen_its_days() -> None:
    said: dict[str, Any] = {"expires_after_days": 10, "widen": True}
    first = step(nothing(), [row(NUMBERS[0], listed_on=DAY)], "delta", **said)
    later = step(first.listings, [row(NUMBERS[0], listed_on=DAY + timedelta(days=4))], "delta", **said)
    assert held(later)[NUMBERS[0]][:2] == [DAY, DAY + timedelta(days=14)]


FILES = st.lists(
    st.tuples(
        st.sampled_from(["snapshot", "delta"]),
        st.dictionaries(
            st.sampled_from(NUMBERS),
            st.tuples(st.sampled_from(["add", "remove"]), st.integers(1, 2), st.none() | st.integers(-20, 0)),
        ),
    ),
    max_size=6,
)


@given(FILES)
def test_any_files_one_after_another_give_what_the_model_gives(files: list[tuple[str, dict[str, Any]]]) -> None:
    current = nothing()
    model: dict[str, Any] = {}
    for at, (mode, told) in enumerate(files):
        day = DAY + timedelta(days=at)
        rows = []
        for value, (operation, severity, days) in told.items():
            adds = operation == "add" or mode == "snapshot"
            listed_on = None if days is None else DAY + timedelta(days=days)
            rows.append(row(value, operation="add" if adds else "remove", severity=severity, listed_on=listed_on))
        _model_step(model, rows, mode, day)
        merged = step(current, rows, mode, day)
        assert len(merged.outcome.filter(pl.col("line").is_not_null())) == len(rows)
        current = merged.listings
        shown = {value: rest for value, *rest in current.select("value", "severity", "listed_on", "ended_on").rows()}
        assert shown == {value: said[:3] for value, said in model.items()}
        live = sum(said[2] is None for said in model.values())
        assert (merged.after, current.select(lasts(day).sum()).item()) == (live, live)
    assert current["listing_id"].n_unique() == len(current)


def _model_step(model: dict[str, Any], rows: list[dict[str, Any]], mode: str, day: date) -> None:
    """value → [severity, listed_on, ended_on, removed again on], changed as a file says."""
    for value, said in model.items():
        if mode == "snapshot" and said[2] is None and value not in {each["value"] for each in rows}:
            said[2] = day
    for each in rows:
        said = model.get(each["value"])
        if each["operation"] == "remove":
            if said:
                said[2], said[3] = said[2] or day, day
        elif said is None:
            model[each["value"]] = [each["severity"], each["listed_on"] or day, None, None]
        elif said[2] is None:
            said[:2] = [each["severity"], each["listed_on"] or said[1]]
        elif mode == "snapshot" or each["listed_on"] is None or each["listed_on"] >= (said[3] or said[2]):
            said[:] = [each["severity"], each["listed_on"] or said[1], None, None]
