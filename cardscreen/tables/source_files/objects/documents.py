"""JSON and XML documents: the records within them, each a row, with what the objects around it say."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cardscreen.foundation.bounds import AS_THEY_ARE, Held
from cardscreen.foundation.errors import InputError
from cardscreen.tables.source_files.objects.markup import Elements, go_through
from cardscreen.tables.source_files.rows import Rows, empty_as_null, ragged_rows, refuse_empty

#: What the column of records is called that are no objects, but text or numbers alone.
ALONE = "value"
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")
_DEEPEST = 100  # levels

Record = Mapping[str, str | None]


def read_documents(
    content: bytes,
    form: str,
    records: Sequence[str],
    where: str,
    columns: Collection[str] | None = None,
    held: Held = AS_THEY_ARE,
) -> Rows:
    """A row for each record of a document, and a column for each of its plain values.

    Args:
        content: The text, UTF-8.
        form: `.json` or `.xml`.
        records: Paths to the records, by the names on the way, with dots between: `Event.Attribute`; lists on the way
            are gone through, and the root of an XML document is left out. A record that is text or a number alone is
            the column `value`. Values of the objects around it are columns by their path: `Event.date`.
        where: The file's name for messages.
        columns: Those that are wanted; None: all.
        held: How many records there may be.

    Raises:
        InputError: The text is no such document, has none of these records, or too many.
    """
    refuse_empty(content, where)
    root = _xml(content, where) if form == ".xml" else _json(content, where)
    rows = list[Record]()
    for path in records:
        for record in _records(root, path.split("."), "", {}):
            rows.append(record if columns is None else {name: record.get(name) for name in columns if name in record})
            if len(rows) > held.bounds.rows:
                raise held.past(where, "rows")
    if not rows:
        raise InputError(f"{where}: the document has no {' or '.join(records)}: name the place of its records")
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {name: [row.get(name) for row in rows] for name in names}
    frame = pl.DataFrame(values, schema=dict.fromkeys(names, pl.String))
    lines = pl.int_range(1, len(rows) + 1, dtype=pl.UInt32, eager=True).alias("line")
    return Rows(frame.with_columns(empty_as_null()), lines, ragged_rows())


def _json(content: bytes, where: str) -> Any:
    try:
        return json.loads(content, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        place = f", line {error.lineno:,}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{where} is no JSON document{place}: is it complete?") from None


def _xml(content: bytes, where: str) -> Any:
    nested = _Nested(where)
    go_through(_DECLARATION.sub(b"", content, count=1), nested)  # the text is UTF-8 by now, whatever it says
    (root,) = nested.opened[0].values()
    return root[0]


class _Nested(Elements):
    """What has been found within each element that is open, and around all of them: name → values."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.opened: list[dict[str, list[Any]]] = [{}]
        self._text: list[str] = []

    def start(self, *_: Any) -> None:
        self.opened.append({})
        self._text.clear()
        if len(self.opened) > _DEEPEST:
            raise InputError(f"{self.where}: elements lie more than {_DEEPEST} levels deep")

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        fields, name = self.opened.pop(), tag.rpartition("}")[2]  # without its name space
        self.opened[-1].setdefault(name, []).append(fields or "".join(self._text).strip())
        self._text.clear()


def _records(value: Any, path: Sequence[str], place: str, around: Record) -> Iterator[Record]:
    """The records at the end of a path, with the plain values of what they are in."""
    if isinstance(value, list):
        for each in value:
            yield from _records(each, path, place, around)
    elif not path:
        own = _plain(value) if isinstance(value, dict) else {ALONE: _text(value)}
        yield {**around, **own}
    elif isinstance(value, dict) and path[0] in value:
        inner = {f"{place}{name}": text for name, text in _plain(value).items()} if place else {}
        yield from _records(value[path[0]], path[1:], f"{place}{path[0]}.", {**around, **inner})


def _plain(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """The fields that are text or numbers; in XML each has a list, of one."""
    alone = {name: each[0] if isinstance(each, list) and len(each) == 1 else each for name, each in fields.items()}
    return {name: _text(each) for name, each in alone.items() if not isinstance(each, list | dict)}


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
