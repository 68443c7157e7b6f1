"""Screening of Arrow batches by workers of any engine: a pass over the accounts, matches, and decisions on these.

What leaves a worker is masked, where a card number is told from others by a keyed hash; or it is sealed. An engine
hands over the batches of each of its parts, brings the values that the pass asks about to where the listings are, and
the listings found to the workers; it sends the matches of an account to one place together with how many accounts carry
each value, and adds up the figures.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import polars as pl
import polars_hash as plh
import pyarrow as pa

from cardscreen.foundation import schema
from cardscreen.foundation.errors import CardscreenError, ConfigError, InputError
from cardscreen.kinds.kind import secret_kinds
from cardscreen.kinds.tokens import TokenKey
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.evidence import Near, evidence, listings_of
from cardscreen.screening.hits.matches import HITS_PER_ACCOUNT, cells_of, decide, matches, strongest, watched_in
from cardscreen.screening.question import versions
from cardscreen.screening.scan import MAY_MATCH, Pass
from cardscreen.screening.summary import figures
from cardscreen.screening.tally import Tally
from cardscreen.screening.workers.bundle import Bundle, Opened

#: Among the counts of a pass, that of its matches.
MATCHES = "matches"
#: Accounts that are worked on at once: fewer, and what each batch costs by itself shows.
ROWS = 250_000
_ENOUGH = 50_000  # rows that may match, of which the evidence is looked up at once
#: Bits of a row's number behind those of its part's.
PART_BITS = 40
_TEXT, _DAY, _SMALL, _LARGE = pa.string(), pa.date32(), pa.int16(), pa.int64()
_OPEN: dict[str, Opened] = {}
_VALUE = {"kind": _TEXT, "value": _TEXT}

Fields = Mapping[str, pa.DataType]
Find = Callable[[str], str]
#: Cells that may be listed as they travel; the carried columns follow by their number, as their names may be any.
CELL: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "row": pl.Int64,
    "cell": pl.Int64,
    "account_id": pl.String,
    "identifier": pl.String,
    "kind": pl.String,
    "holder_since": pl.Date,
    "value": pl.String,
    "status": pl.String,
    "shown": pl.String,
    **schema.DETAILS,
}
#: Matches as they travel.
MATCH: Mapping[str, pl.DataType | type[pl.DataType]] = {
    **CELL,
    **{name: schema.LISTING[name] for name in ("match", "list", "source", "reason", "severity", "listed_on")},
    **{name: schema.LISTING[name] for name in ("expires_on", "reference", "listing_id")},
    "nth": pl.UInt32,
}


@dataclass(frozen=True)
class Asked:
    """What workers are asked.

    Attributes:
        bundle: What they need as files.
        plan: The accounts' columns.
        rules: The policy, under the sources' terms; without clearances.
        day: The day that is asked about.
        versions: Those of the software that must be the same everywhere.
        most_hits: How many hits of an account are kept.
    """

    bundle: Bundle
    plan: AccountColumns
    rules: Policy
    day: date
    versions: Mapping[str, str]
    most_hits: int = HITS_PER_ACCOUNT


def carried_names(count: int) -> list[str]:
    """The names under which so many carried columns travel."""
    return [f"carried_{at}" for at in range(count)]


def _numbered(carry: Sequence[pa.DataType]) -> dict[str, pa.DataType]:
    return dict(zip(carried_names(len(carry)), carry, strict=True))


def scanned_fields(account: pa.DataType, _carry: Sequence[pa.DataType]) -> dict[str, Fields]:
    """What the pass gives: a row is one of these."""
    of_cell = {"account_id": account, "identifier": _TEXT, "kind": _TEXT}
    return {
        "cells": {"sealed": pa.binary()},
        "asked": {"sealed": pa.binary()},
        "reject": {"row": _LARGE, **_arrow(schema.REJECTS), "account_id": account},
        "watched": {**of_cell, "value": _TEXT, "status": _TEXT},
        "told": {"counts": _TEXT, "error": _TEXT},
    }


def matched_fields(account: pa.DataType, carry: Sequence[pa.DataType]) -> dict[str, Fields]:
    """What matching gives: a row is one of these."""
    return {
        "match": {**_arrow(MATCH), "account_id": account, **_numbered(carry)},
        "told": {"counts": _TEXT, "error": _TEXT},
    }


def cell_schema(account: pa.DataType, carry: Sequence[pa.DataType]) -> pa.Schema:
    """Of the cells that the pass seals."""
    return pa.schema({**_arrow(CELL), "account_id": account, **_numbered(carry)})


def decided_fields(account: pa.DataType, carry: Sequence[pa.DataType]) -> dict[str, Fields]:
    """What decisions give: a row is one of these."""
    return {
        "hit": {**_arrow(schema.HITS), "account_id": account},
        "flag": {**_arrow(schema.FLAGGED), "account_id": account, **_numbered(carry)},
        "told": {"counts": _TEXT, "error": _TEXT},
    }


def _arrow(columns: Mapping[str, pl.DataType | type[pl.DataType]]) -> dict[str, pa.DataType]:
    """The Arrow types in which columns travel; what has none of its own here is text."""
    known = {pl.UInt8: _SMALL, pl.UInt32: _LARGE, pl.Int64: _LARGE, pl.Date: _DAY, pl.List(pl.String): pa.list_(_TEXT)}
    return {name: next((of for kind, of in known.items() if dtype == kind), _TEXT) for name, dtype in columns.items()}


def scan_batches(batches: Iterable[pa.RecordBatch], asked: Asked, find: Find, part: int) -> Iterator[pa.RecordBatch]:
    """The pass over one part of the accounts.

    Args:
        batches: The columns that `asked.plan` needs.
        asked: What is asked.
        find: The path or URL of a file of the bundle by its name.
        part: The part's number, which no other has.

    Yields:
        Rows of `scanned_fields`: cells that may be listed, the values that are asked about, rejects, cells of watched
        accounts, and at the end the counts; or the error that ended the pass. Nothing of no batches.
    """
    frames = glued(batches)
    first = next(frames, None)
    if first is None:
        return
    types = _types(first, asked.plan.account_id, asked.plan.carry)
    out = _Out(scanned_fields(*types))
    try:
        yield from _Pass(asked, opened(asked, find), out, cell_schema(*types), part).over(chain([first], frames))
    except (Exception, pl.exceptions.PanicException) as error:
        yield out.error(without_values(error))


def listings_asked(asked: Iterable[bytes], bundle: Bundle, near: Near, keys: Sequence[TokenKey]) -> pl.DataFrame:
    """The listings that may cover the values that the pass asks about: what the bundle needs as `FOUND` for matching.

    Args:
        asked: What the pass gave under this name, sealed.
        bundle: That of the pass.
        near: Finds listings.
        keys: The keys of token listings.
    """
    none = pl.DataFrame(schema=dict.fromkeys(_VALUE, pl.String))
    parts = (pl.DataFrame(bundle.open(each)) for each in asked)
    return listings_of(pl.concat([none, *parts]).unique(), near, keys)


def match_batches(batches: Iterable[pa.RecordBatch], asked: Asked, find: Find) -> Iterator[pa.RecordBatch]:
    """Matches of cells that may be listed.

    Args:
        batches: What the pass gave as `cells`, sealed.
        asked: As for the pass; its bundle has `FOUND`.
        find: As for the pass.

    Yields:
        Rows of `matched_fields`: matches, and at the end how many there are; or an error. Nothing of no batches.
    """
    sealed = (each.as_py() for batch in batches for each in batch.column(0))
    tables = map(asked.bundle.open, sealed)
    first = next(tables, None)
    if first is None:
        return
    names = carried_names(len(asked.plan.carry))
    out, counts = _Out(matched_fields(*_types(first, "account_id", names))), Tally()
    try:
        bundle = opened(asked, find)
        for table in chain([first], tables):
            cells = pl.DataFrame(table)
            cells = cells.with_columns(pl.col(name).cast(dtype) for name, dtype in CELL.items() if name != "account_id")
            pairs = evidence(cells.select(list(_VALUE)).unique(), bundle.near, bundle.token_keys)
            matched, left_out = matches(cells, strongest(pairs, asked.most_hits), asked.most_hits)
            counts.add(len(matched), MATCHES)
            counts.add(left_out, "left_out")
            yield from out.rows("match", matched.with_columns(_pseudonym(bundle.pseudonym_key)))
        yield from out.counts(counts)
    except (Exception, pl.exceptions.PanicException) as error:
        yield out.error(without_values(error))


def _pseudonym(key: str) -> pl.Expr:
    """The value; of kinds whose values must not be told, a keyed hash."""
    hashed = plh.col("value").chash.hmac_sha256(key=key)
    return pl.when(pl.col("kind").is_in(secret_kinds())).then(hashed).otherwise("value").alias("value")


def decide_batches(batches: Iterable[pa.RecordBatch], asked: Asked, find: Find) -> Iterator[pa.RecordBatch]:
    """Hits and flags of some accounts.

    Args:
        batches: All matches of these accounts (`MATCH`), with `carried_by` and, where there was a night before,
            `was`, `was_since` and `was_due`.
        asked: As for the pass.
        find: As for the pass.

    Yields:
        Rows of `decided_fields`: hits, flags, and at the end the figures; or an error. Nothing of no batches.
    """
    held = list(batches)
    if not held:
        return
    table, carry = pa.Table.from_batches(held), asked.plan.carry
    names = carried_names(len(carry))
    out = _Out(decided_fields(*_types(table, "account_id", names)))
    try:
        cleared = opened(asked, find).cleared
        matched = pl.DataFrame(table).rename(dict(zip(names, (f"{ACCOUNT}{name}" for name in carry), strict=True)))
        types = {**MATCH, "account_id": matched.schema["account_id"], "carried_by": pl.UInt32}
        matched = matched.with_columns(pl.col(name).cast(dtype) for name, dtype in types.items())
        previous = _previous(matched) if "was" in matched.columns else None
        decisions = decide(matched, asked.rules, asked.day, list(carry), previous, cleared, asked.most_hits)
        yield from out.rows("hit", decisions.hits)
        yield from out.rows("flag", decisions.flagged.rename(dict(zip(carry, names, strict=True))))
        yield from out.counts(figures(matched, decisions))
    except (Exception, pl.exceptions.PanicException) as error:
        yield out.error(without_values(error))


def _previous(matched: pl.DataFrame) -> pl.DataFrame:
    """What is known of the accounts from the night before."""
    action = pl.col("was").cast(schema.ACTIONS)
    known = matched.select("account_id", action=action, flagged_since="was_since", act_on="was_due")
    return known.filter(pl.col("action").is_not_null()).unique("account_id")


def without_values(error: BaseException) -> CardscreenError:
    """The error as it may be told: what the engine says of others may quote a card number, and lands in logs."""
    if isinstance(error, CardscreenError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    where = next((frame for frame in reversed(frames) if "cardscreen" in frame.filename), frames[-1])
    place = f"{Path(where.filename).name}, line {where.lineno}"
    return InputError(f"a worker failed with {type(error).__name__} in {where.name} ({place})")


def error_text(error: CardscreenError) -> str:
    """An error as a worker tells it."""
    return json.dumps({"config": isinstance(error, ConfigError), "error": str(error).split("\n")})


def told_error(text: str) -> CardscreenError:
    """The error that a worker told."""
    message = json.loads(text)
    return (ConfigError if message["config"] else InputError)(*message["error"])


def opened(asked: Asked, find: Find) -> Opened:
    """The bundle, which a process reads once; of an earlier screening none is kept."""
    if (here := versions()) != asked.versions:
        different = ", ".join(
            f"{name} {here[name]} instead of {version}"
            for name, version in asked.versions.items()
            if here[name] != version
        )
        raise ConfigError(f"the workers' Python ({sys.executable}) has {different}: install the same on all machines")
    name = asked.bundle.name
    if name not in _OPEN:
        _OPEN.clear()
        _OPEN[name] = Opened(asked.bundle, find)
    return _OPEN[name]


def glued(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The batches of an engine, which are small, as tables of `ROWS` rows or a batch more."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def check_text(table: pa.Table) -> None:
    """Refuse text in another encoding, which engines hand over as it lies in their files, and Polars takes unseen.

    Raises:
        InputError: Names the column.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            raise InputError(f"column {name!r} holds text that is not UTF-8: decode it from its own encoding") from None


def _types(table: pa.Table, account_id: str, carry: Sequence[str]) -> tuple[pa.DataType, list[pa.DataType]]:
    return table.schema.field(account_id).type, [table.schema.field(name).type for name in carry]


class _Pass:
    """The pass over one part."""

    def __init__(self, asked: Asked, bundle: Opened, out: _Out, cells: pa.Schema, part: int) -> None:
        self._asked, self._bundle, self._out, self._cells = asked, bundle, out, cells
        self._watch = bundle.watch
        self._pass = Pass(asked.plan, bundle.targets, bundle.watch)
        self._next = {"reject": part << PART_BITS, "cell": part << PART_BITS}
        self._counts = Tally()
        self._rows: list[pl.DataFrame] = []

    def over(self, tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
        """What it gives."""
        for table in tables:
            check_text(table)
            accounts = self._asked.plan.select(pl.DataFrame(table.combine_chunks()).lazy()).collect()
            seen = self._pass.over_batch(accounts)
            self._counts.update(seen.counts)
            self._rows.append(seen.candidates)
            yield from self._out.rows("reject", seen.rejects.insert_column(0, self._numbers(len(seen.rejects))))
            if sum(map(len, self._rows)) >= _ENOUGH:
                yield from self._found()
        yield from self._found()
        yield from self._out.counts(self._counts)

    def _numbers(self, count: int) -> pl.Series:
        """Numbers of rejects, rising in the order of the input."""
        first = self._next["reject"]
        self._next["reject"] += count
        return pl.int_range(first, first + count, dtype=pl.Int64, eager=True).alias("row")

    def _found(self) -> Iterator[pa.RecordBatch]:
        """The cells of the rows that have come by, which are let go."""
        rows, plan = pl.concat(self._rows), self._asked.plan
        self._rows = [rows.clear()]
        if rows.is_empty():
            return
        keys = self._bundle.token_keys
        if self._watch is not None:
            yield from self._out.rows("watched", watched_in(self._watch.rows_of(rows, plan.account_id), plan, keys))
        cells = cells_of(rows.filter(MAY_MATCH), plan, keys, self._next["cell"])
        self._next["cell"] += max(len(rows), len(cells))
        carried = (f"{ACCOUNT}{name}" for name in plan.carry)
        cells = cells.rename(dict(zip(carried, carried_names(len(plan.carry)), strict=True)))
        asked, close = cells.select(list(_VALUE)).unique(), self._asked.bundle.close
        for name, frame, columns in (("cells", cells, self._cells), ("asked", asked, pa.schema(_VALUE))):
            if len(frame):
                yield from self._out.rows(name, pl.DataFrame({"sealed": [close(_as_arrow(frame, columns))]}))


def _as_arrow(frame: pl.DataFrame, columns: pa.Schema) -> pa.Table:
    # Engines have no closed sets.
    closed = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Enum)]
    plain = frame.with_columns(pl.col(closed).cast(pl.String)).select(columns.names)
    return plain.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(columns)


class _Out:
    """Makes the batches of several tables into batches of one: a struct for each, of which a row has one."""

    def __init__(self, fields: Mapping[str, Fields]) -> None:
        self._schemas = {name: pa.schema(list(columns.items())) for name, columns in fields.items()}
        self._types = {name: pa.struct(list(columns.items())) for name, columns in fields.items()}

    def rows(self, name: str, frame: pl.DataFrame) -> Iterator[pa.RecordBatch]:
        """Rows of one of the tables."""
        for batch in _as_arrow(frame, self._schemas[name]).to_batches():
            own = batch.to_struct_array()
            arrays = [own if each == name else pa.nulls(len(own), dtype) for each, dtype in self._types.items()]
            yield pa.RecordBatch.from_arrays(arrays, names=list(self._types))

    def counts(self, counts: Tally) -> Iterator[pa.RecordBatch]:
        """What was counted."""
        return self.rows("told", self._note(counts=counts.to_json()))

    def error(self, error: CardscreenError) -> pa.RecordBatch:
        """What went wrong."""
        return next(self.rows("told", self._note(error=error_text(error))))

    @staticmethod
    def _note(**texts: str) -> pl.DataFrame:
        return pl.DataFrame({name: pl.Series([texts.get(name)], dtype=pl.String) for name in ("counts", "error")})
