"""The check digit of card numbers, a column at a time.

A number is cut into chunks of four digits, and the sum of each chunk is read from a table: nineteen digits
take five look-ups instead of nineteen steps.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.digits import nulls

_DIGITS = 4  # even, so that the same places are doubled in every chunk of a number
#: One more than the largest chunk.
CHUNK = 10**_DIGITS


@cache
def sums() -> npt.NDArray[np.uint8]:
    """The Luhn sum of every chunk of digits: each second one from the right doubled."""
    rest = np.arange(CHUNK, dtype=np.uint32)
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
    from cardscreen.foundation.lookup import loops  # compiled when first used

    sound = np.empty(len(numbers), dtype=bool)
    loops.check(np.ascontiguousarray(numbers), sums(), sound)
    return sound
