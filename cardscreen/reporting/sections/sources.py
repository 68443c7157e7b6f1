"""What each source gives: how old it is, what it lists, whom it finds, and whom nobody else finds."""

from __future__ import annotations

from typing import Any

import polars as pl

from cardscreen.foundation.words.codes import STATES, worded
from cardscreen.reporting.material import Chart, Figure, Material, Section
from cardscreen.reporting.sections.counting import NONE, bars, percent, table


def sources(material: Material) -> Section:
    """The section."""
    say, summary = material.language.say, material.summary
    ages: dict[str, dict[str, Any]] = (summary.get("store") or {}).get("sources") or {}
    listed: dict[str, int] = summary.get("listed_by", {})
    found = {row["source"]: row for row in _found(material).to_dicts()}
    names = sorted({*ages, *listed, *found})
    if not names:
        return Section("sources", say("Sources"), [say("No list was read.")])
    figures = [_gains(material, names, listed, found)]
    if ages:
        figures.append(_ages(material, ages))
    return Section("sources", say("Sources"), [], figures)


def _found(material: Material) -> pl.DataFrame:
    """Of each source: accounts, of which `alone` are found by no other; hits, and of how many the holder is another."""
    live = pl.col("exempted_by").is_null()
    flagged = material.tables["flagged"].filter(live).select("sources", alone=pl.col("sources").list.len() == 1)
    accounts = flagged.explode("sources").group_by(source="sources").agg(accounts=pl.len(), alone=pl.col("alone").sum())
    hits = material.tables["hits"].filter(live).group_by("source")
    holders = hits.agg(hits=pl.len(), earlier=(pl.col("holder") == "earlier").sum())
    return accounts.join(holders, on="source").sort("source").collect()


def _gains(material: Material, names: list[str], listed: dict[str, int], found: dict[str, dict[str, Any]]) -> Figure:
    say = material.language.say
    alone, others = say("found by no other source"), say("by others, too")
    none = {"accounts": 0, "alone": 0, "hits": 0, "earlier": 0}
    rows = []
    for name in names:
        each = found.get(name, none)
        stale = percent(each["earlier"] / each["hits"]) if each["hits"] else NONE
        rows.append([name, listed.get(name), each["accounts"], each["alone"], stale])
    best = max(names, key=lambda name: found.get(name, none)["alone"])
    sentence = (
        say(
            "{source} finds the most accounts that no other source finds: {count:,}.",
            source=best,
            count=found[best]["alone"],
        )
        if best in found
        else say("No account is on a list.")
    )
    pairs = {
        (name, part): count
        for name, each in found.items()
        for part, count in ((alone, each["alone"]), (others, each["accounts"] - each["alone"]))
    }
    listings = say("listings")
    drawn = bars(pairs, {alone: "calm", others: "quiet"}, say("accounts")) or bars(
        {(name, listings): listed.get(name, 0) for name in names}, {listings: "quiet"}, listings
    )
    return Figure(
        "gains",
        sentence,
        table([say("source"), say("listings"), say("accounts"), alone, say("listed before this holder")], rows),
        drawn,
    )


def _ages(material: Material, ages: dict[str, dict[str, Any]]) -> Figure:
    say = material.language.say
    rows, marks = [], []
    for name, each in ages.items():
        limit = each["error_after_days"]
        state = worded(material.language, STATES, each["state"])
        rows.append([name, each["confirmed_on"], each["age_days"], limit, state])
        if limit:
            marks.append({"of": name, "count": each["age_days"] / limit})
    late = [name for name, each in ages.items() if each["state"] in ("old", "stale", "stuck")]
    sentence = (
        say("Look at {sources}: the data is older than it should be.", sources=", ".join(late))
        if late
        else say("All sources are as fresh as they should be.")
    )
    chart = Chart("bullets", marks, [mark["of"] for mark in marks], {}, say("age, of its limit")) if marks else None
    header = [say("source"), say("data of"), say("age in days"), say("limit in days"), say("state")]
    return Figure("ages", sentence, table(header, rows), chart)
