"""The loop that reads cells of digits and nothing else, as almost all numbers of devices and SIM cards are written."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from cardscreen.foundation.lookup.compiled import loop
from cardscreen.foundation.lookup.digits import Bytes, Keys
from cardscreen.foundation.lookup.pointers import bytes_at, keys_at
from cardscreen.foundation.lookup.texts import Texts, digits_alone, is_given, opened, place_of, size_of
from cardscreen.kinds.keys import DIGITS
from cardscreen.tables.cells import to_text

_NOUGHT, _LAST_DIGIT, _TEN = ord("0"), 9, np.uint64(10)
_STEP = 16  # digits that are read at once, at most


class Digits(NamedTuple):
    """Cells of digits alone, as integers.

    Attributes:
        front: The first 19 digits, which fit.
        behind: The twentieth digit, or 0.
        size: How many digits; 0 of cells that are anything else, or longer or shorter than was asked.
    """

    front: Keys
    behind: Bytes
    size: Bytes


def digits_of(cells: pl.Series, fewest: int, most: int) -> Digits:
    """Cells of any type that can hold numbers, read where they are so many digits, 8 at least and 20 at most."""
    texts = Texts(cells.to_frame().select(to_text(pl.first(), exact=True)).to_series())
    rows = len(texts)
    found = Digits(np.empty(rows, dtype=np.uint64), np.empty(rows, dtype=np.uint8), np.empty(rows, dtype=np.uint8))
    _tell(texts.address, rows, fewest, most, *found)
    return found


@loop
def _tell(texts: int, rows: int, fewest: int, most: int, front: int, behind: int, size: int) -> None:
    """`Digits` of texts; the last three are filled in."""
    cells, fronts, lasts, sizes = opened(texts), keys_at(front), bytes_at(behind), bytes_at(size)
    for row in range(rows):
        fronts[row], lasts[row], sizes[row] = 0, 0, 0
        length = size_of(cells, row)
        if length < fewest or length > most or not is_given(cells, row):
            continue
        place = place_of(cells, row)
        at = min(length, _STEP)
        value = digits_alone(place, at)
        number, last = np.uint64(value), np.int64(0)
        is_number = value >= 0
        while is_number and at < length:
            digit = np.int64(bytes_at(place)[at]) - _NOUGHT
            is_number = 0 <= digit <= _LAST_DIGIT
            if at < DIGITS:
                number = number * _TEN + np.uint64(digit)
            else:
                last = digit
            at += 1
        if is_number:
            fronts[row], lasts[row], sizes[row] = number, last, length
