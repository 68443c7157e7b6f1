"""The figures of a screening, which add up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.kinds.named.opaque import Opaque
from cardscreen.kinds.phone.kind import Phone
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.matches import IS_ALLOW, NOT_JUDGED, Decisions
from cardscreen.screening.tally import Tally


def figures(matched: pl.DataFrame, decisions: Decisions) -> Tally:
    """What came out, in figures that add up over parts: each cell and each row is in one class at most.

    Returns:
        `hit_rows`, `exempt_rows`, `accounts`, `exempt_accounts` (without a live hit), `hits`, `left_out`,
        `exempt_hits`; `hit` and `exempt` of each column (cells); and `level`, `action` and `source` of their values
        (accounts).
    """
    judged, flagged = decisions.judged, decisions.flagged
    by_value = ["account_id", "identifier", "kind", "_value"]
    outcome = judged.group_by(by_value).agg(hit=pl.col("exempted_by").is_null().any())
    cells = matched.filter(~IS_ALLOW).unique("cell")
    touched = cells.join(outcome, left_on=["account_id", "identifier", "kind", "value"], right_on=by_value)
    rows = touched.group_by("row").agg(pl.col("hit").any())["hit"]
    tally = Tally()
    tally.add(len(flagged), "accounts")
    tally.add(int(flagged["exempted_by"].is_not_null().sum()), "exempt_accounts")
    tally.add(len(decisions.hits), "hits")
    tally.add(len(judged) - len(decisions.hits), "left_out")
    tally.add(int(rows.sum()), "hit_rows")
    tally.add(int((~rows).sum()), "exempt_rows")
    tally.add(int(judged["exempted_by"].is_not_null().sum()), "exempt_hits")
    for column, hit, count in touched.group_by("identifier", "hit").len().rows():
        tally.add(count, "hit" if hit else "exempt", column)
    for name in ("level", "action"):
        for value, count in flagged[name].value_counts().rows():
            tally.add(count, name, value)
    live = judged.filter("live").group_by("source").agg(pl.col("account_id").n_unique())
    for source, count in live.rows():
        tally.add(count, "source", source)
    return tally


def summary_of(
    plan: AccountColumns, scanned: Tally, came_out: Tally, listings: pl.LazyFrame, day: date
) -> dict[str, Any]:
    """Counts that add up: every cell and every row is in exactly one class.

    Rows and cells of which no evidence was collected any more are `not_judged`, where there are any.

    Args:
        plan: The accounts' columns.
        scanned: The counts of `scan.Pass`.
        came_out: `figures`; and `not_judged` (rows), and of each column (cells).
        listings: `schema.LISTING`, of the day that is asked about.
        day: That day.
    """
    coverage = {}
    for column in plan.identifiers:
        hit, exempt, left = (came_out[name, column] for name in ("hit", "exempt", NOT_JUDGED))
        coverage[column] = {name: scanned[name, column] for name in ("cells", "missing", "rejected")}
        coverage[column]["clear"] = scanned["usable", column] - hit - exempt - left
        coverage[column] |= {"exempt": exempt, "hit": hit}
        coverage[column] |= {NOT_JUDGED: left} if left else {}
    known = {"hit": came_out["hit_rows"], "exempt": came_out["exempt_rows"]}
    unscreened = {name: scanned[name] for name in ("not_screenable", "no_account")}
    unscreened |= {NOT_JUDGED: came_out[NOT_JUDGED]} if came_out[NOT_JUDGED] else {}
    clear = scanned["read"] - sum(known.values()) - sum(unscreened.values())
    listed = listings.group_by("kind", "source").len().collect()
    of_kinds = _counted(listed, "kind")
    others = {column: kind.name for column, kind in plan.identifiers.items() if kind.name != Opaque.name}
    unlisted = {column: kind for column, kind in others.items() if kind not in of_kinds}
    return {
        "as_of": day.isoformat(),
        "rows": {"read": scanned["read"], **known, "clear": clear, **unscreened},
        "coverage": coverage,
        "notes": {
            column: {note: scanned[note, column] for note in kind.notes} for column, kind in plan.identifiers.items()
        },
        "ragged": scanned["ragged"],
        "flagged": {
            "accounts": came_out["accounts"],
            "exempt": came_out["exempt_accounts"],
            "levels": _of(came_out, "level", schema.LEVELS),
            "actions": _of(came_out, "action", schema.ACTIONS),
        },
        "hits": {
            "rows": came_out["hits"],
            "exempt": came_out["exempt_hits"],
            "left_out": scanned["left_out"] + came_out["left_out"],
            "sources": _of(came_out, "source"),
        },
        **({"unmasked": plan.unmasked} if plan.unmasked else {}),
        **({"ruled": _ruled(plan, scanned)} if plan.ruled else {}),
        "listings": of_kinds,
        **({"unlisted": unlisted} if unlisted and of_kinds else {}),
        "listed_by": _counted(listed, "source"),
    }


def exempt_in(summary: Mapping[str, Any]) -> int:
    """How many flagged accounts are exempt; as an earlier release counted them, those of no level."""
    flagged = summary["flagged"]
    count: int = flagged.get("exempt", flagged["levels"].get("none", 0))
    return count


def invalid_in(summary: Mapping[str, Any], column: str) -> int:
    """How many of an identifier's usable cells are no valid numbers."""
    count: int = summary.get("notes", {}).get(column, {}).get(Phone.flaw, 0)
    return count


def _counted(listed: pl.DataFrame, by: str) -> dict[str, int]:
    """How many listings there are of each kind, or by each source."""
    return dict(listed.group_by(by).agg(pl.col("len").sum()).sort(by).rows())


def _ruled(plan: AccountColumns, scanned: Tally) -> dict[str, dict[str, int]]:
    """How many accounts have each value that rules look for, by column."""
    return {
        column: {value: scanned["ruled", column, value] for value in values} for column, values in plan.ruled.items()
    }


def _of(tally: Tally, what: str, order: pl.Enum | None = None) -> dict[str, int]:
    """The counts of something, but zeros; in the order of a closed set, or of the alphabet."""
    there = {name: count for name, count in tally.under(what).items() if count}
    names = sorted(there) if order is None else [name for name in order.categories if name in there]
    return {name: there[name] for name in names}
