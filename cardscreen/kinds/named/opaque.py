"""Identifiers of your own, of which nothing is known but that equal ones are the same: devices, customers, tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.fillers import FILLING
from cardscreen.kinds.exact import Exact, status_of
from cardscreen.tables.cells import NOT_WHOLE, is_blank, to_text

STATUSES = pl.Enum(["missing", "placeholder", "unnamed", "valid"])
FIELDS = pl.Struct({"value": pl.String, "name": pl.String, "status": STATUSES})
_NAME = "[a-z][a-z0-9_]*"
_NAMED = f"^({_NAME}):."
#: What stands where there is no identifier: as one, it would be that of everybody who has none.
_WORDS = (
    "n/?a|n[.]a[.]|nan|null|nil|none|unknown|undefined|missing|empty|test|tbd|default|no device|not available"
    "|not applicable|不详|未知|无|暂无|没有|待补|待定"
)
#: One sign again and again, as of a device without an address (`FF:FF:FF:FF:FF:FF`); what a thumb types; and what some
#: systems tell of every device.
_REPEATED = "|".join(rf"(?:{sign}[\s:.-]?){{8,}}" for sign in "0123456789abcdef")
_TYPED = f"{FILLING}|0?123456789abcdef0?"
_OF_ALL = "02:00:00:00:00:00|9774d56d682e549c"
#: Pattern of all these.
PLACEHOLDER = rf"^(?i:{_WORDS}|[-–—_.?*xX]+|[0:.-]+|\{{[0-]+\}}|{_REPEATED}|{_TYPED}|{_OF_ALL})$"


@dataclass(frozen=True, init=False)
class Opaque(Exact):
    """The identifier kind of an operator's own identifiers: equal ones are the same, and nothing else is known of them.

    Canonical: its name and the cell as it is, `device:8F-03`.

    The canonical value is the name, a colon and the cell without white space around it, else as it is: `device:8F-03`.
    Words and signs that stand for nothing (`unknown`, `n/a`, `0`, `-`), one sign again and again (`FFFFFFFFFFFF`),
    digits in their order (`1234567890`) and what some systems tell of every device (`02:00:00:00:00:00`) are a
    `placeholder`, and no identifier.

    Args:
        name: What they identify, as lists have it, too: `device`, `customer`. None: only what begins with such a name.
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has it.

    Raises:
        ConfigError: The name is not one of small letters, digits and `_`.

    Example:
        >>> cells = pl.DataFrame({"x": [" 8F-03 ", "unknown"]})
        >>> cells.select(Opaque("device").read(pl.col("x")).struct.field("value")).to_series().to_list()
        ['device:8F-03', None]
    """

    of: str | None = None

    name: ClassVar[str] = "opaque"
    noun: ClassVar[tuple[str, str]] = ("identifier", "identifiers")
    any_text: ClassVar[bool] = True

    def __init__(self, name: str | None = None, *, holder_since: str | None = None) -> None:
        if name is not None and not re.fullmatch(_NAME, str(name)):
            raise ConfigError(f"name={name!r}: give a name of small letters, digits and _, such as device")
        object.__setattr__(self, "of", name)
        object.__setattr__(self, "holder_since", holder_since)
        self.__post_init__()

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, name, status}."""
        return to_text(cell, exact=True).map_batches(self._readings, return_dtype=FIELDS, is_elementwise=True)

    def _readings(self, cells: pl.Series) -> pl.Series:
        text, bare, value = pl.col("text"), pl.col("bare"), pl.col("value")
        is_empty = bare.str.contains(PLACEHOLDER) | bare.is_in(["", NOT_WHOLE])  # or a float that is no number's own
        named: pl.Expr
        name: pl.Expr
        if self.of is None:
            without_name, named = text.str.replace(f"^{_NAME}:", ""), pl.when(text.str.contains(_NAMED)).then(text)
            name = value.str.extract(_NAMED)
        else:
            without_name, named = text.str.strip_prefix(f"{self.of}:"), pl.lit(f"{self.of}:") + bare
            name = pl.when(value.is_not_null()).then(pl.lit(self.of))
        # A step after another: within one, the engine would work each out anew wherever it is named.
        return (
            pl.LazyFrame({"text": cells.str.strip_chars()})
            .with_columns(bare=without_name)
            .with_columns(value=named)
            .with_columns(
                status=status_of(STATUSES, missing=is_blank(text), placeholder=is_empty, unnamed=value.is_null())
            )
            .with_columns(value=pl.when(pl.col("status") == "valid").then(value))
            .select(pl.struct(value, name.alias("name"), "status").alias(cells.name))
            .collect(engine="in-memory")
            .to_series()
        )

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """False: what has a name and a colon may be anything else."""
        return cell.is_null() & False
