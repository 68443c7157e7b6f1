"""How much a file may hold: looked at before it is read, so that no file takes a machine's memory.

A small file can stand for a large one: packed text, a cell far down in a sheet, a page that repeats one byte. Such a
file is refused in a sentence that names the limit, and the key that raises it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from cardscreen.foundation.errors import InputError

MIB = 1 << 20
#: Of a TOML file, which persons write: characters, tables and lists in each other, keys and values.
TOML_SIZE, TOML_DEPTH, TOML_VALUES = MIB, 32, 50_000
#: Of a cell that is screened, in bytes: whatever is longer is nobody's number, account or name.
LONGEST_CELL = MIB
#: Of a sheet, in any spreadsheet program.
SHEET_ROWS, SHEET_COLUMNS = 1 << 20, 1 << 14

_Number = Annotated[int, Field(ge=1)]
_TOLD = {
    "unpacked_mib": "holds more than {:,} MiB, unpacked",
    "rows": "has more than {:,} rows",
    "columns": "has more than {:,} columns",
    "cells": "has more than {:,} cells",
    "sheet_cells": "has a sheet of more than {:,} cells, empty ones before the last one counted",
    "row_mib": "has a row of more than {:,} MiB",
    "cell_kib": "has cells of more than {:,} KiB",
}


class Bounds(BaseModel):
    """How much a file may hold.

    What is read as a whole, such as a list or a sheet, is held to all of them. Accounts of text and of Parquet stream,
    and are held to those of a row: its size, its columns, and the size of a cell.

    Attributes:
        unpacked_mib: The file, and what is in it where it is packed, in MiB.
        rows: Lines of a text, rows of a table.
        columns: Columns; of JSON Lines different keys.
        cells: Fields of a text; rows times columns of Parquet and Arrow.
        sheet_cells: Of a sheet: the last row times the last column in which something stands.
        row_mib: One row of text, in MiB.
        cell_kib: The cells of a column of Parquet, on an average of those that are packed together, in KiB.
        rejects: How many rows that can't be used are written; the rest is counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    unpacked_mib: _Number = 512
    rows: _Number = 20_000_000
    columns: _Number = 1_000
    cells: _Number = 200_000_000
    sheet_cells: _Number = 25_000_000
    row_mib: _Number = 8
    cell_kib: _Number = 1_024
    rejects: _Number = 100_000


@dataclass(frozen=True)
class Held:
    """The bounds that files are held to.

    Attributes:
        bounds: They.
        place: Where whoever names the files would raise one.

    Example:
        >>> str(Held(Bounds(rows=10), "under [bounds] of the feed").past("list.csv", "rows"))
        'list.csv has more than 10 rows: if that is right, raise rows under [bounds] of the feed'
    """

    bounds: Bounds
    place: str = "under [bounds] of a feed, or [accounts.bounds] of a job"

    def past(self, where: str, name: str) -> InputError:
        """What is raised where a file, or a place in it, is past a bound."""
        what = _TOLD[name].format(getattr(self.bounds, name))
        return InputError(f"{where} {what}: if that is right, raise {name} {self.place}")

    def whole(self, stream: Any, where: str) -> bytes:
        """All of a stream.

        Raises:
            InputError: It is longer than `unpacked_mib`.
        """
        content: bytes = stream.read(self.bounds.unpacked_mib * MIB + 1)
        if len(content) > self.bounds.unpacked_mib * MIB:
            raise self.past(where, "unpacked_mib")
        return content

    def lines(self, blocks: Iterable[bytes], where: str) -> Iterator[bytes]:
        """A text that comes in blocks, however long it is.

        Raises:
            InputError: A line is longer than `row_mib`, and than a block.
        """
        size = 0
        for block in blocks:
            last = max(block.rfind(b"\n"), block.rfind(b"\r"))
            size = len(block) - 1 - last if last >= 0 else size + len(block)
            if size > self.bounds.row_mib * MIB:
                raise self.past(where, "row_mib")
            yield block

    def text(self, blocks: Iterable[bytes], delimiter: str, where: str) -> Iterator[bytes]:
        """A text that comes in blocks, and will be read as a whole.

        Raises:
            InputError: It has more lines than `rows`, more delimiters than `cells`, or is longer than `unpacked_mib`;
                or as of `lines`.
        """
        size, rows, cells = 0, 0, 0
        for block in self.lines(blocks, where):
            size += len(block)
            rows += max(count_of(b"\n", block), count_of(b"\r", block))
            cells += count_of(delimiter.encode(), block)
            sizes = {"unpacked_mib": size // MIB, "rows": rows - 1, "cells": cells}
            if past := next((name for name, count in sizes.items() if count > getattr(self.bounds, name)), None):
                raise self.past(where, past)
            yield block


def count_of(sign: bytes, text: bytes) -> int:
    """How often a sign stands in a text; where it often does, `bytes.count` takes three times as long.

    Example:
        >>> count_of(b",", b"a,b,c")
        2
    """
    if len(sign) > 1:
        return text.count(sign)
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == sign[0]))


AS_THEY_ARE = Held(Bounds())
