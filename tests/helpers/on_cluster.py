"""A driver: screens accounts on a cluster and here, and says what is different.

    python on_cluster.py MASTER ACCOUNTS.parquet LISTINGS.parquet PLACES SETTINGS

PLACES is a JSON list of what `files` may be, SETTINGS a JSON object of Spark's settings. What it prints last is JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

import polars as pl

import cardscreen as cs
from cardscreen import spark
from cardscreen.kinds.kind import Kind

KINDS: dict[str, Kind] = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
DAY = date(2026, 11, 23)


def differing(found: cs.Result, expected: cs.Result) -> list[str]:
    """The tables that differ; of files, Spark reads the large ones first, and rejects come in that order."""

    def rows(result: cs.Result, name: str) -> pl.DataFrame:
        table: pl.DataFrame = getattr(result, name).collect()
        return table.sort(table.columns) if name == "rejects" else table

    return [name for name in ("flagged", "hits", "rejects") if not rows(found, name).equals(rows(expected, name))]


def main(master: str, accounts: str, listings: str, places: str, settings: str) -> None:
    session = spark.session(master, json.loads(settings))
    session.sparkContext.setLogLevel("OFF")
    there = session.read.parquet(accounts)
    listed = cs.Blocklist.read(listings)
    told: dict[str, Any] = {"partitions": there.rdd.getNumPartitions()}
    try:
        expected = cs.screen(pl.scan_parquet(accounts), listed, KINDS, as_of=DAY)
        told["flagged"] = expected.summary["flagged"]["accounts"]
        for place in json.loads(places):
            with spark.screen(there, listed, KINDS, as_of=DAY, files=place) as found:
                told[str(place)] = differing(found.collect(), expected)
    except cs.CardscreenError as error:
        told["error"] = [type(error).__name__, str(error)]
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
