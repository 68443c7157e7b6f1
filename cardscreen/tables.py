"""Opens what callers hand over: frames of any library, Arrow data, and files, as a Polars LazyFrame.

Text files are read with every column as text: type inference would drop leading zeros and turn long
card numbers into floats.
"""

from __future__ import annotations

import glob
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.encodings import to_utf8
from cardscreen.errors import ConfigError, InputError, MissingColumn, near, without_numbers

#: Text formats by their ending, with what usually separates their fields.
DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": ","}
_ARROW = {".arrow", ".ipc", ".feather"}
_KNOWN = ".parquet, .csv, .tsv, .arrow, .ipc, .feather, or a Delta table's folder"


def open_table(source: Any, *, encoding: str | None = None, delimiter: str | None = None) -> pl.LazyFrame:
    """Any table as a LazyFrame; files stay unread.

    Args:
        source: LazyFrame, DataFrame, an object with `__arrow_c_stream__` (pyarrow, pandas, DuckDB),
            or a path, glob or URL of Parquet, CSV, TSV, Arrow IPC or Delta.
        encoding: Of text files; None tries UTF-8, GB18030 and UTF-16, strictly in this order.
        delimiter: Of text files; None: by the file's ending.

    Raises:
        InputError: There is no such file, or it can't be read.
        ConfigError: The file's ending, or the object's type, is not one that can be read.
    """
    if isinstance(source, pl.LazyFrame):
        return source
    if isinstance(source, pl.DataFrame):
        return source.lazy()
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source), encoding, delimiter)
    if hasattr(source, "__arrow_c_stream__"):
        try:
            return pl.DataFrame(source).lazy()
        except (pl.exceptions.PolarsError, ValueError) as error:
            raise InputError(f"the {type(source).__name__} can't be read as a table: {first_line(error)}") from None
    raise ConfigError(
        f"cannot read a table from {type(source).__name__}: give a Polars frame, an Arrow table, "
        "a pandas frame or a path"
    )


def _open_path(path: str, encoding: str | None, delimiter: str | None) -> pl.LazyFrame:
    files = _matching(path)
    if not is_url(path) and Path(files[0]).is_dir():
        return _open_folder(Path(files[0]))
    ending = Path(files[0]).suffix.lower()
    try:
        if ending == ".parquet":
            frame = pl.scan_parquet(files, extra_columns="ignore", glob=is_url(path))
        elif ending in _ARROW:
            frame = pl.scan_ipc(files)
        elif ending in DELIMITERS:
            return _open_text(files, encoding, delimiter or DELIMITERS[ending])
        else:
            raise ConfigError(f"{path}: files ending in {ending or 'nothing'!r} can't be read: give {_KNOWN}")
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{path} can't be read as {ending[1:]}: {first_line(error)}") from None
    return frame


def files_of(path: str) -> list[str]:
    """The files that a path, glob or folder stands for, in the order in which they are read; a URL as it is.

    Raises:
        InputError: There is none.
    """
    files = _matching(path)
    if not is_url(path) and Path(files[0]).is_dir():
        return [str(file) for file in _parts_of(Path(files[0]))]
    return files


def _parts_of(folder: Path) -> list[Path]:
    """The Parquet files below a folder; names with a leading dot or underscore are an engine's own."""
    return [
        file
        for file in sorted(folder.rglob("*.parquet"))
        if not any(part[0] in "._" for part in file.relative_to(folder).parts)
    ]


def is_url(path: str) -> bool:
    """Whether a path names something that is not in the local file system."""
    return bool(re.match(r"[a-z][a-z0-9+]+://", path))


def _matching(path: str) -> list[str]:
    """What a path or glob names, sorted."""
    literal = is_url(path) or Path(path).exists()
    files = [path] if literal else sorted(glob.glob(path, recursive=True))
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


def _open_folder(folder: Path) -> pl.LazyFrame:
    if (folder / "_delta_log").is_dir():
        return pl.scan_delta(str(folder))
    parts = _parts_of(folder)
    if not parts:
        raise InputError(
            f"the folder {str(folder)!r} holds neither Parquet files nor a Delta table: "
            f"name other files with a pattern, such as {folder.name}/*.csv"
        )
    return pl.scan_parquet(parts, hive_partitioning=True, glob=False)


def _open_text(files: list[str], encoding: str | None, delimiter: str) -> pl.LazyFrame:
    parts = [_open_text_file(Path(file), encoding, delimiter) for file in files]
    names = parts[0].collect_schema().names()
    for file, part in zip(files, parts, strict=True):
        require_columns(part.collect_schema().names(), names, file)
    return pl.concat([part.select(names) for part in parts])


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


def first_line(error: BaseException) -> str:
    """An engine's error in one line, without the values that it quotes."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return without_numbers(line)


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


def to_day(instant: date) -> date:
    """The day of a date or datetime.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(instant, datetime):
        return instant.date()
    if not isinstance(instant, date):
        raise ConfigError(f"{instant!r} is not a day: give a datetime.date")
    return instant


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
