"""Interval tables against dictionaries, and what happens on their edges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.foundation.lookup.index import Index
from cardscreen.foundation.lookup.intervals import Intervals

WORLD = range(32)  # small enough to write a table out as a dictionary
Span = tuple[int, int]

spans = st.tuples(st.integers(0, 31), st.integers(0, 31)).map(lambda pair: (min(pair), max(pair)))
#: Spans of the same small world moved next to the largest key.
TOP = 2**64 - 2 - max(WORLD)


def table(named: list[Span], offset: int = 0) -> Intervals:
    frame = pl.DataFrame(
        {
            "low": [low + offset for low, _ in named],
            "high": [high + offset for _, high in named],
            "name": [str(row) for row in range(len(named))],
        },
        schema={"low": pl.UInt64, "high": pl.UInt64, "name": pl.String},
    )
    return Intervals.narrowest(frame)


def union(given_spans: list[Span], offset: int = 0) -> Intervals:
    low = pl.Series([low + offset for low, _ in given_spans], dtype=pl.UInt64)
    return Intervals.union(low, pl.Series([high + offset for _, high in given_spans], dtype=pl.UInt64))


def held(intervals: Intervals, numbers: Iterable[int]) -> list[bool]:
    """Whether some interval holds each number."""
    keys = np.array([*numbers], dtype=np.uint64)
    places = intervals.among(keys).tolist()
    assert places == sorted(places)
    return [at in places for at in range(len(keys))]


def names(intervals: Intervals, numbers: Iterable[int]) -> list[str | None]:
    """The name of the interval that holds each number."""
    rows = [*zip(intervals.low.to_list(), intervals.high.to_list(), intervals.payload["name"].to_list(), strict=True)]
    return [next((name for low, high, name in rows if low <= number <= high), None) for number in numbers]


def is_sorted_and_disjoint(intervals: Intervals) -> bool:
    low, high = intervals.low.to_list(), intervals.high.to_list()
    ends_fit = all(first <= last for first, last in zip(low, high, strict=True))
    return ends_fit and all(last < first for last, first in zip(high, low[1:], strict=False))


@given(st.lists(spans, max_size=8), st.sampled_from([0, TOP]))
def test_a_union_holds_exactly_the_numbers_of_its_parts(parts: list[Span], offset: int) -> None:
    numbers = {number for low, high in parts for number in range(low, high + 1)}
    intervals = union(parts, offset)
    assert held(intervals, (number + offset for number in WORLD)) == [number in numbers for number in WORLD]
    assert is_sorted_and_disjoint(intervals)
    assert sum(intervals.high - intervals.low + 1) == len(numbers)


@given(st.lists(spans, max_size=8), st.lists(spans, min_size=1), st.sampled_from([0, TOP]))
def test_a_union_meets_the_spans_of_which_it_holds_a_number(parts: list[Span], asked: list[Span], offset: int) -> None:
    numbers = {number for low, high in parts for number in range(low, high + 1)}
    low, high = (np.array([span[end] + offset for span in asked], dtype=np.uint64) for end in (0, 1))
    expected = [not numbers.isdisjoint(range(first, last + 1)) for first, last in asked]
    assert union(parts, offset).meet(low, high).tolist() == expected


@pytest.mark.parametrize("low", [0, 1, 2])
def test_a_span_meets_an_interval_of_which_it_holds_the_first_or_the_last_number_alone(low: int) -> None:
    interval, ends = union([(low, low + 3)]), [(0, low), (low + 3, low + 9), (low + 4, low + 9)]
    first, last = (np.array([span[end] for span in ends], dtype=np.uint64) for end in (0, 1))
    assert interval.meet(first, last).tolist() == [True, True, False]


@given(st.lists(spans, max_size=8))
def test_a_union_has_no_two_intervals_that_touch(parts: list[Span]) -> None:
    intervals = union(parts)
    gaps = [first - last for last, first in zip(intervals.high.to_list(), intervals.low.to_list()[1:], strict=False)]
    assert all(gap > 1 for gap in gaps)


def test_what_an_interval_tells_may_be_unknown() -> None:
    frame = pl.DataFrame({"low": [0, 5], "high": [9, 5], "name": [None, "one"]}, schema_overrides={"name": pl.String})
    intervals = Intervals.narrowest(frame)
    assert (intervals.low.to_list(), intervals.high.to_list()) == ([0, 5, 6], [4, 5, 9])
    assert names(intervals, [4, 5, 6]) == [None, "one", None]


@given(st.lists(spans, max_size=8), st.sampled_from([0, TOP]))
def test_the_narrowest_interval_answers_and_the_later_of_two_equals(named: list[Span], offset: int) -> None:
    answers: dict[int, str] = {}
    widest_first = sorted(range(len(named)), key=lambda row: named[row][0] - named[row][1])
    for row in widest_first:
        low, high = named[row]
        answers |= dict.fromkeys(range(low, high + 1), str(row))
    intervals = table(named, offset)
    assert names(intervals, (number + offset for number in WORLD)) == [answers.get(number) for number in WORLD]
    assert is_sorted_and_disjoint(intervals)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(9, None, id="below"),
        pytest.param(10, "0", id="first"),
        pytest.param(19, "0", id="last"),
        pytest.param(20, None, id="in-the-gap"),
        pytest.param(30, "1", id="a-single-number"),
        pytest.param(31, None, id="above"),
        pytest.param(2**64 - 1, None, id="the-largest-key"),
        pytest.param(0, None, id="zero"),
    ],
)
def test_an_edge_belongs_to_its_interval(key: int, expected: str | None) -> None:
    intervals = table([(10, 19), (30, 30)])
    assert names(intervals, [key]) == [expected]
    assert held(intervals, [key]) == [expected is not None]


def test_an_empty_table_holds_nothing() -> None:
    intervals = table([])
    assert len(intervals) == 0
    assert held(intervals, [0, 7]) == [False, False]


def test_no_keys_give_no_answers() -> None:
    assert held(table([(1, 2)]), []) == held(union([]), []) == []


def test_ends_have_the_type_that_is_promised() -> None:
    intervals = table([(1, 2)])
    assert intervals.low.dtype == intervals.high.dtype == pl.UInt64


def test_neighbours_with_different_rows_stay_apart_and_parts_of_one_row_join() -> None:
    intervals = table([(0, 4), (5, 9)])
    assert intervals.high.to_list() == [4, 9]
    assert len(union([(0, 4), (5, 9), (2, 7)])) == 1


def test_the_largest_key_can_be_held() -> None:
    top = 2**64 - 1
    intervals = Intervals.union(pl.Series([top - 1], dtype=pl.UInt64), pl.Series([top], dtype=pl.UInt64))
    assert held(intervals, [top - 2, top - 1, top]) == [False, True, True]


def test_of_two_wide_intervals_the_one_narrower_by_a_single_number_wins() -> None:
    wide = 2**60
    intervals = table([(0, wide - 1), (0, wide)])
    assert names(intervals, [0, wide]) == ["0", "1"]


@given(st.sets(st.integers(1, 2**64 - 1) | st.integers(1, 300) | st.integers(2**64 - 300, 2**64 - 1), max_size=40))
def test_an_index_finds_what_a_binary_search_finds(begins: set[int]) -> None:
    start = np.array([0, *sorted(begins)], dtype=np.uint64)
    near = {at + by for at in start.tolist() for by in (-1, 0, 1) if 0 <= at + by < 2**64}
    asked = np.array(sorted(near | {0, 1, 99, 100, 2**63, 2**64 - 1}), dtype=np.uint64)
    assert Index(start).find(asked).tolist() == (np.searchsorted(start, asked, side="right") - 1).tolist()


@pytest.mark.parametrize("named", [[], [(0, 4), (3, 3)], [(7, 9)]], ids=["empty", "from-zero", "with-gaps"])
def test_saved_intervals_are_loaded_as_they_were(named: list[Span], tmp_path: Path) -> None:
    saved = table(named)
    saved.save(tmp_path / "table.parquet")
    loaded = Intervals.load(tmp_path / "table.parquet")
    assert (loaded.low.to_list(), loaded.high.to_list()) == (saved.low.to_list(), saved.high.to_list())
    assert loaded.payload.equals(saved.payload)
    assert held(loaded, WORLD) == held(saved, WORLD)


def test_saved_intervals_without_payload_are_loaded(tmp_path: Path) -> None:
    union([(0, 5), (2**63, 2**64 - 1)]).save(tmp_path / "table.parquet")
    loaded = Intervals.load(tmp_path / "table.parquet")
    assert (loaded.high.to_list(), loaded.payload.width) == ([5, 2**64 - 1], 0)
