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
    return Done(merged.listings.collect(), merged.outcome, merged.before, merged.after, dict(merged.counts))


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


def begun(merged: Done) -> dict[tuple[str, str | None], list[date | None]]:
    lasting = merged.listings.filter(pl.col("ended_on").is_null())
    return {
        (value, of): days for value, of, *days in lasting.select("value", "reference", "listed_on", "expires_on").rows()
    }


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
@pytest.mark.parametrize("before", [None, "A1"])
def test_a_case_number_that_is_written_another_way_leaves_the_first_day(mode: str, before: str | None) -> None:
    other, told = row(NUMBERS[1], reference="B"), date(2026, 3, 4)
    first = step(nothing(), [row(NUMBERS[0], reference=before), other, row(NUMBERS[2], reference="C")])
    rows = [row(NUMBERS[0], reference="A-1"), row(NUMBERS[2], reference="C-1", listed_on=told)]
    left = [row(NUMBERS[0], reference=before, operation="remove"), row(NUMBERS[2], reference="C", operation="remove")]
    second = step(first.listings, [*rows, other] if mode == "snapshot" else [*left, *rows], mode, later(9))
    assert (second.counts["added"], second.counts["ended"]) == (2, 2)
    assert begun(second) == {
        (NUMBERS[0], "A-1"): [DAY, None],
        (NUMBERS[1], "B"): [DAY, None],
        (NUMBERS[2], "C-1"): [told, None],  # the row says so
    }


def test_a_second_case_beside_the_first_begins_today_and_so_does_a_number_that_had_ended_before() -> None:
    first = step(nothing(), [row(NUMBERS[0], reference="A"), row(NUMBERS[1], reference="B")])
    second = step(first.listings, [row(NUMBERS[0], reference="A")], day=later(1))
    rows = [row(NUMBERS[0], reference="A"), row(NUMBERS[0], reference="A2"), row(NUMBERS[1], reference="B2")]
    third = step(second.listings, rows, day=later(2))
    assert begun(third)[NUMBERS[0], "A2"] == [later(2), None]
    assert begun(third)[NUMBERS[1], "B2"] == [later(2), None]


def test_the_end_that_a_feed_sets_is_counted_from_the_first_day_that_stays() -> None:
    first = step(nothing(), [row(NUMBERS[0], reference="A")], expires_after_days=30)
    second = step(first.listings, [row(NUMBERS[0], reference="A-1")], day=later(9), expires_after_days=30)
    assert begun(second) == {(NUMBERS[0], "A-1"): [DAY, later(30)]}


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


def later(days: int) -> date:
    return DAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("ended", "expires", "in_force"),
    [(None, None, True), (0, None, False), (1, None, True), (None, 0, True), (None, -1, False), (1, -1, False)],
)
def test_a_listing_lasts_through_its_last_day_and_until_the_day_of_its_end(
    ended: int | None, expires: int | None, in_force: bool
) -> None:
    days = {"ended_on": ended, "expires_on": expires}
    told = {name: None if gap is None else later(gap) for name, gap in days.items()}
    frame = pl.DataFrame([told], schema=dict.fromkeys(days, pl.Date))
    assert frame.select(lasts(DAY)).to_series().to_list() == [in_force]


@pytest.mark.parametrize(
    ("begun", "known", "outcome"),
    [
        pytest.param(None, 5, "ended", id="listed-since-always"),
        pytest.param(-1, 5, "ended", id="begun-before"),
        pytest.param(0, 5, "ended", id="begun-that-day"),
        pytest.param(1, 5, "stale", id="begun-behind-that-day"),
        pytest.param(1, 0, "ended", id="not-late"),
        pytest.param(1, None, "ended", id="nothing-later-is-known"),
        pytest.param(1, -1, "ended", id="newer-than-all-that-is-known"),
    ],
)
def test_a_late_removal_speaks_only_of_what_had_begun_by_its_day(
    begun: int | None, known: int | None, outcome: str
) -> None:
    confirmed = None if known is None else later(known)
    first = step(nothing(), [row(NUMBERS[0])]).listings
    current = first.with_columns(listed_on=pl.lit(None if begun is None else later(begun), dtype=pl.Date))
    second = step(current, [row(NUMBERS[0], operation="remove")], "delta", confirmed_on=confirmed)
    assert second.counts == {outcome: 1}
    assert held(second)[NUMBERS[0]][2] == (DAY if outcome == "ended" else None)


def test_a_late_removal_does_not_reach_what_came_back_after_its_day() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    gone = step(first.listings, [], day=later(2))
    back = step(gone.listings, [row(NUMBERS[0])], day=later(4))
    for day, outcome in ((later(3), "stale"), (later(4), "ended")):
        late = step(back.listings, [row(NUMBERS[0], operation="remove")], "delta", day, confirmed_on=later(5))
        assert late.counts == {outcome: 1}


def test_what_a_late_snapshot_does_not_name_has_lasted_until_the_latest_day_known() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    for known, day in ((None, later(1)), (later(1), later(1)), (later(3), later(3)), (later(-1), later(1))):
        second = step(first.listings, [], day=later(1), confirmed_on=known)
        assert held(second)[NUMBERS[0]][2:] == [day, "source"]


def test_a_removal_is_told_again_and_the_latest_of_its_days_holds() -> None:
    current = step(nothing(), [row(NUMBERS[0], listed_on=later(-9))], "delta").listings
    for day, outcome in ((later(2), "ended"), (later(6), "repeated"), (later(4), "repeated")):
        told = step(current, [row(NUMBERS[0], operation="remove")], "delta", day)
        assert told.counts == {outcome: 1}
        current = told.listings
    assert current.select("ended_on", "removed_on").row(0) == (later(2), later(6))
    for gap, outcome in ((5, "stale"), (6, "reopened")):
        again = step(current, [row(NUMBERS[0], listed_on=later(gap))], "delta", later(8))
        assert again.counts == {outcome: 1}
    assert again.listings["removed_on"].to_list() == [None]


def test_each_time_that_it_was_left_out_is_a_gap_of_its_own_unless_it_was_no_whole_day() -> None:
    current = step(nothing(), [row(NUMBERS[0])]).listings
    for left_out, told in ((1, 2), (4, 7), (9, 9)):
        current = step(current, [], day=later(left_out)).listings
        current = step(current, [row(NUMBERS[0])], day=later(told)).listings
    assert current["gaps"].to_list() == [[later(1), later(2), later(4), later(7)]]


def test_what_begins_behind_its_end_has_no_gap() -> None:
    first = step(nothing(), [row(NUMBERS[0])])
    gone = step(first.listings, [], day=later(2))
    for began, gaps in ((later(1), [later(2), later(5)]), (later(2), None), (later(3), None)):
        back = step(gone.listings, [row(NUMBERS[0], listed_on=began)], day=later(5))
        assert back.listings.select("listed_on", "gaps").row(0) == (began, gaps)


def test_a_day_for_all_rows_holds_for_those_that_are_new_and_say_none() -> None:
    first = step(nothing(), [row(NUMBERS[0]), row(NUMBERS[1], listed_on=later(-3))], listed_on=later(-7))
    second = step(first.listings, [row(NUMBERS[0]), row(NUMBERS[1])], listed_on=later(-5))
    assert second.counts == {"unchanged": 2}
    assert [said[0] for said in held(second).values()] == [later(-7), later(-3)]


@pytest.mark.parametrize(
    ("told", "days"),
    [(-4, [-4, 10]), (4, [0, 14])],
    ids=["an-earlier-report", "a-later-report"],
)
def test_reports_widen_the_days_of_what_is_in_force_and_not_of_what_has_ended(told: int, days: list[int]) -> None:
    said: dict[str, Any] = {"expires_after_days": 10, "widen": True}
    first = step(nothing(), [row(NUMBERS[0], listed_on=DAY)], "delta", **said)
    again = [row(NUMBERS[0], listed_on=later(told))]
    assert held(step(first.listings, again, "delta", later(5), **said))[NUMBERS[0]][:2] == list(map(later, days))
    gone = step(first.listings, [], day=later(5))
    back = step(gone.listings, again, day=later(6), **said)
    assert held(back)[NUMBERS[0]] == [later(told), later(told + 10), None, None]


@pytest.mark.parametrize(("begun", "ended"), [(0, 3), (3, 1)], ids=["ended-in-force", "ended-before-it-began"])
@pytest.mark.parametrize(("told", "outcome"), [(2, "closed"), (3, "closed"), (4, "reopened")])
def test_what_a_person_has_ended_is_a_new_case_only_behind_its_first_day_and_its_end(
    begun: int, ended: int, told: int, outcome: str
) -> None:
    first = step(nothing(), [row(NUMBERS[0], listed_on=later(begun))])
    current = end(first.listings, pl.lit(True), later(ended), "A. Li")
    for mode in ("snapshot", "delta"):
        assert step(current, [row(NUMBERS[0], listed_on=later(told))], mode, later(6)).counts == {outcome: 1}


def test_a_person_ends_what_lasts_and_leaves_what_had_ended() -> None:
    first = step(nothing(), [row(number) for number in NUMBERS])
    days = {NUMBERS[0]: None, NUMBERS[1]: later(2), NUMBERS[2]: later(3)}
    current = first.listings.with_columns(
        ended_on=pl.col("value").replace_strict(days, return_dtype=pl.Date), ended_by=pl.lit("source")
    )
    ended = end(current, pl.col("value") != "", later(2), "A. Li").select("ended_on", "ended_by").rows()
    assert ended == [(later(2), "A. Li"), (later(2), "source"), (later(2), "A. Li")]
    assert end(current, pl.lit(False), later(2), "A. Li").equals(current)


def test_a_removal_without_case_number_reaches_no_other_number_and_no_allow_listing() -> None:
    rows = [row(NUMBERS[0]), row(NUMBERS[0], list="allow"), row(NUMBERS[1], reference="C1")]
    first = step(nothing(), rows, "delta")
    second = step(first.listings, [row(NUMBERS[0], operation="remove")], "delta", later(1))
    assert second.counts == {"ended": 1}
    left = second.listings.filter(pl.col("ended_on").is_null()).select("value", "list").rows()
    assert sorted(left) == sorted([(NUMBERS[0], "allow"), (NUMBERS[1], "block")])


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
