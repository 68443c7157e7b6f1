"""Accepted proposals as listings of a derived source: imported like any other list, with all checks."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from cardscreen.kinds.tokens import TokenKey
from cardscreen.leads.desk.folder import Sheet
from cardscreen.leads.proposals import IDENTITY
from cardscreen.lists.blocklist import holds
from cardscreen.lists.feeds.feed import Columns, Feed, FeedLimits
from cardscreen.lists.feeds.importing import Imported, import_file
from cardscreen.lists.store.table import Store
from cardscreen.lists.terms import Terms

#: States of what is, or is to be, a listing.
LISTED = ("accepted", "published")
_COLUMNS = ["kind", "value", "reason", "severity", "reference"]
#: Listings of a source of which a share says something.
_ENOUGH = 20
_BOUNDLESS = 1e9


@dataclass(frozen=True)
class DerivedSource:
    """A source of which the listings were found here.

    Attributes:
        name: As listings name it.
        terms: What holds for its hits.
        expires_after_days: Days from the last day of its evidence to the last day of a listing; None: no end.
        timezone: Decides of which day its proposals are; None: this machine's.
        by_rule: Whether a rule accepts what no person has decided about: then a sudden growth is doubtful.
        of_holders: Whether its evidence speaks of whoever held a value then: a listing is of its last day, so that a
            later holder is told from the one who is meant. Others are of the day on which they were first published.
    """

    name: str
    terms: Terms
    expires_after_days: int | None
    timezone: str | None
    by_rule: bool = False
    of_holders: bool = False


def live(store: Store, sources: Collection[str], day: date) -> pl.DataFrame:
    """What a store has in force of some sources on a day: `IDENTITY`."""
    if not store.exists():
        return pl.DataFrame(schema=dict.fromkeys(IDENTITY, pl.String))
    listed = store.listings().filter(holds(day) & pl.col("source").is_in(list(sources)))
    return listed.select(IDENTITY).unique().collect()


def not_found_again(proposals: pl.DataFrame, before: Sheet | None, sources: Collection[str]) -> pl.DataFrame:
    """What had been accepted or published of some sources, and is not proposed any more: `schema.PROPOSALS`."""
    if before is None:
        return proposals.clear()
    was, state = before.table("proposals"), pl.col("state").cast(pl.String)
    accepted = was.filter(pl.col("source").is_in(list(sources)) & state.is_in(LISTED))
    return accepted.join(proposals, on=IDENTITY, how="anti")


def publish(
    proposals: pl.DataFrame,
    source: DerivedSource,
    store: Store,
    day: date,
    key: TokenKey | None,
    allow: Sequence[str] = (),
) -> Imported | None:
    """Make what is accepted the whole list of a derived source.

    Args:
        proposals: `schema.PROPOSALS` of the source, of which those count that are accepted or published.
        source: The source.
        store: Where to.
        day: The day of the proposals.
        key: The key of tokens, where the store holds such.
        allow: Checks to waive.

    Returns:
        What was imported; None where nothing is accepted and nothing was listed.

    Raises:
        FeedRefused: A check failed; the store is as it was.
    """
    accepted = proposals.filter(pl.col("state").cast(pl.String).is_in(LISTED) & (pl.col("source") == source.name))
    before = len(live(store, [source.name], day))
    known = store.exists() and source.name in store.at().record.origins
    if accepted.is_empty() and not known:
        return None
    expires = pl.lit(None, dtype=pl.Date)
    if source.expires_after_days is not None:
        expires = pl.col("last_on").dt.offset_by(f"{source.expires_after_days}d")
    dates = {"expires_on": expires}
    if source.of_holders:
        dates["listed_on"] = pl.min_horizontal("last_on", pl.lit(day))
    rows = accepted.select(*_COLUMNS, **dates).filter(pl.col("expires_on").is_null() | (pl.col("expires_on") >= day))
    # Of few listings a share says nothing; and of what a person has accepted one by one, growth is meant.
    few = before < _ENOUGH
    limits = FeedLimits(
        shrink_share=1.0 if few else FeedLimits().shrink_share,
        grow_share=_BOUNDLESS if few or not source.by_rule else FeedLimits().grow_share,
        invalid_share=1.0,  # they were read before, and judged
    )
    feed = Feed(
        source=source.name,
        columns=Columns(**{name: name for name in rows.columns}),
        terms=source.terms,
        timezone=source.timezone,
        limits=limits,
    )
    waived = {*allow, *(["empty"] if few else [])}
    with tempfile.TemporaryDirectory(prefix=f"cardscreen-{source.name}-") as folder:
        file = Path(folder, f"{source.name}.parquet")
        rows.sort(_COLUMNS).write_parquet(file)
        return import_file(file, feed, store, allow=sorted(waived), as_of=day, key=key)
