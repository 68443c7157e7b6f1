"""What of any identifier stands where many may look: enough to know one's own again, and not to use it."""

from __future__ import annotations

import polars as pl

from cardscreen.kinds.tokens import TOKEN

_FIRST, _LAST, _HIDDEN = 6, 4, 4  # as PCI DSS 4.0.1, 3.5.1 has it of cards, at most
_TOKEN = 15  # characters: the key's id, the colon, and six more


def masked(value: pl.Expr) -> pl.Expr:
    """Canonical values with their middle hidden; what hides a part of itself already stays as it is.

    Args:
        value: String, as in the `value` column of hits.

    Returns:
        String: up to six characters in front and four behind, always `****` between them; of a token the key's id and
        six characters more; null for null.

    Example:
        >>> numbers = pl.DataFrame({"value": ["+8613800138000", "411111******1111", "+3545812345", "112"]})
        >>> numbers.select(masked(pl.col("value"))).to_series().to_list()
        ['+86138****8000', '411111******1111', '+354****345', '****']
    """
    length = value.str.len_chars().cast(pl.Int64)
    last = pl.min_horizontal(pl.lit(_LAST), length // 3)
    first = pl.min_horizontal(pl.lit(_FIRST), length - last - _HIDDEN).clip(lower_bound=0)
    hidden = value.str.head(first) + "*" * _HIDDEN + value.str.tail(pl.when(length > _HIDDEN).then(last).otherwise(0))
    shown = pl.when(value.str.contains(r"[*…]")).then(value).otherwise(hidden)
    return pl.when(value.str.contains(TOKEN)).then(value.str.head(_TOKEN) + "…").otherwise(shown)


def masked_text(value: str) -> str:
    """The same of one value.

    Example:
        >>> masked_text("+8613800138000")
        '+86138****8000'
    """
    return str(pl.select(masked(pl.lit(value))).item())
