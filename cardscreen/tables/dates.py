"""Days and instants as callers and sources write them: 2026-01-10, 2026/1/10, 20260110, 2026年1月10日, 10-Jan-2026.

Accounts have them as types, as ISO text or in a format that is named (`to_date`); sources as persons write them
(`read_days`). A day whose order of day and month can be read either way (10/01/2026) is none until its format is named.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.iso_days import iso_days

#: No holder, decision or listing is older: a year of two digits was read as it stands, or a day stands for none.
_FIRST_DAY = date(1900, 1, 2)
#: Year, month and day in this order, with any of the usual marks between them, and a time behind.
_YEAR_FIRST = r"^\s*([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?(?:[T ]\s*[0-9]{1,2}:.*)?\s*$"
_BARE = r"^\s*([0-9]{4})([0-9]{2})([0-9]{2})\s*$"
#: The end of a text with a time that says how far from UTC it is: `Z`, `+08:00`, `+0800`, `+08`.
_TELLS_INSTANT = r"(?i):[0-9]{2}(?:[.,][0-9]+)?\s*(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)(?:\[[^\]]*\])?\s*$"
_OF_UTC = r"(?i)\s*(?:Z|UTC|GMT)(?:\[[^\]]*\])?\s*$"
_INSTANT = (
    r"^\s*([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?[Tt ]\s*"
    r"([0-9]{1,2}:[0-9]{2})(:[0-9]{2})?(?:[.,][0-9]+)?\s*([+-][0-9:]+)(?:\[[^\]]*\])?\s*$"
)
_AS_MOST = "%Y-%m-%dT%H:%M:%S%.f%#z"
_TAKEN_APART = ("%Y-%m-%d %H:%M:%S%#z", "%Y-%m-%d %H:%M%#z")
_OFFSET = "%z"  # in a format
_TIME = r"(?:[T日 ]|^)\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
_NAMED_MONTH = r"(?i)^\s*([0-9]{1,2})[- ]([a-z]{3})[a-z]*[- ,]+([0-9]{4})\s*$"
#: No list is older; what is, stands for an unknown day in some program.
EARLIEST = date(1970, 1, 2)


def to_date(column: pl.Expr, dtype: pl.DataType, form: str | None = None, zone: str | None = None) -> pl.Expr:
    """A column of dates, datetimes or text as Date; null where text is no date.

    Args:
        column: The column.
        dtype: Its type; see `is_dateable`.
        form: The format of text, as strftime has it; None: YYYY-MM-DD, perhaps with a time behind.
        zone: The time zone by whose clock instants in UTC, and texts that say how far from it they are, have their
            day; None: the day is the one that is written.
    """
    if dtype == pl.String:
        read = partial(_read, _with_time, zone)
        day = column.map_batches(read, return_dtype=pl.Date, is_elementwise=True)
        return pl.when(day >= _FIRST_DAY).then(day) if form is None else _with_format(column, form, day, zone)
    return (_by_clock(column, dtype, zone) if isinstance(dtype, pl.Datetime) else column).cast(pl.Date)


def _by_clock(instants: pl.Expr, dtype: pl.Datetime, zone: str | None) -> pl.Expr:
    """Datetimes as the clock showed them: that of the zone where they are in UTC, else the one that they are of."""
    told = instants.dt.convert_time_zone(zone) if zone and dtype.time_zone == "UTC" else instants
    return told.dt.replace_time_zone(None)


def _with_format(column: pl.Expr, form: str, iso: pl.Expr, zone: str | None) -> pl.Expr:
    """Text in a format as Date; a year of two digits is none. The days of a sheet are ISO, whatever its texts are."""
    day = _formatted(column, form, zone).cast(pl.Date)
    days = day if form.startswith("%Y") else pl.coalesce(day, iso)
    return pl.when(days >= _FIRST_DAY).then(days)


def _formatted(column: pl.Expr, form: str, zone: str | None) -> pl.Expr:
    told = column.str.strip_chars().str.to_datetime(form, strict=False, ambiguous="null")
    return _by_clock(told, pl.Datetime(time_zone="UTC"), zone) if _OFFSET in form else told


def is_bad_date(column: pl.Expr, dtype: pl.DataType, form: str | None = None, zone: str | None = None) -> pl.Expr:
    """Whether `to_date` can't read a cell that is not empty: Boolean, never null."""
    day = to_date(column, dtype, form, zone)
    if dtype != pl.String:
        return (day < _FIRST_DAY).fill_null(False)
    return (column.str.strip_chars() != "").fill_null(False) & day.is_null()


def is_dateable(dtype: pl.DataType) -> bool:
    """Whether `to_date` can read a column of this type."""
    return dtype in (pl.String, pl.Date, pl.Null) or isinstance(dtype, pl.Datetime)


def read_days(cells: pl.Expr, dtype: pl.DataType, form: str | None = None, zone: str | None = None) -> pl.Expr:
    """A column of dates, datetimes or text as Date; null where there is no day, or none that can be read. Streams.

    Args:
        cells: The column.
        dtype: Its type; see `is_dateable`.
        form: The format of text, as strftime has it; None: the usual unambiguous ones.
        zone: As for `to_date`.

    Example:
        >>> cells = pl.DataFrame({"day": ["2026-01-10", "2026/1/10", "20260110", "10-Jan-2026", "10/01/2026"]})
        >>> cells.select(read_days(pl.col("day"), pl.String())).to_series().is_null().to_list()
        [False, False, False, False, True]
        >>> cells.select(read_days(pl.col("day"), pl.String(), "%d/%m/%Y")).item(4, 0)
        datetime.date(2026, 1, 10)
    """
    if dtype != pl.String:
        days = to_date(cells, dtype, zone=zone)
    elif form is None:
        read = partial(_read, _as_written, zone)
        days = cells.map_batches(read, return_dtype=pl.Date, is_elementwise=True)
    else:
        days = to_date(cells, dtype, form, zone)
    return pl.when(days >= EARLIEST).then(days)


def read_instants(cells: pl.Expr, dtype: pl.DataType, form: str | None, zone: str) -> pl.Expr:
    """What `read_days` reads, with the time behind it, if there is one, as the clock in the zone showed it."""
    if isinstance(dtype, pl.Datetime):
        return _by_clock(cells, dtype, zone).cast(pl.Datetime("us"))
    days = read_days(cells, dtype, form, zone).cast(pl.Datetime("us"))
    if dtype != pl.String:
        return days
    parts = cells.str.extract_groups(_TIME).struct
    hours, minutes, seconds = (parts.field(str(at)).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 2, 3))
    local = days + pl.duration(hours=hours, minutes=minutes, seconds=seconds)
    told = cells.map_batches(partial(_there, zone), return_dtype=pl.Datetime("us"), is_elementwise=True)
    there = [told, *([_formatted(cells, form, zone)] if form and _OFFSET in form else [])]
    return pl.when(days.is_not_null()).then(pl.coalesce(*there, local))


def _read(otherwise: Callable[[pl.Expr], pl.Expr], zone: str | None, cells: pl.Series) -> pl.Series:
    """ISO days, by far the most, are read by a loop; only the others are taken apart."""
    days = iso_days(cells)
    others = (days.is_null() & cells.is_not_null()).arg_true()
    if not len(others):
        return days
    text = cells.gather(others).alias("text")
    rest = text.to_frame().lazy().select(otherwise(pl.col("text"))).collect(engine="in-memory").to_series()
    if zone is not None:
        there = _there(zone, text).cast(pl.Date)
        rest = there.zip_with(there.is_not_null() & rest.is_not_null(), rest)
    return days.scatter(others, rest)


def _there(zone: str, cells: pl.Series) -> pl.Series:
    """What the clock in a zone showed at the instants that texts tell; null where they don't say how far from UTC."""
    told = pl.Series(cells.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(cells))
    which = cells.str.contains(_TELLS_INSTANT).arg_true()
    if not len(which):
        return told
    instants = _parsed(cells.gather(which), _AS_MOST)
    left = instants.is_null().arg_true()
    if len(left):
        parts = cells.gather(which.gather(left)).str.replace(_OF_UTC, "+00:00").str.replace(_INSTANT, "$1-$2-$3 $4$5$6")
        with_seconds, without = (_parsed(parts, form) for form in _TAKEN_APART)
        instants = instants.scatter(left, with_seconds.zip_with(with_seconds.is_not_null(), without))
    return told.scatter(which, instants.dt.convert_time_zone(zone).dt.replace_time_zone(None))


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    return texts.str.to_datetime(form, time_unit="us", strict=False)


def _with_time(text: pl.Expr) -> pl.Expr:
    """An ISO day, perhaps with blanks around it and a time behind."""
    day = text.str.extract(r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9]{2}:.*)?\s*$")
    return day.str.to_date("%Y-%m-%d", strict=False)


def _as_written(text: pl.Expr) -> pl.Expr:
    """A day in one of the usual ways that can be read in one way only."""
    parts = [text.str.extract_groups(form) for form in (_YEAR_FIRST, _BARE, _NAMED_MONTH)]
    year_first, bare, named = (part.struct for part in parts)
    return pl.coalesce(
        _iso(year_first.field("1"), year_first.field("2"), year_first.field("3")).str.to_date("%Y-%m-%d", strict=False),
        _iso(bare.field("1"), bare.field("2"), bare.field("3")).str.to_date("%Y-%m-%d", strict=False),
        _iso(named.field("3"), named.field("2").str.to_titlecase(), named.field("1")).str.to_date(
            "%Y-%b-%d", strict=False
        ),
    )


def _iso(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    return pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")


def is_no_day(cells: pl.Expr, dtype: pl.DataType, day: pl.Expr) -> pl.Expr:
    """Whether a cell says something of which `read_days` made no day: Boolean, never null."""
    without = pl.when(day.is_null()).then(cells)  # few: only these are looked at
    filled = without.str.strip_chars() != "" if dtype == pl.String else without.is_not_null()
    return filled.fill_null(value=False)


def to_day(instant: date | str) -> date:
    """The day of a date, a datetime or an ISO text.

    Raises:
        ConfigError: It is none of them.
    """
    day = parse_day(instant) if isinstance(instant, str) else instant
    if isinstance(day, datetime):
        day = day.date()
    if not isinstance(day, date):
        raise ConfigError(f"{day!r} is not a day: give a datetime.date, such as date(2026, 11, 23)")
    return day


def parse_day(text: str) -> date:
    """An ISO day.

    Raises:
        ConfigError: The text is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a day: write it as YYYY-MM-DD, such as 2026-11-23") from None


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant; UTC where it names no time zone.

    Raises:
        ConfigError: The text is no such instant.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no instant: write it like 2026-11-23T02:00:00+08:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
