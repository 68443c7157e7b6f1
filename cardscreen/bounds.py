"""How much a file may hold: looked at before it is read, so that no file takes a machine's memory.

A small file can stand for a large one: packed text, a cell far down in a sheet, a page that repeats one byte. Such a
file is refused in a sentence that names the limit, and the key that raises it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cardscreen.errors import InputError

MIB = 1 << 20
#: Of a TOML file, which persons write: characters, tables and lists in each other, keys and values.
TOML_SIZE, TOML_DEPTH, TOML_VALUES = MIB, 32, 50_000
#: Of a sheet, in any spreadsheet program.
SHEET_ROWS, SHEET_COLUMNS = 1 << 20, 1 << 14

_Number = Annotated[int, Field(ge=1)]
_TOLD = {
    "unpacked_mib": "holds more than {:,} MiB, unpacked",
    "rows": "has more than {:,} rows",
    "columns": "has more than {:,} columns",
    "cells": "has more than {:,} cells, empty ones counted",
    "row_mib": "has a row of more than {:,} MiB",
    "cell_kib": "has cells of more than {:,} KiB, on an average",
    "depth": "has lists and objects in each other, more than {:,} deep",
}


class Bounds(BaseModel):
    """How much a file may hold.

    What is read as a whole, such as a list or a sheet, is held to all of them. Accounts of text and of Parquet stream,
    and are held to those of a row: its size, its columns, and the size of a cell.

    Attributes:
        unpacked_mib: The file, and what is in it where it is packed, in MiB.
        rows: Lines of a text, rows of a table.
        columns: Columns; of JSON Lines different keys.
        cells: Rows times columns.
        row_mib: One row of text, in MiB.
        cell_kib: The cells of a column of Parquet, on an average of some thousand rows, in KiB.
        depth: Lists and objects in each other.
        rejects: How many rows that can't be used are written; the rest is counted.

    Example:
        >>> str(Bounds().past("list.csv.gz", "unpacked_mib", "under [bounds] of the feed"))
        'list.csv.gz holds more than 512 MiB, unpacked: if that is right, say a larger unpacked_mib under [bounds] of the feed'
    """  # noqa: E501

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    unpacked_mib: _Number = 512
    rows: _Number = 20_000_000
    columns: _Number = 1_000
    cells: _Number = 200_000_000
    row_mib: _Number = 8
    cell_kib: _Number = 1_024
    depth: _Number = 32
    rejects: _Number = 100_000

    @property
    def size(self) -> int:
        """`unpacked_mib` in bytes."""
        return self.unpacked_mib * MIB

    def past(self, where: str, name: str, place: str = "") -> InputError:
        """What is raised where a file is past a limit.

        Args:
            where: The file, and perhaps the place in it.
            name: The limit's.
            place: Where its user would raise it; empty: nowhere.
        """
        way = f"if that is right, say a larger {name} {place}" if place else f"{name} is raised in feeds and jobs only"
        return InputError(f"{where} {_TOLD[name].format(getattr(self, name))}: {way}")
