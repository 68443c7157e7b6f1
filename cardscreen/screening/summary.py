"""The figures of a screening, which add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.matches import IS_ALLOW, NOT_JUDGED, Decisions


def figures(found: pl.DataFrame, decisions: Decisions) -> Counter[str]:
    """What came out, in figures that add up over parts: each cell and each row is in one class at most.

    Returns:
        `hit_rows`, `exempt_rows`, `accounts`, `hits`, `left_out`, `exempt_hits`; and, with a NUL between the two words,
        `hit` and `exempt` of each column (cells), and `level`, `action` and `source` by their values (accounts).
    """
    judged, flagged = decisions.judged, decisions.flagged
    by_value = ["account_id", "identifier", "kind", "_value"]
    outcome = judged.group_by(by_value).agg(hit=pl.col("exempted_by").is_null().any())
    cells = found.filter(~IS_ALLOW).unique("cell")
    touched = cells.join(outcome, left_on=["account_id", "identifier", "kind", "value"], right_on=by_value)
    counts = Counter(accounts=len(flagged), hits=len(decisions.hits), left_out=len(judged) - len(decisions.hits))
    for column, hit, count in touched.group_by("identifier", "hit").len().rows():
        counts[f"{'hit' if hit else 'exempt'}\0{column}"] += count
    rows = touched.group_by("row").agg(pl.col("hit").any())["hit"]
    counts.update(hit_rows=int(rows.sum()), exempt_rows=int((~rows).sum()))
    counts["exempt_hits"] = int(judged["exempted_by"].is_not_null().sum())
    for name in ("level", "action"):
        counts.update({f"{name}\0{value}": count for value, count in flagged[name].value_counts().rows()})
    live = judged.filter("live").group_by("source").agg(pl.col("account_id").n_unique())
    counts.update({f"source\0{source}": accounts for source, accounts in live.rows()})
    return counts


def summary_of(
    plan: AccountColumns,
    scanned: Mapping[str, int],
    came_out: Mapping[str, int],
    listings: pl.LazyFrame,
    day: date,
) -> dict[str, Any]:
    """Counts that add up: every cell and every row is in exactly one class; `invalid` cells are usable ones.

    Rows and cells of which no evidence was collected any more are `not_judged`, where there are any.

    Args:
        plan: The accounts' columns.
        scanned: The counts of `scan.scan`.
        came_out: `figures`; and `not_judged` (rows), with a NUL and the column behind it (cells).
        listings: `schema.LISTING`, of the day that is asked about.
        day: That day.
    """
    scanned, came_out = Counter(scanned), Counter(came_out)
    coverage = {}
    for column in plan.identifiers:
        hit, exempt = came_out[f"hit\0{column}"], came_out[f"exempt\0{column}"]
        coverage[column] = {name: scanned[f"{name}\0{column}"] for name in ("cells", "missing", "rejected")}
        left = came_out[f"{NOT_JUDGED}\0{column}"]
        coverage[column]["clear"] = scanned[f"usable\0{column}"] - hit - exempt - left
        coverage[column] |= {"exempt": exempt, "hit": hit, "invalid": scanned[f"invalid\0{column}"]}
        coverage[column] |= {NOT_JUDGED: left} if left else {}
    known = {"hit": came_out["hit_rows"], "exempt": came_out["exempt_rows"]}
    unscreened = {name: scanned[name] for name in ("not_screenable", "no_account")}
    unscreened |= {NOT_JUDGED: came_out[NOT_JUDGED]} if came_out[NOT_JUDGED] else {}
    clear = scanned["read"] - sum(known.values()) - sum(unscreened.values())
    return {
        "as_of": day.isoformat(),
        "rows": {"read": scanned["read"], **known, "clear": clear, **unscreened},
        "coverage": coverage,
        "notes": {
            column: {note: scanned[f"{note}\0{column}"] for note in kind.notes}
            for column, kind in plan.identifiers.items()
        },
        "ragged": scanned["ragged"],
        "flagged": {
            "accounts": came_out["accounts"],
            "levels": _of(came_out, "level", schema.LEVELS),
            "actions": _of(came_out, "action", schema.ACTIONS),
        },
        "hits": {
            "rows": came_out["hits"],
            "exempt": came_out["exempt_hits"],
            "left_out": scanned["left_out"] + came_out["left_out"],
            "sources": _of(came_out, "source"),
        },
        "listings": dict(listings.group_by("kind").len().sort("kind").collect().rows()),
    }


def _of(counts: Mapping[str, int], what: str, order: pl.Enum | None = None) -> dict[str, int]:
    """The counts under one name, by what follows it; in the order of a closed set, or of the alphabet."""
    prefix = f"{what}\0"
    there = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix) and count}
    names = sorted(there) if order is None else [name for name in order.categories if name in there]
    return {name: there[name] for name in names}
