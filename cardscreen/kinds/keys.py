"""The UInt64 keys by which accounts are looked up: those of numbers keep their order, those of texts don't.

Several values may have one key: evidence compares the whole values.
"""

from __future__ import annotations

import polars as pl
from polars_hash import NonCryptographicHashingNameSpace

DIGITS = 19  # always fit into UInt64; further digits are compared as text


def of_digits(value: pl.Expr) -> pl.Expr:
    """The key of a canonical number: its first 19 digits. Streams."""
    return value.str.strip_prefix("+").str.head(DIGITS).cast(pl.UInt64)


def of_text(value: pl.Expr) -> pl.Expr:
    """The key of any canonical text: its XXH3 hash, the same on every machine and in every version. Streams."""
    return NonCryptographicHashingNameSpace(value).xxh3_64()
