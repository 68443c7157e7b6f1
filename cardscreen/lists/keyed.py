"""Listings as keys: what the pass over all accounts looks into, small, and made once for each version of a store.

Texts, evidence and terms stay behind: they are read for the few accounts that may match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

import polars as pl

from cardscreen.foundation import schema
from cardscreen.kinds import keys
from cardscreen.kinds.kind import KINDS
from cardscreen.kinds.listed_forms import ends_of, is_open
from cardscreen.kinds.tokens import token_key

_NO_KEY = pl.lit(None, dtype=pl.UInt64)


def compiled_schema() -> pl.Schema:
    """One row for each exact, truncated or token listing, and one for each interval of keys that a range covers."""
    columns: dict[str, pl.DataType | type[pl.DataType]] = {
        "kind": pl.Enum(list(KINDS)),
        "list": schema.LISTS,
        "match": schema.MATCHES,
        "low": pl.UInt64,  # the key, or a range's first; null where only some digits are known
        "high": pl.UInt64,  # a range's last key
        "stub": pl.UInt64,  # the visible digits of numbers that may occur truncated
        "first": pl.Date,  # days on which it holds, both included; null: always, never
        "last": pl.Date,
    }
    return pl.Schema(columns)


class Compiled(NamedTuple):
    """Rows of `compiled_schema`, and the SHA-256 of the file in the cache that has them.

    None: they were made from the listings alone.
    """

    rows: pl.DataFrame
    sha256: str | None = None


def compile_listings(listings: pl.LazyFrame) -> pl.DataFrame:
    """Rows of `compiled_schema` of listings (`schema.LISTING`)."""
    columns = compiled_schema()
    there = listings.select(pl.col("kind"), pl.col("match").cast(pl.String)).unique().collect().sort("kind", "match")
    parts = [pl.DataFrame(schema=columns)]
    for kind, match in there.rows():
        of_sort = listings.filter((pl.col("kind") == kind) & (pl.col("match").cast(pl.String) == match))
        compiled = _SORTS[match](of_sort, kind)
        parts.append(compiled.select(pl.col(name).cast(dtype) for name, dtype in columns.items()).collect())
    return pl.concat(parts)


def of_day(compiled: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows that hold on a day."""
    begun, lasting = pl.col("first") <= day, pl.col("last") >= day
    return compiled.filter(begun.fill_null(value=True) & lasting.fill_null(value=True))


def _dated(listings: pl.LazyFrame, **columns: pl.Expr) -> pl.LazyFrame:
    last = pl.min_horizontal("expires_on", pl.col("ended_on").dt.offset_by("-1d"))
    missing = {name: _NO_KEY for name in ("low", "high", "stub") if name not in columns}
    return listings.select("kind", "list", "match", first=pl.col("listed_on"), last=last, **missing, **columns)


def _exact(listings: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    value = pl.col("value")
    stub = {"stub": KINDS[kind].stub(value)} if KINDS[kind].truncates else {}
    return _dated(listings, low=KINDS[kind].key(value), **stub)


def _truncated(listings: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    return _dated(listings, stub=KINDS[kind].stub(pl.col("value")))


def _token(listings: pl.LazyFrame, kind: str) -> pl.LazyFrame:  # noqa: ARG001
    return _dated(listings, low=token_key(pl.col("value")))


def _range(listings: pl.LazyFrame, kind: str) -> pl.LazyFrame:  # noqa: ARG001
    return _dated(key_ranges(listings), low=pl.col("low_key"), high=pl.col("high_key"))


_SORTS: Mapping[str, Callable[[pl.LazyFrame, str], pl.LazyFrame]] = {
    "exact": _exact,
    "truncated": _truncated,
    "token": _token,
    "range": _range,
}


def key_ranges(ranges: pl.LazyFrame) -> pl.LazyFrame:
    """Range listings with their ends, `low`, `high` (String) and `open`, and the keys that they span.

    Args:
        ranges: `schema.LISTING` of ranges (`low-high`) and prefixes (`digits*`), in the canonical form.

    Returns:
        The listings with `low_key` and `high_key`, one row an interval. A prefix covers every length: one interval
        for each number of digits that a key can have.
    """
    low, high = ends_of(pl.col("value"))
    ends = ranges.with_columns(low=low, high=high, open=is_open(pl.col("value")))
    closed = ends.filter(~pl.col("open")).with_columns(
        low_key=keys.of_digits(pl.col("low")), high_key=keys.of_digits(pl.col("high"))
    )
    prefix = pl.col("low").str.strip_prefix("+")
    lengths = pl.LazyFrame({"digits": range(1, keys.DIGITS + 1)})
    opened = (
        ends.filter("open")
        .join(lengths, how="cross")
        .filter(pl.col("digits") >= prefix.str.len_bytes())
        .with_columns(
            low_key=prefix.str.pad_end(pl.col("digits"), "0").cast(pl.UInt64),
            high_key=prefix.str.pad_end(pl.col("digits"), "9").cast(pl.UInt64),
        )
        .drop("digits")
    )
    return pl.concat([closed, opened])
