"""How fast IBANs are read, and whether as `python-stdnum` reads them: the same strings, one thread each.

Run: POLARS_MAX_THREADS=1 python benchmarks/iban.py [how many strings are compared]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

import polars as pl
from ibans import strings
from stdnum import iban
from timing import per_second

import cardscreen as cs

COMPARED = 1_000_000
ASKED = 50_000  # strings that the peer, much slower, is timed with


def main() -> None:
    """Compare the verdicts, and print the speeds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMPARED
    frame = pl.DataFrame({"x": list(strings(7, count))})
    told = frame.select(cs.iban("x").struct.field("status") == "valid").to_series()
    differ = sum(ours != iban.is_valid(text) for text, ours in zip(frame["x"], told, strict=True))
    ours = per_second(lambda: frame.select(cs.iban("x")), count)
    asked = frame["x"].head(ASKED)
    theirs = per_second(lambda: [iban.is_valid(text) for text in asked], len(asked))
    print(f"{count:,} strings, {told.sum():,} of them valid; other verdicts than python-stdnum: {differ:,}")
    print(f"cs.iban {ours:,.0f} a second, python-stdnum {theirs:,.0f}: {ours / theirs:.0f} times")
    if differ:
        sys.exit(1)


if __name__ == "__main__":
    main()
