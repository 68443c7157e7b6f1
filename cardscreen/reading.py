"""How text files and spreadsheets are to be read, and where whoever is told of a mistake would say so."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cardscreen.errors import ConfigError

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
        saying: How this caller says an option, with places for `{option}`, or as a `{flag}`, and `{value}`; empty:
            he has none.

    Example:
        >>> Reading(saying="say {option} = {value} under [accounts]").say("delimiter", ";")
        'say delimiter = ";" under [accounts]'
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    saying: str = ""

    def __post_init__(self) -> None:
        """Check the options."""
        for name in ("encoding", "delimiter", "sheet"):
            if not isinstance(getattr(self, name), str | None):
                raise ConfigError(f"{name} is {getattr(self, name)!r}: give text")
        if self.header_row is not None and (type(self.header_row) is not int or self.header_row < 1):
            raise ConfigError(f"header_row is {self.header_row!r}: give the number of a line, from 1")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ConfigError(f"the delimiter {self.delimiter!r} is not one character, or one that has another meaning")

    def say(self, option: str, value: object) -> str:
        """How to say an option; empty where there is no way."""
        flag = f"--{option.replace('_', '-')}"
        return self.saying.format(option=option, flag=flag, value=json.dumps(value, ensure_ascii=False))
