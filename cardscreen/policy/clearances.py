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
#: Of these, what a file may tell of a decision.
TOLD = ["by", "reason"]
_UNTOLD = pl.lit(None, dtype=pl.String)


def read_clearances(path: str, zone: str | None = None) -> pl.DataFrame:
    """Decisions on single accounts: account_id, listing_id (null: see `covered`), decided_on, until, by, reason, line.

    Args:
        path: The file.
        zone: In which instants have their day; see `to_date`.

    Raises:
        InputError: No such file, a missing column, or a card number in another one.
        ConfigError: A day that can't be read, days in the wrong order, or no account; names the line.
    """
    frame = read_numbered(path)
    require_columns(frame.columns, COLUMNS, path)
    refuse_cards(frame, COLUMNS, path)
    read = frame.select(
        pl.col("account_id", "listing_id").cast(pl.String).str.strip_chars().replace("", None),
        *(to_date(pl.col(day), frame.schema[day], zone=zone).alias(day) for day in ("decided_on", "until")),
        *(pl.col(name).cast(pl.String) if name in frame.columns else _UNTOLD.alias(name) for name in TOLD),
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
    if len(turned := read.filter(pl.col("until") < pl.col("decided_on"))):
        raise ConfigError(
            f"{path}: line {turned['line'][0]}: until is before decided_on, so that it frees nobody: put the two days "
            "in order, or take the line out"
        )
    if len(nobody := read.filter(pl.col("account_id").is_null())):
        raise ConfigError(f"{path}: line {nobody['line'][0]}: no account is named, so nobody is cleared by it")
    return read.drop("bad")


def clears(as_of: date) -> pl.Expr:
    """Whether a decision holds on a day: from `decided_on` to `until`, both included."""
    return (pl.col("decided_on") <= as_of) & (pl.col("until").is_null() | (pl.col("until") >= as_of))


def covered(hits: pl.LazyFrame, decisions: pl.LazyFrame) -> pl.LazyFrame:
    """Which hits are covered by which decisions.

    A decision covers what was listed on an account no later than on its day, and listings without a day, whenever
    they were imported; one that names a listing covers that alone.

    Args:
        hits: account_id, listing_id and listed_on.
        decisions: Those that hold on the day that is asked about.

    Returns:
        The account as `ACCOUNT_ID` has it, the hit's listing_id, and the other columns of the decisions.
    """
    theirs = decisions.rename({"listing_id": "_listing_id"})
    named = pl.col("_listing_id").is_null() | (pl.col("_listing_id") == pl.col("listing_id"))
    known = pl.col("listed_on").is_null() | (pl.col("listed_on") <= pl.col("decided_on"))
    return (
        hits.select(ACCOUNT_ID, "listing_id", "listed_on")
        .join(theirs, on="account_id")
        .filter(named & known)
        .drop("_listing_id", "listed_on")
    )


#: An account's id as files of decisions have it.
ACCOUNT_ID = pl.col("account_id").cast(pl.String).str.strip_chars()
