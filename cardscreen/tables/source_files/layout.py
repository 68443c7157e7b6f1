"""Where rows and fields begin and end in delimited text, from its bytes, many at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.digits import Bytes, Flags
from cardscreen.foundation.lookup.digits import Rows as Places
from cardscreen.tables.source_files.plain import are_rows, but

_QUOTE, _NEWLINE, _RETURN = b'"\n\r'


class Layout(NamedTuple):
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


def whole_rows(text: bytes, delimiter: str, width: int) -> int:
    """How many rows there are in a text without quotes, if all of them fit; 0 where they don't, or may not."""
    marks = text.translate(None, but(delimiter))
    # In a table of one column, empty lines are no rows.
    fits = width > 1 and len(marks) % width == 0 and are_rows(marks, width)
    return len(marks) // width if fits else 0


def layout_of(text: bytes, delimiter: str, width: int) -> Layout | None:
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
    return Layout(starts, ends, _fields(ends, marks, width), is_blank, lines, len(breaks))


def _swallows_rows(cells: Bytes, starts: Places, ends: Places, breaks: Places, mark: int, width: int) -> bool:
    """Whether some row of several lines has the header's fields in each of them: see `Lines.are_rows`."""
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


def first_lines(content: bytes, sizes: npt.NDArray[np.int64]) -> pl.Series:
    """The first line of each of the rows that stand one after another."""
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    array = pa.LargeStringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(content))
    return pl.Series(pl.from_arrow(array)).str.extract(r"^([^\r\n]*)")
