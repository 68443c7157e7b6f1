"""Which listings cover which values of accounts: asked of the few whose keys `targets` has found.

Whole values are compared, so that a key may stand for more than one value without harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Protocol

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.kinds.kind import KINDS, Kind, may_hide_digits, whole_numbers
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.kinds.truncated import hides_digits, may_be_one, spans
from cardscreen.lists.keyed import key_ranges

#: Matches of listings that stand for many values.
_OF_MANY = ["range", "truncated"]
_NO_TOKENS = pl.Series("token", [], dtype=pl.String)
#: What evidence keeps of a listing.
EVIDENCE = ["list", "source", "reason", "severity", "listed_on", "expires_on", "reference", "listing_id"]


class Near(Protocol):
    """Finds the listings that may cover some of the values (kind, value), which have these tokens."""

    def __call__(self, values: pl.DataFrame, tokens: pl.Series, most: int | None = None) -> pl.DataFrame:
        """At least those that do; of more than so many perhaps some only, but more."""
        ...


def check_token_keys(listings: pl.LazyFrame, compiled: pl.DataFrame, token_keys: Sequence[TokenKey]) -> None:
    """Refuse tokens that none of the keys made: looking them up would find nobody, and say nothing.

    Args:
        listings: `schema.LISTING`, of the day that is asked about.
        compiled: Their `keyed.compiled_schema`, of any day.
        token_keys: The secrets at hand.

    Raises:
        ConfigError: There are tokens and no key, or some are under another key.
    """
    if not (compiled["match"] == "token").any():
        return
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
    of_tokens = listings.filter(pl.col("match") == "token").rename({"value": "token"})
    one_reading = pl.when(_hides()).then(pl.lit("truncated", dtype=schema.MATCHES))
    pairs = [signed.join(of_tokens, on=["kind", "token"]).with_columns(match=one_reading.otherwise("match"))]
    for name, kind in KINDS.items():
        asked, listed = values.filter(pl.col("kind") == name), listings.filter(pl.col("kind") == name)
        if asked.is_empty() or listed.is_empty():
            continue
        there = listed["match"].cast(pl.String).unique().to_list()
        pairs.append(_exact(asked, listed))
        if "range" in there:
            pairs.append(_ranged(asked, listed, kind))
        if "truncated" in there or asked.select(_hides().any()).item():
            pairs.append(_truncated(asked, listed, kind))
    columns = ["kind", "value", "match", *EVIDENCE]
    return pl.concat([pair.select(columns) for pair in pairs])


def near_all(values: pl.DataFrame, near: Near, most: int) -> Near:
    """What finds the listings of some of these values, of which none has a token: looked for once, if they are few.

    Args:
        values: As for `evidence`.
        near: Finds them.
        most: How many listings are few.
    """
    found = near(values, _NO_TOKENS, most)
    return near if len(found) > most else lambda _values, _tokens, _most=None: found


def listings_of(values: pl.DataFrame, near: Near, token_keys: Sequence[TokenKey] = ()) -> pl.DataFrame:
    """The listings that `evidence` looks at for these values: without any other, it finds the same."""
    return near(values, _signed(values, token_keys)["token"])


def _signed(values: pl.DataFrame, token_keys: Sequence[TokenKey]) -> pl.DataFrame:
    """kind, value and `token` of full values, and of both numbers that an open one may be; a row for each key."""
    full = whole_numbers(values)
    parts = [
        full.filter(pl.col("kind") == name).with_columns(token=token("number", name, key))
        for name in KINDS
        for key in token_keys
    ]
    return pl.concat([full.clear().with_columns(token=pl.lit(None, dtype=pl.String)), *parts])


def _hides() -> pl.Expr:
    """Whether a value hides digits."""
    return may_hide_digits(pl.col("kind"), pl.col("value"))


def near_in(listings: pl.LazyFrame, compiled: pl.DataFrame | None = None) -> Near:
    """Finds them among listings that are perhaps in files: all ranges and truncated ones, others by what they list.

    Args:
        listings: `schema.LISTING`.
        compiled: Their `keyed.compiled_schema`, which may spare looking for ranges where there are none.
    """

    @cache
    def of_many() -> pl.DataFrame:
        if compiled is not None and not compiled["match"].is_in(_OF_MANY).any():
            return pl.DataFrame(schema=listings.collect_schema())
        return listings.filter(pl.col("match").is_in(_OF_MANY)).collect(engine="streaming")

    return partial(_near, listings, of_many)


def _near(
    listings: pl.LazyFrame,
    of_many: Callable[[], pl.DataFrame],
    values: pl.DataFrame,
    tokens: pl.Series,
    most: int | None = None,
) -> pl.DataFrame:
    ways = [pl.col("value").is_in(pl.concat([values["value"], tokens]).implode())]
    hidden = values.filter(_hides())
    for name, kind in KINDS.items():
        stubs = hidden.filter(pl.col("kind") == name).select(kind.stub(pl.col("value"))).to_series().drop_nulls()
        if len(stubs):
            ways.append((pl.col("kind") == name) & kind.stub(pl.col("value")).is_in(stubs.implode()))
    # One after another: of files, the engine passes over what a condition on one column rules out, and reads no more
    # of it, which it does not do for conditions of which any is enough.
    chosen = [listings.filter(way) if most is None else listings.filter(way).head(most + 1) for way in ways]
    found = [some.collect(engine="streaming") for some in chosen]
    other = pl.concat(some.filter(~pl.any_horizontal(ways[:at])) if at else some for at, some in enumerate(found))
    return pl.concat([of_many(), other.filter(~pl.col("match").is_in(_OF_MANY))])


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
