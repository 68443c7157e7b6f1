"""Blocklists: the listings that accounts are screened against.

A listing says that a source holds a number, a range of numbers or a truncated number to be a risk
(or, on an allow list, not to be one) from one day to another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards.in_text import Found, rows_with_digits, tell_own
from cardscreen.foundation.errors import BlocklistError, ConfigError, first_line, near
from cardscreen.foundation.lookup.digits import taken
from cardscreen.kinds.kind import KINDS, secret_kinds
from cardscreen.kinds.tokens import read_token
from cardscreen.lists.keyed import Compiled, compile_listings
from cardscreen.lists.terms import Origin
from cardscreen.tables.dates import is_dateable, to_date
from cardscreen.tables.libraries import ENGINE_ERRORS
from cardscreen.tables.opening import collected, local_files, open_table, require_columns, schema_of, whole_number
from cardscreen.tables.paths import files_of, is_delta, steady

_DEFAULTS: dict[str, Any] = {"list": "block", "source": "unnamed", "reason": "listed", "severity": 50}
_IDENTITY = ["source", "kind", "value", "list", "reference"]
_DAYS = ["listed_on", "expires_on", "ended_on"]
_FRESHNESS = ("warn_after_days", "error_after_days", "warn_unchanged_days")
_NO_REJECTS = pl.DataFrame(schema={"place": pl.String, "problem": pl.String})
#: What hits hold of a listing as it is written.
_SHOWN = ["source", "reason", "reference", "listing_id"]
_SHOWN_ROWS = 5  # rows that an error names before it only counts
#: Says why a row can't be read; null while it can.
_PROBLEM = "problem"


class Blocklist:
    """Listings of one or many sources, read and checked, ready for screening.

    Attributes:
        lazy: `schema.LISTING`, perhaps still in files.
        rejects: Rows that could not be read, when asked for: place, problem (String).
        origins: What a store knows of each source: its terms, and how fresh its data is.
        version: The store's version; None for plain files and frames.
    """

    def __init__(
        self,
        listings: pl.DataFrame | pl.LazyFrame,
        rejects: pl.DataFrame | None = None,
        origins: Mapping[str, Origin] | None = None,
        version: int | None = None,
        compiled: Callable[[], Compiled] | None = None,
    ) -> None:
        """Use `from_frame`, `read`, or a store's `blocklist`."""
        self._compiled = compiled or (lambda: Compiled(compile_listings(self.lazy)))
        self.lazy = listings.lazy()
        self.rejects = _NO_REJECTS if rejects is None else rejects
        self.origins = dict(origins or {})
        self.version = version

    @property
    def compiled(self) -> pl.DataFrame:
        """`keyed.compiled_schema`: what all accounts are looked up in."""
        return self._keys.rows

    @property
    def compiled_sha256(self) -> str | None:
        """The digest of the file in the cache that has it; None: it was made from the listings, and is in no file."""
        return self._keys.sha256

    @cached_property
    def _keys(self) -> Compiled:
        try:
            return self._compiled()
        except ENGINE_ERRORS as error:
            raise BlocklistError(f"the listings can't be read: {first_line(error)}") from None

    @cached_property
    def listings(self) -> pl.DataFrame:
        """All listings in memory: `schema.LISTING`. Card numbers stand there in full: handle it as a secret."""
        return collected(self.lazy, "the listings", BlocklistError)

    def __repr__(self) -> str:
        """Counts only: listings hold card numbers."""
        counts = collected(self.lazy.group_by("kind").len().sort("kind"), "the listings", BlocklistError)
        return f"Blocklist({', '.join(f'{kind}: {rows}' for kind, rows in counts.rows())})"

    def __add__(self, other: Blocklist) -> Blocklist:
        """The listings of both, in memory; what both list alike is one listing, as within one of them.

        Raises:
            ConfigError: Both know a source from a store, and not with the same terms and days.
        """
        if not isinstance(other, Blocklist):
            return NotImplemented
        for name in sorted(self.origins.keys() & other.origins):
            if self.origins[name] != other.origins[name]:
                raise ConfigError(
                    f"both blocklists have the source {name!r}, each with terms and days of its own: rename one"
                )
        taken = self.listings["listing_id"].implode()
        same = pl.struct(_IDENTITY).is_in(self.listings.select(pl.struct(_IDENTITY)).to_series().implode())
        named = pl.when(pl.col("listing_id").is_in(taken) & ~same).then(pl.col("listing_id") + "+")
        others = other.listings.with_columns(named.otherwise("listing_id").alias("listing_id"))
        both = pl.concat([self.listings, others]).with_row_index("row").with_columns(name=pl.lit(""))
        version = self.version if other.version is None else other.version if self.version is None else None
        return Blocklist(
            _merged(both), pl.concat([self.rejects, other.rejects]), {**self.origins, **other.origins}, version
        )

    def __len__(self) -> int:
        """How many listings there are."""
        return int(collected(self.lazy.select(pl.len()), "the listings", BlocklistError).item())

    @classmethod
    def from_frame(cls, frame: Any, *, bad_rows: Literal["raise", "reject"] = "raise") -> Blocklist:
        """Listings from any frame.

        Args:
            frame: Columns of `schema.LISTING`; only `kind` and `value` are required. Dates may be
                ISO text. Defaults: match told from the value, list `block`, source `unnamed`, reason
                `listed`, severity 50. Rows with one (source, kind, value, list, reference) are
                merged: earliest `listed_on`, latest `expires_on` (null wins), highest severity.
            bad_rows: `raise`, or `reject`: keep the rest and count them in `rejects`.

        Raises:
            BlocklistError: A row's value, date, severity or kind can't be read; names the rows,
                counted from 0.
            MissingColumn: `kind` or `value` is not there.

        Example:
            >>> Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
            Blocklist(phone: 1)
        """
        return cls._from_tables({"the listings": open_table(frame)}, bad_rows)

    @classmethod
    def read(cls, *paths: str | os.PathLike[str], bad_rows: Literal["raise", "reject"] = "raise") -> Blocklist:
        """Listings from Parquet files with the columns of `from_frame`; files may lack optional ones.

        Args:
            paths: Paths, globs or URLs, one after another; a Delta table's folder.
            bad_rows: As for `from_frame`.

        Raises:
            InputError: A file is missing or can't be read.
            BlocklistError: As for `from_frame`; names file and row.
        """
        if not paths:
            raise ConfigError("no lists are given: name at least one path")
        for path in paths:
            if not isinstance(path, (str, os.PathLike)):
                raise ConfigError(
                    f"a {type(path).__name__} is no path: give paths one after another, and frames to from_frame"
                )
        names = [os.fspath(path) for path in paths]
        files = [file for name in names for file in ([name] if is_delta(name) else files_of(name))]
        with steady(lambda: local_files(names)):
            return cls._from_tables({file: open_table(file) for file in files}, bad_rows)

    @classmethod
    def _from_tables(cls, tables: dict[str, pl.LazyFrame], bad_rows: str) -> Blocklist:
        frames = [_with_all_columns(table, where, several=len(tables) > 1) for where, table in tables.items()]
        read = _read_values(_check_fields(pl.concat(frames, how="vertical_relaxed").with_row_index("row")))
        bad = read.filter(pl.col(_PROBLEM).is_not_null()).select("place", _PROBLEM)
        if len(bad) and bad_rows == "raise":
            raise BlocklistError(_complaint(bad))
        return cls(_merged(read.filter(pl.col(_PROBLEM).is_null())), bad)

    def described(self, as_of: date) -> dict[str, Any] | None:
        """The store's version, and how fresh each source is on a day; None for plain files and frames."""
        if self.version is None and not self.origins:
            return None
        live = self._sources(as_of) if any(each.freshness(as_of) != "fresh" for each in self.origins.values()) else None
        sources = {
            name: {
                "confirmed_on": origin.confirmed_on.isoformat(),
                "changed_on": origin.changed_on.isoformat(),
                "imported_at": origin.imported_at.isoformat(timespec="seconds"),
                "age_days": origin.age(as_of),
                "state": origin.freshness(as_of, idle=live is not None and name not in live),
                **{limit: getattr(origin.terms, limit) for limit in _FRESHNESS},
            }
            for name, origin in sorted(self.origins.items())
        }
        return {"version": self.version, "sources": sources}

    def _sources(self, as_of: date) -> set[str]:
        """The sources that have a listing in force."""
        live = self.lazy.filter(holds(as_of)).select(pl.col("source").unique())
        return set(collected(live, "the listings", BlocklistError).to_series())


def holds(day: date) -> pl.Expr:
    """Whether a listing holds on a day: from `listed_on` to `expires_on`, both included, and before `ended_on`."""
    begun = pl.col("listed_on").is_null() | (pl.col("listed_on") <= day)
    lasting = pl.col("expires_on").is_null() | (pl.col("expires_on") >= day)
    kept = pl.col("ended_on").is_null() | (pl.col("ended_on") > day)
    return begun & lasting & kept


def stands(first: date, last: date) -> pl.Expr:
    """Whether a listing holds, or will, while it is some day from `first` to `last`, since zones have several.

    It has run out when it has on all of them, and has ended when it has on one.
    """
    lasting = pl.col("expires_on").is_null() | (pl.col("expires_on") >= first)
    return lasting & (pl.col("ended_on").is_null() | (pl.col("ended_on") > last))


def _with_all_columns(table: pl.LazyFrame, where: str, *, several: bool) -> pl.DataFrame:
    """All columns of a listing, of any dtype, defaults filled in; refuses a name that is nearly one."""
    there = schema_of(table, where).names()
    require_columns(there, ["kind", "value"], where)
    for column in there:
        if column not in schema.LISTING and (hint := near(column, schema.LISTING)):
            raise BlocklistError(
                f"{where}: unknown column {column!r}{hint}: rename it, or drop it if it is another thing"
            )
    missing = [name for name in schema.LISTING if name not in there]
    frame = collected(table.select(name for name in there if name in schema.LISTING), where, BlocklistError)
    frame = frame.with_columns(pl.lit(None, dtype=schema.LISTING[name]).alias(name) for name in missing)
    if frame.schema["severity"].is_float():
        frame = frame.with_columns(pl.col("severity").fill_nan(None))
    for column in frame.columns:
        if column in schema.LISTING and (frame.schema[column].is_nested() or frame.schema[column] == pl.Binary):
            raise BlocklistError(f"{where}: column {column!r} has type {frame.schema[column]}: give text")
    for column in _DAYS:
        if not is_dateable(frame.schema[column]):
            raise BlocklistError(f"{where}: column {column!r} has type {frame.schema[column]}: give dates")
    # Text first: whatever types the files have, one file's column must fit the other's.
    text = pl.all().cast(pl.String).name.keep()
    days = [
        to_date(pl.col(name), frame.schema[name]).cast(pl.String) for name in _DAYS if frame.schema[name] != pl.String
    ]
    return (
        frame.select(list(schema.LISTING))
        .with_row_index("row")
        .with_columns(
            pl.format("{} row {}", pl.lit(where), "row").alias("place"),
            # Among several files the file's own name stands before its rows, so that none shifts another's.
            pl.format("{}{}", pl.lit(f"{Path(where).stem}:" if several else ""), "row").alias("name"),
            *days,
        )
        .select("place", "name", *schema.LISTING)
        .with_columns(text)
        .with_columns(pl.exclude("place", "name").str.strip_chars().replace("", None))
        .with_columns(pl.col(name).fill_null(str(value)) for name, value in _DEFAULTS.items())
    )


def _check_fields(frame: pl.DataFrame) -> pl.DataFrame:
    """Columns in their dtypes, and what is wrong with a row's own fields in `problem`."""
    closed = {"list": schema.LISTS, "match": schema.MATCHES}
    checked = frame.with_columns(
        *(to_date(pl.col(name), pl.String()).alias(name) for name in _DAYS),
        *(pl.col(name).cast(dtype, strict=False).alias(name) for name, dtype in closed.items()),
        whole_number("severity"),
        _kept=pl.struct(*_DAYS, *closed, "severity"),
    )
    was = pl.col("_kept").struct
    unread = [
        pl.when(was.field(name).is_not_null() & pl.col(name).is_null()).then(pl.lit(f"{name} can't be read"))
        for name in [*_DAYS, *closed, "severity"]
    ]
    kinds = ", ".join(KINDS)
    return checked.with_columns(
        pl.coalesce(
            pl.when(~pl.col("kind").is_in(list(KINDS)).fill_null(False)).then(
                pl.lit(f"unknown kind (there are {kinds})")
            ),
            *unread,
            pl.when(~pl.col("severity").is_between(1, 100)).then(pl.lit("severity is not 1 to 100")),
            pl.when(pl.col("expires_on") < pl.col("listed_on")).then(pl.lit("expires before it is listed")),
            pl.when(pl.col("value").is_null()).then(pl.lit("no value")),
        ).alias(_PROBLEM)
    ).drop("_kept")


def _read_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Values through their kinds: canonical value and match."""
    parts = []
    for name, kind in KINDS.items():
        of_kind = frame.filter(pl.col("kind") == name)
        if of_kind.is_empty():
            continue
        listed = of_kind.lazy().select(read=kind.listing(pl.col("value"))).collect()["read"].struct.unnest()
        parts.append(pl.concat([of_kind.rename({"match": "told", "value": "raw"}), listed], how="horizontal"))
    parts.append(
        frame.filter(~pl.col("kind").is_in(list(KINDS)).fill_null(False))
        .rename({"match": "told", "value": "raw"})
        .with_columns(pl.lit(None, dtype=pl.String).alias(field) for field in ("match", "value"))
    )
    raw = pl.col("raw")
    read_as_token = read_token(raw)
    token = read_as_token.is_not_null()
    match = pl.when(token).then(pl.lit("token")).otherwise(pl.col("match"))
    value = pl.coalesce(read_as_token, "value")
    read = pl.concat(parts).sort("row").with_columns(match.cast(schema.MATCHES).alias("match"), value.alias("value"))
    return read.with_columns(
        pl.coalesce(
            pl.col(_PROBLEM),
            pl.when(pl.col("value").is_null() & _is_national()).then(pl.lit(_NATIONAL)),
            *(
                pl.when(pl.col("value").is_null() & (pl.col("kind") == name) & raw.str.contains(text)).then(
                    pl.lit(f"the value: {why}")
                )
                for name in secret_kinds()
                for text, why in KINDS[name].reasons.items()
            ),
            pl.when(pl.col("value").is_null()).then(
                pl.format(
                    "the value is no {}",
                    pl.col("kind").replace_strict({name: kind.noun[0] for name, kind in KINDS.items()}, default="kind"),
                )
            ),
            pl.when(pl.col("told").is_not_null() & (pl.col("told") != pl.col("match"))).then(
                pl.lit("match is not the one that the value has")
            ),
            _told_beside(read),
        ).alias(_PROBLEM)
    ).drop("told", "raw")


def _is_national() -> pl.Expr:
    """Whether what is listed may be a phone number without its country code."""
    return (pl.col("kind") == "phone") & pl.col("raw").str.contains(r"^[0-9(][0-9 ().*-]*$").fill_null(False)


_NATIONAL = (
    "the value is no phone: write it with + and its country code, or import it with a feed that names its region"
)


def _told_beside(read: pl.DataFrame) -> pl.Series:
    """Why rows are refused of which a column that hits show as it is holds a card number, or the token of the row's."""
    own, others = np.zeros(len(read), dtype=bool), np.zeros(len(read), dtype=bool)
    is_secret = pl.col("kind").is_in(secret_kinds()) & (pl.col("match") == "exact")
    values = read.select(pl.when(is_secret).then("value")).to_series()
    is_token = pl.col("match") == "token"
    for name in _SHOWN:
        rows = rows_with_digits(read[name])
        own |= tell_own(read[name], values, rows)
        others[rows] |= Found.of(taken(read[name], rows)).doubtful
        token = is_token & pl.col(name).str.contains(pl.col("value"), literal=True)
        own |= read.select(token.fill_null(value=False)).to_series().to_numpy()
    number, another = (f"another column holds {what}, which hits would show" for what in _NUMBERS)
    reason = pl.when(pl.Series(own)).then(pl.lit(number)).when(pl.Series(others)).then(pl.lit(another))
    return pl.select(reason.alias("told")).to_series() if len(read) else pl.Series("told", [], pl.String)


_NUMBERS = ("the number", "what may be a card number")


def _complaint(bad: pl.DataFrame) -> str:
    shown = "; ".join(
        f"{place}: {problem}" for place, problem in bad.select("place", _PROBLEM).head(_SHOWN_ROWS).rows()
    )
    more = f"; and {len(bad) - _SHOWN_ROWS} more" if len(bad) > _SHOWN_ROWS else ""
    return f"{len(bad)} listings can't be read (rows are counted from 0): {shown}{more}"


def _merged(read: pl.DataFrame) -> pl.DataFrame:
    """One row for each (source, kind, value, list, reference), with a name for each."""
    listing_id = pl.coalesce("listing_id", pl.format("{}:{}", "source", "name"))
    merged = (
        read.sort("row")
        .group_by(_IDENTITY, maintain_order=True)
        .agg(
            pl.col("match").first(),
            pl.col("reason").sort_by(pl.col("severity"), pl.col("reason"), descending=[True, False]).first(),
            pl.col("severity").max().cast(pl.UInt8),
            _unless_null("listed_on", pl.col("listed_on").min()),
            _unless_null("expires_on", pl.col("expires_on").max()),
            _unless_null("ended_on", pl.col("ended_on").max()),
            listing_id.first().alias("listing_id"),
        )
    )
    return merged.select(list(schema.LISTING))


def _unless_null(column: str, value: pl.Expr) -> pl.Expr:
    return pl.when(~pl.col(column).is_null().any()).then(value).alias(column)
