"""A column of text as a loop reads it: where in memory each text is.

In memory a text column is a row of views (Arrow's Utf8View): each a length, and then either the text itself, up to
twelve bytes of it, or its first four bytes and in which buffer it is, and where in that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.digits import POWERS
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at, longs_at, part, words_at

_INLINE, _VIEW, _PREFIX = 12, 16, 4  # bytes
_WORDS = 4  # of a view
_EIGHT, _BITS, _EVERY = 8, 8, np.uint64(2**64 - 1)
#: Of eight bytes: their high halves, those of digits, and what lifts a digit past them if it is more than nine.
_HIGH, _NOUGHTS, _TO_TEN = (np.uint64(each * 0x0101010101010101) for each in (0xF0, 0x30, 0x06))
_OUTER, _TEN = np.uint64(0x000000FF000000FF), np.uint64(10)
_MILLION_AND_HUNDRED, _TEN_THOUSAND_AND_ONE = np.uint64(1_000_000 << 32 | 100), np.uint64(10_000 << 32 | 1)


class Texts:
    """Where the texts of a String column are; of one in several pieces, those of a copy.

    Attributes:
        address: Where a loop finds the addresses of the views, of the buffers' addresses, and of the bits that say
            which texts are not null (0: all are), and which of the bits is the first text's.
    """

    def __init__(self, texts: pl.Series) -> None:
        if texts.dtype != pl.String:
            raise TypeError(f"a loop reads texts, and not {texts.dtype}")
        self._array = texts.to_arrow(compat_level=pl.CompatLevel.newest())
        valid, views, *buffers = self._array.buffers()
        self._buffers = np.array([each.address for each in buffers], dtype=np.int64)
        self._for_loop = np.array(
            [
                (views.address if views else 0) + _VIEW * self._array.offset,
                self._buffers.ctypes.data,
                valid.address if valid and self._array.null_count else 0,
                self._array.offset,
            ],
            dtype=np.int64,
        )
        self.address: int = self._for_loop.ctypes.data

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._array)


@part
def opened(texts: int) -> Any:
    """What the next three need of `Texts`, by their address."""
    parts = longs_at(texts)
    return parts[0], parts[1], parts[2], parts[3]


@part
def is_given(texts: Any, row: int) -> Any:
    """Whether a text is not null."""
    _, _, valid, first = texts
    if valid == 0:
        return True
    bit = first + row
    return (bytes_at(valid)[bit >> 3] >> (bit & 7)) & 1 == 1


@part
def size_of(texts: Any, row: int) -> Any:
    """How many bytes a text has; anything for a null."""
    return np.int64(words_at(texts[0])[row * _WORDS])


@part
def place_of(texts: Any, row: int) -> Any:
    """The address of a text that is not null."""
    views, buffers, _, _ = texts
    view = words_at(views + row * _VIEW)
    if view[0] <= _INLINE:
        return views + row * _VIEW + _PREFIX
    return longs_at(buffers)[view[2]] + np.int64(view[3])


@part
def eight_digits(place: int) -> Any:
    """The number that eight bytes are as digits; -1 where some are none."""
    return _number_of(keys_at(place)[0])


@part
def digits_alone(place: int, size: int) -> Any:
    """The number that a text of eight to sixteen bytes is as digits; -1 where some are none."""
    first = eight_digits(place)
    if first < 0:
        return -1
    # The last eight bytes, of which those that were among the first are noughts: perhaps all, and a word can't be
    # shifted by all of its bits at once.
    half = np.uint64(_BITS * (2 * _EIGHT - size) // 2)
    behind = _EVERY << half << half
    last = _number_of(keys_at(place + size - _EIGHT)[0] & behind | _NOUGHTS & ~behind)
    return -1 if last < 0 else first * np.int64(POWERS[size - _EIGHT]) + last


@part
def _number_of(signs: Any) -> Any:
    """The number that eight bytes are as digits; -1 where some are none.

    All eight at once, after D. Lemire, "Quickly parsing eight digits" (2022): pairs are added up, then pairs of pairs.
    """
    if signs & _HIGH != _NOUGHTS or (signs + _TO_TEN) & _HIGH != _NOUGHTS:
        return -1
    signs -= _NOUGHTS
    pairs = signs * _TEN + (signs >> np.uint64(8))
    fours = (pairs & _OUTER) * _MILLION_AND_HUNDRED + ((pairs >> np.uint64(16)) & _OUTER) * _TEN_THOUSAND_AND_ONE
    return np.int64((fours >> np.uint64(32)) & np.uint64(0xFFFFFFFF))
