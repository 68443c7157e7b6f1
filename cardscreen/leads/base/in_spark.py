"""The base of accounts in Spark: its workers pick the rows, and hand them over sealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from cardscreen.foundation.lookup.digits import Keys, taken
from cardscreen.leads.base.wanted import Crowd, Crowding, Picker, Wanted, carried, crowding
from cardscreen.lists.blocklist import Blocklist
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.question import Question
from cardscreen.screening.spark.sessions import in_one_sentence
from cardscreen.screening.spark.tables import check_zone, numbered
from cardscreen.screening.spark.work import Work, received
from cardscreen.screening.workers.batches import check_text, error_text, glued, opened, told_error, without_values
from cardscreen.screening.workers.bundle import Opened

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_ACCOUNTS, _VALUES, _CROWD = "accounts", "values", "crowd"
_ROWS, _EACH = "rows", "values"
_NO_DAY = date(2000, 1, 1)
_NOTHING = pl.DataFrame(schema={"kind": pl.String, "value": pl.String})


@dataclass(frozen=True)
class SparkBase:
    """Accounts in Spark.

    Attributes:
        accounts: A Spark DataFrame.
        plan: Its columns.
        files: A folder that all machines share, or None.
    """

    accounts: DataFrame
    plan: AccountColumns
    files: str | None = None

    def rows(self, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """The wanted rows, in parts."""
        yield self.plan.select(pl.LazyFrame(schema=self.plan.schema)).collect()
        tables: dict[str, pl.DataFrame | None] = {_VALUES: _keys_frame(wanted)}
        if wanted.accounts is not None:
            tables[_ACCOUNTS] = wanted.accounts.to_frame()
        if wanted.crowd is not None:
            tables[_CROWD] = pl.DataFrame({wanted.crowd.column: wanted.crowd.buckets})
        yield from self._done(_ROWS, tables)

    def values(self) -> Iterator[pl.DataFrame]:
        """kind, value: what the accounts carry, in parts."""
        yield from self._done(_EACH, {})

    def crowded(self, column: str, counted: Sequence[str], above: int) -> Keys:
        """The buckets of customers who may have more than so many values in one of the counted columns."""
        counts = Crowding()
        for part in self._done(json.dumps({"column": column, "counted": list(counted)}), {}):
            counts.add(part["bucket"].to_numpy(), part["count"].to_numpy())
        return counts.above(above)

    def _done(self, step: str, tables: dict[str, pl.DataFrame | None]) -> Iterator[pl.DataFrame]:
        """What the workers hand over; sealed on the way, since Spark may lay it on a disk."""
        session = self.accounts.sparkSession
        check_zone(session, self.plan)
        nobody = Blocklist.from_frame(_NOTHING)
        question = Question(self.plan, Policy(), _NO_DAY, nobody.lazy, [], 1)
        with Work.prepared(session, question, nobody, tables, self.files) as work, in_one_sentence():
            needed = numbered(self.accounts, self.plan.needed())
            done = needed.mapInArrow(work.step(step, __name__), "sealed binary, error string")
            for row in done.toLocalIterator():
                if row["error"]:
                    raise told_error(row["error"])
                yield pl.DataFrame(work.asked.bundle.open(bytes(row["sealed"])))


def _keys_frame(wanted: Wanted) -> pl.DataFrame:
    parts = [pl.DataFrame({"key": keys}).with_columns(kind=pl.lit(kind)) for kind, keys in wanted.values.items()]
    return pl.concat([pl.DataFrame(schema={"key": pl.UInt64, "kind": pl.String}), *parts])


def work_on(batches: Iterator[pa.RecordBatch], work: bytes, step: str) -> Iterator[pa.RecordBatch]:
    """What a worker does with a part of the accounts: a row for each batch that holds something wanted, or an error."""
    given, find = received(work)
    try:
        bundle, plan = opened(given.asked, find), given.asked.plan
        _ = bundle.targets  # lends the tables of numbers
        if step == _EACH:
            pick: Callable[[pl.DataFrame], pl.DataFrame] = partial(carried, plan=plan)
        else:
            pick = _picking(bundle, plan) if step == _ROWS else _counting(json.loads(step), plan)
        for table in glued(batch.rename_columns(plan.needed()) for batch in batches):
            check_text(table)
            picked = pick(plan.select(pl.DataFrame(table).lazy()).collect())
            if len(picked):
                yield _row(given.asked.bundle.close(picked.to_arrow(compat_level=pl.CompatLevel.oldest())), None)
    except (Exception, pl.exceptions.PanicException) as error:
        yield _row(None, error_text(without_values(error)))


def _row(sealed: bytes | None, error: str | None) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_pydict(
        {"sealed": [sealed], "error": [error]}, pa.schema([("sealed", pa.binary()), ("error", pa.string())])
    )


def _picking(bundle: Opened, plan: AccountColumns) -> Callable[[pl.DataFrame], pl.DataFrame]:
    keys, accounts, crowd = (bundle.table(name) for name in (_VALUES, _ACCOUNTS, _CROWD))
    assert keys is not None
    values = {str(kind): of_kind["key"].to_numpy() for (kind,), of_kind in keys.group_by("kind")}
    crowded = None if crowd is None else Crowd(str(crowd.columns[0]), crowd.to_series().to_numpy())
    picker = Picker(Wanted(None if accounts is None else accounts.to_series(), values, crowded), plan)
    return lambda rows: taken(rows, picker.rows(rows))


def _counting(options: dict[str, Any], plan: AccountColumns) -> Callable[[pl.DataFrame], pl.DataFrame]:
    def count(rows: pl.DataFrame) -> pl.DataFrame:
        buckets, most = crowding(rows, plan, options["column"], options["counted"])
        counted = pl.DataFrame({"bucket": buckets, "count": most})
        return counted.group_by("bucket").agg(pl.col("count").sum())

    return count
