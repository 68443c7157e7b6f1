"""Why a hit came, went or weighs otherwise than in the base run.

Two nights' evidence is compared, and what the lists say of each listing. A hit is missed for good only when its
account was read, the identifier could be read as well as before, and the value is not there or not listed any more;
otherwise it is *carried*, since a half-delivered extract frees nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from cardscreen.foundation import schema
from cardscreen.kinds.kind import KINDS
from cardscreen.lists.blocklist import holds
from cardscreen.policy.judging import CLEARANCE

#: What names a hit; `value` as results show it.
KEY = ["account_id", "identifier", "value", "listing_id"]
#: Why a hit could not be looked for.
UNSEEN = ["account_gone", "account_unreadable", "source_stale"]
_ROW = "_row"
_TRUNCATED = "truncated"
#: What is compared of a hit that was there on both nights.
_SAID = [
    *("status", "match", "reason", "severity", "listed_on", "holder"),
    *("carried_by", "score", "cap", "action", "exempted_by"),
]
#: At least so many digits of a truncated number are shown.
_HEAD, _TAIL = 6, 4


@dataclass(frozen=True)
class Circumstances:
    """What tonight knows beside the two nights' evidence.

    Attributes:
        as_of: The day that is asked about.
        listings: `schema.LISTING` of tonight's lists, also what is not in force.
        listings_then: Those of the base run, where they can still be told.
        then: The base run's day; None: there is no base.
        stale: Sources whose data is too old to act on.
        policy: Whether the policy, or a source's terms, differ from the base run's.
        software: Whether cardscreen, Polars or the numbering data do.
    """

    as_of: date
    listings: pl.LazyFrame
    listings_then: pl.LazyFrame | None = None
    then: date | None = None
    stale: Collection[str] = field(default_factory=list)
    policy: bool = False
    software: bool = False


def of_losses(lost: pl.DataFrame, hits: pl.DataFrame, watched: pl.DataFrame, around: Circumstances) -> pl.DataFrame:
    """What became of hits that led to more than their accounts' action tonight.

    Args:
        lost: `schema.CARRIED` of the base run.
        hits: `schema.HITS` of tonight.
        watched: `schema.WATCHED` of tonight: the cells of those accounts.
        around: What else is known.

    Returns:
        `lost` with tonight's cause, the one before as `cause_before`, and `unseen` (Boolean): whether the hit could
        not be looked for, so that it may still hold.
    """
    lost = lost.rename({"cause": "cause_before"}).with_row_index(_ROW)
    now = hits.select(*KEY, *_SAID).unique(KEY, keep="first", maintain_order=True)
    losses = (
        lost.rename({name: f"{name}_then" for name in _SAID})
        .join(now.with_columns(_found=pl.lit(value=True)), on=KEY, how="left")
        .join(_read(lost, watched), on=_ROW, how="left")
        .join(_fate(lost, around), on=_ROW, how="left")
        .with_columns(pl.col("_found", "_seen", "_there", "_unreadable").fill_null(value=False))
    )
    stale = pl.col("source").is_in(list(around.stale))
    cause = (
        pl.when(pl.col("_found"))
        .then(pl.when(_is_veiled()).then(_cause("account_unreadable")).otherwise(_altered(around)))
        .when(~pl.col("_seen"))
        .then(_cause("account_gone"))
        .when(pl.col("_unreadable"))
        .then(_cause("account_unreadable"))
        .when(~pl.col("_there") & (not around.software))
        .then(_cause("identifier_changed"))
        .when(pl.col("_over").is_not_null())
        .then(pl.when(stale).then(_cause("source_stale")).otherwise("_over"))
        .when(around.software)
        .then(_cause("software_changed"))
        # The same listing and a value that looks the same: two cards whose shown digits are equal.
        .when(pl.col("_same"))
        .then(_cause("identifier_changed"))
        .otherwise(_cause("listing_ended"))
    )
    decided = losses.select(_ROW, cause=cause)
    joined = lost.join(decided, on=_ROW, how="left", maintain_order="left").drop(_ROW)
    return joined.with_columns(unseen=pl.col("cause").is_in(UNSEEN))


def of_gains(gained: pl.DataFrame, before: pl.DataFrame, around: Circumstances) -> pl.DataFrame:
    """Why hits lead to more than their accounts' action in the base run.

    Args:
        gained: `schema.HITS` of tonight.
        before: `schema.HITS` of the base run, exempt ones and carried ones too.
        around: What else is known.

    Returns:
        account_id, cause (Enum).
    """
    if around.then is None:
        return gained.select("account_id", cause=_cause("first_run"))
    then = before.select(*KEY, *(pl.col(name).alias(f"{name}_then") for name in _SAID))
    gains = gained.join(
        then.unique(KEY, maintain_order=True).with_columns(_found=pl.lit(value=True)), on=KEY, how="left"
    )
    cause = (
        pl.when(pl.col("_found"))
        .then(_altered(around))
        .when(~pl.col("listing_id").is_in(_in_force_then(gained["listing_id"], around).implode()))
        .then(_cause("listing_added"))
        .otherwise(_cause("software_changed" if around.software else "identifier_changed"))
    )
    return gains.select("account_id", cause=cause)


def _cause(name: str) -> pl.Expr:
    return pl.lit(name, dtype=schema.CAUSES)


def _is_veiled() -> pl.Expr:
    """Whether an account shows only some digits of a number that it had in full: it can't be read as it could."""
    return (pl.col("status") == _TRUNCATED) & (pl.col("status_then") != _TRUNCATED) & pl.col("exempted_by").is_null()


def _altered(around: Circumstances) -> pl.Expr:
    """Why a hit that was there on both nights leads to another action."""

    def differs(name: str) -> pl.Expr:
        return pl.col(name).ne_missing(pl.col(f"{name}_then"))

    now, then = pl.col("exempted_by"), pl.col("exempted_by_then")
    weighed = differs("score") | differs("cap")
    by_listing = (
        (differs("severity") & differs("score")) | differs("reason") | (differs("listed_on") & differs("holder"))
    )
    return (
        pl.when(now == CLEARANCE)
        .then(_cause("clearance"))
        .when(now.is_not_null())
        .then(_cause("allow_listing"))
        .when(then == CLEARANCE)
        .then(_cause("clearance_ended"))
        .when(then.is_not_null())
        .then(_cause("allow_listing_ended"))
        .when(weighed & by_listing)
        .then(_cause("listing_changed"))
        .when(weighed & differs("match"))
        .then(_cause("identifier_changed"))
        .when(weighed & differs("holder"))
        .then(_cause("holder_changed"))
        .when(around.policy)
        .then(_cause("policy_changed"))
        .when(differs("cap") & differs("carried_by"))
        .then(_cause("shared_changed"))
        .otherwise(_cause("software_changed" if around.software else "account_changed"))
    )


def _read(lost: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """How the cells of each lost hit were read tonight.

    Returns:
        `_ROW`, and whether the account was `_seen`, the value is `_there`, or may be there and is `_unreadable`.
    """
    now, then = pl.col("value_now"), pl.col("value")
    same_ends = (now.str.head(_HEAD) == then.str.head(_HEAD)) & (now.str.tail(_TAIL) == then.str.tail(_TAIL))
    veiled = (pl.col("status_now") == _TRUNCATED) & (pl.col("status") != _TRUNCATED)
    cells = watched.select("account_id", "identifier", value_now="value", status_now="status")
    read = (
        lost.select(_ROW, "account_id", "identifier", "value", "status")
        .join(cells, on=["account_id", "identifier"], how="left")
        .with_columns(
            usable=now.is_not_null(),
            there=(now == then) & ~veiled,
            doubtful=(now.is_null() & (pl.col("status_now") != "missing")) | (veiled & same_ends),
        )
        .group_by(_ROW, "account_id")
        .agg(pl.col("usable", "there", "doubtful").fill_null(value=False).any())
        .select(
            _ROW, "account_id", _there="there", _unreadable=~pl.col("there") & (pl.col("doubtful") | ~pl.col("usable"))
        )
    )
    seen = watched.select("account_id", _seen=pl.lit(value=True)).unique()
    return read.join(seen, on="account_id", how="left").drop("account_id")


def _fate(lost: pl.DataFrame, around: Circumstances) -> pl.DataFrame:
    """What became of the listing of each lost hit.

    Returns:
        `_ROW`, `_over` (the cause, null while it is in force), and whether it is the `_same`: ids of plain files are
        row numbers, and may name another one later.
    """
    ids = lost["listing_id"].unique()
    fates = (
        around.listings.filter(pl.col("listing_id").is_in(ids.implode()) & (pl.col("list") == "block"))
        .select("listing_id", "kind", "listed_on", "expires_on", "ended_on", listed="value", match_now="match")
        .collect()
        .unique("listing_id", maintain_order=True)
    )
    day = pl.lit(around.as_of)
    ended = pl.col("ended_on") <= day
    expired = (pl.col("expires_on") < day) & (
        ~ended.fill_null(value=False) | (pl.col("expires_on") < pl.col("ended_on"))
    )
    over = (
        pl.when(pl.col("match_now").is_null())
        .then(_cause("listing_ended"))
        .when(expired)
        .then(_cause("expired"))
        .when(ended)
        .then(_cause("listing_ended"))
        .when(pl.col("listed_on") > day)
        .then(_cause("listing_changed"))
    )
    shown = pl.coalesce(
        *(pl.when(pl.col("kind") == name).then(kind().show(pl.col("listed"))) for name, kind in KINDS.items())
    )
    same = (pl.col("match_now") != "exact") | (shown == pl.col("value")) | (pl.col("value") == schema.HIDDEN)
    joined = lost.select(_ROW, "listing_id", "kind", "value").join(fates, on=["listing_id", "kind"], how="left")
    return joined.select(_ROW, _over=over, _same=same.fill_null(value=False))


def _in_force_then(ids: pl.Series, around: Circumstances) -> pl.Series:
    """Which of these listings the base run had in force, as far as its lists can still be told."""
    if around.listings_then is None or around.then is None:
        return ids.clear()
    there = around.listings_then.filter(holds(around.then) & pl.col("listing_id").is_in(ids.implode()))
    return there.select("listing_id").collect().to_series()
