"""The same work on many things, on all threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

_Thing = TypeVar("_Thing")
_Done = TypeVar("_Done")


def on_all_threads(work: Callable[[_Thing], _Done], things: Iterable[_Thing]) -> Iterator[_Done]:
    """What each thing comes to, in order; few are in memory at once.

    Example:
        >>> list(on_all_threads(abs, [-1, -2]))
        [1, 2]
    """
    threads = pl.thread_pool_size()
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[_Done]] = deque()
        try:
            for thing in things:
                begun.append(pool.submit(work, thing))
                if len(begun) > threads:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
