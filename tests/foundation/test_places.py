"""Where rows stand among others, against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.foundation.lookup.places import places_among

#: So few that slots, and first hashes of different rows, are often the same.
HASHES = st.integers(0, 7) | st.sampled_from([2**64 - 1, 2**63, 2**32])
PAIRS = st.lists(st.tuples(HASHES, HASHES), max_size=40)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, dtype=np.uint64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(sought=PAIRS, there=st.sets(st.tuples(HASHES, HASHES), max_size=40).map(list))
def test_each_row_is_found_where_it_stands_and_others_nowhere(
    sought: list[tuple[int, int]], there: list[tuple[int, int]]
) -> None:
    place = {pair: at for at, pair in enumerate(there)}
    found = places_among(columns(sought), columns(there)).tolist()
    assert found == [place.get(pair, -1) for pair in sought]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1023, 1024, 1025])
def test_rows_in_their_own_order_or_another_are_found(size: int) -> None:
    random = np.random.default_rng(size)
    first, second = random.integers(0, 2**64, (2, size), dtype=np.uint64)
    order = random.permutation(size)
    assert places_among((first, second), (first, second)).tolist() == list(range(size))
    assert places_among((first[order], second[order]), (first, second)).tolist() == order.tolist()
    assert set(places_among((first, second + np.uint64(1)), (first, second))) <= {-1}
