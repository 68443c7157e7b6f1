"""What a policy looks for and cannot find tonight: a value that is misspelt there protects nobody, unseen."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from cardscreen.foundation.errors import near
from cardscreen.foundation.words.languages import phrase
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT

#: What is said of it. A run records it in English; it can be said again in another language.
IN_VAIN = {
    "listing": phrase("rule {number} of the policy looks for the {key} {value}, which no listing has{hint}"),
    "account": phrase(
        "rule {number} of the policy looks for {key} = {value}, which no account has tonight: is it written as in the "
        "accounts?"
    ),
    "unknown": phrase("the policy speaks of the source {name}, which has no listing{hint}"),
    "stopped": phrase("the source {name} has no listing in force: has it stopped? Then say cardscreen list retire"),
}


def in_vain(
    policy: Policy, summary: Mapping[str, Any], listings: pl.LazyFrame, sources: Collection[str]
) -> Iterator[str]:
    """A sentence for each value of a rule that no account, or no listing, has; and for each source without a listing.

    Args:
        policy: As persons wrote it.
        summary: Of tonight's screening.
        listings: `schema.LISTING`, of the day that is asked about.
        sources: Those of the store that have not ended.
    """
    named = [key for rule in policy.rules for key in rule.conditions if key in _OF_LISTINGS]
    wanted = list(dict.fromkeys([*named, *(["source"] if policy.sources or sources else [])]))
    listed = listings.select(pl.col(key).unique().implode() for key in wanted).collect() if wanted else pl.DataFrame()
    there = {key: set(listed[key].item()) for key in wanted}
    for number, rule in enumerate(policy.rules, 1):
        for key, values in rule.conditions.items():
            for value in values:
                if key in there and value not in there[key]:
                    hint = near(value, sorted(map(str, there[key])))
                    yield IN_VAIN["listing"].format(number=number, key=key, value=repr(value), hint=hint)
                elif key.startswith(ACCOUNT) and not _accounts(summary, key, value):
                    yield IN_VAIN["account"].format(number=number, key=key, value=repr(value))
    for name in policy.sources:
        if name not in there["source"]:
            hint = near(name, sorted(there["source"]))
            yield IN_VAIN["unknown"].format(name=repr(name), hint=hint)
    for name in sources:
        if name not in there["source"]:
            yield IN_VAIN["stopped"].format(name=repr(name))


#: What of a listing rules look at that is no closed set.
_OF_LISTINGS = ("source", "reason")


def _accounts(summary: Mapping[str, Any], key: str, value: str) -> int:
    count: int = summary["ruled"][key.removeprefix(ACCOUNT)][value]
    return count
