"""Raw cells as keys: which cells are nothing but dialled digits, and what is their key?

The key of n digits is 10ⁿ plus their value. A cell has one when libphonenumber, too, would see no more
in it than a plus or none and 3 to 18 digits. It drops everything before the first plus or digit and
everything behind the last letter, digit or `#`, and ignores what it calls punctuation between; it reads
every Unicode decimal digit. Cells that are digits already take a plain cast, those with punctuation one
replacement more; the rest are taken apart by one regular expression, and what that does not cover
(letters, extensions, RFC 3966 parameters, 250 characters or more) has no key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.digits import (
    POWERS,
    Bytes,
    Flags,
    Keys,
    Rows,
    Sizes,
    blocks,
    digits_of,
    sizes_of,
    taken,
    values_of,
    without,
)
from cardscreen.tables.cells import is_blank, text_of

#: Digits that a key can hold: 2 · 10¹⁸ fits UInt64, and two digits follow rules of their own.
SHORTEST, LONGEST = 3, 18
#: What a string of n bytes has in its key beside its digits, at n; 0 where it has no key.
_MARKS = np.where((np.arange(20) >= SHORTEST) & (np.arange(20) <= LONGEST), POWERS, np.uint64(0))
_TEN, _PLUS = np.uint64(10), ord("+")

# The symbols that libphonenumber allows between digits, without `x` and the tildes, which may begin an
# extension, and with the star, which it ignores as well.
_PUNCTUATION = (
    r"\-. ()/\[\]*"
    "\u00a0\u00ad\u200b\u2010-\u2015\u2060\u2212\u3000\u30fc\uff08\uff09\uff0d-\uff0f\uff3b\uff3d"
)
_ASCII_PUNCTUATION = b"-. ()/[]*"
# ASCII that is neither letter nor digit nor `#`, and some more of which that is true.
_TAIL = '\x00-"$-/:-@\\[-`{-\x7f\u00a0\u2010-\u2027\u3000-\u3003\u3008-\u3011\uff08\uff09\uff0c-\uff0f\uff1a\uff1b'
#: Past the two planes of Unicode in which scripts are, no character is a digit.
_SCRIPTS = 0x20000
_LONGEST_CELL = 250  # bytes; libphonenumber refuses more characters than that
_NONE = np.empty(0, dtype=np.intp)


@dataclass
class Dialled:
    """What a batch of cells says.

    Attributes:
        key: The key of each cell, 0 where it has none.
        plus: Whether the digits follow a plus; meaningless without key.
        missing: Rows that are null or blank.
        wordy: Rows without plus or digit: no number, whatever the region.
        written: Rows of text that is more than digits with at most one plus in front, and not null.
        texts: These texts.
    """

    key: Keys
    plus: Flags
    missing: Rows
    wordy: Rows
    written: Rows = field(default_factory=lambda: _NONE)
    texts: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))


def read(cells: pl.Series) -> Dialled:
    """The keys of a batch of cells of any type that can hold numbers.

    Raises:
        InputError: The column holds dates, booleans or nested values.
    """
    if cells.dtype.is_integer():
        return _from_integers(cells)
    if cells.dtype == pl.Float64:
        return _from_floats(cells)
    return _from_text(texts(cells))


def texts(cells: pl.Series) -> pl.Series:
    """The cells as `cells.to_text` has them."""
    return text_of(cells)


def _from_integers(cells: pl.Series) -> Dialled:
    values, read = values_of(cells.cast(pl.UInt64, strict=False))  # null where negative
    key = np.empty(len(cells), dtype=np.uint64)
    for block in blocks(len(cells)):
        mark = _MARKS.take(digits_of(values[block]), mode="clip")
        key[block] = _marked(values[block], mark if read is None else mark * read[block])
    return _mended(cells, Dialled(key, np.zeros(len(cells), dtype=bool), _NONE, _NONE))


def _from_floats(cells: pl.Series) -> Dialled:
    whole = (cells == cells.floor()) & cells.is_between(0, 10**LONGEST - 1) & cells.is_not_nan()
    dialled = _from_integers(cells.to_frame("x").select(pl.when(whole).then("x").cast(pl.Int64)).to_series())
    return _mended(cells, dialled)


def _mended(cells: pl.Series, dialled: Dialled) -> Dialled:
    """Read the cells without key once more, as text."""
    rows = np.flatnonzero(dialled.key == 0)
    if not len(rows):
        return dialled
    other = _from_text(texts(taken(cells, rows)))
    dialled.key[rows], dialled.plus[rows] = other.key, other.plus
    return replace(dialled, missing=rows[other.missing], wordy=rows[other.wordy])


def _from_text(cells: pl.Series) -> Dialled:
    size, first = sizes_of(cells)
    key, plus = _cast(cells, size, first)
    rows, blank = np.flatnonzero(key == 0), _NONE
    if cells.null_count():
        null = cells.is_null().to_numpy()
        rows, blank = rows[~null[rows]], np.flatnonzero(null)
    written = rows = rows[size[rows] <= _LONGEST_CELL]
    some = taken(cells, rows)
    if len(rows):
        bare = without(some, _ASCII_PUNCTUATION)
        key[rows], plus[rows] = _cast(bare, *sizes_of(bare))
        rows = rows[key[rows] == 0]
    dialled = Dialled(key, plus, blank, _NONE, written, some)
    return _with_odd_cells(dialled, cells, rows) if len(rows) else dialled


def _with_odd_cells(dialled: Dialled, cells: pl.Series, rows: Rows) -> Dialled:
    """The same with what an expression for all of Unicode finds in the cells of some rows."""
    rest = taken(cells, rows)
    blank = rest.to_frame("x").select(is_blank(pl.col("x"))).to_series().to_numpy()
    missing = np.concatenate([dialled.missing, rows[blank]])
    rows, rest, syntax = rows[~blank], rest.filter(pl.Series(~blank)), _syntax()
    wordy = (~rest.str.contains(f"[+＋;{syntax.digits}]")).to_numpy()
    body = rest.str.extract(syntax.number, 1)
    if not body.str.contains(r"^[\x00-\x7f]*$").all():
        body = syntax.ascii(body)
    body = body.str.replace_all(f"[{_PUNCTUATION}]", "")
    dialled.key[rows], dialled.plus[rows] = _cast(body, *sizes_of(body))
    return replace(dialled, missing=missing, wordy=rows[wordy])


def _cast(cells: pl.Series, size: Sizes, first: Bytes) -> tuple[Keys, Flags]:
    """Keys and plus of the cells that are digits with at most one plus in front, from their sizes and first bytes."""
    values, read = values_of(cells.cast(pl.UInt64, strict=False))
    key, plus = np.empty(len(cells), dtype=np.uint64), np.zeros(len(cells), dtype=bool)
    for block in blocks(len(cells)):
        value, mark = values[block], _MARKS.take(size[block], mode="clip")
        if read is not None:
            mark *= read[block]
        # The cast takes a plus and leading zeros without a word; either makes the value too small.
        odd = np.flatnonzero(value * _TEN < mark)
        if len(odd):
            signed = odd[first[block][odd] == _PLUS]
            mark[signed] = _MARKS.take(size[block][signed] - 1)
            plus[block][signed] = True
        key[block] = _marked(value, mark)
    return key, plus


def _marked(values: Keys, marks: Keys) -> Keys:
    """Keys of digits; 0 where the mark is."""
    keys = values + marks
    return keys if marks.all() else keys * (marks != 0)


class _Syntax:
    """What needs a look at all scripts, done when the first odd cell comes by."""

    def __init__(self) -> None:
        digits = re.findall(r"\d", "".join(map(chr, [*range(0xD800), *range(0xE000, _SCRIPTS)])))
        #: Every decimal digit, as the inside of a character class.
        self.digits = "0-9" + "".join(digit for digit in digits if digit > "9")
        self.number = f"^[^+＋;{self.digits}]*([+＋]?[{self.digits}{_PUNCTUATION}]*[{self.digits}])[{_TAIL}]*$"
        self._foreign = {digit: str(int(digit)) for digit in digits if digit > "9"} | {"＋": "+"}

    def ascii(self, cells: pl.Series) -> pl.Series:
        """Digits and pluses of all scripts as those of ASCII."""
        return cells.str.replace_many(self._foreign)


@lru_cache(maxsize=1)
def _syntax() -> _Syntax:
    return _Syntax()
