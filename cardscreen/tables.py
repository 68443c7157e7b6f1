"""Opens what callers hand over: frames of any library, Arrow data, and files, as a Polars LazyFrame.

Text files are read with every column as text: type inference would drop leading zeros and turn long
card numbers into floats.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from cardscreen.encodings import to_utf8
from cardscreen.errors import ConfigError, InputError, MissingColumn, near
from cardscreen.errors import first_line as first_line  # where all who open tables look for it
from cardscreen.frames import from_library
from cardscreen.partitions import partitions_of, scan_partitioned
from cardscreen.remote import Format, open_remote

#: Text formats by their ending, with what usually separates their fields.
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": ","}
_ARROW = (".arrow", ".ipc", ".feather")
_FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    **dict.fromkeys(_ARROW, "ipc"),
    **dict.fromkeys(DELIMITERS, "text"),
}
#: What Polars, pandas and pyarrow call a single column.
_ONE_COLUMN = ("Series", "Array", "ChunkedArray")
_DELTA_LOG = "_delta_log"
_KNOWN = ".parquet, .csv, .tsv, .arrow, .ipc, .feather, or a Delta table's folder"


def open_table(source: Any, *, encoding: str | None = None, delimiter: str | None = None) -> pl.LazyFrame:
    """Any table as a LazyFrame; files stay unread, and streams flow when a query runs.

    Args:
        source: LazyFrame, DataFrame; pandas DataFrame; pyarrow Table, RecordBatch, RecordBatchReader or Dataset;
            DuckDB relation; DeltaTable; anything with `__arrow_c_stream__`; or a path, glob or URL of Parquet,
            CSV, TSV, Arrow IPC or Delta, or a list of paths. Folders named `key=value` give a column each.
        encoding: Of text files; None tries UTF-8, GB18030 and UTF-16, strictly in this order.
        delimiter: Of text files; None: by the file's ending.

    Raises:
        InputError: There is no such file, or it or the object can't be read.
        ConfigError: The file's ending, or the object's type, is not one that can be read.
    """
    if isinstance(source, pl.LazyFrame):
        return source
    if isinstance(source, pl.DataFrame):
        return source.lazy()
    if isinstance(source, (str, os.PathLike)):
        return _open_paths([os.fspath(source)], encoding, delimiter)
    if isinstance(source, (list, tuple)) and source and all(isinstance(each, (str, os.PathLike)) for each in source):
        return _open_paths([os.fspath(each) for each in source], encoding, delimiter)
    if type(source).__name__ not in _ONE_COLUMN and (frame := from_library(source)) is not None:
        return frame
    raise ConfigError(f"cannot read a table from {type(source).__name__}: {_advice(source)}")


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


def _open_paths(paths: list[str], encoding: str | None, delimiter: str | None) -> pl.LazyFrame:
    paths = [os.path.expanduser(path) for path in paths]  # noqa: PTH111 - Path would tidy URLs
    if any(is_url(path) for path in paths):
        if not all(is_url(path) for path in paths):
            raise ConfigError("a list of paths names URLs and local files: give either the ones or the others")
        ending, form = _format_of(paths)
        return open_remote(paths, form, encoding, delimiter or DELIMITERS.get(ending, ","))
    if tables := [path for path in paths if is_delta(path)]:
        if len(paths) > 1:
            raise ConfigError(f"{tables[0]} is a Delta table: name it alone")
        return _open_delta(tables[0])
    files = [file for path in paths for file in files_of(path)]
    _refuse_parts_of_delta(files, paths)
    ending, form = _format_of(files)
    try:
        if form == "parquet":
            return scan_partitioned(pl.scan_parquet, files, partitions_of(files), extra_columns="ignore")
        if form == "ipc":
            return scan_partitioned(pl.scan_ipc, files, partitions_of(files))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{paths[0]} can't be read as {ending[1:]}: {first_line(error)}") from None
    if form == "text":
        return _open_text(files, encoding, delimiter or DELIMITERS[ending])
    raise ConfigError(f"{paths[0]}: files ending in {ending or 'nothing'!r} can't be read: give {_KNOWN}")


def _format_of(files: list[str]) -> tuple[str, Format | None]:
    """The ending that all files share, and what it says of them; None where it says nothing."""
    endings = {Path(urlsplit(file).path if is_url(file) else file).suffix.lower(): file for file in reversed(files)}
    if len(endings) > 1:
        one, other = list(endings.values())[:2]
        raise ConfigError(f"{one} and {other} are of different formats: give files of one format, such as *.parquet")
    ending = next(iter(endings))
    forms: dict[str, Format] = {
        ".parquet": "parquet",
        **dict.fromkeys(_ARROW, "ipc"),
        **dict.fromkeys(DELIMITERS, "text"),
    }
    return ending, forms.get(ending)


def is_delta(path: str) -> bool:
    """Whether a path names the folder of a Delta table."""
    return not is_url(path) and Path(path, _DELTA_LOG).is_dir()


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


def files_of(path: str) -> list[str]:
    """The files that a path, glob or folder stands for, in the order in which they are read; a URL as it is.

    Raises:
        InputError: There is none.
    """
    if is_url(path):
        return [path]
    return [str(file) for found in _matching(path) for file in _parts_of(Path(found))]


def _parts_of(path: Path) -> list[Path]:
    """A file, or the Parquet files below a folder; names with a leading dot or underscore are an engine's own."""
    if not path.is_dir():
        return [path]
    parts = [
        file
        for file in sorted(path.rglob("*.parquet"))
        if not any(part[0] in "._" for part in file.relative_to(path).parts)
    ]
    if not parts:
        raise InputError(
            f"the folder {str(path)!r} holds neither Parquet files nor a Delta table: "
            f"name other files with a pattern, such as {path.name}/*.csv"
        )
    return parts


def is_url(path: str) -> bool:
    """Whether a path names something that is not in the local file system."""
    return bool(re.match(r"[a-z][a-z0-9+]+://", path))


def _matching(path: str) -> list[str]:
    """What a path or glob names, sorted; `~` is the home."""
    path = os.path.expanduser(path)  # noqa: PTH111 - Path would change what it does not expand
    files = [path] if Path(path).exists() else sorted(glob.glob(path, recursive=True))
    if files:
        return files
    raise no_such_file(path)


def no_such_file(path: str) -> InputError:
    """The error for a path that names nothing, with the near name where there is one."""
    folder = Path(path).parent
    if not folder.is_dir():
        return InputError(f"there is no file {path!r} (and no folder {str(folder)!r})")
    there = sorted(entry.name for entry in folder.iterdir())
    hint = near(Path(path).name, there) if there else " (the folder is empty)"
    return InputError(f"there is no file {path!r}{hint}")


def _open_text(files: list[str], encoding: str | None, delimiter: str) -> pl.LazyFrame:
    parts = [_open_text_file(Path(file), encoding, delimiter) for file in files]
    names = parts[0].collect_schema().names()
    for file, part in zip(files, parts, strict=True):
        require_columns(part.collect_schema().names(), names, file)
    folders = [{name: pl.lit(value, dtype=pl.String) for name, value in told.items()} for told in partitions_of(files)]
    return pl.concat([part.select(names).with_columns(**told) for part, told in zip(parts, folders, strict=True)])


def _open_text_file(file: Path, encoding: str | None, delimiter: str) -> pl.LazyFrame:
    if (encoding or "utf-8").lower() in ("utf-8", "utf8", "utf-8-sig") and _is_utf8(file):
        frame = pl.scan_csv(file, separator=delimiter, infer_schema=False, glob=False)
        try:
            frame.collect_schema()
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{file} can't be read as text with columns: {first_line(error)}") from None
        return frame
    content, _ = to_utf8(file.read_bytes(), encoding, str(file))
    return pl.read_csv(content, separator=delimiter, infer_schema=False).lazy()


def _is_utf8(file: Path) -> bool:
    """Whether the whole file is UTF-8 text: the engine itself would give the header as mojibake."""
    with file.open(encoding="utf-8") as text:
        try:
            while part := text.read(1 << 22):
                if "\0" in part:
                    return False
        except UnicodeDecodeError:
            return False
    return True


def encoding_used(path: str, encoding: str | None) -> dict[str, str]:
    """`{"encoding": …}` of a text file; nothing for other files."""
    if is_url(path) or Path(path).suffix.lower() not in DELIMITERS:
        return {}
    if encoding or _is_utf8(Path(path)):
        return {"encoding": encoding or "utf-8"}
    return {"encoding": to_utf8(Path(path).read_bytes(), None, path)[1]}


def schema_of(table: pl.LazyFrame, where: str) -> pl.Schema:
    """A table's columns and types.

    Raises:
        InputError: The query that makes the table can't be planned.
    """
    try:
        return table.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{where} can't be read: {first_line(error)}") from None


def collected(table: pl.LazyFrame, where: str, error: type[InputError] = InputError) -> pl.DataFrame:
    """A table in memory.

    Raises:
        InputError: It can't be read; of the given kind.
    """
    try:
        return table.collect()
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise error(f"{where} can't be read: {first_line(problem)}") from None


def require_columns(available: list[str], wanted: list[str], where: str) -> None:
    """Refuse a table that lacks a named column.

    Raises:
        MissingColumn: For the first that is not there.
    """
    for column in wanted:
        if column not in available:
            raise MissingColumn(column, available, where)


def to_date(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A column of dates, datetimes or ISO text as Date; null where text is no date."""
    if dtype == pl.String:
        return column.str.extract(r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9]{2}:.*)?\s*$").str.to_date(
            "%Y-%m-%d", strict=False
        )
    # The day where the clock hung, not the one in UTC.
    local = column.dt.replace_time_zone(None) if isinstance(dtype, pl.Datetime) else column
    return local.cast(pl.Date)


def whole_number(column: str) -> pl.Expr:
    """A column of numbers, or of text that holds some, as Int64; null where it is no whole number."""
    number = pl.col(column).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False).alias(column)


def is_bad_date(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Whether `to_date` can't read a cell that is not empty: Boolean, never null."""
    if dtype != pl.String:
        return pl.lit(False)
    return (column.str.strip_chars() != "").fill_null(False) & to_date(column, dtype).is_null()


def is_dateable(dtype: pl.DataType) -> bool:
    """Whether `to_date` can read a column of this type."""
    return dtype in (pl.String, pl.Date, pl.Null) or isinstance(dtype, pl.Datetime)


def to_day(instant: date | str) -> date:
    """The day of a date, a datetime or an ISO text.

    Raises:
        ConfigError: It is none of them.
    """
    day = parse_day(instant) if isinstance(instant, str) else instant
    if isinstance(day, datetime):
        day = day.date()
    if not isinstance(day, date):
        raise ConfigError(f"{day!r} is not a day: give a datetime.date, such as date(2026, 11, 23)")
    return day


def parse_day(text: str) -> date:
    """An ISO day.

    Raises:
        ConfigError: The text is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is not a day: write it as YYYY-MM-DD, such as 2026-11-23") from None


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant; UTC where it names no time zone.

    Raises:
        ConfigError: The text is no such instant.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no instant: write it like 2026-11-23T02:00:00+08:00") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def detached(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: those of filtered rows keep all the others' in memory."""
    return pl.DataFrame(few.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=few.schema)
