"""What parts of a page have in common: counts by one or two codes, as a table and as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from cardscreen.foundation.words import shown
from cardscreen.reporting.material import Chart, Table

NONE = "–"
_TOP = 12  # bars of one picture


def counts(frame: pl.LazyFrame, *by: str | pl.Expr) -> list[tuple[Any, ...]]:
    """How many accounts there are of each of some codes: the codes, then the number."""
    names = [pl.col(each) if isinstance(each, str) else each for each in by]
    keys = [each.cast(pl.String) for each in names]
    return list(
        frame.group_by(keys).agg(pl.col("account_id").n_unique()).sort(pl.nth(range(len(keys)))).collect().rows()
    )


def percent(share: float) -> str:
    """A share: `0.25 %`."""
    return f"{share * 100:.2f} %"


def signed(change: int) -> str:
    """A difference: `+3`, `−3`, `±0`."""
    return f"+{change:,}" if change > 0 else f"−{-change:,}" if change < 0 else "±0"


def bars(
    pairs: Mapping[tuple[str, str], int], parts: Mapping[str, str], axis: str, order: Sequence[str] = ()
) -> Chart | None:
    """Bars of (what, part) → how many, the longest first where no order is given; None where there is nothing."""
    if not any(pairs.values()):
        return None
    lengths: dict[str, int] = {}
    for (what, _), count in pairs.items():
        lengths[what] = lengths.get(what, 0) + count
    names = [each for each in order if each in lengths] or sorted(lengths, key=lambda name: (-lengths[name], name))
    names = names[:_TOP]
    marks = [
        {"of": shown(what), "part": part, "count": count}
        for (what, part), count in pairs.items()
        if count and what in names
    ]
    used = {mark["part"] for mark in marks}
    return Chart(
        "bars", marks, [shown(each) for each in names], {part: parts[part] for part in parts if part in used}, axis
    )


def rated(found: Mapping[str, int], colours: Mapping[str, str], axis: str) -> Chart | None:
    """Bars that each have a colour of their own, in the order in which they come."""
    return bars({(name, name): count for name, count in found.items()}, colours, axis, list(found))


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table whose texts are shown as they may be."""
    return Table(header, [[shown(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
