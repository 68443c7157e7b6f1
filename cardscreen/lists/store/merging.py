"""A source's new file against what the store has of it: what is added, changed, ended, and what stays.

Listings end, they don't vanish: an ended one keeps its row and its name, so that an auditor finds it, and so
that an old message which arrives late doesn't bring it back.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, reduce
from typing import Literal, TypeVar

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import marked, nulls
from cardscreen.foundation.lookup.places import places_among
from cardscreen.lists.store.unread import perhaps_told

#: What makes two rows of a source the same listing.
IDENTITY = ["kind", "value", "match", "list", "reference"]
OUTCOMES = pl.Enum(
    ["added", "reopened", "changed", "unchanged", "ended", "kept", "already", "repeated", "absent", "stale", "closed"]
)
_SAID = ["reason", "severity", "listed_on", "expires_on"]
#: Who ended a listing, where it was not a person.
BY_SOURCE = "source"
#: A listing as the store keeps it: who ended it, the first day without it and the first day with it again of each gap
#: since its first day, and the last day on which its source removed it.
STORED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    **schema.LISTING,
    "ended_by": pl.String,
    "gaps": pl.List(pl.Date),
    "removed_on": pl.Date,
}
_NAME_BYTES = 6
_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)


@dataclass(frozen=True)
class Defaults:
    """What a feed says of rows that don't say it themselves.

    Attributes:
        source: Who lists.
        day: The day of the data: the first day of what is new, and the first without what has ended.
        confirmed_on: The latest day of the data that is there: what a snapshot doesn't name has lasted until then.
        listed_on: `first-seen`: that day, and the old one for what is there already; or a day for all.
        expires_after_days: Days from `listed_on`; None: no end.
        widen: A listing told again holds from its earliest day to its latest.
    """

    source: str
    day: date
    listed_on: Literal["first-seen"] | date = "first-seen"
    expires_after_days: int | None = None
    widen: bool = False
    confirmed_on: date | None = None

    @property
    def ends_on(self) -> date:
        """The first day without what a snapshot does not name any more."""
        return max(self.day, self.confirmed_on or self.day)


@dataclass(frozen=True)
class Merged:
    """What an import makes of a source.

    Attributes:
        listings: `STORED`: all of the source's listings, ended ones too; each is made when it is written.
        outcome: One row for each row of the file and each listing in force that a snapshot doesn't name: line (UInt32,
            null for those), outcome (Enum): `added`, `reopened`, `changed`, `unchanged`, `ended`, `kept` (it isn't
            named, and perhaps told in a row that can't be read), `already` (a delta adds what is there), `repeated` (a
            delta removes what it had removed), `absent` (a delta removes what never was there), `stale` (a delta adds
            what had ended, or removes what began, after that day), `closed` (a person has ended it).
        before: Listings in force before, on the day of the data.
        after: The same afterwards.
        kept_by: Lines that can't be read, and by which listings are kept.
    """

    listings: pl.LazyFrame
    outcome: pl.DataFrame
    before: int
    after: int
    kept_by: Sequence[int] = ()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many rows had each outcome."""
        return dict(self.outcome["outcome"].value_counts().sort("outcome").rows())


def lasts(day: date) -> pl.Expr:
    """Whether a listing that the store keeps is in force on a day, or will be."""
    return (pl.col("ended_on").is_null() | (pl.col("ended_on") > day)) & (
        pl.col("expires_on").is_null() | (pl.col("expires_on") >= day)
    )


def merge(
    current: pl.DataFrame | pl.LazyFrame,
    rows: pl.DataFrame,
    mode: Literal["snapshot", "delta"],
    defaults: Defaults,
    unread: pl.DataFrame | None = None,
    held: pl.DataFrame | None = None,
) -> Merged:
    """Merge a source's new rows into its listings.

    Args:
        current: `STORED`, the source's listings in the store; read once here, and once more when the new ones are made.
        rows: line, operation, `IDENTITY`, reason, severity, listed_on, expires_on; no two with one identity.
        mode: A snapshot is the whole list: what is absent has ended. A delta adds and removes.
        defaults: What holds for rows that don't say it.
        unread: `UNREAD`: the file's other rows; None: there are none.
        held: `marks` of the listings in the store, where they were made before.
    """
    current, kept_by = current.lazy(), list[int]()
    adds = pl.col("operation") == "add"
    new = (rows.filter(adds) if mode == "delta" else rows).drop("operation")
    place = _places(new, marks(current) if held is None else held)
    there = current.select(_KEPT).collect()
    outcome, judged = _judged(new, there, place, mode, defaults)
    # What is as it was keeps its row: on most nights that is nearly all.
    taken = judged.filter(pl.col("outcome").is_in(_TAKEN))
    if mode == "snapshot":
        named = marked(len(there), place.filter(outcome.is_in([*_TAKEN, "unchanged"])).drop_nulls())
        gone, ended, kept_by = _absent(current, there, named, defaults.ends_on, unread)
        changed = _ended(_beside(current, gone, taken), _GONE, defaults.ends_on)
    else:
        gone, ended = _removed(current, len(there), rows.filter(~adds), defaults)
        last = pl.max_horizontal("removed_on", pl.lit(defaults.day))
        changed = _ended(_beside(current, gone, taken), _GONE & _lasts(defaults.day), defaults.day)
        changed = changed.with_columns(removed_on=pl.when(_GONE).then(last).otherwise("removed_on"))
    taken = _since_before(new, taken, current, gone, defaults)
    listings = pl.concat([changed.select(list(STORED)), _named(new, taken, current, defaults.source)])
    return Merged(
        listings=listings,
        outcome=pl.concat([new.select("line", outcome=outcome), ended]),
        before=there.select(lasts(defaults.day).sum()).item(),
        after=listings.select(lasts(defaults.day).sum()).collect().item(),
        kept_by=kept_by,
    )


_TAKEN = ["added", "reopened", "changed"]


def _mark(seed: int) -> pl.Expr:
    """A hash of 64 bits of what makes a listing the same: put together column by column, half as long as of rows."""
    odd = pl.lit(0x9E3779B97F4A7C15, dtype=pl.UInt64)  # by which no two different sums become the same
    return reduce(lambda mark, each: mark * odd + each, (pl.col(name).hash(seed) for name in IDENTITY))


#: Two hashes, made in one process, stand for the five columns, which would take five times the memory.
_MARKS = _mark(0).alias("a"), _mark(1).alias("b")
#: A text of which only matters whether it is the same.
_REASON = pl.col("reason").hash().alias("reason")
_DATES = ["listed_on", "expires_on", "ended_on", "removed_on"]
#: What is compared of the listings that are there.
_KEPT = _REASON, pl.col("severity"), *map(pl.col, _DATES), (pl.col("ended_by") != BY_SOURCE).alias("by_person")
_GONE = pl.col("\0gone")


def marks(listings: pl.LazyFrame) -> pl.DataFrame:
    """What tells listings apart: two hashes for each."""
    return listings.select(_MARKS).collect()


def _places(new: pl.DataFrame, held: pl.DataFrame) -> pl.Series:
    """The row of each new listing among those that are there; null for what is new."""
    if held.is_empty():
        return nulls("place", pl.UInt32, len(new))
    sought = marks(new.lazy())
    places = places_among(*((each["a"].to_numpy(), each["b"].to_numpy()) for each in (sought, held)))
    return pl.Series("place", places).cast(pl.UInt32, strict=False)  # -1 is none


def _beside(current: pl.LazyFrame, gone: pl.Series, taken: pl.DataFrame) -> pl.LazyFrame:
    """The listings that no row takes the place of, beside whether they are gone."""
    marks = pl.DataFrame({"\0gone": gone, "\0stays": ~marked(len(gone), taken["place"].drop_nulls())})
    return pl.concat([current, marks.lazy()], how="horizontal").filter("\0stays")


def _judged(
    new: pl.DataFrame, there: pl.DataFrame, place: pl.Series, mode: str, defaults: Defaults
) -> tuple[pl.Series, pl.DataFrame]:
    """What becomes of each row; and of those that are not just as they were: see `_outcomes`."""
    same = pl.Series([False]).new_from_index(0, len(new))
    if len(there):
        unchanged = pl.col("place").is_not_null() & pl.col("ended_on_old").is_null() & _IS_SAME
        same = _dated(new, there, place, defaults).select(unchanged).collect().to_series()
    others = (~same).arg_true()
    if len(others) < len(new):
        new, place = new[others], place[others]
    judged = _outcomes(_dated(new, there, place, defaults), others, mode, defaults).collect()
    as_before = pl.Series("outcome", ["already" if mode == "delta" else "unchanged"], dtype=OUTCOMES)
    return as_before.new_from_index(0, len(same)).scatter(others, judged["outcome"]), judged


_IS_SAME = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_old")) for name in _SAID)


def _dated(new: pl.DataFrame, there: pl.DataFrame, place: pl.Series, defaults: Defaults) -> pl.LazyFrame:
    """What each row and its old listing (`_old`) say, with the row's dates filled in, and whether it said the first."""
    nothing = [pl.lit(None, dtype=dtype).alias(f"{name}_old") for name, dtype in there.schema.items()]
    # All columns at once, on all threads.
    old = there.lazy().select(pl.all().gather(place).name.suffix("_old")).collect() if len(there) else nothing
    said = new.lazy().select(_REASON, *(name for name in _SAID if name != "reason"))
    joined = said.with_columns(place.alias("place"), *old)
    known, lasting = pl.col("place").is_not_null(), pl.col("ended_on_old").is_null()
    first = pl.lit(defaults.day if defaults.listed_on == "first-seen" else defaults.listed_on)
    # Its first day, also of what was left out for a while: so long a holder may have had the number.
    listed_on = pl.coalesce("listed_on", pl.when(known).then("listed_on_old"), first)
    dated = joined.with_columns(listed_on=listed_on, dated=pl.col("listed_on").is_not_null())
    if defaults.expires_after_days is not None:
        days = pl.duration(days=defaults.expires_after_days)
        dated = dated.with_columns(pl.col("expires_on").fill_null(pl.col("listed_on") + days))
    if defaults.widen:
        widest = pl.min_horizontal("listed_on", "listed_on_old"), pl.max_horizontal("expires_on", "expires_on_old")
        dated = dated.with_columns(
            pl.when(known & lasting).then(wide).otherwise(name).alias(name)
            for name, wide in zip(("listed_on", "expires_on"), widest, strict=True)
        )
    return dated


def _outcomes(dated: pl.LazyFrame, rows: pl.Series, mode: str, defaults: Defaults) -> pl.LazyFrame:
    """What becomes of rows that are not as they were: row, listed_on, expires_on, place, outcome, and any new gap."""
    known, ended = pl.col("place").is_not_null(), pl.col("ended_on_old").is_not_null()
    # Only a day behind all that was known is a new case; else the list does not know what a person has decided.
    known_then = pl.max_horizontal("ended_on_old", "listed_on_old")
    decided = ~pl.col("dated") | (pl.col("listed_on") <= known_then)
    # An old message that arrives late: of a day before the end, or the very same as before.
    told_on = pl.when("dated").then("listed_on").otherwise(pl.lit(defaults.day))
    same_day = pl.col("dated") & (pl.col("listed_on") == pl.col("listed_on_old"))
    late = (told_on < pl.max_horizontal("ended_on_old", "removed_on_old")) | same_day
    outcome = (
        pl.when(~known)
        .then(pl.lit("added"))
        .when(ended & pl.col("by_person_old") & decided)
        .then(pl.lit("closed"))
        .when(ended & pl.lit(mode == "delta") & late)
        .then(pl.lit("stale"))
        .when(ended)
        .then(pl.lit("reopened"))
        .otherwise(pl.lit("changed"))
    )
    # A day without it, unless the source says that it began behind the end.
    gap = ended & (pl.col("listed_on") < pl.col("ended_on_old")) & (pl.col("ended_on_old") < pl.lit(defaults.day))
    return dated.select(
        pl.lit(rows).alias("row"),
        "listed_on",
        "expires_on",
        "place",
        outcome=outcome.cast(OUTCOMES),
        gap=pl.when(gap).then(pl.concat_list("ended_on_old", pl.lit(defaults.day))),
    )


def _since_before(
    new: pl.DataFrame, taken: pl.DataFrame, current: pl.LazyFrame, gone: pl.Series, defaults: Defaults
) -> pl.DataFrame:
    """The rows that are taken, those of what ends in the same file under another reference with its first day.

    A case number that is written in another way is no new word of the source: who has been cleared stays so, and who
    got the number since is no present holder. A row that tells a day says otherwise.
    """
    undated = taken.filter((pl.col("outcome") == "added") & new["listed_on"][taken["row"]].is_null())
    if defaults.listed_on != "first-seen" or undated.is_empty() or not gone.any():
        return taken
    same = [name for name in IDENTITY if name != "reference"]
    rows = new[undated["row"]].select(*same, undated["row"])
    ended = pl.concat([current.select(*same, "listed_on"), gone.to_frame("\0gone").lazy()], how="horizontal")
    ended = ended.filter(_GONE).join(rows.lazy(), on=same, how="inner", nulls_equal=True)
    first = ended.group_by("row").agg(first=pl.col("listed_on").min()).collect()
    taken = taken.join(first, on="row", how="left", maintain_order="left")
    if defaults.expires_after_days is not None:
        lasts = pl.col("first") + pl.duration(days=defaults.expires_after_days)
        untold = new["expires_on"][taken["row"]].is_null()
        taken = taken.with_columns(
            expires_on=pl.when(untold).then(pl.coalesce(lasts, "expires_on")).otherwise("expires_on")
        )
    return taken.with_columns(listed_on=pl.coalesce("first", "listed_on")).drop("first")


def _named(new: pl.DataFrame, taken: pl.DataFrame, current: pl.LazyFrame, source: str) -> pl.LazyFrame:
    """The rows that are taken as listings: those that are known keep their name, new ones get a random one."""
    # One random front for all, and a number behind it: as unguessable as a random name, and a tenth of its size.
    front = secrets.token_hex(_NAME_BYTES)
    rows = new if len(taken) == len(new) else new[taken["row"]]
    known = taken["place"].drop_nulls()
    if len(known):
        kept = current.with_row_index("place").select("place", "listing_id", "gaps")
        old = kept.filter(pl.col("place").is_in(known.implode())).collect()
        taken = taken.join(old, on="place", how="left", maintain_order="left")
    else:
        taken = taken.with_columns(
            nulls("listing_id", pl.String, len(taken)), nulls("gaps", STORED["gaps"], len(taken))
        )
    return (
        pl.concat([rows.select(*IDENTITY, "reason", "severity"), taken], how="horizontal")
        .lazy()
        .with_row_index("number")
        .with_columns(
            listing_id=pl.coalesce("listing_id", pl.format("{}-{}", pl.lit(front), "number")),
            gaps=pl.when(pl.col("gap").is_null())
            .then("gaps")
            .otherwise(pl.concat_list(pl.col("gaps").fill_null([]), "gap")),
            source=pl.lit(source),
            ended_on=pl.lit(None, dtype=pl.Date),
            ended_by=pl.lit(None, dtype=pl.String),
            removed_on=pl.lit(None, dtype=pl.Date),
        )
        .select(list(STORED))
    )


def _lasts(day: date) -> pl.Expr:
    """Whether a listing has not ended by a day."""
    return pl.col("ended_on").is_null() | (pl.col("ended_on") > day)


def _absent(
    current: pl.LazyFrame, there: pl.DataFrame, named: pl.Series, day: date, unread: pl.DataFrame | None
) -> tuple[pl.Series, pl.DataFrame, list[int]]:
    """What a snapshot doesn't name any more, its outcomes, and the lines by which something is kept all the same.

    What had run out before is closed without a word.
    """
    gone = there.select(_lasts(day)).to_series() & ~named
    ended, lines = gone & there.select(lasts(day)).to_series(), list[int]()
    outcomes = pl.Series("outcome", ["ended"], dtype=OUTCOMES).new_from_index(0, int(ended.sum()))
    if unread is not None and len(unread) and len(outcomes):
        missing = current.select("value", "match", "reference", ended=pl.lit(ended)).filter("ended").collect()
        is_kept, by = perhaps_told(unread, missing)
        places, lines = ended.arg_true().filter(is_kept), by.to_list()
        gone, outcomes = gone.scatter(places, values=False), outcomes.scatter(is_kept.arg_true(), "kept")
    return gone, nulls("line", pl.UInt32, len(outcomes)).to_frame().with_columns(outcomes), lines


def _removed(
    current: pl.LazyFrame, size: int, removed: pl.DataFrame, defaults: Defaults
) -> tuple[pl.Series, pl.DataFrame]:
    """What a delta removes, also what it had removed; a row without reference removes all listings of its number."""
    begun = pl.coalesce(pl.col("gaps").list.last(), pl.col("listed_on")) <= defaults.day
    begun = begun.fill_null(value=True) | (
        defaults.ends_on == defaults.day
    )  # only a late file may speak of a time before
    live = current.with_row_index("place").select("place", *IDENTITY, lasts=_lasts(defaults.day), begun=begun)
    value = [name for name in IDENTITY if name != "reference"]
    by_reference = removed.lazy().filter(pl.col("reference").is_not_null())
    by_value = removed.lazy().filter(pl.col("reference").is_null())
    hits = pl.concat(
        [
            by_reference.join(live, on=IDENTITY).select("line", "place", "lasts", "begun"),
            by_value.join(live, on=value).select("line", "place", "lasts", "begun"),
        ]
    ).collect()

    def lines(which: pl.Expr) -> pl.Expr:
        return pl.col("line").is_in(hits.filter(which)["line"].unique().implode())

    outcome = (
        pl.when(lines(pl.col("lasts") & pl.col("begun")))
        .then(pl.lit("ended"))
        .when(lines(pl.col("lasts")))
        .then(pl.lit("stale"))
        .when(lines(pl.lit(value=True)))
        .then(pl.lit("repeated"))
        .otherwise(pl.lit("absent"))
    )
    gone = hits.filter("begun")["place"].unique()
    return marked(size, gone), removed.select("line", outcome=outcome.cast(OUTCOMES))


def _ended(listings: _Frame, which: pl.Expr, day: date, by: str = BY_SOURCE) -> _Frame:
    return listings.with_columns(
        ended_on=pl.when(which).then(pl.lit(day)).otherwise("ended_on"),
        ended_by=pl.when(which).then(pl.lit(by)).otherwise("ended_by"),
    )


def end(listings: pl.DataFrame, which: pl.Expr, day: date, by: str) -> pl.DataFrame:
    """End the listings that `which` names on the word of a person: the source's next file keeps them ended."""
    return _ended(listings, which & _lasts(day), day, by)
