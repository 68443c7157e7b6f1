"""A sorted table's rows by key, without a binary search for most keys.

A key as a float has its magnitude in the exponent and its first digits in the mantissa, and both in one
run of bits that never falls as the key rises. The high bits choose a bucket, the next ones a place in
it, and what is found there is the row, unless a row begins in the midst of that place: only keys there
are searched. Whether it does is judged by the same rounding, so the answer is exact.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_Keys = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]

#: Bits of the mantissa for the bucket, and for the place in it: 64 magnitudes of 512 buckets are 128 KiB of integers,
#: which stay in the cache, and a place spans 1/32768 of its magnitude, so few tables have two rows in one.
_COARSE, _FINE = 9, 6
_MANTISSA = 52
_LEAST, _MOST = 1, 2**64 - 1  # 0 has the place of 1


class Index:
    """The rows of a table whose first keys are `start`: rising, the first one 0.

    Example:
        >>> Index(np.array([0, 500, 2000], dtype=np.uint64)).find(np.array([499, 500, 7000], dtype=np.uint64))
        array([0, 1, 2])
    """

    def __init__(self, start: _Keys) -> None:
        self._start = start
        self._base = int(_place(np.array([_LEAST], dtype=np.uint64))[0]) >> _FINE
        top = int(_place(np.array([_MOST], dtype=np.uint64))[0]) >> _FINE
        # A row begins cleanly where the key before it has another place: then the place alone tells the row.
        begins, before = _place(start[1:]), _place(np.maximum(start[1:] - np.uint64(1), np.uint64(_LEAST)))
        firsts = np.concatenate([[np.int64(0)], begins])
        split = np.unique(begins[begins >> _FINE == before >> _FINE] >> _FINE)
        bucket = np.arange(self._base, top + 1)
        row = np.searchsorted(firsts, (bucket << _FINE) + (1 << _FINE) - 1, side="right") - 1
        width = 1 << _FINE
        places = ((split << _FINE)[:, None] + np.arange(width)).ravel()
        inside = np.searchsorted(firsts, places, side="right") - 1
        inside[np.isin(places, begins[begins == before])] = -1  # to be searched: some of its keys are of the row before
        self._rows = np.concatenate([inside, np.unique(row)]).astype(np.int32)
        # One number says where a bucket's rows are, and how many bits of the place matter.
        whole = len(inside) + np.searchsorted(np.unique(row), row)
        self._bucket = (whole << _FINE).astype(np.int32)
        self._bucket[split - self._base] = ((np.arange(len(split)) * width) << _FINE) + width - 1

    def find(self, keys: _Keys) -> npt.NDArray[np.intp]:
        """The row of each key."""
        place = _place(keys)
        mask = (1 << _FINE) - 1
        bucket = self._bucket.take((place >> _FINE) - self._base, mode="clip")
        row: npt.NDArray[np.intp] = self._rows.take((bucket >> _FINE) + (place & bucket & mask)).astype(np.intp)
        unsure = np.flatnonzero(row < 0)
        if len(unsure):
            row[unsure] = np.searchsorted(self._start, keys[unsure], side="right") - 1
        return row


def _place(keys: _Keys) -> _Places:
    places: _Places = keys.astype(np.float64).view(np.int64) >> (_MANTISSA - _COARSE - _FINE)
    return places
