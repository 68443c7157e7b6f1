"""The one pass over the accounts: counts, cells that gave no key, and the few rows that may match.

The accounts are taken in parts, each read once. Of a part, the cells are read into keys, and three
queries share them; rows that are clear are counted and never leave the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

import polars as pl

from cardscreen import schema
from cardscreen.accounts import AccountColumns
from cardscreen.cleaning import shape
from cardscreen.errors import InputError
from cardscreen.exposure import check_exposure
from cardscreen.matching import Targets
from cardscreen.tables import first_line, is_bad_date

#: Rejects that are kept in memory; further ones are counted only.
KEPT_REJECTS = 1_000_000
ROW_GROUP = 250_000  # rows; fixed, so that equal tables are equal files
#: Accounts that are worked on at once, in rows.
PART = 2_000_000
#: Status of a row that names no account.
NO_ACCOUNT = "no_account"
#: Column that says of a row whether it may match a listing; Arrow takes no NUL in a name.
MAY_MATCH = "\ue000may_match"
_REJECTS = "rejects.parquet"


def _cell(column: str) -> str:
    """Name of the column that holds what was read from an identifier column."""
    return f"\0cell:{column}"


def _each(plan: AccountColumns, column: str, test: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """How many cells of a row pass a test on `schema.SCAN`: UInt32."""
    cells = pl.col(_cell(column))
    if plan.is_list(column):
        return cells.list.eval(test(pl.element())).list.sum().cast(pl.UInt32).fill_null(0)
    return test(cells).cast(pl.UInt32).fill_null(0)


def _is_usable(cell: pl.Expr) -> pl.Expr:
    return cell.struct.field("key").is_not_null() | cell.struct.field("stub").is_not_null()


def _is_missing(cell: pl.Expr) -> pl.Expr:
    return cell.struct.field("status") == "missing"


def _is_rejected(cell: pl.Expr) -> pl.Expr:
    return ~_is_missing(cell) & ~_is_usable(cell)


def _has_note(cell: pl.Expr, note: str) -> pl.Expr:
    return cell.struct.field("note") == note


def scan(
    table: pl.LazyFrame,
    plan: AccountColumns,
    targets: Mapping[str, Targets],
    folder: Path | None,
    watch: pl.Series | None = None,
) -> tuple[dict[str, int], pl.DataFrame, pl.DataFrame]:
    """The pass: counts, rows that may match, and rejects (in a file where there is a folder).

    Rows of the accounts in `watch` are among the second too; `MAY_MATCH` says which of them may match.

    The accounts are taken in parts: with several outputs of one query, the engine would hold whatever one
    of them has not yet taken, and memory would grow with the accounts.
    """
    counts: Counter[str] = Counter()
    candidates, rejects, kept = [], [], 0
    selected = plan.select(table)
    try:
        # The empty part gives every column and count, even where there are no accounts.
        batches = selected.collect_batches(chunk_size=PART, maintain_order=True)
        for part in chain([selected.clear().collect()], batches):
            check_exposure(part, plan)
            counted, rows, rejected = _queries(part.lazy(), plan, _with_tokens(part.lazy(), plan, targets), watch)
            told, found, refused = pl.collect_all([counted, rows, rejected.head(KEPT_REJECTS - kept)])
            counts.update({name: int(value or 0) for name, value in told.row(0, named=True).items()})
            candidates.append(_compact(found))
            rejects.append(_compact(refused))
            kept += len(refused)
        if folder is not None and kept == KEPT_REJECTS:
            # A column has become unreadable: one more pass writes what need not be held.
            _queries(selected, plan, targets)[2].sink_parquet(folder / _REJECTS, row_group_size=ROW_GROUP)
        elif folder is not None:
            pl.concat(rejects).write_parquet(folder / _REJECTS, row_group_size=ROW_GROUP)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"the accounts can't be read: {first_line(error)}") from None
    _check_dates(counts, plan)
    return counts, pl.concat(candidates), pl.concat(rejects)


def _compact(few: pl.DataFrame) -> pl.DataFrame:
    """The same rows with texts of their own: those of filtered rows keep all the others' in memory."""
    return pl.DataFrame(few.to_arrow(compat_level=pl.CompatLevel.oldest()), schema=few.schema)


def _check_dates(counts: Mapping[str, int], plan: AccountColumns) -> None:
    for column in plan.dates():
        if bad := counts[f"bad_date\0{column}"]:
            raise InputError(
                f"column {column!r} holds {bad:,} values that are no dates: write them as YYYY-MM-DD, "
                "or leave the cell empty where the day is not known"
            )


def _queries(
    selected: pl.LazyFrame, plan: AccountColumns, targets: Mapping[str, Targets], watch: pl.Series | None = None
) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    """Counts (one row), rows that may match, and rejects of some accounts; the cells are read once for all."""
    read = selected.with_columns(_scanned(plan, column).alias(_cell(column)) for column in plan.identifiers)
    tallies: dict[str, pl.Expr] = {}
    for column, kind in plan.identifiers.items():
        tests: dict[str, Callable[[pl.Expr], pl.Expr]] = {
            "cells": lambda cell: cell.struct.field("status").is_not_null(),
            "missing": _is_missing,
            "rejected": _is_rejected,
            "usable": _is_usable,
            "may_match": targets[kind.name].may_match,
            **{note: partial(_has_note, note=note) for note in kind.notes},
        }
        tallies |= {f"{name}\0{column}": _each(plan, column, test) for name, test in tests.items()}
    passed = read.with_columns(**tallies, **{"\0named": plan.has_account()}).cache()

    def any_of(tally: str) -> pl.Expr:
        return pl.any_horizontal(pl.col(f"{tally}\0{column}") > 0 for column in plan.identifiers)

    has_account = pl.col("\0named")
    counted = passed.select(
        pl.len().alias("read"),
        (~has_account).sum().alias(NO_ACCOUNT),
        (has_account & ~any_of("usable")).sum().alias("not_screenable"),
        *(pl.col(name).filter(has_account).sum() for name in tallies if not name.startswith("may_match")),
        **{f"bad_date\0{name}": is_bad_date(pl.col(name), plan.schema[name]).sum() for name in plan.dates()},
    )
    may_match = any_of("may_match")
    kept = may_match if watch is None else may_match | pl.col(plan.account_id).is_in(watch.implode())
    candidates = passed.filter(has_account & kept).select(*plan.needed(), may_match.alias(MAY_MATCH))
    return counted, candidates, _rejected(passed.filter(~has_account | any_of("rejected")), plan)


def _with_tokens(part: pl.LazyFrame, plan: AccountColumns, targets: Mapping[str, Targets]) -> dict[str, Targets]:
    """The targets, where lists hold tokens with the keys of the part's cells whose token is listed."""
    known = dict(targets)
    for name, target in targets.items():
        columns = [column for column, kind in plan.identifiers.items() if kind.name == name]
        if len(target.tokens):
            known[name] = target.with_tokens_of(pl.concat([_values(part, plan, column) for column in columns]))
    return known


def _values(part: pl.LazyFrame, plan: AccountColumns, column: str) -> pl.LazyFrame:
    """The canonical values of one identifier column: value (String)."""
    cells = part.explode(column, empty_as_null=False) if plan.is_list(column) else part
    return cells.select(plan.identifiers[column].read(pl.col(column)).struct.field("value"))


def _scanned(plan: AccountColumns, column: str) -> pl.Expr:
    """What the kind reads from a column: `schema.SCAN`, or a List of it with each element's shape."""
    kind = plan.identifiers[column]
    scanned = kind.scan(pl.col(column))
    fields = dict(schema.SCAN.to_schema())
    if not plan.is_list(column):
        return scanned

    def scan_lists(batch: pl.Series) -> pl.Series:
        lists = batch.struct.unnest().with_row_index("\0row")
        cells = (
            lists.explode(column, empty_as_null=False)
            .lazy()
            .select("\0row", scanned.struct.unnest(), shape=shape(pl.col(column)))
            .select("\0row", cell=pl.struct(*fields, "shape"))
            .group_by("\0row", maintain_order=True)
            .agg("cell")
            .collect()
        )
        joined = lists.select("\0row").join(cells, on="\0row", how="left", maintain_order="left")
        return joined["cell"].fill_null([])

    dtype = pl.List(pl.Struct({**fields, "shape": pl.String}))
    return pl.struct(column, *kind.columns()).map_batches(scan_lists, return_dtype=dtype, is_elementwise=True)


def _rejected(rows: pl.LazyFrame, plan: AccountColumns) -> pl.LazyFrame:
    """`schema.REJECTS`, one row a cell, in the input's order."""
    nameless = pl.struct(identifier=pl.lit(plan.account_id), kind=_NO_TEXT, status=pl.lit(NO_ACCOUNT), shape=_NO_TEXT)
    lists = [pl.concat_list(pl.when(~pl.col("\0named")).then(nameless))]
    for column, kind in plan.identifiers.items():

        def described(cell: pl.Expr, shown: pl.Expr, column: str = column, name: str = kind.name) -> pl.Expr:
            told = pl.struct(
                identifier=pl.lit(column), kind=pl.lit(name), status=cell.struct.field("status"), shape=shown
            )
            return pl.when(_is_rejected(cell)).then(told)

        cells = pl.col(_cell(column))
        if plan.is_list(column):
            several = cells.list.eval(described(pl.element(), pl.element().struct.field("shape")))
        else:
            several = pl.concat_list(described(cells, shape(pl.col(column))))
        lists.append(pl.when(pl.col("\0named")).then(several))
    empty = pl.lit([], dtype=pl.List(pl.Struct(dict.fromkeys(("identifier", "kind", "status", "shape"), pl.String))))
    return (
        rows.select(
            pl.col(plan.account_id).alias("account_id"),
            cell=pl.concat_list(each.fill_null(empty) for each in lists).list.drop_nulls(),
        )
        .explode("cell")
        .filter(pl.col("cell").is_not_null())
        .unnest("cell")
    )


_NO_TEXT = pl.lit(None, dtype=pl.String)
