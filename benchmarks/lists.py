"""Importing and opening a large list, against Polars alone reading and writing the same file.

Run: python benchmarks/lists.py [how many rows]. Each part runs in a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.compiled import prepare
from cardscreen.lists import keyed
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store.table import Store
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.targets import Targets

ROWS = 10_000_000
DAY = date(2026, 3, 1)
FEED = Feed(
    source="police",
    kind="phone",
    region="CN",
    columns={"value": "number", "listed_on": "listed", "reference": "case"},
    repeats="merge",
)


def make(folder: Path, rows: int) -> None:
    """CSVs of national mobile numbers with days and case numbers, as a police list has them on two days."""
    random = np.random.default_rng(1)
    heads = random.choice([130, 135, 138, 139, 150, 158, 159, 176, 186, 188, 189, 199], rows)  # nosec B311 # made up
    frame = pl.DataFrame(
        {
            "number": heads * 10**8 + random.integers(0, 10**8, rows),
            "listed": pl.Series(random.integers(18_000, 20_500, rows)).cast(pl.Int32).cast(pl.Date),
            "case": random.integers(10**9, 10**10, rows),
        }
    )
    listed = frame.with_columns(case=pl.format("C{}", "case"))
    new = rows // 100
    listed.head(rows - new).write_csv(folder / "list.csv")
    listed.tail(rows - new).write_csv(folder / "next.csv")


def polars_alone(folder: Path) -> None:
    """What the import is measured against: read the text, write it as Parquet."""
    pl.read_csv(folder / "list.csv", infer_schema=False).write_parquet(folder / "list.parquet")


def first_import(folder: Path) -> None:
    """Into an empty store."""
    shutil.rmtree(folder / "lists", ignore_errors=True)
    import_file(folder / "list.csv", FEED, Store(folder / "lists"), as_of=DAY)


def second_import(folder: Path) -> None:
    """The next day's list: compared row by row with what is in force, and written; one in a hundred is new."""
    import_file(folder / "next.csv", FEED, Store(folder / "lists"), as_of=DAY)


def opened(folder: Path) -> None:
    """From the store's path to what accounts are looked up in."""
    blocklist = Store(folder / "lists").blocklist()
    Targets.of("phone", keyed.of_day(blocklist.compiled, DAY), near_in(blocklist.lazy))


PARTS: dict[str, Callable[[Path], None]] = {
    "polars alone: read text, write Parquet": polars_alone,
    "first import": first_import,
    "next day's import": second_import,
    "opening, keys not made yet": opened,
    "opening": opened,
}


#: How often each is run; the best counts.
PARTS_AND_TIMES = [(name, 1 if "not made" in name or "next" in name else 3) for name in PARTS]


def measured(name: str, folder: Path) -> dict[str, Any]:
    """Seconds and peak memory of a part, in a process of its own."""
    environment = {**os.environ, "CARDSCREEN_CACHE_DIR": str(folder / "cache")}
    told = subprocess.run(
        [sys.executable, __file__, "--part", name, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(told.stdout)
    return result


def part(name: str, folder: Path) -> None:
    """Run one part and tell what it took."""
    prepare()
    pl.DataFrame({"x": ["13800138000", "+8613800138000"]}).select(
        FEED.kinds()["phone"].written(pl.col("x"))
    )  # the tables
    begun = time.perf_counter()
    PARTS[name](folder)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def main(rows: int) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, rows)
        alone = 0.0
        for each, times in PARTS_AND_TIMES:
            runs = [measured(each, folder) for _ in range(times)]
            seconds, mib = min(told["seconds"] for told in runs), max(told["mib"] for told in runs)
            alone = alone or seconds
            print(f"{each:40} {seconds:7.2f} s {mib:7,} MiB {seconds / alone:6.2f} x")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        part(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
