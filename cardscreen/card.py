"""Payment cards: from raw cells to the PAN's scheme, IIN, check and mask.

A primary account number (PAN) has 12 to 19 digits: the issuer's identification number (IIN), the
account, and one check digit (ISO/IEC 7812-1). The check is evidence and never a gate, since some
cards in circulation fail it. The PAN itself leaves this module only where it was asked for by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen import schema, schemes, tokens
from cardscreen.cleaning import as_expr, is_blank, named_like, over_fields, to_text

#: Fewest and most digits of a PAN (ISO/IEC 7812-1).
SHORTEST, LONGEST = 12, 19
#: IIN digits (ISO/IEC 7812-1:2017) and those of PANs too short to have the longer form.
_IIN, _SHORT_IIN, _LONG_PAN = 8, 6, 16

_FULL_WIDTH = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
_SPACES_AND_HYPHENS = r"[\s\x{AD}\x{200B}\x{2060}\x{FEFF}\-\x{2010}-\x{2015}\x{2212}\x{FF0D}]"
#: Leading digits, a run of mask characters, trailing digits. A single x is a slip, not a mask.
_TRUNCATED = r"^[0-9]*(?:[*•●＊]|[xX#]{2,})[*•●＊xX#]*[0-9]*$"
_MASK_CHARACTER = r"[^0-9]"

_CARD_FIELDS: dict[str, pl.DataType | type[pl.DataType]] = {
    "iin": pl.String,
    "last4": pl.String,
    "scheme": pl.String,
    "status": schema.CARD_STATUSES,
    "masked": pl.String,
}
_PARTS = pl.Struct({"text": pl.String, "status": pl.String, "scheme": pl.String})
_LUHN_CHUNK = 10_000  # an even number of digits, so that every chunk doubles the same places


def _luhn_table() -> npt.NDArray[np.uint8]:
    """The Luhn sum of every four-digit chunk: the second and fourth digit from the right doubled."""
    chunk = np.arange(_LUHN_CHUNK)
    units, tens, hundreds, thousands = (chunk // 10**place % 10 for place in range(4))
    doubled = [2 * digit - 9 * (digit > 4) for digit in (tens, thousands)]
    total: npt.NDArray[np.uint8] = (units + hundreds + doubled[0] + doubled[1]).astype(np.uint8)
    return total


_LUHN = _luhn_table()


def card(expr: str | pl.Expr, pan: bool = False) -> pl.Expr:
    """Read raw card cells: which scheme, which issuer, and is the number sound.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers.
            Spaces and hyphens are removed and full-width digits folded.
        pan: Give the full PAN as well, as the first field. Handle that column as a secret.

    Returns:
        Struct{iin: String, last4: String, scheme: String, status: Enum, masked: String}, and `pan:
        String` in front when asked for, named like the input. `iin` has 8 digits, 6 for PANs under
        16 digits. All fields are filled whenever 12 to 19 digits remain, whatever the status; a
        truncated PAN (`622202******1234`) fills what it shows and never `pan`.

    Raises:
        InputError: When the query runs, if the column cannot hold numbers.

    Source:
        ISO/IEC 7812-1:2017, Annex B for the check digit; PCI DSS 4.0.1, 3.5.1 for the mask.

    Example:
        >>> cells = pl.DataFrame({"card": ["4111 1111 1111 1111"]})
        >>> cells.select(card("card").struct.unnest()).row(0)
        ('41111111', '1111', 'visa', 'valid', '411111******1111')
    """
    text, status = pl.col("text"), pl.col("status").cast(schema.CARD_STATUSES)
    fields: dict[str, pl.Expr] = {
        "iin": _iin(text),
        "last4": text.str.tail(4).str.extract("^([0-9]+)$"),
        "scheme": pl.col("scheme"),
        "status": status,
        "masked": tokens.mask(text),
    }
    types = _CARD_FIELDS
    if pan:
        fields = {"pan": pl.when(status != "truncated").then(text), **fields}
        types = {"pan": pl.String, **types}
    return named_like(over_fields(_parts(as_expr(expr)), pl.Struct(types), **fields), expr)


def _iin(text: pl.Expr) -> pl.Expr:
    length = pl.when(text.str.len_bytes() >= _LONG_PAN).then(_IIN).otherwise(_SHORT_IIN)
    return text.str.head(length).str.extract("^([0-9]+)")


def _parts(cell: pl.Expr) -> pl.Expr:
    """Struct{text, status, scheme}: `text` the PAN, or a truncated PAN with `*`; null if it is neither."""
    raw = to_text(cell)
    clean = raw.str.replace_all(_SPACES_AND_HYPHENS, "").str.replace_many(_FULL_WIDTH)
    cleaned = pl.struct(clean.alias("clean"), is_blank(raw).alias("blank"))
    return over_fields(over_fields(cleaned, _SHAPED, **_shaped()), _PARTS, **_judged())


_SHAPED = pl.Struct({"blank": pl.Boolean, "truncated": pl.Boolean, "digits": pl.Boolean, "text": pl.String})


def _shaped() -> dict[str, pl.Expr]:
    """What kind of text a cleaned cell is, and that text where its length fits."""
    clean = pl.col("clean")
    truncated = clean.str.contains(_TRUNCATED) & clean.str.contains("[0-9]")
    digits = clean.str.contains("^[0-9]+$")
    starred = pl.when(truncated).then(clean.str.replace_all(_MASK_CHARACTER, "*")).when(digits).then(clean)
    fits = starred.str.len_bytes().is_between(SHORTEST, LONGEST)
    return {"blank": pl.col("blank"), "truncated": truncated, "digits": digits, "text": pl.when(fits).then(starred)}


def _judged() -> dict[str, pl.Expr]:
    """Status and scheme of shaped text; the first status that applies, in the order of the contract."""
    text, truncated = pl.col("text"), pl.col("truncated")
    full = pl.when(~truncated).then(text)
    status = (
        pl.when("blank")
        .then(pl.lit("missing"))
        .when(truncated)
        .then(pl.lit("truncated"))
        .when(~pl.col("digits"))
        .then(pl.lit("not_a_number"))
        .when(text.is_null() | ~schemes.issues_length(full))
        .then(pl.lit("bad_length"))
        .when(~luhn_ok(full.cast(pl.UInt64)))
        .then(pl.lit("bad_checksum"))
        .otherwise(pl.lit("valid"))
    )
    leading = pl.when(truncated).then(text.str.extract(r"^([0-9]+)")).otherwise(text)
    scheme = pl.when(text.is_not_null()).then(schemes.scheme(leading))
    return {"text": text, "status": status, "scheme": scheme}


def luhn_ok(number: pl.Expr) -> pl.Expr:
    """Whether the last digit of each UInt64 is its Luhn check digit: Boolean, null for null. Streams.

    Source:
        ISO/IEC 7812-1, Annex B.

    Example:
        >>> pl.DataFrame({"n": [4111111111111111, 4111111111111112]}).select(luhn_ok(pl.col("n"))).to_series().to_list()
        [True, False]
    """

    def check(numbers: pl.Series) -> pl.Series:
        rest = numbers.cast(pl.UInt64).fill_null(0).to_numpy()
        total = np.zeros(len(rest), dtype=np.uint8)  # 19 digits sum to at most 171
        for _ in range(5):  # chunks of four digits in 20
            rest, chunk = np.divmod(rest, np.uint64(_LUHN_CHUNK))
            total += _LUHN[chunk]
        fits = pl.Series(numbers.name, total % 10 == 0)
        return fits.to_frame().select(pl.when(numbers.is_not_null()).then(pl.first())).to_series()

    return number.map_batches(check, return_dtype=pl.Boolean, is_elementwise=True)


@dataclass(frozen=True)
class Card:
    """The identifier kind of payment cards.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder
            has the card.

    Example:
        >>> Card().name
        'card'
    """

    holder_since: str | None = None

    name: ClassVar[str] = "card"
    truncates: ClassVar[bool] = True

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        return []

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """Struct{key: UInt64, stub: UInt64, status: String}: what the pass over all accounts needs.

        A PAN has a key and a stub; a truncated PAN that shows its first six and last four a stub.
        """
        text = pl.col("text")
        key = pl.when(pl.col("status") != "truncated").then(text).cast(pl.UInt64)
        return over_fields(_parts(cell), schema.SCAN, key=key, stub=self.stub(text), status=pl.col("status"))

    def read(self, cell: pl.Expr) -> pl.Expr:
        """Struct{value, shown, status}, all String: what evidence about a few cells needs."""
        text = pl.col("text")
        return over_fields(_parts(cell), schema.READ, value=text, shown=tokens.mask(text), status=pl.col("status"))

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{iin, last4, scheme, status, masked}."""
        return card(cell)

    @staticmethod
    def stub(value: pl.Expr) -> pl.Expr:
        """The first six and last four digits as one UInt64; null where they are not all shown."""
        ends = value.str.head(tokens.FIRST_SHOWN) + value.str.tail(tokens.LAST_SHOWN)
        return ends.cast(pl.UInt64, strict=False)

    @staticmethod
    def listing(value: pl.Expr) -> pl.Expr:
        """Struct{match, value, low, high, open} of listed values; null where the value can't be read.

        A prefix is an open range from itself to itself; `low` and `high` are null for other forms. A
        truncated PAN must show its first six and last four digits: less names too many cards.
        """
        prefix = value.str.extract(r"^([0-9]{1,18})\*$")
        low, high = value.str.extract(r"^([0-9]{12,19})-[0-9]+$"), value.str.extract(r"-([0-9]{12,19})$")
        ordered = (low.str.len_bytes() == high.str.len_bytes()) & (low <= high)
        nothing = pl.lit(None, dtype=pl.String)
        parts = _parts(value)
        text, truncated = parts.struct.field("text"), parts.struct.field("status") == "truncated"
        return (
            pl.when(prefix.is_not_null())
            .then(pl.struct(match=pl.lit("range"), value=value, low=prefix, high=prefix, open=True))
            .when(ordered)
            .then(pl.struct(match=pl.lit("range"), value=value, low=low, high=high, open=False))
            .when(text.is_not_null() & low.is_null() & ~truncated)
            .then(pl.struct(match=pl.lit("exact"), value=text, low=nothing, high=nothing, open=False))
            .when(truncated & Card.stub(text).is_not_null())
            .then(pl.struct(match=pl.lit("truncated"), value=text, low=nothing, high=nothing, open=False))
        )
