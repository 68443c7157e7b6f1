"""Days as sources write them: 2026-01-10, 2026/1/10, 20260110, 2026年1月10日, 10-Jan-2026.

A day whose order of day and month can be read either way (10/01/2026) is no day until the feed names its format.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from cardscreen.tables.opening import to_date, with_format

#: Year, month and day in this order, with any of the usual marks between them, and a time behind.
_YEAR_FIRST = r"^\s*([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?(?:[T ]\s*[0-9]{1,2}:.*)?\s*$"
_BARE = r"^\s*([0-9]{4})([0-9]{2})([0-9]{2})\s*$"
_NAMED_MONTH = r"(?i)^\s*([0-9]{1,2})[- ]([a-z]{3})[a-z]*[- ,]+([0-9]{4})\s*$"
#: No list is older; what is, stands for an unknown day in some program.
EARLIEST = date(1970, 1, 2)


def read_days(cells: pl.Expr, dtype: pl.DataType, form: str | None = None) -> pl.Expr:
    """A column of dates, datetimes or text as Date; null where there is no day, or none that can be read. Streams.

    Args:
        cells: The column.
        dtype: Its type; see `dates.is_dateable`.
        form: The format of text, as strftime has it; None: the usual unambiguous ones.

    Example:
        >>> cells = pl.DataFrame({"day": ["2026-01-10", "2026/1/10", "20260110", "10-Jan-2026", "10/01/2026"]})
        >>> cells.select(read_days(pl.col("day"), pl.String())).to_series().is_null().to_list()
        [False, False, False, False, True]
        >>> cells.select(read_days(pl.col("day"), pl.String(), "%d/%m/%Y")).item(4, 0)
        datetime.date(2026, 1, 10)
    """
    if dtype != pl.String:
        days = to_date(cells, dtype)
    else:
        days = cells.map_batches(_read, return_dtype=pl.Date, is_elementwise=True)
        days = days if form is None else with_format(cells, form, to_date(cells, dtype))
    return pl.when(days >= EARLIEST).then(days)


def _read(cells: pl.Series) -> pl.Series:
    """ISO days, by far the most, take one cast; only the others are taken apart."""
    days = cells.str.to_date("%Y-%m-%d", strict=False)
    others = (days.is_null() & cells.is_not_null()).arg_true()
    if not len(others):
        return days
    text = pl.col("text")
    parts = [text.str.extract_groups(form) for form in (_YEAR_FIRST, _BARE, _NAMED_MONTH)]
    year_first, bare, named = (part.struct for part in parts)
    written = pl.coalesce(
        _iso(year_first.field("1"), year_first.field("2"), year_first.field("3")).str.to_date("%Y-%m-%d", strict=False),
        _iso(bare.field("1"), bare.field("2"), bare.field("3")).str.to_date("%Y-%m-%d", strict=False),
        _iso(named.field("3"), named.field("2").str.to_titlecase(), named.field("1")).str.to_date(
            "%Y-%b-%d", strict=False
        ),
    )
    rest = cells.gather(others).alias("text").to_frame().lazy().select(written).collect(engine="in-memory")
    return days.scatter(others, rest.to_series())


def _iso(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    return pl.concat_str(year, month.str.zfill(2), day.str.zfill(2), separator="-")


def is_no_day(cells: pl.Expr, dtype: pl.DataType, day: pl.Expr) -> pl.Expr:
    """Whether a cell says something of which `read_days` made no day: Boolean, never null."""
    filled = cells.is_not_null() & (cells.str.strip_chars() != "") if dtype == pl.String else cells.is_not_null()
    return (filled & day.is_null()).fill_null(value=False)
