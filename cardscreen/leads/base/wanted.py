"""Which rows of the accounts are wanted: those of some accounts, that carry some values, or of crowded customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.digits import Flags, Keys, Rows, are_null, taken
from cardscreen.foundation.lookup.members import SPREAD, Members
from cardscreen.kinds.card.pans import REPAIRED
from cardscreen.kinds.kind import Kind
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.scan import Watch

#: A cell that gives a value: the row in which it stands, its column, its kind, and the value's key.
CELLS: Mapping[str, type[pl.DataType]] = {
    "row": pl.UInt32,
    "identifier": pl.String,
    "kind": pl.String,
    "key": pl.UInt64,
}
#: The same with the canonical value.
VALUES: Mapping[str, type[pl.DataType]] = {
    "row": pl.UInt32,
    "identifier": pl.String,
    "kind": pl.String,
    "value": pl.String,
}
_ROW = "\0row"
_BITS = 24  # of the number of a bucket of customers
_SHIFT = np.uint64(64 - _BITS)


@dataclass(frozen=True)
class Crowd:
    """Customers who may have more than so many values: those of some buckets, among which all customers are spread.

    Attributes:
        column: The column that names the customer.
        buckets: Numbers of buckets.
    """

    column: str
    buckets: Keys


@dataclass(frozen=True)
class Wanted:
    """Which rows are wanted.

    Attributes:
        accounts: Those of these accounts.
        values: Those that carry one of these keys, by kind.
        crowd: Those of these customers.
    """

    accounts: pl.Series | None = None
    values: Mapping[str, Keys] = field(default_factory=dict)
    crowd: Crowd | None = None

    def __repr__(self) -> str:
        """Counts only: keys are card numbers."""
        values = {kind: len(keys) for kind, keys in self.values.items()}
        return f"Wanted({0 if self.accounts is None else len(self.accounts)} accounts, {values})"


class Picker:
    """Picks the wanted rows out of batches."""

    def __init__(self, wanted: Wanted, plan: AccountColumns) -> None:
        self._plan = plan
        self._watch = None if wanted.accounts is None else Watch(wanted.accounts)
        self._members = {kind: Members(keys) for kind, keys in wanted.values.items() if len(keys)}
        self._buckets = {wanted.crowd.column: Members(wanted.crowd.buckets)} if wanted.crowd else {}

    def rows(self, batch: pl.DataFrame) -> Rows:
        """The rows of a batch, as `AccountColumns.select` gives it, that are wanted; those that name no account, never.

        Of the others, one in many billions may be among them.
        """
        flags = np.zeros(len(batch), dtype=bool)
        if self._watch is not None:
            flags |= self._watch.has(batch[self._plan.account_id])
        for column, kind in self._plan.identifiers.items():
            values, buckets = self._members.get(kind.name), self._buckets.get(column)
            if values is None and buckets is None:
                continue
            row, keys = keys_in(batch, self._plan, column)
            if values is not None:
                flags[row[values.among(keys)]] = True
            if buckets is not None:
                flags[row[buckets.among(bucket_of(keys))]] = True
        flags &= batch.select(self._plan.has_account()).to_series().to_numpy()
        return np.flatnonzero(flags)


def bucket_of(keys: Keys) -> Keys:
    """The bucket of each key."""
    buckets: Keys = keys * SPREAD >> _SHIFT
    return buckets


def crowding(batch: pl.DataFrame, plan: AccountColumns, column: str, counted: Sequence[str]) -> tuple[Keys, Keys]:
    """The buckets of a batch's customers, and the most values of one of some columns that each of them has in a row."""
    row, keys = keys_in(batch, plan, column)
    most = np.ones(len(batch), dtype=np.uint64)
    for name in counted:
        if plan.is_list(name):
            np.maximum(most, batch[name].list.len().fill_null(0).to_numpy().astype(np.uint64), out=most)
    return bucket_of(keys), most[row]


class Crowding:
    """How many values the customers of each bucket have together; as large for any number of customers."""

    def __init__(self) -> None:
        self._counts = np.zeros(1 << _BITS, dtype=np.uint32)

    def add(self, buckets: Keys, counts: Keys) -> None:
        """Count more."""
        np.add.at(self._counts, buckets.astype(np.intp), counts.astype(np.uint32))

    def above(self, limit: int) -> Keys:
        """The buckets that have more than so many: those of all customers who have, and of few others."""
        return np.flatnonzero(self._counts > limit).astype(np.uint64)


def keys_in(batch: pl.DataFrame, plan: AccountColumns, column: str) -> tuple[Rows, Keys]:
    """The keys of a column's cells, and the rows in which they stand.

    A value with which something is wrong, such as a phone number that no plan knows or a card number of examples, is
    what people write who have none; it has no key here.
    """
    kind = plan.identifiers[column]
    cells, row = batch.select(column, *kind.columns()), np.arange(len(batch), dtype=np.intp)
    if plan.is_list(column):
        exploded = cells.with_row_index(_ROW).explode(column, empty_as_null=False)
        row, cells = exploded[_ROW].to_numpy().astype(np.intp), exploded.drop(_ROW)
    plain = kind.keys_of(cells)
    keys = np.where(plain.flawed, np.uint64(0), plain.keys)
    others = np.flatnonzero((plain.keys == 0) & ~are_null(cells.to_series(0)))
    if len(others):
        scanned = taken(cells, others).select(kind.scan(pl.col(column)).struct.unnest())
        key = scanned["key"].fill_null(0).to_numpy()
        keys[others] = np.where(_are_sound(scanned, kind), key, np.uint64(0))
    there = np.flatnonzero(keys)
    return row[there], keys[there]


def cells_in(rows: pl.DataFrame, plan: AccountColumns) -> pl.DataFrame:
    """`CELLS` of some rows."""
    parts = [pl.DataFrame(schema=CELLS)]
    for column, kind in plan.identifiers.items():
        row, keys = keys_in(rows, plan, column)
        named = {"identifier": pl.lit(column), "kind": pl.lit(kind.name)}
        part = pl.DataFrame({"row": row.astype(np.uint32), "key": keys}).with_columns(**named)
        parts.append(part.select(list(CELLS)))
    return pl.concat(parts)


def values_in(rows: pl.DataFrame, plan: AccountColumns, *, flawed: bool = False) -> pl.DataFrame:
    """`VALUES` of some rows; those with which something is wrong, as `keys_in` says, only if asked for."""
    parts = [pl.DataFrame(schema=VALUES)]
    for column, kind in plan.identifiers.items():
        cells = rows.select(column, *kind.columns()).with_row_index("row")
        if plan.is_list(column):
            cells = cells.explode(column, empty_as_null=False)
        value = kind.read(pl.col(column)).struct.field("value")
        read = cells.select("row", kind.scan(pl.col(column)).struct.unnest(), value=value)
        sound = read["value"].is_not_null()
        if not flawed:
            sound &= pl.Series(_are_sound(read, kind), dtype=pl.Boolean)
        named = {"identifier": pl.lit(column), "kind": pl.lit(kind.name)}
        parts.append(read.filter(sound).with_columns(**named).select(list(VALUES)))
    return pl.concat(parts)


def carried(rows: pl.DataFrame, plan: AccountColumns) -> pl.DataFrame:
    """kind, value of some rows, each once, all that screening would read; of rows that name no account, none."""
    return values_in(rows.filter(plan.has_account()), plan, flawed=True).select("kind", "value").unique()


def _are_sound(scanned: pl.DataFrame, kind: Kind) -> Flags:
    """Of cells as `Kind.scan` reads them, which give a value that may be somebody's own."""
    key = scanned["key"].fill_null(0).to_numpy()
    noted = scanned.select(~pl.col("note").fill_null(REPAIRED).eq(REPAIRED)).to_series().to_numpy()
    sound: Flags = (key > 0) & ~kind.is_flawed(key, scanned["status"]) & ~noted
    return sound
