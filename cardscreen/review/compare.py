"""Two runs side by side, or a run and what another policy would make of it: who enters, leaves, escalates, eases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.policy.judging import rule_number
from cardscreen.policy.policy import Policy
from cardscreen.policy.weighing import with_account
from cardscreen.review.inputs import policy_of, terms_of
from cardscreen.review.replay import replayed, version_changes
from cardscreen.runs.record import Base, Finished

#: What becomes of an account between two runs.
MOVES = pl.Enum(["enters", "escalates", "eases", "leaves", "same"])
_NONE = pl.lit("none", dtype=schema.ACTIONS)


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        flagged: account_id, action, decided_by of the accounts that are flagged with an action, carried ones too.
        hits: `schema.HITS`, and `rule` (the number of the rule that applied, from 1, or null).
    """

    flagged: pl.LazyFrame
    hits: pl.LazyFrame


@dataclass(frozen=True)
class Comparison:
    """Two sides, and what is to be kept in mind when they are compared."""

    before: Side
    after: Side
    warnings: list[str]


def moves(both: Comparison) -> pl.DataFrame:
    """What becomes of each account that either side flags with an action.

    Returns:
        account_id (String), move (`MOVES`), action_before, action, and of the hit that decides (of the later side,
        of the earlier where the account leaves): source, reason, rule (UInt32: its number, from 1), cap; sorted by
        move and account.
    """
    sides = [_decided(both.before).select(pl.all().name.suffix("_then"))]
    sides.append(_decided(both.after).select(pl.all().name.suffix("_now")))
    joined = sides[0].join(sides[1], left_on="account_then", right_on="account_now", how="full", coalesce=True)
    then, now = (pl.col(f"action_{side}").fill_null(_NONE) for side in ("then", "now"))
    move = (
        pl.when(then == now)
        .then(pl.lit("same"))
        .when(then == "none")
        .then(pl.lit("enters"))
        .when(now == "none")
        .then(pl.lit("leaves"))
        .when(now > then)
        .then(pl.lit("escalates"))
        .otherwise(pl.lit("eases"))
    )
    compared = joined.select(
        account_id=pl.col("account_then"), move=move.cast(MOVES), action_before=then, action=now,
        **{name: pl.when(now == "none").then(f"{name}_then").otherwise(f"{name}_now") for name in _BECAUSE},
    )  # fmt: skip
    acts = (pl.col("action_before") > "none") | (pl.col("action") > "none")
    return compared.filter(acts).sort("move", "account_id").collect()


_BECAUSE = ("source", "reason", "rule", "cap")


def _decided(side: Side) -> pl.LazyFrame:
    """Every account's action and the hit that it comes from."""
    text = pl.col("account_id").cast(pl.String)
    hits = side.hits.select(text.alias("account"), "listing_id", *_BECAUSE, "action")
    best = hits.sort("action", descending=True).unique(["account", "listing_id"], keep="first", maintain_order=True)
    flagged = side.flagged.select(text.alias("account"), "action", "decided_by")
    return flagged.join(
        best.drop("action"), left_on=["account", "decided_by"], right_on=["account", "listing_id"], how="left"
    ).drop("decided_by")


def counted(moved: pl.DataFrame) -> pl.DataFrame:
    """How many accounts move how: move, action_before, action, source, rule, accounts; `same` ones left out."""
    by = ["move", "action_before", "action", "source", "rule"]
    return moved.filter(pl.col("move") != "same").group_by(by).agg(accounts=pl.len()).sort(by, nulls_last=True)


def runs(before: Finished, after: Finished, *, anyway: bool = False) -> Comparison:
    """Two runs.

    Args:
        before: The earlier one.
        after: The later one.
        anyway: Compare them although they speak of other identifiers or account ids.

    Raises:
        ConfigError: They do.
        InputError: One has lost its tables.
    """
    odd = list(_incomparable(before.records, after.records))
    if odd and not anyway:
        raise ConfigError(f"{'; '.join(odd)}: who moved can't be told. To compare them all the same, say --anyway")
    sides = (_side(before, policy_of(before)), _side(after, policy_of(after)))
    return Comparison(*sides, [*odd, *_differences(before.records, after.records)])


def _side(run: Finished, policy: Policy) -> Side:
    run.table("flagged")  # says it where the run has lost its tables
    night = Base.read(run.folder)
    return Side(night.flags, with_account(night.hits, night.flags, policy).with_columns(rule=rule_number(policy)))


def _incomparable(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, what in (("identifiers", "identifiers"), ("account_key", "account ids")):
        if before.get(key) != after.get(key):
            yield f"the {what} differ: {before.get(key)} in the first, {after.get(key)} in the second"


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Why two runs may differ beside their accounts and lists."""
    if before.get("policy") != after.get("policy"):
        yield "the policy, or a source's terms, changed in between"
    yield from version_changes(before["versions"], after["versions"])


def policies(run: Finished, policy: Path) -> Comparison:
    """A run, and what another policy would have made of it: it is run again, and nothing is published.

    Raises:
        ConfigError: The file holds no policy for this run.
        InputError: What the run was made of is gone or has changed.
    """
    with replayed(run, policy) as again:
        other = _side(again, Policy.read(policy).under(terms_of(run) or {}))
        after = Side(other.flagged.collect().lazy(), other.hits.collect().lazy())
        warnings = list(version_changes(run.records["versions"], again.records["versions"]))
    return Comparison(_side(run, policy_of(run)), after, warnings)
