"""What each format's reader hands over, and what all of them refuse."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.errors import BadHeader, InputError, without_numbers
from cardscreen.tables.cells import SHAPE_LENGTH, digits_within, shape

_AROUND_NAMES = "\ufeff \t\r\n\u3000\u00a0"
_HEADERS_CELLS = 2  # that are column names, and half of a row's at least, make it a header


class Unread(NamedTuple):
    """Sheets that were not read, although nobody has said which one is meant.

    Attributes:
        others: Those with other columns, by name.
        hidden: Hidden ones that have the same columns, and rows.
    """

    others: Sequence[str] = ()
    hidden: Sequence[str] = ()


class Rows(NamedTuple):
    """Rows of one file, as in `SourceFile`; of a sheet, also the sheets beside it."""

    frame: pl.DataFrame
    lines: pl.Series
    ragged: pl.DataFrame
    cut: str = ""
    notes: Sequence[str] = ()
    unread: Unread = Unread()


class Header(NamedTuple):
    """What is said of a table's columns.

    Attributes:
        names: Theirs.
        cells: By which the header is known where it comes again; none where there is no header.
        what: What rows that don't fit are told to be compared with.
    """

    names: list[str]
    cells: list[str]
    what: str

    @classmethod
    def of(cls, rows: Sequence[Sequence[str | None]], where: str) -> Header:
        """The header that stands in one or several rows.

        Raises:
            BadHeader: A column has no name, or two have one.
        """
        names = checked_names(joined_names(rows), where)
        return cls(names, list(filter(None, map(stripped_name, rows[-1]))), "the header")

    @classmethod
    def of_none(cls, width: int) -> Header:
        """Of a table without one: its columns are named by their places."""
        return cls([str(place) for place in range(1, width + 1)], [], "the first row")


def ragged_rows(rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Rows that don't fit their table, from their line, reason and text: line, reason, the text's shape and digits."""
    if rows is None:
        rows = pl.DataFrame(schema=["line", "reason", "text"])
    text = pl.col("text").cast(pl.String).str.head(SHAPE_LENGTH)  # some readers hand over no more
    return rows.select(
        pl.col("line").cast(pl.UInt32),
        pl.col("reason").cast(pl.String),
        shape(text).alias("shape"),
        digits_within(text).alias("digits"),
    )


#: In a reason: how many fields the row has.
FIELDS = r"^([0-9]+) fields? where "


def fields_reason(count: pl.Expr, header: Header) -> pl.Expr:
    """Why rows with another number of fields than the header don't fit."""
    noun = pl.when(count == 1).then(pl.lit(" field")).otherwise(pl.lit(" fields"))
    return count.cast(pl.String) + noun + f" where {header.what} has {len(header.names)}"


def line_numbers(lines: Sequence[int] | npt.NDArray[np.uint32]) -> pl.Series:
    """Lines as a column."""
    return pl.Series("line", lines, dtype=pl.UInt32)


def stripped_name(cell: str | None) -> str:
    """A cell of a header without blanks around it."""
    return (cell or "").strip(_AROUND_NAMES)


def joined_names(rows: Sequence[Sequence[str | None]]) -> list[str]:
    """The name of each column, of which a header's rows each say a part."""
    columns = zip_longest(*(map(stripped_name, row) for row in rows), fillvalue="")
    return [" ".join(filter(None, cells)) for cells in columns]


def name_sought(cells: Sequence[str]) -> bytes:
    """The name without which a text does not hold its header again: the longest one."""
    return max(cells, key=len, default="").encode()


def checked_names(names: Sequence[str | None], where: str) -> list[str]:
    """Column names without blanks around them.

    Raises:
        BadHeader: One is empty, or stands there twice.
    """
    stripped = list(map(stripped_name, names))
    for number, name in enumerate(stripped, 1):
        if not name:
            is_last = 2 < number == len(stripped)
            way = ": does each line end with a delimiter? Name the column, or take it away" if is_last else ""
            raise BadHeader(f"{where}: column {number} of {len(stripped)} has no name in the header{way}")
        if name in stripped[: number - 1]:
            first = stripped.index(name) + 1
            raise BadHeader(f"{where}: columns {first} and {number} are both named {without_numbers(name)[:40]!r}")
    return stripped


def refuse_header_again(rows: Rows, header: Header, where: str) -> None:
    """Refuse a table in which its header comes again: below it, columns may stand in another order.

    Raises:
        InputError: It does; names the line.
    """
    columns = rows.frame.columns
    if len(columns) < _HEADERS_CELLS:
        return
    alike = pl.sum_horizontal(pl.col(name).str.strip_chars(_AROUND_NAMES).is_in(header.cells) for name in columns)
    again = rows.lines.filter(rows.frame.select(2 * alike >= max(2 * _HEADERS_CELLS, len(columns))).to_series())
    if len(again) and any(without_numbers(cell) != cell for cell in header.cells):
        raise InputError(
            f"{where}: the first row holds numbers or days, no names of columns, and line {again[0]:,} looks like it: "
            "has the file no header? Put a row with the columns' names in front"
        )
    if len(again):
        raise InputError(
            f"{where}: the header comes again in line {again[0]:,}: are these several files, one behind another? "
            "Name each by itself"
        )


def empty_as_null() -> pl.Expr:
    """All text, with null for cells without a character."""
    return pl.when(pl.col(pl.String) != "").then(pl.col(pl.String))


def has_end(content: bytes) -> bool:
    """Whether the last line of a text has an end; one of blanks needs none."""
    return content.rstrip(b" \t").endswith((b"\n", b"\r"))


def refuse_empty(content: bytes, where: str) -> None:
    """Refuse text in which nothing is written.

    Raises:
        InputError: It is so.
    """
    if not content or content.isspace():
        raise InputError(f"{where} is empty")
