"""Cells in which libphonenumber reads what was hardly meant.

It dials letters, so that a remark behind a number makes another number of it; it takes a second number for an
extension, and drops it; and it reads digits that only fill a field. Whatever is meant, it is not what was read.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.digits import Flags, Keys, Rows, nulls
from cardscreen.kinds.phone.numbering import lookup
from cardscreen.kinds.phone.several import CODES
from cardscreen.tables.cells import is_damaged

#: Statuses, and notes, of such cells.
DAMAGED_CELL, FILLER = "damaged", "placeholder"
#: A sign or word of an extension, and as many digits as a whole number has: more than one number.
DROPPED = (
    r"(?s)(?:\d[^\d;；]*){5}(?:[;；]|[,，]\s*[,，]|[#xX×ｘ~～]|(?i:ext\p{L}*|anexo|ramal|int|доб)|转|轉|分机|分機)"
    r"[\s.:：,，;；#x=-]*(?:\d[\s().-]*){7,}\D*$"
)
#: A number with letters behind it; so many of them are dialled, too.
_REMARKED = r"(?s)^(.*?\d)[^\d\p{L}]*\p{L}"
#: A letter or two between digits, which libphonenumber leaves out: `138 O013 8000`. An x stands before an extension.
_BETWEEN = r"\d[^\d\p{L}]*[A-WYZa-wyz]{1,2}[^\d\p{L}]*\d"
_SUSPECT = rf"{DROPPED}|(?s)\d(?:.*\p{{L}}){{3}}|{_BETWEEN}"
#: The last digits of what fills a field: one digit again and again, or digits in their order.
_LAST, _REPEATED = 10_000_000, 1_111_111
_IN_ORDER = [2_345_678, 3_456_789, 4_567_890, 5_678_901, 6_789_012]
_REPEATS = "|".join(f"{digit}{{7,}}" for digit in range(1, 10))
_FILLER = rf"^(?:{CODES})(?:0{{6,}}|{_REPEATS}|12345678(?:9(?:0(?:12?)?)?)?)$"
_LONGEST = 10**18  # longer ones are not whole


def are_fillers(numbers: Keys) -> Flags:
    """Which invalid numbers are no numbers at all, but digits that fill a field.

    Args:
        numbers: E.164 numbers that no plan has; of valid ones some look like that, such as +65 8888 8888.
    """
    last = numbers % np.uint64(_LAST)
    flags: Flags = (last % np.uint64(_REPEATED) == 0) | (last % np.uint64(1_000_000) == 0)
    for rising in _IN_ORDER:
        flags |= last == rising
    flags &= numbers < np.uint64(_LONGEST)
    rows = np.flatnonzero(flags)
    if not len(rows):
        return flags
    flags[rows] = pl.Series(numbers[rows]).cast(pl.String).str.contains(_FILLER).to_numpy()
    return flags


def as_integers(values: pl.Series) -> pl.Series:
    """E.164 numbers as UInt64; null where they have too many digits."""
    return values.str.strip_chars_start("+").cast(pl.UInt64, strict=False)


def invalid_among(status: pl.Series) -> pl.Series:
    """The places of what no plan has."""
    return (status == "invalid").fill_null(value=False).arg_true()


def filling(numbers: pl.Series, invalid: pl.Series) -> pl.Series:
    """Of the places of invalid numbers, with what stands there, those at which digits only fill a field."""
    return invalid.filter(pl.Series(are_fillers(numbers.fill_null(1).to_numpy())))


def rows_misread(texts: pl.Series, region: pl.Series | str | None) -> Rows:
    """The places of texts that are damaged, or in which another number is read than the one that stands there.

    Args:
        texts: String: cells that are more than digits and harmless punctuation.
        region: Where they are dialled.
    """
    if texts.is_empty():
        return np.empty(0, dtype=np.uint32)
    damaged = texts.to_frame().select(is_damaged(pl.first())).to_series().fill_null(value=False)
    rows = (texts.str.contains(_SUSPECT).fill_null(value=False) & ~damaged).arg_true()
    if rows.is_empty():
        return damaged.arg_true().to_numpy()
    few, dialled = texts.gather(rows), region.gather(rows) if isinstance(region, pl.Series) else region
    whole, bare = (lookup.fields(each, dialled).struct for each in (few, few.to_frame("x").select(_bare()).to_series()))
    is_invalid = whole.field("status") != "valid"
    # Businesses have numbers that spell a word, mobiles hardly ever.
    is_remark = (bare.field("status") == "valid") | is_invalid | (whole.field("type") == "mobile")
    swallows = (bare.field("e164") != whole.field("e164")) & is_remark
    lost = few.str.contains(_BETWEEN) & is_invalid
    misread = few.str.contains(DROPPED) | (swallows | lost).fill_null(value=False)
    found: Rows = np.concatenate([damaged.arg_true().to_numpy(), rows.filter(misread).to_numpy()])
    return found


def _bare() -> pl.Expr:
    return pl.col("x").str.extract(_REMARKED)


def scan(texts: pl.Series, region: pl.Series | str | None) -> pl.Series:
    """`lookup.scan`, of which what was hardly meant has no key."""
    read = lookup.scan(texts, region).struct.unnest()
    unread = _unread(texts, region, read["key"], read["status"])
    key = pl.when(unread.is_null()).then("key")
    status, note = (pl.coalesce(unread, name) for name in ("status", "note"))
    return read.with_columns(key.alias("key"), status=status, note=note).to_struct(texts.name)


def read(texts: pl.Series, region: pl.Series | str | None) -> pl.Series:
    """`schema.READ` of texts, of which what was hardly meant has no value."""
    told = lookup.fields(texts, region).struct
    value, status = told.field("e164"), told.field("status").cast(pl.String)
    unread = _unread(texts, region, as_integers(value), status)
    frame = pl.DataFrame({"value": value, "status": status})
    kept = pl.when(unread.is_null()).then("value").alias("value")
    return frame.select(kept, status=pl.coalesce(unread, "status")).to_struct(texts.name)


def _unread(texts: pl.Series, region: pl.Series | str | None, numbers: pl.Series, status: pl.Series) -> pl.Series:
    """The status of cells in which something is read that was hardly meant; null of all others."""
    unread = nulls("unread", pl.String, len(texts))
    invalid = invalid_among(status)
    fillers = filling(numbers.gather(invalid), invalid)
    odd = texts.cast(pl.UInt64, strict=False).is_null().arg_true()  # digits alone are one number
    rows = rows_misread(texts.gather(odd), region.gather(odd) if isinstance(region, pl.Series) else region)
    return unread.scatter(fillers, FILLER).scatter(odd.gather(rows), DAMAGED_CELL)
