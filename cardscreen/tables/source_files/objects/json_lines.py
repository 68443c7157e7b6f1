"""JSON Lines: one object a line, every value as the text that it was written as.

The engine's own reader gives 1.50 as 1.5 and lists as text, so that neither can be told from what the
file says. Python's `json` hands over the digits.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Collection
from typing import Any

import polars as pl

from cardscreen.foundation.bounds import AS_THEY_ARE, Held
from cardscreen.foundation.errors import InputError, without_numbers
from cardscreen.tables.cells import SHAPE_LENGTH
from cardscreen.tables.source_files.rows import Rows, empty_as_null, line_numbers, ragged_rows, refuse_empty

_BATCH, _BATCH_SIZE = 50_000, 1 << 22  # rows, and characters


class _SaidTwice(ValueError):
    """A key of an object is there twice: the one that is named."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _SaidTwice(key)
    return fields


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object)
_NO_OBJECT = "not a JSON object"
_NAME_LENGTH = 40  # characters of a column's name that are shown


def read_objects(content: bytes, where: str, columns: Collection[str] | None = None, held: Held = AS_THEY_ARE) -> Rows:
    """A column for each key of any line's object, from UTF-8 text; null where a line lacks the key.

    Args:
        content: The text.
        where: The file's name for messages.
        columns: Those that are wanted: lists and objects in others are passed over, and of these nothing but the
            names is kept, as columns of nulls; None: all.
        held: How many different keys there may be.

    Raises:
        InputError: The file is empty, no line of it is an object, a wanted column holds nothing but lists and
            objects, or there are too many different keys.
    """
    refuse_empty(content, where)
    ragged, lines, nested = list[tuple[int, str, str]](), list[int](), dict[str, int]()
    table = _Table(columns)
    for line, written in enumerate(io.BytesIO(content), 1):
        text = written.decode()
        if not text.strip():
            continue
        fields = _fields(text, columns, nested, line)
        if isinstance(fields, str):
            ragged.append((line, fields, text[:SHAPE_LENGTH].rstrip()))
            continue
        lines.append(line)
        table.names.update(dict.fromkeys(fields))
        if len(table.names) > held.bounds.columns:  # before columns are made of them
            raise held.past(where, "columns")
        table.add(fields, len(text))
    frame = table.frame()
    if lost := next((name for name in nested if name not in frame.columns), None):
        where_lost = f"column {_shown(lost)} holds lists or objects, the first in line"
        raise InputError(f"{where}: {where_lost} {nested[lost]:,}: name a column of text or numbers")
    if not frame.width and (told := next((each for each in ragged if each[1] != _NO_OBJECT), None)):
        raise InputError(f"{where}: no line can be read: in line {told[0]:,}, {told[1]}")
    if not frame.width:
        raise InputError(f"{where}: no line is a JSON object with values: is it JSON Lines?")
    rows = pl.DataFrame(ragged, schema=["line", "reason", "text"], orient="row")
    is_cut = ragged and ragged[-1][0] == line and ragged[-1][1] == _NO_OBJECT and text.startswith("{")
    cut = f"the last line, {line:,}, is half an object" if is_cut and not text.endswith("\n") else ""
    return Rows(frame.with_columns(empty_as_null()), line_numbers(lines), ragged_rows(rows), cut)


def _shown(name: str) -> str:
    """A key, as messages show it."""
    return repr(without_numbers(name)[:_NAME_LENGTH])


def _fields(
    text: str, columns: Collection[str] | None, nested: dict[str, int], line: int
) -> dict[str, str | None] | str:
    """An object's values as text, or why there are none; `nested` takes the wanted columns that hold objects."""
    try:
        fields = _DECODER.decode(text)
    except _SaidTwice as error:
        return f"the key {_shown(str(error))} is said twice"
    except (ValueError, RecursionError):
        return _NO_OBJECT
    if not isinstance(fields, dict):
        return _NO_OBJECT
    if deep := {key: None for key, value in fields.items() if isinstance(value, (list, dict))}:
        wanted = [key for key in deep if columns is None or key in columns]
        nested.update({key: nested.get(key, line) for key in wanted})
        if wanted:
            return f"{_shown(wanted[0])} is a list or an object"
        fields = {key: value for key, value in fields.items() if key not in deep}
    for key, value in fields.items():
        if isinstance(value, bool):
            fields[key] = "true" if value else "false"
    # Half of a surrogate pair is no character: such text is cut off within its escapes.
    return _NO_OBJECT if "\\ud" in text.lower() and not _is_text(fields) else fields


def _is_text(fields: dict[str, Any]) -> bool:
    try:
        "".join([*fields, *filter(None, fields.values())]).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Table:
    """Objects as a table; those of a batch are held as such, and of columns that are not wanted the names.

    Attributes:
        names: All keys.
    """

    def __init__(self, wanted: Collection[str] | None) -> None:
        self.names = dict[str, None]()
        self._wanted, self._frames = wanted, list[pl.DataFrame]()
        self._rows, self._size = list[dict[str, str | None]](), 0

    def add(self, row: dict[str, str | None], size: int) -> None:
        """One more object, which has so many characters."""
        self._rows.append(row)
        self._size += size
        if len(self._rows) == _BATCH or self._size > _BATCH_SIZE:
            self._lay_aside()

    def frame(self) -> pl.DataFrame:
        """All of them."""
        self._lay_aside()
        return pl.concat(self._frames, how="diagonal")

    def _lay_aside(self) -> None:
        rows, names = self._rows, dict.fromkeys(name for row in self._rows for name in row)
        is_kept = {name: self._wanted is None or name in self._wanted for name in names}
        columns = (
            pl.Series(name, [row.get(name) for row in rows], pl.String)
            if is_kept[name]
            else pl.repeat(None, len(rows), dtype=pl.Null, eager=True).alias(name)
            for name in names
        )
        self._frames.append(pl.DataFrame(list(columns)))
        self._rows, self._size = [], 0
