"""Sorted disjoint intervals of unsigned integers, each with a payload, and the lookup in them.

Ranges on lists ask which numbers lie in them; an `index` spares most of these the binary search. The tables of card
schemes and numbering plans are made and kept as intervals, and are laid out for their own loops (`prefixes`, `phone`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.digits import distinct
from cardscreen.foundation.lookup.index import Index

_Keys = npt.NDArray[np.uint64]
_LAST_KEY = np.uint64(2**64 - 1)


@dataclass(frozen=True)
class Intervals:
    """Disjoint closed intervals in rising order.

    Attributes:
        low: First key of each interval, UInt64, strictly rising.
        high: Last key of each, UInt64, included.
        payload: One row for each interval; no columns where only membership matters.
    """

    low: pl.Series
    high: pl.Series
    payload: pl.DataFrame

    @classmethod
    def union(cls, low: pl.Series, high: pl.Series) -> Intervals:
        """The numbers that at least one of the given intervals holds, without payload.

        Example:
            >>> Intervals.union(pl.Series([5, 1]), pl.Series([9, 6])).high.to_list()
            [9]
        """
        edges, first, last = _cells(low, high)
        depth = np.zeros(len(edges) + 1, dtype=np.int64)
        np.add.at(depth, first, 1)
        np.add.at(depth, last, -1)
        owner = np.where(np.cumsum(depth[:-1]) > 0, 0, -1)
        return cls._from_cells(edges, owner, pl.DataFrame())

    @classmethod
    def narrowest(cls, frame: pl.DataFrame) -> Intervals:
        """Overlapping intervals with a payload, made disjoint: where two overlap, the narrower wins.

        For intervals made from prefixes this is the longest-prefix rule. Of two of the same width,
        the later row wins.

        Args:
            frame: Columns `low` and `high` (any integer type, both included) and the payload.

        Example:
            >>> table = Intervals.narrowest(pl.DataFrame({"low": [0, 4], "high": [9, 4], "name": ["wide", "narrow"]}))
            >>> table.payload["name"].to_list()
            ['wide', 'narrow', 'wide']
        """
        edges, first, last = _cells(frame["low"], frame["high"])
        owner = np.full(len(edges), -1, dtype=np.int64)
        width = (frame["high"].cast(pl.UInt64) - frame["low"].cast(pl.UInt64)).to_numpy()
        payload = frame.drop("low", "high")
        # Rows that say the same are one owner, so that their neighbours join.
        distinct = payload.unique().with_row_index("\0owner")
        same = payload.join(distinct, on=payload.columns, how="left", nulls_equal=True, maintain_order="left")[
            "\0owner"
        ]
        for row in np.argsort(_LAST_KEY - width, kind="stable"):  # the widest first, so that narrower ones cover it
            owner[first[row] : last[row]] = same[int(row)]
        return cls._from_cells(edges, owner, distinct.drop("\0owner"))

    @classmethod
    def _from_cells(cls, edges: _Keys, owner: npt.NDArray[np.int64], payload: pl.DataFrame) -> Intervals:
        """Drop the gaps (owner -1) and join neighbours of one owner; a cell lasts to the next edge."""
        changes = np.ones(len(owner), dtype=bool)
        changes[1:] = owner[1:] != owner[:-1]
        begin = np.flatnonzero(changes)
        high = np.append(edges[begin[1:]] - np.uint64(1), _LAST_KEY)[: len(begin)]
        kept = owner[begin] >= 0
        rows = pl.Series(owner[begin][kept], dtype=pl.Int64)
        return cls(
            low=pl.Series("low", edges[begin][kept], dtype=pl.UInt64),
            high=pl.Series("high", high[kept], dtype=pl.UInt64),
            payload=payload[rows] if payload.width else payload,
        )

    def __repr__(self) -> str:
        """How many there are: their ends may be card numbers."""
        return f"Intervals({len(self):,})"

    def __len__(self) -> int:
        """How many disjoint intervals there are."""
        return len(self.low)

    def save(self, file: str | Path | IO[bytes], *, within_query: bool = False) -> None:
        """Write the intervals and their payload as Parquet; within a query without the engine, as `load` reads them."""
        if within_query:
            from pyarrow import parquet, table

            columns = [self.low.alias("low"), self.high.alias("high"), *self.payload.get_columns()]
            old = pl.CompatLevel.oldest()
            parquet.write_table(table({each.name: each.to_arrow(compat_level=old) for each in columns}), file)
            return
        self.payload.select(self.low.alias("low"), self.high.alias("high"), pl.all()).write_parquet(file)

    @classmethod
    def load(cls, file: str | Path | IO[bytes], *, within_query: bool = False) -> Intervals:
        """What `save` has written.

        Args:
            file: Where.
            within_query: Read without the engine. A thread that waits for the engine in the midst of a query takes up
                other batches meanwhile, and each of these would begin to load the same table.

        Raises:
            OSError: The file cannot be read.
            polars.exceptions.PolarsError: It is no such file.
            pyarrow.ArrowException: The same, within a query.
        """
        if not within_query:
            return cls.from_frame(pl.read_parquet(file))
        from pyarrow import parquet  # takes as long to import as all else, and is seldom needed

        table = parquet.read_table(file, use_threads=False)
        columns = [pl.DataFrame(table.select([name]))[name] for name in table.column_names]
        return cls.from_frame(pl.DataFrame(columns))

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Intervals:
        """Intervals that are sorted and disjoint already: `low`, `high` and the payload."""
        return cls(frame["low"], frame["high"], frame.drop("low", "high"))

    @cached_property
    def _index(self) -> Index:
        """The rows behind one more for the keys before the first interval, if there are any."""
        lows = self.low.to_numpy()
        return Index(np.concatenate([np.zeros(int(lows[0] > 0), dtype=np.uint64), lows]))

    def among(self, keys: _Keys) -> npt.NDArray[np.intp]:
        """The places, rising, of those keys that some interval holds.

        Example:
            >>> Intervals.union(pl.Series([5]), pl.Series([9])).among(np.array([4, 9], dtype=np.uint64)).tolist()
            [1]
        """
        return np.flatnonzero(self._row(keys)[1]) if len(self) else np.empty(0, dtype=np.intp)

    def meet(self, low: _Keys, high: _Keys) -> npt.NDArray[np.bool_]:
        """Whether some interval has a number in common with each of those from `low` to `high`, both included.

        Example:
            >>> low, high = np.array([[1, 1], [4, 5]], dtype=np.uint64)
            >>> Intervals.union(pl.Series([5]), pl.Series([9])).meet(low, high).tolist()
            [False, True]
        """
        if not len(self):
            return np.zeros(len(low), dtype=np.bool_)
        row, _ = self._row(high)
        common: npt.NDArray[np.bool_] = (row >= 0) & (low <= self.high.to_numpy()[row])
        return common

    def _row(self, keys: _Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """The last interval that begins at or before each key, and whether it holds the key."""
        row = self._index.find(keys) - int(self.low[0] > 0)
        return row, (row >= 0) & (keys <= self.high.to_numpy()[row])


def _cells(low: pl.Series, high: pl.Series) -> tuple[_Keys, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where cells begin, and of each interval the first cell and the one behind its last."""
    lows, highs = low.cast(pl.UInt64).to_numpy(), high.cast(pl.UInt64).to_numpy()
    edges = distinct(np.concatenate([lows, highs[highs < _LAST_KEY] + np.uint64(1)]))
    return edges, np.searchsorted(edges, lows), np.searchsorted(edges, highs, side="right")
