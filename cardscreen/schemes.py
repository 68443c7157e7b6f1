"""Which card scheme owns a PAN, by its leading digits, and which lengths it issues.

The table is `schemes.csv` beside this module: ranges of prefixes with the PAN lengths in use. Where
ranges overlap, the narrower one (the longer prefix) wins: 506699 is Elo although 50 is Maestro.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import polars as pl

from cardscreen.intervals import Intervals

#: Digits of a PAN that decide its scheme: more than any prefix in the table has.
_REACH = 8
UNKNOWN = "unknown"


@cache
def table() -> Intervals:
    """The schemes as intervals of 8-digit prefixes; payload: scheme, lengths (bit n: n digits)."""
    text = (resources.files("cardscreen") / "schemes.csv").read_bytes()
    rows = pl.read_csv(text, infer_schema=False)
    first, last = pl.col("first"), pl.col("last")
    span = rows.select(
        low=first.str.pad_end(_REACH, "0").cast(pl.UInt64),
        high=last.str.pad_end(_REACH, "9").cast(pl.UInt64),
        scheme=pl.col("scheme"),
        lengths=pl.Series([_length_bits(text) for text in rows["lengths"]], dtype=pl.UInt32),
    )
    return Intervals.narrowest(span)


def _length_bits(lengths: str) -> int:
    """`13;16-19` as bits 13, 16, 17, 18 and 19."""
    bits = 0
    for part in lengths.split(";"):
        low, _, high = part.partition("-")
        for length in range(int(low), int(high or low) + 1):
            bits |= 1 << length
    return bits


def scheme(digits: pl.Expr) -> pl.Expr:
    """The scheme of each PAN, or of the leading digits of a truncated one.

    Args:
        digits: String of the leading digits that are known, at least one.

    Returns:
        String: the scheme, or `unknown` where no scheme, or not one alone, owns them all.

    Example:
        >>> pl.DataFrame({"pan": ["4111111111111111", "622202"]}).select(scheme(pl.col("pan"))).to_series().to_list()
        ['visa', 'unionpay']
    """
    low, high = _looked_up(digits, "0", "scheme"), _looked_up(digits, "9", "scheme")
    return pl.when(low == high).then(low).otherwise(pl.lit(UNKNOWN))


def issues_length(pan: pl.Expr) -> pl.Expr:
    """Whether the scheme of each full PAN issues PANs of that length; true where it is unknown."""
    lengths = _looked_up(pan, "0", "lengths").fill_null(2**32 - 1)
    return (lengths // pl.lit(2, dtype=pl.UInt32).pow(pan.str.len_bytes())) % 2 == 1


def _looked_up(digits: pl.Expr, fill: str, column: str) -> pl.Expr:
    return table().lookup(digits.str.head(_REACH).str.pad_end(_REACH, fill).cast(pl.UInt64), column)
