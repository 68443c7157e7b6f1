"""What may be shown of a card number: masks."""

from __future__ import annotations

import polars as pl

#: PCI DSS 4.0.1, requirement 3.4.1 and 3.5.1: at most the first six and the last four digits.
FIRST_SHOWN = 6
LAST_SHOWN = 4
_STARS = pl.Series(["*" * hidden for hidden in range(20)])


def mask(pan: pl.Expr) -> pl.Expr:
    """First six and last four digits, the rest `*`, as long as the PAN itself.

    Args:
        pan: String of 12 to 19 characters, a PAN or a truncated PAN.

    Returns:
        String; null for null.

    Source:
        PCI DSS 4.0.1, 3.5.1 (truncation).

    Example:
        >>> pl.DataFrame({"pan": ["4111111111111111"]}).select(mask(pl.col("pan"))).item()
        '411111******1111'
    """
    hidden = pan.str.len_bytes() - FIRST_SHOWN - LAST_SHOWN
    return pan.str.head(FIRST_SHOWN) + pl.lit(_STARS).gather(hidden) + pan.str.tail(LAST_SHOWN)
