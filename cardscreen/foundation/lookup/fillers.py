"""Digits that only fill a field, and are nobody's: one again and again, or each the next one up, or down.

All kinds of numbers go by this one rule. A number that has such digits in a part of it is somebody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from cardscreen.foundation.lookup.digits import Keys
from cardscreen.foundation.lookup.members import Members

_FEWEST, _MOST = 8, 32  # digits
_TURN = "0123456789" * 5


def _rows() -> Iterator[str]:
    """All of them, in the greatest length: each begins with the shorter ones."""
    for begin in range(10):
        yield _TURN[begin] * _MOST
        yield _TURN[begin : begin + _MOST]
        yield _TURN[::-1][begin : begin + _MOST]


def filling(shortest: int, longest: int) -> list[str]:
    """Those of some lengths, each once.

    Example:
        >>> filling(14, 14)[:3], len(filling(14, 15))
        (['00000000000000', '01234567890123', '09876543210987'], 60)
    """
    return sorted({row[:length] for row in _rows() for length in range(shortest, longest + 1)})


def filling_numbers(shortest: int, longest: int) -> Keys:
    """The same, as integers."""
    return np.array(sorted({int(digits) for digits in filling(shortest, longest)}), dtype=np.uint64)


@cache
def members_filling(shortest: int, longest: int) -> Members:
    """The same, to look others up in."""
    return Members(filling_numbers(shortest, longest))


def _of_any_length(row: str) -> str:
    pattern = ""
    for digit in reversed(row[_FEWEST:]):
        pattern = f"(?:{digit}{pattern})?"
    return row[:_FEWEST] + pattern


#: Pattern of such digits, eight at least.
FILLING = f"(?:{'|'.join(map(_of_any_length, _rows()))})"
