"""What may be shown of a card number (PCI DSS 4.0.1, 3.4.1)."""

from __future__ import annotations

import polars as pl

#: PCI DSS 4.0.1, requirement 3.4.1 and 3.5.1: at most the first six and the last four digits.
FIRST_SHOWN = 6

LAST_SHOWN = 4

_LONG_PAN = 16  # digits from which an IIN has eight (ISO/IEC 7812-1:2017)

_STARS = pl.Series(["*" * hidden for hidden in range(20)])


def mask(pan: pl.Expr, first: int = FIRST_SHOWN, last: int = LAST_SHOWN) -> pl.Expr:
    """Some leading and trailing digits, the rest `*`, as long as the PAN itself.

    Args:
        pan: String: a PAN of 12 to 19 digits, the like with `*` for hidden digits, or with `…` for an unknown
            number of them, which the mask then has too.
        first: How many leading digits to show, at most 8; PANs under 16 digits show at most six.
        last: How many trailing digits, at most 4.

    Returns:
        String; null for null.

    Source:
        PCI DSS 4.0.1, 3.5.1 (truncation).

    Example:
        >>> pl.DataFrame({"pan": ["4111111111111111"]}).select(mask(pl.col("pan"))).item()
        '411111******1111'
    """
    elided = pan.str.replace(f"^([0-9]{{0,{min(first, FIRST_SHOWN)}}})[0-9]*…(?:.*?)([0-9]{{0,{last}}})$", "${1}…${2}")
    shortened = pan.str.contains("…", literal=True)
    return pl.when(shortened).then(elided).otherwise(mask_of_known_length(pan, first, last))


def mask_of_known_length(pan: pl.Expr, first: int = FIRST_SHOWN, last: int = LAST_SHOWN) -> pl.Expr:
    """The same of texts without `…`, which is cheaper."""
    length = pan.str.len_chars()
    if first <= FIRST_SHOWN:
        head, leading = pan.str.head(first), pl.lit(first)
    else:
        leading = pl.when(length >= _LONG_PAN).then(first).otherwise(FIRST_SHOWN)
        head = pan.str.head(leading)
    # What an ellipsis shortens may be too short for the digits shown.
    hidden = pl.lit(_STARS).gather(length.cast(pl.Int32) - leading - last, null_on_oob=True)
    return head + hidden + pan.str.tail(last)
