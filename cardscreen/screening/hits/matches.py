"""Cells of accounts and the listings that cover them: matches, hits and decisions.

A frame of *matches* has a row for each cell of an account and each listing, block or allow, that covers it. All
that is known of a value stands in its matches, and all that is known of an account in those of its cells, so hits
and decisions can be worked out for the accounts of a part as for all of them. Only how many accounts carry a value
needs them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from cardscreen.foundation import schema
from cardscreen.kinds.tokens import TokenKey
from cardscreen.policy import judging
from cardscreen.policy.judging import DECIDING
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.evidence import EVIDENCE

#: The order of hits: of what they show, so that it tells no more of hidden digits.
ORDER = ["account_id", "identifier", "listing_id", "value", "status", "match", "holder", "carried_by"]
_NO_DAY = pl.lit(None, dtype=pl.Date)
_OF_VALUE = ["kind", "value"]
IS_ALLOW = pl.col("list") == "allow"
#: Hits of an account that are kept, unless the caller says another number.
HITS_PER_ACCOUNT = 1_000
#: Of rows and cells that may be listed: what they are once too many others are.
NOT_JUDGED = "not_judged"


def cells_of(rows: pl.DataFrame, plan: AccountColumns, keys: Sequence[TokenKey], first: int = 0) -> pl.DataFrame:
    """All usable identifiers of some rows, read in full.

    Args:
        rows: Accounts that may match.
        plan: Their columns.
        keys: The keys of tokens.
        first: Number of the first row, and of the first cell.

    Returns:
        row and cell (Int64, their numbers), account_id, identifier, kind, holder_since, value, status, shown,
        `schema.DETAILS`, and the carried columns as `account.<name>`.
    """
    indexed = rows.with_columns(pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("\0row"))
    parts = []
    for column, kind in plan.identifiers.items():
        since = plan.day(kind.holder_since) if kind.holder_since else _NO_DAY
        cells = indexed.explode(column, empty_as_null=False) if plan.is_list(column) else indexed
        parts.append(
            cells.lazy()
            .select(
                pl.col("\0row").alias("row"),
                pl.col(plan.account_id).alias("account_id"),
                pl.lit(column).alias("identifier"),
                pl.lit(kind.name).alias("kind"),
                since.alias("holder_since"),
                kind.read(pl.col(column)).struct.unnest(),
                *(pl.col(name).alias(f"{ACCOUNT}{name}") for name in plan.carry),
            )
            .filter(pl.col("value").is_not_null())
            .with_columns(plan.show(kind, pl.col("value"), keys).alias("shown"), **plan.details_of(kind))
            .collect()
        )
    cells = pl.concat(parts)
    return cells.insert_column(1, pl.int_range(first, first + len(cells), dtype=pl.Int64, eager=True).alias("cell"))


def watched_in(rows: pl.DataFrame, plan: AccountColumns, keys: Sequence[TokenKey]) -> pl.DataFrame:
    """`schema.WATCHED` of some rows: what each of their cells says, also where it says nothing."""
    parts = []
    for column, kind in plan.identifiers.items():
        cells = rows.explode(column, empty_as_null=True) if plan.is_list(column) else rows
        parts.append(
            cells.lazy()
            .select(
                pl.col(plan.account_id).alias("account_id"),
                pl.lit(column).alias("identifier"),
                pl.lit(kind.name).alias("kind"),
                kind.read(pl.col(column)).struct.unnest(),
            )
            .with_columns(plan.show(kind, pl.col("value"), keys).alias("value"))
        )
    return pl.concat(parts).unique().sort(list(schema.WATCHED)).collect()


def strongest(pairs: pl.DataFrame, most: int) -> pl.DataFrame:
    """Of each value all allow listings, and the most severe block listings.

    Args:
        pairs: As `evidence.evidence` returns them: all of a value.
        most: How many block listings of a value.

    Returns:
        The same columns; `nth` (UInt32), which tells apart listings that say the very same; `rank`, from 0, and
        `blocking`, how many block listings the value has.
    """
    blocking, rank = (~IS_ALLOW).sum().over(_OF_VALUE), pl.int_range(pl.len()).over([*_OF_VALUE, "list"])
    nth = pl.int_range(pl.len(), dtype=pl.UInt32).over(pairs.columns)
    ranked = pairs.with_columns(nth=nth, blocking=blocking.cast(pl.Int64))
    if len(pairs) > most:
        ranked = ranked.sort(_SEVERITY, descending=[True, *[False] * (len(_SEVERITY) - 1)], maintain_order=True)
    return ranked.with_columns(rank=rank.cast(pl.Int64)).filter(IS_ALLOW | (pl.col("rank") < most))


def matches(cells: pl.DataFrame, pairs: pl.DataFrame, most: int) -> tuple[pl.DataFrame, int]:
    """Each cell with each listing that covers its value.

    Args:
        cells: As `cells_of` returns them.
        pairs: As `strongest` returns them.
        most: As for `strongest`; where an account has many values, fewer of each are taken.

    Returns:
        The columns of both but `rank` and `blocking`; and how many hits there would be of listings that were left out.
    """
    room = (_ROOM * most // pl.len().over("account_id")).clip(1, most).cast(pl.Int64)
    asked = cells.with_columns(room=room)
    # Of a part of the cells after another: all listings of all of them may be too many.
    some = max(1, _JOINED // (1 + len(pairs) // max(pairs.n_unique(_OF_VALUE), 1)))
    within = IS_ALLOW | (pl.col("rank") < pl.col("room"))
    parts = [part.join(pairs, on=_OF_VALUE).filter(within) for part in asked.iter_slices(some)]
    counted = pairs.unique(_OF_VALUE).select(*_OF_VALUE, "blocking")
    once = asked.unique(["account_id", "identifier", *_OF_VALUE]).join(counted, on=_OF_VALUE)
    left_out = once.select((pl.col("blocking") - pl.col("room")).clip(0).sum()).item()
    together = pl.concat(parts or [asked.join(pairs, on=_OF_VALUE)])
    return together.drop("rank", "room", "blocking"), left_out


_SEVERITY = ["severity", *(name for name in EVIDENCE if name != "severity"), "match"]
_ROOM = 10  # times the hits of an account that are kept, so many are judged
_JOINED = 500_000  # matches that are made at once


def carriers_of(cells: pl.DataFrame) -> pl.DataFrame:
    """How many accounts carry each value: kind, value, carried_by (UInt32)."""
    return cells.group_by(_OF_VALUE).agg(carried_by=pl.col("account_id").n_unique().cast(pl.UInt32))


def hits_of(matched: pl.DataFrame) -> pl.DataFrame:
    """Block listings × the accounts that carry what they list, with `holder` and `allowed_by`.

    Args:
        matched: Matches with `carried_by`: of any accounts, but all of theirs.

    Returns:
        What `Policy.judge` takes; the value as results show it, and `_value`, by which it is told from others.
    """
    listed = matched.filter(~IS_ALLOW)
    carry = [name for name in matched.columns if name.startswith(ACCOUNT)]
    listings = listed.select(*_OF_VALUE, "carried_by", "match", *EVIDENCE, "nth").unique().drop("nth")
    # A number that is told in full anywhere is not one whose leading digits were taken from another.
    in_full = pl.col("status").sort_by(pl.col("status") == schema.COMPLETED, "status").first()
    owned = listed.group_by("account_id", "identifier", *_OF_VALUE).agg(
        pl.col("holder_since", "shown", *schema.DETAILS).min(), in_full
    )
    # Rows of one account may say different things: a rule that protects one of them protects the account. Rows
    # without a hit are left out, as of those only some have come this far.
    carried = listed.group_by("account_id").agg(pl.col(name).drop_nulls().unique().sort() for name in carry)
    allowed = matched.filter(IS_ALLOW).group_by(_OF_VALUE).agg(allowed_by=pl.col("source").min())
    since, listed_on = pl.col("holder_since"), pl.col("listed_on")
    # What a partner has named is listed on the day of the match; whose it was when they listed it, they don't say.
    known = pl.col("reason").ne_missing(schema.NAMED)
    holder = pl.when(listed_on < since).then(pl.lit("earlier")).when((listed_on >= since) & known).then(pl.lit("same"))
    return (
        owned.join(listings, on=_OF_VALUE)
        .join(carried, on="account_id", how="left")
        .join(allowed, on=_OF_VALUE, how="left")
        .with_columns(holder.otherwise(pl.lit("unknown")).cast(schema.HOLDERS).alias("holder"))
        .with_columns(pl.col("value").alias("_value"), pl.col("shown").alias("value"))
    )


@dataclass(frozen=True)
class Decisions:
    """What follows from matches.

    Attributes:
        judged: As `Policy.judge` returns it, sorted.
        flagged: `schema.FLAGGED` and the carried columns.
        hits: `schema.HITS`: of each account the strongest, as many as are kept.
    """

    judged: pl.DataFrame
    flagged: pl.DataFrame
    hits: pl.DataFrame


def decide(
    matched: pl.DataFrame,
    rules: Policy,
    day: date,
    carry: list[str],
    previous: pl.DataFrame | None,
    cleared: pl.DataFrame | None,
    most_hits: int,
) -> Decisions:
    """What follows from matches.

    Args:
        matched: As for `hits_of`.
        rules: The policy, under the sources' terms.
        day: The day that is asked about.
        carry: Account columns to keep.
        previous: account_id, action, flagged_since, act_on of the night before, of these accounts at least.
        cleared: `Policy.cleared`.
        most_hits: How many hits of an account are kept, the strongest ones.
    """
    hits = judging.judge(rules, hits_of(matched).lazy(), cleared)
    judged = hits.sort(ORDER).collect()
    flagged = judging.decide(rules, judged.lazy(), day, carry, None if previous is None else previous.lazy()).collect()
    return Decisions(judged, flagged, _strongest(judged, most_hits).select(list(schema.HITS)))


def _strongest(judged: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many hits of an account: the one that decides, and those next to it."""
    if judged.is_empty() or judged["account_id"].value_counts()["count"].max() <= most:  # type: ignore[operator]
        return judged
    rank = pl.int_range(pl.len()).over("account_id")
    falling = [True, *DECIDING.values()]
    return judged.sort("live", *DECIDING, descending=falling, nulls_last=False).filter(rank < most).sort(ORDER)
