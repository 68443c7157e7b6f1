"""Whether a text is a table of which each line is a row that fits, so that the engine can read it at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import numpy as np
import polars as pl

from cardscreen.tables.source_files.rows import name_sought, stripped_name

NEWLINE = ord("\n")
#: Beginnings of text that the engine takes for packed (RFC 1950, 2.2), and would unpack.
LIKE_PACKED = (b"x\1", b"x^", b"x\xda")
_LONGEST = 1 << 20  # bytes of a header


class Plain:
    """Looks at a text on its way: no quote, no return, one row of as many fields in each line, the header only once.

    Attributes:
        holds: Whether all that has passed so far is so.
    """

    def __init__(self, delimiter: str) -> None:
        self.holds = delimiter.isascii()
        self._delimiter = delimiter
        self._width, self._name = 0, b""
        self._marks, self._tail = b"", b""  # of the row, and of the text, that go on in the next block

    def over(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks as they are; when all have passed, `holds` speaks of the whole text."""
        last = b""
        for block in blocks:
            self.holds = self.holds and self._goes_on(block)
            last = block[-1:]
            yield block
        rest = b"" if last == b"\n" else self._delimiter.encode() * (self._width - 1)
        self.holds = self.holds and self._width > 1 and self._marks == rest

    def _goes_on(self, block: bytes) -> bool:
        if b'"' in block or b"\r" in block:
            return False
        begin = 0
        if not self._width:
            block = self._tail + block
            begin = block.find(b"\n") + 1
            if not begin:
                self._tail = block
                return len(block) < _LONGEST
            self._tail = b""
            cells = block[: begin - 1].decode(errors="replace").split(self._delimiter)
            names = list(map(stripped_name, cells))
            self._width, self._name = len(names), name_sought(names)
            is_sound = self._width > 1 and len(set(names)) == len(names) and all(names)
            if not is_sound or block.startswith(LIKE_PACKED):
                return False
        marks = self._marks + block.translate(None, but(self._delimiter))
        whole = len(marks) // self._width * self._width
        self._marks = marks[whole:]
        return are_rows(marks[:whole], self._width) and not self._names_again(block, begin)

    def _names_again(self, block: bytes, begin: int) -> bool:
        """Whether the header's longest name stands in the text from some place of the next block on."""
        name, size = self._name, len(self._name)
        between = self._tail + block[begin : begin + size]
        self._tail = (self._tail + block[max(begin, len(block) - size) :])[-size:]
        return name in between or (all(byte in block for byte in set(name)) and block.find(name, begin) >= 0)


def scan_plain(source: str | bytes, delimiter: str, names: Sequence[str], line: str) -> pl.LazyFrame:
    """The columns of a text that is plain, or of the file in which it is, and the line of each row, by the engine."""
    return pl.scan_csv(
        source,
        separator=delimiter,
        quote_char=None,
        infer_schema=False,
        with_column_names=lambda _: list(names),
        row_index_name=line,
        row_index_offset=2,
        glob=False,
    )


def are_rows(marks: bytes, width: int) -> bool:
    """Whether of delimiters and line breaks each nth one, and no other, is a line break."""
    is_end = np.frombuffer(marks, np.uint8).reshape(-1, width) == NEWLINE
    return bool(is_end[:, -1].all() and not is_end[:, :-1].any())


@cache
def but(delimiter: str) -> bytes:
    """All bytes but those of delimiters and line breaks."""
    return bytes(set(range(256)) - {ord(delimiter), NEWLINE})


def stands_in(text: bytes, word: bytes) -> bool:
    """Whether a word does; that one of its bytes does not is seen much sooner."""
    return all(byte in text for byte in set(word)) and word in text
