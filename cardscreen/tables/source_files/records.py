"""Rows with quotes that are broken, or of several lines: one after another, by Python's `csv`, strictly."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator

from cardscreen.foundation.errors import InputError

#: What `csv` says at the end of a text within quotes, or after more than a field can hold.
_NEVER_CLOSED = re.compile("unexpected end of data|field larger than")


class Lines(Iterator[str]):
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


def records(
    lines: Lines, delimiter: str, where: str, open_quotes: list[int] | None = None, *, is_last: bool, width: int | None
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
