"""Which columns of the accounts a screening reads, checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError, MissingColumn, near
from cardscreen.foundation.schema import HIDDEN, Shown
from cardscreen.kinds.kind import Kind
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.policy.policy import Policy
from cardscreen.tables.cells import holds_numbers, is_blank, refuse_type
from cardscreen.tables.dates import is_bad_date, is_dateable, to_date
from cardscreen.tables.opening import require_columns
from cardscreen.tables.source_files.text import MARKS

_TEXT = (pl.String, pl.Categorical, pl.Enum, pl.Null)


@dataclass(frozen=True)
class AccountColumns:
    """Which account columns are read, and as what.

    Attributes:
        schema: All columns that there are.
        identifiers: Column → kind.
        account_id: The column that names the account.
        carry: Columns that results keep.
        unmasked: Those of them, of the account id and of `of_any_text` that may hold secret numbers all the same.
        date_format: How text says a day; None: YYYY-MM-DD.
        ruled: Column → the values that the policy's rules want there.
        looked_at: Columns of `schema.DETAILS` that rules look at.
        shown: As what results hold identifiers.
        zone: By whose clock instants have their day; None: by the one that they are told by.
    """

    schema: pl.Schema
    identifiers: Mapping[str, Kind]
    account_id: str
    carry: list[str]
    unmasked: list[str]
    date_format: str | None = None
    ruled: Mapping[str, Sequence[str]] = field(default_factory=dict)
    looked_at: Sequence[str] = ()
    shown: Shown = "masked"
    zone: str | None = None

    @classmethod
    def of(
        cls,
        columns: pl.Schema,
        identifiers: Mapping[str, Kind],
        account_id: str,
        carry: list[str],
        policy: Policy,
        unmasked: list[str],
        date_format: str | None = None,
        shown: Shown = "masked",
        zone: str | None = None,
    ) -> AccountColumns:
        """The columns of a screening, checked against those that there are.

        Raises:
            MissingColumn: One of them is not there.
            InputError: One has a type that can't hold what it should.
            ConfigError: Options that make no sense.
        """
        _check_kinds(identifiers)
        check_names([account_id, *identifiers, *carry, *unmasked])
        if account_id in identifiers and identifiers[account_id].secret and account_id not in unmasked:
            raise ConfigError(
                f"column {account_id!r} holds {identifiers[account_id].noun[1]} and can't be the account id: results "
                "show it; if that is meant, name it in unmasked"
            )
        kept, ruled = list(dict.fromkeys(carry)), policy.account_values()
        plan = cls(columns, identifiers, account_id, kept, unmasked, date_format, ruled, policy.details(), shown, zone)
        _require(columns.names(), plan, account_id)
        plan._check_names()
        plan._check_types()
        plan._check_carried(policy)
        plan._check_unmasked()
        return plan

    def _check_names(self) -> None:
        for name in self.needed():
            if "\0" in name:
                raise InputError(f"column {name!r} has a NUL in its name, which Arrow takes in none: rename it")

    def _check_types(self) -> None:
        if self.schema[self.account_id].is_nested() or self.schema[self.account_id] == pl.Boolean:
            raise self._refused(self.account_id, "is no account id: give text, a number or another plain value")
        for name in self.needed():
            dtype = self.schema[name]
            if dtype in (pl.Object, pl.Int128, pl.UInt128) or isinstance(dtype, pl.BaseExtension):
                raise self._refused(name, "can't be read: cast it to text")
        for name in self.identifiers:
            dtype = self.schema[name]
            inner = dtype.inner if isinstance(dtype, pl.List) else dtype
            if not holds_numbers(inner):  # type: ignore[arg-type]
                raise refuse_type(name, dtype)
        for name in self.dates():
            if not is_dateable(self.schema[name]):
                raise self._refused(name, "holds no days: give dates, or text as YYYY-MM-DD")
        for name in (name for kind in self.identifiers.values() for name in kind.columns()):
            if self.schema[name] not in _TEXT:
                raise self._refused(name, "holds no codes of regions: give text, such as CN")

    def _refused(self, column: str, problem: str) -> InputError:
        return InputError(f"column {column!r} has type {self.schema[column]} and {problem}")

    def _check_carried(self, policy: Policy) -> None:
        for name in self.carry:
            if name in schema.FLAGGED or name in schema.HITS:
                raise ConfigError(f"the carried column {name!r} has the name of a column of the results: rename it")
            if self.schema[name].is_nested() or self.schema[name] in (pl.Binary, pl.Duration):
                raise ConfigError(f"the carried column {name!r} has type {self.schema[name]}: carry plain values only")
            if name in self.identifiers and self.identifiers[name].secret and name not in self.unmasked:
                held = self.identifiers[name].noun[1]
                raise ConfigError(f"column {name!r} holds {held} and can't be carried: results show them masked")
        for name in policy.details():
            if not any(name in kind.details(pl.col("value"), [name]) for kind in self.identifiers.values()):
                what = "phone column" if name.startswith("phone") else "card column with issuers = a BIN table"
                raise ConfigError(f"a rule looks at {name}, and there is no {what}, so it would never apply")
        for name in policy.account_columns():
            if name not in self.carry:
                raise ConfigError(f"a rule looks at account.{name}, which is not carried: add {name!r} to carry")

    def _check_unmasked(self) -> None:
        kept = [self.account_id, *self.carry, *of_any_text(self.identifiers)]
        for name in self.unmasked:
            if name not in kept:
                raise ConfigError(
                    f"unmasked names {name!r}{near(name, kept)}, which is neither the account id nor carried, nor "
                    "holds identifiers that results show as they are"
                )

    def dates(self) -> list[str]:
        """The columns that say since when a holder has an identifier."""
        return list(dict.fromkeys(kind.holder_since for kind in self.identifiers.values() if kind.holder_since))

    def day(self, column: str) -> pl.Expr:
        """A column of `dates` as Date; null where it says none."""
        return to_date(pl.col(column), self.schema[column], self.date_format, self.zone)

    def is_bad_day(self, column: str) -> pl.Expr:
        """Whether `day` can't read a cell that is not empty: Boolean, never null."""
        return is_bad_date(pl.col(column), self.schema[column], self.date_format, self.zone)

    def needed(self) -> list[str]:
        """All account columns that are read, each once; those of `text.MARKS` that there are among them."""
        extra = [name for kind in self.identifiers.values() for name in kind.columns()]
        marks = [name for name in MARKS if name in self.schema]
        return list(dict.fromkeys([self.account_id, *self.identifiers, *extra, *self.dates(), *self.carry, *marks]))

    def details_of(self, kind: Kind) -> dict[str, pl.Expr]:
        """What hits tell of a kind's values, over the column `value`: all of `schema.DETAILS`, mostly null."""
        told = kind.details(pl.col("value"), self.looked_at)
        return {name: told.get(name, pl.lit(None, dtype=dtype)) for name, dtype in schema.DETAILS.items()}

    def show(self, kind: Kind, value: pl.Expr, keys: Sequence[TokenKey]) -> pl.Expr:
        """What results hold of canonical values; a token is under the first of the keys."""
        if self.shown == "none":
            return pl.when(value.is_not_null()).then(pl.lit(HIDDEN))
        return token(value, kind.name, keys[0]) if self.shown == "token" else kind.show(value)

    def is_list(self, column: str) -> bool:
        """Whether a cell of the column holds several identifiers."""
        return isinstance(self.schema[column], pl.List) or self.identifiers[column].split(pl.col(column)) is not None

    def select(self, table: pl.LazyFrame) -> pl.LazyFrame:
        """The columns that are read, cells that hold several identifiers as lists."""
        splits = ((column, kind.split(pl.col(column))) for column, kind in self.identifiers.items())
        lists = [parts.alias(column) for column, parts in splits if parts is not None]
        return table.select(self.needed()).with_columns(lists)

    def has_account(self) -> pl.Expr:
        """Whether a row names its account."""
        name = pl.col(self.account_id)
        if self.schema[self.account_id] in (pl.String, pl.Categorical, pl.Enum):
            return ~is_blank(name.cast(pl.String))
        return name.is_not_null()


def check_names(names: Iterable[object]) -> None:
    """Refuse names of columns that are no text, as pandas has them.

    Raises:
        ConfigError: Names the first.
    """
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"{name!r} is no name of a column: write it as text, '{name}'")


def names_in(names: Sequence[str]) -> list[str]:
    """Column names; one alone may be given as it is."""
    return [names] if isinstance(names, str) else list(names)


def of_any_text(identifiers: Mapping[str, Kind]) -> list[str]:
    """The columns of identifiers that may be any text, card numbers too: results show them as they are."""
    return [name for name, kind in identifiers.items() if kind.any_text]


def still_unmasked(unmasked: Sequence[str], account_id: str, identifiers: Mapping[str, Kind]) -> list[str]:
    """Of the columns that may hold card numbers, those that are left where nothing is carried."""
    return [name for name in unmasked if name in (account_id, *of_any_text(identifiers))]


def _check_kinds(identifiers: object) -> None:
    if not isinstance(identifiers, Mapping) or not identifiers:
        raise ConfigError("no identifier columns are given: name at least one, such as {'mobile': Phone('CN')}")
    for column, kind in identifiers.items():
        if not hasattr(kind, "scan") or isinstance(kind, type):
            raise ConfigError(f"identifiers[{column!r}] is {kind!r}, not a kind such as Phone('CN') or Card()")
        if getattr(kind, "vanity", False):
            raise ConfigError(f"identifiers[{column!r}]: vanity is for feeds: leave it out, accounts' letters are read")
        if column in kind.columns():
            raise ConfigError(f"identifiers[{column!r}]: its own numbers can't say the region: name another column")


def _require(there: list[str], plan: AccountColumns, account_id: str) -> None:
    """Refuse accounts that lack a column; of the ids, say how another is named."""
    try:
        require_columns(there, plan.needed(), "the accounts")
    except MissingColumn as error:
        if error.column != account_id or len(error.available) == 1:  # then the delimiter is another
            raise
        hint = " Say which one names the account: account_id=… in Python, id under [accounts] of a job."
        raise MissingColumn(error.column, error.available, error.where, hint) from None
