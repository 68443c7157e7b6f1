"""One file of a list's source → a table with the line of every row.

Whatever the format, no row is lost, filled up or taken for another: a list that is read almost right
releases some and blocks others.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from cardscreen.foundation.bounds import Held
from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.tables.encodings import to_utf8
from cardscreen.tables.footers import refuse_large, refuse_large_texts
from cardscreen.tables.libraries import ENGINE_ERRORS, table_of
from cardscreen.tables.paths import DELIMITERS, endings_of, without_secret
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files.comments import without_comments
from cardscreen.tables.source_files.delimited import read_delimited, read_lines
from cardscreen.tables.source_files.objects.documents import read_documents
from cardscreen.tables.source_files.objects.json_lines import read_objects
from cardscreen.tables.source_files.packed import Digested, ahead, blocks_of, opened
from cardscreen.tables.source_files.plain import Plain
from cardscreen.tables.source_files.rows import Rows, has_end, ragged_rows
from cardscreen.tables.source_files.sheets import read_sheet

_AS_IT_IS = Reading()
_JSON = (".jsonl", ".ndjson")
_DOCUMENTS = (".json", ".xml")
_READABLE = (
    ".csv, .tsv, .txt, .jsonl, .ndjson, .json, .xml (each also with .gz or .zst behind), .xlsx, .parquet, .arrow"
)
_NO_END = "the last line has no end: was the file cut off?"
_OF_TABLES = {".parquet": "parquet", ".arrow": "ipc", ".ipc": "ipc", ".feather": "ipc"}


@dataclass(frozen=True)
class SourceFile:
    """A file that was read.

    Attributes:
        frame: Its rows. Columns of text formats (CSV, XLSX, JSON Lines) are String, nothing stripped, null
            where empty; Parquet and Arrow IPC keep their own types.
        lines: UInt32, named line: where each row of `frame` begins. Line of a text file, whose header is 1;
            row of a sheet; number of the row, from 1, elsewhere.
        ragged: line (UInt32), reason, shape, digits (String: those in the row's beginning, never to be shown) of the
            rows that don't fit the table: too few or too many fields, broken quotes. They are not in `frame`.
        encoding: What a text file was read as; None for other files.
        sha256: Of the file as it lies on disk.
        cut: How it ends in the midst of a row; empty where it does not.
        notes: What whoever gave the file should know of how it was read, in sentences.
    """

    frame: pl.DataFrame
    lines: pl.Series
    ragged: pl.DataFrame
    encoding: str | None
    sha256: str
    cut: str = ""
    notes: Sequence[str] = ()


def read_source(
    path: str | os.PathLike[str],
    reading: Reading = _AS_IT_IS,
    *,
    layout: Literal["table", "lines"] = "table",
    columns: Collection[str] | None = None,
    records: Sequence[str] = (),
) -> SourceFile:
    r"""Read one file of a source into memory.

    Args:
        path: File or URL of CSV, TSV, text, JSON Lines, JSON, XML (perhaps in gzip or zstd), XLSX, Parquet, Arrow IPC.
        reading: How text and sheets are to be read.
        layout: "lines": one value a line, perhaps with ` # comment` behind, as the columns value and comment.
        columns: Those that are wanted: what is nested in others is passed over in JSON Lines; None: all.
        records: Of a JSON or XML document, the paths of its records, as for `objects.documents.read_documents`.

    Raises:
        InputError: There is no such file, it can't be read, it is cut off, or holds more than `reading.held` says.
        ConfigError: The ending is not one that can be read; no such encoding, delimiter or sheet; or the file names
            its columns, whatever is said.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "list.csv"
        >>> size = file.write_bytes("号码,原因\n13800138000,诈骗\n".encode("gb18030"))
        >>> source = read_source(file)
        >>> source.frame.row(0), source.lines.to_list(), source.encoding
        (('13800138000', '诈骗'), [2], 'gb18030')
    """
    name = os.fspath(path)
    where = without_secret(name)
    form = _form(name, where)
    if bool(records) != (form in _DOCUMENTS):
        what = "say where its records are" if form in _DOCUMENTS else "it has rows, and needs no path to records"
        raise ConfigError(f"{where}: {what} (records, in the feed)")
    if not reading.header and (form in _DOCUMENTS or layout == "lines" or form in _JSON or form in _OF_TABLES):
        raise ConfigError(f"{where} names its columns itself: name those that are meant, instead of their places")
    with opened(name) as stream:
        source, used = Digested(stream), None
        if form in _OF_TABLES:
            rows = _read_table(reading.held.whole(source, where), form, reading.held, where)
        elif form == ".xlsx":
            rows = read_sheet(reading.held.whole(source, where), reading, where)
        else:
            delimiter = reading.delimiter or DELIMITERS.get(form, ",")
            blocks = reading.held.text(ahead(blocks_of(name, source)), delimiter, where)
            plain = Plain(delimiter)
            content, used = to_utf8(_joined(plain.over(blocks)), reading.encoding, where)
            if form in _DOCUMENTS:
                rows = read_documents(content, form, records, where, columns, reading.held)
            else:
                is_plain = plain.holds and used == "utf-8" and reading.is_of_first_line
                rows = _read_text(content, form, reading, layout, where, columns, is_plain=is_plain)
        source.finish()
    digest = source.sha256.hexdigest()
    return SourceFile(rows.frame, rows.lines, rows.ragged, used, digest, rows.cut, rows.notes)


def _form(name: str, where: str) -> str:
    """A file's format, by its ending."""
    form, packed = endings_of(name)
    is_text = form in DELIMITERS or form in _JSON or form in _DOCUMENTS
    if is_text or (not packed and (form in _OF_TABLES or form == ".xlsx")):
        return form
    endings = [ending.lower() for ending in Path(name).suffixes]
    ending = "".join(endings[-2:] if packed else endings[-1:])
    raise ConfigError(f"{where}: files ending in {ending or 'nothing'!r} can't be read: give {_READABLE}")


def _joined(blocks: Iterable[bytes]) -> bytes:
    """The blocks as one; each is let go of as it comes, which `bytes.join` would not do."""
    whole = io.BytesIO()
    whole.writelines(blocks)
    return whole.getvalue()


def _read_text(
    content: bytes,
    form: str,
    reading: Reading,
    layout: str,
    where: str,
    columns: Collection[str] | None,
    *,
    is_plain: bool,
) -> Rows:
    notes = [] if has_end(content) else [_NO_END]
    content = without_comments(content, reading.comment, quotes=layout == "table" and form not in _JSON)
    if layout == "lines":
        rows = read_lines(content, where)
    elif form in _JSON:
        rows = read_objects(content, where, columns, reading.held)
    else:
        rows = read_delimited(content, reading.delimiter or DELIMITERS[form], where, reading, is_plain=is_plain)
    return rows._replace(notes=notes)


def _read_table(raw: bytes, form: str, held: Held, where: str) -> Rows:
    try:
        refuse_large(raw, _OF_TABLES[form], held, where)
        frame = table_of(raw, _OF_TABLES[form])
    except (*ENGINE_ERRORS, ValueError) as error:  # Arrow's are of these, too
        raise InputError(f"{where} can't be read as {form[1:]}: is it complete? ({first_line(error)})") from None
    refuse_large_texts(frame, held, where)
    lines = pl.int_range(1, frame.height + 1, dtype=pl.UInt32, eager=True).alias("line")
    return Rows(frame, lines, ragged_rows())
