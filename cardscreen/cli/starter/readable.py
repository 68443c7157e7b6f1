"""Which texts are values of some kind: such name no column, and secret ones are written into no settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from cardscreen.kinds.kind import KINDS
from cardscreen.kinds.named.opaque import Opaque

#: A number as people write it, perhaps behind a word, a day, a mail address.
_DATUM = re.compile(r"\s*[+(]?[\d][\d\s().,/:+*-]*\s*|.*@.*|[^\d+]{1,20}\+?(?:[\s()./-]*\d){9,15}\s*")


def are_data(cells: Sequence[str]) -> list[bool]:
    """Of each cell whether it is a value, of any kind, rather than the name of a column."""
    column = pl.Series("cell", cells, dtype=pl.String)
    found = pl.Series([_DATUM.fullmatch(cell) is not None for cell in cells], dtype=pl.Boolean)
    for kind in KINDS.values():
        if kind is not Opaque:  # a word, a colon and a word may be a name, too
            found |= column.to_frame().select(_is_read(kind().read(pl.col("cell")))).to_series()
    return found.to_list()


def _is_read(read: pl.Expr) -> pl.Expr:
    """Whether a cell can be read: with its checks, or else with a digit, since a long word may be an odd address."""
    value = read.struct.field("value")
    flawed = value.is_not_null() & value.str.contains("[0-9]")
    return ((read.struct.field("status") == "valid") | flawed).fill_null(value=False)


def holds_secrets(texts: Iterable[str]) -> bool:
    """Whether one of some texts is a value that is masked wherever results show it."""
    column = pl.Series("text", sorted(set(texts)), dtype=pl.String).to_frame()
    secret = [kind().claims(pl.col("text")).any() for kind in KINDS.values() if kind.secret]
    return bool(column.select(pl.any_horizontal(secret)).item())
