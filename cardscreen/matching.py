"""Accounts' values against listings: first who may match at all, then which listing matches which value.

Nearly every account is clear, so the first question must be cheap: is the key among the listed keys,
in a listed range, or, for cards, do the visible digits fit? The second is asked of the few that
remain, and compares whole values, so that a key may stand for more than one value without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from cardscreen import schema
from cardscreen.errors import ConfigError
from cardscreen.identifiers import KINDS, Kind
from cardscreen.intervals import Intervals
from cardscreen.tokens import TokenKey, token

_KEY_DIGITS = 19  # always fit into UInt64; further digits are compared as text
#: What evidence keeps of a listing.
_EVIDENCE = ["list", "source", "reason", "severity", "listed_on", "expires_on", "reference", "listing_id"]


def key_of(value: pl.Expr) -> pl.Expr:
    """The UInt64 key of a canonical number: its first 19 digits."""
    return value.str.strip_prefix("+").str.head(_KEY_DIGITS).cast(pl.UInt64)


@dataclass(frozen=True)
class Targets:
    """What one kind's accounts are looked up in.

    Attributes:
        kind: The kind's name.
        keys: Keys of exact listings.
        ranges: Keys that range listings cover.
        shown: Stubs of truncated listings, for full card numbers.
        hidden: Stubs of exact listings, for truncated card numbers.
        tokens: Keys of token listings.
        token_keys: The secrets under which they were made.
    """

    kind: str
    keys: pl.Series
    ranges: Intervals
    shown: pl.Series
    hidden: pl.Series
    tokens: pl.Series
    token_keys: Sequence[TokenKey]

    def __repr__(self) -> str:
        """Counts only: keys are card numbers."""
        return (
            f"Targets({self.kind}: {len(self.keys):,} keys, {len(self.ranges):,} ranges, {len(self.tokens):,} tokens)"
        )

    @classmethod
    def of(cls, kind: str, in_force: pl.DataFrame, token_keys: Sequence[TokenKey] = ()) -> Targets:
        """The targets of the block listings of one kind."""
        block = in_force.filter((pl.col("kind") == kind) & (pl.col("list") == "block"))
        exact = block.filter(pl.col("match") == "exact")["value"]
        spans = key_ranges(block)
        truncated = block.filter(pl.col("match") == "truncated")["value"]
        stub = KINDS[kind].stub(pl.col("value"))
        stubbed = exact if KINDS[kind].truncates else exact.clear()
        return cls(
            kind=kind,
            keys=_distinct(exact, key_of(pl.col("value"))),
            ranges=Intervals.union(spans["low_key"], spans["high_key"]),
            shown=_distinct(truncated, stub),
            hidden=_distinct(stubbed, stub),
            tokens=_distinct(block.filter(pl.col("match") == "token")["value"], _token_key(pl.col("value"))),
            token_keys=token_keys,
        )

    def with_tokens_of(self, values: pl.LazyFrame) -> Targets:
        """The same, and the keys of those values whose token is listed: each distinct value is signed once.

        Args:
            values: One column, `value`: canonical values, String.
        """
        texts = pl.lit(f"{self.kind}:") + pl.col("value")
        listed = self.tokens.implode()
        ways = [_digest_key(key.digest(texts)).is_in(listed) for key in self.token_keys]
        # Streamed, so that all threads sign.
        distinct = values.unique().filter(~_is_truncated("value")).collect(engine="streaming").lazy()
        found = distinct.filter(pl.any_horizontal(ways)).select(key_of(pl.col("value")))
        return replace(self, keys=pl.concat([self.keys, found.collect(engine="streaming").to_series()]))

    def may_match(self, cell: pl.Expr) -> pl.Expr:
        """Whether a `schema.SCAN` cell may match a listing: Boolean, never null. Streams."""
        key, seen = cell.struct.field("key"), cell.struct.field("stub")
        ways = []
        if len(self.keys):
            ways.append(key.is_in(self.keys.implode()))
        if len(self.ranges):
            ways.append(self.ranges.contains(key))
        if len(self.shown):
            ways.append(key.is_not_null() & seen.is_in(self.shown.implode()))
        if len(self.hidden):
            ways.append(key.is_null() & seen.is_in(self.hidden.implode()))
        return pl.any_horizontal(ways).fill_null(False) if ways else cell.is_null() & False


def _digest_key(digest: pl.Expr) -> pl.Expr:
    """The first eight bytes of a hexadecimal digest as UInt64."""
    return digest.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)


def _token_key(token: pl.Expr) -> pl.Expr:
    """The same of a token."""
    encoded = token.str.slice(9, 11).str.replace_all("-", "+", literal=True).str.replace_all("_", "/", literal=True)
    # Eleven digits of six bits hold eight bytes and two bits more; a twelfth completes the group.
    return (encoded + "A").str.decode("base64").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")


def check_token_keys(in_force: pl.DataFrame, token_keys: Sequence[TokenKey]) -> None:
    """Refuse tokens that none of the keys made: looking them up would find nobody, and say nothing.

    Raises:
        ConfigError: There are tokens and no key, or some are under another key.
    """
    ids = in_force.filter(pl.col("match") == "token")["value"].str.head(8).unique().sort().to_list()
    known = [key.id for key in token_keys]
    missing = [each for each in ids if each not in known]
    if missing and not known:
        raise ConfigError("the listings hold tokens, and no key is given: tokens=TokenKey.from_file(...) or [tokens]")
    if missing:
        raise ConfigError(
            f"the listings hold tokens under the key {', '.join(missing)}, and the keys given are {', '.join(known)}"
        )


def _distinct(values: pl.Series, key: pl.Expr) -> pl.Series:
    return values.to_frame().select(key.unique()).to_series().drop_nulls()


def key_ranges(listings: pl.DataFrame) -> pl.DataFrame:
    """Range listings with the keys that they span, `low_key` and `high_key`, one row an interval.

    A prefix covers every length: one interval for each number of digits that a key can have.
    """
    ranges = listings.filter(pl.col("match") == "range")
    closed = ranges.filter(~pl.col("open")).with_columns(low_key=key_of(pl.col("low")), high_key=key_of(pl.col("high")))
    prefix = pl.col("low").str.strip_prefix("+")
    lengths = pl.DataFrame({"digits": range(1, _KEY_DIGITS + 1)})
    opened = (
        ranges.filter("open")
        .join(lengths, how="cross")
        .filter(pl.col("digits") >= prefix.str.len_bytes())
        .with_columns(
            low_key=prefix.str.pad_end(pl.col("digits"), "0").cast(pl.UInt64),
            high_key=prefix.str.pad_end(pl.col("digits"), "9").cast(pl.UInt64),
        )
        .drop("digits")
    )
    return pl.concat([closed, opened])


def evidence(values: pl.DataFrame, in_force: pl.DataFrame, token_keys: Sequence[TokenKey] = ()) -> pl.DataFrame:
    """Which listings cover which values.

    Args:
        values: Distinct `kind` and `value` (String, canonical; truncated cards with `*`).
        in_force: Listings as `Blocklist.in_force` gives them.
        token_keys: The secrets under which token listings were made.

    Returns:
        kind, value, match (Enum) and the listing's list, source, reason, severity, listed_on,
        expires_on, reference, listing_id: one row for each value and listing that covers it.
    """
    pairs = []
    for name, kind in KINDS.items():
        asked, listed = values.filter(pl.col("kind") == name), in_force.filter(pl.col("kind") == name)
        pairs += [_exact(asked, listed), _ranged(asked, listed), _truncated(asked, listed, kind)]
        pairs += [_signed(asked, listed, name, key) for key in token_keys]
    columns = ["kind", "value", "match", *_EVIDENCE]
    return pl.concat([pair.select(columns) for pair in pairs])


def _exact(values: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    return values.join(listings.filter(pl.col("match") == "exact"), on=["kind", "value"])


def _signed(values: pl.DataFrame, listings: pl.DataFrame, kind: str, key: TokenKey) -> pl.DataFrame:
    listed = listings.filter((pl.col("match") == "token") & pl.col("value").str.starts_with(key.id))
    signed = values.filter(~_is_truncated("value")).with_columns(token=token("value", kind, key))
    return signed.join(listed.drop("kind").rename({"value": "token"}), on="token")


def _ranged(values: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    full = values.filter(~_is_truncated("value")).with_columns(key=key_of(pl.col("value")))
    spans = key_ranges(listings.with_row_index("listed")).drop("kind", "value")
    leading = pl.col("value").str.head(pl.col("low").str.len_bytes())
    same_length = pl.col("open") | (pl.col("value").str.len_bytes() == pl.col("low").str.len_bytes())
    return (
        full.join_where(spans, pl.col("key") >= pl.col("low_key"), pl.col("key") <= pl.col("high_key"))
        .filter(leading.is_between("low", "high") & same_length)
        # A value with leading zeros lies in the key ranges of several lengths.
        .unique(["value", "listed"])
    )


def _truncated(values: pl.DataFrame, listings: pl.DataFrame, kind: type[Kind]) -> pl.DataFrame:
    """A truncated value with exact listings, and a full one with truncated listings, by visible digits."""
    stub = kind.stub(pl.col("value")).alias("stub")
    stubbed = values.with_columns(stub)
    listed = listings.filter(pl.col("match") != "range").with_columns(stub)
    pairs = stubbed.join(listed.drop("kind"), on="stub", suffix="_listed")
    hidden = _is_truncated("value")
    pattern = pl.when(hidden).then("value").otherwise("value_listed")
    number = pl.when(hidden).then("value_listed").otherwise("value")
    shown, tail = pattern.str.extract(r"^([0-9]+)"), pattern.str.extract(r"([0-9]+)$")
    # An ellipsis doesn't say how many digits it hides.
    same_length = pattern.str.contains("…", literal=True) | (pattern.str.len_bytes() == number.str.len_bytes())
    fits = same_length & number.str.starts_with(shown) & number.str.ends_with(tail)
    return pairs.filter((hidden != _is_truncated("value_listed")) & fits).with_columns(
        match=pl.lit("truncated", dtype=schema.MATCHES)
    )


def _is_truncated(column: str) -> pl.Expr:
    return pl.col(column).str.contains(r"[*…]")
