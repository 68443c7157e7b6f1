"""Tables written to files, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.foundation.files import claim, not_for_others, room_in, write_whole
from cardscreen.tables.cells import without_formulas

#: Columns by which programs find rows: canonical values, which are no formulas, and ids.
_EXACT = ("value", "account_id")


def joined(table: pl.LazyFrame, separator: str = "; ") -> pl.LazyFrame:
    """A table for files that know no lists: several values in a cell are joined."""
    lists = [name for name, dtype in table.collect_schema().items() if isinstance(dtype, pl.List)]
    return table.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(separator))


def write(frame: pl.DataFrame | pl.LazyFrame, out: Path, *, force: bool = False) -> None:
    """Write a table to a .csv or .parquet file, whole or not at all; one that is lazy a part after another.

    Raises:
        ConfigError: Another ending, or something is there, and is not to be written over.
        InputError: It can't be written there.
    """
    table = frame.lazy()
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda file: without_formulas(table, _EXACT).sink_csv(file),
        ".parquet": table.sink_parquet,
    }
    check(out, force=force)
    try:
        with not_for_others(), room_in(out):
            write_whole(out, writers[out.suffix])
    except OSError as error:
        raise InputError(f"{out} can't be written: {first_line(error)}") from None


def check(out: Path, inputs: Iterable[str | Path] = (), *, force: bool = False) -> None:
    """Refuse, before anything is done, a table that could not be written.

    Args:
        out: Where it is to be.
        inputs: What is read, and never written over.
        force: Write over what else is there.

    Raises:
        ConfigError: Another ending, or something is there.
        InputError: There is no such folder.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{out}: give a file ending in .csv or .parquet")
    claim(out, inputs, force=force)
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out} can't be written: there is no folder {out.parent}")
