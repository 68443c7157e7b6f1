"""The one pass over the accounts: counts, cells that gave no key, and the few rows that may match.

The accounts are taken in batches, each read once, on all threads. Most cells are plain to see: their keys are
found and looked up as arrays of integers. Rows with others are set aside, and many of them at once are read in full,
which tells what they are. Rows that are clear are counted and let go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.bounds import LONGEST_CELL
from cardscreen.foundation.errors import BadDate, InputError, first_line
from cardscreen.foundation.lookup.digits import EXACT_FLOAT, Flags, Keys, Rows, are_null, taken
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
from cardscreen.tables.opening import batches_of, detached
from cardscreen.tables.source_files.text import FILE, LINE, MARKS, RAGGED

#: Accounts that are worked on at once by a thread, in rows: as many as files mostly have in one piece.
BATCH = 250_000
#: Rows that are read in full at once: one by one their batches' would cost more than they do.
ASIDE = 50_000
#: Where more than one row in so many is set aside, whole batches are.
_FEW = 8
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
        nothing = self._seen(pl.DataFrame(schema=selected.collect_schema()))
        counts, candidates, rejects = nothing.counts, [nothing.candidates], Rejects(nothing.rejects, folder)
        tell(_STAGE, 0)

        def take(seen: Seen) -> None:
            counts.update(seen.counts)
            tell(_STAGE, counts["read"])
            candidates.append(seen.candidates)
            rejects.add(seen.rejects)

        try:
            batches = batches_of(selected, BATCH, "the accounts")
            with closing(self._set_aside(batches, nothing.rejects, take)) as aside:
                for seen in on_all_threads(self._seen, aside):
                    take(seen)
            kept = rejects.finish()
        except ENGINE_ERRORS as error:
            raise InputError(f"the accounts can't be read: {first_line(error)}") from None
        check_dates(counts, self.plan)
        return counts, pl.concat(candidates), kept

    def _set_aside(
        self, batches: Iterable[pl.DataFrame], no_rejects: pl.DataFrame, take: Callable[[Seen], None]
    ) -> Generator[pl.DataFrame]:
        """The rows that are to be read in full, in their order; what the others come to is taken at once."""
        rows, mostly_plain = list[pl.DataFrame](), True

        def sifted(batch: pl.DataFrame) -> tuple[Seen | None, pl.DataFrame]:
            batch = batch.rechunk()  # text comes in many pieces, each of which would cost by itself
            check_exposure(batch, self.plan)
            return self._sifted(batch, no_rejects) if mostly_plain and len(batch) >= ASIDE else (None, batch)

        for seen, others in on_all_threads(sifted, batches):
            if seen is not None:
                take(seen)
            elif len(others) >= ASIDE:
                mostly_plain = False  # nor will those that follow be plain
            rows.append(others)
            if sum(map(len, rows)) >= ASIDE:
                yield pl.concat(rows).rechunk()
                rows = []
        if rows:
            yield pl.concat(rows).rechunk()

    def _says_something(self, column: str) -> bool:
        """Whether an account may be clear by a column: not where others are looked for, and nothing of its kind."""
        kind = self.plan.identifiers[column].name
        return not self.targets[kind].is_empty or all(each.is_empty for each in self.targets.values())

    def _sifted(self, batch: pl.DataFrame, no_rejects: pl.DataFrame) -> tuple[Seen | None, pl.DataFrame]:
        """What the rows come to in which all is plain to see, and the others; None, and all, where these are many."""
        plan = self.plan
        if any(plan.is_list(column) for column in plan.identifiers) or any(
            len(each.tokens) for each in self.targets.values()
        ):
            return None, batch
        _refuse_large_cells(batch.drop(plan.identifiers))  # of these none that is plain is large
        asked = [plan.has_account(), *(~plan.is_bad_day(name) for name in plan.dates())]
        plain = batch.select(pl.all_horizontal(asked)).to_series().to_numpy(writable=True)
        columns = {
            column: _Plain.read(batch.select(column, *kind.columns()), kind, self.targets[kind.name])
            for column, kind in plan.identifiers.items()
        }
        for column in columns.values():
            plain &= column.usable | column.empty
        others = np.flatnonzero(~plain)
        if len(others) * _FEW > len(batch):
            return None, batch
        counts, may_match, usable = Tally(), np.zeros(len(batch), dtype=bool), np.zeros(len(batch), dtype=bool)
        counts.add(len(batch) - len(others), "read")
        for name, column in columns.items():
            counts.add(len(batch) - len(others), "cells", name)
            for word, flags in (
                ("missing", column.empty),
                ("usable", column.usable),
                (plan.identifiers[name].flaw, column.flawed),
            ):
                counts.add(int(np.count_nonzero(flags & plain)), word, name)
            may_match |= column.may_match
            if self._says_something(name):
                usable |= column.usable
        counts.add(int(np.count_nonzero(plain & ~usable)), "not_screenable")
        self._count_ruled(batch.filter(pl.Series(plain)) if plan.ruled else batch, counts)
        return Seen(counts, self._candidates(batch, may_match, plain), no_rejects), detached(taken(batch, others))

    def over_batch(self, batch: pl.DataFrame) -> Seen:
        """What a batch of accounts comes to.

        Raises:
            ConfigError: Results would show card numbers or tokens.
            InputError: A cell is too large, or an id is spoilt.
        """
        batch = batch.rechunk()
        check_exposure(batch, self.plan)
        return self._seen(batch)

    def _seen(self, batch: pl.DataFrame) -> Seen:
        plan = self.plan
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
            if self._says_something(column):
                read.mark(usable, read.usable)
            refused.append(_as_rejects(read.refused.with_columns(row.gather(read.refused["row"])), column, kind.name))
            # Nobody knows what a ragged row says in any of its columns.
            for name in ("cells", "rejected"):
                counts.add(len(ragged), name, column)
        self._count_ruled(accounts, counts)
        counts.add(len(accounts) - int(usable.sum()) + len(ragged), "not_screenable")
        rejects = pl.concat(refused).sort("row", maintain_order=True)
        rejects = rejects.with_columns(batch[plan.account_id].gather(rejects["row"]).alias("account_id"))
        candidates = self._candidates(accounts, may_match, np.ones_like(may_match))
        return Seen(counts, candidates, detached(rejects.select(list(schema.REJECTS))))

    def _count_ruled(self, accounts: pl.DataFrame, counts: Tally) -> None:
        """Count the accounts that have the values of which rules speak."""
        for name, values in self.plan.ruled.items():
            spelt = accounts[name].alias("value").cast(pl.String).value_counts()  # each spelling is looked at once
            there = dict(spelt.group_by(in_plain(pl.col("value"))).agg(pl.col("count").sum()).rows())
            for value, plain in zip(values, words_in_plain(values), strict=True):
                counts.add(there.get(plain, 0), "ruled", name, value)

    def _candidates(self, accounts: pl.DataFrame, may_match: Flags, among: Flags) -> pl.DataFrame:
        """Some accounts' rows that may match, and those that are watched, with `MAY_MATCH`.

        Raises:
            InputError: An id is spoilt.
        """
        watched = False if self.watch is None else self.watch.has(accounts[self.plan.account_id])
        kept = np.flatnonzero((may_match | watched) & among)
        shown = without_others(taken(accounts, kept), self.plan)
        candidates = shown.with_columns(pl.Series(MAY_MATCH, may_match[kept]))
        _refuse_spoilt_ids(candidates[self.plan.account_id])
        return detached(candidates)


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
class _Plain:
    """What the cells of a column that are plain to see came to; none of their flags is set of any other cell.

    Attributes:
        empty: Which cells are null.
        usable: Which gave a key.
        may_match: Which may match a listing.
        flawed: Which have the kind's flaw.
    """

    empty: Flags
    usable: Flags
    may_match: Flags
    flawed: Flags

    @classmethod
    def read(cls, cells: pl.DataFrame, kind: Kind, targets: Targets) -> _Plain:
        """Look for their keys."""
        keys, flaws = kind.keys_of(cells)
        usable = keys > 0
        may_match = targets.may_match(Cells(keys, usable, lambda: kind.stubs_of(keys)))
        return cls(are_null(cells.to_series(0)), usable, may_match, flaws & usable)


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
        plain = _Plain.read(cells, kind, targets)
        usable, may_match = plain.usable, plain.may_match
        others = np.flatnonzero(~usable & ~plain.empty)
        odd = _Odd.read(taken(cells, others), kind, targets)
        usable[others], may_match[others] = odd.usable, odd.may_match
        if len(targets.tokens):
            read = cells.select(kind.read(pl.col(column)).struct.field("value"))
            may_match |= targets.listed_by_token(read.to_series())
        scanned = odd.scanned
        blank = scanned["status"] == "missing"
        counts = Counter(cells=len(cells), missing=int(plain.empty.sum() + blank.sum()), usable=int(usable.sum()))
        counts["rejected"] = counts["cells"] - counts["missing"] - counts["usable"]
        counts.update({note: int((scanned["note"] == note).sum()) for note in kind.notes})
        counts[kind.flaw] = int(np.count_nonzero(plain.flawed)) + odd.flawed
        rows = pl.Series("row", others if row is None else row[others])
        refused = scanned.with_columns(rows).filter(~blank & ~pl.Series(odd.usable, dtype=pl.Boolean))
        return cls(
            row, may_match, usable, counts, refused.select("status", *_NO_PLACE, "row", shape=shape(pl.col("raw")))
        )

    def mark(self, rows: Flags, cells: Flags) -> None:
        """Set the flags of the rows that have such a cell."""
        if self.row is None:
            rows |= cells
        else:
            rows[self.row[cells]] = True
