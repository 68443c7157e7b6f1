"""Frames of other libraries as LazyFrames: what lies in memory as it is, what streams batch by batch.

Nothing here changes what it is given. A stream is never held as a whole: it is read while the query runs, and made
anew for each query where its source can be asked again.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from cardscreen.foundation.errors import CardscreenError, InputError, first_line
from cardscreen.foundation.lookup.digits import EXACT_FLOAT
from cardscreen.tables.cells import NOT_WHOLE

if TYPE_CHECKING:
    import pyarrow as pa

#: What the engine raises, one of which is no `Exception`.
ENGINE_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def streamed(schema: pl.Schema, frames: Callable[[list[str]], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """A LazyFrame of what is read anew, frame by frame, whenever a query runs.

    Args:
        schema: All of its columns.
        frames: Gives the frames, with the columns asked for, in that order.
    """

    def asked(
        columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        """What the engine asks of a source: the columns, the rows that pass, and no more than so many."""
        for each in frames(list(schema) if columns is None else columns):
            frame = each if predicate is None else each.filter(predicate)
            frame = frame if most is None else frame.head(most)
            yield frame
            most = None if most is None else most - len(frame)
            if most == 0:
                return

    return register_io_source(asked, schema=schema)


def from_library(source: Any) -> pl.LazyFrame | None:
    """A frame, table or stream of another library; None where it is nothing of that sort.

    Args:
        source: pandas DataFrame (its index is left out), pyarrow Table, RecordBatch or Dataset, DuckDB relation,
            deltalake's DeltaTable, or anything else with `__arrow_c_stream__`, which is read once.

    Raises:
        InputError: It can't be read as a table; or, when the query runs, its data can't, or it was used up before.
    """
    name = type(source).__name__
    try:
        return _opened(source, name)
    except CardscreenError:
        raise
    except Exception as error:  # of any library
        raise _unreadable(name, error) from None


def _opened(source: Any, name: str) -> pl.LazyFrame | None:
    import pyarrow as pa

    if _is_a(source, "pandas", "DataFrame"):
        return _from_pandas(source).lazy()
    if _is_a(source, "deltalake", "DeltaTable"):
        return pl.scan_delta(source)
    if _is_a(source, "pyarrow", "Table") or _is_a(source, "pyarrow", "RecordBatch"):
        _refuse_repeated(source.schema.names, name)
        if is_all_known(source.schema):
            return pl.DataFrame(source).lazy()
        table = pa.table(source)
        return _Stream(
            name, table.schema, lambda columns: table.select(columns or table.column_names).to_reader()
        ).scan()
    if _is_a(source, "pyarrow.dataset", "Dataset"):
        return _from_dataset(source, name)
    if _is_a(source, "duckdb", "DuckDBPyRelation"):
        return _from_duckdb(source, name)
    if _is_a(source, "pyiceberg.table", "Table"):
        return from_iceberg(source, name)
    if hasattr(source, "__arrow_c_stream__"):
        reader = _reader(source)
        return _Stream(name, reader.schema, lambda _: reader, once=True).scan()
    return None


def _is_a(source: Any, library: str, name: str) -> bool:
    """Whether something is of a library's class: nobody has one whose library is not imported."""
    module = sys.modules.get(library)
    return module is not None and isinstance(source, getattr(module, name))


def _reader(source: Any) -> pa.RecordBatchReader:
    import pyarrow as pa

    return pa.RecordBatchReader.from_stream(source)


def _unreadable(name: str, error: Exception) -> InputError:
    return InputError(f"the {name} can't be read as a table: {first_line(error)}")


def _refuse_repeated(columns: list[str], name: str) -> None:
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise InputError(
            f"the {name} has several columns of the name {', '.join(map(repr, repeated))}: "
            "rename or drop all but one of them"
        )


@cache
def _as_known(dtype: pa.DataType) -> pa.DataType | None:
    """The type as which Polars reads a column: its own, or one that holds the same; None where there is none."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_interval(dtype) or types.is_union(dtype):
        return None
    if types.is_decimal256(dtype):
        return pa.string() if dtype.scale == 0 else None  # every digit of it; a fraction is no number of anybody's
    if types.is_run_end_encoded(dtype) or types.is_dictionary(dtype):
        inner = _as_known(dtype.value_type)
        plain = types.is_dictionary(dtype) and inner == dtype.value_type
        return dtype if plain else inner
    if (
        types.is_list(dtype)
        or types.is_list_view(dtype)
        or types.is_large_list(dtype)
        or types.is_large_list_view(dtype)
    ):
        inner = _as_known(dtype.value_type)
        unchanged = inner == dtype.value_type and (types.is_list(dtype) or types.is_large_list(dtype))
        return dtype if unchanged or inner is None else pa.large_list(inner)
    known = all(_as_known(dtype.field(at).type) == dtype.field(at).type for at in range(dtype.num_fields))
    return dtype if known else None


def is_all_known(schema: pa.Schema) -> bool:
    """Whether Polars has a type for every column of an Arrow schema; of others its readers panic."""
    return all(_as_known(column.type) == column.type for column in schema)


def _known(batch: pa.RecordBatch | pa.Table, columns: list[str]) -> pl.DataFrame:
    """Some columns of a batch as Polars reads them; those that can't be read are objects, all of them null.

    Raises:
        InputError: A column can't be read after all; names it and its type.
    """
    import pyarrow as pa

    table, parts, others = pa.table(batch.select(columns)), {}, []
    for name in columns:
        column, dtype = table[name], table.schema.field(name).type
        known = _as_known(dtype)
        if known is None:
            others.append(pl.Series(name, [None] * len(table), pl.Object))
            continue
        try:
            parts[name] = column if known == dtype else pa.chunked_array(map(_plain, column.chunks)).cast(known)
        except (pa.ArrowException, TypeError):
            raise InputError(f"column {name!r} has type {dtype} and can't be read: cast it to text") from None
    return pl.DataFrame(pa.table(parts)).with_columns(others).select(columns)


def _plain(chunk: pa.Array) -> pa.Array:
    """The same values laid out in the usual way, where they are encoded by runs, or are views of lists."""
    import pyarrow as pa
    from pyarrow import compute, types

    if types.is_run_end_encoded(chunk.type):
        return compute.run_end_decode(chunk)
    if types.is_list_view(chunk.type) or types.is_large_list_view(chunk.type):
        lengths = compute.fill_null(compute.list_value_length(chunk), 0).to_numpy(zero_copy_only=False)
        offsets = pa.array(np.append(0, np.cumsum(lengths)), pa.int64())
        return pa.LargeListArray.from_arrays(offsets, chunk.flatten(), mask=chunk.is_null())
    return chunk


# --- streams ----------------------------------------------------------------------------------------


@dataclass
class _Stream:
    """Arrow data that arrives in batches.

    Attributes:
        name: What errors call it.
        schema: Its pyarrow schema.
        open: Makes a reader of the columns asked for (None: all), which may give others too.
        once: Whether `open` gives the same reader each time, which is empty after the first.
    """

    name: str
    schema: pa.Schema
    open: Callable[[list[str] | None], pa.RecordBatchReader]
    once: bool = False
    _used: bool = field(default=False, init=False)

    def scan(self) -> pl.LazyFrame:
        """The stream as a LazyFrame that reads it when a query runs; columns that can't be read are objects."""
        import pyarrow as pa

        _refuse_repeated(self.schema.names, self.name)
        types = {column.name: _as_known(column.type) for column in self.schema}
        known = pl.DataFrame(pa.schema([(name, dtype) for name, dtype in types.items() if dtype]).empty_table()).schema
        return streamed(pl.Schema({name: known.get(name, pl.Object()) for name in types}), self._frames)

    def _frames(self, columns: list[str]) -> Iterator[pl.DataFrame]:
        return (_known(batch, columns) for batch in self._batches(columns))

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        if self.once and self._used:
            raise self._used_up()
        self._used, rows = True, 0
        try:
            # Closed even when the query stops early: a database connection is busy until then.
            with closing(self.open(columns or None)) as reader:
                for batch in reader:
                    rows += len(batch)
                    yield batch
        except Exception as error:  # of any library
            raise _unreadable(self.name, error) from None
        if self.once and not rows:
            raise self._used_up()

    def _used_up(self) -> InputError:
        # A reader that has been read looks like an empty one, and an empty one would clear everybody.
        return InputError(
            f"the {self.name} gives no rows: it is empty, or was read before. A stream can be read once only: "
            "make it anew, or give a table, a dataset or a file"
        )


def _from_dataset(dataset: Any, name: str) -> pl.LazyFrame:
    def selected(columns: list[str] | None) -> pa.RecordBatchReader:
        # Read ahead a little: the default holds a third more.
        return dataset.scanner(columns=columns, batch_readahead=4, fragment_readahead=1).to_reader()

    return _Stream(name, dataset.schema, selected).scan()


def _from_duckdb(relation: Any, name: str) -> pl.LazyFrame:
    def selected(columns: list[str] | None) -> pa.RecordBatchReader:
        quoted = ", ".join('"' + column.replace('"', '""') + '"' for column in columns or [])
        return _reader(relation.project(quoted) if columns else relation)

    _refuse_repeated(relation.columns, name)
    with closing(_reader(relation.limit(0))) as none:
        schema = none.schema
    return _Stream(name, schema, selected).scan()


def from_iceberg(table: Any, name: str) -> pl.LazyFrame:
    """The rows of a pyiceberg table's present snapshot, as they come."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    snapshot = table.current_snapshot()
    at = snapshot.snapshot_id if snapshot else None
    empty = schema_to_pyarrow(table.schema()).empty_table()

    def batches(columns: list[str]) -> Iterator[pl.DataFrame]:
        try:
            reader = table.scan(snapshot_id=at, selected_fields=tuple(columns)).to_arrow_batch_reader()
            yield from (frame.select(columns) for frame in frames_of(reader))
        except Exception as error:  # of pyiceberg, or of where its files lie
            raise InputError(f"{name} can't be read: {first_line(error)}") from None

    return streamed(_as_frame(empty).schema, batches)


def frames_of(reader: Any) -> Iterator[pl.DataFrame]:
    """A reader's batches; at first an empty one."""
    yield _as_frame(reader.schema.empty_table())
    yield from map(_as_frame, reader)


def _as_frame(arrow: Any) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(arrow))


# --- pandas -----------------------------------------------------------------------------------------


def _from_pandas(frame: Any) -> pl.DataFrame:
    names = [str(name) for name in frame.columns]
    _refuse_repeated(names, type(frame).__name__)
    return pl.DataFrame([_from_series(frame.iloc[:, at], name) for at, name in enumerate(names)])


def _from_series(column: Any, name: str) -> pl.Series:
    """One column; where its cells are of several types, which Arrow can't hold, as text."""
    dtype = getattr(column.dtype, "pyarrow_dtype", None)
    if dtype is not None and _as_known(dtype) != dtype:
        import pyarrow as pa

        return _known(pa.Table.from_pandas(column.to_frame(name), preserve_index=False), [name])[name]
    try:
        known: pl.Series = pl.from_pandas(column)
        return known.alias(name)
    except Exception:  # whatever pandas or pyarrow make of the objects
        return pl.Series(name, [_text(cell) for cell in column], dtype=pl.String)


def _text(cell: Any) -> str | None:
    """An object as text: whole numbers as their digits, what stands for nothing (None, NaN, NA, NaT) as null."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(cell, (int, np.integer)) and not isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        if cell != cell:
            return None
        if not cell.is_integer():
            return NOT_WHOLE
        return str(int(cell)) if abs(cell) < EXACT_FLOAT else f"{cell:.15e}"
    return str(cell)


# --- files ------------------------------------------------------------------------------------------


def odd_types_in(files: list[str], form: str, folders: list[dict[str, str | None]]) -> pl.LazyFrame | None:
    """Files that have columns of types which Polars doesn't know, read by way of Arrow; None where there are none.

    Args:
        files: Of the local file system, all of the same columns.
        form: `parquet` or `ipc`.
        folders: What the folders of each say.
    """
    import pyarrow as pa

    try:
        if all(is_all_known(_schema_of(file, form)) for file in files):
            return None
        from pyarrow import dataset  # which imports pandas where that is installed

        parts = [
            _from_dataset(dataset.dataset(file, format=form), file).with_columns(
                pl.lit(value, pl.String).alias(name) for name, value in columns.items()
            )
            for file, columns in zip(files, folders, strict=True)
        ]
    except (pa.ArrowException, OSError):
        return None  # the engine says what is the matter
    return pl.concat(parts)


def table_of(content: bytes, form: str) -> pl.DataFrame:
    """A file of Parquet or Arrow IPC in memory; columns that can't be read are objects, all of them null.

    Raises:
        InputError: A column can't be read after all.
        ArrowException, PolarsError, OSError: It is no such file.
    """
    schema = _schema_of(io.BytesIO(content), form)
    if is_all_known(schema):
        return (pl.read_parquet if form == "parquet" else pl.read_ipc)(io.BytesIO(content))
    from pyarrow import ipc, parquet

    stream = io.BytesIO(content)
    return _known(parquet.read_table(stream) if form == "parquet" else ipc.open_file(stream).read_all(), schema.names)


def columns_of(file: str, form: str) -> dict[str, str]:
    """The columns of a Parquet or Arrow file, with their types as Polars calls them where it has them."""
    return {column.name: _told_type(column.type) for column in _schema_of(file, form)}


@cache
def _told_type(dtype: pa.DataType) -> str:
    import pyarrow as pa

    schema = pa.schema([("x", dtype)])
    return str(pl.DataFrame(schema.empty_table()).schema["x"]) if is_all_known(schema) else str(dtype)


def _schema_of(file: str | io.BytesIO, form: str) -> pa.Schema:
    if form == "parquet":
        from pyarrow import parquet

        return parquet.read_schema(file)
    from pyarrow import ipc

    with ipc.open_file(file) as reader:
        return reader.schema
