"""How a source's file is to be read: a feed, as its TOML file says it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import Field, ValidationError, field_validator, model_validator

from cardscreen.foundation.bounds import Bounds, Held
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.settings.errors import Fault, complaint, wrong
from cardscreen.foundation.settings.toml import Day, Section, TomlFile, checked, known_format, known_zone, read_toml
from cardscreen.foundation.zones import Zone, local_zone
from cardscreen.kinds.kind import KINDS, Kind, kind_from_options, options_of
from cardscreen.lists.terms import Terms, require_filled_in
from cardscreen.tables.reading import Reading, known_rows

_SAYING = "say {option} = {value} at the top of the feed, above its first table"

_PLACE = "under [bounds] of the feed"

_Place = Annotated[int, Field(ge=1)]

_Column = str | _Place


class Columns(Section):
    """The file's own names of the columns that a feed reads; or of a file without a header their places, from 1.

    Attributes:
        value: The number.
        kind: Of which kind it is, where the feed does not say it for all.
        operation: Of a delta: whether the row adds or removes.
        list: `block` or `allow`, where rows differ.
        reason: Why it is listed.
        reference: The source's own name of the case.
        severity: How grave it is, 1 to 100.
        listed_on: The first day.
        expires_on: The last day.
    """

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


#: Of all kinds, the options that say how a list writes them.
_OPTIONS = ("region", "many", "repair", "vanity", "chain", "platform", "name", "fold")


def check_pattern(pattern: str, name: str) -> int:
    """How many groups a pattern has.

    Raises:
        ValueError: It is none.
    """
    try:
        pl.Series([""]).str.contains(pattern)
        return re.compile(pattern).groups
    except (pl.exceptions.ComputeError, re.error):
        raise ValueError(f"{name} is no regular expression: {pattern!r}") from None


class FeedLimits(Section):
    """What a file may be before it is refused; shares of its rows, or of the source's listings in force.

    Attributes:
        unusable_share: Rows that can't be used.
        invalid_share: Of a kind's single numbers, those that no numbering plan has, or whose check digit is wrong; two
            are never too many.
        shrink_share: How much smaller a snapshot may be; and how much of it may be replaced.
        grow_share: How much larger it may be.
        delta_times: How many times what the largest of its last twenty has added a delta may add.
        future_days: How far ahead of the day of the data a listing may begin.
        range_size: Numbers that a range may cover; card ranges never reach beyond six digits.
        allow_range_size: The same of allow listings.
    """

    unusable_share: float = Field(0.01, ge=0, le=1)
    invalid_share: float = Field(0.30, ge=0, le=1)
    shrink_share: float = Field(0.20, ge=0, le=1)
    grow_share: float = Field(0.50, ge=0)
    delta_times: float = Field(5, ge=1)
    future_days: int = Field(0, ge=0, le=3650)
    range_size: int = Field(100_000_000, ge=1)
    allow_range_size: int = Field(10_000, ge=1)


class Feed(Section):
    """How a source's file is to be read, and what is to be expected of it.

    Attributes:
        source: Who lists.
        kind: The kind of the numbers; or else a column says it, `columns.kind`.
        kinds: What a column of kinds calls them → the kind's name here.
        operations: What a column of operations says → `add` or `remove`.
        columns: The file's own names of its columns; or, of a file without a header, their places from 1.
        region: Of national phone numbers, such as `CN`; without it only those with + are read.
        many: A cell may hold several numbers.
        repair: Mend what spreadsheets and floats did to a cell, where nothing is lost.
        vanity: Of phone numbers: letters are digits of a keypad (`1-800-FLOWERS`).
        chain: Of wallets: the ledger of addresses without their prefix.
        platform: Of handles: whose names they are.
        name: Of opaque identifiers: what they identify, as the job calls it, too.
        fold: Of e-mail addresses: with `provider`, each is listed as it is written and as its provider reads it.
        mode: `snapshot`: each file is the whole list; `delta`: it adds and removes.
        repeats: `refuse` a file that tells one number in two ways, or `merge` them.
        list: `block`; or `allow`: its listings exempt, and hide nothing.
        reason: Of rows that say none.
        severity: Of rows that say none.
        listed_on: Of rows without a day: the day of the first file that has them, or a date.
        expires_after_days: Of rows that name no end; when left out, they have none.
        open_ended: Allow listings may have no end.
        store_as: What the store holds: `token` or `plain`; tokens of secret kinds, when left out.
        protected: Phone numbers that must never be listed.
        service_numbers: `refuse` a list of emergency and service numbers, or `reject` these rows.
        encoding: Of text, where it is not as usual: UTF-8, UTF-16 and GB18030 are told by the file.
        delimiter: Between the fields of text, where the file does not tell it.
        sheet: Of a spreadsheet; the first, when left out.
        header_row: The line that names the columns, from 1; or several lines, whose names are joined by a blank.
        comment: The sign with which lines of comments begin.
        layout: `lines`: each line is a value, and there is no header.
        records: Of a JSON or XML document: the path to its records, such as `["Event.Attribute"]`.
        only: Column → regular expression of the whole cells of the rows that are meant; other rows are counted, and are
            no rejects.
        pattern: A regular expression with one group: each match in a cell is a value; cells without are counted.
        date_format: How days are written, such as `%d/%m/%Y`; as YYYY-MM-DD, when left out.
        timezone: Of where the list comes from: it decides of which day the data is; the machine's, when left out.
        terms: What the source allows, and when its data is too old.
        limits: What a file may be before it is refused.
        bounds: How much a file may hold before it is refused unread.

    Raises:
        ConfigError: A key or value that makes no sense; tells all of them.

    Example:
        >>> Feed(source="police", kind="phone", region="CN", columns={"value": "号码"}).severity
        50
    """

    source: str = Field(min_length=1)
    kind: str | None = None
    kinds_named: dict[str, str] = Field({}, alias="kinds")
    operations_named: dict[str, Literal["add", "remove"]] = Field({}, alias="operations")
    columns: Columns
    region: str | None = None
    many: bool = False
    repair: bool = False
    vanity: bool = False
    chain: str | None = None
    platform: str | None = None
    name: str | None = None
    fold: Literal["none", "provider"] | None = None
    mode: Literal["snapshot", "delta"] = "snapshot"
    repeats: Literal["refuse", "merge"] = "refuse"
    list: Literal["block", "allow"] = "block"
    reason: str = "listed"
    severity: int = Field(50, ge=1, le=100)
    listed_on: Literal["first-seen"] | Day = "first-seen"
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
    records: Sequence[str] = ()
    only: dict[str, str] = {}
    pattern: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    terms: Terms = Terms()
    limits: FeedLimits = FeedLimits()
    bounds: Bounds = Bounds()

    _offers: ClassVar[tuple[str, ...]] = ("read",)

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

    @field_validator("only")
    @classmethod
    def _patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        for column, pattern in patterns.items():
            check_pattern(pattern, f"only.{column}")
        return patterns

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None and check_pattern(pattern, "pattern") != 1:
            raise ValueError("a pattern has one group in round brackets: what of each match is a value")
        return pattern

    @field_validator("kinds_named")
    @classmethod
    def _known_kinds(cls, names: dict[str, str]) -> dict[str, str]:
        for name, kind in names.items():
            if kind not in KINDS:
                problem = f"{name!r} is said to be of the kind {kind!r}{near(kind, KINDS)}"
                raise wrong([Fault((name,), f"{problem}: the kinds are {', '.join(KINDS)}")])
        return names

    @field_validator("terms")
    @classmethod
    def _filled_in(cls, terms: Terms) -> Terms:
        require_filled_in(terms)
        return terms

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
    def from_settings(cls, settings: TomlFile) -> Feed:
        """A feed from parsed TOML; see `read`."""
        return checked(cls, settings)

    def kinds(self) -> dict[str, Kind]:
        """The kinds that the feed may hold, with its options.

        Raises:
            ConfigError: An unknown kind, or an option that its kind does not have.
        """
        options_given = {name: getattr(self, name) for name in _OPTIONS}
        options = {name: value for name, value in options_given.items() if value}
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
        read = cells.select("cell", self.kinds()["phone"].written(pl.col("cell")).alias("read")).unnest("read")
        unread = read.with_row_index(offset=1).filter(pl.col("value").is_null())["index"].to_list()
        if unread:
            raise ConfigError(f"protected: no phone number, prefix or range at place {unread[0]}")
        values: Sequence[str] = read["value"].to_list()
        return values

    def is_token(self, kind: str) -> bool:
        """Whether the store holds the values of a kind as tokens."""
        return (self.store_as or KINDS[kind].store_as) == "token"

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
            yield f"the data is taken to be of today in {zone.words}: name the feed's timezone"

    def zone(self) -> Zone:
        """The time zone of where the feed comes from: this machine's, unless the feed names one.

        Raises:
            ConfigError: As for `today`.
        """
        return Zone.named(self.timezone) if self.timezone else local_zone()
