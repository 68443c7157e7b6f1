"""How text files and spreadsheets are to be read, and where whoever is told of a mistake would say so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cardscreen.foundation.bounds import AS_THEY_ARE, Held
from cardscreen.foundation.errors import ConfigError

#: How a caller of `cs.screen` gives an option.
IN_PYTHON = "give {option}={value}"


@dataclass(frozen=True)
class Reading:
    """What a caller says of a file.

    Attributes:
        encoding: Of text; None tries UTF-8, GB18030 and UTF-16, strictly.
        delimiter: Between the fields of text; None: by the file's ending.
        sheet: Of a spreadsheet, by name; None: the first.
        header_row: The line of a text, or row of a sheet, that names the columns; None: the first that is not empty.
            Several that follow each other: a column's name is what all of them say, with blanks between.
        header: Whether there is a header; else the columns are named 1, 2 and so on.
        comment: What lines of a text, and rows of a sheet, begin with that are no rows.
        held: How much the file may hold.
        saying: How this caller says an option, with places for `{option}`, or as a `{flag}`, and `{value}`; empty:
            he has none.

    Example:
        >>> Reading(saying="say {option} = {value} under [accounts]").say("delimiter", ";")
        'say delimiter = ";" under [accounts]'
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | Sequence[int] | None = None
    saying: str = ""
    header: bool = True
    comment: str | None = None
    held: Held = AS_THEY_ARE

    def __post_init__(self) -> None:
        """Check the options."""
        for name in ("encoding", "delimiter", "sheet", "comment"):
            if not isinstance(getattr(self, name), str | None):
                raise ConfigError(f"{name} is {getattr(self, name)!r}: give text")
        try:
            known_rows(self.header_row)
        except ValueError as error:
            raise ConfigError(f"header_row is {self.header_row!r}: {error}") from None
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ConfigError(f"the delimiter {self.delimiter!r} is not one character, or one that has another meaning")

    @property
    def header_rows(self) -> Sequence[int]:
        """The lines or rows that are said to name the columns; none where it is the first that is not empty."""
        if self.header_row is None:
            return ()
        return (self.header_row,) if isinstance(self.header_row, int) else tuple(self.header_row)

    @property
    def is_of_first_line(self) -> bool:
        """Whether a text's first line names the columns, and every other one may be a row."""
        return self.header and not self.header_rows and not self.comment

    def say(self, option: str, value: object) -> str:
        """How to say an option; empty where there is no way."""
        flag = f"--{option.replace('_', '-')}"
        return self.saying.format(option=option, flag=flag, value=json.dumps(value, ensure_ascii=False))


def known_rows(rows: int | Sequence[int] | None) -> None:
    """Check the number of a header's row, or of its rows.

    Raises:
        ValueError: They are no lines, or don't follow each other.
    """
    several: list[Any] = list(rows) if isinstance(rows, (list, tuple)) else [1 if rows is None else rows]
    if not several or any(type(row) is not int or row < 1 for row in several):
        raise ValueError("give the number of a line, from 1")
    if any(below != row + 1 for row, below in pairwise(several)):
        raise ValueError("give lines that follow each other, such as [2, 3]")
