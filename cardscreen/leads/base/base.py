"""The base of accounts as leads read it: again and again, each time for the few rows that matter next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import polars as pl

from cardscreen.foundation.errors import InputError, first_line
from cardscreen.foundation.lookup.digits import Keys, taken
from cardscreen.foundation.process.threads import on_all_threads
from cardscreen.leads.base.wanted import Crowding, Picker, Wanted, carried, crowding
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.exposure import check_exposure
from cardscreen.tables.libraries import ENGINE_ERRORS
from cardscreen.tables.opening import batches_of, detached

_Done = TypeVar("_Done")
_BATCH = 1_000_000  # rows


class Base(Protocol):
    """Accounts, wherever they lie."""

    @property
    def plan(self) -> AccountColumns:
        """Their columns."""
        ...

    def rows(self, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """The wanted rows, as `AccountColumns.select` gives them, in parts."""
        ...

    def values(self) -> Iterator[pl.DataFrame]:
        """kind, value (canonical): what the accounts carry, in parts; what many carry comes in many."""
        ...

    def crowded(self, column: str, counted: Sequence[str], above: int) -> Keys:
        """The buckets of customers who may have more than so many values in one of the counted columns."""
        ...


@dataclass(frozen=True)
class LocalBase:
    """Accounts in files, frames or a database, read by this machine.

    Attributes:
        table: All of them.
        plan: Their columns.
        looked_at: Whether a run has looked for card numbers in what results show.
    """

    table: pl.LazyFrame
    plan: AccountColumns
    looked_at: bool = True

    def rows(self, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """The wanted rows, in parts."""
        picker = Picker(wanted, self.plan)

        def picked(batch: pl.DataFrame) -> pl.DataFrame:
            batch = batch.rechunk()  # text comes in many pieces, each of which would cost by itself
            if not self.looked_at:
                check_exposure(batch, self.plan)
            return detached(taken(batch, picker.rows(batch)))

        yield self.plan.select(self.table).head(0).collect()
        yield from self._on_all_threads(picked)

    def values(self) -> Iterator[pl.DataFrame]:
        """kind, value: what the accounts carry, in parts."""
        yield from self._on_all_threads(lambda batch: carried(batch, self.plan))

    def crowded(self, column: str, counted: Sequence[str], above: int) -> Keys:
        """The buckets of customers who may have more than so many values in one of the counted columns."""
        counts = Crowding()
        for buckets, most in self._on_all_threads(lambda batch: crowding(batch, self.plan, column, counted)):
            counts.add(buckets, most)
        return counts.above(above)

    def _on_all_threads(self, work: Callable[[pl.DataFrame], _Done]) -> Iterator[_Done]:
        batches = batches_of(self.plan.select(self.table), _BATCH, "the accounts")
        try:
            yield from on_all_threads(work, batches)
        except ENGINE_ERRORS as error:
            raise InputError(f"the accounts can't be read: {first_line(error)}") from None
