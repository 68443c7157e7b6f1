"""Files from sources to listings: columns under their own names, values as people write them.

A feed is described by a small TOML file; values go through the very same reading as accounts' cells.
Rows that can't be used are returned with their line and reason, never dropped in silence.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import polars as pl
from pydantic import Field

from cardscreen import schema
from cardscreen.cleaning import shape, to_text
from cardscreen.config import Section, checked, read_toml
from cardscreen.errors import InputError
from cardscreen.identifiers import Kind, kind_from_options
from cardscreen.tables import (
    collected,
    is_bad_date,
    is_dateable,
    open_table,
    require_columns,
    to_date,
    whole_number,
)

_TEXTS = ("reason", "reference")
_DAYS = ("listed_on", "expires_on")
_HEADER_LINES = 2  # the first row of a text file stands in line 2


class _Columns(Section):
    value: str
    reason: str | None = None
    reference: str | None = None
    severity: str | None = None
    listed_on: str | None = None
    expires_on: str | None = None


class Feed(Section):
    """How a source's file is to be read.

    Example:
        >>> Feed(source="police", kind="phone", region="CN", columns={"value": "号码"}).severity
        50
    """

    source: str = Field(min_length=1)
    kind: str
    columns: _Columns
    region: str | None = None
    many: bool = False
    repair: bool = False
    list: str = Field("block", pattern="^(block|allow)$")
    reason: str = "listed"
    severity: int = Field(50, ge=1, le=100)
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)

    @classmethod
    def read(cls, path: str | Path) -> Feed:
        """A feed from its TOML file.

        Raises:
            ConfigError: No such file, or no feed; tells all that is wrong.
        """
        return checked(cls, read_toml(Path(path)), str(path))


@dataclasses.dataclass(frozen=True)
class FeedRows:
    """What a feed file holds.

    Attributes:
        listings: `schema.LISTING`; card numbers stand there in full.
        rejects: line (UInt32), reason (String), shape (String) of the rows that can't be used.
    """

    listings: pl.DataFrame
    rejects: pl.DataFrame


def read_feed(path: str | Path, feed: Feed) -> FeedRows:
    """Read one file of a source.

    Args:
        path: CSV, TSV, Parquet or Arrow IPC.
        feed: How to read it.

    Raises:
        MissingColumn: A column that the feed names is not there.
        InputError: The file can't be read, or a column holds no dates.
        ConfigError: The feed's kind or region is unknown.
    """
    said = {"region": feed.region, "many": feed.many, "repair": feed.repair}
    kind = kind_from_options(feed.source, {"kind": feed.kind} | {name: value for name, value in said.items() if value})
    frame = collected(open_table(str(path), encoding=feed.encoding, delimiter=feed.delimiter), str(path))
    named = {name: column for name, column in feed.columns.model_dump().items() if column}
    require_columns(frame.columns, list(named.values()), str(path))
    days = [name for name in _DAYS if name in named]
    for name in days:
        if not is_dateable(frame.schema[named[name]]):
            raise InputError(f"{path}: column {named[name]!r} holds no dates")
    written = pl.col(named["value"])
    read = (
        frame.lazy()
        .with_row_index("\0line", offset=_HEADER_LINES)
        .pipe(_one_a_row, named["value"], kind)
        .select(
            pl.col("\0line").alias("line"),
            shape(to_text(written)).alias("shape"),
            kind=pl.lit(feed.kind),
            value=_value(written, kind),
            list=pl.lit(feed.list),
            source=pl.lit(feed.source),
            severity=whole_number(named["severity"]) if "severity" in named else pl.lit(None),
            bad_severity=_words(pl.col(named["severity"])).is_not_null() if "severity" in named else pl.lit(False),
            **{name: _words(pl.col(named[name])) if name in named else pl.lit(None) for name in _TEXTS},
            **{name: _day(named.get(name), frame.schema) for name in _DAYS},
            bad_day=pl.any_horizontal(
                pl.lit(False), *(is_bad_date(pl.col(named[name]), frame.schema[named[name]]) for name in days)
            ),
        )
        .with_columns(
            pl.col("reason").fill_null(feed.reason),
            pl.col("severity").cast(pl.Int64).fill_null(feed.severity),
            bad_severity=pl.col("bad_severity") & pl.col("severity").is_null(),
        )
        .with_columns(reject_reason=_problem(kind))
        .collect()
    )
    bad = read.filter(pl.col("reject_reason").is_not_null())
    columns = [name for name in schema.LISTING if name in read.columns]
    return FeedRows(
        listings=read.filter(pl.col("reject_reason").is_null()).select(columns),
        rejects=bad.select("line", pl.col("reject_reason").alias("reason"), "shape"),
    )


def _one_a_row(rows: pl.LazyFrame, column: str, kind: Kind) -> pl.LazyFrame:
    """A row for each number of the cells that may hold several."""
    parts = kind.split(pl.col(column))
    return rows if parts is None else rows.with_columns(parts.alias(column)).explode(column)


def _day(column: str | None, types: pl.Schema) -> pl.Expr:
    return to_date(pl.col(column), types[column]) if column else pl.lit(None, dtype=pl.Date)


def _words(cell: pl.Expr) -> pl.Expr:
    """Text without blanks around it; null where nothing is left."""
    return cell.cast(pl.String).str.strip_chars().replace("", None)


def _value(written: pl.Expr, kind: Kind) -> pl.Expr:
    """Ranges and truncated numbers as they are; all else read like an account's cell."""
    text = to_text(written).str.strip_chars()
    form = kind.listing(text).struct
    in_form = form.field("match").is_in(["range", "truncated"])
    # A star that makes no form is not to be dropped: the rest might be somebody's number.
    starred = text.str.contains(r"[*＊]").fill_null(False)
    return pl.when(in_form).then(form.field("value")).when(~starred).then(kind.read(written).struct.field("value"))


def _problem(kind: Kind) -> pl.Expr:
    begins_late = pl.col("expires_on") < pl.col("listed_on")
    return pl.coalesce(
        pl.when(kind.listing(pl.col("value")).struct.field("match").is_null()).then(pl.lit(f"no {kind.name} number")),
        pl.when("bad_day").then(pl.lit("a day that is none: write YYYY-MM-DD")),
        pl.when("bad_severity").then(pl.lit("severity is not 1 to 100")),
        pl.when(~pl.col("severity").is_between(1, 100)).then(pl.lit("severity is not 1 to 100")),
        pl.when(begins_late).then(pl.lit("expires before it is listed")),
    )
