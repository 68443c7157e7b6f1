"""Card numbers that schemes and payment providers publish for testing: nobody's, however often they occur."""

from __future__ import annotations

from functools import cache
from importlib import resources

import polars as pl

from cardscreen.members import Members


@cache
def published() -> pl.DataFrame:
    """The numbers of `samples.csv` beside this module: pan, scheme, source (String)."""
    return pl.read_csv((resources.files("cardscreen") / "samples.csv").read_bytes(), infer_schema=False)


@cache
def members() -> Members:
    """The numbers as keys, to look others up in."""
    return Members(published()["pan"].cast(pl.UInt64).to_numpy())


def is_sample(pan: pl.Expr) -> pl.Expr:
    """Whether each UInt64 is a published test number: Boolean, null for null. Streams.

    Example:
        >>> numbers = pl.DataFrame({"pan": [4111111111111111, 6222021234561234]})
        >>> numbers.select(is_sample(pl.col("pan"))).to_series().to_list()
        [True, False]
    """
    return pan.is_in(published()["pan"].cast(pl.UInt64).implode())
