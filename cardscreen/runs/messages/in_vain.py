"""What a policy looks for and cannot find tonight, and what is listed and not asked: it protects nobody, unseen.

What is said of clearances names the line of their file, and no account: a run's summary outlives its personal data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation.errors import near
from cardscreen.foundation.words.languages import phrase
from cardscreen.policy.clearances import ACCOUNT_ID, clears
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT, meant
from cardscreen.tables.cells import ids_in_plain

#: What is said of it. A run records it in English; it can be said again in another language.
IN_VAIN = {
    "listing": phrase("rule {number} of the policy looks for the {key} {value}, which no listing has{hint}"),
    "account": phrase(
        "rule {number} of the policy looks for {key} = {value}, which no account has tonight: is it written as in the "
        "accounts?"
    ),
    "unknown": phrase("the policy speaks of the source {name}, which has no listing{hint}"),
    "unlike": phrase(
        "clearances in force that free nobody, although an account on a list has the same id but for leading zeros, "
        "blanks, letter case, or what a program put around it (' in front, .0 behind): {count}, the first in line "
        "{line} of their file"
    ),
    "spoilt": phrase(
        "clearances in force that free nobody, as a spreadsheet made quantities of their account ids (1E+05): {count}, "
        "the first in line {line} of their file"
    ),
    "unlisted": phrase(
        "clearances in force that free nobody of anything, as no listing has their listing_id, although their account "
        "is on a list: {count}, the first in line {line} of their file"
    ),
    "ahead": phrase(
        "clearances that free nobody yet, as their decided_on is still to come: {count}, the first in line {line} of "
        "their file, from {day}"
    ),
    "stopped": phrase("the source {name} has no listing in force: has it stopped? Then say cardscreen list retire"),
    "unasked": phrase(
        "listings in force that no account is looked up in, as no column is of the kind {kind}: {count}; name its "
        "column under [identifiers] of the job, or keep such lists in another store"
    ),
}


def not_asked(listings: pl.LazyFrame, kinds: Collection[str]) -> dict[str, int]:
    """How many listings block numbers of each kind of which no column of accounts is.

    Args:
        listings: `schema.LISTING`, of the day that is asked about.
        kinds: Of the columns of accounts.
    """
    others = listings.filter((pl.col("list") == "block") & ~pl.col("kind").is_in(list(kinds)))
    return dict(others.group_by("kind").len().sort("kind").collect().rows())


def unasked(counts: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each kind of `not_asked`, for those that are new: a store may well be other jobs' too."""
    for kind, count in counts.items():
        yield IN_VAIN["unasked"].format(kind=kind, count=f"{count:,}")


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
    alike = {key: meant(key, [text for text in there[key] if text is not None]) for key in named}
    for number, rule in enumerate(policy.rules, 1):
        for key, values in rule.conditions.items():
            for value in values:
                if key in alike and not meant(key, [value]) <= alike[key]:
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


def cleared_in_vain(decisions: pl.DataFrame, day: date, hits: pl.LazyFrame, listings: pl.LazyFrame) -> Iterator[str]:
    """A sentence for each way in which clearances free nobody, and were probably meant to.

    Args:
        decisions: All of them, as `read_clearances` gives them.
        day: The day that is asked about.
        hits: `schema.HITS` of tonight.
        listings: `schema.LISTING`, of any day.
    """
    now = decisions.filter(clears(day))
    there = hits.select(ACCOUNT_ID, live=pl.col("exempted_by").is_null()).unique().collect()
    on_lists = there.filter("live").select("account_id").unique()
    absent = now.join(there, on="account_id", how="anti").with_columns(alike=_ALIKE)
    yield from _of_lines("unlike", absent.join(on_lists.select(alike=_ALIKE).unique(), on="alike", how="semi"))
    yield from _of_lines("spoilt", absent.filter(pl.col("account_id").str.contains(_SPOILT)))
    named = now.filter(pl.col("listing_id").is_not_null()).join(on_lists, on="account_id", how="semi")
    if len(named):
        known = listings.join(named.lazy().select("listing_id").unique(), on="listing_id", how="semi")
        yield from _of_lines("unlisted", named.join(known.select("listing_id").collect(), on="listing_id", how="anti"))
    yield from ahead(decisions, day)


def ahead(decisions: pl.DataFrame, day: date) -> Iterator[str]:
    """A sentence if there are decisions of which the day is still to come."""
    return _of_lines("ahead", decisions.filter(pl.col("decided_on") > day))


def _of_lines(what: str, decisions: pl.DataFrame) -> Iterator[str]:
    if len(decisions):
        first = decisions.sort("line").row(0, named=True)
        yield IN_VAIN[what].format(count=f"{len(decisions):,}", line=first["line"], day=first["decided_on"])


_ALIKE = ids_in_plain(pl.col("account_id"))
#: How a spreadsheet shows a long number.
_SPOILT = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+$"
#: What of a listing rules look at that is no closed set.
_OF_LISTINGS = ("source", "reason")


def _accounts(summary: Mapping[str, Any], key: str, value: str) -> int:
    count: int = summary["ruled"][key.removeprefix(ACCOUNT)][value]
    return count
