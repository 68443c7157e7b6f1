"""Which card scheme owns a PAN, by its leading digits, and which lengths it issues.

The table is `schemes.csv` beside this module: ranges of prefixes with the PAN lengths in use. Where
ranges overlap, the narrower one (the longer prefix) wins: 506699 is Elo although 50 is Maestro.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import polars as pl

from cardscreen.intervals import Intervals

#: Digits of a PAN that decide its scheme: more than any prefix in the table has.
_REACH = 8
UNKNOWN = "unknown"
_LONGEST = 19
_POWERS = np.array([10**zeros for zeros in range(_LONGEST - _REACH + 1)], dtype=np.uint64)


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


def of_pans(number: pl.Series, length: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whose each full PAN is, and whether that scheme issues PANs of its length.

    Args:
        number: UInt64, the PAN's digits; anything is said of a null.
        length: How many digits it has, 8 to 19: leading zeros count.

    Returns:
        `scheme` (String; `unknown` where no scheme owns it) and `issued` (Boolean; true for unknown ones).
    """
    digits = length.fill_null(_REACH).clip(_REACH, _LONGEST).to_numpy()
    leading = pl.Series(number.fill_null(0).to_numpy() // _POWERS[digits - _REACH])
    row = leading.to_frame().select(table().locate(pl.first())).to_series().fill_null(len(_named()) - 1)
    issued = _named()["lengths"].gather(row).to_numpy() >> digits & 1
    return _named()["scheme"].gather(row), pl.Series("issued", issued == 1)


@cache
def _named() -> pl.DataFrame:
    """The table's payload, and behind it one row for what no interval holds."""
    nobody = pl.DataFrame({"scheme": [UNKNOWN], "lengths": [2**32 - 1]}, schema=table().payload.schema)
    return pl.concat([table().payload, nobody])


def of_leading(digits: pl.Expr) -> pl.Expr:
    """The scheme that owns all PANs with the leading digits that a truncated PAN shows.

    Args:
        digits: String that begins with the known digits; others stand for any.

    Returns:
        String: the scheme, or `unknown` where no scheme, or not one alone, owns them all; null for null.

    Example:
        >>> shown = pl.DataFrame({"shown": ["622202****", "6*********"]})
        >>> shown.select(of_leading(pl.col("shown"))).to_series().to_list()
        ['unionpay', 'unknown']
    """
    low, high = (_row_with(digits, fill) for fill in "09")
    owner = pl.lit(table().payload["scheme"]).gather(low)
    return pl.when(low == high).then(owner).when(digits.is_not_null()).then(pl.lit(UNKNOWN))


def _row_with(digits: pl.Expr, fill: str) -> pl.Expr:
    leading = digits.str.head(_REACH).str.replace_all(r"[^0-9]", fill).str.pad_end(_REACH, fill)
    return table().locate(leading.cast(pl.UInt64))
