"""E.164 numbers as text, a whole column in one go.

A text column in memory is a row of views (Arrow's Utf8View): each a length, and then either the text
itself, up to twelve bytes of it, or its first four bytes and where in a buffer it begins. So the digits
of all numbers are written side by side into one buffer, four at a time from a table, and each view
points to where its own place stops having noughts in front.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from cardscreen.foundation.lookup.digits import Flags, Keys, blocks, digits_of

_Words = npt.NDArray[np.uint32]

_WORD, _INLINE = 4, 12  # bytes
_VIEW = 4  # words
_PLUS = ord("+")
_FOUR_DIGITS = np.uint64(10_000)
#: The digits of each number below 10,000.
_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), dtype=np.uint32)
#: Keeps the first bytes of a word, so many of them.
_KEEP = np.frombuffer(b"".join(b"\xff" * kept + b"\0" * (_WORD - kept) for kept in range(5)), dtype=np.uint32)
_NARROW = np.uint64(10**15)  # from here on, a number and its plus need more than four words


def written(numbers: Keys, known: Flags) -> pl.Series:
    """A plus and the digits of each number: String, null where it is not known.

    Args:
        numbers: At least three digits each, in no more than a hundred million rows.
        known: Which of them count.

    Example:
        >>> written(np.array([12125550123, 0], dtype=np.uint64), np.array([True, False])).to_list()
        ['+12125550123', None]
    """
    rows = len(numbers)
    if not rows:
        return pl.Series("e164", [], dtype=pl.String)
    # Words for each number: a plus and 15 digits (ITU-T E.164) fill four; libphonenumber reads up to 20 digits.
    width = 4 if numbers.max() < _NARROW else 6
    # One place more, so that a word that begins in the last one is whole.
    text, heads = (pa.allocate_buffer(size * _WORD) for size in ((rows + 1) * width, rows * _VIEW))
    places, views = (np.frombuffer(each, dtype=np.uint32) for each in (text, heads))
    places, views = places.reshape(-1, width), views.reshape(-1, _VIEW)
    for block in blocks(rows):
        _write(numbers[block], places[block.start : block.stop + 1], views[block], block.start * width * _WORD)
    nulls = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pl.Series("e164", pa.Array.from_buffers(pa.string_view(), rows, [nulls, heads, text]))


def _write(numbers: Keys, places: _Words, views: _Words, offset: int) -> None:
    """The digits of each number with noughts in front, the plus before them, and the view of both."""
    rest = numbers
    for word in range(places.shape[1] - 1, -1, -1):
        above = rest // _FOUR_DIGITS
        places[:-1, word] = _DIGITS.take((rest - above * _FOUR_DIGITS).view(np.int64), mode="clip")
        rest = above
    width = places.shape[1] * _WORD
    size = digits_of(numbers) + 1
    begin = np.arange(width, (len(numbers) + 1) * width, width) - size
    at = slice(begin[0], len(numbers) * width, width) if (size == size[0]).all() else begin
    places.view(np.uint8).reshape(-1)[at] = _PLUS
    # One word at each byte, though words begin at every fourth: a view's prefix begins wherever its plus stands.
    words = np.ndarray((places.nbytes - _WORD + 1,), dtype=np.uint32, buffer=places, strides=(1,))
    views[:, 0], views[:, 1], views[:, 2], views[:, 3] = size, words[at], 0, begin + offset
    short = np.flatnonzero(size <= _INLINE)
    if len(short):
        for word in (1, 2):
            kept = np.clip(size[short] - word * _WORD, 0, _WORD)
            views[short, word + 1] = words[begin[short] + word * _WORD] & _KEEP.take(kept)
