"""Files from sources to listings: columns under their own names, values as people write them.

A feed is described by a small TOML file; values go through the very same reading as accounts' cells.
Rows that can't be used are returned with their line and reason, never dropped in silence.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from cardscreen.foundation import schema
from cardscreen.foundation.bounds import Bounds, Held
from cardscreen.foundation.cards.in_text import Found, rows_with_digits, tell_own
from cardscreen.foundation.errors import ConfigError, InputError, MissingColumn, near
from cardscreen.foundation.lookup.digits import taken
from cardscreen.foundation.settings.errors import Problem, complaint, found
from cardscreen.foundation.settings.toml import Section, TomlFile, checked, known_format, known_zone, read_toml
from cardscreen.foundation.zones import Zone, local_name, local_zone
from cardscreen.kinds.card import surroundings as pan_forms
from cardscreen.kinds.kind import KINDS, Kind, kind_from_options, options_of
from cardscreen.kinds.listed_forms import ends_of
from cardscreen.kinds.phone import listed as phone_forms
from cardscreen.kinds.tokens import TOKEN
from cardscreen.lists.terms import Terms
from cardscreen.tables.cells import QUANTITY, holds_numbers, refuse_type, shape, to_text
from cardscreen.tables.dates import is_no_day, read_days
from cardscreen.tables.opening import explaining, in_zone, is_dateable, whole_number
from cardscreen.tables.reading import Reading, known_rows
from cardscreen.tables.source_files import SourceFile, read_source

_DAYS = ("listed_on", "expires_on")
_SAYING = "say {option} = {value} at the top of the feed, above its first table"
_PLACE = "under [bounds] of the feed"
OPERATIONS = pl.Enum(["add", "remove"])
#: What is read of one row of a file.
ROW = {
    "line": pl.UInt32,
    "operation": OPERATIONS,
    **{name: schema.LISTING[name] for name in ("kind", "value", "match", "list", "reason", "severity")},
    **{name: schema.LISTING[name] for name in ("listed_on", "expires_on", "reference")},
}


_Place = Annotated[int, Field(ge=1)]
_Column = str | _Place


class Columns(Section):
    """The file's own names of the columns that a feed reads; or of a file without a header their places, from 1."""

    value: _Column
    kind: _Column | None = None
    operation: _Column | None = None
    list: _Column | None = None
    reason: _Column | None = None
    reference: _Column | None = None
    severity: _Column | None = None
    listed_on: _Column | None = None
    expires_on: _Column | None = None

    @model_validator(mode="after")
    def _alike(self) -> Columns:
        if len({type(column) for column in self.model_dump().values() if column}) > 1:
            raise ValueError("give either the names of all columns, or the places of all: a file has a header or none")
        return self

    def named(self) -> dict[str, str]:
        """Columns of a listing → columns of the file as they are named when it is read."""
        return {name: str(column) for name, column in self.model_dump().items() if column}

    @property
    def are_places(self) -> bool:
        """Whether the file has no header."""
        return isinstance(self.value, int)


class FeedLimits(Section):
    """What a file may be before it is refused; shares of its rows, or of the source's listings in force."""

    unusable_share: float = Field(0.01, ge=0, le=1)
    shrink_share: float = Field(0.20, ge=0, le=1)
    grow_share: float = Field(0.50, ge=0)  # of a snapshot
    delta_times: float = Field(5, ge=1)  # how much more than the largest of its last ones a delta may add
    future_days: int = Field(0, ge=0, le=3650)  # how far ahead of the day of the data a listing may begin
    range_size: int = Field(100_000_000, ge=1)  # numbers; card ranges never reach beyond six digits
    allow_range_size: int = Field(10_000, ge=1)  # the same of allow listings


class Feed(Section):
    """How a source's file is to be read, and what is to be expected of it.

    Raises:
        ConfigError: A key or value that makes no sense; tells all of them.

    Example:
        >>> Feed(source="police", kind="phone", region="CN", columns={"value": "号码"}).severity
        50
    """

    source: str = Field(min_length=1)
    kind: str | None = None
    kinds_named: dict[str, str] = Field({}, alias="kinds")  # what a column of kinds calls them → ours
    operations_named: dict[str, Literal["add", "remove"]] = Field({}, alias="operations")  # likewise
    columns: Columns
    region: str | None = None
    many: bool = False
    repair: bool = False
    vanity: bool = False
    chain: str | None = None
    mode: Literal["snapshot", "delta"] = "snapshot"
    repeats: Literal["refuse", "merge"] = "refuse"
    list: Literal["block", "allow"] = "block"
    reason: str = "listed"
    severity: int = Field(50, ge=1, le=100)
    listed_on: Literal["first-seen"] | date = "first-seen"
    expires_after_days: int | None = Field(None, ge=0, le=36_500)
    open_ended: bool = False
    store_as: Literal["plain", "token"] | None = None
    protected: Sequence[str] = ()
    service_numbers: Literal["refuse", "reject"] = "refuse"
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    sheet: str | None = None
    header_row: _Place | Sequence[_Place] | None = None
    comment: str | None = Field(None, min_length=1)
    layout: Literal["table", "lines"] = "table"
    date_format: str | None = None
    timezone: str | None = None
    terms: Terms = Terms()
    limits: FeedLimits = FeedLimits()
    bounds: Bounds = Bounds()

    def __init__(self, **parts: Any) -> None:
        try:
            super().__init__(**parts)
        except ValidationError as error:
            raise complaint(type(self), error, "feed") from None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return name and known_zone(name)

    @field_validator("header_row")
    @classmethod
    def _rows(cls, rows: int | Sequence[int] | None) -> int | Sequence[int] | None:
        known_rows(rows)
        return rows

    @field_validator("comment")
    @classmethod
    def _sign(cls, sign: str | None) -> str | None:
        if sign and (sign[0].isspace() or {*sign} & {*'"\r\n'}):
            raise ValueError("a comment begins with a sign such as #, and not with a blank or quote")
        return sign

    @field_validator("kinds_named")
    @classmethod
    def _known_kinds(cls, names: dict[str, str]) -> dict[str, str]:
        for name, kind in names.items():
            if kind not in KINDS:
                told = f"{name!r} is said to be of the kind {kind!r}{near(kind, KINDS)}"
                raise found([Problem((name,), f"{told}: the kinds are {', '.join(KINDS)}")])
        return names

    @field_validator("date_format")
    @classmethod
    def _format(cls, form: str | None) -> str | None:
        return form and known_format(form)

    @model_validator(mode="after")
    def _kinds(self) -> Feed:
        if (self.kind is None) == (self.columns.kind is None):
            raise ValueError("give either `kind`, or the column that says it as columns.kind")
        if self.kinds_named and self.columns.kind is None:
            raise ValueError("[kinds] names what is in a column of kinds: name that as columns.kind")
        if self.operations_named and self.columns.operation is None:
            raise ValueError("[operations] names what is in a column of operations: name that as columns.operation")
        if self.columns.are_places and self.header_row is not None:
            raise ValueError("header_row is there, and columns are places, as in a file without a header")
        if self.mode == "snapshot" and self.columns.operation is not None:
            raise ValueError('columns.operation is there: say mode = "delta"')
        try:
            kinds = self.kinds()
            if self.protected and "phone" in kinds:
                self.protected_values()
        except ConfigError as error:
            raise ValueError(str(error).removeprefix(f"identifiers.{self.source}: ")) from None
        if self.protected and "phone" not in kinds:
            raise ValueError("protected names phone numbers: this is no feed of those")
        return self

    @classmethod
    def read(cls, path: str | Path) -> Feed:
        """A feed from its TOML file.

        Raises:
            ConfigError: No such file, or no feed; tells all that is wrong.
        """
        return cls.from_settings(read_toml(Path(path)))

    @classmethod
    def from_settings(cls, said: TomlFile) -> Feed:
        """A feed from parsed TOML; see `read`."""
        return checked(cls, said)

    def kinds(self) -> dict[str, Kind]:
        """The kinds that the feed may hold, with its options.

        Raises:
            ConfigError: An unknown kind, or an option that its kind does not have.
        """
        said = {name: getattr(self, name) for name in ("region", "many", "repair", "vanity", "chain")}
        options = {name: value for name, value in said.items() if value}
        if self.kind is not None:
            return {self.kind: kind_from_options(self.source, {"kind": self.kind} | options)}
        return {
            name: kind_from_options(
                self.source, {"kind": name, **{each: options[each] for each in options_of(name) if each in options}}
            )
            for name in KINDS
        }

    def protected_values(self) -> Sequence[str]:
        """The numbers that must never be listed, canonical.

        Raises:
            ConfigError: One of them can't be read.
        """
        cells = pl.DataFrame({"cell": list(self.protected)}, schema={"cell": pl.String})
        read = cells.select("cell", self.kinds()["phone"].listed(pl.col("cell")).alias("read")).unnest("read")
        unread = read.with_row_index(offset=1).filter(pl.col("value").is_null())["index"].to_list()
        if unread:
            raise ConfigError(f"protected: no phone number, prefix or range at place {unread[0]}")
        values: Sequence[str] = read["value"].to_list()
        return values

    def is_token(self, kind: str) -> bool:
        """Whether the store holds the numbers of a kind as tokens; cards unless the feed says otherwise."""
        return (self.store_as or ("token" if kind == "card" else "plain")) == "token"

    def reading(self) -> Reading:
        """How a file of the feed is to be read."""
        return Reading(
            encoding=self.encoding,
            delimiter=self.delimiter,
            sheet=self.sheet,
            header_row=self.header_row,
            saying=_SAYING,
            header=not self.columns.are_places,
            comment=self.comment,
            held=Held(self.bounds, _PLACE),
        )

    def today(self) -> date:
        """The day it is now where the feed comes from.

        Raises:
            ConfigError: The feed names no time zone, and this machine's is none.
        """
        return datetime.now(UTC).astimezone(self.zone().info).date()

    def doubts_of_today(self) -> Iterator[str]:
        """Why the day may be another one where the feed comes from, in a sentence."""
        if not (zone := self.zone()).is_named:
            yield f"the data is taken to be of today in {zone.told}: name the feed's timezone"

    def zone(self) -> Zone:
        """The time zone of where the feed comes from: this machine's, unless the feed names one.

        Raises:
            ConfigError: As for `today`.
        """
        return Zone.named(self.timezone) if self.timezone else local_zone()


@dataclasses.dataclass(frozen=True)
class FeedRows:
    """What a feed file holds.

    Attributes:
        rows: `ROW`: the usable rows; card numbers stand there in full.
        rejects: line (UInt32), reason (String), shape (String) of the rows that can't be used.
        strangers: Kind → lines of rows that hold another kind's numbers; they are among the rejects.
        source: The feed's source.
        file: The file that was read.
        missing: Optional columns that the feed names and the file lacks.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
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

    def forget_file(self) -> FeedRows:
        """The same without the file's content, which large files need not keep in memory."""
        file = dataclasses.replace(self.file, frame=self.file.frame.clear(), lines=self.file.lines.clear())
        return dataclasses.replace(self, file=file)

    @property
    def listings(self) -> pl.DataFrame:
        """The rows as listings: columns of `schema.LISTING`."""
        listings = self.rows.with_columns(source=pl.lit(self.source))
        return listings.select(name for name in schema.LISTING if name in listings.columns and name != "match")


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
    reading, columns = feed.reading(), feed.columns.named().values()
    with explaining(path, reading):
        file = read_source(path, reading, layout=feed.layout, columns=columns)
        return _read(file, feed, str(path), lacking=lacking)


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
    if feed.is_token("card"):
        read = read.with_columns(problem=pl.coalesce("problem", pl.when(_shows_a_card()).then(pl.lit(_SHOWS_A_CARD))))
    bad = read.filter(pl.col("problem").is_not_null())
    unread = pl.coalesce("bad_day", to_text(pl.col("cell")))
    refused = bad.select("line", pl.col("problem").alias("reason"), shape(unread).alias("shape"))
    strangers = {
        name: bad.filter(pl.col("stranger") == name)["line"].to_list() for name in bad["stranger"].unique().drop_nulls()
    }
    return FeedRows(
        rows=(read.filter(pl.col("problem").is_null()) if len(bad) else read).select(list(ROW)),
        rejects=pl.concat([refused, file.ragged]).sort("line", maintain_order=True),
        strangers=strangers,
        source=feed.source,
        file=file,
        missing=missing,
    )


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
    frame = in_zone(file.frame, (there[name] for name in _DAYS if name in there), zone)
    types = frame.schema
    days = {
        name: read_days(pl.col(there[name]), types[there[name]], feed.date_format) if name in there else _NO_DAY
        for name in _DAYS
    }
    written = frame.lazy().with_columns(**{f"\0{name}": day for name, day in days.items()})
    bad_days = {
        name: is_no_day(pl.col(there[name]), types[there[name]], pl.col(f"\0{name}")) for name in _DAYS if name in there
    }
    no_text, operation = pl.lit(None, dtype=pl.String), there.get("operation")
    return (
        written.select(
            pl.lit(file.lines).alias("line"),
            pl.col(there["value"]).alias("cell"),
            _words(there.get("kind"), feed.kind).replace(feed.kinds_named).alias("kind"),
            _words(there.get("reason"), feed.reason).alias("reason"),
            _words(there.get("reference"), None).alias("reference"),
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


def _last_day(feed: Feed) -> pl.Expr:
    """The last day; where a number's rows are merged, what each of them says counts, and not only the earliest."""
    said, first = pl.col("\0expires_on"), pl.col("\0listed_on")
    if feed.repeats == "refuse" or feed.expires_after_days is None:
        return said
    return said.fill_null(first.dt.offset_by(f"{feed.expires_after_days}d"))


def _words(column: str | None, default: str | None) -> pl.Expr:
    """Text without blanks around it; the default where nothing is left."""
    if column is None:
        return pl.lit(default, dtype=pl.String)
    said = pl.col(column).cast(pl.String).str.strip_chars().replace("", None)
    return said if default is None else said.fill_null(default)


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
        return _of_kind(written, kinds[feed.kind], kinds)
    known = pl.col("kind").is_in(list(kinds)).fill_null(value=False)
    parts = [_of_kind(written.filter(pl.col("kind") == name), kind, kinds) for name, kind in kinds.items()]
    unknown = written.filter(~known).with_columns(
        problem=pl.lit(f"kind is none of {', '.join([*kinds, *feed.kinds_named])}"),
        match=pl.lit(None, dtype=schema.MATCHES),
        value=pl.lit(None, dtype=pl.String),
        stranger=pl.lit(None, dtype=pl.String),
    )
    read = [part.select(unknown.columns).with_columns(to_text(pl.col("cell"))) for part in (*parts, unknown)]
    return pl.concat(read).sort("line")


def _shows_a_card() -> pl.Expr:
    """Whether what is listed, and can't be a token, shows nearly all digits of card numbers."""
    is_card = pl.col("kind") == "card"
    first, last = ends_of(pl.when(is_card & pl.col("match").cast(pl.String).is_in(["prefix", "range"])).then("value"))
    size = last.cast(pl.UInt64, strict=False) - first.cast(pl.UInt64, strict=False)
    narrow: pl.Expr = (size < _NARROW) & (first.str.len_bytes() > _DIGITS_SHOWN)
    hidden = pl.when(is_card & (pl.col("match") == "truncated")).then(pl.col("value").str.count_matches(r"[*]"))
    return narrow | (hidden.is_between(1, 2))


_SHOWS_A_CARD = (
    'the store would show a card number: list it in full, for a token, or say store_as = "plain" in the feed'
)
_DIGITS_SHOWN = 12  # PCI DSS 4.0.1, 3.5.1: the first eight and any other four, at most
_NARROW = 1_000  # numbers


def _of_kind(written: pl.DataFrame, kind: Kind, kinds: dict[str, Kind]) -> pl.DataFrame:
    """The rows of one kind, read."""
    parts = kind.split(pl.col("cell"))
    if parts is not None:
        written = written.with_columns(cell=parts).explode("cell", empty_as_null=False)
    # Only what is new comes from the engine, which would put the other columns together anew.
    listed = written.lazy().select(kind.listed(pl.col("cell")).alias("read")).unnest("read").collect()
    read = written.hstack(listed).with_columns(stranger=pl.lit(None, dtype=pl.String))
    doubtful = (pl.col("match") == "exact") & kind.is_doubtful(pl.col("value"))
    doubt = read.select((pl.col("value").is_null() | doubtful).arg_true()).to_series()
    if len(doubt):
        others = kinds_to_ask(kind, kinds)
        said = read[doubt].lazy().select(*_doubted(others)).collect()
        read = read.with_columns(read[name].scatter(doubt, said[name]) for name in said.columns)
    named = pl.format("a {} number in a feed of {} numbers", "stranger", pl.lit(kind.name))
    spoilt = to_text(pl.col("cell")).str.contains(QUANTITY).fill_null(value=False)
    unread = pl.col("value").is_null()
    reasons = _REASONS.get(kind.name, {}).items()
    return read.with_columns(
        pl.coalesce(
            "problem",
            pl.when(pl.col("stranger").is_not_null()).then(named),
            pl.when(unread & spoilt).then(pl.lit("a quantity that a spreadsheet has made of a number")),
            *(pl.when(unread & to_text(pl.col("cell")).str.contains(text)).then(pl.lit(why)) for text, why in reasons),
            pl.when(unread).then(pl.lit(_NO_NUMBER[kind.name])),
            pl.when(_tells_card(read)).then(pl.lit("the reference or reason holds a card number")),
            pl.when(doubtful).then(pl.lit("more digits than such a number has")),
        ).alias("problem"),
        pl.col("match").cast(schema.MATCHES),
    )


_TOLD = ("reference", "reason")


def _tells_card(read: pl.DataFrame) -> pl.Series:
    """Which rows have free text, shown in hits as it is, with a card number: the row's own, or perhaps another."""
    told = np.zeros(len(read), dtype=bool)
    own = read.select(pl.when((pl.col("kind") == "card") & (pl.col("match") == "exact")).then("value")).to_series()
    for name in _TOLD:
        rows = rows_with_digits(read[name])
        if len(rows):
            texts = taken(read[name], rows)
            told[rows] |= tell_own(texts, taken(own, rows)) | Found.of(texts).doubtful
    return pl.Series(told, dtype=pl.Boolean)


_REASONS = {"phone": phone_forms.REASONS, "card": pan_forms.REASONS}
_NO_NUMBER = {"phone": "no phone number", "card": "no card number", "wallet": "no wallet address"}


def _doubted(others: dict[str, Kind]) -> Iterator[pl.Expr]:
    """`match`, `value` and `stranger` of cells that their kind could not read, or hardly: tokens, others' numbers."""
    cell = to_text(pl.col("cell"))
    is_token = cell.str.contains(TOKEN).fill_null(value=False)
    yield pl.when(is_token).then(pl.lit("token")).otherwise("match").alias("match")
    yield pl.when(is_token).then(cell).otherwise("value").alias("value")
    claims = (pl.when(other.claims(pl.col("cell"))).then(pl.lit(name)) for name, other in others.items())
    yield pl.coalesce(*claims).alias("stranger")


def kinds_to_ask(kind: Kind, kinds: dict[str, Kind]) -> dict[str, Kind]:
    """The other kinds whose numbers may have got into a feed of one kind."""
    others = {name: made() for name, made in KINDS.items()} | kinds
    return {name: other for name, other in others.items() if name != kind.name}
