"""Merged cells of a sheet: what stands in the first of them is meant for all.

The reader of sheets does not tell them, so they are looked for in the workbook's own files (ECMA-376, 18.3.1.55).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from cardscreen.tables.source_files.objects.markup import Elements, go_through

_BLOCK = 1 << 20  # bytes
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_CHARTS = "xl/chartsheets/"
_SHOWN = 5  # rows that are named


class Merged(NamedTuple):
    """Cells that are one: rows from 1, columns from 0, the last ones included."""

    row: int
    column: int
    last_row: int
    last_column: int


def merged_cells(raw: bytes, sheet: str, where: str) -> list[Merged]:
    """The merged cells of one sheet of an XLSX file that can be read.

    Raises:
        InputError: What the file says of its sheets declares a document type.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        part = _part_of(book, sheet, where)
        return list(_found(book, part)) if part in book.namelist() else []


def is_chart(raw: bytes, sheet: str, where: str) -> bool:
    """Whether a sheet of an XLSX file that can be read has a chart and no cells."""
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        return _part_of(book, sheet, where).startswith(_CHARTS)


def _part_of(book: zipfile.ZipFile, sheet: str, where: str) -> str:
    """The name of a sheet's file; empty where it is not told."""
    if not {_BOOK, _LINKS} <= set(book.namelist()):
        return ""
    parts = _Parts(where)
    for name in (_BOOK, _LINKS):
        go_through(book.read(name), parts)
    target = parts.targets.get(parts.links.get(sheet, ""), "")
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


class _Parts(Elements):
    """Of each sheet its link, and of each link the file that it leads to."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.links: dict[str, str] = {}
        self.targets: dict[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")
        elif name == "sheet":
            link = next((value for key, value in attributes.items() if key.endswith("}id")), "")
            self.links.setdefault(attributes.get("name", ""), link)


def _found(book: zipfile.ZipFile, part: str) -> Iterator[Merged]:
    with book.open(part) as stream:
        begun = b""
        while block := stream.read(_BLOCK):
            text = begun + block
            for first, row, last, last_row in _MERGED.findall(text):
                yield Merged(int(row), _place(first), int(last_row), _place(last))
            begun = text[text.rfind(b"<") :] if text.rfind(b"<") > text.rfind(b">") else b""


def _place(letters: bytes) -> int:
    """A column's place, from 0: A, B, and AA behind Z."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - ord("A") + 1
    return place - 1


def header_cells(cells: pl.DataFrame, lines: Sequence[int], merged: Sequence[Merged]) -> list[list[str | None]]:
    """The rows of a header, in which merged cells count once a column, in the first of these rows that they are in.

    Beside each other they count where other rows tell the columns apart.

    Args:
        cells: All rows of the sheet, and `line`.
        lines: The rows of the header.
        merged: Cells of the sheet that are merged.
    """
    rows = {line: list(cells.row(line - 1)[1:]) for line in lines}
    for each in merged:
        if each.row <= lines[-1] and each.last_row >= lines[0] and each.column < cells.width - 1:
            text, row = cells.row(each.row - 1)[1 + each.column], rows[max(each.row, lines[0])]
            last = min(each.last_column, len(row) - 1) if len(lines) > 1 else each.column
            row[each.column : last + 1] = [text] * (last + 1 - each.column)
    return list(rows.values())


def filled(cells: pl.DataFrame, merged: Sequence[Merged]) -> tuple[pl.DataFrame, str]:
    """The rows of a table with its merged cells filled, and what was done, in a sentence; empty where nothing was.

    Only rows in which something is written are given, and only empty cells are filled.

    Args:
        cells: Rows below the header, and `line`.
        merged: Cells of the sheet that are merged.
    """
    first = pl.DataFrame(merged, schema=list(Merged._fields), orient="row").filter(
        pl.col("row") >= (cells["line"].min() or 1), pl.col("column") < cells.width - 1
    )
    if first.is_empty() or cells.is_empty():
        return cells, ""
    written = cells.unpivot(index="line", variable_name="column", value_name="text")
    written = written.with_columns(pl.col("column").cast(pl.Int64))
    covered = (
        first.join(written.drop_nulls(), left_on=["row", "column"], right_on=["line", "column"])
        .with_columns(column=pl.int_ranges("column", pl.min_horizontal("last_column", pl.lit(cells.width - 2)) + 1))
        .explode("column")
        .join_where(cells.select("line"), pl.col("line") >= pl.col("row"), pl.col("line") <= pl.col("last_row"))
        .select("line", "column", "text")
        .join(written.filter(pl.col("text").is_null()).drop("text"), on=["line", "column"])
    )
    by_column = {str(column): texts for (column,), texts in covered.group_by("column")}
    for name, texts in by_column.items():
        rows = cells["line"].search_sorted(texts["line"])
        cells = cells.with_columns(cells[name].scatter(rows, texts["text"]))
    return cells, _told(covered)


def _told(covered: pl.DataFrame) -> str:
    lines = covered["line"].unique().sort()
    if lines.is_empty():
        return ""
    more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
    shown = ", ".join(f"{line:,}" for line in lines.head(_SHOWN))
    many = f"{len(covered):,} merged cell{'s were' if len(covered) > 1 else ' was'}"
    return f"{many} filled with what stands in the first of them: row{'s' if len(lines) > 1 else ''} {shown}{more}"
