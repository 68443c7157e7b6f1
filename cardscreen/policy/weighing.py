"""Which rule and which cap of a policy led from one hit to its action: what a clerk must be able to read out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.policy.judging import rule_number, weaknesses
from cardscreen.policy.policy import Policy, Source
from cardscreen.policy.rules import ACCOUNT

_STRENGTH: dict[str, int] = {action: code for code, action in enumerate(schema.ACTIONS.categories)}


@dataclass(frozen=True)
class Judgement:
    """How a hit was weighed.

    Attributes:
        rule: The number of the rule that applied, from 1; None where none did.
        scored_by: `listing` or `rule`.
        level: The level of its score.
        recommended: What the policy recommends for that level.
        caps: Each cap that applied, by name: `earlier_holder`, `truncated`, `range`, `shared`, `completed`, `source`,
            `rule`.
        bound_by: The names of the caps that allowed no more than the hit's action; empty where none bound it.
        measured: Whether its rule only measures it.
        sure: Whether the policy at hand, and what is known of the account, lead to the recorded score and cap.
    """

    rule: int | None
    scored_by: str
    level: str
    recommended: str
    caps: Mapping[str, str]
    bound_by: list[str]
    measured: bool
    sure: bool


def judged(policy: Policy, hit: Mapping[str, Any], account: Mapping[str, Any]) -> Judgement:
    """Weigh one hit again.

    Args:
        policy: The policy, under the sources' terms.
        hit: A row of `schema.HITS`.
        account: The carried columns.
    """
    row = _row_of(policy, hit, account)
    weak = weaknesses(policy)
    number, *applies = row.select(rule_number(policy).alias("rule"), **weak).collect().row(0)
    rule = None if number is None else policy.rules[number - 1]
    score = hit["severity"] if rule is None or rule.score is None else rule.score
    level = level_of(policy, hit["score"])
    recommended = "none" if level == "none" else str(getattr(policy.actions, level))
    caps = {name: str(getattr(policy.caps, name)) for name, does in zip(weak, applies, strict=True) if does}
    if (source := policy.sources.get(hit["source"], Source())).cap != "close":
        caps["source"] = source.cap
    if rule is not None and rule.cap is not None:
        caps["rule"] = rule.cap
    lowest = min([*caps.values(), "close"], key=_STRENGTH.__getitem__)
    binds = _STRENGTH[hit["cap"]] < _STRENGTH[recommended]
    return Judgement(
        rule=number,
        scored_by="listing" if rule is None or rule.score is None else "rule",
        level=level,
        recommended=recommended,
        caps=caps,
        bound_by=[name for name, cap in caps.items() if cap == hit["cap"]] if binds else [],
        measured=rule is not None and rule.measure_only,
        sure=(score, lowest) == (hit["score"], hit["cap"]),
    )


def level_of(policy: Policy, score: int) -> str:
    """The level of a score."""
    names: list[str] = schema.LEVELS.categories.to_list()
    reached = [name for name in names[1:] if score >= getattr(policy.levels, name)]
    return reached[-1] if reached else names[0]


def with_account(hits: pl.LazyFrame, flagged: pl.LazyFrame, policy: Policy) -> pl.LazyFrame:
    """Hits with the columns of their accounts that a policy's rules look at, as `judging.rule_number` reads them."""
    there = flagged.collect_schema().names()
    columns = {
        f"{ACCOUNT}{name}": pl.concat_list(pl.col(name).cast(pl.String)) if name in there else _NO_LIST
        for name in policy.account_columns()
    }
    return hits.join(flagged.select("account_id", **columns), on="account_id", how="left", maintain_order="left")


_NO_LIST = pl.lit(None, dtype=pl.List(pl.String))


def _row_of(policy: Policy, hit: Mapping[str, Any], account: Mapping[str, Any]) -> pl.LazyFrame:
    """The hit as a frame, with the columns of its account."""
    row = pl.LazyFrame([{name: hit.get(name) for name in ("account_id", *_LOOKED_AT)}], schema_overrides=_LOOKED_AT)
    return with_account(row, pl.LazyFrame([{**account, "account_id": hit["account_id"]}]), policy)


_LOOKED_AT = {
    name: schema.HITS[name]
    for name in ("kind", "source", "reason", "match", "holder", "carried_by", "status", *schema.DETAILS)
}
