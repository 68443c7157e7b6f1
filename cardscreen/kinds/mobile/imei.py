"""Mobile devices by their IMEI: from raw cells to the type and the serial number, without check digit or version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from cardscreen.foundation.cards.luhn import is_sound, luhn_ok
from cardscreen.foundation.lookup.digits import POWERS, PlainKeys
from cardscreen.foundation.lookup.fillers import FILLING, members_filling
from cardscreen.kinds.exact import FILLED, ONLY_FILLS, status_of
from cardscreen.kinds.mobile.numbers import Numbers, read_column
from cardscreen.kinds.mobile.reading import digits_of
from cardscreen.tables.cells import to_text

_TAC, _LENGTH = 8, 14  # digits of the type allocation code, and with the serial number
_CHECKED, _VERSIONED = 15, 16  # digits with a check digit; with a software version in its place
#: How the numbers begin that are given today: by the bodies of North America, Europe, China, and the GSMA.
_BODIES = ["01", "35", "86", "99"]
STATUSES = pl.Enum(["missing", "not_an_imei", "bad_length", "bad_checksum", "spare_digit", "valid"])
FIELDS = pl.Struct({"value": pl.String, "tac": pl.String, "status": STATUSES})


def imei(expr: str | pl.Expr) -> pl.Expr:
    """Read raw cells of IMEIs: which device, and is the number sound.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers. Blanks and hyphens
            are dropped.

    Returns:
        Struct{value: String, tac: String, status: Enum}, named like the input. `value` is the 14 digits of type
        allocation code and serial number, whether the cell has these alone, a check digit behind them (15 digits), or
        a software version (16, an IMEISV); `tac` the first eight. Status: `missing`; `not_an_imei`: not digits alone;
        `bad_length`: neither 14, 15 nor 16; `bad_checksum`: a wrong check digit; `spare_digit`: 0 stands in its place,
        as signalling has it; `valid`. Cells with one of the first three have no other field, all others are screened.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        3GPP TS 23.003, 6.2; GSMA TS.06; `python-stdnum`, whose verdicts these are (`spare_digit` is no valid one).

    Example:
        >>> cells = pl.DataFrame({"device": ["35-209900-176148-1", "3520990017614823"]})
        >>> cells.select(imei("device").struct.unnest()).rows()
        [('35209900176148', '35209900', 'valid'), ('35209900176148', '35209900', 'valid')]
    """
    text, size, digits, is_long = (pl.col(name) for name in ("text", "size", "digits", "is_long"))
    checked = pl.when(digits & (size == _CHECKED)).then(text).cast(pl.UInt64)
    status = status_of(
        STATUSES,
        missing=pl.col("blank"),
        not_an_imei=~digits,
        bad_length=~is_long,
        spare_digit=~pl.col("sound") & text.str.ends_with("0"),
        bad_checksum=~pl.col("sound"),
    )
    return read_column(
        expr,
        FIELDS,
        {"is_long": size.is_between(_LENGTH, _VERSIONED), "sound": luhn_ok(checked).fill_null(value=True)},
        {"value": pl.when(digits & is_long).then(text.str.head(_LENGTH)), "status": status},
        {"tac": pl.col("value").str.head(_TAC)},
    )


@dataclass(frozen=True)
class Imei(Numbers):
    """The identifier kind of mobile devices. A listing may be all devices of a type: `35209900*`.

    Canonical: its first 14 digits, of 14, 15 or 16.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has the device.
        many: A cell may hold several: each is screened.

    Example:
        >>> Imei(holder_since="bought_on").name
        'imei'
    """

    name: ClassVar[str] = "imei"
    noun: ClassVar[tuple[str, str]] = ("IMEI", "IMEIs")
    notes: ClassVar[tuple[str, ...]] = ("bad_checksum", "spare_digit")
    widest: ClassVar[str] = "{:,} devices of one type (the first eight digits)"
    digits: ClassVar[int] = _LENGTH
    ends: ClassVar[str] = "[0-9]{14,16}"
    stem: ClassVar[int] = _TAC
    fillers: ClassVar[str] = FILLED
    reasons: ClassVar[Mapping[str, str]] = {f"^{FILLING}[0-9]{{0,2}}$": ONLY_FILLS}  # with what stands behind it

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, tac, status}."""
        return imei(cell)

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of numbers of digits alone that don't only fill a field; a spare digit needs a closer look."""
        number, _, size = digits_of(cells.to_series(0), _LENGTH, _VERSIONED)
        first = number // POWERS[np.maximum(size, _LENGTH) - _LENGTH]
        unsound = (size == _CHECKED) & ~is_sound(number)
        plain = (size > 0) & ~members_filling(_LENGTH, _LENGTH).has(first) & ~(unsound & (number % np.uint64(10) == 0))
        return PlainKeys.where(plain, first, unsound)

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely an IMEI: 15 digits with their check digit, of a body that gives them. Never null."""
        read = self.readings(cell).struct
        whole = to_text(cell).str.count_matches("[0-9]") == _CHECKED
        given = read.field("tac").str.head(2).is_in(_BODIES)
        return (whole & given & (read.field("status") == "valid")).fill_null(value=False)
