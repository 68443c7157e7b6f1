"""The groups in which card numbers are written, and which digits beside each other are no one number.

People number their cards and write expiry dates and card codes behind them: glued to a number, such digits make it
somebody else's.
"""

from __future__ import annotations

import polars as pl

_FOURS = (4, 4, 4)
#: Sizes of the groups in use: fours with a shorter last group; Amex and Diners; the IIN and all others.
_USUAL = [
    *(_FOURS, *((*_FOURS, last) for last in range(1, 5)), *((*_FOURS, 4, last) for last in range(1, 4))),
    *((4, 6, 5), (4, 6, 4), *((6, others) for others in range(7, 14))),
]
#: The same, each as one number: of groups of sizes a, b and c, (a · GROUP + b) · GROUP + c.
GROUP = 32
USUAL_SIZES = [sum(size * GROUP**place for place, size in enumerate(reversed(groups))) for groups in _USUAL]
_WRITTEN = "|".join(" ".join(f"[0-9]{{{size}}}" for size in groups) for groups in _USUAL)
#: Groups with one blank between each two.
USUAL = f"^(?:[0-9]+|{_WRITTEN})$"
#: Among other groups some that would be a number by themselves.
HOLDS_NUMBER = f"(?:^| )(?:[0-9]{{12,}}|{_WRITTEN})(?: |$)"
#: A small number, such as which card of several, and a whole one.
ORDINAL = f"^[0-9]{{1,3}} ([0-9]{{12,19}}|{_WRITTEN})$"
#: A whole number, and what may belong to it or be a card code.
CODED = r"^((?:[0-9]{4} ){3}[0-9]{4}) [0-9]{1,3}$"
_PAIR = r"^([0-9]{6,9})(?: |\.{2,}|…|⋯)([0-9]{6,9})$"
_SHOWN = "[0-9*•●＊xX#]"
_MASK = "[^0-9 ]"
#: Of numbers with hidden digits: a small number in front, or two groups of digits behind; and where these are usual.
_BESIDE_HIDDEN = f"^[0-9]{{1,3}} |{_MASK} ?[0-9]+ [0-9]+$"
_USUAL_HIDDEN = (
    f"^(?:{_SHOWN}{{4}} ){{3}}{_SHOWN}{{4}}$|^(?:{_SHOWN}{{4}} ){{3}}{_SHOWN}{{0,3}}{_MASK}{_SHOWN}* {_SHOWN}{{1,3}}$"
)


def are_prefixes(spaced: pl.Expr) -> pl.Expr:
    """Whether two groups are the first and last of a range of prefixes: equally long, and they begin alike.

    Example:
        >>> cells = pl.DataFrame({"x": ["62220200 62220299", "41111111 11111111"]})
        >>> cells.select(are_prefixes(pl.col("x"))).to_series().to_list()
        [True, False]
    """
    low, high = spaced.str.extract(_PAIR, 1), spaced.str.extract(_PAIR, 2)
    alike = (low.str.len_bytes() == high.str.len_bytes()) & (low.str.head(2) == high.str.head(2))
    return alike.fill_null(value=False)


def are_odd_hidden(spaced: pl.Expr) -> pl.Expr:
    """Whether groups of which some hide digits are more than one number with hidden digits."""
    return are_prefixes(spaced) | (spaced.str.contains(_BESIDE_HIDDEN) & ~spaced.str.contains(_USUAL_HIDDEN))
