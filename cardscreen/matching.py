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
from cardscreen.compiled import key_ranges
from cardscreen.errors import ConfigError
from cardscreen.identifiers import KINDS, Kind
from cardscreen.intervals import Intervals
from cardscreen.tokens import TokenKey, token

#: What evidence keeps of a listing.
_EVIDENCE = ["list", "source", "reason", "severity", "listed_on", "expires_on", "reference", "listing_id"]


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
        """The targets of the block listings of one kind.

        Args:
            kind: Its name.
            in_force: `compiled.COMPILED`, of the day that is asked about.
            token_keys: The secrets under which token listings were made.
        """
        block = in_force.filter((pl.col("kind") == kind) & (pl.col("list") == "block"))
        of_match = {match: block.filter(pl.col("match") == match) for match in schema.MATCHES.categories}
        spans = of_match["range"]
        return cls(
            kind=kind,
            keys=of_match["exact"]["low"].drop_nulls(),
            ranges=Intervals.union(spans["low"], spans["high"]),
            shown=of_match["truncated"]["stub"].drop_nulls(),
            hidden=of_match["exact"]["stub"].drop_nulls(),
            tokens=of_match["token"]["low"].drop_nulls(),
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
        found = distinct.filter(pl.any_horizontal(ways)).select(KINDS[self.kind].key(pl.col("value")))
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


def check_token_keys(listings: pl.LazyFrame, token_keys: Sequence[TokenKey]) -> None:
    """Refuse tokens that none of the keys made: looking them up would find nobody, and say nothing.

    Args:
        listings: `schema.LISTING`, of the day that is asked about.
        token_keys: The secrets at hand.

    Raises:
        ConfigError: There are tokens and no key, or some are under another key.
    """
    of_tokens = listings.filter(pl.col("match") == "token").select(pl.col("value").str.head(8).unique().sort())
    ids = of_tokens.collect().to_series().to_list()
    known = [key.id for key in token_keys]
    missing = [each for each in ids if each not in known]
    if missing and not known:
        raise ConfigError("the listings hold tokens, and no key is given: tokens=TokenKey.from_file(...) or [tokens]")
    if missing:
        raise ConfigError(
            f"the listings hold tokens under the key {', '.join(missing)}, and the keys given are {', '.join(known)}"
        )


def evidence(values: pl.DataFrame, listings: pl.LazyFrame, token_keys: Sequence[TokenKey] = ()) -> pl.DataFrame:
    """Which listings cover which values.

    Args:
        values: Distinct `kind` and `value` (String, canonical; truncated cards with `*` or `…`).
        listings: `schema.LISTING`, of the day that is asked about, perhaps in files.
        token_keys: The secrets under which token listings were made.

    Returns:
        kind, value, match (Enum) and the listing's list, source, reason, severity, listed_on,
        expires_on, reference, listing_id: one row for each value and listing that covers it.
    """
    signed = _signed(values, token_keys)
    near = _near(values, signed["token"], listings)
    pairs = [signed.join(near.filter(pl.col("match") == "token").rename({"value": "token"}), on=["kind", "token"])]
    for name, kind in KINDS.items():
        asked, listed = values.filter(pl.col("kind") == name), near.filter(pl.col("kind") == name)
        pairs += [_exact(asked, listed), _ranged(asked, listed, kind), _truncated(asked, listed, kind)]
    columns = ["kind", "value", "match", *_EVIDENCE]
    return pl.concat([pair.select(columns) for pair in pairs])


def _signed(values: pl.DataFrame, token_keys: Sequence[TokenKey]) -> pl.DataFrame:
    """kind, value and `token` of full values, one row for each key."""
    full = values.filter(~_is_truncated("value"))
    parts = [
        full.filter(pl.col("kind") == name).with_columns(token=token("value", name, key))
        for name in KINDS
        for key in token_keys
    ]
    return pl.concat([full.clear().with_columns(token=pl.lit(None, dtype=pl.String)), *parts])


def _near(values: pl.DataFrame, tokens: pl.Series, listings: pl.LazyFrame) -> pl.DataFrame:
    """The listings that may cover some of the values: all ranges and truncated ones, the others by what they list."""
    ways = [
        pl.col("match").is_in(["range", "truncated"]),
        pl.col("value").is_in(pl.concat([values["value"], tokens]).implode()),
    ]
    hidden = values.filter(_is_truncated("value"))
    for name, kind in KINDS.items():
        stubs = hidden.filter(pl.col("kind") == name).select(kind.stub(pl.col("value"))).to_series().drop_nulls()
        if len(stubs):
            ways.append((pl.col("kind") == name) & kind.stub(pl.col("value")).is_in(stubs.implode()))
    return listings.filter(pl.any_horizontal(ways)).collect()


def _exact(values: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    return values.join(listings.filter(pl.col("match") == "exact"), on=["kind", "value"])


def _ranged(values: pl.DataFrame, listings: pl.DataFrame, kind: type[Kind]) -> pl.DataFrame:
    full = values.filter(~_is_truncated("value")).with_columns(key=kind.key(pl.col("value")))
    ranges = listings.with_row_index("listed").lazy().filter(pl.col("match") == "range")
    spans = key_ranges(ranges, kind.name).drop("kind", "value").collect()
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
