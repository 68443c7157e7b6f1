"""Accounts' values against listings: first who may match at all, then which listing matches which value.

Nearly every account is clear, so the first question must be cheap: is the key among the listed keys,
in a listed range, or, for cards, do the visible digits fit? The second is asked of the few that
remain, and compares whole values, so that a key may stand for more than one value without harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import polars as pl

from cardscreen import schema
from cardscreen.compiled import key_ranges
from cardscreen.digits import Flags, Keys
from cardscreen.errors import ConfigError
from cardscreen.identifiers import KINDS, Kind
from cardscreen.intervals import Intervals
from cardscreen.members import Members
from cardscreen.tokens import TokenKey, token

#: What evidence keeps of a listing.
EVIDENCE = ["list", "source", "reason", "severity", "listed_on", "expires_on", "reference", "listing_id"]


_SETS = ("keys", "shown", "hidden", "tokens")


@dataclass(frozen=True)
class Cells:
    """What is known of the cells of a batch, each an item of every array.

    Attributes:
        key: What to look up; anything where there is no key.
        has_key: Whether there is one.
        has_only_stub: Whether, of a value that hides some digits, the others are known.
        stubs: Makes the stubs; anything where there is neither key nor stub.
    """

    key: Keys
    has_key: Flags
    has_only_stub: Flags
    stubs: Callable[[], Keys]


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
    keys: Members
    ranges: Intervals
    shown: Members
    hidden: Callable[[], Members]
    tokens: Members
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

        def members(match: str, column: str) -> Members:
            return Members(of_match[match][column].drop_nulls().to_numpy())

        return cls(
            kind=kind,
            keys=members("exact", "low"),
            ranges=Intervals.union(spans["low"], spans["high"]),
            shown=members("truncated", "stub"),
            # Sorted only when the first truncated number comes by.
            hidden=cache(partial(members, "exact", "stub")),
            tokens=members("token", "low"),
            token_keys=token_keys,
        )

    @classmethod
    def restored(cls, kind: str, arrays: Mapping[str, Keys], token_keys: Sequence[TokenKey]) -> Targets:
        """The targets that gave these `arrays`, without making them again."""
        sets = {name: Members.restored(arrays[name], arrays[f"{name}.words"]) for name in _SETS}
        low, high = (pl.Series(arrays[name], dtype=pl.UInt64) for name in ("low", "high"))
        return cls(
            kind=kind,
            keys=sets["keys"],
            ranges=Intervals(low, high, pl.DataFrame()),
            shown=sets["shown"],
            hidden=lambda: sets["hidden"],
            tokens=sets["tokens"],
            token_keys=token_keys,
        )

    @property
    def arrays(self) -> dict[str, Keys]:
        """All but the secrets, for another process to look up in."""
        told: dict[str, Keys] = {}
        for name, members in zip(_SETS, (self.keys, self.shown, self.hidden(), self.tokens), strict=True):
            told[name], told[f"{name}.words"] = members.arrays
        return {**told, "low": self.ranges.low.to_numpy(), "high": self.ranges.high.to_numpy()}

    def may_match(self, cells: Cells) -> Flags:
        """Whether each cell may match a listing. Stubs of keys are asked for only where a listing shows no more."""
        flags = np.zeros(len(cells.key), dtype=bool)
        flags[self.keys.among(cells.key)] = True
        flags[self.ranges.among(cells.key)] = True
        if len(self.shown):
            flags[self.shown.among(cells.stubs())] = True
        flags &= cells.has_key
        rows = np.flatnonzero(cells.has_only_stub)
        if len(rows):
            flags[rows[self.hidden().among(cells.stubs()[rows])]] = True
        return flags

    def listed_by_token(self, values: pl.Series) -> Flags:
        """Whether the token of each canonical value is listed: each distinct value is signed once."""
        named = values.alias("value").to_frame()
        distinct = named.unique().filter(~is_truncated("value"))
        texts = pl.lit(f"{self.kind}:") + pl.col("value")
        digests = distinct.select(
            _digest_key(key.digest(texts)).alias(str(at)) for at, key in enumerate(self.token_keys)
        )
        listed = np.zeros(len(distinct), dtype=bool)
        for digest in digests:
            listed[self.tokens.among(digest.to_numpy())] = True
        found = distinct.filter(pl.Series(listed, dtype=pl.Boolean))["value"]
        flags: Flags = values.is_in(found.implode()).fill_null(value=False).to_numpy()
        return flags


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


#: Finds the listings that may cover some of the values (kind, value), which have these tokens: at least those that do.
Near = Callable[[pl.DataFrame, pl.Series], pl.DataFrame]


def evidence(values: pl.DataFrame, near: Near, token_keys: Sequence[TokenKey] = ()) -> pl.DataFrame:
    """Which listings cover which values.

    Args:
        values: Distinct `kind` and `value` (String, canonical; truncated cards with `*` or `…`).
        near: Finds listings (`schema.LISTING`) of the day that is asked about.
        token_keys: The secrets under which token listings were made.

    Returns:
        kind, value, match (Enum) and the listing's list, source, reason, severity, listed_on,
        expires_on, reference, listing_id: one row for each value and listing that covers it.
    """
    signed = _signed(values, token_keys)
    listings = near(values, signed["token"])
    pairs = [signed.join(listings.filter(pl.col("match") == "token").rename({"value": "token"}), on=["kind", "token"])]
    for name, kind in KINDS.items():
        asked, listed = values.filter(pl.col("kind") == name), listings.filter(pl.col("kind") == name)
        if asked.is_empty() or listed.is_empty():
            continue
        there = listed["match"].cast(pl.String).unique().to_list()
        pairs.append(_exact(asked, listed))
        if "range" in there:
            pairs.append(_ranged(asked, listed, kind))
        if "truncated" in there or asked.select(is_truncated("value").any()).item():
            pairs.append(_truncated(asked, listed, kind))
    columns = ["kind", "value", "match", *EVIDENCE]
    return pl.concat([pair.select(columns) for pair in pairs])


def _signed(values: pl.DataFrame, token_keys: Sequence[TokenKey]) -> pl.DataFrame:
    """kind, value and `token` of full values, one row for each key."""
    full = values.filter(~is_truncated("value"))
    parts = [
        full.filter(pl.col("kind") == name).with_columns(token=token("value", name, key))
        for name in KINDS
        for key in token_keys
    ]
    return pl.concat([full.clear().with_columns(token=pl.lit(None, dtype=pl.String)), *parts])


def near_in(listings: pl.LazyFrame) -> Near:
    """Finds them among listings that are perhaps in files: all ranges and truncated ones, others by what they list."""
    return partial(_near, listings)


def _near(listings: pl.LazyFrame, values: pl.DataFrame, tokens: pl.Series) -> pl.DataFrame:
    ways = [
        pl.col("match").is_in(["range", "truncated"]),
        pl.col("value").is_in(pl.concat([values["value"], tokens]).implode()),
    ]
    hidden = values.filter(is_truncated("value"))
    for name, kind in KINDS.items():
        stubs = hidden.filter(pl.col("kind") == name).select(kind.stub(pl.col("value"))).to_series().drop_nulls()
        if len(stubs):
            ways.append((pl.col("kind") == name) & kind.stub(pl.col("value")).is_in(stubs.implode()))
    return listings.filter(pl.any_horizontal(ways)).collect()


def _exact(values: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    return values.join(listings.filter(pl.col("match") == "exact"), on=["kind", "value"])


def _ranged(values: pl.DataFrame, listings: pl.DataFrame, kind: type[Kind]) -> pl.DataFrame:
    full = values.filter(~is_truncated("value")).with_columns(key=kind.key(pl.col("value")))
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
    hidden = is_truncated("value")
    pattern = pl.when(hidden).then("value").otherwise("value_listed")
    number = pl.when(hidden).then("value_listed").otherwise("value")
    shown, tail = pattern.str.extract(r"^([0-9]+)"), pattern.str.extract(r"([0-9]+)$")
    # An ellipsis doesn't say how many digits it hides.
    same_length = pattern.str.contains("…", literal=True) | (pattern.str.len_bytes() == number.str.len_bytes())
    fits = same_length & number.str.starts_with(shown) & number.str.ends_with(tail)
    return pairs.filter((hidden != is_truncated("value_listed")) & fits).with_columns(
        match=pl.lit("truncated", dtype=schema.MATCHES)
    )


def is_truncated(column: str) -> pl.Expr:
    """Whether a canonical value hides some digits."""
    return pl.col(column).str.contains(r"[*…]")
