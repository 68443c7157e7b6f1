"""A text that comes in blocks, cut where rows end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: Bytes of a text that are worked on at once: so many stay near the processor.
BLOCK = 1 << 22
#: What ends a line.
BREAK = re.compile(rb"\r\n|\r|\n")
_LONGEST = 1 << 25  # bytes without the end of a row, past which a quote is taken for a broken one


def after(blocks: Iterable[bytes], lines: int) -> Iterator[bytes]:
    """A text from some line on."""
    blocks, text = iter(blocks), b""
    for block in blocks if lines else ():
        text += block
        parts = BREAK.split(text, maxsplit=lines)
        # A return at the end may be the first half of a line break.
        if len(parts) > lines and (parts[-1] or not text.endswith(b"\r")):
            yield parts[-1]
            break
    yield from blocks


class Pieces(Iterator[bytes]):
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
