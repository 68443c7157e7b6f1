"""JSON Lines: one object a line, every value as the text that it was written as.

The engine's own reader gives 1.50 as 1.5 and lists as text, so that neither can be told from what the
file says. Python's `json` hands over the digits.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from cardscreen.cleaning import SHAPE_LENGTH
from cardscreen.errors import InputError
from cardscreen.sources.rows import Rows, empty_as_null, line_numbers, ragged_rows, refuse_empty

_BATCH = 50_000  # rows


class _SaidTwice(ValueError):
    """A key of an object is there twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _SaidTwice
    return found


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_object)
_NESTED = "a value is a list or an object"
_NO_OBJECT = "not a JSON object"


def read_objects(content: bytes, where: str) -> Rows:
    """A column for each key of any line's object, from UTF-8 text; null where a line lacks the key.

    Raises:
        InputError: The file is empty, or no line of it is an object.
    """
    refuse_empty(content, where)
    ragged, lines = list[tuple[int, str, str]](), list[int]()
    frames, batch = list[pl.DataFrame](), list[dict[str, str | None]]()
    for line, written in enumerate(io.BytesIO(content), 1):
        text = written.decode()
        if not text.strip():
            continue
        found = _fields(text)
        if isinstance(found, str):
            ragged.append((line, found, text[:SHAPE_LENGTH].rstrip()))
            continue
        lines.append(line)
        batch.append(found)
        if len(batch) == _BATCH:
            frames.append(_table(batch))
            batch = []
    frame = pl.concat([*frames, _table(batch)], how="diagonal")
    if not frame.width:
        raise InputError(f"{where}: no line is a JSON object with values: is it JSON Lines?")
    told = pl.DataFrame(ragged, schema=["line", "reason", "text"], orient="row")
    return Rows(empty_as_null(frame), line_numbers(lines), ragged_rows(told))


def _fields(text: str) -> dict[str, str | None] | str:
    """An object's values as text, or why there are none."""
    try:
        found = _DECODER.decode(text)
    except _SaidTwice:
        return "a key is said twice"
    except (ValueError, RecursionError):
        return _NO_OBJECT
    if not isinstance(found, dict):
        return _NO_OBJECT
    for key, value in found.items():
        if isinstance(value, (list, dict)):
            return _NESTED
        if isinstance(value, bool):
            found[key] = "true" if value else "false"
    # Half of a surrogate pair is no character: such text is cut off within its escapes.
    return _NO_OBJECT if "\\ud" in text.lower() and not _is_text(found) else found


def _is_text(found: dict[str, Any]) -> bool:
    try:
        "".join([*found, *filter(None, found.values())]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _table(rows: Iterable[dict[str, str | None]]) -> pl.DataFrame:
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame({name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names})
