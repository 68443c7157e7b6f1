"""What a screening in Spark found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.screening.hits.matches import ORDER
from cardscreen.screening.rejects import IN_MEMORY, Rejects
from cardscreen.screening.result import Result, completed, output_folder, write_tables
from cardscreen.screening.spark.tables import collected
from cardscreen.screening.workers.batches import PART_BITS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class SparkResult:
    """What a screening in Spark found.

    Attributes:
        flagged: `schema.FLAGGED` and the carried columns: accounts with a live or exempt hit.
        hits: `schema.HITS`: the evidence.
        rejects: `schema.REJECTS`: cells that gave no usable key.
        summary: As `Result.summary`; `engine` besides.
        watched: `schema.WATCHED`: all cells of the accounts in `previous`; None without it.

    Closed sets are strings here, and unsigned integers signed: Spark has neither. Rows are in no order. The frames are
    kept by Spark until `close`, also called at the end of a `with` block: hold on to this object while you use them.
    """

    flagged: DataFrame
    hits: DataFrame
    rejects: DataFrame
    summary: dict[str, Any]
    watched: DataFrame | None = None
    _scanned: DataFrame | None = field(default=None, repr=False)
    _kept: ExitStack = field(default_factory=ExitStack, repr=False)

    def __repr__(self) -> str:
        """Rows by class, and the day."""
        return f"Spark{Result(pl.LazyFrame(), pl.LazyFrame(), pl.LazyFrame(), self.summary)!r}"

    def __enter__(self) -> SparkResult:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let Spark forget the frames, and remove what was written for workers."""
        self._kept.close()

    def collect(self, out: str | Path | None = None) -> Result:
        """The same on this machine, as `cardscreen.screen` gives it: hits and flags in memory, rejects as they come.

        Args:
            out: As for `screen`: a folder for the tables.

        Raises:
            ConfigError: The folder can't be made.
        """
        flagged = collected(self.flagged, schema.FLAGGED).sort("account_id")
        hits = collected(self.hits, schema.HITS).sort(ORDER)
        watched = None
        if self.watched is not None:
            cells = collected(self.watched, schema.WATCHED)
            watched = cells.unique().sort(list(schema.WATCHED)).lazy()
        with output_folder(out) as folder:
            none = pl.DataFrame(schema={**schema.REJECTS, "account_id": flagged.schema["account_id"]})
            rejects = Rejects(none, folder)
            for part in self._rejects():
                rejects.add(part)
            kept = rejects.finish()
            if folder is not None:
                write_tables(folder, flagged, hits)
        if out is not None:
            return completed(Path(out), self.summary, watched)
        return Result(flagged.lazy(), hits.lazy(), kept.lazy(), self.summary, watched)

    def _rejects(self) -> Iterator[pl.DataFrame]:
        """The rejects in the order of the input, of some parts of the accounts at a time."""
        from pyspark.sql import functions as sql

        if self._scanned is None:
            return
        numbered = self._scanned.where("reject is not null").select("reject.*")
        part = sql.shiftright("row", PART_BITS)
        sizes = {row["part"]: row["count"] for row in numbered.groupBy(part.alias("part")).count().collect()}
        for first, last in _spans(sizes):
            few = collected(numbered.where(part.between(first, last)), schema.REJECTS)
            yield few.sort("row").drop("row")


def _spans(sizes: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Numbers from one to another, of which the sizes add up to `IN_MEMORY` or one item more."""
    first, held = None, 0
    for at, size in sorted(sizes.items()):
        first, held = at if first is None else first, held + size
        if held >= IN_MEMORY or at == max(sizes):
            yield first, at
            first, held = None, 0
