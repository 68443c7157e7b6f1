"""The page of a night with a million hits: its time and size, against Polars alone writing the same tables as CSV.

Run: python benchmarks/report.py [how many hits]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import cardscreen as cs

HITS = 1_000_000
MOST_SECONDS, MOST_BYTES = 5, 3_000_000


def screened(folder: Path, hits: int) -> cs.Result:
    """A screening in which every account is on one of five lists."""
    random = np.random.default_rng(1)
    numbers = pl.Series("mobile", np.arange(hits) + 13_000_000_000).cast(pl.String)
    accounts = pl.select(account_id=pl.format("A{}", pl.int_range(hits)), mobile=pl.lit(numbers))
    listed = pl.DataFrame(
        {
            "kind": "phone",
            "value": "+86" + numbers,
            "source": pl.Series(random.integers(0, 5, hits)).replace_strict(
                dict(enumerate(["police", "regulator", "bank-a", "bank-b", "desk"])), return_dtype=pl.String
            ),
            "reason": pl.Series(random.integers(0, 3, hits)).replace_strict(
                dict(enumerate(["telecom_fraud", "sim_farm", "reported"])), return_dtype=pl.String
            ),
            "severity": random.integers(20, 100, hits),
            "listing_id": pl.select(pl.format("L{}", pl.int_range(hits))).to_series(),
        }
    )
    blocklist = cs.Blocklist.from_frame(listed)
    return cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, out=folder / "screening")


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes, the better of two."""
    taken = []
    for _ in range(2):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def main() -> None:
    """Print size, time and ratio."""
    hits = int(sys.argv[1]) if len(sys.argv) > 1 else HITS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = screened(folder, hits)
        page = folder / "it.html"
        ours = timed(lambda: cs.report(result, page, force=True))

        def plain() -> None:
            for table in ("flagged", "hits"):
                frame = getattr(result, table).collect()
                lists = [column for column, dtype in frame.schema.items() if dtype == pl.List]
                frame.with_columns(pl.col(lists).list.join(";")).write_csv(folder / f"{table}.csv")

        theirs, size = timed(plain), page.stat().st_size
    print(f"{hits:,} hits: a page of {size / 1e6:.2f} MB in {ours:.1f} s")
    print(f"Polars writes the tables as CSV in {theirs:.1f} s: the page takes {ours / theirs:.1f} times as long")
    if hits <= HITS and (ours > MOST_SECONDS or size > MOST_BYTES):
        sys.exit(f"more than {MOST_SECONDS} s or {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
