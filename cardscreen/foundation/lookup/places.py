"""Where each of many rows stands among others that are told apart by two hashes.

Two hashes of 64 bits stand for the columns that make a row what it is: so short, they are looked up at the speed of
integers, and of a billion pairs of different rows none is taken for the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import Keys
from cardscreen.foundation.lookup.pointers import keys_at, longs_at, part, shorts_at

_ONE = np.uint64(1)


def places_among(sought: tuple[Keys, Keys], there: tuple[Keys, Keys]) -> npt.NDArray[np.int64]:
    """The place of each pair of hashes among those that are there, no two of which are the same; -1 for what is not.

    Example:
        >>> a = np.array([5, 6, 7], dtype=np.uint64)
        >>> places_among((a, a), (a[1:], a[1:])).tolist()
        [-1, 0, 1]
    """
    slots = 1 << (2 * len(there[0])).bit_length()  # half of them stay free, so that a free one is near
    rows = np.zeros(slots, dtype=np.int32)
    first, second = map(np.ascontiguousarray, there)
    _settle(first, len(first), rows, slots)
    table = np.array([first.ctypes.data, second.ctypes.data, len(first), rows.ctypes.data, slots])
    found = np.empty(len(sought[0]), dtype=np.int64)
    _seek(*map(np.ascontiguousarray, sought), len(found), table.ctypes.data, found)
    return found


@loop
def _settle(keys: int, count: int, rows: int, slots: int) -> None:
    """Put each row, counted from 1, into the first free slot from that of its first hash on."""
    hashes, table, last = keys_at(keys), shorts_at(rows), np.uint64(slots) - _ONE
    for at in range(count):
        slot = hashes[at] & last
        while table[slot]:
            slot = (slot + _ONE) & last
        table[slot] = at + 1


@part
def _row_of(first: Any, second: Any, parts: Any) -> Any:
    """The place of a pair, from the slot of its first hash on; -1 where a free slot comes before."""
    firsts, seconds, table = keys_at(parts[0]), keys_at(parts[1]), shorts_at(parts[3])
    last = np.uint64(parts[4]) - _ONE
    slot = first & last
    while table[slot]:
        row = np.int64(table[slot]) - 1
        if firsts[row] == first and seconds[row] == second:
            return row
        slot = (slot + _ONE) & last
    return np.int64(-1)


@loop
def _seek(first: int, second: int, count: int, table: int, found: int) -> None:
    """The place of each pair; most stand in the order of those that are there, so the next one is looked at first."""
    parts, firsts, seconds, places = longs_at(table), keys_at(first), keys_at(second), longs_at(found)
    ours, theirs, size, guess = keys_at(parts[0]), keys_at(parts[1]), parts[2], np.int64(0)
    for at in range(count):
        if guess < size and ours[guess] == firsts[at] and theirs[guess] == seconds[at]:
            row = guess
        else:
            row = _row_of(firsts[at], seconds[at], parts)
        places[at] = row
        if row >= 0:
            guess = row + 1
