"""Decisions of persons on single accounts: a file that people keep, read and checked."""

from __future__ import annotations

from datetime import date

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.tables.dates import is_bad_date, to_date
from cardscreen.tables.opening import read_numbered, refuse_cards, require_columns
from cardscreen.tables.source_files.text import LINE

#: What a file of clearances has; other columns are free.
COLUMNS = ["account_id", "listing_id", "decided_on", "until"]


def read_clearances(path: str, zone: str | None = None) -> pl.DataFrame:
    """Decisions on single accounts: account_id, listing_id (null: all known then), decided_on, until.

    Args:
        path: The file.
        zone: In which instants have their day; see `to_date`.

    Raises:
        InputError: No such file, a missing column, or a card number in another one.
        ConfigError: A day that can't be read, or no account; names the line.
    """
    frame = read_numbered(path)
    require_columns(frame.columns, COLUMNS, path)
    refuse_cards(frame, COLUMNS, path)
    read = frame.select(
        pl.col("account_id", "listing_id").cast(pl.String).str.strip_chars().replace("", None),
        *(to_date(pl.col(day), frame.schema[day], zone=zone).alias(day) for day in ("decided_on", "until")),
        line=LINE,
        bad=pl.any_horizontal(
            is_bad_date(pl.col(day), frame.schema[day], zone=zone) for day in ("decided_on", "until")
        ),
    )
    empty = pl.all_horizontal(pl.col("account_id", "listing_id", "decided_on", "until").is_null())
    read = read.filter(pl.col("bad") | ~empty)
    bad = read.filter(pl.col("decided_on").is_null() | pl.col("bad"))
    if len(bad):
        raise ConfigError(f"{path}: line {bad['line'][0]}: decided_on or until is not a day, written as YYYY-MM-DD")
    if len(nobody := read.filter(pl.col("account_id").is_null())):
        raise ConfigError(f"{path}: line {nobody['line'][0]}: no account is named, so nobody is cleared by it")
    return read.drop("bad", "line")


def clears(as_of: date) -> pl.Expr:
    """Whether a decision holds on a day: from `decided_on` to `until`, both included."""
    return (pl.col("decided_on") <= as_of) & (pl.col("until").is_null() | (pl.col("until") >= as_of))
