"""An engine that is nothing but lists: it hands parts of the accounts to the workers' functions, as Spark does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.hits.matches import ORDER
from cardscreen.screening.question import Options, Question, previous_flags, versions
from cardscreen.screening.summary import summary_of
from cardscreen.screening.tally import Tally
from cardscreen.screening.workers.batches import (
    Asked,
    carried_names,
    decide_batches,
    listings_asked,
    match_batches,
    scan_batches,
    told_error,
)
from cardscreen.screening.workers.bundle import CLEARED, FOUND, WATCHED, Bundle

Row = dict[str, Any]
_SEALED = pa.schema({"sealed": pa.binary()})
FIGURES = ["as_of", "rows", "coverage", "notes", "flagged", "hits", "listings"]


def batches_of(frame: pl.DataFrame, size: int) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(size)
    return batches


def rows_of(batches: Sequence[pa.RecordBatch], name: str) -> list[Row]:
    return [row[name] for batch in batches for row in batch.to_pylist() if row[name] is not None]


def frame_of(rows: list[Row], types: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=types) if rows else pl.DataFrame(schema=types)


def figures_of(batches: Sequence[pa.RecordBatch]) -> Tally:
    told = rows_of(batches, "told")
    for row in told:
        if row["error"]:
            raise told_error(row["error"])
    counts = Tally()
    for row in told:
        counts.update(Tally.from_json(row["counts"]))
    return counts


def screen(
    parts: Sequence[pl.DataFrame],
    blocklist: cs.Blocklist,
    identifiers: Any,
    folder: Path,
    *,
    previous: Any = None,
    **options: Any,
) -> cs.Result:
    """What `cs.screen` gives, by way of parts."""
    asked = Question.of(parts[0].schema, blocklist, Options(identifiers, **options))
    plan = asked.plan
    account = plan.schema[plan.account_id]
    before = previous_flags(previous, account)
    tables = {CLEARED: asked.rules.cleared(asked.day), WATCHED: None if before is None else before.select("account_id")}
    bundle = Bundle.write(
        str(folder),
        blocklist,
        asked.day,
        list(identifiers.values()),
        asked.token_keys,
        {name: table for name, table in tables.items() if table is not None},
    )
    rules = asked.rules.model_copy(update={"clearances": None})
    work = Asked(bundle, plan, rules, asked.day, versions(), asked.most_hits)

    def find(name: str) -> str:
        return str(folder / name)

    scanned = [
        batch
        for at, part in enumerate(parts)
        for batch in scan_batches(iter(batches_of(part.select(plan.needed()), 3)), work, find, at)
    ]
    counts = figures_of(scanned)
    values = [row["sealed"] for row in rows_of(scanned, "asked")]
    listings = listings_asked(values, bundle, near_in(asked.listings), asked.token_keys)
    work = replace(work, bundle=bundle.having(str(folder), FOUND, listings))
    cells = [pa.RecordBatch.from_pylist([row], _SEALED) for row in rows_of(scanned, "cells")]
    matched = [batch for one in cells for batch in match_batches(iter([one]), work, find)]
    counts.update(figures_of(matched))
    found = [batch for batch in matched if batch.column("match").null_count < len(batch)]
    matches = pl.DataFrame(pa.Table.from_batches(found)).select("match").unnest("match") if found else None
    decided: list[pa.RecordBatch] = []
    if matches is not None:
        carriers = matches.group_by("kind", "value").agg(carried_by=pl.col("account_id").n_unique().cast(pl.Int64))
        matches = matches.join(carriers, on=["kind", "value"])
        if before is not None:
            was = before.rename({"action": "was", "flagged_since": "was_since", "act_on": "was_due"})
            matches = matches.join(was.with_columns(pl.col("was").cast(pl.String)), on="account_id", how="left")
        placed = matches.with_columns(place=pl.col("account_id").hash() % 3)
        for part in placed.partition_by("place", include_key=False):
            decided += decide_batches(iter(batches_of(part, 2)), work, find)
    types = [plan.schema[name] for name in plan.carry]
    carry = dict(zip(carried_names(len(types)), types, strict=True))
    own = {"account_id": account}
    flags = frame_of(rows_of(decided, "flag"), {**schema.FLAGGED, **own, **carry})
    hits = frame_of(rows_of(decided, "hit"), {**schema.HITS, **own})
    rejects = frame_of(rows_of(scanned, "reject"), {"row": pl.Int64, **schema.REJECTS, **own})
    watched = frame_of(rows_of(scanned, "watched"), {**schema.WATCHED, **own})
    return cs.Result(
        flags.rename(dict(zip(carry, plan.carry, strict=True))).sort("account_id").lazy(),
        hits.sort(ORDER).lazy(),
        rejects.sort("row").drop("row").lazy(),
        summary_of(plan, counts, figures_of(decided), asked.listings, asked.day),
        None if before is None else watched.unique().sort(list(schema.WATCHED)).lazy(),
    )


def assert_same(found: cs.Result, expected: cs.Result) -> None:
    """Frames row for row and type for type; figures but for seconds and memory."""
    for name in ("flagged", "hits", "rejects"):
        one, other = getattr(found, name).collect(), getattr(expected, name).collect()
        assert one.schema == other.schema, name
        assert one.rows() == other.rows(), name
    assert (found.watched is None) == (expected.watched is None)
    if found.watched is not None and expected.watched is not None:
        assert found.watched.collect().rows() == expected.watched.collect().rows()
    assert {name: expected.summary[name] for name in found.summary if name in FIGURES} == {
        name: found.summary[name] for name in FIGURES
    }
