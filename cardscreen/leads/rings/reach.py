"""Who is reached from listed accounts by values that accounts share, a link at a time; memory is that of the reached.

A value that many accounts carry, such as the number of a switchboard, a shop or a shelter, links nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from cardscreen.kinds.kind import KINDS
from cardscreen.leads.base.base import Base
from cardscreen.leads.base.wanted import CELLS, Wanted, cells_in, values_in

_VALUE = ["kind", "key"]
_ASKED: Mapping[str, type[pl.DataType]] = {name: CELLS[name] for name in _VALUE}
#: Rows that come in before those are let go that only a value of too many carriers has brought; never fewer than there
#: are already, or each of these would be looked at again and again.
_ENOUGH = 200_000


def reached(base: Base, listed: pl.Series, limits: Mapping[str, int], steps: int) -> pl.DataFrame:
    """Follow the links from listed accounts.

    Args:
        base: The accounts; its identifiers are the columns that link.
        listed: The ids of listed accounts.
        limits: By column, how many accounts may carry a value that links.
        steps: How many links away from a listed account accounts are looked for.

    Returns:
        Who carries what, of all accounts that are reached: account, steps (UInt32: links to the nearest listed
        account), identifier, kind, value (String, canonical), most (UInt32: the limit that the value passes, which
        therefore links nobody; null: it doesn't). Of values that were not looked for, none.
    """
    known = _Known(base, listed, limits, steps)
    known.fetch(listed.unique(), known.asked)
    while True:
        accounts, values = known.unasked()
        if not len(accounts) and not len(values):
            return known.carried()
        known.fetch(accounts, values)


@dataclass
class _Known:
    """What is known of the accounts so far.

    Attributes:
        rows: Rows of accounts that were asked for, or that carry a value that was asked for and may link.
        cells: account, and `CELLS` of these rows.
        asked: The values (kind, key) of which all carriers are among them.
        full: Those of them that too many accounts carry, and `most`: the limit.
    """

    base: Base
    listed: pl.Series
    limits: Mapping[str, int]
    steps: int
    rows: pl.DataFrame = field(init=False)
    cells: pl.DataFrame = field(init=False)
    asked: pl.DataFrame = field(init=False)
    full: pl.DataFrame = field(init=False)
    _asked_accounts: pl.Series = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.base.plan.select(pl.LazyFrame(schema=self.base.plan.schema)).collect()
        self.cells = self._cells_of(self.rows)
        self.asked = pl.DataFrame(schema=_ASKED)
        self.full = pl.DataFrame(schema={**_ASKED, "most": pl.UInt32})
        self._asked_accounts = self.listed.clear()

    def fetch(self, accounts: pl.Series, values: pl.DataFrame) -> None:
        """Fetch all rows of some accounts, and all that carry some values."""
        self._asked_accounts = pl.concat([self._asked_accounts, accounts])
        self.asked = pl.concat([self.asked, values])
        wanted = {str(kind): of_kind["key"].to_numpy() for (kind,), of_kind in values.group_by("kind")}
        parts, fresh = [self.rows], 0
        for part in self.base.rows(Wanted(accounts, wanted)):
            parts.append(part)
            fresh += len(part)
            if fresh > max(_ENOUGH, len(parts[0])):
                parts, fresh = [self._worth(pl.concat(parts))], 0
        self.rows = self._worth(pl.concat(parts))
        self.cells = self._cells_of(self.rows)

    def unasked(self) -> tuple[pl.Series, pl.DataFrame]:
        """What may link further and was not asked for yet: accounts, of which other rows may be there, and values."""
        near = self._distances().filter(pl.col("steps") < self.steps)
        accounts = near.filter(~pl.col("account").is_in(self._asked_accounts.implode()))["account"]
        values = self.cells.join(near, on="account", how="semi").select(_VALUE).unique()
        return accounts.sort(), values.join(self.asked, on=_VALUE, how="anti").sort(_VALUE)

    def carried(self) -> pl.DataFrame:
        """As `reached` gives it."""
        plan = self.base.plan
        read = values_in(self.rows, plan)
        named = read.with_columns(account=self.rows[plan.account_id].gather(read["row"])).drop("row").unique()
        with_keys = [named.clear().with_columns(key=pl.lit(0, dtype=pl.UInt64))]
        for (kind,), of_kind in named.group_by("kind"):
            with_keys.append(of_kind.with_columns(key=KINDS[str(kind)].key(pl.col("value"))))
        return (
            pl.concat(with_keys)
            .join(self.asked, on=_VALUE, how="semi")
            .join(self.full, on=_VALUE, how="left")
            .join(self._distances(), on="account")
            .select("account", "steps", "identifier", "kind", "value", "most")
            .sort("account", "identifier", "kind", "value")
        )

    def _worth(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows without those that nothing has brought but a value that too many carry; these are told apart."""
        cells = self._cells_of(rows)
        carriers = cells.join(self.asked, on=_VALUE, how="semi").with_columns(
            most=pl.col("identifier").replace_strict(dict(self.limits), return_dtype=pl.UInt32)
        )
        counted = carriers.group_by(_VALUE).agg(pl.col("account").n_unique(), pl.col("most").min())
        full = counted.filter(pl.col("account") > pl.col("most")).select(*_VALUE, "most")
        self.full = pl.concat([self.full, full]).group_by(_VALUE).agg(pl.col("most").min()).sort(_VALUE)
        linked = carriers.join(self.full, on=_VALUE, how="anti")["row"]
        asked = rows[self.base.plan.account_id].is_in(self._asked_accounts.implode()).arg_true()
        return rows[pl.concat([linked, asked]).unique().sort()]

    def _cells_of(self, rows: pl.DataFrame) -> pl.DataFrame:
        cells = cells_in(rows, self.base.plan)
        return cells.with_columns(account=rows[self.base.plan.account_id].gather(cells["row"]))

    def _distances(self) -> pl.DataFrame:
        """account, steps: of all accounts within `steps` links of a listed one."""
        links = self.cells.join(self.asked, on=_VALUE, how="semi").join(self.full, on=_VALUE, how="anti")
        links = links.select("account", *_VALUE).unique()
        there = self.rows.select(account=pl.col(self.base.plan.account_id)).unique()
        near = there.filter(pl.col("account").is_in(self.listed.implode())).with_columns(steps=pl.lit(0, pl.UInt32))
        for step in range(1, self.steps + 1):
            values = links.join(near, on="account", how="semi").select(_VALUE).unique()
            further = links.join(values, on=_VALUE, how="semi").select("account").unique()
            further = further.join(near, on="account", how="anti").with_columns(steps=pl.lit(step, pl.UInt32))
            near = pl.concat([near, further])
        return near
