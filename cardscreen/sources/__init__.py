"""One file of a list's source → a table with the line of every row.

Whatever the format, no row is lost, filled up or taken for another: a list that is read almost right
releases some and blocks others.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from cardscreen.encodings import to_utf8
from cardscreen.errors import ConfigError, InputError
from cardscreen.sources.delimited import read_delimited, read_lines
from cardscreen.sources.objects import read_objects
from cardscreen.sources.rows import Rows, ragged_rows
from cardscreen.tables import DELIMITERS, first_line, is_url, no_such_file

_JSON = (".jsonl", ".ndjson")
_PACKED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "a zip or xlsx archive"}
_READABLE = ".csv, .tsv, .txt, .jsonl, .ndjson (each also with .gz or .zst behind), .xlsx, .parquet, .arrow"
_OF_TABLES: dict[str, Callable[[io.BytesIO], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".arrow": pl.read_ipc,
    ".ipc": pl.read_ipc,
    ".feather": pl.read_ipc,
}


@dataclass(frozen=True)
class SourceFile:
    """A file that was read.

    Attributes:
        frame: Its rows. Columns of text formats (CSV, XLSX, JSON Lines) are String, nothing stripped, null
            where empty; Parquet and Arrow IPC keep their own types.
        lines: UInt32, named line: where each row of `frame` begins. Line of a text file, whose header is 1;
            row of a sheet; number of the row, from 1, elsewhere.
        ragged: line (UInt32), reason (String), shape (String) of the rows that don't fit the table: too few
            or too many fields, broken quotes. They are not in `frame`.
        encoding: What a text file was read as; None for other files.
        sha256: Of the file as it lies on disk.
        size: Bytes on disk.
    """

    frame: pl.DataFrame
    lines: pl.Series
    ragged: pl.DataFrame
    encoding: str | None
    sha256: str
    size: int


def read_source(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    layout: Literal["table", "lines"] = "table",
) -> SourceFile:
    r"""Read one file of a source into memory.

    Args:
        path: File or URL of CSV, TSV, text or JSON Lines (perhaps in gzip or zstd), XLSX, Parquet, Arrow IPC.
        encoding: Of a text file; None tries UTF-8, GB18030 and UTF-16, strictly in this order.
        delimiter: Between the fields of a text file; None: by the file's ending.
        sheet: Of a spreadsheet, by name; None: the first.
        layout: "lines": one value a line, perhaps with ` # comment` behind, as the columns value and comment.

    Raises:
        InputError: There is no such file, it can't be read, or it is cut off.
        ConfigError: The ending is not one that can be read; no such encoding, delimiter or sheet.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "list.csv"
        >>> size = file.write_bytes("号码,原因\n13800138000,诈骗\n".encode("gb18030"))
        >>> source = read_source(file)
        >>> source.frame.row(0), source.lines.to_list(), source.encoding
        (('13800138000', '诈骗'), [2], 'gb18030')
    """
    name = os.fspath(path)
    where = _without_secret(name)
    form, packed = _form(name, where)
    raw = _bytes_of(name, where)
    with ThreadPoolExecutor(1) as beside:
        digest = beside.submit(lambda: hashlib.sha256(raw).hexdigest())
        used = None
        if form in _OF_TABLES:
            rows = _read_table(raw, form, where)
        elif form == ".xlsx":
            rows = _read_sheet(raw, sheet, where)
        else:
            content, used = to_utf8(_unpacked(raw, packed, where), encoding, where)
            rows = _read_text(content, form, delimiter, layout, where)
    return SourceFile(rows.frame, rows.lines, rows.ragged, used, digest.result(), len(raw))


def _form(name: str, where: str) -> tuple[str, str | None]:
    """A file's format and packing, by its ending."""
    endings = [ending.lower() for ending in Path(name).suffixes]
    packed = _PACKED.get(endings[-1]) if endings else None
    form = endings[-2 if packed else -1] if len(endings) > bool(packed) else ""
    is_text = form in DELIMITERS or form in _JSON
    if is_text or (not packed and (form in _OF_TABLES or form == ".xlsx")):
        return form, packed
    ending = "".join(endings[-2:] if packed else endings[-1:])
    raise ConfigError(f"{where}: files ending in {ending or 'nothing'!r} can't be read: give {_READABLE}")


def _bytes_of(name: str, where: str) -> bytes:
    """A file's content.

    Raises:
        InputError: There is no such file, or it can't be read.
    """
    try:
        if not is_url(name):
            return Path(name).read_bytes()
        from pyarrow.fs import FileSystem

        system, path = FileSystem.from_uri(name)
        with system.open_input_stream(path, compression=None) as stream:
            content: bytes = stream.read()
        return content
    except FileNotFoundError:
        raise InputError(f"there is no file {where!r}") if is_url(name) else no_such_file(name) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{where} can't be read: {_without_secret(first_line(error))}") from None


def _without_secret(text: str) -> str:
    """Text in which a URL may stand, without the user and password in that."""
    return re.sub(r"(?<=://)[^/@\s]*@", "…@", text)


def _unpacked(raw: bytes, packed: str | None, where: str) -> bytes:
    inside = next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), None)
    if packed is None:
        if inside:
            raise InputError(f"{where} is {inside} inside: is its ending right?")
        return raw
    import pyarrow as pa

    try:
        content: bytes = pa.input_stream(pa.py_buffer(raw), compression=packed).read()
    except (OSError, ValueError):
        hint = "is it complete?" if inside == packed else "is its ending right?"
        raise InputError(f"{where} can't be read as {packed}: {hint}") from None
    return content


def _read_text(content: bytes, form: str, delimiter: str | None, layout: str, where: str) -> Rows:
    if layout == "lines":
        return read_lines(content, where)
    if form in _JSON:
        return read_objects(content, where)
    return read_delimited(content, delimiter or DELIMITERS[form], where)


def _read_sheet(raw: bytes, sheet: str | None, where: str) -> Rows:
    from cardscreen.sources.sheets import read_sheet  # the reader is only loaded for spreadsheets

    return read_sheet(raw, sheet, where)


def _read_table(raw: bytes, form: str, where: str) -> Rows:
    try:
        frame = _OF_TABLES[form](io.BytesIO(raw))
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise InputError(f"{where} can't be read as {form[1:]}: is it complete? ({first_line(error)})") from None
    lines = pl.int_range(1, frame.height + 1, dtype=pl.UInt32, eager=True).alias("line")
    return Rows(frame, lines, ragged_rows())
