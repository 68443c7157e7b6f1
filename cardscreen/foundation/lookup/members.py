"""Which of many keys are among many others: nearly all are not, and must be told so at the least cost.

A split block Bloom filter of one word a block (F. Putze, P. Sanders, J. Singler, "Cache-, hash- and
space-efficient Bloom filters", 2007) turns away all but a few in a thousand with one access to memory; those
are searched among the sorted keys, so the answer is exact.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import Flags, Keys, Rows, distinct
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at, longs_at, part

#: Bits of the filter for each key: four keys share a word of 64 bits and set fourteen of them, so (14/64)⁴ = 0.2 % of
#: other keys pass by chance. More bits would save few searches, and cost the cache.
_BITS = 16
_LEAST_WORDS = 8
_WORD = 64  # bits
_IN_WORD = np.uint64(_WORD - 1)
#: 2⁶⁴ divided by the golden ratio: multiplied by it, neighbours land far apart.
SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ONE, _NEXT = np.uint64(1), np.uint64(6)  # bits that say which one of a word is meant


class Members:
    """A set of keys to look others up in.

    Example:
        >>> Members(np.array([3, 5], dtype=np.uint64)).among(np.array([5, 4, 3], dtype=np.uint64)).tolist()
        [0, 2]
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = distinct(keys)
        words = max(_LEAST_WORDS, 1 << (len(self._keys) * _BITS // _WORD).bit_length())
        self._shift = np.uint64(_WORD - (words.bit_length() - 1))
        self._words = np.zeros(words, dtype=np.uint64)
        if len(self._keys):
            _spread(self._keys, len(self._keys), int(self._shift), self._words)

    @classmethod
    def restored(cls, keys: Keys, words: Keys) -> Members:
        """The set that gave these `arrays`, without making it again."""
        members = cls.__new__(cls)
        members._keys, members._words = np.ascontiguousarray(keys), np.ascontiguousarray(words)
        members._shift = np.uint64(_WORD - (len(words).bit_length() - 1))
        return members

    @property
    def arrays(self) -> tuple[Keys, Keys]:
        """The keys, rising, and the words of the filter."""
        return self._keys, self._words

    @cached_property
    def _for_loop(self) -> npt.NDArray[np.int64]:
        return np.array([self._keys.ctypes.data, len(self._keys), self._words.ctypes.data, int(self._shift)])

    @property
    def address(self) -> int:
        """Where a loop finds the keys, how many there are, the words of the filter, and by how much to shift."""
        return self._for_loop.ctypes.data

    def __len__(self) -> int:
        """How many distinct keys there are."""
        return len(self._keys)

    def __repr__(self) -> str:
        """How many there are: they may be card numbers."""
        return f"Members({len(self):,})"

    def among(self, keys: Keys) -> Rows:
        """The places, rising, of those keys that are in the set."""
        return np.flatnonzero(self.has(keys))

    def has(self, keys: Keys) -> Flags:
        """Whether each key is in the set."""
        if not len(self._keys):
            return np.zeros(len(keys), dtype=bool)
        found = np.empty(len(keys), dtype=bool)
        _among(np.ascontiguousarray(keys, dtype=np.uint64), len(keys), self.address, found)
        return found


@part
def _bits_of(spread: Any) -> Any:
    """The four bits of its word that a key sets: by the low bits of it, spread; the high ones are the word's place."""
    bits = _ONE << (spread & _IN_WORD)
    for _ in range(3):
        spread >>= _NEXT
        bits |= _ONE << (spread & _IN_WORD)
    return bits


@loop
def _spread(keys: int, count: int, shift: int, words: int) -> None:
    """Set the bits of all keys of `Members`."""
    for at in range(count):
        key = keys_at(keys)[at] * SPREAD
        keys_at(words)[key >> np.uint64(shift)] |= _bits_of(key)


@part
def is_member(key: Any, members: int) -> Any:
    """Whether a key is in `Members`, by their address."""
    parts = longs_at(members)
    spread = key * SPREAD
    bits = _bits_of(spread)
    if keys_at(parts[2])[spread >> np.uint64(parts[3])] & bits != bits:
        return False
    keys, low, high = keys_at(parts[0]), 0, parts[1]
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < parts[1] and keys[low] == key


@loop
def _among(keys: int, count: int, members: int, found: int) -> None:
    """Which keys are in `Members`."""
    asked, flags = keys_at(keys), bytes_at(found)
    for at in range(count):
        flags[at] = is_member(asked[at], members)
