"""A source's new file against what the store has of it: what is added, changed, ended, and what stays.

Listings end, they don't vanish: an ended one keeps its row and its name, so that an auditor finds it, and so
that an old message which arrives late doesn't bring it back.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from cardscreen import schema

#: What makes two rows of a source the same listing.
IDENTITY = ["kind", "value", "match", "list", "reference"]
_SAID = ["reason", "severity", "listed_on", "expires_on"]
#: Who ended a listing, where it was not a person.
BY_SOURCE = "source"
#: A listing as the store keeps it.
KEPT = {**schema.LISTING, "ended_by": pl.String}
_NAME_BYTES = 6


@dataclass(frozen=True)
class Defaults:
    """What a feed says of rows that don't say it themselves.

    Attributes:
        source: Who lists.
        day: The day of the data: the first day of what is new, and the first without what has ended.
        listed_on: `first-seen`: that day, and the old one for what is there already; or a day for all.
        expires_after_days: Days from `listed_on`; None: no end.
        widen: A listing told again holds from its earliest day to its latest.
    """

    source: str
    day: date
    listed_on: Literal["first-seen"] | date = "first-seen"
    expires_after_days: int | None = None
    widen: bool = False


@dataclass(frozen=True)
class Merged:
    """What an import makes of a source.

    Attributes:
        listings: `KEPT`: all of the source's listings, ended ones too.
        outcome: One row for each row of the file and each listing ended by its absence: line (UInt32, null for
            those), outcome (String): `added`, `reopened`, `changed`, `unchanged`, `ended`, `already` (a delta adds what
            is there), `absent` (a delta removes what isn't), `stale` (a delta adds what had ended after that day),
            `closed` (a person has ended it).
        before: Listings in force before, on the day of the data.
        after: The same afterwards.
    """

    listings: pl.DataFrame
    outcome: pl.DataFrame
    before: int
    after: int

    def counts(self) -> dict[str, int]:
        """How many rows had each outcome."""
        return dict(self.outcome["outcome"].value_counts().sort("outcome").rows())


def in_force(day: date) -> pl.Expr:
    """Whether a listing that the store keeps is in force on a day, or will be."""
    return (pl.col("ended_on").is_null() | (pl.col("ended_on") > day)) & (
        pl.col("expires_on").is_null() | (pl.col("expires_on") >= day)
    )


def merge(current: pl.DataFrame, rows: pl.DataFrame, mode: Literal["snapshot", "delta"], said: Defaults) -> Merged:
    """Merge a source's new rows into its listings.

    Args:
        current: `KEPT`, the source's listings in the store.
        rows: line, operation, `IDENTITY`, reason, severity, listed_on, expires_on; no two with one identity.
        mode: A snapshot is the whole list: what is absent has ended. A delta adds and removes.
        said: What holds for rows that don't say it.
    """
    new = rows.filter(pl.col("operation") == "add").drop("operation")
    if current.is_empty():
        joined = new.with_columns(pl.lit(None, dtype=KEPT[name]).alias(f"{name}_old") for name in _OLD)
    else:
        old = current.select(*IDENTITY, *(pl.col(name).alias(f"{name}_old") for name in _OLD))
        joined = new.join(old, on=IDENTITY, how="left", nulls_equal=True, maintain_order="left")
    judged = _judged(joined, mode, said)
    told = judged.filter(pl.col("outcome").is_in(["added", "reopened", "changed", "unchanged"]))
    untouched = current.join(told, on=IDENTITY, how="anti", nulls_equal=True) if len(current) else current
    removed = rows.filter(pl.col("operation") == "remove")
    rest, ended = _without_absent(untouched, said) if mode == "snapshot" else _without_removed(untouched, removed, said)
    listings = pl.concat([rest.select(list(KEPT)), _named(told, said.source).select(list(KEPT))])
    outcome = pl.concat([judged.select("line", "outcome"), ended])
    return Merged(
        listings=listings,
        outcome=outcome,
        before=current.select(in_force(said.day).sum()).item(),
        after=listings.select(in_force(said.day).sum()).item(),
    )


_OLD = ["reason", "severity", "listed_on", "expires_on", "ended_on", "ended_by", "listing_id"]


def _judged(joined: pl.DataFrame, mode: str, said: Defaults) -> pl.DataFrame:
    """The rows with their dates filled in, and what becomes of each."""
    known, ended = pl.col("listing_id_old").is_not_null(), pl.col("ended_on_old").is_not_null()
    first = pl.lit(said.day if said.listed_on == "first-seen" else said.listed_on)
    listed_on = pl.coalesce(
        pl.when(pl.col("listed_on").is_not_null()).then("listed_on"),
        pl.when(known & ~ended).then("listed_on_old"),
        first,
    )
    dated = joined.with_columns(listed_on=listed_on, dated=pl.col("listed_on").is_not_null())
    if said.expires_after_days is not None:
        lasting = pl.duration(days=said.expires_after_days)
        dated = dated.with_columns(pl.col("expires_on").fill_null(pl.col("listed_on") + lasting))
    if said.widen:
        lasting_on = pl.max_horizontal("expires_on", "expires_on_old")
        dated = dated.with_columns(
            listed_on=pl.when(known & ~ended)
            .then(pl.min_horizontal("listed_on", "listed_on_old"))
            .otherwise("listed_on"),
            expires_on=pl.when(known & ~ended).then(lasting_on).otherwise("expires_on"),
        )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_old")) for name in _SAID)
    # A day before the end: an old message, or a list that does not know what a person has decided.
    before_end = ~pl.col("dated") | (pl.col("listed_on") < pl.col("ended_on_old"))
    outcome = (
        pl.when(~known)
        .then(pl.lit("added"))
        .when(ended & (pl.col("ended_by_old") != BY_SOURCE) & before_end)
        .then(pl.lit("closed"))
        .when(ended & (pl.lit(mode == "delta") & pl.col("dated") & before_end))
        .then(pl.lit("stale"))
        .when(ended)
        .then(pl.lit("reopened"))
        .when(same)
        .then(pl.lit("already" if mode == "delta" else "unchanged"))
        .otherwise(pl.lit("changed"))
    )
    return dated.with_columns(outcome=outcome)


def _named(told: pl.DataFrame, source: str) -> pl.DataFrame:
    """The rows as listings: those that are known keep their name, new ones get a random one."""
    # One random front for all, and a number behind it: as unguessable as a random name, and a tenth of its size.
    front = secrets.token_hex(_NAME_BYTES)
    fresh = pl.format("{}-{}", pl.lit(front), pl.int_range(pl.len(), dtype=pl.UInt32))
    return told.with_columns(
        listing_id=pl.coalesce("listing_id_old", fresh),
        source=pl.lit(source),
        ended_on=pl.lit(None, dtype=pl.Date),
        ended_by=pl.lit(None, dtype=pl.String),
    )


def _without_absent(untouched: pl.DataFrame, said: Defaults) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a snapshot doesn't name any more ends on the day of the data."""
    ends = pl.col("ended_on").is_null()
    lines = pl.Series("line", [None], dtype=pl.UInt32).new_from_index(0, int(untouched.select(ends.sum()).item()))
    ended = lines.to_frame().with_columns(outcome=pl.lit("ended"))
    return _ended(untouched, ends, said.day), ended


def _without_removed(
    untouched: pl.DataFrame, removed: pl.DataFrame, said: Defaults
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What a delta removes ends; a row without reference removes all listings of its number."""
    by_reference = removed.filter(pl.col("reference").is_not_null())
    by_value = removed.filter(pl.col("reference").is_null())
    live = untouched.filter(pl.col("ended_on").is_null()).select(*IDENTITY, "listing_id")
    value = [name for name in IDENTITY if name != "reference"]
    hits = pl.concat(
        [
            by_reference.join(live, on=IDENTITY, nulls_equal=True).select("line", "listing_id"),
            by_value.join(live, on=value).select("line", "listing_id"),
        ]
    )
    outcome = removed.select(
        "line",
        outcome=pl.when(pl.col("line").is_in(hits["line"].implode())).then(pl.lit("ended")).otherwise(pl.lit("absent")),
    )
    return _ended(untouched, pl.col("listing_id").is_in(hits["listing_id"].implode()), said.day), outcome


def _ended(listings: pl.DataFrame, which: pl.Expr, day: date, by: str = BY_SOURCE) -> pl.DataFrame:
    return listings.with_columns(
        ended_on=pl.when(which).then(pl.lit(day)).otherwise("ended_on"),
        ended_by=pl.when(which).then(pl.lit(by)).otherwise("ended_by"),
    )


def end(listings: pl.DataFrame, which: pl.Expr, day: date, by: str) -> pl.DataFrame:
    """End the listings that `which` names on the word of a person: the source's next file keeps them ended."""
    return _ended(listings, which & pl.col("ended_on").is_null(), day, by)
