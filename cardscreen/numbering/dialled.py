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
import sys
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.cleaning import is_blank, text_of

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

#: Digits that a key can hold: 2 · 10¹⁸ fits UInt64, and two digits follow rules of their own.
SHORTEST, LONGEST = 3, 18
#: 10ⁿ at n; past the longest key the entries only keep look-ups in bounds.
POWERS = np.array([10 ** min(n, 19) for n in range(256)], dtype=np.uint64)

# The symbols that libphonenumber allows between digits, without `x` and the tildes, which may begin an
# extension, and with the star, which it ignores as well.
_PUNCTUATION = (
    r"\-. ()/\[\]*"
    "\u00a0\u00ad\u200b\u2010-\u2015\u2060\u2212\u3000\u30fc\uff08\uff09\uff0d-\uff0f\uff3b\uff3d"
)
_ASCII_PUNCTUATION = b"-. ()/[]*"
# ASCII that is neither letter nor digit nor `#`, and some more of which that is true.
_TAIL = '\x00-"$-/:-@\\[-`{-\x7f\u00a0\u2010-\u2027\u3000-\u3003\u3008-\u3011\uff08\uff09\uff0c-\uff0f\uff1a\uff1b'
_LONGEST_CELL = 250  # bytes; libphonenumber refuses more characters than that


@dataclass
class Dialled:
    """What a batch of cells says.

    Attributes:
        key: The key of each cell, 0 where it has none.
        plus: Whether the digits follow a plus; meaningless without key.
        bare: Whether the cell is text and nothing but the digits of the key.
        missing: Rows that are null or blank.
        wordy: Rows without plus or digit: no number, whatever the region.
    """

    key: Keys
    plus: Flags
    bare: Flags
    missing: npt.NDArray[np.intp]
    wordy: npt.NDArray[np.intp]


_NONE = np.empty(0, dtype=np.intp)
_ZERO = pl.Series([0], dtype=pl.UInt64)


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
    """The cells as `cleaning.to_text` has them."""
    return text_of(cells)


def taken(series: pl.Series, rows: npt.NDArray[np.intp] | npt.NDArray[np.uint32]) -> pl.Series:
    """The values at some rows; on small batches a sixth of what `Series.gather` takes."""
    return series[pl.Series(rows)]


def _from_integers(cells: pl.Series) -> Dialled:
    unsigned = cells.cast(pl.UInt64, strict=False)  # null where negative
    values = unsigned.fill_null(0).to_numpy()
    digits = np.searchsorted(POWERS[1 : LONGEST + 1], values, side="right") + 1
    good = unsigned.is_not_null().to_numpy() & (digits >= SHORTEST) & (digits <= LONGEST)
    key = np.where(good, POWERS[np.minimum(digits, LONGEST + 1)] + values, np.uint64(0))
    plus, bare = np.zeros((2, len(cells)), dtype=bool)
    return _mended(cells, Dialled(key, plus, bare, _NONE, _NONE))


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
    key, plus = _cast(cells)
    bare = (key != 0) & ~plus
    rows = np.flatnonzero(key == 0)
    if len(rows):
        rest = taken(cells, rows)
        short = (rest.str.len_bytes() <= _LONGEST_CELL).fill_null(value=False)
        tried = rows[short.to_numpy()]
        key[tried], plus[tried] = _cast(_without_punctuation(rest.filter(short)))
        rows = rows[key[rows] == 0]
    if not len(rows):
        return Dialled(key, plus, bare, _NONE, _NONE)
    rest = taken(cells, rows)
    missing = rest.to_frame("x").select(is_blank(pl.col("x"))).to_series().to_numpy()
    blank, rows = (
        rows[missing],
        rows[~missing & (rest.str.len_bytes() <= _LONGEST_CELL).fill_null(value=False).to_numpy()],
    )
    rest, syntax = taken(cells, rows), _syntax()
    wordy = (~rest.str.contains(f"[+＋;{syntax.digits}]")).to_numpy()
    body = rest.str.extract(syntax.number, 1)
    if not body.str.contains(r"^[\x00-\x7f]*$").all():
        body = syntax.ascii(body)
    key[rows], plus[rows] = _cast(body.str.replace_all(f"[{_PUNCTUATION}]", ""))
    return Dialled(key, plus, bare, blank, rows[wordy])


def _without_punctuation(cells: pl.Series) -> pl.Series:
    """The cells without the punctuation that is ASCII; three times as fast as a regular expression.

    All cells as one text, with a new line between each two: bytes of other characters stay as they are.
    """
    text = cells.str.join("\n").item() or ""
    bare = text.encode().translate(None, _ASCII_PUNCTUATION).decode()
    parts = pl.Series(cells.name, [bare]).str.split("\n").explode()
    if len(parts) == len(cells):
        return parts
    return cells.str.replace_all(f"[{_PUNCTUATION}]", "")  # some cell has lines of its own


def _cast(cells: pl.Series) -> tuple[Keys, Flags]:
    """Keys and plus of the cells that are digits with at most one plus in front."""
    values, lengths = cells.cast(pl.UInt64, strict=False), cells.str.len_bytes()
    read = None
    if values.null_count():
        read = values.is_not_null().to_numpy()
        values = values.zip_with(values.is_not_null(), _ZERO)
        lengths = lengths.fill_null(0) if lengths.null_count() else lengths
    value, length = values.to_numpy(), lengths.to_numpy()
    shortest, longest = (int(length.min()), int(length.max())) if len(length) else (0, 0)
    if shortest == longest and SHORTEST <= longest <= LONGEST and read is None and value.min() >= POWERS[longest - 1]:
        return value + POWERS[longest], np.zeros(len(value), dtype=bool)
    length = np.minimum(length, LONGEST + 2).astype(np.intp)
    # The cast takes a plus and leading zeros without a word; either makes the value too short.
    odd = value < POWERS.take(np.maximum(length, 1) - 1)
    if read is not None:
        odd &= read
    plus = np.zeros(len(value), dtype=bool)
    rows = np.flatnonzero(odd)
    if len(rows):
        plus[rows] = taken(cells, rows).str.starts_with("+").to_numpy()
        length = length - plus
    good = (length >= SHORTEST) & (length <= LONGEST)
    if read is not None:
        good &= read
    key: Keys = POWERS.take(length) + value
    return key if good.all() else np.where(good, key, np.uint64(0)), plus


class _Syntax:
    """What needs a look at all of Unicode, done when the first odd cell comes by."""

    def __init__(self) -> None:
        found = re.findall(r"\d", "".join(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)])))
        #: Every decimal digit, as the inside of a character class.
        self.digits = "0-9" + "".join(digit for digit in found if digit > "9")
        self.number = f"^[^+＋;{self.digits}]*([+＋]?[{self.digits}{_PUNCTUATION}]*[{self.digits}])[{_TAIL}]*$"
        self._foreign = {digit: str(int(digit)) for digit in found if digit > "9"} | {"＋": "+"}

    def ascii(self, cells: pl.Series) -> pl.Series:
        """Digits and pluses of all scripts as those of ASCII."""
        return cells.str.replace_many(self._foreign)


@lru_cache(maxsize=1)
def _syntax() -> _Syntax:
    return _Syntax()
