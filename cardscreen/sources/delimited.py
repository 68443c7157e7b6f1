"""CSV and its kin, read exactly: no row is lost, filled up or moved, and each knows its line.

The engine reads fast, but fills short rows with nulls in silence and does not tell lines. It is trusted
where counts of the file's own bytes, or a look at each line, prove what the rows are; all else is read by
Python's `csv`, strictly.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from cardscreen.cleaning import SHAPE_LENGTH
from cardscreen.errors import ConfigError, InputError
from cardscreen.sources.rows import (
    Rows,
    checked_names,
    empty_as_null,
    fields_reason,
    line_numbers,
    ragged_rows,
    refuse_empty,
)

_STEP = 1 << 20  # bytes that are counted at a time: they stay in the processor's cache
_BATCH = 50_000  # rows
_QUOTED = r'"(?:[^"]|"")*"'
_BLANKS = " \t\r\n"  # of a line that holds nothing
#: What `csv` says at the end of a text within quotes, or after more than a field can hold.
_NEVER_CLOSED = re.compile("unexpected end of data|field larger than")
_COMMENT = r"(?:^|\s)#(.*)$"


def read_delimited(content: bytes, delimiter: str, where: str) -> Rows:
    """A table with a header from UTF-8 text.

    Raises:
        InputError: The file is empty or cut off, or column names are empty or repeated.
        ConfigError: The delimiter is not one character.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ConfigError(f"{where}: the delimiter {delimiter!r} is not one character, or one that has another meaning")
    refuse_empty(content, where)
    breaks_at_returns = b"\r" in content and content.count(b"\r") != content.count(b"\r\n")
    if breaks_at_returns or not delimiter.isascii():
        return _exact(content, delimiter, where)
    return _fast(content, delimiter, where) or _by_lines(content, delimiter, where) or _exact(content, delimiter, where)


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
    return Rows(empty_as_null(rows.drop("line")), rows["line"], ragged_rows())


def _fast(content: bytes, delimiter: str, where: str) -> Rows | None:
    """All rows by the engine, where counts prove that every line is one whole row without quotes."""
    if b'"' in content or not content.endswith(b"\n"):
        return None
    try:
        header = content[: content.index(b"\n")].decode().split(delimiter)
        frame = pl.read_csv(content, separator=delimiter, quote_char=None, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    lines = _count(content, "\n")
    # The engine refuses rows that are too long; so none is too short where the delimiters add up.
    whole = _count(content, delimiter) == (len(header) - 1) * lines
    if not whole or frame.height + 1 != lines or frame.width != len(header):
        return None
    if frame.width == 1 and frame.to_series().null_count():  # blank lines, where there is no delimiter to count
        return None
    frame.columns = checked_names(header, where)
    return Rows(frame, pl.int_range(2, lines + 1, dtype=pl.UInt32, eager=True).alias("line"), ragged_rows())


def _by_lines(content: bytes, delimiter: str, where: str) -> Rows | None:
    """All rows by the engine, of the lines that hold one; None where a field may span lines or quotes are broken."""
    lines = pl.read_lines(content, row_index_name="number", row_index_offset=1)
    if lines.height != _count(content, "\n") + (not content.endswith(b"\n")):
        return None
    between = re.escape(delimiter)
    field = rf'(?:{_QUOTED}|[^"{between}]*)'
    quoted = b'"' in content
    if quoted and not lines["line"].str.contains(rf"^{field}(?:{between}{field})*$").all():
        return None
    bare = pl.col("line").str.replace_all(_QUOTED, "") if quoted else pl.col("line")
    lines = lines.filter(pl.col("line") != "").with_columns(
        found=bare.str.count_matches(delimiter, literal=True) + 1,
        is_blank=pl.col("line").str.strip_chars(_BLANKS) == "",
    )
    names = checked_names(next(csv.reader([lines["line"][0]], delimiter=delimiter)), where)
    fits = pl.col("found") == len(names)
    rows = lines.filter(fits)
    table = rows["line"].str.join("\n").item() + "\n"
    try:
        frame = pl.read_csv(table.encode(), separator=delimiter, infer_schema=False, new_columns=names)
    except pl.exceptions.PolarsError:
        return None
    if frame.shape != (rows.height - 1, len(names)):
        return None
    ragged = lines.filter(~fits & ((pl.col("found") > 1) | ~pl.col("is_blank"))).select(
        line="number", reason=fields_reason(pl.col("found"), len(names)), text="line"
    )
    numbers = rows["number"].slice(1).cast(pl.UInt32).alias("line")
    return Rows(empty_as_null(frame) if quoted else frame, numbers, ragged_rows(ragged))


def _count(content: bytes, character: str) -> int:
    """How often an ASCII character occurs: three times as fast as `bytes.count` where that is often."""
    cells = np.frombuffer(content, np.uint8)
    return sum(int(np.count_nonzero(cells[at : at + _STEP] == ord(character))) for at in range(0, len(cells), _STEP))


class _Lines(Iterator[str]):
    """The lines of a text, of which those of the row at hand can be given again."""

    def __init__(self, content: bytes) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.number = 0

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._text)
        self._row.append(line)
        self.number += 1
        return line

    def begin_row(self) -> int:
        """Forget the last row; the line where the next one begins."""
        self._row.clear()
        return self.number + 1

    def back_to_second_line(self) -> None:
        """Give all lines of the row again but the first."""
        again = self._row[1:]
        self._again.extendleft(reversed(again))
        self.number -= len(again)

    def first(self) -> str:
        """The first line of the row at hand."""
        return self._row[0].rstrip("\r\n")


def _exact(content: bytes, delimiter: str, where: str) -> Rows:
    """All rows by Python's `csv`."""
    lines, ragged = _Lines(content), list[tuple[int, int | None, str]]()
    records = _records(lines, delimiter, where)
    line, header = next(records)
    if header is None:
        raise InputError(f"{where}: a broken quote in the header, line {line}")
    names = checked_names(header, where)
    frames, numbers, batch = list[pl.DataFrame](), list[int](), list[list[str]]()
    for line, fields in records:
        if fields and len(fields) == len(names):
            batch.append(fields)
            numbers.append(line)
        elif fields is None or len(fields) > 1 or lines.first().strip(_BLANKS):
            ragged.append((line, len(fields) if fields else None, lines.first()[:SHAPE_LENGTH]))
        if len(batch) == _BATCH:
            frames.append(_table(names, batch))
            batch = []
    frames.append(_table(names, batch))
    told = pl.DataFrame(ragged, schema={"line": pl.UInt32, "found": pl.UInt32, "text": pl.String}, orient="row")
    reason = fields_reason(pl.col("found"), len(names)).fill_null("a broken quote")
    return Rows(empty_as_null(pl.concat(frames)), line_numbers(numbers), ragged_rows(told.with_columns(reason=reason)))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pl.DataFrame:
    return pl.DataFrame([pl.Series(name, [row[at] for row in rows], pl.String) for at, name in enumerate(names)])


def _records(lines: _Lines, delimiter: str, where: str) -> Iterator[tuple[int, list[str] | None]]:
    """Each row's first line and its fields; None instead of fields where quotes are broken."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.begin_row()
        try:
            fields = next(reader, None)
        except csv.Error as error:
            if _NEVER_CLOSED.search(str(error)):
                raise InputError(
                    f"{where}: a quote in the row of line {line} is never closed: is the file complete?"
                ) from None
            yield line, None
            # The quote may have swallowed rows: each later line is to be a row of its own.
            lines.back_to_second_line()
            continue
        if fields is None:
            return
        if fields:
            yield line, fields
