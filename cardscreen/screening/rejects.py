"""Cells that gave no key, gathered in the input's order: so many in memory, any number in a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

#: Rejects that are kept in memory; further ones are counted only, unless there is a folder for them.
IN_MEMORY = 1_000_000
ROW_GROUP = 250_000  # rows; fixed, so that equal tables are equal files
_FILE = "rejects.parquet"


class Rejects:
    """The rejects of a screening.

    Args:
        none: `schema.REJECTS` without rows, but with the account's own type.
        folder: Where to write them all; None: nowhere.
    """

    def __init__(self, none: pl.DataFrame, folder: Path | None) -> None:
        self._held = [none]
        self._rows = 0
        self._folder = folder
        self._laid_aside: list[Path] = []

    def add(self, rejects: pl.DataFrame) -> None:
        """Take in those that come next."""
        if self._folder is None:
            rejects = rejects.head(IN_MEMORY - self._rows)
        self._held.append(rejects)
        self._rows += len(rejects)
        if self._folder is not None and self._rows >= IN_MEMORY:
            part = self._folder / f".rejects-{len(self._laid_aside)}.arrow"
            self._taken().write_ipc(part)
            self._laid_aside.append(part)

    def _taken(self) -> pl.DataFrame:
        """What is held, which is let go."""
        held = pl.concat(self._held)
        self._held, self._rows = [held.clear()], 0
        return held

    def finish(self) -> pl.DataFrame:
        """All that are held in memory; where there is a folder, all that there were are in its file."""
        held = self._taken()
        if self._folder is None:
            return held
        parts = [*(pl.scan_ipc(part) for part in self._laid_aside), held.lazy()]
        pl.concat(parts).sink_parquet(self._folder / _FILE, row_group_size=ROW_GROUP, maintain_order=True)
        return held
