"""What of any identifier stands where many may look: enough to know one's own again, and not to use it."""

from __future__ import annotations

import polars as pl

_FIRST, _LAST, _HIDDEN = 6, 4, 4  # as PCI DSS 4.0.1, 3.5.1 has it of cards, at most


def masked(value: pl.Expr) -> pl.Expr:
    """Canonical values with their middle hidden; what hides a part of itself already stays as it is.

    Args:
        value: String, as in the `value` column of hits.

    Returns:
        String: up to six characters in front and four behind, always `****` between them; null for null.

    Example:
        >>> numbers = pl.DataFrame({"value": ["+8613800138000", "411111******1111", "+3545812345", "112"]})
        >>> numbers.select(masked(pl.col("value"))).to_series().to_list()
        ['+86138****8000', '411111******1111', '+354****345', '****']
    """
    length = value.str.len_chars().cast(pl.Int64)
    last = pl.min_horizontal(pl.lit(_LAST), length // 3)
    first = pl.min_horizontal(pl.lit(_FIRST), length - last - _HIDDEN).clip(lower_bound=0)
    hidden = value.str.head(first) + "*" * _HIDDEN + value.str.tail(pl.when(length > _HIDDEN).then(last).otherwise(0))
    return pl.when(value.str.contains(r"[*…]")).then(value).otherwise(hidden)


def masked_text(value: str) -> str:
    """The same of one value.

    Example:
        >>> masked_text("+8613800138000")
        '+86138****8000'
    """
    return str(pl.select(masked(pl.lit(value))).item())
