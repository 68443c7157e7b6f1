"""The check digit of card numbers, a column at a time.

A number is cut into chunks of four digits, and the sum of each chunk is read from a table: nineteen digits
take five look-ups instead of nineteen steps.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import nulls
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at, part

_DIGITS = 4  # even, so that the same places are doubled in every chunk of a number
_CHUNK = np.uint64(10**_DIGITS)
_HALF = _CHUNK * _CHUNK


@cache
def sums() -> npt.NDArray[np.uint8]:
    """The Luhn sum of every chunk of digits: each second one from the right doubled."""
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
    sound = np.empty(len(numbers), dtype=bool)
    _check(np.ascontiguousarray(numbers, dtype=np.uint64), len(numbers), sums(), sound)
    return sound


@part
def passes(number: Any, sums: int) -> Any:
    """Whether a number passes Luhn, by `luhn.sums`."""
    # In halves, none of which waits for another: 20 digits at most, so the first one is a chunk.
    front = number // _HALF
    first = front // _HALF
    second, third = front - first * _HALF, number - front * _HALF
    return (bytes_at(sums)[first] + _of_half(second, sums) + _of_half(third, sums)) % 10 == 0


@part
def _of_half(half: Any, sums: int) -> Any:
    head = half // _CHUNK
    return bytes_at(sums)[head] + np.int64(bytes_at(sums)[half - head * _CHUNK])


@loop
def _check(numbers: int, count: int, sums: int, sound: int) -> None:
    """Which numbers pass Luhn."""
    for at in range(count):
        bytes_at(sound)[at] = passes(keys_at(numbers)[at], sums)
