"""One pass over the accounts: who is on a list, on what evidence, and what follows.

Everything that leaves the pass leaves it from one read: counts, cells that gave no key, and the few
rows that may match. Evidence, masks and policy are worked out for those few only.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

if sys.platform != "win32":
    import resource

from cardscreen import schema
from cardscreen.accounts import AccountColumns
from cardscreen.cleaning import shape
from cardscreen.errors import ConfigError, InputError
from cardscreen.identifiers import Kind
from cardscreen.listings import Blocklist
from cardscreen.matching import Targets, check_token_keys, evidence
from cardscreen.policy import ACCOUNT, Policy
from cardscreen.tables import (
    first_line,
    is_bad_date,
    is_dateable,
    open_table,
    require_columns,
    schema_of,
    to_date,
    to_day,
)
from cardscreen.tokens import TokenKey

#: Rejects that are kept in memory; further ones are counted only.
KEPT_REJECTS = 1_000_000
ROW_GROUP = 250_000  # rows; fixed, so that equal tables are equal files
_TABLES = ("flagged", "hits", "rejects")
NO_ACCOUNT = "no_account"


@dataclass(frozen=True)
class Result:
    """What a screening found.

    Attributes:
        flagged: `schema.FLAGGED` and the carried columns: accounts with a live or exempt hit.
        hits: `schema.HITS`: the evidence.
        rejects: `schema.REJECTS`: cells that gave no usable key.
        summary: rows, coverage, notes (cells that were repaired, …), counts, versions, seconds.
    """

    flagged: pl.LazyFrame
    hits: pl.LazyFrame
    rejects: pl.LazyFrame
    summary: dict[str, Any]


def screen(
    accounts: Any,
    blocklist: Blocklist,
    identifiers: Mapping[str, Kind],
    *,
    account_id: str = "account_id",
    carry: Sequence[str] = (),
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    as_of: date | None = None,
    previous: Any = None,
    tokens: TokenKey | Sequence[TokenKey] | None = None,
    out: str | Path | None = None,
) -> Result:
    """Screen accounts against a blocklist.

    Args:
        accounts: LazyFrame, DataFrame, anything with `__arrow_c_stream__`, or a path, glob or URL.
            An account may have many rows; an identifier column may be a List.
        blocklist: The listings.
        identifiers: Account column → its kind: `{"mobile": Phone("CN"), "card_no": Card()}`.
        account_id: Column that names the account, of any type that sorts. Rows without are rejects.
        carry: Account columns that rules may look at and `flagged` keeps.
        policy: A `Policy` or its settings, the path of a TOML file, or None for the default policy.
        as_of: The day that is asked about; None: today in the machine's time zone.
        previous: The flagged frame, or run folder, of the night before.
        tokens: The key under which the blocklist's tokens were made; two while keys are changed.
        out: Folder for flagged.parquet, hits.parquet and rejects.parquet, instead of memory.

    Returns:
        `Result`; its frames are read from `out` where that is given. Sorted by account, identifier,
        listing; rejects in the input's order.

    Raises:
        MissingColumn: A named column is not in the accounts.
        InputError: The accounts can't be read, or a holder's date is no date.
        ConfigError: Options that make no sense, or tokens under a key that is not given.

    Example:
        >>> accounts = pl.DataFrame({"account_id": ["a", "b"], "mobile": ["138 0013 8000", "13800138001"]})
        >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
        >>> from cardscreen.phones import Phone
        >>> screen(accounts, listed, {"mobile": Phone("CN")}).flagged.collect()["account_id"].to_list()
        ['a']
    """
    day = to_day(as_of or date.today())
    rules = _policy(policy)
    table = open_table(accounts)
    clock = _Clock()
    carried = [carry] if isinstance(carry, str) else list(carry)
    plan = AccountColumns.of(schema_of(table, "the accounts"), identifiers, account_id, carried, rules)
    in_force = blocklist.in_force(day)
    keys = [tokens] if isinstance(tokens, TokenKey) else list(tokens or [])
    check_token_keys(in_force, keys)
    before = _previous(previous, plan.schema[account_id])
    with _output_folder(out) as folder:
        with clock.stage("scan"):
            counts, rows, rejects = _scan(table, plan, _targets(plan, in_force, keys), folder)
        with clock.stage("evidence"):
            cells = _cells(rows, plan)
            found = _hits(cells, evidence(cells.select("kind", "value").unique(), in_force, keys))
        with clock.stage("policy"):
            judged = rules.judge(found.lazy(), day).sort("account_id", "identifier", "listing_id", "_value").collect()
            flagged = rules.decide(judged.lazy(), day, plan.carry, before).collect()
        summary = _summary(plan, counts, cells, judged, flagged, in_force, day)
        hits = judged.select(list(schema.HITS))
        if folder is not None:
            flagged.write_parquet(folder / "flagged.parquet", row_group_size=ROW_GROUP)
            hits.write_parquet(folder / "hits.parquet", row_group_size=ROW_GROUP)
    summary |= {"seconds": clock.seconds, "peak_memory_mib": clock.peak_mib}
    if out is not None:
        return read_result(Path(out), summary)
    return Result(flagged.lazy(), hits.lazy(), rejects.lazy(), summary)


def read_result(folder: Path, summary: dict[str, Any]) -> Result:
    """A result from the tables in a folder."""
    flagged, hits, rejects = (pl.scan_parquet(folder / f"{name}.parquet") for name in _TABLES)
    return Result(flagged, hits, rejects, summary)


@dataclass
class _Clock:
    """Seconds of each stage, and the process's peak memory at its end."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 3)
        if sys.platform != "win32":
            self.peak_mib[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _policy(policy: Policy | Mapping[str, Any] | str | Path | None) -> Policy:
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, (str, Path)):
        return Policy.read(policy)
    return Policy(**(policy or {}))


@contextmanager
def _output_folder(out: str | Path | None) -> Iterator[Path | None]:
    """A folder beside the results, whose files take their place only when all are written."""
    if out is None:
        yield None
        return
    target = Path(out)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"out: the folder {target} can't be made: {error.strerror}") from None
    with tempfile.TemporaryDirectory(prefix=".screening-", dir=target) as name:
        yield Path(name)
        for table in _TABLES:
            shutil.move(Path(name) / f"{table}.parquet", target / f"{table}.parquet")


def _previous(previous: Any, account_type: pl.DataType) -> pl.LazyFrame | None:
    """The flagged frame of the night before: account_id, action, flagged_since, act_on; each account once."""
    if previous is None:
        return None
    if isinstance(previous, (str, Path)) and Path(previous).is_dir():
        previous = Path(previous) / "flagged.parquet"
    table, where = open_table(previous), "the previous flags"
    types = table.collect_schema()
    days = ["flagged_since", "act_on"]
    require_columns(types.names(), ["account_id", "action", *days], where)
    for name in days:
        if not is_dateable(types[name]):
            raise InputError(f"{where}: column {name!r} has type {types[name]}, not dates")
    read = table.select(
        pl.col("account_id").cast(account_type, strict=False),
        pl.col("action").cast(pl.String).cast(schema.ACTIONS, strict=False),
        *(to_date(pl.col(name), types[name]).alias(name) for name in days),
        bad=pl.any_horizontal(is_bad_date(pl.col(name), types[name]) for name in days),
    ).collect()
    if not read.filter(pl.col("bad") | pl.col("action").is_null()).is_empty():
        raise InputError(f"{where}: an action or a day there is none: give the `flagged` frame of an earlier screening")
    return read.drop("bad").unique("account_id", keep="first", maintain_order=True).lazy()


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


def _targets(plan: AccountColumns, in_force: pl.DataFrame, keys: Sequence[TokenKey]) -> dict[str, Targets]:
    return {kind.name: Targets.of(kind.name, in_force, keys) for kind in plan.identifiers.values()}


def _scan(
    table: pl.LazyFrame, plan: AccountColumns, targets: Mapping[str, Targets], folder: Path | None
) -> tuple[dict[str, int], pl.DataFrame, pl.DataFrame]:
    """The pass: counts, rows that may match, and rejects (in a file where there is a folder)."""
    read = plan.select(table).with_columns(
        _scanned(plan, column, targets[kind.name]).alias(_cell(column)) for column, kind in plan.identifiers.items()
    )
    tallies: dict[str, pl.Expr] = {}
    for column, kind in plan.identifiers.items():
        tallies[f"cells\0{column}"] = _each(plan, column, lambda cell: cell.struct.field("status").is_not_null())
        tallies[f"missing\0{column}"] = _each(plan, column, _is_missing)
        tallies[f"rejected\0{column}"] = _each(plan, column, _is_rejected)
        tallies[f"usable\0{column}"] = _each(plan, column, _is_usable)
        for note in kind.notes:
            tallies[f"{note}\0{column}"] = _each(plan, column, partial(_has_note, note=note))
        tallies[f"may_match\0{column}"] = _each(plan, column, targets[kind.name].may_match)
    named = plan.has_account()
    passed = read.with_columns(**tallies, **{"\0named": named}).cache()

    def any_of(tally: str) -> pl.Expr:
        return pl.any_horizontal(pl.col(f"{tally}\0{column}") > 0 for column in plan.identifiers)

    has_account = pl.col("\0named")
    bad_dates = {f"bad_date\0{name}": is_bad_date(pl.col(name), plan.schema[name]).sum() for name in plan.dates()}
    counted = passed.select(
        pl.len().alias("read"),
        (~has_account).sum().alias(NO_ACCOUNT),
        (has_account & ~any_of("usable")).sum().alias("not_screenable"),
        *(pl.col(name).filter(has_account).sum() for name in tallies if not name.startswith("may_match")),
        **bad_dates,
    )
    candidates = passed.filter(has_account & any_of("may_match")).select(plan.needed())
    rejected = _rejected(passed.filter(~has_account | any_of("rejected")), plan)
    if folder is None:
        rejected = rejected.head(KEPT_REJECTS)
    else:
        rejected = rejected.sink_parquet(folder / "rejects.parquet", row_group_size=ROW_GROUP, lazy=True)
    try:
        counts, rows, rejects = pl.collect_all([counted, candidates, rejected], engine="streaming")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"the accounts can't be read: {first_line(error)}") from None
    told = {name: int(value or 0) for name, value in counts.row(0, named=True).items()}
    for name in bad_dates:
        if told[name]:
            column = name.removeprefix("bad_date\0")
            raise InputError(
                f"column {column!r} holds {told[name]:,} values that are no dates: write them as YYYY-MM-DD, "
                "or leave the cell empty where the day is not known"
            )
    return told, rows, rejects


def _scanned(plan: AccountColumns, column: str, targets: Targets) -> pl.Expr:
    """What the kind reads from a column: `schema.SCAN`, or a List of it with each element's shape.

    Where token listings are to be found, `signed` says of a cell whether its token may be one of them.
    """
    kind = plan.identifiers[column]
    scanned = kind.scan(pl.col(column))
    fields = dict(schema.SCAN.to_schema())
    if len(targets.tokens):
        signed = targets.may_match_token(kind.read(pl.col(column)).struct.field("value"), kind.name)
        scanned = pl.struct(scanned.struct.unnest(), signed.alias("signed"))
        fields["signed"] = pl.Boolean()
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


def _cells(rows: pl.DataFrame, plan: AccountColumns) -> pl.DataFrame:
    """All usable identifiers of the rows that may match, one row each, read again in full.

    Returns:
        row, account_id, identifier, kind, holder_since, value, shown, status, and the carried columns as
        `account.<name>`.
    """
    indexed = rows.with_row_index("\0row")
    parts = []
    for column, kind in plan.identifiers.items():
        since = to_date(pl.col(kind.holder_since), plan.schema[kind.holder_since]) if kind.holder_since else _NO_DAY
        cells = indexed.explode(column, empty_as_null=False) if plan.is_list(column) else indexed
        parts.append(
            cells.lazy()
            .select(
                pl.col("\0row").alias("row"),
                pl.col(plan.account_id).alias("account_id"),
                pl.lit(column).alias("identifier"),
                pl.lit(kind.name).alias("kind"),
                since.alias("holder_since"),
                kind.read(pl.col(column)).struct.unnest(),
                *(pl.col(name).alias(f"{ACCOUNT}{name}") for name in plan.carry),
            )
            .filter(pl.col("value").is_not_null())
            .collect()
        )
    return pl.concat(parts)


_NO_DAY = pl.lit(None, dtype=pl.Date)


def _hits(cells: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Block listings × the accounts that carry what they list, with holder, `carried_by` and `allowed_by`."""
    allow = pl.col("list") == "allow"
    allowed = pairs.filter(allow).group_by("kind", "value").agg(allowed_by=pl.col("source").min())
    carried = cells.group_by("kind", "value").agg(carried_by=pl.col("account_id").n_unique().cast(pl.UInt32))
    carry = [name for name in cells.columns if name.startswith(ACCOUNT)]
    owned = cells.group_by("account_id", "identifier", "kind", "value").agg(
        pl.col("holder_since", "shown", "status", *carry).min()
    )
    since, listed = pl.col("holder_since"), pl.col("listed_on")
    holder = pl.when(listed < since).then(pl.lit("earlier")).when(listed >= since).then(pl.lit("same"))
    return (
        owned.join(pairs.filter(~allow), on=["kind", "value"])
        .join(carried, on=["kind", "value"], how="left")
        .join(allowed, on=["kind", "value"], how="left")
        .with_columns(holder.otherwise(pl.lit("unknown")).cast(schema.HOLDERS).alias("holder"))
        .with_columns(pl.col("value").alias("_value"), pl.col("shown").alias("value"))
    )


def _summary(
    plan: AccountColumns,
    counts: dict[str, int],
    cells: pl.DataFrame,
    judged: pl.DataFrame,
    flagged: pl.DataFrame,
    in_force: pl.DataFrame,
    day: date,
) -> dict[str, Any]:
    """Counts that add up: every cell and every row is in exactly one class."""
    by_value = ["account_id", "identifier", "kind", "_value"]
    outcome = judged.group_by(by_value).agg(hit=pl.col("exempted_by").is_null().any())
    touched = cells.join(outcome, left_on=["account_id", "identifier", "kind", "value"], right_on=by_value)
    coverage = {}
    for column in plan.identifiers:
        of_column = touched.filter(pl.col("identifier") == column)["hit"]
        hit, exempt = int(of_column.sum()), int((~of_column).sum())
        coverage[column] = {name: counts[f"{name}\0{column}"] for name in ("cells", "missing", "rejected")}
        coverage[column]["clear"] = counts[f"usable\0{column}"] - hit - exempt
        coverage[column] |= {"exempt": exempt, "hit": hit}
    rows = touched.group_by("row").agg(pl.col("hit").any())["hit"]
    hit_rows, exempt_rows = int(rows.sum()), int((~rows).sum())
    known = {"hit": hit_rows, "exempt": exempt_rows}
    unscreened = {name: counts[name] for name in ("not_screenable", NO_ACCOUNT)}
    clear = counts["read"] - sum(known.values()) - sum(unscreened.values())
    return {
        "as_of": day.isoformat(),
        "rows": {"read": counts["read"], **known, "clear": clear, **unscreened},
        "coverage": coverage,
        "notes": {
            column: {note: counts[f"{note}\0{column}"] for note in kind.notes}
            for column, kind in plan.identifiers.items()
        },
        "flagged": {
            "accounts": len(flagged),
            "levels": _counted(flagged["level"]),
            "actions": _counted(flagged["action"]),
        },
        "hits": {
            "rows": len(judged),
            "exempt": judged["exempted_by"].is_not_null().sum(),
            "sources": dict(
                judged.filter("live").group_by("source").agg(pl.col("account_id").n_unique()).sort("source").rows()
            ),
        },
        "listings": _counted(in_force["kind"]),
        "versions": versions(),
    }


def _counted(values: pl.Series) -> dict[str, int]:
    return dict(values.value_counts().sort(values.name).rows())


def versions() -> dict[str, str]:
    """The versions of what decides about a result."""
    return {name: version(name) for name in ("cardscreen", "phonenumbers", "polars")}
