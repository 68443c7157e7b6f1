"""Which of many keys are among many others: nearly all are not, and must be told so at the least cost.

A split block Bloom filter of one word a block (F. Putze, P. Sanders, J. Singler, "Cache-, hash- and
space-efficient Bloom filters", 2007) turns away all but a few in a thousand with one access to memory; those
are searched among the sorted keys, so the answer is exact.
"""

from __future__ import annotations

import numpy as np

from cardscreen.foundation.lookup.digits import Keys, Rows, blocks, distinct

#: Bits of the filter for each key: two keys share a word of 64 bits and set four of them, so (4/64)² = 0.4 % of other
#: keys pass by chance. More bits would save few searches, and cost the cache.
_BITS = 32
_LEAST_WORDS = 8
_WORD = 64  # bits
_IN_WORD = np.uint64(_WORD - 1)
#: 2⁶⁴ divided by the golden ratio: multiplied by it, neighbours land far apart.
SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ONE, _NEXT = np.uint64(1), np.uint64(6)


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
        spread = distinct(self._keys * SPREAD)
        if len(spread):
            place = spread >> self._shift
            first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
            self._words[place[first].view(np.int64)] = np.bitwise_or.reduceat(_bits(spread), first)

    @classmethod
    def restored(cls, keys: Keys, words: Keys) -> Members:
        """The set that gave these `arrays`, without making it again."""
        members = cls.__new__(cls)
        members._keys, members._words = keys, words
        members._shift = np.uint64(_WORD - (len(words).bit_length() - 1))
        return members

    @property
    def arrays(self) -> tuple[Keys, Keys]:
        """The keys, rising, and the words of the filter."""
        return self._keys, self._words

    def __len__(self) -> int:
        """How many distinct keys there are."""
        return len(self._keys)

    def __repr__(self) -> str:
        """How many there are: they may be card numbers."""
        return f"Members({len(self):,})"

    def among(self, keys: Keys) -> Rows:
        """The places, rising, of those keys that are in the set."""
        if not len(self._keys):
            return np.empty(0, dtype=np.intp)
        passed = [block.start + self._maybe(keys[block]) for block in blocks(len(keys))]
        rows = np.concatenate(passed) if passed else np.empty(0, dtype=np.intp)
        asked = keys[rows]
        place = np.minimum(np.searchsorted(self._keys, asked), len(self._keys) - 1)
        held: Rows = rows[self._keys[place] == asked]
        return held

    def _maybe(self, keys: Keys) -> Rows:
        spread = keys * SPREAD
        bits = _bits(spread)
        words = self._words.take((spread >> self._shift).view(np.int64))
        words &= bits
        return np.flatnonzero(words == bits)


def _bits(spread: Keys) -> Keys:
    """The two bits of its word that each key sets: by the low bits; the high ones are the place of the word."""
    bits: Keys = _ONE << (spread & _IN_WORD)
    bits |= _ONE << (spread >> _NEXT & _IN_WORD)
    return bits
