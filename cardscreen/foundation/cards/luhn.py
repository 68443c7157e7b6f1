"""The check digit of card numbers, a column at a time.

A number is cut into chunks of six digits, and the sum of each chunk is read from a table: nineteen digits
take four look-ups instead of nineteen steps.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.digits import nulls

_DIGITS = 6  # even, so that the same places are doubled in every chunk of a number
_CHUNK = np.uint64(10**_DIGITS)


@cache
def _sums() -> npt.NDArray[np.uint8]:
    """The Luhn sum of every chunk of six digits: each second one from the right doubled."""
    rest = np.arange(_CHUNK, dtype=np.uint32)
    sums = np.zeros(len(rest), dtype=np.uint8)
    for place in range(_DIGITS):
        rest, digit = np.divmod(rest, 10)
        sums += (2 * digit - 9 * (digit > 4) if place % 2 else digit).astype(np.uint8)
    return sums


def luhn_ok(number: pl.Expr) -> pl.Expr:
    """Whether the last digit of each UInt64 is its Luhn check digit: Boolean, null for null. Streams.

    Source:
        ISO/IEC 7812-1, Annex B.

    Example:
        >>> pl.DataFrame({"n": [4111111111111111, 4111111111111112]}).select(luhn_ok(pl.col("n"))).to_series().to_list()
        [True, False]
    """

    def check(numbers: pl.Series) -> pl.Series:
        fits = pl.Series(numbers.name, is_sound(numbers.cast(pl.UInt64).fill_null(0).to_numpy()))
        return (
            fits if not numbers.has_nulls() else fits.zip_with(numbers.is_not_null(), nulls("", pl.Boolean, len(fits)))
        )

    return number.map_batches(check, return_dtype=pl.Boolean, is_elementwise=True)


def is_sound(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Whether the last digit of each number is its Luhn check digit."""
    if not len(numbers):
        return np.zeros(0, dtype=bool)  # a table of a million sums is made for none
    sums, rest = _sums(), numbers
    total = np.zeros(len(rest), dtype=np.uint8)  # 20 digits sum to at most 180
    while rest.any():
        upper = rest // _CHUNK
        # As signed integers, chunks are indices without a copy.
        total += sums.take((rest - upper * _CHUNK).view(np.int64))
        rest = upper
    fits: npt.NDArray[np.bool_] = total % 10 == 0
    return fits
