"""Looking into a store: overview, history, rows, differences, export."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.kinds.kind import KINDS, secret_kinds
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.lists.store.merging import lasts
from cardscreen.lists.store.records import Version
from cardscreen.lists.store.table import Store
from cardscreen.tables.writing import write

Form = Literal["masked", "token", "plain"]
_STATED = ["list", "reason", "severity", "listed_on", "expires_on", "reference"]


@dataclass(frozen=True)
class Filter:
    """Which listings are meant; what is left out means all.

    Attributes:
        state: `live` (in force on the day, or later), `ended` (or expired), or `all`.
    """

    source: str | None = None
    kind: str | None = None
    reason: str | None = None
    list: str | None = None
    reference: str | None = None
    state: Literal["live", "ended", "all"] = "live"
    ids: Collection[str] = field(default_factory=tuple)

    def applies(self, day: date) -> pl.Expr:
        """Whether a listing of the store is meant."""
        named = {"source": self.source, "kind": self.kind, "reason": self.reason, "reference": self.reference}
        tests = [pl.col(column) == wanted for column, wanted in named.items() if wanted is not None]
        if self.list is not None:
            tests.append(pl.col("list").cast(pl.String) == self.list)
        if self.ids:
            tests.append(pl.col("listing_id").is_in(list(self.ids)))
        if self.state != "all":
            tests.append(lasts(day) if self.state == "live" else ~lasts(day))
        return pl.all_horizontal(pl.lit(True), *tests).fill_null(value=False)


def overview(store: Store, day: date, version: int | None = None) -> pl.DataFrame:
    """One row a source: how much, of what day, how old, on what terms.

    Returns:
        source, live, ended, confirmed_on, changed_on, age (days), state (as `terms.Origin.freshness` has it),
        imported_at, file, mode.
    """
    at = store.at(version)
    counted = (
        store.listings(at.number).group_by("source").agg(live=lasts(day).sum(), ended=(~lasts(day)).sum()).collect()
    )
    counts = {source: (live, ended) for source, live, ended in counted.rows()}
    rows = []
    for source, origin in sorted(at.record.origins.items()):
        live, ended = counts.get(source, (0, 0))
        days = {"confirmed_on": origin.confirmed_on, "changed_on": origin.changed_on, "age": origin.age(day)}
        fields = {**days, "state": origin.freshness(day, idle=not live)}
        rows.append(
            {
                "source": source,
                "live": live,
                "ended": ended,
                **fields,
                "imported_at": origin.imported_at,
                "file": origin.file,
                "mode": origin.mode,
            }
        )
    return pl.DataFrame(rows, schema=_OVERVIEW, orient="row")


_OVERVIEW: Mapping[str, Any] = {
    "source": pl.String,
    "live": pl.UInt32,
    "ended": pl.UInt32,
    "confirmed_on": pl.Date,
    "changed_on": pl.Date,
    "age": pl.Int64,
    "state": pl.String,
    "imported_at": pl.Datetime("us", "UTC"),
    "file": pl.String,
    "mode": pl.String,
}


def past(store: Store, limit: int) -> pl.DataFrame:
    """The newest versions: version, instant, action, source, by, reason, and the figures of imports."""
    figures = ("read", "rejected", "added", "changed", "ended", "in_force")
    events: list[dict[str, Any]] = []
    for each in itertools.islice(store.history(), limit):
        record = each.record
        if events and record.action == "vacuum" and record.instant == events[-1]["instant"]:
            continue  # the engine makes several commits of one clean-up
        event = {"version": each.number, "instant": record.instant, "action": record.action, "source": record.source}
        events.append(
            event | {"by": record.by, "reason": record.reason} | {name: record.details.get(name) for name in figures}
        )
    numbers = dict.fromkeys(("version", *figures), pl.Int64)
    texts = dict.fromkeys(("action", "source", "by", "reason"), pl.String)
    types: dict[str, Any] = {"instant": pl.Datetime("us", "UTC"), **numbers, **texts}
    columns = ["version", "instant", "action", "source", "by", "reason", *figures]
    return pl.DataFrame(events, schema={name: types[name] for name in columns}, orient="row")


def rows(store: Store, which: Filter, day: date, version: int | None = None) -> pl.LazyFrame:
    """The listings that a filter means: `merging.STORED`, in the order of the store."""
    asked = store.at(version)
    check_source(asked, which.source)
    return store.listings(asked.number).filter(which.applies(day))


def count(listings: pl.LazyFrame) -> int:
    """How many listings there are."""
    return int(listings.select(pl.len()).collect().item())


def check_source(at: Version, source: str | None) -> None:
    """Refuse a source that a version does not know."""
    if source is not None and source not in at.record.origins:
        known = sorted(at.record.origins)
        raise ConfigError(f"no source {source!r}{near(source, known)}: the store has {', '.join(known) or 'none'}")


def shown(listings: pl.DataFrame, form: Form = "masked", key: TokenKey | None = None) -> pl.DataFrame:
    """Listings with card numbers as they may be shown, and with all names as text: not every reader knows categories.

    Args:
        listings: `merging.STORED`.
        form: `masked`; `token`: under `key`; `plain`: as the store holds them, for those who may see them.
        key: The secret for tokens.

    Raises:
        ConfigError: Tokens without a key.
    """
    listings = listings.cast({"match": pl.String, "list": pl.String})
    if "gaps" in listings.columns:  # as ISO 8601 writes intervals; text files hold no lists
        days = pl.col("gaps").cast(pl.List(pl.String)).list.join(" ").replace("", None)
        listings = listings.with_columns(gaps=days.str.replace_all(r"(\S+) (\S+)", "${1}/${2}"))
    if form == "plain":
        return listings
    if form == "token" and key is None:
        raise ConfigError("tokens need a key: name one with --key-file or --key-env")
    value = pl.col("value")
    for name, kind in KINDS.items():
        exact = (pl.col("kind") == name) & pl.col("match").is_in(["exact", *["truncated"] * (form == "masked")])
        if form == "token" and key is not None:
            value = pl.when(exact).then(token(pl.col("value"), name, key)).otherwise(value)
        else:
            value = pl.when(exact).then(kind().show(pl.col("value"))).otherwise(value)
    if form == "masked":
        # The ends of a range are whole numbers.
        ranged = pl.col("kind").is_in(secret_kinds()) & (pl.col("match") == "range")
        value = pl.when(ranged).then(pl.col("value").str.replace_all("([0-9]{8})[0-9]+", "${1}…")).otherwise(value)
    if form == "token":
        is_exact = pl.col("match") == "exact"
        match = pl.when(is_exact).then(pl.lit("token")).otherwise("match")
        return listings.with_columns(value.alias("value"), match.alias("match"))
    return listings.with_columns(value.alias("value"))


def difference(store: Store, before: int, after: int, day: date) -> pl.DataFrame:
    """What differs between two versions, of the listings in force on a day.

    Returns:
        change (`added`, `ended`, `changed`), what (String: the columns that changed, with both values), and the
        columns of `merging.STORED` as they are in the version that has the listing in force.
    """
    sides = {
        name: store.listings(store.at(version).number).filter(lasts(day)).collect()
        for name, version in (("before", before), ("after", after))
    }
    then, now = sides["before"], sides["after"]
    added = now.join(then, on="listing_id", how="anti").with_columns(change=pl.lit("added"), what=_NO_TEXT)
    gone = then.join(now, on="listing_id", how="anti").with_columns(change=pl.lit("ended"), what=_NO_TEXT)
    both = now.join(then.select("listing_id", *_STATED), on="listing_id", suffix="_before")
    differing = [
        pl.when(pl.col(name).ne_missing(pl.col(f"{name}_before"))).then(
            pl.format(
                "{}: {} → {}",
                pl.lit(name),
                *(pl.col(f"{name}{end}").cast(pl.String).fill_null("-") for end in ("_before", "")),
            )
        )
        for name in _STATED
    ]
    changed = both.with_columns(
        what=pl.concat_str(differing, separator="; ", ignore_nulls=True), change=pl.lit("changed")
    ).filter(pl.col("what") != "")
    columns = ["change", "what", *now.columns]
    return pl.concat([part.select(columns) for part in (added, gone, changed)]).sort("source", "change", "listing_id")


def counted(differing: pl.DataFrame) -> pl.DataFrame:
    """How many listings differ: source, reason, change, listings."""
    return differing.group_by("source", "reason", "change").agg(listings=pl.len()).sort("source", "reason", "change")


_NO_TEXT = pl.lit(None, dtype=pl.String)


def export(listings: pl.LazyFrame, out: Path, form: Form, key: TokenKey | None, *, force: bool = False) -> int:
    """Write listings to a .csv or .parquet file; see `shown`. Returns how many.

    Raises:
        ConfigError: As for `write`.
    """
    frame = shown(listings.select(list(schema.LISTING)).collect(), form, key)
    write(frame, out, force=force)
    return len(frame)
