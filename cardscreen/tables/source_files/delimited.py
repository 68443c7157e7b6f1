"""CSV and its kin, read exactly and piece by piece: no row is lost, filled up or moved, and each knows its line.

The engine reads fast, but it fills short rows with nulls in silence, passes over long ones where not all columns are
wanted, and tells no lines. So where rows and fields begin and end is worked out here from the text's own bytes, and
the engine gets only rows that have the header's fields. Text with broken quotes is read by Python's `csv`, strictly.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.lookup.digits import Bytes, Flags
from cardscreen.foundation.lookup.digits import Rows as Places
from cardscreen.tables.cells import SHAPE_LENGTH
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files.plain import LIKE_PACKED, are_rows, but, stands_in
from cardscreen.tables.source_files.rows import (
    FIELDS,
    Header,
    Rows,
    empty_as_null,
    fields_reason,
    has_end,
    line_numbers,
    name_sought,
    ragged_rows,
    refuse_empty,
    refuse_header_again,
)

_AS_IT_IS = Reading()
#: Bytes of a text that are worked on at once: so many stay near the processor.
BLOCK = 1 << 22
_LONGEST = 1 << 25  # bytes without the end of a row, past which a quote is taken for a broken one
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
_BREAK = re.compile(rb"\r\n|\r|\n")
_BLANKS = " \t\r\n"  # of a line that holds nothing
#: What `csv` says at the end of a text within quotes, or after more than a field can hold.
_NEVER_CLOSED = re.compile("unexpected end of data|field larger than")
_COMMENT = r"(?:^|\s)#(.*)$"


def in_blocks(content: bytes) -> Iterator[bytes]:
    """A text in memory in blocks, as it would come from a file."""
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]


def read_delimited(content: bytes, delimiter: str, where: str, reading: Reading = _AS_IT_IS) -> Rows:
    """A table from UTF-8 text; of one that ends in the midst of a row, what can be read.

    Raises:
        InputError: As for `Delimited`.
        ConfigError: As for `Delimited`.
    """
    table = Delimited(in_blocks(content), delimiter, where, reading, cut=True)
    frames, lines, ragged, _, _ = zip(*table.rows(), strict=True)
    rows = Rows(pl.concat(frames), pl.concat(lines), pl.concat(ragged))
    return rows._replace(cut=_cut(content, rows, table))


def _cut(content: bytes, rows: Rows, table: Delimited) -> str:
    """How a text ends in the midst of a row; empty where it does not."""
    if table.open_quotes:
        return f"the quote in the row of line {table.open_quotes[0]:,} is never closed"
    if has_end(content):
        return ""
    last = rows.ragged.tail(1).filter(pl.col("line") > max(rows.lines.tail(1), default=0))
    last_rows = last.select("line", pl.col("reason").str.extract(FIELDS).cast(pl.Int64)).rows()
    cut = [line for line, fields in last_rows if fields is not None and fields < len(table.names)]
    return f"the row of line {cut[0]:,} has fewer fields than others, and no end" if cut else ""


def read_lines(content: bytes, where: str) -> Rows:
    """One value a line, perhaps with `# comment` behind, from UTF-8 text: value, comment.

    Raises:
        InputError: The file is empty.
    """
    refuse_empty(content, where)
    text = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode()
    rows = (
        pl.Series("text", [text])
        .str.split("\n")
        .explode()
        .to_frame()
        .with_row_index("line", offset=1)
        .select(
            pl.col("line").cast(pl.UInt32),
            value=pl.col("text").str.replace(_COMMENT, "").str.strip_chars(),
            comment=pl.col("text").str.extract(_COMMENT).str.strip_chars(),
        )
        .filter(pl.col("value") != "")
    )
    return Rows(rows.drop("line").with_columns(empty_as_null()), rows["line"], ragged_rows())


class Delimited:
    """A table with a header in UTF-8 text that comes in blocks, which are let go as soon as they are read.

    Args:
        blocks: The text, without a byte order mark.
        delimiter: One character.
        where: The file's name for messages.
        reading: Where the header is, if there is one. What stands above it is passed over.
        cut: Take a text that ends within quotes: the row is one that does not fit.

    Attributes:
        names: The columns.
        open_quotes: The lines of rows with a quote that is never closed.

    Raises:
        InputError: The text is empty, or column names are empty, repeated or too many.
        ConfigError: The delimiter is not one character.
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        delimiter: str,
        where: str,
        reading: Reading = _AS_IT_IS,
        *,
        cut: bool = False,
    ) -> None:
        """Read the header."""
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ConfigError(
                f"{where}: the delimiter {delimiter!r} is not one character, or one that has another meaning"
            )
        self._delimiter, self._where, self._held = delimiter, where, reading.held
        given = reading.header_rows
        self._line = given[0] if given else 1  # of what comes next
        self._pieces = _Pieces(_after(blocks, self._line - 1))
        self.open_quotes, self._takes_cut = list[int](), cut
        if reading.header:
            self._header = Header.of([self._row_above(line, is_one_of=len(given)) for line in given or [0]], where)
        else:
            self._header = Header.of_none(len(self._row_above(0, stays=True)))
        self.names = self._header.names

    def _row_above(self, given: int, *, is_one_of: int = 1, stays: bool = False) -> list[str]:
        """The cells of a header's row, or of the first row, which stays where it is."""
        first = next(self._pieces, b"")
        while first.isspace():
            self._line += len(_BREAK.findall(first))
            first = next(self._pieces, b"")
        if given and not first:
            raise InputError(f"{self._where} has no line {given}, which is said to be the header")
        refuse_empty(first, self._where)
        lines = _Lines(first, self._line)
        line, cells = next(_records(lines, self._delimiter, self._where, is_last=True, width=None))
        if cells is None:
            raise InputError(f"{self._where}: a broken quote in the {'first row' if stays else 'header'}, line {line}")
        if is_one_of > 1 and line != given:
            raise InputError(f"{self._where}: no row begins in line {given}, which is said to be of the header")
        if len(cells) > self._held.bounds.columns:
            raise self._held.past(self._where, "columns")
        self._pieces.give_back(first if stays else first[lines.taken :])
        self._line = self._line if stays else lines.number
        return cells

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Rows]:
        """The rows, piece after piece, at least one of which there is; each row once.

        Args:
            columns: Those that are wanted, in this order; None: all.

        Raises:
            InputError: A quote is never closed; names the line.
        """
        wanted = self.names if columns is None else list(columns)
        yield Rows(pl.DataFrame(schema=dict.fromkeys(wanted, pl.String)), line_numbers([]), ragged_rows())
        name = name_sought(self._header.cells)
        for text in self._pieces:
            rows = self._read(text, wanted)
            if name and stands_in(text, name):
                refuse_header_again(rows, self._header, self._where)
            yield rows

    def _read(self, text: bytes, wanted: list[str]) -> Rows:
        quoted = b'"' in text
        if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
            if quoted:
                return self._exact(text, wanted)
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        text = text if text.endswith(b"\n") else text + b"\n"
        rows = self._fast(text, wanted, quoted=quoted) if self._delimiter.isascii() else None
        return rows or self._exact(text, wanted)

    def _fast(self, text: bytes, wanted: list[str], *, quoted: bool) -> Rows | None:
        """All rows by the engine, which gets only those that fit; None where it sees others, or quotes are broken."""
        if not quoted and (whole := _whole_rows(text, self._delimiter, len(self.names))):
            return self._told(self._parsed(text, wanted, quoted=False), np.arange(whole), whole, ragged_rows())
        layout = _layout(text, self._delimiter, len(self.names))
        if layout is None:
            return None
        fits = (layout.fields == len(self.names)) & ~layout.is_blank
        ragged = ~fits & ~layout.is_blank
        frame = self._parsed(text if fits.all() else layout.text_of(text, fits)[0], wanted, quoted=quoted)
        misfits = self._ragged(text, layout, ragged) if ragged.any() else ragged_rows()
        return self._told(frame, layout.lines[fits], layout.breaks, misfits)

    def _told(
        self, frame: pl.DataFrame | None, lines: npt.NDArray[np.int64], breaks: int, misfits: pl.DataFrame
    ) -> Rows | None:
        """The rows of a piece of so many lines, of which each that fits has some before it; None: the engine erred."""
        if frame is None or len(frame) != len(lines):
            return None
        rows = Rows(frame, line_numbers((self._line + lines).astype(np.uint32)), misfits)
        self._line += breaks
        return rows

    def _parsed(self, text: bytes, wanted: list[str], *, quoted: bool) -> pl.DataFrame | None:
        if not text:
            return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
        places = sorted(self.names.index(name) for name in wanted)
        skipped = int(text.startswith(LIKE_PACKED))
        try:
            frame = pl.read_csv(
                b"\n" * skipped + text,
                skip_lines=skipped,
                has_header=False,
                columns=places,
                separator=self._delimiter,
                quote_char='"' if quoted else None,
                infer_schema=False,
            )
        except pl.exceptions.PolarsError:
            return None
        frame.columns = [self.names[place] for place in places]
        return (frame.with_columns(empty_as_null()) if quoted else frame).select(wanted)

    def _ragged(self, text: bytes, layout: _Layout, which: Flags) -> pl.DataFrame:
        """Rows with other fields than the header; of those with nothing but blanks none is told."""
        content, sizes = layout.text_of(text, which)
        lines, fields = self._line + layout.lines[which], layout.fields[which]
        rows = pl.DataFrame({"line": lines, "found": fields, "text": _texts(content, sizes)})
        rows = rows.filter((pl.col("found") > 1) | (pl.col("text").str.strip_chars(_BLANKS) != ""))
        return ragged_rows(rows.with_columns(reason=fields_reason(pl.col("found"), self._header)))

    def _exact(self, text: bytes, wanted: list[str]) -> Rows:
        """All rows by Python's `csv`; of what has no end in this piece, the next one makes a row."""
        lines, ragged = _Lines(text, self._line), list[tuple[int, int | None, str]]()
        numbers, rows = list[int](), list[list[str]]()
        last, width = self._pieces.are_over, len(self.names)
        open_quotes = self.open_quotes if self._takes_cut else None
        for line, fields in _records(lines, self._delimiter, self._where, open_quotes, is_last=last, width=width):
            if fields and len(fields) == len(self.names):
                rows.append(fields)
                numbers.append(line)
            elif fields is None or len(fields) > 1 or lines.first().strip(_BLANKS):
                ragged.append((line, len(fields) if fields else None, lines.first()[:SHAPE_LENGTH]))
        self._pieces.give_back(text[lines.taken :])
        self._line = lines.number
        misfits = pl.DataFrame(ragged, schema={"line": pl.UInt32, "found": pl.UInt32, "text": pl.String}, orient="row")
        reason = fields_reason(pl.col("found"), self._header).fill_null("a broken quote")
        places = {name: self.names.index(name) for name in wanted}
        frame = pl.DataFrame([pl.Series(name, [row[at] for row in rows], pl.String) for name, at in places.items()])
        return Rows(
            frame.with_columns(empty_as_null()), line_numbers(numbers), ragged_rows(misfits.with_columns(reason=reason))
        )


def _after(blocks: Iterable[bytes], lines: int) -> Iterator[bytes]:
    """A text from some line on."""
    blocks, text = iter(blocks), b""
    for block in blocks if lines else ():
        text += block
        parts = _BREAK.split(text, maxsplit=lines)
        # A return at the end may be the first half of a line break.
        if len(parts) > lines and (parts[-1] or not text.endswith(b"\r")):
            yield parts[-1]
            break
    yield from blocks


class _Pieces(Iterator[bytes]):
    """Cuts a text that comes in blocks into pieces that end where a row ends, as far as quotes can be trusted.

    Attributes:
        are_over: Whether the piece that was given is the last one.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""
        self.are_over = False

    def __next__(self) -> bytes:
        while not self.are_over:
            block = next(self._blocks, None)
            self.are_over = block is None
            text = self._rest + (block or b"")
            end = len(text) if self.are_over else _end_of_rows(text)
            if not end and len(text) > _LONGEST:
                end = text.rfind(b"\n") + 1 or len(text)
            self._rest = text[end:]
            if end:
                return text[:end]
        raise StopIteration

    def give_back(self, text: bytes) -> None:
        """Put what was not taken of the last piece before what comes next."""
        self._rest = text + self._rest
        self.are_over = self.are_over and not self._rest


def _end_of_rows(text: bytes) -> int:
    """The place behind the last line break that is not within quotes; 0 where there is none."""
    end = text.rfind(b"\n")
    if end < 0:
        return text.rfind(b"\r", 0, len(text) - 1) + 1
    quotes = text.count(b'"', 0, end) if b'"' in text else 0
    while end >= 0 and quotes % 2:
        before = text.rfind(b"\n", 0, end)
        quotes -= text.count(b'"', max(before, 0), end)
        end = before
    return end + 1


class _Layout(NamedTuple):
    """Where the rows of a text lie.

    Attributes:
        starts: The place of each row's first byte.
        ends: The place of the line break behind it.
        fields: How many fields it has.
        is_blank: Whether it is an empty line.
        lines: How many lines are before it.
        breaks: How many lines there are.
    """

    starts: Places
    ends: Places
    fields: npt.NDArray[np.int64]
    is_blank: Flags
    lines: npt.NDArray[np.int64]
    breaks: int

    def text_of(self, text: bytes, which: Flags) -> tuple[bytes, npt.NDArray[np.int64]]:
        """Some rows with their line breaks, and the size of each."""
        sizes = self.ends + 1 - self.starts
        kept = np.frombuffer(text, np.uint8)[np.repeat(which, sizes)]
        return kept.tobytes(), sizes[which]


def _whole_rows(text: bytes, delimiter: str, width: int) -> int:
    """How many rows there are in a text without quotes, if all of them fit; 0 where they don't, or may not."""
    marks = text.translate(None, but(delimiter))
    # In a table of one column, empty lines are no rows.
    fits = width > 1 and len(marks) % width == 0 and are_rows(marks, width)
    return len(marks) // width if fits else 0


def _layout(text: bytes, delimiter: str, width: int) -> _Layout | None:
    """Where the rows of a text lie that ends with a line break; None where its quotes are broken."""
    cells = np.frombuffer(text, np.uint8)
    breaks = np.flatnonzero(cells == _NEWLINE)
    if b'"' in text:
        outside = _outside_quotes(cells, ord(delimiter))
        if outside is None:
            return None
        marked = cells[outside]
        ends, marks = outside[marked == _NEWLINE], outside[marked == ord(delimiter)]
    else:
        ends, marks = breaks, np.flatnonzero(cells == ord(delimiter))
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    if len(ends) < len(breaks) and _swallows_rows(cells, starts, ends, breaks, ord(delimiter), width):
        return None
    size = ends - starts
    is_blank = (size == 0) | ((size == 1) & (cells[starts] == _RETURN))
    lines = np.arange(len(ends)) if len(ends) == len(breaks) else np.searchsorted(breaks, starts)
    return _Layout(starts, ends, _fields(ends, marks, width), is_blank, lines, len(breaks))


def _swallows_rows(cells: Bytes, starts: Places, ends: Places, breaks: Places, mark: int, width: int) -> bool:
    """Whether some row of several lines has the header's fields in each of them: see `_Lines.are_rows`."""
    first = np.append(0, breaks[:-1] + 1)
    whole = np.diff(np.searchsorted(np.flatnonzero(cells == mark), breaks), prepend=0) == width - 1
    blank = breaks - first <= (cells[breaks - 1] == _RETURN)
    others = np.append(0, np.cumsum(~whole & ~blank))
    begin, end = np.searchsorted(breaks, starts), np.searchsorted(breaks, ends) + 1
    return width > 1 and bool(((end - begin > 1) & (others[end] == others[begin])).any())


def _all_fit(ends: Places, marks: Places, width: int) -> bool:
    """Whether each row has as many fields as the header, from the places of line breaks and delimiters."""
    between = width - 1
    if len(marks) != between * len(ends):
        return False
    return not between or bool(
        (marks[between - 1 :: between] < ends).all() and (marks[between::between] > ends[:-1]).all()
    )


def _fields(ends: Places, marks: Places, width: int) -> npt.NDArray[np.int64]:
    """How many fields each row has; that all have as many as the header is seen at a glance."""
    if _all_fit(ends, marks, width):
        return np.full(len(ends), width)
    return np.diff(np.searchsorted(marks, ends), prepend=0) + 1


def _outside_quotes(cells: Bytes, mark: int) -> Places | None:
    """The places of delimiters and line breaks that are not within quotes; None where quotes are broken.

    A quote is sound where it opens a field, closes one, or stands twice within one (RFC 4180, 2).
    """
    places = np.flatnonzero((cells == _QUOTE) | (cells == _NEWLINE) | (cells == mark))
    kind = cells[places]
    is_quote = kind == _QUOTE
    inside = np.logical_xor.accumulate(is_quote)
    opening, closing = places[is_quote & inside], places[is_quote & ~inside]
    before, behind = cells[np.maximum(opening - 1, 0)], cells[np.minimum(closing + 1, len(cells) - 1)]
    opens = (opening == 0) | np.isin(before, (_QUOTE, _NEWLINE, mark))
    returns = (behind == _RETURN) & (cells[np.minimum(closing + 2, len(cells) - 1)] == _NEWLINE)
    if inside[-1] or not opens.all() or not (np.isin(behind, (_QUOTE, _NEWLINE, mark)) | returns).all():
        return None
    outside: Places = places[~is_quote & ~inside]
    return outside


def _texts(content: bytes, sizes: npt.NDArray[np.int64]) -> pl.Series:
    """The first line of each of the rows that stand one after another."""
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    array = pa.LargeStringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(content))
    return pl.Series(pl.from_arrow(array)).str.extract(r"^([^\r\n]*)")


class _Lines(Iterator[str]):
    """The lines of a text, of which those of the row at hand can be given again.

    Attributes:
        number: Of the line that comes next.
        taken: Bytes of the lines that were given and not taken back.
    """

    def __init__(self, content: bytes, number: int) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.number, self.taken = number, 0

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._row.append(line)
        self.number += 1
        self.taken += len(line.encode())
        return line

    def begin_row(self) -> int:
        """Forget the last row; the line where the next one begins."""
        self._row.clear()
        return self.number

    def back_to_line(self, nth: int) -> None:
        """Give the lines of the row again from the nth one on, counted from 0."""
        again = self._row[nth:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)
        self.taken -= sum(len(line.encode()) for line in again)

    def first(self) -> str:
        """The first line of the row at hand."""
        return self._row[0].rstrip("\r\n")

    def are_rows(self, delimiter: str, width: int) -> bool:
        """Whether the row at hand has several lines, each of which has as many fields as a row.

        Then its quotes were not meant: one was forgotten, and the next one that came by closed it, rows later.
        """
        # What ends this row ends all of them: a lone return within quotes is none.
        ending = self._row[-1][len(self._row[-1].rstrip("\r\n")) :] or "\n"
        lines = [line for line in "".join(self._row).split(ending) if line.strip("\r\n")]
        return width > 1 and len(lines) > 1 and all(line.count(delimiter) == width - 1 for line in lines)


def _records(
    lines: _Lines, delimiter: str, where: str, open_quotes: list[int] | None = None, *, is_last: bool, width: int | None
) -> Iterator[tuple[int, list[str] | None]]:
    """Each row's first line and its fields; None instead of fields where quotes are broken.

    A row without an end is given back where more text follows. `width`: how many fields a row has, where that is known.
    `open_quotes`: takes the lines of rows that end nowhere, which are an error without it.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.begin_row()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            never = _NEVER_CLOSED.search(str(error))
            is_long = never is not None and never[0].startswith("field")
            if never and is_last and not is_long and open_quotes is not None:
                open_quotes.append(line)
            elif never and (is_last or is_long):
                raise InputError(
                    f"{where}: a quote in the row of line {line} is never closed: is the file complete?"
                ) from None
            elif never:
                lines.back_to_line(0)
                return
            yield line, None
            # The quote may have swallowed rows: each later line is to be a row of its own.
            lines.back_to_line(1)
            continue
        if fields is None:
            return
        if width and lines.are_rows(delimiter, width):
            yield line, None
            lines.back_to_line(1)
        elif fields:
            yield line, fields
