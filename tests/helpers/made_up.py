"""A kind of identifier that is made up, and secret: staff passes, two letters, nine digits and a letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl

from cardscreen.kinds.exact import Exact
from cardscreen.kinds.kind import KINDS
from cardscreen.tables.cells import is_blank, over_fields, to_text

FIELDS = pl.Struct({"number": pl.String, "status": pl.String})


@dataclass(frozen=True)
class StaffPass(Exact):
    """Two letters, nine digits and a letter, with blanks or hyphens between."""

    name: ClassVar[str] = "staff_pass"
    noun: ClassVar[tuple[str, str]] = ("pass number", "pass numbers")
    value: ClassVar[str] = "number"
    secret: ClassVar[bool] = True
    store_as: ClassVar[Literal["token", "plain"]] = "token"
    flaw: ClassVar[str] = "withdrawn"
    notes: ClassVar[tuple[str, ...]] = ()

    def readings(self, cell: pl.Expr) -> pl.Expr:
        bare = to_text(cell).str.to_uppercase().str.replace_all(r"[\s-]", "")
        sound = pl.col("bare").str.contains("^[A-Z]{2}[0-9]{9}[A-Z]$")
        status = (
            pl.when(is_blank(pl.col("bare")))
            .then(pl.lit("missing"))
            .when(sound)
            .then(pl.lit("valid"))
            .otherwise(pl.lit("not_a_pass"))
        )
        return over_fields(pl.struct(bare=bare), FIELDS, number=pl.when(sound).then("bare"), status=status)

    def fields(self, cell: pl.Expr) -> pl.Expr:
        return over_fields(self.readings(cell), FIELDS, number=self.show(pl.col("number")), status=pl.col("status"))

    def show(self, value: pl.Expr) -> pl.Expr:
        return value.str.head(2) + "*********" + value.str.tail(1)

    def __reduce__(self) -> Any:
        return _known, (self.holder_since,)


def _known(holder_since: str | None) -> StaffPass:
    """A pass in another process, which has the kind, too."""
    KINDS["staff_pass"] = StaffPass
    return StaffPass(holder_since)
