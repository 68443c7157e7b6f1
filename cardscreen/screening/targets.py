"""The keys that listings cover, among which those of the accounts are looked for.

Nearly every account is clear, so what is asked of all of them must be cheap: is the key among the listed keys, in a
listed range, or, for cards, do the visible digits fit? What is found may match: `evidence` says what does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import Flags, Keys, taken
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.foundation.lookup.members import Members
from cardscreen.kinds.kind import KINDS, whole_numbers
from cardscreen.kinds.tokens import TokenKey
from cardscreen.kinds.truncated import spans
from cardscreen.screening.hits.evidence import Near, evidence

_SETS = ("keys", "shown", "hidden", "tokens")


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
    def of(cls, kind: str, of_day: pl.DataFrame, near: Near, token_keys: Sequence[TokenKey] = ()) -> Targets:
        """The targets of the block listings of one kind.

        Args:
            kind: Its name.
            of_day: `keyed.compiled_schema`, of the day that is asked about.
            near: Finds the listings that hold on that day.
            token_keys: The secrets under which token listings were made.
        """
        block = of_day.filter((pl.col("kind") == kind) & (pl.col("list") == "block"))
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
    def is_empty(self) -> bool:
        """Whether nothing is listed."""
        return not (len(self.keys) or len(self.ranges) or len(self.shown) or len(self.tokens))

    @property
    def arrays(self) -> dict[str, Keys]:
        """All but the secrets, for another process to look up in."""
        arrays: dict[str, Keys] = {}
        for name, members in zip(_SETS, (self.keys, self.shown, self.hidden(), self.tokens), strict=True):
            arrays[name], arrays[f"{name}.words"] = members.arrays
        return {**arrays, "low": self.ranges.low.to_numpy(), "high": self.ranges.high.to_numpy()}

    @property
    def may_be_incomparable(self) -> bool:
        """Whether `of_truncated` may ask for the listings themselves."""
        return KINDS[self.kind].truncates and bool(len(self.tokens) or len(self.ranges))

    def may_match(self, cells: Cells) -> Flags:
        """Whether each cell may match a listing. Stubs are asked for only where a listing shows no more."""
        flags = self.keys.has(cells.key)
        flags[self.ranges.among(cells.key)] = True
        if len(self.shown):
            flags |= self.shown.has(cells.stubs())
        flags &= cells.has_key
        return flags

    def of_truncated(self, values: pl.Series) -> tuple[Flags, Flags]:
        """Which truncated values may match a listing, and which can't be told from what is listed.

        Args:
            values: Canonical, with their stubs.

        Returns:
            `may_match`, and `incomparable`: what is hidden decides whether the value is listed, since there are tokens,
            or a range that holds some of the numbers that it may be and not others; and no other listing covers it. An
            open number has two readings, and both are compared with tokens.
            Leading zeros, which no card has, are not told apart here.
        """
        may_match = np.zeros(len(values), dtype=bool)
        stubs = values.to_frame("value").select(KINDS[self.kind].stub(pl.col("value"))).to_series().to_numpy()
        for members in (self.hidden(), self.shown):
            may_match |= members.has(stubs)
        meets = self._meets_range(values)
        may_match |= meets
        by_token = self.listed_by_token(values)
        may_match |= by_token
        incomparable = meets & ~by_token
        if len(self.tokens):
            incomparable |= ~values.str.contains("(", literal=True).to_numpy()  # of an open number, both are compared
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
        """Whether the token of each canonical value is listed, or of what it may be: each is signed once."""
        named = values.alias("value").to_frame()
        distinct = whole_numbers(named.drop_nulls().unique().with_columns(kind=pl.lit(self.kind)))
        texts = pl.lit(f"{self.kind}:") + pl.col("number")
        digests = distinct.select(key.lookup_key(texts).alias(str(at)) for at, key in enumerate(self.token_keys))
        listed = np.zeros(len(distinct), dtype=bool)
        for digest in digests:
            listed |= self.tokens.has(digest.to_numpy())
        listed_values = distinct.filter(pl.Series(listed, dtype=pl.Boolean))["value"]
        flags: Flags = values.is_in(listed_values.implode()).fill_null(value=False).to_numpy()
        return flags
