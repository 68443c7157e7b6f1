"""Days written as ISO 8601 has them, `2026-01-10`: most columns of days hold nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.pointers import bytes_at, part, shorts_at
from cardscreen.foundation.lookup.texts import Texts, is_given, opened, place_of, size_of

NO_DAY = np.int32(np.iinfo(np.int32).min)
_SIZE, _HYPHEN, _NOUGHT = 10, ord("-"), ord("0")
_BEFORE_EPOCH = 719_468  # days from 0000-03-01 to 1970-01-01


def iso_days(texts: pl.Series) -> pl.Series:
    """Texts of ten characters that are a day as Date, null for all others.

    Example:
        >>> iso_days(pl.Series(["2024-02-29", "2026-02-29", "2026-1-1", None])).to_list()
        [datetime.date(2024, 2, 29), None, None, None]
    """
    days, cells = np.empty(len(texts), dtype=np.int32), Texts(texts)
    _read(cells.address, len(texts), days)
    told = pl.Series(texts.name, days)
    return told.set(told == NO_DAY, None).cast(pl.Date)


@part
def _number(place: int, size: int) -> Any:
    """The number that some bytes are as digits; less than nothing where some are none."""
    signs, number = bytes_at(place), np.int64(0)
    for at in range(size):
        digit = np.int64(signs[at]) - _NOUGHT
        if digit < 0 or digit > 9:
            return np.int64(-1)
        number = number * 10 + digit
    return number


@part
def _day(place: int) -> Any:
    """The day that ten bytes are, as `day_of`."""
    signs = bytes_at(place)
    if signs[4] != _HYPHEN or signs[7] != _HYPHEN:
        return np.int64(NO_DAY)
    return day_of(_number(place, 4), _number(place + 5, 2), _number(place + 8, 2))


@part
def day_of(year: Any, month: Any, day: Any) -> Any:
    """A day as the days since 1970, in the Gregorian calendar, which ISO 8601 has for all years; `NO_DAY`: it is none.

    A year begins with March, so that a leap day is its last: of five months each, the days are 153.
    """
    if year < 1 or month < 1 or month > 12 or day < 1:
        return np.int64(NO_DAY)
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    short = month == 4 or month == 6 or month == 9 or month == 11
    if day > (31 - short if month != 2 else 28 + leap):
        return np.int64(NO_DAY)
    year -= month < 3
    days = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return np.int64(year * 365 + year // 4 - year // 100 + year // 400 + days - _BEFORE_EPOCH)


@loop
def _read(texts: int, rows: int, days: int) -> None:
    """The day of each text, as the days since 1970; `NO_DAY` where it is none."""
    cells, told = opened(texts), shorts_at(days)
    for row in range(rows):
        told[row] = NO_DAY
        if is_given(cells, row) and size_of(cells, row) == _SIZE:
            told[row] = _day(place_of(cells, row))
