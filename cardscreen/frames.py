"""Frames of other libraries as LazyFrames: what lies in memory as it is, what streams batch by batch.

Nothing here changes what it is given. A stream is never held as a whole: it is read while the query runs, and made
anew for each query where its source can be asked again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from cardscreen.cleaning import NOT_WHOLE
from cardscreen.errors import CardscreenError, InputError, first_line

if TYPE_CHECKING:
    import pyarrow as pa

#: Up to here every whole number has a float of its own; past it, a float has lost digits.
_EXACT = 2**53


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
    if _is_a(source, "pandas", "DataFrame"):
        return _from_pandas(source).lazy()
    if _is_a(source, "deltalake", "DeltaTable"):
        return pl.scan_delta(source)
    if _is_a(source, "pyarrow", "Table") or _is_a(source, "pyarrow", "RecordBatch"):
        _refuse_repeated(source.schema.names, name)
        return pl.DataFrame(source.select(_readable(source.schema))).lazy()
    if _is_a(source, "pyarrow.dataset", "Dataset"):
        return _from_dataset(source, name)
    if _is_a(source, "duckdb", "DuckDBPyRelation"):
        return _from_duckdb(source, name)
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


def _readable(schema: pa.Schema) -> list[str]:
    """The columns of a pyarrow schema that Polars has types for; the others are as if they were not there."""
    return [column.name for column in schema if _is_known(column.type)]


def _is_known(dtype: pa.DataType) -> bool:
    from pyarrow import types

    listed = types.is_list_view(dtype) or types.is_large_list_view(dtype)
    if listed or types.is_interval(dtype) or types.is_union(dtype) or types.is_run_end_encoded(dtype):
        return False
    return all(_is_known(dtype.field(at).type) for at in range(dtype.num_fields))


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
        """The stream as a LazyFrame that reads it when a query runs."""
        _refuse_repeated(self.schema.names, self.name)
        readable = self.schema.empty_table().select(_readable(self.schema))
        return register_io_source(self._frames, schema=pl.DataFrame(readable).schema)

    def _frames(
        self, columns: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        """What the engine asks of a source: the columns, the rows that pass, and no more than so many."""
        for batch in self._batches(columns):
            frame = pl.DataFrame(batch.select(_readable(batch.schema) if columns is None else columns))
            frame = frame if predicate is None else frame.filter(predicate)
            frame = frame if most is None else frame.head(most)
            yield frame
            most = None if most is None else most - len(frame)
            if most == 0:
                return

    def _batches(self, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
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


# --- pandas -----------------------------------------------------------------------------------------


def _from_pandas(frame: Any) -> pl.DataFrame:
    names = [str(name) for name in frame.columns]
    _refuse_repeated(names, type(frame).__name__)
    return pl.DataFrame([_from_series(frame.iloc[:, at], name) for at, name in enumerate(names)])


def _from_series(column: Any, name: str) -> pl.Series:
    """One column; where its cells are of several types, which Arrow can't hold, as text."""
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
        return str(int(cell)) if abs(cell) < _EXACT else f"{cell:.15e}"
    return str(cell)
