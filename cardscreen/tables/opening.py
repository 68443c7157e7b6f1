"""Opens what callers hand over: frames of any library, Arrow data, and files, as a Polars LazyFrame.

Text files are read with every column as text: type inference would drop leading zeros and turn long
card numbers into floats.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from cardscreen.foundation.cards.in_text import Found
from cardscreen.foundation.errors import (
    BadDate,
    BadHeader,
    CardscreenError,
    ConfigError,
    InputError,
    MissingColumn,
    UnclearEncoding,
    first_line,
)
from cardscreen.tables.encodings import decoded
from cardscreen.tables.footers import refuse_large_cells
from cardscreen.tables.libraries import ENGINE_ERRORS, columns_of, from_library, odd_types_in
from cardscreen.tables.partitions import partitions_of, refuse_drift, scan_partitioned
from cardscreen.tables.paths import DELIMITERS, endings_of, files_of, is_delta, is_url
from cardscreen.tables.reading import Reading
from cardscreen.tables.remote import Format, open_remote, text_at
from cardscreen.tables.source_files.delimited import Delimited
from cardscreen.tables.source_files.rows import Unread
from cardscreen.tables.source_files.text import LINE, MARKS, SHEET, Parts, TextFile, scan_files, scan_text

_ARROW = (".arrow", ".ipc", ".feather")
_FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    **dict.fromkeys(_ARROW, "ipc"),
    **dict.fromkeys([*DELIMITERS, SHEET], "text"),
}
#: What Polars, pandas and pyarrow call a single column.
_ONE_COLUMN = ("Series", "Array", "ChunkedArray")
_KNOWN = (
    ".parquet, .csv, .tsv, .txt (text also with .gz or .zst behind), .xlsx, .arrow, .ipc, .feather, "
    "or a Delta table's folder"
)
_AS_IT_IS = Reading()
_ACCOUNTS = "the accounts"  # what those who screen them call them


def open_table(source: Any, reading: Reading = _AS_IT_IS, *, marked: bool = False) -> pl.LazyFrame:
    """Any table as a LazyFrame; files stay unread, and streams flow when a query runs.

    Args:
        source: LazyFrame, DataFrame; pandas DataFrame; pyarrow Table, RecordBatch, RecordBatchReader or Dataset;
            DuckDB relation; DeltaTable; anything with `__arrow_c_stream__`; or a path, glob or URL of Parquet, CSV,
            TSV, Arrow IPC or Delta, or a list of paths; locally also XLSX and text in gzip or zstd. Folders named
            `key=value` give a column each.
        reading: How text files and sheets are to be read.
        marked: In tables of text, tell where each row stands, and keep rows that don't fit the table (`text.MARKS`);
            otherwise the first such row is an error.

    Raises:
        InputError: There is no such file, or it or the object can't be read; of text, when the query runs, if a row
            does not fit the table.
        ConfigError: The file's ending, or the object's type, is not one that can be read.
    """
    if isinstance(source, pl.LazyFrame):
        return source
    if isinstance(source, pl.DataFrame):
        return source.lazy()
    if (paths := _paths_in(source)) is not None:
        with explaining(source, reading):
            return _open_paths(paths, reading, marked=marked)
    if type(source).__name__ not in _ONE_COLUMN and (frame := from_library(source)) is not None:
        return frame
    raise ConfigError(f"cannot read a table from {type(source).__name__}: {_advice(source)}")


def _paths_in(source: Any) -> list[str] | None:
    """The paths that a caller gives; None where it is something else."""
    paths = source if isinstance(source, (list, tuple)) else [source]
    if not paths or not all(isinstance(each, (str, os.PathLike)) for each in paths):
        return None
    return [os.path.expanduser(os.fspath(path)) for path in paths]  # noqa: PTH111 - Path would tidy URLs


def local_files(source: Any) -> list[str]:
    """The files of text, Parquet and the like that a source of `open_table` names in the local file system."""
    paths = [path for path in _paths_in(source) or [] if not is_url(path) and not is_delta(path)]
    return [file for path in paths for file in files_of(path)]


def unread_sheets(source: Any, reading: Reading) -> dict[str, Unread]:
    """Of each workbook among the files of a source of `open_table` the sheets that are not read, if there are any."""
    books = [file for file in local_files(source) if endings_of(file)[0] == SHEET]
    beside = {file: TextFile(file, reading, {}).unread() for file in books}
    return {file: sheets for file, sheets in beside.items() if any(sheets)}


def _advice(source: Any) -> str:
    """How to make a table of something that is none."""
    if type(source).__name__ in _ONE_COLUMN:
        return "it is one column, and a table has several: give a frame"
    if isinstance(source, (list, tuple)) and source:
        if all(isinstance(each, Mapping) for each in source):
            return "make a frame of the rows: pl.DataFrame(rows, infer_schema_length=None)"
        return "make one frame of it, such as pl.concat(frames)"
    if isinstance(source, Mapping):
        return "make a frame of the columns: pl.DataFrame(columns)"
    if type(source).__module__.startswith("pyspark."):
        return "give df.toArrow(), or write it as Parquet and give the path"
    if type(source).__name__ == "DuckDBPyConnection":
        return "give the relation that connection.sql(query) makes"
    return (
        "give a Polars or pandas frame, an Arrow table, dataset or reader, a DuckDB relation, a path or a list of paths"
    )


def _open_paths(paths: list[str], reading: Reading, *, marked: bool) -> pl.LazyFrame:
    if any(is_url(path) for path in paths):
        if not all(is_url(path) for path in paths):
            raise ConfigError("a list of paths names URLs and local files: give either the ones or the others")
        return _open_urls(paths, reading, marked=marked)
    if tables := [path for path in paths if is_delta(path)]:
        if len(paths) > 1:
            raise ConfigError(f"{tables[0]} is a Delta table: name it alone")
        return _open_delta(tables[0])
    files = [file for path in paths for file in files_of(path)]
    _refuse_parts_of_delta(files, paths)
    ending, form = _format_of(files)
    folders = partitions_of(files)
    if form in ("parquet", "ipc"):
        return _open_columns(files, folders, form, reading)
    if form == "text":
        return _open_text(files, folders, reading, marked=marked)
    raise ConfigError(f"{paths[0]}: files ending in {ending or 'nothing'!r} can't be read: give {_KNOWN}")


def _open_columns(
    files: list[str], folders: list[dict[str, str | None]], form: Format, reading: Reading
) -> pl.LazyFrame:
    """Files of Parquet or Arrow IPC."""
    _refuse_drift(files, form)
    for file in files if form == "parquet" else ():
        with suppress(*ENGINE_ERRORS, ValueError):  # the engine says what is the matter
            refuse_large_cells(file, reading.held)
    if (odd := odd_types_in(files, form, folders)) is not None:
        return odd
    try:
        return scan_partitioned(pl.scan_parquet if form == "parquet" else pl.scan_ipc, files, folders)
    except ENGINE_ERRORS as error:
        raise InputError(f"{files[0]} can't be read as {_ending_of(files[0])[1:]}: {first_line(error)}") from None


def _refuse_drift(files: list[str], form: str) -> None:
    """Refuse parts that differ; where one can't be read at all, the engine says below which."""
    if len(files) > 1:
        with suppress(*ENGINE_ERRORS, ValueError):  # Arrow's errors are values
            refuse_drift({file: columns_of(file, form) for file in files})


def _format_of(files: list[str]) -> tuple[str, Format | None]:
    """The ending that all files share, and what it says of them; None where it says nothing."""
    endings = {_ending_of(file): file for file in reversed(files)}
    if len(endings) > 1:
        one, other = list(endings.values())[:2]
        raise ConfigError(f"{one} and {other} are of different formats: give files of one format, such as *.parquet")
    ending = next(iter(endings))
    form, packed = endings_of(f"x{ending}")
    return ending, _FORMATS.get(form) if not packed or form in DELIMITERS else None


def _ending_of(file: str) -> str:
    form, packed = endings_of(urlsplit(file).path if is_url(file) else file)
    return form if packed is None else f"{form}{Path(file).suffix.lower()}"


def _open_urls(urls: list[str], reading: Reading, *, marked: bool) -> pl.LazyFrame:
    ending, form = _format_of(urls)
    if twice := [url for at, url in enumerate(urls) if url in urls[:at]]:
        raise ConfigError(f"{twice[0]} is named twice")
    if form != "text":
        return open_remote(urls, form)
    if ending == SHEET:
        raise ConfigError(f"{urls[0]}: spreadsheets are not read from a URL: fetch the file first")
    delimiter = reading.delimiter or DELIMITERS[endings_of(f"x{ending}")[0]]
    begin, lines = text_at(urls, reading.encoding)

    def parts(columns: list[str]) -> Parts:
        read = set()
        for url, blocks in lines():
            table = Delimited(decoded(reading.held.lines(blocks, url), "utf-8", url), delimiter, url, reading)
            require_columns(table.names, columns, url)
            read.add(PurePosixPath(urlsplit(url).path).name)
            yield url, {}, table.rows(columns)
        if lost := [url for url in urls if "*" not in url and PurePosixPath(urlsplit(url).path).name not in read]:
            raise InputError(f"{lost[0]} is empty")

    names = Delimited(begin, delimiter, urls[0], reading).names
    return scan_text(names, [], parts, marked=marked)


def _open_delta(path: str) -> pl.LazyFrame:
    try:
        frame = pl.scan_delta(path)
        frame.collect_schema()
    except Exception as error:  # deltalake has a family of its own
        raise InputError(f"{path} can't be read as a Delta table: {first_line(error)}") from None
    return frame


def _refuse_parts_of_delta(files: list[str], paths: list[str]) -> None:
    """A Delta table's folder also holds files of what it was before: only its log tells which ones count."""
    if files == paths:
        return
    for folder in {folder for file in files for folder in Path(file).parents}:
        if is_delta(str(folder)):
            raise ConfigError(
                f"{paths[0]} names files of the Delta table {folder}: name the table, which knows which hold"
            )


def _open_text(
    files: list[str], partitions: list[dict[str, str | None]], reading: Reading, *, marked: bool
) -> pl.LazyFrame:
    parts = [TextFile(file, reading, folders) for file, folders in zip(files, partitions, strict=True)]
    refuse_drift({part.path: dict.fromkeys(part.names, "text") for part in parts})
    return scan_files(parts, marked=marked)


def read_numbered(path: str, delimiter: str | None = None) -> pl.DataFrame:
    """A small table in memory, with the line of each row as `text.LINE`; of files that are no text, its number from 1.

    Args:
        path: The file.
        delimiter: Between the fields of text; None: by the file's ending.

    Raises:
        InputError: There is no such file, it can't be read, or a row of text does not fit its table.
    """
    if not is_url(path) and Path(path).is_file() and _format_of([path])[1] == "text":
        reading = replace(_AS_IT_IS, delimiter=delimiter)
        with explaining(path, reading):
            return TextFile(path, reading, {}).table()
    return collected(open_table(path), path).with_row_index(LINE, offset=1)


def refuse_cards(table: pl.DataFrame, columns: Collection[str], where: str) -> None:
    """Refuse a table of which a copy is kept, if free text in it tells card numbers.

    Args:
        table: Of `read_numbered`.
        columns: Those that are no free text.
        where: The file's name for messages.

    Raises:
        InputError: Names the first line, and the column.
    """
    for name in (name for name, dtype in table.schema.items() if dtype == pl.String and name not in columns):
        bad = pl.Series(Found.of(table[name]).doubtful)
        if bad.any():
            raise InputError(
                f"{where}: line {table[LINE].filter(bad)[0]:,}: column {name!r} holds what may be a card number, and "
                "each run keeps a copy of the file: take it out"
            )


@contextmanager
def explaining(source: Any, reading: Reading) -> Iterator[None]:
    """Tell, where columns of a source are missing, what may be the matter, and how its caller would say so.

    Args:
        source: As for `open_table`.
        reading: As for `open_table`.
    """
    try:
        yield
    except (BadDate, UnclearEncoding) as error:
        raise error.hinting({}, reading.say) from None
    except (BadHeader, MissingColumn) as error:
        if isinstance(error, MissingColumn) and error.where not in {_ACCOUNTS, *(_paths_in(source) or [])}:
            raise  # it is another table's
        raise error.hinting(_beginning_of(source, reading), reading.say) from None


def _beginning_of(source: Any, reading: Reading) -> dict[int, list[str]]:
    """The first lines of what is read as text, and the cells of each; of other tables none."""
    paths = _paths_in(source) or []
    far = any(map(is_url, paths))
    files = paths if far else [file for path in paths for file in files_of(path)]
    if not files or _format_of(files[:1])[1] != "text":
        return {}
    if far:
        return {0: []}  # not looked at again
    lines = TextFile(files[0], reading, {}).beginning()
    return {line: [cell.strip() for cell in cells] for line, cells in lines.items()}


def encoding_used(path: str, encoding: str | None) -> dict[str, str]:
    """`{"encoding": …}` of a text file; nothing for other files."""
    if is_url(path) or endings_of(path)[0] not in DELIMITERS:
        return {}
    return {"encoding": TextFile(path, Reading(encoding=encoding), {}).encoding}


def schema_of(table: pl.LazyFrame, where: str) -> pl.Schema:
    """A table's columns and types.

    Raises:
        InputError: The query that makes the table can't be planned.
    """
    try:
        return table.collect_schema()
    except ENGINE_ERRORS as error:
        raise InputError(f"{where} can't be read: {first_line(error)}") from None


def collected(table: pl.LazyFrame, where: str, error: type[InputError] = InputError) -> pl.DataFrame:
    """A table in memory.

    Raises:
        InputError: It can't be read; of the given kind.
    """
    with _telling(where, error):
        return table.collect()


def batches_of(table: pl.LazyFrame, rows: int, where: str) -> Iterator[pl.DataFrame]:
    """A table in batches of some rows, in order.

    Raises:
        InputError: It can't be read.
    """
    with _telling(where):
        yield from table.collect_batches(chunk_size=rows, maintain_order=True)


@contextmanager
def _telling(where: str, error: type[InputError] = InputError) -> Iterator[None]:
    """Within it, a query that fails is told; a caller's own function within the query may raise whatever it likes."""
    try:
        yield
    except (CardscreenError, MemoryError):
        raise
    except (Exception, *ENGINE_ERRORS) as problem:
        raise error(f"{where} can't be read: {first_line(problem)}") from None


def require_columns(available: list[str], wanted: list[str], where: str) -> None:
    """Refuse a table that lacks a named column.

    Raises:
        MissingColumn: For the first that is not there.
    """
    for column in wanted:
        if column not in available:
            raise MissingColumn(column, [name for name in available if name not in MARKS], where)


def whole_number(column: str) -> pl.Expr:
    """A column of numbers, or of text that holds some, as Int64; null where it is no whole number."""
    number = pl.col(column).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False).alias(column)


def detached(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: those of filtered rows keep all the others' in memory."""
    return pl.DataFrame(few.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=few.schema)
