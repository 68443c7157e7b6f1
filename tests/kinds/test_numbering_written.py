"""E.164 numbers as text, against what Python writes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.foundation.lookup import digits
from cardscreen.kinds.phone.numbering.loops.written import written

numbers = st.integers(100, 2**64 - 1) | st.integers(2, 19).flatmap(
    lambda digits: st.integers(10**digits - (digits > 2), 10**digits + 1)
)


def told(values: list[int], known: list[bool] | None = None) -> list[str | None]:
    mask = np.ones(len(values), dtype=bool) if known is None else np.array(known)
    return written(np.array(values, dtype=np.uint64), mask).to_list()


@given(st.lists(numbers, max_size=40))
def test_numbers_are_written_as_python_writes_them(values: list[int]) -> None:
    assert told(values) == [f"+{value}" for value in values]


@given(st.lists(st.tuples(st.integers(0, 10**19 - 1), st.booleans()), min_size=1, max_size=40))
def test_what_is_not_known_is_null(cells: list[tuple[int, bool]]) -> None:
    cells = [(max(value, 100), known) for value, known in cells]
    expected = [f"+{value}" if known else None for value, known in cells]
    assert told([value for value, _ in cells], [known for _, known in cells]) == expected


@pytest.mark.parametrize("digits", range(3, 20))
def test_numbers_of_one_length_are_written(digits: int) -> None:
    values = [10 ** (digits - 1), 10**digits - 1, 10 ** (digits - 1) + 7]
    assert told(values) == [f"+{value}" for value in values]


def test_numbers_of_many_lengths_fill_many_blocks() -> None:
    dice = np.random.default_rng(1)
    values = dice.integers(100, 10**18, 100_000, dtype=np.uint64) // 10 ** dice.integers(
        0, 15, 100_000, dtype=np.uint64
    )
    values = np.maximum(values, 100)
    text = written(values, np.ones(len(values), dtype=bool))
    assert text.equals(pl.Series("e164", ["+" + str(value) for value in values.tolist()]))
    assert text.filter(text.str.len_bytes() > 14).sort().is_sorted()


@given(st.lists(st.integers(0, 2**64 - 1) | numbers | st.integers(0, 19).map(lambda n: 10**n), min_size=1))
def test_digits_are_counted_as_python_counts_them(values: list[int]) -> None:
    counted = digits.digits_of(np.array(values, dtype=np.uint64)).tolist()
    assert counted == [len(str(value)) for value in values]
