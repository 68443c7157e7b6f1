"""Whether any of many card numbers stands in full in files or in a text, however it is grouped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cardscreen.foundation.errors import without_cards

#: Digits with a few signs between them, as many as the shortest card number has.
_DIGITS = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9]){11,}")
_SIGNS = re.compile(r"[^0-9]+")
_ASCII = {0xFF10 + digit: str(digit) for digit in range(10)}
_HEAD = 6


@dataclass
class Scan:
    """A search for card numbers.

    Attributes:
        numbers: How many are looked for.
        files: How many files were read.
        size: Their bytes.
        leaks: Where a number stood, one line for each; never the number.
    """

    numbers: int
    files: int = 0
    size: int = 0
    leaks: list[str] = field(default_factory=list)


class Searcher:
    """Looks for card numbers.

    Args:
        pans: The numbers, digits only.

    Example:
        >>> searcher = Searcher(["4111111111111111"])
        >>> [searcher.count(text) for text in ("4111-1111 1111.1111", "41111111****1111", "x=4111111111111111;")]
        [1, 0, 1]
    """

    def __init__(self, pans: Collection[str]) -> None:
        self._pans = frozenset(pans)
        self._heads = frozenset(pan[:_HEAD] for pan in pans)
        self._lengths = sorted({len(pan) for pan in pans})

    def count(self, text: str) -> int:
        """How many of the numbers stand in a text: plain, in groups, or in full-width digits."""
        return len(set(self._numbers_in(text.translate(_ASCII))))

    def _numbers_in(self, text: str) -> Iterator[str]:
        for run in _DIGITS.findall(text):
            digits = _SIGNS.sub("", run)
            for at in range(len(digits) - self._lengths[0] + 1):
                if digits[at : at + _HEAD] in self._heads:
                    yield from (
                        pan
                        for size in self._lengths
                        if (pan := digits[at : at + size]) in self._pans and len(pan) == size
                    )

    def scan(self, folder: Path, *, but: Collection[Path]) -> Scan:
        """Look into every byte of every file of a folder, and into every cell of its tables.

        Args:
            folder: Where to look; links are not followed.
            but: Files that hold the numbers rightly.
        """
        scan = Scan(len(self._pans))
        for file in sorted(folder.rglob("*")):
            if file.is_symlink() or not file.is_file() or file in but:
                continue
            content = file.read_bytes()
            scan.files, scan.size = scan.files + 1, scan.size + len(content)
            texts = [str(file.relative_to(folder)), *_texts(content)]
            if file.suffix == ".parquet":
                texts.append(pl.read_parquet(file).write_ndjson())  # what is compressed in it
            count = max(map(self.count, texts))
            scan.leaks += [f"{count:,} in {without_cards(texts[0])}"] if count else []
        return scan


def _texts(content: bytes) -> Iterator[str]:
    """Bytes as text: as UTF-8 where they are; else byte by byte, and what of them is UTF-8."""
    try:
        yield content.decode("utf-8")
    except UnicodeDecodeError:
        yield content.decode("latin-1")
        yield content.decode("utf-8", errors="ignore")
