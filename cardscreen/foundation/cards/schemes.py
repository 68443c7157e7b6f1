"""Which card scheme owns a PAN, by its leading digits, and which lengths it issues.

The table is `schemes.csv` beside this module: ranges of prefixes, the PAN lengths in use, the scheme, the
scheme whose network the card carries too (co-brand), where that is published, and when it was last looked
up there. Where ranges overlap, the narrower one (the longer prefix) wins: 506699 is Elo although 50 is
Maestro, 652150 is RuPay although 65 is Discover, 384100 is Hipercard although 38 is Diners. A card belongs to
the scheme that issues it, not to the network that accepts it abroad: 622126 is UnionPay, with Discover as its
co-brand.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen.foundation.cards.prefixes import Prefixes

#: Fewest and most digits of a card number (ISO/IEC 7812-1).
SHORTEST, LONGEST = 12, 19
#: Digits of a PAN that decide its scheme: more than any prefix in the table has.
_REACH = 8
UNKNOWN = "unknown"
_POWERS = np.array([10**zeros for zeros in range(LONGEST - _REACH + 1)], dtype=np.uint64)
#: The bit of each length, as in `_length_bits`; of the last one, none.
_BITS = pl.Series([1 << length for length in range(LONGEST + 1)] + [0], dtype=pl.UInt32)


def published() -> pl.DataFrame:
    """The table as it is kept: first, last, lengths, scheme, cobrand, source, checked (all String)."""
    content = (resources.files(__package__) / "schemes.csv").read_bytes()
    return pl.read_csv(content, infer_schema=False, comment_prefix="#")


@cache
def _prefixes() -> Prefixes:
    """Payload: scheme, lengths (UInt32, bit n: n digits)."""
    rows = published()
    lengths = pl.Series("lengths", [_length_bits(text) for text in rows["lengths"]], dtype=pl.UInt32)
    return Prefixes.of(rows["first"], rows["last"], rows.select("scheme", lengths), _REACH)


def _length_bits(lengths: str) -> int:
    """`13;16-19` as bits 13, 16, 17, 18 and 19."""
    bits = 0
    for part in lengths.split(";"):
        low, _, high = part.partition("-")
        for length in range(int(low), int(high or low) + 1):
            bits |= 1 << length
    return bits


def of_pans(number: pl.Series, length: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whose each full PAN is, and whether that scheme issues PANs of its length.

    Args:
        number: UInt64, the PAN's digits; anything is said of a null.
        length: How many digits it has, 8 to 19: leading zeros count.

    Returns:
        `scheme` (String; `unknown` where no scheme owns it) and `issued` (Boolean; true for unknown ones).
    """
    digits = length.fill_null(_REACH).clip(_REACH, LONGEST).to_numpy()
    leading = number.fill_null(0).to_numpy() // _POWERS[digits - _REACH]
    row = _prefixes().find(leading)  # of nobody: -1, the last of those named
    issued = _lengths().take(row) >> digits & 1
    return _named()["scheme"].gather(row), pl.Series("issued", issued == 1)


@cache
def _named() -> pl.DataFrame:
    """The table's payload, and behind it one row for what no interval holds."""
    payload = _prefixes().table.payload
    nobody = pl.DataFrame({"scheme": [UNKNOWN], "lengths": [2**32 - 1]}, schema=payload.schema)
    return pl.concat([payload, nobody])


@cache
def _lengths() -> npt.NDArray[np.uint32]:
    return _named()["lengths"].to_numpy()


def prepare() -> None:
    """Read the table before a query needs it in its midst."""
    _prefixes(), _named(), _lengths()


def of_leading(digits: pl.Expr) -> pl.Expr:
    """The scheme that owns all PANs with the leading digits that a truncated PAN shows.

    Args:
        digits: String that begins with the known digits; others stand for any.

    Returns:
        String: the scheme, or `unknown` where no scheme, or not one alone, owns them all; null for null.

    Example:
        >>> shown = pl.DataFrame({"shown": ["622202****", "6*********"]})
        >>> shown.select(of_leading(pl.col("shown"))).to_series().to_list()
        ['unionpay', 'unknown']
    """
    owner = pl.lit(_prefixes().table.payload["scheme"]).gather(_prefixes().of_shown(digits))
    return pl.when(digits.is_not_null()).then(owner.fill_null(UNKNOWN))


def issues_shown(digits: pl.Expr, length: pl.Expr) -> pl.Expr:
    """Whether the scheme that owns all PANs with the leading digits shown issues PANs of a length.

    Args:
        digits: As for `of_leading`.
        length: Any whole number.

    Returns:
        Boolean; of digits that no scheme owns alone: whether a PAN may have that length at all.

    Example:
        >>> shown = pl.DataFrame({"shown": ["622202****1234", "622202******1234", "990000****1234"]})
        >>> shown.select(issues_shown(pl.col("shown"), pl.col("shown").str.len_chars())).to_series().to_list()
        [False, True, True]
    """
    lengths = pl.lit(_prefixes().table.payload["lengths"]).gather(_prefixes().of_shown(digits))
    bit = pl.lit(_BITS).gather(length.clip(0, len(_BITS) - 1))
    return ((lengths & bit) > 0).fill_null(value=True) & length.is_between(SHORTEST, LONGEST)
