"""Files from sources to listings: columns under their own names, values as people write them.

A feed is described by a small TOML file; values go through the very same reading as accounts' cells.
Rows that can't be used are returned with their line and reason, never dropped in silence.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards.in_text import Found, rows_with_digits, tell_own
from cardscreen.foundation.errors import InputError, MissingColumn
from cardscreen.foundation.lookup.digits import marked, nulls, taken
from cardscreen.foundation.process.threads import on_all_threads
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.kind import KINDS, Kind, one_of, secret_kinds
from cardscreen.kinds.listed_forms import ends_of
from cardscreen.kinds.tokens import read_token
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.several import listings_in
from cardscreen.lists.store.merging import IDENTITY
from cardscreen.tables.cells import QUANTITY, digits_within, holds_numbers, refuse_type, shape, to_text
from cardscreen.tables.dates import is_dateable, is_no_day, read_days
from cardscreen.tables.opening import explaining, whole_number
from cardscreen.tables.source_files import SourceFile, read_source

_DAYS = ("listed_on", "expires_on")
_AT_ONCE = 1_000_000  # cells that a thread reads
OPERATIONS = pl.Enum(["add", "remove"])
#: What is read of one row of a file.
ROW = {
    "line": pl.UInt32,
    "operation": OPERATIONS,
    **{name: schema.LISTING[name] for name in ("kind", "value", "match", "list", "reason", "severity")},
    **{name: schema.LISTING[name] for name in ("listed_on", "expires_on", "reference")},
}


@dataclasses.dataclass(frozen=True)
class FeedRows:
    """What a feed file holds.

    Attributes:
        rows: `ROW`: the usable rows; card numbers stand there in full.
        rejects: line (UInt32), reason (String), shape (String) of the rows that can't be used.
        unread: `UNREAD`: what of these may be a listing that is known.
        strangers: Kind → lines of rows that hold another kind's numbers; they are among the rejects.
        source: The feed's source.
        file: The file that was read.
        missing: Optional columns that the feed names and the file lacks.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
    unread: pl.DataFrame
    strangers: dict[str, list[int]]
    source: str
    file: SourceFile
    missing: list[MissingColumn]

    @cached_property
    def repeated(self) -> pl.DataFrame:
        """The rows whose number is there more than once, and their place among the rows as `row`."""
        marks = self.rows.lazy().select(pl.col("value").hash()).collect().to_series()
        ordered = marks.sort()  # a fifth of what the engine takes to look for duplicates
        again = ordered.filter((ordered == ordered.shift(-1)).fill_null(value=False))
        rows = marks.is_in(again.unique().implode()).arg_true()
        several = self.rows[rows].with_columns(row=rows.cast(pl.UInt32))
        return several.filter(pl.struct("kind", "value").is_duplicated())

    def forgotten(self) -> FeedRows:
        """The same without the rows and the file's content, of which large files take much memory."""
        file = dataclasses.replace(self.file, frame=self.file.frame.clear(), lines=self.file.lines.clear())
        return dataclasses.replace(self, rows=self.rows.clear(), file=file)


def read_feed(path: str | os.PathLike[str], feed: Feed, *, lacking: bool = False) -> FeedRows:
    """Read one file of a source.

    Args:
        path: CSV, TSV, text, XLSX, JSON Lines, Parquet or Arrow IPC; text may be compressed.
        feed: How to read it.
        lacking: Go on without a column that the feed names, if a listing can do without it.

    Raises:
        MissingColumn: A column that the feed names is not there.
        InputError: The file can't be read, or a column holds no dates.
        ConfigError: The feed's options don't fit the file.
    """
    reading, columns = feed.reading(), [*feed.columns.named().values(), *feed.only]
    with explaining(path, reading):
        file = read_source(path, reading, layout=feed.layout, columns=columns, records=feed.records)
        file = _with_values(_meant(file, feed, str(path)), feed)
        return _read(file, feed, str(path), lacking=lacking)


def _meant(file: SourceFile, feed: Feed, where: str) -> SourceFile:
    """The rows that the feed means (`only`), and how many others there are."""
    there = file.frame.columns
    for column, pattern in feed.only.items():
        if column not in there and not _takes_nothing(pattern):
            raise MissingColumn(column, there, where)
    tests = [
        pl.col(column).cast(pl.String).fill_null("").str.contains(_whole(pattern))
        for column, pattern in feed.only.items()
        if column in there
    ]
    if not tests:
        return file
    meant = file.frame.select(pl.all_horizontal(tests)).to_series()
    others = len(meant) - int(meant.sum())
    notes = [*file.notes, *([f"rows of other sorts than the feed means (only): {others:,}"] if others else [])]
    return dataclasses.replace(file, frame=file.frame.filter(meant), lines=file.lines.filter(meant), notes=notes)


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _takes_nothing(pattern: str) -> bool:
    """Whether a pattern matches an empty cell."""
    matches: bool = pl.Series([""]).str.contains(_whole(pattern)).item()
    return matches


def _with_values(file: SourceFile, feed: Feed) -> SourceFile:
    """A row for each value that the feed's pattern finds in a cell, and how many cells have none."""
    column = feed.columns.named()["value"]
    if feed.pattern is None or column not in file.frame.columns:
        return file
    found = (
        pl.col(column)
        .cast(pl.String)
        .str.extract_all(feed.pattern)
        .list.eval(pl.element().str.extract(feed.pattern, 1))
    )
    rows = file.frame.with_columns(found.fill_null([]), file.lines.alias("\0line"))
    without = int(rows.select((pl.col(column).list.len() == 0).sum()).item())
    rows = rows.filter(pl.col(column).list.len() > 0).explode(column)
    notes = [*file.notes, *([f"rows in which the feed's pattern finds nothing: {without:,}"] if without else [])]
    lines = rows["\0line"].alias(file.lines.name)
    return dataclasses.replace(file, frame=rows.drop("\0line"), lines=lines, notes=notes)


def _read(file: SourceFile, feed: Feed, where: str, *, lacking: bool) -> FeedRows:
    columns = feed.columns.named()
    missing = [
        MissingColumn(column, file.frame.columns, where)
        for column in columns.values()
        if column not in file.frame.columns
    ]
    needed = {columns[name] for name in ("value", "kind", "operation") if name in columns}
    if missing and not (lacking and needed.isdisjoint(error.column for error in missing)):
        raise missing[0]
    there = {name: column for name, column in columns.items() if column in file.frame.columns}
    _check_types(file.frame, there, where)
    read = _read_values(_fields(file, there, feed), feed)
    if kinds := [name for name in secret_kinds() if feed.is_token(name) and name in (feed.kind or name)]:
        several = read["match"].is_in(["prefix", "range", "truncated"]).fill_null(value=False).arg_true()
        read = _changed(read, several, problem=pl.coalesce("problem", *map(_shows_most, kinds)))
    bad = read.filter(pl.col("problem").is_not_null())
    good = read.select(list(ROW))
    unread = pl.coalesce("bad_day", to_text(pl.col("cell")))
    refused = bad.select("line", pl.col("problem").alias("reason"), shape(unread).alias("shape"))
    strangers = {
        name: bad.filter(pl.col("stranger") == name)["line"].to_list() for name in bad["stranger"].unique().drop_nulls()
    }
    return FeedRows(
        rows=good.filter(read["problem"].is_null()) if len(bad) else good,
        rejects=pl.concat([refused, file.ragged.drop("digits")]).sort("line", maintain_order=True),
        unread=_unread(bad, file.ragged),
        strangers=strangers,
        source=feed.source,
        file=file,
        missing=missing,
    )


def _unread(bad: pl.DataFrame, ragged: pl.DataFrame) -> pl.DataFrame:
    """`UNREAD` of rows that can't be used, and of those that don't fit the table."""
    told = bad.select("line", "reference", digits=digits_within(to_text(pl.col("cell"))))
    return pl.concat([told, ragged.select("line", pl.lit(None, pl.String).alias("reference"), "digits")])


def _check_types(frame: pl.DataFrame, there: dict[str, str], where: str) -> None:
    for name in _DAYS:
        if name in there and not is_dateable(frame.schema[there[name]]):
            raise InputError(f"{where}: column {there[name]!r} holds no dates")
    for name, column in there.items():
        if name not in _DAYS and (frame.schema[column].is_nested() or frame.schema[column] in (pl.Binary, pl.Duration)):
            raise InputError(f"{where}: column {column!r} has type {frame.schema[column]}: give text")
    if not holds_numbers(frame.schema[there["value"]]):
        raise refuse_type(there["value"], frame.schema[there["value"]])


def _fields(file: SourceFile, there: dict[str, str], feed: Feed) -> pl.DataFrame:
    """`ROW` without `value` and `match`; the raw `cell`, a `problem`: why the row can't be used, and its `bad_day`."""
    zone = feed.timezone or local_name()
    frame, types = file.frame, file.frame.schema
    days = {
        name: read_days(pl.col(there[name]), types[there[name]], feed.date_format, zone) if name in there else _NO_DAY
        for name in _DAYS
    }
    no_text, operation = pl.lit(None, dtype=pl.String), there.get("operation")
    words = {"reference": _words(there.get("reference"), None), "reason": _words(there.get("reason"), feed.reason)}
    made = [expr.alias(f"\0{name}") for name, expr in (days | words).items()]
    written = frame.lazy().with_columns(*_side_by_side(frame, made))
    bad_days = {
        name: is_no_day(pl.col(there[name]), types[there[name]], pl.col(f"\0{name}")) for name in _DAYS if name in there
    }
    return (
        written.select(
            pl.lit(file.lines).alias("line"),
            pl.col(there["value"]).alias("cell"),
            _words(there.get("kind"), feed.kind).replace(feed.kinds_named).alias("kind"),
            pl.col("\0reason").alias("reason"),
            pl.col("\0reference").alias("reference"),
            _one_of(_words(there.get("list"), feed.list), schema.LISTS).alias("list"),
            _one_of(_words(operation, None if operation else "add").replace(feed.operations_named), OPERATIONS).alias(
                "operation"
            ),
            _words(operation, None).alias("said"),
            _severity(there.get("severity"), feed.severity).alias("severity"),
            pl.col("\0listed_on").alias("listed_on"),
            _last_day(feed).alias("expires_on"),
            bad_day=pl.coalesce(
                *(pl.when(bad).then(pl.col(there[name]).cast(pl.String)) for name, bad in bad_days.items()), no_text
            ),
            bad_day_of=pl.coalesce(
                *(pl.when(bad).then(pl.lit(there[name])) for name, bad in bad_days.items()), no_text
            ),
        )
        .with_columns(problem=_problem())
        .with_columns(pl.col("severity").cast(pl.UInt8, strict=False))
        .drop("bad_day_of", "said")
        .collect(engine="in-memory")  # what is the same in all rows takes no memory there
    )


def _side_by_side(frame: pl.DataFrame, exprs: Sequence[pl.Expr]) -> Iterator[pl.Series | pl.Expr]:
    """Columns that take long, each made by a thread, which the engine does not do with what Python reads.

    What is the same in all rows is left to the engine, for which it takes no memory.
    """
    of_rows = [expr for expr in exprs if expr.meta.root_names()]
    yield from (expr for expr in exprs if not expr.meta.root_names())
    yield from on_all_threads(lambda expr: frame.lazy().select(expr).collect(engine="in-memory").to_series(), of_rows)


def _last_day(feed: Feed) -> pl.Expr:
    """The last day; where a number's rows are merged, what each of them says counts, and not only the earliest."""
    last, first = pl.col("\0expires_on"), pl.col("\0listed_on")
    if feed.repeats == "refuse" or feed.expires_after_days is None:
        return last
    return last.fill_null(first.dt.offset_by(f"{feed.expires_after_days}d"))


def _words(column: str | None, default: str | None) -> pl.Expr:
    """Text without blanks around it; the default where nothing is left."""
    if column is None:
        return pl.lit(default, dtype=pl.String)
    words = pl.col(column).cast(pl.String).str.strip_chars().replace("", None)
    return words if default is None else words.fill_null(default)


def _one_of(words: pl.Expr, dtype: pl.Enum) -> pl.Expr:
    """One of a closed set of words; null for any other."""
    return words.str.to_lowercase().cast(dtype, strict=False)


def _severity(column: str | None, default: int) -> pl.Expr:
    """A whole number; 0, which no severity is, where something else is said."""
    if column is None:
        return pl.lit(default, dtype=pl.Int64)
    return pl.when(_words(column, None).is_not_null()).then(whole_number(column).fill_null(0)).otherwise(default)


_NO_DAY = pl.lit(None, dtype=pl.Date)
_OPERATION_SAID = pl.col("said").str.extract(r"^(\p{L}{1,12}|[+-])$")  # only what is surely no number
_NO_OPERATION = (
    pl.when(pl.col("said").is_null())
    .then(pl.lit("operation is empty, and neither add nor remove"))
    .when(_OPERATION_SAID.is_not_null())
    .then(pl.format("operation {} is neither add nor remove: say in [operations] which it is", _OPERATION_SAID))
    .otherwise(pl.lit("operation is neither add nor remove"))
)


def _problem() -> pl.Expr:
    """Why a row can't be used, whatever its number is."""
    return pl.coalesce(
        pl.when(pl.col("operation").is_null()).then(_NO_OPERATION),
        pl.when(pl.col("list").is_null()).then(pl.lit("list is neither block nor allow")),
        pl.format(
            "{} is no day, or can be read in two ways: write YYYY-MM-DD, or say how it is written by date_format, such "
            'as date_format = "%d/%m/%Y", at the top of the feed',
            "bad_day_of",
        ),
        pl.when(~pl.col("severity").is_between(1, 100)).then(pl.lit("severity is not 1 to 100")),
        pl.when(pl.col("expires_on") < pl.col("listed_on")).then(pl.lit("expires before it is listed")),
    )


def _read_values(written: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """The rows with `match`, `value`, and of those that can't be read `problem` and perhaps `stranger`."""
    kinds = feed.kinds()
    if feed.kind is not None:
        return _of_kind(written, kinds[feed.kind], kinds, feed)
    known = pl.col("kind").is_in(list(kinds)).fill_null(value=False)
    rows = ((kind, written.filter(pl.col("kind") == name)) for name, kind in kinds.items())
    parts = [_of_kind(of_kind, kind, kinds, feed) for kind, of_kind in rows if len(of_kind)]
    unknown = written.filter(~known).with_columns(
        problem=pl.lit(f"kind is none of {', '.join([*kinds, *feed.kinds_named])}"),
        match=pl.lit(None, dtype=schema.MATCHES),
        value=pl.lit(None, dtype=pl.String),
        stranger=pl.lit(None, dtype=pl.String),
    )
    read = [part.select(unknown.columns).with_columns(to_text(pl.col("cell"))) for part in (*parts, unknown)]
    return pl.concat(read).sort("line")


def _shows_most(name: str) -> pl.Expr:
    """Why a listing of a secret kind that can't be a token is refused: it shows nearly all digits of single numbers."""
    of_kind = pl.col("kind") == name
    first, last = ends_of(pl.when(of_kind & pl.col("match").cast(pl.String).is_in(["prefix", "range"])).then("value"))
    size = last.cast(pl.UInt64, strict=False) - first.cast(pl.UInt64, strict=False)
    narrow: pl.Expr = (size < _NARROW) & (first.str.len_bytes() > _DIGITS_SHOWN)
    hidden = pl.when(of_kind & (pl.col("match") == "truncated")).then(pl.col("value").str.count_matches(r"[*]"))
    way = 'list it in full, for a token, or say store_as = "plain" in the feed'
    why = pl.lit(f"the store would show {one_of(name)}: {way}")
    return pl.when(narrow | hidden.is_between(1, 2)).then(why)


_DIGITS_SHOWN = 12  # PCI DSS 4.0.1, 3.5.1: the first eight and any other four, at most
_NARROW = 1_000  # numbers


def _of_kind(written: pl.DataFrame, kind: Kind, kinds: dict[str, Kind], feed: Feed) -> pl.DataFrame:
    """The rows of one kind, read."""
    several = listings_in(written["cell"], kind)
    if several is not None:
        written = written.with_columns(cell=several).explode("cell", empty_as_null=False)

    def listed_in(cells: pl.DataFrame) -> pl.DataFrame:
        read = cells.lazy().select(kind.written(pl.col("cell")).alias("read")).unnest("read")
        return read.with_columns(pl.col("match").cast(schema.MATCHES)).collect()

    parts = written.select("cell").iter_slices(_AT_ONCE) if len(written) else [written.select("cell")]
    # Only what is new comes from the engine, in one piece as the rest is: else all would be put together anew.
    listed = pl.concat(on_all_threads(listed_in, parts)).rechunk()
    read = written.hstack([*listed, nulls("stranger", pl.String, len(written))])
    doubt = read.select((pl.col("value").is_null() | _is_doubtful(kind)).arg_true()).to_series()
    asked = kinds_to_ask(kind, kinds)
    read = _changed(read, doubt, *_doubted(asked))
    tells = _tells_card(read, kind, feed).alias("tells")
    bad = (marked(len(read), doubt) | tells).arg_true()
    return _changed(read.hstack([tells]), bad, problem=_why(kind)).drop("tells")


def _changed(rows: pl.DataFrame, places: pl.Series, *exprs: pl.Expr, **named: pl.Expr) -> pl.DataFrame:
    """The rows, some of them with other values, which only these are asked for."""
    if not len(places):
        return rows
    changed = rows.clone()
    for each in rows[places].lazy().select(*exprs, **named).collect():
        changed.replace_column(rows.get_column_index(each.name), rows[each.name].clone().scatter(places, each))
    return changed


def _why(kind: Kind) -> pl.Expr:
    """Why a row of a kind can't be used, which has a `stranger`, no value, or one to be doubted."""
    named = pl.format(
        "{} in a feed of {}",
        pl.col("stranger").replace_strict({name: one_of(name) for name in KINDS}, default=None),
        pl.lit(kind.noun[1]),
    )
    spoilt = to_text(pl.col("cell")).str.contains(QUANTITY).fill_null(value=False)
    unread, reasons = pl.col("value").is_null(), kind.reasons.items()
    return pl.coalesce(
        "problem",
        pl.when(pl.col("stranger").is_not_null()).then(named),
        pl.when(unread & spoilt).then(pl.lit("a quantity that a spreadsheet has made of a number")),
        *(pl.when(unread & to_text(pl.col("cell")).str.contains(text)).then(pl.lit(why)) for text, why in reasons),
        pl.when(unread).then(pl.lit(f"no {kind.noun[0]}")),
        pl.when("tells").then(pl.lit("the reference or reason holds a card number")),
        pl.when(_is_doubtful(kind)).then(pl.lit("more digits than such a number has")),
    )


def _is_doubtful(kind: Kind) -> pl.Expr:
    """Whether what was read may be another kind's number."""
    return (pl.col("match") == "exact") & kind.is_doubtful(pl.col("value"))


_TOLD = ("reference", "reason")


def _tells_card(read: pl.DataFrame, kind: Kind, feed: Feed) -> pl.Series:
    """Which rows have free text, shown in hits as it is, with a card number: the row's own, or perhaps another."""
    tells = np.zeros(len(read), dtype=bool)
    for name in _TOLD:
        # What the feed says of all rows need not be looked at in each of them.
        if name not in feed.columns.named() and not len(rows_with_digits(read.head(1)[name])):
            continue
        rows = rows_with_digits(read[name])
        if kind.name in secret_kinds():
            own = read.select(pl.when(pl.col("match") == "exact").then("value")).to_series()
            tells |= tell_own(read[name], own, rows)
        tells[rows] |= Found.of(taken(read[name], rows)).doubtful
    return pl.Series(tells, dtype=pl.Boolean)


def _doubted(others: dict[str, Kind]) -> Iterator[pl.Expr]:
    """`match`, `value` and `stranger` of cells that their kind could not read, or hardly: tokens, others' numbers."""
    cell = to_text(pl.col("cell"))
    token = read_token(cell)
    yield pl.when(token.is_not_null()).then(pl.lit("token", dtype=schema.MATCHES)).otherwise("match").alias("match")
    yield pl.coalesce(token, "value").alias("value")
    claims = (pl.when(other.claims(pl.col("cell"))).then(pl.lit(name)) for name, other in others.items())
    yield pl.coalesce(*claims).alias("stranger")


def kinds_to_ask(kind: Kind, kinds: dict[str, Kind]) -> dict[str, Kind]:
    """The other kinds whose numbers may have got into a feed of one kind."""
    others = {name: made() for name, made in KINDS.items()} | kinds
    return {name: other for name, other in others.items() if name != kind.name}


def merged_duplicates(read: FeedRows) -> tuple[pl.DataFrame, int]:
    """One row for each listing, and how many were merged into others.

    Where they differ: the earliest `listed_on`, the latest `expires_on` (none is the latest), the highest severity.
    """
    rows, several = read.rows, read.repeated
    if several.is_empty():
        return rows, 0
    one = (
        several.sort("line")
        .group_by(*IDENTITY, "operation", maintain_order=True)
        .agg(
            pl.col("line").first(),
            pl.col("reason").sort_by("severity", descending=True).first(),
            pl.col("severity").max(),
            pl.col("listed_on").min(),
            pl.when(~pl.col("expires_on").is_null().any()).then(pl.col("expires_on").max()).alias("expires_on"),
        )
    )
    once = rows.filter(~marked(len(rows), several["row"]))
    return pl.concat([once, one.select(rows.columns)]), len(several) - len(one)
