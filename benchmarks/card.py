"""How fast cards are read, against `python-stdnum` on the same strings, one thread each.

Run: POLARS_MAX_THREADS=1 python benchmarks/card.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import numpy as np
import polars as pl
from stdnum import luhn

import cardscreen as cs
from cardscreen.luhn import luhn_ok

ROWS = 5_000_000
ASKED = 100_000  # strings that the peer, much slower, is asked


def per_second(work: Callable[[], object], rows: int) -> float:
    """The best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return rows / best


def main() -> None:
    """Print the table."""
    random = np.random.default_rng(1)
    pans = pl.Series("pan", random.integers(4 * 10**15, 63 * 10**14, ROWS).astype(np.uint64))
    text = pans.cast(pl.String)
    frame = pl.DataFrame(
        {"number": pans, "plain": text, "spaced": text.str.replace(r"(.{4})(.{4})(.{4})", "$1 $2 $3 ")}
    )
    asked = text.head(ASKED).to_list()
    peer = per_second(lambda: [luhn.is_valid(pan) for pan in asked], ASKED)
    print(f"{'stdnum.luhn.is_valid':34} {peer / 1e6:8.2f} M/s     1 x")
    ways = {
        "luhn_ok, from integers": luhn_ok(pl.col("number")),
        "cs.card, all fields, plain": cs.card("plain"),
        "cs.card, all fields, with spaces": cs.card("spaced"),
    }
    for name, expression in ways.items():
        query = frame.lazy().select(expression)
        speed = per_second(query.collect, ROWS)
        print(f"{name:34} {speed / 1e6:8.2f} M/s {speed / peer:5.0f} x")


if __name__ == "__main__":
    main()
