"""A bank's own table of issuers (BIN table): who issued a card, where, and how it is funded."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import polars as pl

from cardscreen.foundation.cards.prefixes import NOBODY, Prefixes
from cardscreen.foundation.errors import InputError
from cardscreen.tables.cells import holds_numbers, to_text
from cardscreen.tables.opening import collected, local_files, open_table, require_columns
from cardscreen.tables.paths import steady

#: Digits that a BIN can have; the contract of ISO/IEC 7812-1 has six and eight, networks sell ranges up to eleven.
_FEWEST, _MOST = 4, 11
#: Field of `cs.card` → column of the table.
FIELDS = {"issuer": "issuer", "country": "country", "funding": "type"}
_SHOWN_ROWS = 5  # rows that an error names before it only counts


class Issuers:
    """A BIN table, checked and ready for look-ups.

    Attributes:
        prefixes: The table by the leading eleven digits; payload: owner, a row of `owners`.
        owners: issuer, country, funding (String), each combination once: so few that looking them up is quick. The
            last row is nobody's.
    """

    def __init__(self, prefixes: Prefixes, owners: pl.DataFrame) -> None:
        """Use `read` or `from_frame`."""
        self.prefixes = prefixes
        self.owners = owners

    def __repr__(self) -> str:
        """How many ranges there are."""
        return f"Issuers({len(self.prefixes.table):,} ranges)"

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Issuers:
        """A BIN table from a file.

        Args:
            path: CSV, TSV, Parquet or Arrow IPC with the columns of `from_frame`.

        Raises:
            InputError: As for `from_frame`, or the file can't be read; names the file.
        """
        with steady(lambda: local_files(path)):
            return cls._of(open_table(os.fspath(path)), os.fspath(path))

    @classmethod
    def from_frame(cls, frame: Any) -> Issuers:
        """A BIN table from any frame.

        Args:
            frame: `bin` (String or integers): 4 to 11 digits, or a range `62220200-62220299` of equally
                long ones; and any of `issuer`, `country`, `type` (debit, credit, prepaid, …), String. Where
                ranges overlap, the narrower one (the longer BIN) answers. Other columns are left alone.

        Raises:
            MissingColumn: `bin` is not there.
            InputError: A BIN can't be read, or one is there twice with different data; names the rows,
                counted from 0.

        Example:
            >>> Issuers.from_frame(pl.DataFrame({"bin": ["622202", "621700-621799"], "issuer": ["ICBC", "CCB"]}))
            Issuers(2 ranges)
        """
        return cls._of(open_table(frame), "the issuers")

    @classmethod
    def _of(cls, table: pl.LazyFrame, where: str) -> Issuers:
        frame = collected(table, where)
        require_columns(frame.columns, ["bin"], where)
        if not holds_numbers(frame.schema["bin"]):
            raise InputError(f"{where}: column 'bin' has type {frame.schema['bin']}, not text or integers")
        written = to_text(pl.col("bin")).str.strip_chars()
        digits = f"([0-9]{{{_FEWEST},{_MOST}}})"
        rows = frame.lazy().select(
            first=written.str.extract(f"^{digits}(?:-[0-9]+)?$"),
            last=written.str.extract(f"^(?:[0-9]+-)?{digits}$"),
            **{field: _words(column, frame.columns) for field, column in FIELDS.items()},
        )
        read = collected(rows, where)
        ordered = (pl.col("first").str.len_bytes() == pl.col("last").str.len_bytes()) & (
            pl.col("first") <= pl.col("last")
        )
        _refuse(where, read, ~ordered.fill_null(False), f"no BIN of {_FEWEST} to {_MOST} digits, nor a range of two")
        distinct = read.with_row_index("row").unique(["first", "last", *FIELDS], keep="first", maintain_order=True)
        described = distinct.select("first", "last", *FIELDS)
        again = described.select(pl.struct("first", "last").is_duplicated()).to_series()
        if again.any():
            rows_named = ", ".join(map(str, distinct["row"].filter(again).head(_SHOWN_ROWS)))
            raise InputError(
                f"{where}: one BIN with different data in the rows {rows_named} (counted from 0): keep one"
            )
        owners = described.select(*FIELDS).unique(maintain_order=True)
        owner = described.join(owners.with_row_index("owner"), on=list(FIELDS), nulls_equal=True, maintain_order="left")
        nobody = owners.clear(1)
        return cls(
            Prefixes.of(described["first"], described["last"], owner.select("owner"), _MOST),
            pl.concat([owners, nobody]),
        )

    def of(self, text: pl.Expr) -> dict[str, pl.Expr]:
        """The fields of card numbers, by name: String, null where the table doesn't know the card. Stream.

        Args:
            text: Canonical PANs or truncated PANs; the digits that a truncated PAN shows must suffice.
        """
        owner = text.map_batches(self._owners, return_dtype=pl.UInt32, is_elementwise=True)
        return {field: pl.lit(self.owners[field]).gather(owner) for field in FIELDS}

    def _owners(self, texts: pl.Series) -> pl.Series:
        frame = texts.alias("text").to_frame()
        leading = frame.select(pl.col("text").str.head(_MOST).cast(pl.UInt64, strict=False)).to_series()
        row = self.prefixes.find(leading.fill_null(0).to_numpy())
        hidden = leading.is_null().to_numpy()
        if hidden.any():
            shown = frame.filter(hidden).select(self.prefixes.of_shown(pl.col("text"))).to_series()
            row[hidden] = shown.cast(pl.Int32).fill_null(NOBODY).to_numpy()
        owners = np.append(self.prefixes.table.payload["owner"].to_numpy(), len(self.owners) - 1)
        return pl.Series(texts.name, owners.take(row).astype(np.uint32))


def _words(column: str, available: list[str]) -> pl.Expr:
    """Text without blanks around it; null where nothing is left, or where there is no such column."""
    if column not in available:
        return pl.lit(None, dtype=pl.String)
    return pl.col(column).cast(pl.String).str.strip_chars().replace("", None)


def _refuse(where: str, rows: pl.DataFrame, bad: pl.Expr, problem: str) -> None:
    wrong = rows.select(bad.arg_true()).to_series()
    if len(wrong):
        named = ", ".join(map(str, wrong.head(_SHOWN_ROWS)))
        more = f" and {len(wrong) - _SHOWN_ROWS} more" if len(wrong) > _SHOWN_ROWS else ""
        raise InputError(f"{where}: {problem}, in the rows {named}{more} (counted from 0)")
