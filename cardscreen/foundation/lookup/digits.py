"""Texts of digits and the integers that they are, a batch at a time, without a Python object for any of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
from polars.datatypes import DataTypeClass

Keys = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Sizes = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]


class PlainKeys(NamedTuple):
    """The keys of cells that are plain to see.

    Attributes:
        keys: 0 of cells that need a closer look.
        flawed: Which keys are those of values that are screened, but whose kind says that something is wrong.
    """

    keys: Keys
    flawed: Flags

    @classmethod
    def where(cls, plain: Flags, keys: Keys, flawed: Flags) -> PlainKeys:
        """Those of plain cells; what is computed of all others counts for nothing."""
        return cls(np.where(plain, keys, np.uint64(0)), plain & flawed)

    @classmethod
    def none(cls, cells: int) -> PlainKeys:
        """No cell is plain to see."""
        return cls(np.zeros(cells, dtype=np.uint64), np.zeros(cells, dtype=bool))


_Table = TypeVar("_Table", pl.Series, pl.DataFrame)

#: Full-width digits → ASCII ones.
FULL_WIDTH = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
#: 10ⁿ at n.
POWERS = np.array([10**digits for digits in range(20)], dtype=np.uint64)
#: Up to here every whole number has a float of its own; past it, a float stands for several.
EXACT_FLOAT = 2**53
_BLOCK = 1 << 15  # rows; what is computed of so many stays in the processor's cache


def blocks(rows: int) -> Iterator[slice]:
    """Rows in blocks that are best computed one after another."""
    for start in range(0, rows, _BLOCK):
        yield slice(start, min(start + _BLOCK, rows))


def taken(table: _Table, rows: Rows) -> _Table:
    """A series, or a frame, of some rows; on small batches a tenth of what `Series.gather` takes."""
    return table[pl.Series(rows.astype(np.uint32))]


def nulls(name: str, dtype: pl.DataType | DataTypeClass, rows: int) -> pl.Series:
    """A column of nothing but nulls; `clear` takes forty times as long."""
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, rows)


def are_null(values: pl.Series) -> Flags:
    """Which values are null; `is_null` as an array takes twenty times as long."""
    array = values.alias("").to_arrow(compat_level=pl.CompatLevel.newest())  # Arrow takes no NUL in a name
    given = array.buffers()[0] if array.null_count else None
    if given is None:
        return np.full(len(values), bool(array.null_count))
    bits = np.unpackbits(np.frombuffer(given, dtype=np.uint8), count=array.offset + len(array), bitorder="little")
    flags: Flags = bits[array.offset :] == 0
    return flags


def marked(rows: int, places: pl.Series | Rows) -> pl.Series:
    """A column that is true at some places, and false elsewhere."""
    return pl.Series([False]).new_from_index(0, rows).scatter(places, values=True)


def distinct(numbers: Keys) -> Keys:
    """The distinct numbers, rising; `np.unique` takes fifty times as long on ten million of them."""
    rising = pl.Series(numbers).sort().to_numpy()
    new = np.ones(len(rising), dtype=bool)
    np.not_equal(rising[1:], rising[:-1], out=new[1:])
    return rising[new]


def digits_of(numbers: Keys) -> npt.NDArray[np.int64]:
    """How many digits each number has."""
    most = len(str(numbers.max(initial=0)))
    if len(numbers) and len(str(numbers.min())) == most:
        return np.full(len(numbers), most)
    # Of the binary exponent, log₁₀ 2 ≈ 1233/4096 gives the decimal one, or one less.
    exponent = (np.maximum(numbers, np.uint64(1)).astype(np.float64).view(np.int64) >> 52) - 1023
    digits: npt.NDArray[np.int64] = np.minimum(exponent * 1233 >> 12, 18) + 1
    return digits + (numbers >= POWERS.take(digits, mode="clip"))


def sizes_of(texts: pl.Series) -> tuple[Sizes, Bytes]:
    """The length of each text in bytes, and its first byte, as its view in memory (Arrow's Utf8View) has them."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.newest())
    views = np.frombuffer(array.buffers()[1] or b"", dtype=np.uint32).reshape(-1, 4)
    views = views[array.offset : array.offset + len(array)]
    return views[:, 0], views.view(np.uint8)[:, 4]


def without(texts: pl.Series, characters: bytes) -> pl.Series:
    """Texts without some ASCII characters (not NUL); three times as fast as a regular expression.

    All texts as one, with a NUL between each two: bytes of other characters stay as they are.

    Example:
        >>> without(pl.Series(["138 0013-8000"]), b" -").to_list()
        ['13800138000']
    """
    parts = _translated(texts, characters)
    if parts is not None:
        return parts
    return texts.str.replace_many([chr(each) for each in characters], [""])  # some text has a NUL of its own


def digits_in(texts: pl.Series) -> pl.Series:
    """The ASCII digits of texts that are not null, and nothing else.

    Example:
        >>> digits_in(pl.Series(["卡 6222-02", "x"])).to_list()
        ['622202', '']
    """
    parts = _translated(texts, _NO_DIGITS)
    return texts.str.replace_all("[^0-9]", "") if parts is None else parts


def _translated(texts: pl.Series, characters: bytes) -> pl.Series | None:
    """Texts without some bytes; None where one of them has a NUL of its own."""
    text = texts.str.join("\0").item() or ""
    bare = text.encode().translate(None, characters).decode()
    parts = pl.Series(texts.name, [bare]).str.split("\0").explode()
    return parts if len(parts) == len(texts) else None


def may_hold_digits(texts: pl.Series, least: int) -> Flags:
    """Which texts, none of them null or empty, may hold so many digits, of any script; a fifth of a pattern's time.

    Digits of other scripts are told by the first of their bytes, which other characters may have, too.
    """
    flags = np.empty(len(texts), dtype=bool)
    for block in blocks(len(texts)):
        array = texts[block].to_arrow(compat_level=pl.CompatLevel.oldest())
        _, ends, content = array.buffers()
        offsets = np.frombuffer(ends, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
        data = np.frombuffer(content, dtype=np.uint8)[: offsets[-1]]
        ascii_only = data.max(initial=0) < 0x80
        digits = (data - ord("0") < 10).view(np.uint8) if ascii_only else _marked(data)
        flags[block] = np.add.reduceat(digits, offsets[:-1], dtype=np.uint32) >= least
    return flags


def _marked(data: Bytes) -> Bytes:
    return np.frombuffer(data.tobytes().translate(_MAY_BE_DIGITS), dtype=np.uint8)


#: 1 at the bytes with which digits begin in UTF-8 (Unicode's category Nd).
_MAY_BE_DIGITS = bytes(
    each in b"0123456789" or each in (0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0) for each in range(256)
)
_NO_DIGITS = bytes(set(range(1, 256)) - set(b"0123456789"))


def replaced(column: pl.Series, places: pl.Series, values: pl.Series) -> pl.Series:
    """A column with other values at some places; `scatter` takes no lists."""
    at = pl.Series(range(len(column)), dtype=pl.UInt32)
    at = at.scatter(places, pl.Series(range(len(column), len(column) + len(values)), dtype=pl.UInt32))
    return pl.concat([column, values]).gather(at)
