"""The one pass over the accounts: counts, cells that gave no key, and the few rows that may match.

The accounts are taken in batches, each read once, on all threads. Most cells are plain to see: their keys are
found and looked up as arrays of integers. Only the others are read in full, which tells what they are; rows
that are clear are counted and let go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.bounds import LONGEST_CELL
from cardscreen.foundation.errors import BadDate, InputError, first_line
from cardscreen.foundation.lookup.digits import EXACT_FLOAT, Flags, Keys, Rows, taken
from cardscreen.foundation.lookup.members import Members
from cardscreen.foundation.process.progress import Progress
from cardscreen.foundation.process.threads import on_all_threads
from cardscreen.kinds.kind import Kind
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.exposure import check_exposure, without_others
from cardscreen.screening.rejects import Rejects
from cardscreen.screening.tally import Tally
from cardscreen.screening.targets import Cells, Targets
from cardscreen.tables.cells import in_plain, shape, words_in_plain
from cardscreen.tables.footers import longest_of
from cardscreen.tables.libraries import ENGINE_ERRORS
from cardscreen.tables.opening import detached
from cardscreen.tables.source_files.text import FILE, LINE, MARKS, RAGGED

#: Accounts that are worked on at once by a thread, in rows.
BATCH = 1_000_000
#: Status of a row that names no account.
NO_ACCOUNT = "no_account"
#: Status of a row of text that does not have the header's fields.
RAGGED_ROW = "ragged"
_QUANTITY = r"^\s*[0-9](?:[.,][0-9]+[eE]\+?|[eE]\+)[0-9]+\s*$"  # of an id; `1E5` may be one
#: Of cells, results must not depend on the files in which they stand.
_NO_PLACE = [pl.lit(None, dtype=schema.REJECTS[name]).alias(name) for name in ("file", "line")]
#: Status of a cell of which what is hidden decides whether it is listed: `Targets.of_truncated`.
INCOMPARABLE = "incomparable"
#: Column that says of a row whether it may match a listing; Arrow takes no NUL in a name.
MAY_MATCH = "\ue000may_match"
_ROW = "\0row"
_STAGE = "reading the accounts"


class Watch:
    """Accounts of which every row is wanted, whether it may match or not."""

    def __init__(self, account_ids: pl.Series) -> None:
        self._ids = account_ids
        # A set of the engine's own would be made anew for each batch.
        self._keys = Members(_as_key(account_ids))

    def has(self, accounts: pl.Series) -> Flags:
        """Whether each account is one of them; of others, one in many billions may pass."""
        return self._keys.has(_as_key(accounts))

    def rows_of(self, accounts: pl.DataFrame, account_id: str) -> pl.DataFrame:
        """The rows of them, and of no other."""
        return accounts.filter(pl.col(account_id).is_in(self._ids.implode()))


def _as_key(account_ids: pl.Series) -> Keys:
    # The codes of categories are those of one column only.
    coded = account_ids.dtype in (pl.Categorical, pl.Enum)
    return (account_ids.cast(pl.String) if coded else account_ids).hash().to_numpy()


@dataclass
class Seen:
    """What a batch of accounts came to.

    Attributes:
        counts: Of rows, and of cells by column.
        candidates: Rows that may match.
        rejects: `schema.REJECTS`.
    """

    counts: Tally
    candidates: pl.DataFrame
    rejects: pl.DataFrame


@dataclass(frozen=True)
class Pass:
    """The one pass over the accounts.

    Attributes:
        plan: The accounts' columns.
        targets: By kind, what is looked for.
        watch: Accounts of which every row is wanted; None: none.
    """

    plan: AccountColumns
    targets: Mapping[str, Targets]
    watch: Watch | None = None

    def over(
        self, table: pl.LazyFrame, folder: Path | None, tell: Progress = lambda _stage, _rows: None
    ) -> tuple[Tally, pl.DataFrame, pl.DataFrame]:
        """Counts, rows that may match, and rejects (in a file where there is a folder).

        Rows of watched accounts are among the second too; `MAY_MATCH` says which of them may match.
        """
        selected = self.plan.select(table)
        # Without any accounts, an empty batch gives every column and count.
        seen = self._seen(pl.DataFrame(schema=selected.collect_schema()))
        counts, candidates, rejects = seen.counts, [seen.candidates], Rejects(seen.rejects, folder)
        tell(_STAGE, 0)
        try:
            batches = selected.collect_batches(chunk_size=BATCH, maintain_order=True)
            for seen in on_all_threads(self.over_batch, batches):
                counts.update(seen.counts)
                tell(_STAGE, counts["read"])
                candidates.append(seen.candidates)
                rejects.add(seen.rejects)
            kept = rejects.finish()
        except ENGINE_ERRORS as error:
            raise InputError(f"the accounts can't be read: {first_line(error)}") from None
        check_dates(counts, self.plan)
        return counts, pl.concat(candidates), kept

    def over_batch(self, batch: pl.DataFrame) -> Seen:
        """What a batch of accounts comes to.

        Raises:
            ConfigError: Results would show card numbers or tokens.
            InputError: A cell is too large, or an id is spoilt.
        """
        batch = batch.rechunk()  # text comes in many pieces, each of which would cost by itself
        check_exposure(batch, self.plan)
        return self._seen(batch)

    def _seen(self, batch: pl.DataFrame) -> Seen:
        plan, watch = self.plan, self.watch
        _refuse_large_cells(batch)
        named = batch.select(plan.has_account()).to_series()
        accounts, row = batch if named.all() else batch.filter(named), named.arg_true().alias("row")
        nameless, ragged = _unnamed(batch, named)
        counts = _bad_days(batch, plan)
        for name, rows in (("read", batch), (NO_ACCOUNT, nameless), (RAGGED_ROW, ragged)):
            counts.add(len(rows), name)
        refused = [_as_rejects(nameless, plan.account_id, None), _as_rejects(ragged, None, None)]
        may_match, usable = (np.zeros(len(accounts), dtype=bool) for _ in range(2))
        for column, kind in plan.identifiers.items():
            read = _Column.read(accounts, plan, column, self.targets[kind.name])
            for name, count in read.counts.items():
                counts.add(count, name, column)
            read.mark(may_match, read.may_match)
            read.mark(usable, read.usable)
            refused.append(_as_rejects(read.refused.with_columns(row.gather(read.refused["row"])), column, kind.name))
            # Nobody knows what a ragged row says in any of its columns.
            for name in ("cells", "rejected"):
                counts.add(len(ragged), name, column)
        for name, values in plan.ruled.items():
            spelt = accounts[name].alias("value").cast(pl.String).value_counts()  # each spelling is looked at once
            there = dict(spelt.group_by(in_plain(pl.col("value"))).agg(pl.col("count").sum()).rows())
            for value, plain in zip(values, words_in_plain(values), strict=True):
                counts.add(there.get(plain, 0), "ruled", name, value)
        counts.add(len(accounts) - int(usable.sum()) + len(ragged), "not_screenable")
        rejects = pl.concat(refused).sort("row", maintain_order=True)
        rejects = rejects.with_columns(batch[plan.account_id].gather(rejects["row"]).alias("account_id"))
        kept = may_match if watch is None else may_match | watch.has(accounts[plan.account_id])
        shown = without_others(taken(accounts, np.flatnonzero(kept)), plan)
        candidates = shown.with_columns(pl.Series(MAY_MATCH, may_match[kept]))
        _refuse_spoilt_ids(candidates[plan.account_id])
        return Seen(counts, detached(candidates), detached(rejects.select(list(schema.REJECTS))))


def check_dates(counts: Tally, plan: AccountColumns) -> None:
    """Refuse accounts whose holders' days are none, once all are counted.

    Raises:
        InputError: Names the column, and how many.
    """
    for column in plan.dates():
        if bad := counts["bad_date", column]:
            like = next(iter(counts.under("bad_date_like", column)), "")
            raise BadDate(column, bad, like, plan.date_format)


def _refuse_large_cells(batch: pl.DataFrame) -> None:
    """Refuse text of which a table may hold one copy for many rows, and which each step would take anew for each."""
    for column in batch:
        if longest_of(column) > LONGEST_CELL:
            raise InputError(
                f"the accounts: column {column.name!r} has a cell of more than {LONGEST_CELL:,} bytes, the most that "
                "is screened: take it out"
            )


def _unnamed(batch: pl.DataFrame, named: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that name no account, and those that don't fit their table: row, status, file, line, shape."""
    row = (~named).arg_true()
    marks = [batch[mark].gather(row) for mark in MARKS if mark in batch.columns]
    absent = [pl.lit(None, dtype=dtype).alias(mark) for mark, dtype in MARKS.items() if mark not in batch.columns]
    rows = pl.DataFrame([row.alias("row"), *marks]).with_columns(absent)
    rows = rows.select("row", file=FILE, line=LINE, shape=RAGGED)
    is_ragged = pl.col("shape").is_not_null()
    nameless = rows.filter(~is_ragged).with_columns(_NO_PLACE, status=pl.lit(NO_ACCOUNT))
    return nameless, rows.filter(is_ragged).with_columns(status=pl.lit(RAGGED_ROW))


def _refuse_spoilt_ids(ids: pl.Series) -> None:
    """Refuse ids that a spreadsheet, or a float, has made quantities of: several customers share such a one.

    Only those are looked at that results would name.
    """
    if ids.dtype.is_float():
        spoilt = ids.filter((ids != ids.floor()) | (ids.abs() >= EXACT_FLOAT))
    elif ids.dtype.is_integer():
        return
    else:
        spoilt = ids.cast(pl.String).to_frame("id").filter(pl.col("id").str.contains(_QUANTITY)).to_series()
    if len(spoilt):
        looks = spoilt.cast(pl.String).to_frame("id").select(shape(pl.col("id"))).item(0, 0)
        raise InputError(
            f"column {ids.name!r} holds ids such as {looks}: a spreadsheet, or a float, has made numbers of them that "
            "several accounts may share: write ids as text"
        )


def _bad_days(batch: pl.DataFrame, plan: AccountColumns) -> Tally:
    """How many cells of each column of days are none; and what the first one looks like, and where it stands."""
    counts = Tally()
    for name in plan.dates():
        bad = batch.lazy().filter(plan.is_bad_day(name)).collect()
        counts.add(len(bad), "bad_date", name)
        if len(bad):
            place = f", {bad.item(0, FILE)}, line {bad.item(0, LINE):,}" if LINE in bad.columns else ""
            counts.add(1, "bad_date_like", name, f"{bad.select(shape(pl.col(name))).item(0, 0)}{place}")
    return counts


def _as_rejects(refused: pl.DataFrame, column: str | None, kind: str | None) -> pl.DataFrame:
    """Cells or rows that were refused (row, status, file, line, shape) as `schema.REJECTS` but for the account."""
    known = refused.with_columns(identifier=pl.lit(column, pl.String), kind=pl.lit(kind, pl.String))
    return known.select("row", *(name for name in schema.REJECTS if name != "account_id"))


@dataclass
class _Odd:
    """Cells that are not plain to see, read in full.

    Attributes:
        scanned: `schema.SCAN`, a column a field, and `raw`.
        may_match: As in `_Column`.
        usable: As in `_Column`.
        flawed: How many have the kind's flaw.
    """

    scanned: pl.DataFrame
    may_match: Flags
    usable: Flags
    flawed: int

    @classmethod
    def read(cls, cells: pl.DataFrame, kind: Kind, targets: Targets) -> _Odd:
        """Read them."""
        cell = pl.col(cells.columns[0])
        scanned = cells.select(kind.scan(cell).struct.unnest(), raw=cell)
        has_key, has_stub = (scanned[name].is_not_null().to_numpy() for name in ("key", "stub"))
        key, stub = (scanned[name].fill_null(0).to_numpy() for name in ("key", "stub"))
        may_match, usable = targets.may_match(Cells(key, has_key, lambda: stub)), has_key | has_stub
        hidden = np.flatnonzero(has_stub & ~has_key)
        if len(hidden):
            may_match[hidden], incomparable = targets.of_truncated(taken(scanned["shown"], hidden))
            usable[hidden] = ~incomparable
            rows = pl.Series(hidden[incomparable])
            scanned = scanned.with_columns(scanned["status"].scatter(rows, INCOMPARABLE))
        flawed = int(np.count_nonzero(kind.is_flawed(key, scanned["status"]) & has_key))
        return cls(scanned, may_match, usable, flawed)


@dataclass
class _Column:
    """What an identifier column of some accounts came to.

    Attributes:
        row: The row of each cell; None where every row has one cell.
        may_match: Whether each cell may match a listing.
        usable: Whether each cell gave a key, or a stub.
        counts: Cells by what they are.
        refused: The cells that are neither usable nor missing: row, status, shape.
    """

    row: Rows | None
    may_match: Flags
    usable: Flags
    counts: Counter[str]
    refused: pl.DataFrame

    @classmethod
    def read(cls, accounts: pl.DataFrame, plan: AccountColumns, column: str, targets: Targets) -> _Column:
        """Read one column: the plain cells as they are, the others in full."""
        kind = plan.identifiers[column]
        cells, row = accounts.select(column, *kind.columns()), None
        if plan.is_list(column):
            cells = cells.with_row_index(_ROW).explode(column, empty_as_null=False)
            row = cells.drop_in_place(_ROW).to_numpy().astype(np.intp)
        keys, flaws = kind.keys_of(cells)
        usable, empty = keys > 0, cells.to_series(0).is_null().to_numpy()
        may_match = targets.may_match(Cells(keys, usable, lambda: kind.stubs_of(keys)))
        others = np.flatnonzero(~usable & ~empty)
        odd = _Odd.read(taken(cells, others), kind, targets)
        usable[others], may_match[others] = odd.usable, odd.may_match
        if len(targets.tokens):
            read = cells.select(kind.read(pl.col(column)).struct.field("value"))
            may_match |= targets.listed_by_token(read.to_series())
        scanned = odd.scanned
        blank = scanned["status"] == "missing"
        counts = Counter(cells=len(cells), missing=int(empty.sum() + blank.sum()), usable=int(usable.sum()))
        counts["rejected"] = counts["cells"] - counts["missing"] - counts["usable"]
        counts.update({note: int((scanned["note"] == note).sum()) for note in kind.notes})
        counts[kind.flaw] = int(np.count_nonzero(flaws & (keys > 0))) + odd.flawed
        refused = scanned.select(
            "status", *_NO_PLACE, shape=shape(pl.col("raw")), row=pl.Series(others if row is None else row[others])
        )
        return cls(
            row, may_match, usable, counts, refused.filter(~blank & ~pl.Series(usable[others], dtype=pl.Boolean))
        )

    def mark(self, rows: Flags, cells: Flags) -> None:
        """Set the flags of the rows that have such a cell."""
        if self.row is None:
            rows |= cells
        else:
            rows[self.row[cells]] = True
