"""A workbook's own files, looked at before the reader of sheets reads them: up to the last cell it makes all others.

What a workbook's directory says of sizes, and a sheet of its dimension, need not be so: everything is unpacked once,
and each place that a cell names is looked at (ECMA-376, 18.3.1.4).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from cardscreen.foundation.bounds import MIB, SHEET_COLUMNS, SHEET_ROWS, Held
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.process.apart import done_apart

_FILES = 10_000  # in a workbook
_ENTRY = b"PK\x01\x02"  # in its directory
#: Where a cell or row is that is not empty.
_PLACE = re.compile(
    rb"""r(?<=\sr)\s*=\s*["']\s*([A-Za-z]*)([0-9]+)\s*["'](?!(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/>)"""
)
_TAG = re.compile(rb"<(?:\w+:)?(row|c)(?=[\s/>])")
_UNPLACED = re.compile(rb"<(?:\w+:)?(?:row|c)(?=[\s/>])(?!\s+r\s*=)(?![^<>]*\sr\s*=)")
_LONGEST_TAG = 1 << 16  # bytes
_LONG = 12  # digits, or letters
_TEXT_END = re.compile(rb"</(?:\w+:)?si\s*>")
#: What the reader of sheets will do.
_READ = """
import fastexcel
book = fastexcel.read_excel(content)
for name in list(filter(None, arguments)) or book.sheet_names:
    book.load_sheet(name, header_row=None, dtypes="string").to_arrow()
"""
_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def look_through(raw: bytes, sheet: str | None, held: Held, where: str) -> None:
    """Refuse a workbook of which the reader of sheets would make too much.

    Args:
        raw: The file's content.
        sheet: That will be read; None: the first, and of all others the first rows.
        held: What it is held to.
        where: The file's name for messages.

    Raises:
        InputError: It is none, or its files, the places in a sheet, or its texts are past a bound.
    """
    if raw.count(_ENTRY) > _FILES:
        raise InputError(f"{where} consists of more than {_FILES:,} files: it is no spreadsheet")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as book:
            seen = _all_seen(book, held, where)
    except _ERRORS as error:
        raise InputError(f"{where} can't be read as xlsx: is it complete? ({error})") from None
    # Cells share texts, of which the reader makes one for each.
    if max(each.longest_text for each in seen) * max(each.cells for each in seen) > held.bounds.unpacked_mib * MIB:
        done_apart(_READ, raw, held, where, sheet or "")


def _all_seen(book: zipfile.ZipFile, held: Held, where: str) -> list[_Seen]:
    left, seen = held.bounds.unpacked_mib * MIB, list[_Seen]()
    if sum(entry.file_size for entry in book.infolist()) > left:
        raise held.past(where, "unpacked_mib")
    for entry in book.infolist():
        # What it says of itself may be too little: then more comes than is left.
        entry.file_size, entry.CRC = left + 1, None  # type: ignore[assignment]
        seen.append(_Seen(where, held))
        with book.open(entry) as stream:
            while block := stream.read(MIB):
                left -= len(block)
                if left < 0:
                    raise held.past(where, "unpacked_mib")
                seen[-1].add(block)
    return seen


class _Seen:
    """What a file of a workbook names, which comes in blocks: the last row and column first of all.

    Attributes:
        cells: How many there are, rows counted, too.
        longest_text: Of those that cells share; in bytes, and rather too many.
    """

    def __init__(self, where: str, held: Held) -> None:
        self._where, self._held, self._begun = where, held, b""
        self._row, self._column = 0, 0
        # Of cells that don't name their place: rows, the cells of the last one, and of the longest one.
        self._rows, self._in_row, self._longest_row = 0, 0, 0
        self.cells, self.longest_text, self._in_text = 0, 0, 0

    def add(self, block: bytes) -> None:
        """Look at the next block.

        Raises:
            InputError: The sheet has too many rows or columns.
        """
        text = self._begun + block
        self._begun = text[max(text.rfind(b"<"), len(text) - _LONGEST_TAG, 0) :]  # a tag may go on in the next one
        if places := _PLACE.findall(text):
            letters, rows = map(set, zip(*places, strict=True))
            self._column = max(self._column, *map(_column, letters))
            self._row = max(self._row, *map(_row, rows))
        for tag in _TAG.findall(text) if _UNPLACED.search(text) else ():
            self._rows += tag == b"row"
            self._in_row = 0 if tag == b"row" else self._in_row + 1
            self._longest_row = max(self._longest_row, self._in_row)
            self.cells += 1
        self.cells += len(places)
        self._refuse_past()
        first, *others = map(len, _TEXT_END.split(block))
        self._in_text += first
        if others:
            self.longest_text = max(self.longest_text, self._in_text, *others[:-1])
            self._in_text = others[-1]

    def _refuse_past(self) -> None:
        rows, columns = self._row + self._rows, self._column + self._longest_row
        if rows > SHEET_ROWS or columns > SHEET_COLUMNS:
            raise InputError(
                f"{self._where} names a cell beyond row {SHEET_ROWS:,} and column {SHEET_COLUMNS:,}, the last "
                "ones that spreadsheet programs have: save it anew in one"
            )
        sizes = {"rows": rows, "columns": columns, "sheet_cells": rows * columns}
        if past := next((name for name, count in sizes.items() if count > getattr(self._held.bounds, name)), None):
            raise self._held.past(self._where, past)


def _row(digits: bytes) -> int:
    return int(digits) if len(digits) < _LONG else SHEET_ROWS + 1


def _column(letters: bytes) -> int:
    """A column's number, from 1: A, B, and AA behind Z; 0 for none."""
    number = 0
    for letter in letters.upper()[:_LONG]:
        number = number * 26 + letter - ord("A") + 1
    return number
