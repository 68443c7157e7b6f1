"""E.164 numbers as text, a whole column in one go.

A text column in memory is a row of views, as `foundation.lookup.texts` describes it. So the digits of all numbers are
written side by side into one buffer, four at a time from a table, and each view points to where its own place stops
having noughts in front.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import POWERS, Flags, Keys
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at, words_at

_WORD, _INLINE = 4, 12  # bytes
_VIEW = 4  # words
_PLUS = ord("+")
_FOUR_DIGITS = np.uint64(10_000)
#: The digits of each number below 10,000.
_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), dtype=np.uint32)
_NARROW = np.uint64(10**15)  # from here on, a number and its plus need more than four words
_MOST = len(POWERS)


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
    text, views = (pa.allocate_buffer(rows * words * _WORD) for words in (width, _VIEW))
    _write(np.ascontiguousarray(numbers), rows, _DIGITS, width, text.address, views.address)
    nulls = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pl.Series("e164", pa.Array.from_buffers(pa.string_view(), rows, [nulls, views, text]))


@loop
def _write(numbers: int, rows: int, table: int, width: int, text: int, views: int) -> None:
    """The digits of each number with noughts in front, the plus before them, and the view of both."""
    words, signs, heads, digits = words_at(text), bytes_at(text), words_at(views), 1
    for row in range(rows):
        number = rest = keys_at(numbers)[row]
        for word in range((row + 1) * width - 1, row * width - 1, -1):
            above = rest // _FOUR_DIGITS
            words[word] = words_at(table)[rest - above * _FOUR_DIGITS]
            rest = above
        # Mostly as many as the number before has.
        while digits < _MOST and number >= POWERS[digits]:
            digits += 1
        while digits > 1 and number < POWERS[digits - 1]:
            digits -= 1
        size, head = digits + 1, row * _VIEW
        begin = (row + 1) * width * _WORD - size
        signs[begin] = _PLUS
        heads[head] = size
        if size > _INLINE:
            heads[head + 1] = words_at(text + begin)[0]
            heads[head + 2] = 0
            heads[head + 3] = begin
        else:
            inline = bytes_at(views + (row * _VIEW + 1) * _WORD)
            for at in range(_INLINE):
                inline[at] = signs[begin + at] if at < size else 0
