"""A sorted table's rows by key, without a binary search for most keys.

A key as a float has its magnitude in the exponent and its first digits in the mantissa, and both in one
run of bits that never falls as the key rises. The high bits choose a bucket, the next ones a place in
it, and what is found there is the row, unless a row begins in the midst of that place: only keys there
are searched. Whether it does is judged by the same rounding, so the answer is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.pointers import keys_at, longs_at, part, shorts_at

_Keys = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]

#: Bits of the mantissa for the bucket, and for the place in it: 64 magnitudes of 512 buckets are 128 KiB of integers,
#: which stay in the cache, and a place spans 1/32768 of its magnitude, so few tables have two rows in one.
_COARSE, _FINE = 9, 6
_MANTISSA = 52
_WORD = 8  # bytes of a key
_SHIFT = _MANTISSA - _COARSE - _FINE  # bits of a float behind its place
_LEAST, _MOST = 1, 2**64 - 1  # 0 has the place of 1
_ONE, _MASK = np.uint64(1), (1 << _FINE) - 1
#: The bucket of the least key, by the exponent that 1 has as a float.
_BASE = (1023 << _MANTISSA) >> _SHIFT >> _FINE


class Index:
    """The rows of a table whose first keys are `start`: rising, the first one 0.

    Example:
        >>> Index(np.array([0, 500, 2000], dtype=np.uint64)).find(np.array([499, 500, 7000], dtype=np.uint64))
        array([0, 1, 2])
    """

    def __init__(self, start: _Keys) -> None:
        self.start = start
        top = int(_place(np.array([_MOST], dtype=np.uint64))[0]) >> _FINE
        # A row begins cleanly where the key before it has another place: then the place alone tells the row.
        begins, before = _place(start[1:]), _place(np.maximum(start[1:] - np.uint64(1), np.uint64(_LEAST)))
        firsts = np.concatenate([[np.int64(0)], begins])
        split = np.unique(begins[begins >> _FINE == before >> _FINE] >> _FINE)
        bucket = np.arange(_BASE, top + 1)
        row = np.searchsorted(firsts, (bucket << _FINE) + (1 << _FINE) - 1, side="right") - 1
        width = 1 << _FINE
        places = ((split << _FINE)[:, None] + np.arange(width)).ravel()
        inside = np.searchsorted(firsts, places, side="right") - 1
        inside[np.isin(places, begins[begins == before])] = -1  # to be searched: some of its keys are of the row before
        self.rows = np.concatenate([inside, np.unique(row)]).astype(np.int32)
        # One number says where a bucket's rows are, and how many bits of the place matter.
        whole = len(inside) + np.searchsorted(np.unique(row), row)
        self.bucket = (whole << _FINE).astype(np.int32)
        self.bucket[split - _BASE] = ((np.arange(len(split)) * width) << _FINE) + width - 1
        held = start.ctypes.data, start.strides[0] // _WORD, len(start), self.bucket.ctypes.data, self.rows.ctypes.data
        self._for_loop = np.array(held)

    @property
    def address(self) -> int:
        """Where a loop finds the first keys, how far apart they are, how many, the buckets, and the rows."""
        return self._for_loop.ctypes.data

    def find(self, keys: _Keys) -> npt.NDArray[np.intp]:
        """The row of each key."""
        found = np.empty(len(keys), dtype=np.int64)
        _find(np.ascontiguousarray(keys, dtype=np.uint64), len(keys), self.address, found)
        return found


def _place(keys: _Keys) -> _Places:
    places: _Places = keys.astype(np.float64).view(np.int64) >> _SHIFT
    return places


@part
def row_of(key: Any, index: int) -> Any:
    """The row of a key, by the address of an `Index`."""
    parts = longs_at(index)
    place = np.float64(max(key, _ONE)).view(np.int64) >> _SHIFT
    found = np.int64(shorts_at(parts[3])[(place >> _FINE) - _BASE])
    row = np.int64(shorts_at(parts[4])[(found >> _FINE) + (place & found & _MASK)])
    if row >= 0:
        return row
    start, step, low, high = keys_at(parts[0]), parts[1], 0, parts[2]
    while high - low > 1:
        middle = (low + high) >> 1
        if start[middle * step] <= key:
            low = middle
        else:
            high = middle
    return low


@loop
def _find(keys: int, count: int, index: int, found: int) -> None:
    """The row of each key in an `Index`."""
    asked, rows = keys_at(keys), longs_at(found)
    for at in range(count):
        rows[at] = row_of(asked[at], index)
