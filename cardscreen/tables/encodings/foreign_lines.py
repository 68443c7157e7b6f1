"""The lines of a text that tell its encoding: those that are not ASCII, as many as are needed."""

from __future__ import annotations

import numpy as np

from cardscreen.foundation.bounds import count_of

#: How many bytes of lines that are not ASCII tell in which encoding a text is.
_ENOUGH = 1 << 16
#: How much of the ASCII before a character is looked at with it, at most.
_CONTEXT = 4096


class ForeignLines:
    """The first lines of a text that are not ASCII, with their numbers.

    No other encoding that texts come in has line ends within a character, nor what comes before digits in ASCII.
    """

    def __init__(self) -> None:
        self._lines: list[tuple[int, bytes]] = []
        self._line, self._begun, self._room = 1, b"", _ENOUGH

    @property
    def full(self) -> bool:
        """Whether more of the text would tell nothing new."""
        return self._room <= 0

    @property
    def lines(self) -> list[tuple[int, bytes]]:
        """The lines; the last one perhaps not whole."""
        begun = [] if self.full or self._begun.isascii() else [(self._line, self._begun)]
        return self._lines + begun

    def add(self, block: bytes, line: int) -> None:
        """Take what is needed of the next block, which begins in a line of that number."""
        if self.full:
            return
        if block.isascii() and self._begun.isascii():
            end = block.rfind(b"\n") + 1
            self._begun = (block[end:] if end else self._begun + block)[-_CONTEXT:]
            return
        text = self._begun + block
        end = text.rfind(b"\n") + 1
        self._take(text[:end], line)
        self._line, self._begun = line + count_of(b"\n", block), text[end:]
        if len(self._begun) > _ENOUGH:
            self._keep(self._line, self._begun)

    def _take(self, lines: bytes, line: int) -> None:
        foreign = np.flatnonzero(np.frombuffer(lines, np.int8) < 0)
        start, at = 0, 0
        while at < len(foreign) and not self.full:
            begin = lines.rfind(b"\n", 0, foreign[at]) + 1
            end = lines.find(b"\n", foreign[at])
            line, start = line + lines.count(b"\n", start, begin), begin
            self._keep(line, lines[begin:end])
            at = int(np.searchsorted(foreign, end))

    def _keep(self, line: int, content: bytes) -> None:
        if len(content) > _ENOUGH:
            ends = np.flatnonzero(np.frombuffer(content[:_ENOUGH], np.uint8) < ord("0"))
            content = content[: ends[-1] if len(ends) else 0]
            self._room = 0
        self._lines.append((line, content))
        self._room -= len(content)

    def joined(self) -> bytes:
        """The lines as one text."""
        return b"\n".join(content for _, content in self.lines)
