"""What kinds have in common of which a value is whole: one way to write it, and no ranges or hidden digits.

Such a kind says its name and its words, and reads its cells (`Exact.fields`); all else follows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards.in_text import tell_own
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows
from cardscreen.foundation.lookup.fillers import FILLING
from cardscreen.foundation.settings.plain import PlainHelp
from cardscreen.kinds import keys
from cardscreen.kinds.listed_forms import WRITTEN
from cardscreen.tables.cells import over_fields

_NO_TEXT = pl.lit(None, dtype=pl.String)
#: Status of a cell that is filled with what is nobody's value, why a list has none of it, and the pattern of most.
FILLER, ONLY_FILLS = "placeholder", "digits that only fill a field, and are nobody's"
FILLED = f"^{FILLING}$"


def status_of(statuses: pl.Enum, **conditions: pl.Expr) -> pl.Expr:
    """The first status whose condition holds; the last one where none does.

    Numbers are compared and not words, in a third of the time.
    """
    names = statuses.categories.to_list()
    code = pl.lit(len(names) - 1, dtype=pl.UInt8)
    for name, condition in reversed(conditions.items()):
        code = pl.when(condition).then(pl.lit(names.index(name), dtype=pl.UInt8)).otherwise(code)
    return pl.lit(pl.Series(names, dtype=statuses)).gather(code)


def several_or_alone(text: pl.Expr, parts: pl.Expr) -> pl.Expr:
    """The parts of cells that have several; of others a List of the text itself, null for null."""
    alone = pl.when(text.is_not_null()).then(pl.concat_list(text))
    return pl.when(parts.list.len() > 1).then(parts).otherwise(alone)


def check_option(name: str, value: str | None, known: Sequence[str]) -> None:
    """Refuse a value of an option that is none of those that there are; None is left out.

    Raises:
        ConfigError: Names them.
    """
    if value is not None and value not in known:
        raise ConfigError(f"{name}={value!r}{near(str(value), known)}: it is one of {', '.join(known)}")


#: What options are annotated as → their type, and its name.
_TYPES: Mapping[str, tuple[type, str]] = {
    "str | None": (str, "text"),
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
}


def check_types(kind: Any) -> None:
    """Refuse options of a kind that are of another type than their default.

    Raises:
        ConfigError: Names the option.
    """
    for each in fields(kind):
        value, (wanted, name) = getattr(kind, each.name), _TYPES.get(str(each.type), (object, ""))
        is_of_it = isinstance(value, wanted) and (wanted is not int or not isinstance(value, bool))
        if not is_of_it and (value is not None or wanted is not str):
            told = repr(value) if isinstance(value, (bool, int, float, str)) else type(value).__name__
            raise ConfigError(f"{each.name} must be {name}, not {told}")


class Whole(metaclass=PlainHelp):
    """A kind of which no digits are hidden."""

    truncates: ClassVar[bool] = False
    any_text: ClassVar[bool] = False

    @abstractmethod
    def read(self, cell: pl.Expr) -> pl.Expr:
        """`schema.READ`: what evidence about a few cells needs."""

    widest: ClassVar[str] = "{:,} numbers"
    service: ClassVar[tuple[str, str]] = ("a value that serves everybody", "values that serve everybody")

    def details(self, value: pl.Expr, wanted: Collection[str]) -> dict[str, pl.Expr]:  # noqa: ARG002
        """None: nothing is known of a value but itself."""
        return {}

    def service_lines(self, listed: pl.LazyFrame, cells: pl.DataFrame) -> list[int]:  # noqa: ARG002
        """None: no value serves everybody."""
        return []

    def misread(self, listed: pl.DataFrame, cells: pl.DataFrame, share: float) -> dict[str, list[int]]:  # noqa: ARG002
        """None: no value begins with a zero that may be lost."""
        return {}

    def told_in(self, texts: pl.Series, rows: Rows, cells: pl.Series) -> Flags:
        """Whether each text shows the value in the cell beside it."""
        return tell_own(texts, cells.to_frame().select(self.read(pl.first()).struct.field("value")).to_series(), rows)

    def whole_in(self, texts: pl.Series) -> tuple[int, int]:  # noqa: ARG002
        """None: no text is taken for one that holds values."""
        return 0, 0

    @staticmethod
    def stub(value: pl.Expr) -> pl.Expr:  # noqa: ARG004
        """Null: no digits are hidden."""
        return pl.lit(None, dtype=pl.UInt64)

    @staticmethod
    def stubs_of(plain: Keys) -> Keys:
        """Zeros: no digits are hidden."""
        return np.zeros_like(plain)


@dataclass(frozen=True)
class Exact(Whole):
    """A kind of whole values; a class that derives from it gives what is not set here.

    Attributes:
        value: The field of `fields` that holds the canonical value.
        valid: The status of a value that is surely of the kind.
        flaw: The status of one that is screened although something is wrong with it; `invalid`, which none has, where
            nothing can be.
        fillers: Pattern of canonical values that only fill a field, and are nobody's: `0000…`.
    """

    holder_since: str | None = None

    name: ClassVar[str]
    noun: ClassVar[tuple[str, str]]
    value: ClassVar[str] = "value"
    flaw: ClassVar[str] = "invalid"
    notes: ClassVar[tuple[str, ...]] = ()
    valid: ClassVar[str] = "valid"
    fillers: ClassVar[str] = "^$"
    secret: ClassVar[bool] = False
    store_as: ClassVar[Literal["token", "plain"]] = "plain"
    reasons: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        """Check the options."""
        check_types(self)

    @abstractmethod
    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: the Struct of the kind's public function, with `value` and `status`."""

    def readings(self, cell: pl.Expr) -> pl.Expr:
        """The Struct that `value` and `status` are taken from; of a secret kind more than `fields` shows."""
        return self.fields(cell)

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        return []

    def tables(self) -> list[str]:
        """None: what reading needs comes with the package."""
        return []

    def split(self, cell: pl.Expr) -> pl.Expr | None:  # noqa: ARG002
        """None: a cell holds one value."""
        return None

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """Zeros: no value is plain to see."""
        return PlainKeys.none(len(cells))

    @classmethod
    def is_flawed(cls, keys: Keys, status: pl.Series) -> Flags:  # noqa: ARG003
        """Which values have the flaw."""
        return (status == cls.flaw).to_numpy()

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: what the pass over all accounts needs."""
        fills = self._fills(pl.col(self.value))
        key = self.key(pl.when(~fills).then(pl.col(self.value)))
        status = pl.when(fills).then(pl.lit(FILLER)).otherwise(pl.col("status").cast(pl.String))
        none = {"stub": pl.lit(None, dtype=pl.UInt64), "shown": _NO_TEXT}
        # The flaw is counted by itself.
        note = pl.when(status.is_in([name for name in self.notes if name != self.flaw])).then(status)
        return over_fields(self.readings(cell), schema.SCAN, key=key, **none, status=status, note=note)

    def read(self, cell: pl.Expr) -> pl.Expr:
        """`schema.READ`: what evidence about a few cells needs."""
        status = pl.col("status").cast(pl.String)
        return over_fields(self.readings(cell), schema.READ, value=pl.col(self.value), status=status)

    def show(self, value: pl.Expr) -> pl.Expr:
        """A canonical value as results hold it: as it is."""
        return value

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a canonical value: a hash of its text."""
        return keys.of_text(value)

    def written(self, cell: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of a source's cells: a value, read as an account's is."""
        return self._without_fillers(self._exactly(cell))

    @classmethod
    def listing(cls, value: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of listed values: as of a source's cells."""
        return cls()._exactly(value)

    def _exactly(self, cell: pl.Expr) -> pl.Expr:
        exact = pl.when(pl.col("value").is_not_null()).then(pl.lit("exact"))
        return over_fields(self.read(cell), WRITTEN, match=exact, value=pl.col("value"))

    @classmethod
    def _fills(cls, value: pl.Expr) -> pl.Expr:
        return value.str.contains(cls.fillers).fill_null(value=False)

    @classmethod
    def _without_fillers(cls, written: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` without values that only fill a field."""
        fields = {name: pl.when(~cls._fills(pl.col("value"))).then(pl.col(name)) for name in ("match", "value")}
        return over_fields(written, WRITTEN, **fields)

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely of this kind: Boolean, never null."""
        return (self.readings(cell).struct.field("status") == self.valid).fill_null(value=False)

    @staticmethod
    def is_doubtful(value: pl.Expr) -> pl.Expr:
        """False: a value looks like no other kind's."""
        return value.is_null() & False

    @staticmethod
    def is_too_wide(value: pl.Expr, limit: int) -> pl.Expr:  # noqa: ARG004
        """False: there are no ranges."""
        return value.is_null() & False


@dataclass(frozen=True)
class ExactSecret(Exact):
    """A kind of whole values that results mask and stores hold as tokens.

    Attributes:
        told: What is read of a cell: the value in full, and beside it what a person may see.
        in_text: Pattern of what stands in text as a value does: the group that it captures.
    """

    told: ClassVar[pl.Struct]
    in_text: ClassVar[str]
    secret: ClassVar[bool] = True
    store_as: ClassVar[Literal["token", "plain"]] = "token"

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: all of `told` but the value."""
        seen: dict[str, Any] = {field.name: field.dtype for field in self.told.fields if field.name != self.value}
        return over_fields(self.readings(cell), pl.Struct(seen), **{name: pl.col(name) for name in seen})

    def whole_in(self, texts: pl.Series) -> tuple[int, int]:
        """How many texts hold a value, and how many what may be one by its form."""
        found = texts.str.extract(self.in_text).drop_nulls()
        if found.is_empty():
            return 0, 0  # as nearly always: the rest takes a hundred times as long
        like = self._of_form(found)
        return int(like.to_frame().select(self.claims(pl.first()).sum()).item()), len(like)

    @classmethod
    @abstractmethod
    def _of_form(cls, found: pl.Series) -> pl.Series:
        """Of what `in_text` found, what has the form of a value, as `claims` reads it."""
