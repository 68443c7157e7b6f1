"""How a file of the user's own is to be read, by its beginning: encoding, delimiter, sheet and header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from cardscreen.cli.starter.readable import are_data
from cardscreen.foundation.errors import InputError, UnclearEncoding
from cardscreen.foundation.words import counted
from cardscreen.tables.encodings import to_utf8
from cardscreen.tables.opening import open_table
from cardscreen.tables.paths import DELIMITERS, endings_of
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files import read_source
from cardscreen.tables.source_files.comments import without_comments
from cardscreen.tables.source_files.delimited import read_delimited, read_lines
from cardscreen.tables.source_files.packed import blocks_of
from cardscreen.tables.source_files.sheets import first_cells, sheet_names, unread

#: Rows that are looked at, and bytes of text.
ROWS, _BYTES = 20_000, 4 << 20
_LINES = 200  # by which delimiter and header are told
_TITLES = 30  # rows that may stand above a header
_MARKS = ",;\t|"
_COMMENT = "#"
_VIETNAMESE, _LATIN = "cp1258", "cp1252"
_JSON = (".jsonl", ".ndjson")
_READ_UNASKED = ("utf-8", "utf-8-sig", "gb18030", "utf-16")


@dataclass(frozen=True)
class Looked:
    """A file that was looked at.

    Attributes:
        path: The file.
        frame: Its first rows; of text formats, all columns are String.
        encoding: Of text; None where it is read unasked.
        seen_as: The encoding, whether it need be said or not; empty where there is none.
        delimiter: Between fields; None where the ending says it, or there is none.
        sheet: Of a spreadsheet, where it is not the first.
        header_row: The line that names the columns, where it is not the first that is not empty.
        header: Whether there is a header.
        comment: What lines begin with that are no rows; None: there are none.
        layout: `lines`, where a line is a value, perhaps with a comment behind; None: a table.
        is_whole: Whether these are all rows.
    """

    path: str
    frame: pl.DataFrame
    encoding: str | None = None
    seen_as: str = ""
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header: bool = True
    comment: str | None = None
    layout: str | None = None
    is_whole: bool = True

    def words(self) -> str:
        """How it is read, in a few words."""
        parts = [self.seen_as]
        parts.append(f"delimiter {_NAMES.get(self.delimiter, repr(self.delimiter))}" if self.delimiter else "")
        parts.append(f"sheet {self.sheet!r}" if self.sheet else "")
        parts.append(f"comments behind {_COMMENT}" if self.comment or self.layout else "")
        parts.append("no header" if not self.header else f"header in line {self.header_row}" if self.header_row else "")
        rows = f"{'' if self.is_whole else 'the first '}{counted(len(self.frame), 'row')}"
        return ", ".join([*filter(None, parts), rows])


_NAMES = {"\t": "tab"}


def look(path: str) -> Looked:
    """A file, by its beginning.

    Raises:
        InputError: There is none, it can't be read, or it holds no table.
        ConfigError: Its ending is not one that can be read.
    """
    form = endings_of(path)[0]
    if form in DELIMITERS:
        return _look_at_text(path, DELIMITERS[form])
    if form == ".xlsx":
        return _look_at_sheets(path)
    if form in _JSON:
        source = read_source(path)
        return Looked(path, source.frame.head(ROWS), seen_as=source.encoding or "", is_whole=len(source.frame) <= ROWS)
    frame = open_table(path).head(ROWS + 1).collect()
    return Looked(path, frame.head(ROWS), is_whole=len(frame) <= ROWS)


def _look_at_text(path: str, usual: str) -> Looked:
    raw, is_whole = _beginning(path)
    try:
        content, used = to_utf8(raw, None, path)
    except UnclearEncoding as error:
        if not error.likely:
            raise
        content, used = to_utf8(raw, error.likely, path)
        with suppress(InputError):  # few Vietnamese files are so old, and other Latin text reads like them
            if used == _VIETNAMESE:
                content, used = to_utf8(raw, _LATIN, path)
    encoding = None if used in _READ_UNASKED else used
    comment = _COMMENT if re.search(rf"^{_COMMENT}", content.decode(), re.MULTILINE) else None
    content = without_comments(content, comment, quotes=True)
    lines = content.decode().splitlines(keepends=True)[:_LINES]
    if not any(line.strip() for line in lines):
        raise InputError(f"{path} is empty")
    delimiter = _delimiter(lines)
    cells = list(_rows(lines, delimiter or usual))
    if not delimiter and all(are_data([row[0].partition(_COMMENT)[0] for _, row in cells])):
        rows = read_lines(content, path).frame
        if comment or rows["comment"].null_count() < len(rows):
            frame, known = rows.head(ROWS), used.removesuffix("-sig")
            return Looked(path, frame, encoding, known, layout="lines", is_whole=is_whole and len(rows) <= ROWS)
    header, first = _header(cells), cells[0][0]
    reading = Reading(header_row=header, header=header is not None)
    frame = read_delimited(content, delimiter or usual, path, reading).frame
    return Looked(
        path=path,
        frame=frame.head(ROWS),
        encoding=encoding,
        seen_as=used.removesuffix("-sig"),
        delimiter=delimiter if delimiter != usual else None,
        header_row=header if header != first else None,
        header=header is not None,
        comment=comment,
        is_whole=is_whole and len(frame) <= ROWS,
    )


def _beginning(path: str) -> tuple[bytes, bool]:
    """The first bytes of a text, up to the end of a line; and whether that is all of it."""
    raw = b""
    for block in blocks_of(path):
        raw += block
        if len(raw) > _BYTES:
            # A character of UTF-16 has two bytes.
            end = raw.rfind(b"\n", 0, _BYTES) + 1
            return raw[: end + (raw[end : end + 1] == b"\0")], False
    return raw, True


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that are not blank, each with the line where it begins: a cell may have several."""
    reader, begun = csv.reader(lines, delimiter=delimiter), 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield begun, cells
        begun = reader.line_num + 1


def _delimiter(texts: Sequence[str]) -> str | None:
    """What separates the fields: what most lines have as often, and with them one that names columns; or None."""
    best = (0.0, False, 0, "")
    for mark in _MARKS:
        rows = list(_rows(texts, mark))
        counts = Counter(len(cells) for _, cells in rows)
        width, usual = max(counts.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]))
        if width > 1:
            best = max(best, (round(usual / len(rows), 1), _header(rows) is not None, width, mark))
    return best[-1] or None


def _header(rows: Sequence[tuple[int, Sequence[str]]]) -> int | None:
    """The line of the row that names the columns: the first as wide as most, if no cell of it is a datum; or None."""
    widths = Counter(len(cells) for _, cells in rows[-len(rows) // 2 :])
    width = max(widths.items(), key=lambda each: (each[1], each[0]))[0]
    for line, cells in rows[:_TITLES]:
        # Of a title's row most cells are empty; of a header's, few: what reads the file says what it thinks of these.
        if len(cells) != width or sum(not cell.strip() for cell in cells) * 2 >= max(width, 2):
            continue
        return None if any(are_data(cells)) else line
    return None


def _look_at_sheets(path: str) -> Looked:
    raw = Path(path).read_bytes()
    names = sheet_names(raw, path)
    for at, name in enumerate(names):
        rows = [(line, cells) for line, cells in first_cells(raw, Reading(sheet=name), _LINES).items() if any(cells)]
        widest = max((len([cell for cell in cells if cell]) for _, cells in rows), default=0)
        if len(rows) > 1 and (widest > 1 or len(names) == 1):
            header = _header([(line, cells) for line, cells in rows])
            sheet = name if at else None
            source = read_source(path, Reading(sheet=sheet, header_row=header, header=header is not None))
            if sheet:
                unread(raw, sheet, source.frame.columns, Reading(header_row=header, header=header is not None), path)
            first = rows[0][0]
            return Looked(
                path=path,
                frame=source.frame.head(ROWS),
                sheet=sheet,
                header_row=header if header != first else None,
                header=header is not None,
                is_whole=len(source.frame) <= ROWS,
            )
    raise InputError(f"{path} holds no table: its sheets are {', '.join(islice(map(repr, names), 5))}")
