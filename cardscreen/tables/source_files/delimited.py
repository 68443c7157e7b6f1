"""CSV and its kin, read exactly and piece by piece: no row is lost, filled up or moved, and each knows its line.

The engine reads fast, but it fills short rows with nulls in silence, passes over long ones where not all columns are
wanted, and tells no lines. So where rows and fields begin and end is worked out here from the text's own bytes, and
the engine gets only rows that have the header's fields. Text with broken quotes is read by Python's `csv`, strictly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.lookup.digits import Flags
from cardscreen.tables.cells import SHAPE_LENGTH
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files.layout import Layout, first_lines, layout_of, whole_rows
from cardscreen.tables.source_files.pieces import BLOCK, BREAK, Pieces, after
from cardscreen.tables.source_files.plain import LIKE_PACKED, scan_plain, stands_in
from cardscreen.tables.source_files.records import Lines, records
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
_LINE = "\0line"
_BLANKS = " \t\r\n"  # of a line that holds nothing
_COMMENT = r"(?:^|\s)#(.*)$"


def in_blocks(content: bytes) -> Iterator[bytes]:
    """A text in memory in blocks, as it would come from a file."""
    for start in range(0, len(content), BLOCK):
        yield content[start : start + BLOCK]


def read_delimited(
    content: bytes, delimiter: str, where: str, reading: Reading = _AS_IT_IS, *, is_plain: bool = False
) -> Rows:
    """A table from UTF-8 text; of one that ends in the midst of a row, what can be read.

    Args:
        content: The text.
        delimiter: One character.
        where: The file's name for messages.
        reading: Where the header is.
        is_plain: What `plain.Plain` has found: the engine reads the whole at once.

    Raises:
        InputError: As for `Delimited`.
        ConfigError: As for `Delimited`.
    """
    table = Delimited(in_blocks(content), delimiter, where, reading, cut=True)
    if is_plain:
        frame = scan_plain(content, delimiter, table.names, _LINE).collect().rechunk()
        return Rows(frame.drop(_LINE), frame[_LINE].cast(pl.UInt32).alias("line"), ragged_rows())
    frames, lines, ragged = zip(*((each.frame, each.lines, each.ragged) for each in table.rows()), strict=True)
    rows = Rows(pl.concat(frames).rechunk(), pl.concat(lines), pl.concat(ragged))
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
        self._pieces = Pieces(after(blocks, self._line - 1))
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
            self._line += len(BREAK.findall(first))
            first = next(self._pieces, b"")
        if given and not first:
            raise InputError(f"{self._where} has no line {given}, which is said to be the header")
        refuse_empty(first, self._where)
        lines = Lines(first, self._line)
        line, cells = next(records(lines, self._delimiter, self._where, is_last=True, width=None))
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
        if not quoted and (whole := whole_rows(text, self._delimiter, len(self.names))):
            return self._told(self._parsed(text, wanted, quoted=False), np.arange(whole), whole, ragged_rows())
        layout = layout_of(text, self._delimiter, len(self.names))
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

    def _ragged(self, text: bytes, layout: Layout, which: Flags) -> pl.DataFrame:
        """Rows with other fields than the header; of those with nothing but blanks none is told."""
        content, sizes = layout.text_of(text, which)
        lines, fields = self._line + layout.lines[which], layout.fields[which]
        rows = pl.DataFrame({"line": lines, "found": fields, "text": first_lines(content, sizes)})
        rows = rows.filter((pl.col("found") > 1) | (pl.col("text").str.strip_chars(_BLANKS) != ""))
        return ragged_rows(rows.with_columns(reason=fields_reason(pl.col("found"), self._header)))

    def _exact(self, text: bytes, wanted: list[str]) -> Rows:
        """All rows by Python's `csv`; of what has no end in this piece, the next one makes a row."""
        lines, ragged = Lines(text, self._line), list[tuple[int, int | None, str]]()
        numbers, rows = list[int](), list[list[str]]()
        last, width = self._pieces.are_over, len(self.names)
        open_quotes = self.open_quotes if self._takes_cut else None
        for line, fields in records(lines, self._delimiter, self._where, open_quotes, is_last=last, width=width):
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
