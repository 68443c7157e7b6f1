"""Mobile subscriptions by their IMSI: from raw cells to the number, its country and its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import polars as pl
from stdnum import numdb

from cardscreen.foundation.lookup.digits import POWERS, Flags, PlainKeys
from cardscreen.foundation.lookup.fillers import FILLING, members_filling
from cardscreen.kinds.exact import ONLY_FILLS, status_of
from cardscreen.kinds.mobile.numbers import Numbers, read_column
from cardscreen.kinds.mobile.reading import digits_of

_SHORTEST, _LONGEST, _USUAL = 6, 15, 14  # digits; fewer than the last are usual nowhere
_MCC = 3  # digits
_NETWORK = 6  # digits of country and network, at most
_OF_NOBODY = np.uint64(10**9)  # divides what has nothing but noughts behind the network
STATUSES = pl.Enum(["missing", "not_an_imsi", "bad_length", "unknown_country", "short", "valid"])
FIELDS = pl.Struct({"value": pl.String, "mcc": pl.String, "mnc": pl.String, "status": STATUSES})


def imsi(expr: str | pl.Expr) -> pl.Expr:
    """Read raw cells of IMSIs: which subscription, of which network.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers. Blanks and hyphens
            are dropped.

    Returns:
        Struct{value: String, mcc: String, mnc: String, status: Enum}, named like the input. `mcc` is the mobile
        country code, `mnc` that of the network, null where the registry doesn't know it. Status: `missing`;
        `not_an_imsi`: not digits alone; `bad_length`: fewer than 6 digits, or more than 15, or fewer than 14 of no
        country; `unknown_country`: a country code that is in no use; `short`: fewer than 14 digits, as few networks
        have; `valid`. Cells with one of the first three have no other field, all others are screened.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        ITU-T E.212; `python-stdnum`, whose verdicts and registry these are (it takes no short ones).

    Example:
        >>> cells = pl.DataFrame({"imsi": ["460 00 1234567890", "310150123456789"]})
        >>> cells.select(imsi("imsi").struct.unnest()).rows()
        [('460001234567890', '460', '00', 'valid'), ('310150123456789', '310', '150', 'valid')]
    """
    value, number, length, digits, size = (pl.col(name) for name in ("value", "number", "length", "digits", "size"))
    head = number.str.head(_NETWORK).cast(pl.UInt32)
    status = status_of(
        STATUSES,
        missing=pl.col("blank"),
        not_an_imsi=~digits,
        bad_length=value.is_null(),
        unknown_country=length < 0,
        short=size < _USUAL,
    )
    return read_column(
        expr,
        FIELDS,
        {"number": pl.when(digits & size.is_between(_SHORTEST, _LONGEST)).then("text")},
        {"length": head.map_batches(_network_lengths, return_dtype=pl.Int8, is_elementwise=True)},
        # A short one of no country is some other number.
        {"value": pl.when((length >= 0) | (size >= _USUAL)).then(number)},
        {"mcc": value.str.head(_MCC), "mnc": pl.when(length > 0).then(value.str.slice(_MCC, length)), "status": status},
    )


def _network_lengths(heads: pl.Series) -> pl.Series:
    """Of the first six digits, how many are the network's behind the country's: 0: unknown; -1: the country, too."""
    known = heads.unique().drop_nulls()  # an operator's own begin in few ways
    lengths = [_length(head) for head in known.to_list()]
    return heads.replace_strict(known, pl.Series(lengths, dtype=pl.Int8), default=None, return_dtype=pl.Int8)


@cache
def _length(head: int) -> int:
    """How many digits the network has, in the parts that the registry tells: country, network, and the rest."""
    parts = numdb.get("imsi").split(f"{head:06}000000000")
    if len(parts) == 1:
        return -1
    return len(parts[1]) if len(parts) > len(("country", "rest")) else 0


@cache
def _countries() -> Flags:
    """By their three digits, which countries there are."""
    return np.array([_length(country * 10 ** (_NETWORK - _MCC)) >= 0 for country in range(10**_MCC)])


@dataclass(frozen=True)
class Imsi(Numbers):
    """The identifier kind of mobile subscriptions. A listing may be a prefix or a range.

    Canonical: its 15 digits, or fewer.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has it.
        many: A cell may hold several: each is screened.

    Example:
        >>> Imsi().name
        'imsi'
    """

    name: ClassVar[str] = "imsi"
    noun: ClassVar[tuple[str, str]] = ("IMSI", "IMSIs")
    flaw: ClassVar[str] = "unknown_country"
    notes: ClassVar[tuple[str, ...]] = (flaw, "short")
    digits: ClassVar[int] = _LONGEST
    ends: ClassVar[str] = "[0-9]{14,15}"
    fillers: ClassVar[str] = rf"^(?:{FILLING}|[0-9]{{5,6}}0{{9,}})$"  # or a network, and no subscription of it
    reasons: ClassVar[Mapping[str, str]] = {fillers: ONLY_FILLS}

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, mcc, mnc, status}."""
        return imsi(cell)

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of numbers of digits alone that are not short, and don't only fill a field."""
        number, _, size = digits_of(cells.to_series(0), _USUAL, _LONGEST)
        country = number // POWERS[np.maximum(size, _USUAL) - _MCC]
        plain = (size > 0) & (number % _OF_NOBODY != 0) & ~members_filling(_USUAL, _LONGEST).has(number)
        return PlainKeys.where(plain, number, ~_countries()[country])

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """False: other numbers may have as many digits, and begin as some country's do."""
        return cell.is_null() & False
