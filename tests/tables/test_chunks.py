"""Frames put together from many pieces: the engine works on the pieces at once, also while tables are being read."""

from __future__ import annotations

import subprocess
import sys

import pytest

FRAME = """
import polars as pl, cardscreen as cs
regions = ["CN", "US", "DE", "FR", "GB"] * 4
pieces = [
    pl.DataFrame({"phone": ["+86 13800138000", "010 1234567"] * 10, "card": "4111 1111 1111 1111", "region": regions})
    for _ in range(400)
]
frame = pl.concat(pieces, rechunk=False)
"""


@pytest.mark.parametrize(
    "expression",
    [
        "cs.phone('phone')",
        "cs.phone('phone', 'CN')",
        "cs.phone('phone', pl.col('region'))",
        "cs.card('card')",
        "cs.wallet('card')",
    ],
)
def test_the_first_query_of_a_process_may_be_over_hundreds_of_pieces(expression: str) -> None:
    code = f"{FRAME}print(len(frame.select({expression})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("8000\n", "")
