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

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.digits import Flags, Keys, taken
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.lookup.members import Members
from cardscreen.kinds.card.truncated import hides_digits, may_be_one, spans
from cardscreen.kinds.kind import KINDS, Kind
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.lists.keyed import key_ranges

#: What evidence keeps of a listing.
EVIDENCE = ["list", "source", "reason", "severity", "listed_on", "expires_on", "reference", "listing_id"]


_SETS = ("keys", "shown", "hidden", "tokens")
#: Finds the listings that may cover some of the values (kind, value), which have these tokens: at least those that do.
Near = Callable[[pl.DataFrame, pl.Series], pl.DataFrame]


@dataclass(frozen=True)
class Cells:
    """What is known of the cells of a batch, each an item of every array.

    Attributes:
        key: What to look up; anything where there is no key.
        has_key: Whether there is one.
        stubs: Makes the stubs; anything where there is no key.
    """

    key: Keys
    has_key: Flags
    stubs: Callable[[], Keys]


@dataclass(frozen=True)
class Targets:
    """What one kind's accounts are looked up in.

    Attributes:
        kind: The kind's name.
        keys: Keys of exact listings.
        ranges: Keys that range listings cover.
        shown: Stubs of truncated listings.
        hidden: Stubs of exact listings, for truncated card numbers.
        tokens: Keys of token listings.
        token_keys: The secrets under which they were made.
        near: Finds the listings themselves.
    """

    kind: str
    keys: Members
    ranges: Intervals
    shown: Members
    hidden: Callable[[], Members]
    tokens: Members
    token_keys: Sequence[TokenKey]
    near: Near

    def __repr__(self) -> str:
        """Counts only: keys are card numbers."""
        return (
            f"Targets({self.kind}: {len(self.keys):,} keys, {len(self.ranges):,} ranges, {len(self.tokens):,} tokens)"
        )

    @classmethod
    def of(cls, kind: str, in_force: pl.DataFrame, near: Near, token_keys: Sequence[TokenKey] = ()) -> Targets:
        """The targets of the block listings of one kind.

        Args:
            kind: Its name.
            in_force: `compiled.COMPILED`, of the day that is asked about.
            near: Finds the listings that hold on that day.
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
            near=near,
        )

    @classmethod
    def restored(cls, kind: str, arrays: Mapping[str, Keys], near: Near, token_keys: Sequence[TokenKey]) -> Targets:
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
            near=near,
        )

    @property
    def arrays(self) -> dict[str, Keys]:
        """All but the secrets, for another process to look up in."""
        told: dict[str, Keys] = {}
        for name, members in zip(_SETS, (self.keys, self.shown, self.hidden(), self.tokens), strict=True):
            told[name], told[f"{name}.words"] = members.arrays
        return {**told, "low": self.ranges.low.to_numpy(), "high": self.ranges.high.to_numpy()}

    def may_match(self, cells: Cells) -> Flags:
        """Whether each cell may match a listing. Stubs are asked for only where a listing shows no more."""
        flags = np.zeros(len(cells.key), dtype=bool)
        flags[self.keys.among(cells.key)] = True
        flags[self.ranges.among(cells.key)] = True
        if len(self.shown):
            flags[self.shown.among(cells.stubs())] = True
        flags &= cells.has_key
        return flags

    def of_truncated(self, values: pl.Series) -> tuple[Flags, Flags]:
        """Which truncated values may match a listing, and which can't be told from what is listed.

        Args:
            values: Canonical, with their stubs.

        Returns:
            `may_match`, and `incomparable`: what is hidden decides whether the value is listed, since there are tokens,
            or a range that holds some of the numbers that it may be and not others; and no other listing covers it.
            Leading zeros, which no card has, are not told apart here.
        """
        may_match = np.zeros(len(values), dtype=bool)
        stubs = values.to_frame("value").select(KINDS[self.kind].stub(pl.col("value"))).to_series().to_numpy()
        for members in (self.hidden(), self.shown):
            may_match[members.among(stubs)] = True
        meets = self._meets_range(values)
        may_match |= meets
        incomparable = np.ones_like(meets) if len(self.tokens) else meets.copy()
        rows = np.flatnonzero(incomparable & may_match)
        if len(rows):
            incomparable[rows] = ~self._are_covered(taken(values, rows))
        return may_match & ~incomparable, incomparable

    def _meets_range(self, values: pl.Series) -> Flags:
        """Whether a range holds some of the numbers that each value may be."""
        flags = np.zeros(len(values), dtype=bool)
        if len(self.ranges):
            numbers = spans(values.to_frame("value").with_row_index())
            ends = (KINDS[self.kind].key(pl.col(name)) for name in ("lowest", "highest"))
            low, high = (end.to_numpy() for end in numbers.select(ends))
            flags[numbers["index"].to_numpy()[self.ranges.meet(low, high)]] = True
        return flags

    def _are_covered(self, values: pl.Series) -> Flags:
        """Whether a block listing covers each value, as `evidence` has it."""
        asked = values.unique().to_frame("value").select(kind=pl.lit(self.kind), value="value")
        covered = evidence(asked, self.near).filter(pl.col("list") == "block")["value"]
        flags: Flags = values.is_in(covered.implode()).to_numpy()
        return flags

    def listed_by_token(self, values: pl.Series) -> Flags:
        """Whether the token of each canonical value is listed: each distinct value is signed once."""
        named = values.alias("value").to_frame()
        distinct = named.unique().filter(~hides_digits(pl.col("value")))
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
        if "truncated" in there or asked.select(hides_digits(pl.col("value")).any()).item():
            pairs.append(_truncated(asked, listed, kind))
    columns = ["kind", "value", "match", *EVIDENCE]
    return pl.concat([pair.select(columns) for pair in pairs])


def _signed(values: pl.DataFrame, token_keys: Sequence[TokenKey]) -> pl.DataFrame:
    """kind, value and `token` of full values, one row for each key."""
    full = values.filter(~hides_digits(pl.col("value")))
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
    hidden = values.filter(hides_digits(pl.col("value")))
    for name, kind in KINDS.items():
        stubs = hidden.filter(pl.col("kind") == name).select(kind.stub(pl.col("value"))).to_series().drop_nulls()
        if len(stubs):
            ways.append((pl.col("kind") == name) & kind.stub(pl.col("value")).is_in(stubs.implode()))
    return listings.filter(pl.any_horizontal(ways)).collect()


def _exact(values: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    return values.join(listings.filter(pl.col("match") == "exact"), on=["kind", "value"])


def _ranged(values: pl.DataFrame, listings: pl.DataFrame, kind: type[Kind]) -> pl.DataFrame:
    """Values with the ranges that hold all numbers that each may be."""
    keys = (kind.key(pl.col(name)).alias(f"{name}_key") for name in ("lowest", "highest"))
    numbers = spans(values).with_columns(keys)
    ranges = listings.with_row_index("listed").lazy().filter(pl.col("match") == "range")
    ends = key_ranges(ranges).drop("kind", "value").collect()
    inside = [
        pl.col(name).str.head(pl.col("low").str.len_bytes()).is_between("low", "high") for name in ("lowest", "highest")
    ]
    same_length = pl.col("open") | (pl.col("lowest").str.len_bytes() == pl.col("low").str.len_bytes())
    truncated = pl.when(hides_digits(pl.col("value"))).then(pl.lit("truncated", dtype=schema.MATCHES))
    return (
        numbers.join_where(ends, pl.col("lowest_key") >= pl.col("low_key"), pl.col("highest_key") <= pl.col("high_key"))
        .filter(*inside, same_length)
        # A value with leading zeros lies in the key ranges of several lengths, and a truncated one may have several.
        .unique(["value", "listed"])
        .with_columns(match=truncated.otherwise("match"))
    )


def _truncated(values: pl.DataFrame, listings: pl.DataFrame, kind: type[Kind]) -> pl.DataFrame:
    """Values with listings of single numbers, where one or both hide digits, by what both show."""
    stub = kind.stub(pl.col("value")).alias("stub")
    listed = listings.filter(pl.col("match").is_in(["exact", "truncated"])).with_columns(stub)
    pairs = values.with_columns(stub).join(listed.drop("kind"), on="stub", suffix="_listed")
    value, other = pl.col("value"), pl.col("value_listed")
    hidden = hides_digits(value) | hides_digits(other)
    return pairs.filter(hidden & may_be_one(value, other)).with_columns(match=pl.lit("truncated", dtype=schema.MATCHES))
