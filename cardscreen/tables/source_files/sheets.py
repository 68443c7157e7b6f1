"""Spreadsheets: the cells of one sheet as the text that a person sees in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from cardscreen.foundation.bounds import AS_THEY_ARE, Held
from cardscreen.foundation.errors import ConfigError, InputError, first_line, near, without_cards
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files.merged import Merged, filled, header_cells, is_chart, merged_cells
from cardscreen.tables.source_files.rows import (
    Header,
    Rows,
    Unread,
    empty_as_null,
    fields_reason,
    joined_names,
    ragged_rows,
    refuse_header_again,
)
from cardscreen.tables.source_files.workbook import look_through

if TYPE_CHECKING:
    import fastexcel

#: A spreadsheet holds numbers as 64-bit floats: above this, neighbours fall together.
_EXACT = 2.0**53
_LONG = r"^-?[0-9]{16,}$"
_MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}) 00:00:00$"
#: What stands in a cell whose formula fails, by the reader's name for it.
_FAILED = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_TOO_WIDE = "########"  # what stands in a cell with an impossible date
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream's name in the folder of an encrypted file
_FIRST_ROWS = 100  # of a sheet that is not read, among which its header is looked for
_NAMED = 5  # sheets that are told by name
_OLD_FOLDER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_sheet(raw: bytes, reading: Reading, where: str) -> Rows:
    """One sheet of an XLSX file, in which merged cells are filled; where none is named, others must be no part of it.

    Args:
        raw: The file's content.
        reading: Which sheet, and where its header is, if there is one. What stands above it is passed over.
        where: The file's name for messages.

    Raises:
        InputError: The file can't be read, the sheet is empty, column names are empty or repeated, or as of `unread`.
        ConfigError: There is no such sheet.
    """
    book, name = _opened(raw, reading.sheet, where, reading.held)
    with _telling_of(where):
        cells = _cells(book, name, reading.comment)
    sheet, elsewhere = (
        f"sheet {name!r} of {where}",
        _elsewhere([each for each in book.sheet_names if each != name], reading),
    )
    rows = _rows(cells, merged_cells(raw, name, where), reading, sheet, elsewhere)
    if reading.sheet is not None:
        return rows
    beside = _beside(book, raw, name, rows.frame.columns, reading, where)
    return rows._replace(notes=[*rows.notes, *_told(beside)], unread=beside)


def unread(raw: bytes, sheet: str, columns: Sequence[str], reading: Reading, where: str) -> Unread:
    """The sheets beside one that was read, of which whoever gave the file should know.

    Args:
        raw: The file's content.
        sheet: That was read.
        columns: Those that were found there.
        reading: How it was read.
        where: The file's name for messages.

    Raises:
        InputError: One that is shown has the same columns, and rows: they may be parts of one table.
    """
    return _beside(_opened(raw, None, where, reading.held)[0], raw, sheet, columns, reading, where)


def _beside(
    book: fastexcel.ExcelReader, raw: bytes, sheet: str, columns: Sequence[str], reading: Reading, where: str
) -> Unread:
    same, others, hidden = [sheet], list[str](), list[str]()
    for name in book.sheet_names:
        if name == sheet or is_chart(raw, name, where):
            continue
        with _telling_of(f"sheet {name!r} of {where}"):
            loaded = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=_FIRST_ROWS, dtypes="string")
            first = _placed(pl.DataFrame(loaded), loaded)
        is_shown, height = loaded.visible == "visible", loaded.total_height
        header = _header_in(first, columns, reading, merged_cells(raw, name, where))
        if header is None:
            others += [name] if is_shown and height else []
        elif height > header:
            (same if is_shown else hidden).append(name)
    if len(same) > 1:
        way = reading.say("sheet", sheet)
        raise InputError(
            f"{where}: the sheets {sheets_named(same)} have the same columns, and only one of them would be read: put "
            "all rows on one sheet, or in one CSV file" + (f"; or {way}, if no other one is meant" if way else "")
        )
    return Unread(others, hidden)


def _header_in(first: pl.DataFrame, columns: Sequence[str], reading: Reading, merged: Sequence[Merged]) -> int | None:
    """The last row of a table's header in a sheet, by its first rows; 0 where no table has one, and it is as wide."""
    if not reading.header:
        return 0 if first.width - 1 == len(columns) else None
    size, wanted = len(reading.header_rows) or 1, sorted(columns)
    for last in range(size, len(first) + 1):
        names = joined_names(header_cells(first, range(last - size + 1, last + 1), merged))
        if sorted(filter(None, names)) == wanted:
            return last
    return None


def _elsewhere(others: Sequence[str], reading: Reading) -> str:
    """Where a table may be whose sheet is empty, and how to say so."""
    if not others:
        return ""
    way = reading.say("sheet", others[0] if len(others) == 1 else "…")
    return f"; there {'is' if len(others) == 1 else 'are'}, too: {sheets_named(others)}" + (
        f". If the table is there, {way}" if way else ""
    )


def _told(beside: Unread) -> Iterator[str]:
    if beside.others:
        yield f"not read, since other columns stand there: {sheets_named(beside.others)}"
    if beside.hidden:
        yield f"not read, since they are hidden, although the same columns stand there: {sheets_named(beside.hidden)}"


def sheets_named(names: Sequence[str]) -> str:
    """Some sheets by their names, which are others' words."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return without_cards(", ".join(map(repr, names[:_NAMED]))) + more


def sheet_names(raw: bytes, where: str) -> list[str]:
    """The sheets of an XLSX file, in their order.

    Raises:
        InputError: The file can't be read.
    """
    return list(_opened(raw, None, where, AS_THEY_ARE)[0].sheet_names)


def first_cells(raw: bytes, reading: Reading, rows: int) -> dict[int, list[str]]:
    """The cells of a sheet's first rows."""
    book, name = _opened(raw, reading.sheet, "the file", reading.held)
    cells = pl.DataFrame(book.load_sheet(name, header_row=None, skip_rows=0, n_rows=rows, dtypes="string"))
    return {line: [cell or "" for cell in row] for line, row in enumerate(cells.rows(), 1)}


def _opened(raw: bytes, sheet: str | None, where: str, held: Held) -> tuple[fastexcel.ExcelReader, str]:
    """A spreadsheet, and the name of the sheet that is meant."""
    import fastexcel  # only loaded for spreadsheets

    if raw.startswith(_OLD_FOLDER):
        if _ENCRYPTED in raw:
            raise InputError(f"{where} is protected by a password: save it without one")
        raise InputError(f"{where} is an old .xls file: save it as .xlsx")
    look_through(raw, sheet, held, where)
    with _telling_of(where):
        book = fastexcel.read_excel(raw)
    if sheet is not None and sheet not in book.sheet_names:
        sheets = ", ".join(map(repr, book.sheet_names))
        raise ConfigError(f"{where} has no sheet {sheet!r}{near(sheet, book.sheet_names)}. The sheets are: {sheets}")
    return book, sheet or next(iter(book.sheet_names), "")


@contextmanager
def _telling_of(where: str) -> Iterator[None]:
    import fastexcel

    try:
        yield
    except fastexcel.FastExcelError as error:
        raise InputError(f"{where} can't be read as xlsx: is it complete? ({first_line(error)})") from None


def _cells(book: fastexcel.ExcelReader, sheet: str, comment: str | None) -> pl.DataFrame:
    """All cells as text, under the columns' numbers from A's, which is 0, with the rows' numbers in `line`.

    Those of rows that begin with a comment's sign are empty.
    """
    loaded = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
    batch, problems = loaded.to_arrow_with_errors()
    cells = pl.DataFrame(batch)
    cells.columns = [str(number) for number in range(cells.width)]
    failed = [(*problem.position, _shown(problem.detail)) for problem in problems.errors] if problems else []
    for (column,), group in pl.DataFrame(failed, schema=["row", "column", "text"], orient="row").group_by("column"):
        cells.replace_column(column, cells[:, column].scatter(group["row"], group["text"]))
    long = [name for name in cells.columns if cells[name].str.contains(_LONG).any()]
    if long:
        cells = _with_lost_digits(cells, long, book, sheet)
    if comment and cells.width:
        cells = cells.with_columns(pl.when(~pl.col("0").str.starts_with(comment).fill_null(value=False)).then(pl.all()))
    return _placed(cells, loaded)


def _placed(cells: pl.DataFrame, loaded: fastexcel.ExcelSheet) -> pl.DataFrame:
    """The same under the numbers of their columns, those before the first that is used, which are left out, too."""
    before = min((column.absolute_index for column in loaded.available_columns()), default=0)
    cells.columns = [str(number + before) for number in range(cells.width)]
    cells = cells.select(*(pl.lit(None, pl.String).alias(str(number)) for number in range(before)), pl.all())
    cells = cells.with_columns(pl.col(pl.String).str.replace(_MIDNIGHT, "$1"))
    numbered = cells.with_columns(empty_as_null()).with_row_index("line", offset=1)
    return numbered.with_columns(pl.col("line").cast(pl.UInt32))


def _shown(problem: str) -> str:
    failed = re.search(r"Error\((\w+)\)", problem)
    return _FAILED.get(failed[1], f"#{failed[1].upper()}!") if failed else _TOO_WIDE


def _with_lost_digits(cells: pl.DataFrame, long: list[str], book: fastexcel.ExcelReader, sheet: str) -> pl.DataFrame:
    """Number cells past 2^53 as a spreadsheet shows them, `6.22202E+18`, for reading to say that they are damaged.

    Written out they would be the digits of another card. Text cells keep theirs: the reader gives a cell
    as a Boolean only where it holds a number.
    """
    numbers = pl.DataFrame(book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="boolean"))
    numbers.columns = [f"{name} is a number" for name in cells.columns]

    def rounded(name: str) -> pl.Expr:
        text = pl.col(name)
        sign, digits = text.str.extract("^(-?)"), text.str.strip_prefix("-")
        lost = text.str.contains(_LONG) & (digits.cast(pl.Float64, strict=False) >= _EXACT)
        exponent = (digits.str.len_bytes() - 1).cast(pl.String)
        shown = pl.concat_str(sign, digits.str.head(1), pl.lit("."), digits.str.slice(1, 5), pl.lit("E+"), exponent)
        return pl.when(lost & pl.col(f"{name} is a number").is_not_null()).then(shown).otherwise(text).alias(name)

    return pl.concat([cells, numbers], how="horizontal").select(
        rounded(name) if name in long else pl.col(name) for name in cells.columns
    )


def _rows(cells: pl.DataFrame, merged: list[Merged], reading: Reading, where: str, elsewhere: str) -> Rows:
    columns, given = cells.columns[1:], reading.header_rows
    written = cells.filter(pl.any_horizontal(pl.col(columns).str.contains(r"\S"))) if columns else cells.clear()
    written = written.filter(pl.col("line") >= (given[0] if given else 1))
    if not written.height:
        raise InputError(f"{where} is empty{elsewhere}")
    if not reading.header:
        body, note = filled(written, merged)
        header = Header.of_none(len(columns))
        frame = body.select(pl.col(column).alias(name) for column, name in zip(columns, header.names, strict=True))
        return Rows(frame, body["line"], ragged_rows(), notes=[note] if note else [])
    lines = given if len(given) > 1 else [int(written["line"][0])]
    body, note = filled(written.filter(pl.col("line") > lines[-1]), merged)
    rows = _below(header_cells(cells, lines, merged), body, where)
    return rows._replace(notes=[note] if note else [])


def _below(above: list[list[str | None]], body: pl.DataFrame, where: str) -> Rows:
    """The rows below a header; those that don't fit it are kept apart."""
    columns = body.columns[1:]
    is_named = [any((row[number] or "").strip() for row in above) for number in range(len(columns))]
    width = max((number for number, named in enumerate(is_named, 1) if named), default=0)
    named = [number for number in range(width) if is_named[number] or body[columns[number]].count()]
    header = Header.of([[row[number] for number in named] for row in above], where)
    # The last cell that holds something, in the columns behind the header's last name.
    last = (pl.when(pl.col(name).is_not_null()).then(int(name) + 1) for name in columns[width:])
    body = body.with_columns(found=pl.max_horizontal(pl.lit(0), *last))
    ragged = body.filter(pl.col("found") > 0).select(
        "line",
        reason=fields_reason(pl.col("found"), header),
        text=pl.concat_str(pl.col(columns).fill_null(""), separator=","),
    )
    body = body.filter(pl.col("found") == 0)
    frame = body.select(pl.col(columns[number]).alias(name) for number, name in zip(named, header.names, strict=True))
    rows = Rows(frame, body["line"], ragged_rows(ragged))
    refuse_header_again(rows, header, where)
    return rows
