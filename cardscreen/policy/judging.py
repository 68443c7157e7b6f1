"""From hits to decisions: scores, levels, caps and actions.

It must be possible to read a decision out to the person concerned, so there is no arithmetic over
hits: each hit leads to one action of its own, and an account's action is its strongest live hit's.
Weak evidence (an earlier holder, a range, a truncated card, a number that many share or whose leading
digits were taken from another) is capped at asking a human.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from cardscreen.foundation import schema
from cardscreen.policy.clearances import ACCOUNT_ID, covered
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT

_ACTION_NAMES: list[str] = schema.ACTIONS.categories.to_list()
_LEVEL_NAMES: list[str] = schema.LEVELS.categories.to_list()
#: What exempts the hits that a clearance covers.
CLEARANCE = "clearance"
#: By what live hits are ordered, the one that decides first, and whether falling: a listing without a date holds since
#: always, so nulls come first.
DECIDING = {"action": True, "score": True, "listed_on": False, "listing_id": False}


def judge(policy: Policy, hits: pl.LazyFrame, cleared: pl.DataFrame | None) -> pl.LazyFrame:
    """What each hit leads to by itself.

    Args:
        policy: The policy, under the sources' terms.
        hits: kind, status, source, reason, match, holder, severity, carried_by, listed_on, listing_id,
            account_id, `allowed_by` (source of an allow listing on the identifier, or null) and
            the carried columns as `account.<name>`: Lists, of all that the account's rows say.
        cleared: What `Policy.cleared` says of the day that is asked about.

    Returns:
        The same with score (UInt8), cap, action (Enum), exempted_by (String) and `live`
        (Boolean: neither exempt nor measure-only) in place of `allowed_by`.
    """
    return (
        _with_clearances(hits, cleared)
        .with_columns(_rule=rule_number(policy))
        .with_columns(
            score=_by_rule(policy, "score", pl.UInt8).fill_null(pl.col("severity")).cast(pl.UInt8),
            cap=_cap(policy).cat.to(schema.ACTIONS),
            exempted_by=pl.when(_overridable(policy)).then(pl.coalesce("allowed_by", "_cleared_by")),
            _measured=_by_rule(policy, "measure_only", pl.Boolean).fill_null(False),
        )
        .with_columns(
            action=pl.min_horizontal(pl.col("cap").to_physical(), _action_of(policy, pl.col("score"))).cat.to(
                schema.ACTIONS
            ),
            live=pl.col("exempted_by").is_null() & ~pl.col("_measured"),
        )
        .drop("_rule", "_measured", "_cleared_by", "allowed_by")
    )


def rule_number(policy: Policy) -> pl.Expr:
    """The number of the first rule that matches a hit, from 1 (UInt32); null where none does.

    Reads the columns that rules look at; those of the account as `account.<name>`, lists of text.
    """
    matching = [pl.when(rule.matches()).then(pl.lit(at)) for at, rule in enumerate(policy.rules, 1)]
    return pl.coalesce(*matching, pl.lit(None, dtype=pl.UInt32)).cast(pl.UInt32)


def weaknesses(policy: Policy) -> dict[str, pl.Expr]:
    """Of each cap of weak evidence whether it applies to a hit: Boolean."""
    return {
        "earlier_holder": pl.col("holder") == "earlier",
        "truncated": pl.col("match") == "truncated",
        "range": pl.col("match") == "range",
        "shared": pl.col("carried_by") > policy.caps.shared_above,
        "completed": pl.col("status") == schema.COMPLETED,
    }


def recommended(policy: Policy, score: pl.Expr) -> pl.Expr:
    """What a score's level recommends, whatever caps there are: `schema.ACTIONS`."""
    return _action_of(policy, score).cat.to(schema.ACTIONS)


def _by_rule(policy: Policy, field: str, dtype: type[pl.DataType] | pl.DataType) -> pl.Expr:
    """A field of the rule that applies; null where none does or it says nothing."""
    by_number = {at: getattr(rule, field) for at, rule in enumerate(policy.rules, 1)}
    if not by_number:
        return pl.lit(None, dtype=dtype)
    return pl.col("_rule").replace_strict(by_number, default=None, return_dtype=dtype)


def _cap(policy: Policy) -> pl.Expr:
    """The lowest cap that applies, as the code of an action."""
    weak = weaknesses(policy).items()
    caps: list[pl.Expr] = [pl.when(applies).then(_code(getattr(policy.caps, name))) for name, applies in weak]
    rule_caps = {at: _action_code(rule.cap) for at, rule in enumerate(policy.rules, 1) if rule.cap is not None}
    if rule_caps:
        caps.append(pl.col("_rule").replace_strict(rule_caps, default=None, return_dtype=pl.UInt8))
    source_caps = {name: _action_code(source.cap) for name, source in policy.sources.items()}
    if source_caps:
        caps.append(pl.col("source").replace_strict(source_caps, default=None, return_dtype=pl.UInt8))
    return pl.min_horizontal(*caps, _code("close"))


def _overridable(policy: Policy) -> pl.Expr:
    fixed = [name for name, source in policy.sources.items() if not source.overridable]
    return ~pl.col("source").is_in(fixed)


def _level_of(policy: Policy, score: pl.Expr) -> pl.Expr:
    """The level of a score, as its code."""
    steps = [getattr(policy.levels, name) for name in _LEVEL_NAMES[1:]]
    return pl.sum_horizontal(*((score >= step).cast(pl.UInt8) for step in steps)).cast(pl.UInt8)


def _action_of(policy: Policy, score: pl.Expr) -> pl.Expr:
    """The action that a score's level recommends, as its code."""
    codes = {0: 0} | {_LEVEL_NAMES.index(name): _action_code(action) for name, action in policy.actions}
    return _level_of(policy, score).replace_strict(codes, return_dtype=pl.UInt8)


def decide(
    policy: Policy, hits: pl.LazyFrame, as_of: date, carry: list[str], previous: pl.LazyFrame | None
) -> pl.LazyFrame:
    """One row for each account with a live or exempt hit.

    Args:
        policy: The policy, under the sources' terms.
        hits: As `judge` returns them, sorted.
        as_of: The day that is asked about.
        carry: Account columns to keep.
        previous: `schema.FLAGGED` of the night before, for `flagged_since` and `act_on`.

    Returns:
        `schema.FLAGGED` and the carried columns, sorted by account.
    """
    live, exempt = pl.col("live"), pl.col("exempted_by").is_not_null()
    order = [pl.col(name).filter(live) for name in DECIDING]
    counted = pl.col("_counted")  # within groups, the engine fails to work it out where there are none
    decided = (
        hits.filter(live | exempt)
        .with_columns(_counted=live | ~live.any().over("account_id"))
        .group_by("account_id")
        .agg(
            score=pl.col("score").filter(live).max().fill_null(0),
            action=pl.col("action").filter(live).max(),
            decided_by=pl.col("listing_id")
            .filter(live)
            .sort_by(*order, descending=list(DECIDING.values()), nulls_last=False)
            .first(),
            reasons=pl.col("reason").filter(counted).unique().sort(),
            sources=pl.col("source").filter(counted).unique().sort(),
            hits=live.sum().cast(pl.UInt32),
            first_listed_on=pl.col("listed_on").filter(counted).min(),
            exempted_by=pl.when(~live.any()).then(pl.col("exempted_by").min()),
            **{f"{ACCOUNT}{column}": pl.col(f"{ACCOUNT}{column}").first() for column in carry},
        )
        .with_columns(
            action=pl.col("action").fill_null(pl.lit("none", dtype=schema.ACTIONS)),
            level=_level_of(policy, pl.col("score")).cat.to(schema.LEVELS),
        )
    )
    carried = (pl.col(f"{ACCOUNT}{column}").list.first().alias(column) for column in carry)
    return _dated(policy, decided, as_of, previous).select(*schema.FLAGGED, *carried).sort("account_id")


def _dated(policy: Policy, decided: pl.LazyFrame, as_of: date, previous: pl.LazyFrame | None) -> pl.LazyFrame:
    """Since when an account is flagged, and when its action is due."""
    days = [0, *(getattr(policy.grace_days, name) for name in _ACTION_NAMES[1:])]
    due = {code: as_of + timedelta(days=grace) for code, grace in enumerate(days)}
    now = pl.col("action").to_physical()
    acts = now > 0
    fresh = now.replace_strict(due, return_dtype=pl.Date)
    if previous is None:
        return decided.with_columns(flagged_since=pl.when(acts).then(pl.lit(as_of)), act_on=pl.when(acts).then(fresh))
    before = previous.select(
        "account_id", _was=pl.col("action").to_physical(), _since=pl.col("flagged_since"), _act_on=pl.col("act_on")
    )
    was = pl.col("_was").fill_null(0)
    act_on = pl.when(now > was).then(fresh).when(now < was).then(pl.lit(as_of)).otherwise(pl.col("_act_on"))
    since = pl.when(was > 0).then(pl.col("_since")).otherwise(pl.lit(as_of))
    return decided.join(before, on="account_id", how="left").with_columns(
        flagged_since=pl.when(acts).then(since), act_on=pl.when(acts).then(act_on)
    )


def _with_clearances(hits: pl.LazyFrame, cleared: pl.DataFrame | None) -> pl.LazyFrame:
    """Mark the hits that a clearance covers: a person has decided on that account."""
    if cleared is None:
        return hits.with_columns(_cleared_by=pl.lit(None, dtype=pl.String))
    pairs = (
        covered(hits, cleared.lazy())
        .select(pl.col("account_id").alias("_account"), "listing_id", _cleared_by=pl.lit(CLEARANCE))
        .unique()
    )
    return (
        hits.with_columns(_account=ACCOUNT_ID)
        .join(pairs, on=["_account", "listing_id"], how="left", maintain_order="left")
        .drop("_account")
    )


def _action_code(action: str) -> int:
    return _ACTION_NAMES.index(action)


def _code(action: str) -> pl.Expr:
    return pl.lit(_action_code(action), dtype=pl.UInt8)
