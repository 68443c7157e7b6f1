"""Where in a TOML file each key, table and element stands: `tomllib` keeps no positions.

The text is one that `tomllib` has read, so that only what moves a place has to be understood here: headers, keys,
and where values end.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections import Counter

from cardscreen.foundation.bounds import TOML_DEPTH, TOML_SIZE, TOML_VALUES

#: Keys and, from 0, indexes on the way to a setting: `("rules", 2, "score")`.
Place = tuple[str | int, ...]

_GAPS = re.compile(r"(?:\s|#[^\n]*)*")
_BETWEEN = re.compile(r"(?:[\s,]|#[^\n]*)*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_BLANKS = re.compile(r"[ \t]*")
_KEY = re.compile(r"""(?P<bare>[A-Za-z0-9_-]+)|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXT = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL
)
_OTHER = re.compile(r"[^,\]}#\n]+")
#: All that can hold what looks like a mark, and is none; and the marks. Nothing is looked at twice.
_MARKS = re.compile(
    r'''"""(?:[^\\"]|\\.|"(?!""))*+(?:"{3,5}|\Z)|\'\'\'(?:[^']|'(?!\'\'))*+(?:'{3,5}|\Z)|"(?:[^"\\\n]|\\.)*+"?'''
    r"""|'[^'\n]*+'?|\#[^\n]*+|(?P<mark>[][{}=.,\n])""",
    re.DOTALL,
)
_OPEN, _CLOSE, _BEGIN, _END = (re.compile(re.escape(mark)) for mark in "[]{}")


def lines_of(text: str) -> dict[Place, int]:
    r"""The line, from 1, on which each setting is named; of a table its header, or the first key in it.

    Args:
        text: TOML that `tomllib` accepts.

    Raises:
        ValueError: It is no TOML.

    Example:
        >>> lines_of("[levels]\nhigh = 70\n[[rules]]\nwhen = { kind = 'card' }")[("rules", 0, "when", "kind")]
        4
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def too_much(text: str) -> tuple[int, str] | None:
    """The line, and what is too much there, of a text that `tomllib` and others would take too long for.

    It need be no TOML: of that the rest tells nothing, since `tomllib` reads no further than to the first mistake.
    """
    if len(text) > TOML_SIZE:
        return text.count("\n", 0, TOML_SIZE) + 1, f"{TOML_SIZE:,} characters"
    deep, dots, values = 0, 0, 0
    for each in _MARKS.finditer(text):
        mark = each["mark"]
        if mark is None:
            continue
        dots = dots + 1 if mark == "." else 0
        deep += (mark in "[{") - (mark in "]}")
        values += mark in "=[,"
        if deep + dots > TOML_DEPTH or values > TOML_VALUES:
            line = text.count("\n", 0, each.start()) + 1
            deepest = f"{TOML_DEPTH} tables, lists and parts of a key in each other"
            return line, deepest if values <= TOML_VALUES else f"{TOML_VALUES:,} keys and values"
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Place, int] = {}
        self._ends = [end.end() for end in re.finditer("\n", text)]
        self._tables: Counter[Place] = Counter()  # how many there are so far of each [[table]]

    def document(self) -> None:
        table: Place = ()
        self._take(_GAPS)
        while self.at < len(self.text):
            if self._take(_OPEN):
                table = self._header()
            else:
                self._entry(table)
            self._take(_GAPS)

    def _take(self, what: re.Pattern[str]) -> str:
        matched = what.match(self.text, self.at)
        if matched is None:
            return ""
        self.at = matched.end()
        return matched.group()

    def _line(self) -> int:
        return bisect_right(self._ends, self.at) + 1

    def _header(self) -> Place:
        line, several = self._line(), bool(self._take(_OPEN))
        *outer, name = self._keys()
        self._take(_CLOSE)
        place: Place = ()
        for key in outer:
            place = (*place, key)
            self.lines.setdefault(place, line)
            if place in self._tables:
                place = (*place, self._tables[place] - 1)
        place = (*place, name)
        if several:
            self._take(_CLOSE)
            self.lines.setdefault(place, line)
            self._tables[place] += 1
            place = (*place, self._tables[place] - 1)
        self.lines[place] = line
        return place

    def _keys(self) -> list[str]:
        """The parts of a dotted key."""
        self._take(_BLANKS)
        keys = []
        while True:
            if not (key := self._take(_KEY)):
                raise ValueError("no TOML")
            keys.append(tomllib.loads(f"key = {key}")["key"] if key[:1] in ("'", '"') else key)
            if not self._take(_DOT):
                self._take(_BLANKS)
                return keys

    def _entry(self, place: Place) -> None:
        line = self._line()
        for key in self._keys():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self._take(_EQUALS)
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._take(_OPEN):
            self._array(place)
        elif self._take(_BEGIN):
            self._take(_BETWEEN)
            while not self._take(_END):
                self._entry(place)
                self._take(_BETWEEN)
        elif not (self._take(_TEXT) or self._take(_OTHER)):
            raise ValueError("no TOML")

    def _array(self, place: Place) -> None:
        number = 0
        self._take(_BETWEEN)
        while not self._take(_CLOSE):
            self.lines[*place, number] = self._line()
            self._value((*place, number))
            self._take(_BETWEEN)
            number += 1
