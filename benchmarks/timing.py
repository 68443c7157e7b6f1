"""What the benchmarks of reading have in common."""

from __future__ import annotations

import time
from collections.abc import Callable


def per_second(work: Callable[[], object], rows: int) -> float:
    """How many rows a second: the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return rows / best
