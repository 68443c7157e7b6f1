"""What each format's reader hands over, and what all of them refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.cleaning import shape
from cardscreen.errors import BadHeader, InputError, without_numbers


class Rows(NamedTuple):
    """Rows of one file, as in `SourceFile`."""

    frame: pl.DataFrame
    lines: pl.Series
    ragged: pl.DataFrame


def ragged_rows(rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows that don't fit their table, from their line, reason and text: line, reason, and the text's shape."""
    if rows is None:
        rows = pl.DataFrame(schema=["line", "reason", "text"])
    return rows.select(
        pl.col("line").cast(pl.UInt32), pl.col("reason").cast(pl.String), shape(pl.col("text")).alias("shape")
    )


def fields_reason(found: pl.Expr, expected: int) -> pl.Expr:
    """Why rows with another number of fields than the header don't fit."""
    noun = pl.when(found == 1).then(pl.lit(" field")).otherwise(pl.lit(" fields"))
    return found.cast(pl.String) + noun + f" where the header has {expected}"


def line_numbers(lines: Sequence[int] | npt.NDArray[np.uint32]) -> pl.Series:
    """Lines as a column."""
    return pl.Series("line", lines, dtype=pl.UInt32)


def checked_names(names: Sequence[str | None], where: str) -> list[str]:
    """Column names without blanks around them.

    Raises:
        BadHeader: One is empty, or stands there twice.
    """
    stripped = [(name or "").strip("\ufeff \t\r\n\u3000\u00a0") for name in names]
    for number, name in enumerate(stripped, 1):
        if not name:
            raise BadHeader(f"{where}: column {number} of {len(stripped)} has no name in the header")
        if name in stripped[: number - 1]:
            first = stripped.index(name) + 1
            raise BadHeader(f"{where}: columns {first} and {number} are both named {without_numbers(name)[:40]!r}")
    return stripped


def empty_as_null(frame: pl.DataFrame) -> pl.DataFrame:
    """Text cells without a character, as null."""
    return frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))


def refuse_empty(content: bytes, where: str) -> None:
    """Refuse text in which nothing is written.

    Raises:
        InputError: It is so.
    """
    if not content or content.isspace():
        raise InputError(f"{where} is empty")
