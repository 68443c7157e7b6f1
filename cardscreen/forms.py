"""The forms in which a list writes values: one number, a prefix, a range, a number with hidden digits."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

_NOTHING = pl.lit(None, dtype=pl.String)


def as_listed(
    value: pl.Expr, *, prefix: pl.Expr, low: pl.Expr, high: pl.Expr, others: Mapping[str, pl.Expr]
) -> pl.Expr:
    """`schema.LISTED` of listed values: the first form that a value has, null where it has none.

    Args:
        value: String, as written.
        prefix: What stands before the star of a prefix, else null.
        low: The lower end of a range, else null. What has one is a range or nothing.
        high: The upper end; both ends have the same length.
        others: Other matches and the canonical value of what has that form, else null.
    """
    ordered = (low.str.len_bytes() == high.str.len_bytes()) & (low <= high)
    listed = (
        pl.when(prefix.is_not_null())
        .then(pl.struct(match=pl.lit("range"), value=value, low=prefix, high=prefix, open=True))
        .when(ordered)
        .then(pl.struct(match=pl.lit("range"), value=value, low=low, high=high, open=False))
    )
    for match, canonical in others.items():
        told = pl.struct(match=pl.lit(match), value=canonical, low=_NOTHING, high=_NOTHING, open=False)
        listed = listed.when(canonical.is_not_null() & low.is_null()).then(told)
    return listed
