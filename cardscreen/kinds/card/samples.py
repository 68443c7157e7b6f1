"""Card numbers that are nobody's: those that are published for testing, and those that forms are filled with."""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import polars as pl

from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST
from cardscreen.foundation.lookup.digits import Flags, Keys
from cardscreen.foundation.lookup.fillers import filling_numbers, members_filling
from cardscreen.foundation.lookup.members import Members


@cache
def published() -> pl.DataFrame:
    """The numbers of `samples.csv` beside this module: pan, scheme, source (String)."""
    return pl.read_csv((resources.files(__package__) / "samples.csv").read_bytes(), infer_schema=False)


def is_sample(pan: pl.Expr) -> pl.Expr:
    """Whether each UInt64 is a published test number: Boolean, null for null. Streams.

    Example:
        >>> numbers = pl.DataFrame({"pan": [4111111111111111, 6222021234561234]})
        >>> numbers.select(is_sample(pl.col("pan"))).to_series().to_list()
        [True, False]
    """
    return pan.is_in(published()["pan"].cast(pl.UInt64).implode())


def are_fillers(numbers: Keys) -> Flags:
    """Whether each number is one that forms are filled with, and of nobody: 0000…, 9999…, 1234567890…, 9876….

    Example:
        >>> are_fillers(np.array([8888888888888888, 1234567890123456, 4111111111111111], dtype=np.uint64)).tolist()
        [True, True, False]
    """
    return members_filling(SHORTEST, LONGEST).has(numbers)


@cache
def nobodys() -> Members:
    """All these numbers, to look others up in."""
    return Members(np.concatenate([filling_numbers(SHORTEST, LONGEST), published()["pan"].cast(pl.UInt64).to_numpy()]))
