"""Interval tables against dictionaries, and what happens on their edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def keys(values: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame({"key": values}, schema={"key": pl.UInt64})


def ask(frame: pl.DataFrame, question: pl.Expr, engine: Any = "in-memory") -> list[Any]:
    return frame.lazy().select(question.alias("told")).collect(engine=engine)["told"].to_list()


def contains(intervals: Intervals) -> pl.Expr:
    """Whether some interval holds each key; null for a null key."""
    return pl.when(pl.col("key").is_not_null()).then(intervals.locate(pl.col("key")).is_not_null())


def lookup(intervals: Intervals) -> pl.Expr:
    """The name of the interval that holds each key."""
    return pl.lit(intervals.payload["name"]).gather(intervals.locate(pl.col("key")))


def is_sorted_and_disjoint(intervals: Intervals) -> bool:
    low, high = intervals.low.to_list(), intervals.high.to_list()
    ends_fit = all(first <= last for first, last in zip(low, high, strict=True))
    return ends_fit and all(last < first for last, first in zip(high, low[1:], strict=False))


@given(st.lists(spans, max_size=8), st.sampled_from([0, TOP]))
def test_a_union_holds_exactly_the_numbers_of_its_parts(parts: list[Span], offset: int) -> None:
    held = {number for low, high in parts for number in range(low, high + 1)}
    intervals = union(parts, offset)
    told = ask(keys([number + offset for number in WORLD]), contains(intervals))
    assert told == [number in held for number in WORLD]
    assert is_sorted_and_disjoint(intervals)
    assert sum(intervals.high - intervals.low + 1) == len(held)


@given(st.lists(spans, max_size=8))
def test_a_union_has_no_two_intervals_that_touch(parts: list[Span]) -> None:
    intervals = union(parts)
    gaps = [first - last for last, first in zip(intervals.high.to_list(), intervals.low.to_list()[1:], strict=False)]
    assert all(gap > 1 for gap in gaps)


@given(st.lists(spans, max_size=4), spans, st.sampled_from([0, TOP]))
def test_what_is_among_intervals_and_what_meets_them_is_what_shares_a_number_with_them(
    parts: list[Span], other: Span, offset: int
) -> None:
    held = {number for low, high in parts for number in range(low, high + 1)}
    intervals = union(parts, offset)
    numbers = np.array(WORLD, dtype=np.uint64) + np.uint64(offset)
    assert intervals.among(numbers).tolist() == sorted(held)
    low, high = (np.array([end + offset], dtype=np.uint64) for end in other)
    assert intervals.meet(low, high).tolist() == [not held.isdisjoint(range(other[0], other[1] + 1))]


def test_what_an_interval_tells_may_be_unknown() -> None:
    frame = pl.DataFrame({"low": [0, 5], "high": [9, 5], "name": [None, "one"]}, schema_overrides={"name": pl.String})
    intervals = Intervals.narrowest(frame)
    assert (intervals.low.to_list(), intervals.high.to_list()) == ([0, 5, 6], [4, 5, 9])
    assert ask(keys([4, 5, 6]), lookup(intervals)) == [None, "one", None]


@given(st.lists(spans, max_size=8), st.sampled_from([0, TOP]))
def test_the_narrowest_interval_answers_and_the_later_of_two_equals(named: list[Span], offset: int) -> None:
    answers: dict[int, str] = {}
    widest_first = sorted(range(len(named)), key=lambda row: named[row][0] - named[row][1])
    for row in widest_first:
        low, high = named[row]
        answers |= dict.fromkeys(range(low, high + 1), str(row))
    intervals = table(named, offset)
    told = ask(keys([number + offset for number in WORLD]), lookup(intervals))
    assert told == [answers.get(number) for number in WORLD]
    assert is_sorted_and_disjoint(intervals)


@given(st.lists(spans, max_size=8), st.lists(st.none() | st.integers(0, 40), min_size=1, max_size=30))
def test_eager_and_streaming_answers_agree(named: list[Span], asked: list[int | None]) -> None:
    intervals, frame = table(named), keys(asked)
    for question in (lookup(intervals), contains(intervals)):
        assert ask(frame, question, "streaming") == ask(frame, question)
        assert frame.select(told=question)["told"].to_list() == ask(frame, question)


def test_streaming_answers_keep_the_order_of_many_rows() -> None:
    intervals = table([(0, 9), (20, 29)])
    frame = keys([*range(40)] * 10_000)
    expected = (["0"] * 10 + [None] * 10 + ["1"] * 10 + [None] * 10) * 10_000
    assert ask(frame, lookup(intervals), "streaming") == expected


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
        pytest.param(None, None, id="null"),
    ],
)
def test_an_edge_belongs_to_its_interval(key: int | None, expected: str | None) -> None:
    intervals = table([(10, 19), (30, 30)])
    assert ask(keys([key]), lookup(intervals)) == [expected]
    assert bool(ask(keys([key]), contains(intervals))[0]) == (expected is not None)


@pytest.mark.parametrize("held", [[(0, 5)], [(3, 5)], []], ids=["holds-zero", "not-zero", "empty"])
def test_a_null_key_is_in_no_interval(held: list[Span]) -> None:
    intervals = union(held)
    assert ask(keys([None, None]), intervals.locate(pl.col("key"))) == [None, None]
    assert not any(ask(keys([None, None]), contains(intervals)))


@pytest.mark.parametrize("held", [[(3, 5)], []], ids=["some", "empty"])
def test_whether_a_null_key_is_held_is_not_known(held: list[Span]) -> None:
    assert ask(keys([None]), contains(union(held))) == [None]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_an_empty_table_holds_nothing(engine: Any) -> None:
    intervals = table([])
    assert len(intervals) == 0
    assert ask(keys([0, 7, None]), intervals.locate(pl.col("key")), engine) == [None] * 3
    assert ask(keys([0, 7]), contains(intervals), engine) == [False, False]
    assert ask(keys([0, 7]), lookup(intervals), engine) == [None, None]


def test_no_keys_give_no_answers() -> None:
    assert ask(keys([]), lookup(table([(1, 2)]))) == []
    assert ask(keys([]), contains(union([]))) == []


def test_answers_have_the_types_that_are_promised() -> None:
    intervals = table([(1, 2)])
    frame = keys([1, 5])
    assert intervals.low.dtype == intervals.high.dtype == pl.UInt64
    assert frame.select(intervals.locate(pl.col("key"))).dtypes == [pl.UInt32]
    assert frame.select(contains(intervals)).dtypes == [pl.Boolean]


def test_neighbours_with_different_rows_stay_apart_and_parts_of_one_row_join() -> None:
    intervals = table([(0, 4), (5, 9)])
    assert intervals.high.to_list() == [4, 9]
    assert len(union([(0, 4), (5, 9), (2, 7)])) == 1


def test_the_largest_key_can_be_held() -> None:
    top = 2**64 - 1
    intervals = Intervals.union(pl.Series([top - 1], dtype=pl.UInt64), pl.Series([top], dtype=pl.UInt64))
    assert ask(keys([top - 2, top - 1, top]), contains(intervals)) == [False, True, True]


def test_of_two_wide_intervals_the_one_narrower_by_a_single_number_wins() -> None:
    wide = 2**60
    intervals = table([(0, wide - 1), (0, wide)])
    assert ask(keys([0, wide]), lookup(intervals)) == ["0", "1"]


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
    assert ask(keys([*WORLD]), lookup(loaded)) == ask(keys([*WORLD]), lookup(saved))


def test_saved_intervals_without_payload_are_loaded(tmp_path: Path) -> None:
    union([(0, 5), (2**63, 2**64 - 1)]).save(tmp_path / "table.parquet")
    loaded = Intervals.load(tmp_path / "table.parquet")
    assert (loaded.high.to_list(), loaded.payload.width) == ([5, 2**64 - 1], 0)
