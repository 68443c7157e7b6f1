"""What files of Parquet and Arrow IPC hold, before they are read: their footers tell it, or a process of little memory.

Pages of Parquet repeat what is alike, and both formats pack: a few kilobytes may stand for gigabytes.
"""

from __future__ import annotations

import io
from typing import Any

import polars as pl

from cardscreen.foundation.bounds import MIB, Held
from cardscreen.foundation.process.apart import done_apart

_KIB = 1 << 10
#: Prints how many rows, columns and bytes a file of Arrow IPC has when it is unpacked.
_MEASURE = """
from pyarrow import ipc
rows = size = 0
reader = ipc.open_file(content)
for at in range(reader.num_record_batches):
    batch = reader.get_batch(at)
    rows, size = rows + len(batch), size + batch.nbytes
    del batch
print(rows, len(reader.schema), size)
"""


def refuse_large_cells(file: str, held: Held) -> None:
    """Refuse a Parquet file of accounts in which the cells of a column are large.

    Raises:
        InputError: They are; names the column.
        ArrowException, OSError: It is no such file.
    """
    from pyarrow import parquet

    _refuse_large_cells(parquet.read_metadata(file), held, file)


def _refuse_large_cells(footer: Any, held: Held, where: str) -> None:
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.total_uncompressed_size > held.bounds.cell_kib * _KIB * max(group.num_rows, 1):
                raise held.past(f"{where}: column {chunk.path_in_schema!r}", "cell_kib")


def refuse_large(content: bytes, form: str, held: Held, where: str) -> None:
    """Refuse a file that would be read as a whole.

    Raises:
        InputError: It is past a bound.
        ArrowException, OSError: It is no such file.
    """
    if form == "parquet":
        from pyarrow import parquet

        footer = parquet.read_metadata(io.BytesIO(content))
        _refuse_large_cells(footer, held, where)
        groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
        chunks = (group.column(at) for group in groups for at in range(group.num_columns))
        rows, columns, size = footer.num_rows, footer.num_columns, sum(each.total_uncompressed_size for each in chunks)
    else:
        rows, columns, size = map(int, done_apart(_MEASURE, content, held, where).split() or (0, 0, 0))
    sizes = {"unpacked_mib": size // MIB, "rows": rows, "columns": columns, "cells": rows * columns}
    if past := next((name for name, count in sizes.items() if count > getattr(held.bounds, name)), None):
        raise held.past(where, past)


def refuse_large_texts(table: pl.DataFrame, held: Held, where: str) -> None:
    """Refuse texts that have been read, of which one is large: their mean is all that a footer tells.

    Raises:
        InputError: One is; names its column.
    """
    for column in table:
        if longest_of(column) > held.bounds.cell_kib * _KIB:
            raise held.past(f"{where}: column {column.name!r}", "cell_kib")


def longest_of(column: pl.Series) -> int:
    """How long the longest text of a column is, in bytes; 0 where it holds no text."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.unique().cast(pl.String)
    longest = column.str.len_bytes().max() if column.dtype == pl.String else None
    return longest if isinstance(longest, int) else 0
