"""Payment cards: from raw cells to the PAN's scheme, IIN, check and mask.

A primary account number (PAN) has 12 to 19 digits: the issuer's identification number (IIN), the
account, and one check digit (ISO/IEC 7812-1). The check is evidence and never a gate, since some
cards in circulation fail it. The PAN itself leaves this module only where it was asked for by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from cardscreen import keys, schema, schemes, tokens
from cardscreen.cleaning import as_expr, is_blank, named_like, over_fields, to_text
from cardscreen.forms import as_listed, as_written

#: Fewest and most digits of a PAN (ISO/IEC 7812-1).
SHORTEST, LONGEST = 12, 19
#: IIN digits (ISO/IEC 7812-1:2017) and those of PANs too short to have the longer form.
_IIN, _SHORT_IIN, _LONG_PAN = 8, 6, 16

_FULL_WIDTH = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
#: What may be more than one PAN: hidden digits, a prefix, a range.
_SPECIAL = r"[*＊•●…⋯xX#]|[.]{2}|[0-9]{6}\s*[-–]\s*[0-9]{6}"
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
_PARTS = pl.Struct(
    {"text": pl.String, "number": pl.UInt64, "stub": pl.UInt64, "status": schema.CARD_STATUSES, "scheme": pl.String}
)
_MISSING, _TRUNCATED_CARD, _NOT_A_NUMBER, _BAD_LENGTH, _BAD_CHECKSUM, _VALID = (
    pl.lit(code, dtype=pl.UInt8) for code in range(len(schema.CARD_STATUSES.categories))
)
_POWERS = np.array([10**zeros for zeros in range(LONGEST)], dtype=np.uint64)
_EXACT_FLOAT = 2.0**53
_LUHN_DIGITS = 6  # even, so that the same places are doubled in every chunk of a number
_LUHN_CHUNK = np.uint64(10**_LUHN_DIGITS)


@cache
def _luhn_sums() -> npt.NDArray[np.uint8]:
    """The Luhn sum of every chunk of six digits: each second one from the right doubled."""
    rest = np.arange(_LUHN_CHUNK, dtype=np.uint32)
    sums = np.zeros(len(rest), dtype=np.uint8)
    for place in range(_LUHN_DIGITS):
        rest, digit = np.divmod(rest, 10)
        sums += (2 * digit - 9 * (digit > 4) if place % 2 else digit).astype(np.uint8)
    return sums


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
    text = pl.col("text")
    last4 = text.str.tail(tokens.LAST_SHOWN)
    fields: dict[str, pl.Expr] = {
        "iin": _iin(text),
        "last4": pl.when(~last4.str.contains("*", literal=True)).then(last4),
        "scheme": pl.col("scheme"),
        "status": pl.col("status"),
        "masked": tokens.mask(text),
    }
    types = _CARD_FIELDS
    if pan:
        fields = {"pan": pl.when(pl.col("number").is_not_null()).then(text), **fields}
        types = {"pan": pl.String, **types}
    return named_like(over_fields(_parts(as_expr(expr)), pl.Struct(types), **fields), expr)


def _iin(text: pl.Expr) -> pl.Expr:
    short = text.str.head(_SHORT_IIN)
    shown = pl.when(text.str.len_bytes() >= _LONG_PAN).then(text.str.head(_IIN)).otherwise(short)
    return shown.str.strip_chars_end("*").replace("", None)


def _parts(cell: pl.Expr) -> pl.Expr:
    """`_PARTS` of raw cells: the PAN, or a truncated PAN with `*`; null text if it is neither."""
    return (
        cell.map_batches(_without_lost_digits, is_elementwise=True)
        .pipe(to_text)
        .map_batches(_batch_parts, return_dtype=_PARTS, is_elementwise=True)
    )


def _without_lost_digits(cells: pl.Series) -> pl.Series:
    """Floats past 2^53 stand for several numbers each: what they were is lost, and they are no card."""
    if cells.dtype != pl.Float64:
        return cells
    return (
        cells.to_frame("x")
        .select(
            pl.when(pl.col("x").abs() < _EXACT_FLOAT)
            .then("x")
            .otherwise(pl.when(pl.col("x").is_not_nan()).then(pl.lit(float("inf"))))
        )
        .to_series()
        .alias(cells.name)
    )


def _batch_parts(raw: pl.Series) -> pl.Series:
    """Cells of digits alone, by far the most, go straight on; only the others are cleaned."""
    parts = _numbers(raw.alias("text"))
    odd = parts["number"].is_null().arg_true()
    if len(odd):
        others = _others(raw.gather(odd).alias("raw"))
        parts = parts.with_columns(parts[name].scatter(odd, others[name]) for name in parts.columns)
    return parts.to_struct(raw.name)


def _numbers(text: pl.Series) -> pl.DataFrame:
    """`_PARTS` of the cells that are nothing but 12 to 19 digits; the others have nulls."""
    # The cast accepts a leading plus.
    digits = pl.when(_fits(pl.col("text")) & ~pl.col("text").str.starts_with("+")).then("text")
    frame = (
        text.to_frame()
        .lazy()
        .select(number=digits.cast(pl.UInt64, strict=False), length=pl.col("text").str.len_bytes())
    )
    number, length = frame.collect(engine="in-memory")
    scheme, issued = schemes.of_pans(number, length)
    judged = pl.when(~issued).then(_BAD_LENGTH).when(luhn_ok(pl.col("number"))).then(_VALID).otherwise(_BAD_CHECKSUM)
    known = pl.col("number").is_not_null()
    columns = pl.LazyFrame({"text": text, "number": number, "scheme": scheme, "stub": _stubs(number, length)})
    return columns.select(
        pl.when(known).then("text").alias("text"),
        "number",
        pl.when(known).then("stub").alias("stub"),
        pl.when(known).then(judged).cat.to(schema.CARD_STATUSES).alias("status"),
        pl.when(known).then("scheme").alias("scheme"),
    ).collect(engine="in-memory")


def _stubs(number: pl.Series, length: pl.Series) -> npt.NDArray[np.uint64]:
    """The first six and last four digits of each PAN as one integer; anything for a null."""
    digits = number.fill_null(0).to_numpy()
    beyond = length.fill_null(SHORTEST).clip(SHORTEST, LONGEST).to_numpy() - tokens.FIRST_SHOWN
    last = np.uint64(10**tokens.LAST_SHOWN)
    stubs: npt.NDArray[np.uint64] = digits // _POWERS[beyond] * last + digits % last
    return stubs


def _others(raw: pl.Series) -> pl.DataFrame:
    """`_PARTS` of cells that are not plain digits; the first status that applies, in the contract's order."""
    bare = pl.col("raw").str.replace_all(_SPACES_AND_HYPHENS, "").str.replace_many(_FULL_WIDTH)
    shaped = raw.to_frame().lazy().select("raw", bare.alias("bare")).collect(engine="in-memory")
    clean = pl.col("bare").str.replace_all(_MASK_CHARACTER, "*")
    truncated = pl.col("bare").str.contains(_TRUNCATED) & pl.col("bare").str.contains("[0-9]")
    status = (
        pl.when(is_blank(pl.col("raw")))
        .then(_MISSING)
        .when(truncated)
        .then(_TRUNCATED_CARD)
        .when(pl.col("bare").str.contains("^[0-9]+$"))
        .then(_BAD_LENGTH)
        .otherwise(_NOT_A_NUMBER)
    )
    shown = pl.when(truncated & _fits(clean)).then(clean)
    hidden = shaped.lazy().select(shown.alias("text"), status=status.cat.to(schema.CARD_STATUSES))
    hidden = hidden.with_columns(scheme=schemes.of_leading(pl.col("text")), stub=Card.stub(pl.col("text")))
    numbers = _numbers(shaped["bare"].alias("text"))
    filled = pl.concat(
        [numbers, hidden.select(pl.all().name.prefix("_")).collect(engine="in-memory")], how="horizontal"
    )
    return filled.select(
        "number", *(pl.coalesce(name, f"_{name}").alias(name) for name in ("text", "stub", "status", "scheme"))
    )


def _fits(text: pl.Expr) -> pl.Expr:
    return text.str.len_bytes().is_between(SHORTEST, LONGEST)


def luhn_ok(number: pl.Expr) -> pl.Expr:
    """Whether the last digit of each UInt64 is its Luhn check digit: Boolean, null for null. Streams.

    Source:
        ISO/IEC 7812-1, Annex B.

    Example:
        >>> pl.DataFrame({"n": [4111111111111111, 4111111111111112]}).select(luhn_ok(pl.col("n"))).to_series().to_list()
        [True, False]
    """

    def check(numbers: pl.Series) -> pl.Series:
        sums, rest = _luhn_sums(), numbers.cast(pl.UInt64).fill_null(0).to_numpy()
        total = np.zeros(len(rest), dtype=np.uint8)  # 20 digits sum to at most 180
        while rest.any():
            upper = rest // _LUHN_CHUNK
            # As signed integers, chunks are indices without a copy.
            total += sums.take((rest - upper * _LUHN_CHUNK).view(np.int64))
            rest = upper
        fits = pl.Series(numbers.name, total % 10 == 0)
        return fits if not numbers.has_nulls() else fits.zip_with(numbers.is_not_null(), _null_like(fits))

    return number.map_batches(check, return_dtype=pl.Boolean, is_elementwise=True)


def _null_like(values: pl.Series) -> pl.Series:
    return pl.Series(values.name, [None], dtype=values.dtype).new_from_index(0, len(values))


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
    notes: ClassVar[tuple[str, ...]] = ()

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        return []

    def split(self, cell: pl.Expr) -> pl.Expr | None:  # noqa: ARG002
        """None: a cell holds one card."""
        return None

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: what the pass over all accounts needs.

        A PAN has a key and a stub; a truncated PAN that shows its first six and last four a stub.
        """
        status = pl.col("status").cast(pl.String)
        nothing = pl.lit(None, dtype=pl.String)
        return over_fields(
            _parts(cell), schema.SCAN, key=pl.col("number"), stub=pl.col("stub"), status=status, note=nothing
        )

    def read(self, cell: pl.Expr) -> pl.Expr:
        """Struct{value, shown, status}, all String: what evidence about a few cells needs."""
        text, status = pl.col("text"), pl.col("status").cast(pl.String)
        return over_fields(_parts(cell), schema.READ, value=text, shown=tokens.mask(text), status=status)

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell, and a file hold: Struct{iin, last4, scheme, status, masked}.

        The IIN has six digits here: eight beside the last four would be more than a file may show.
        """
        return card(cell).struct.with_fields(pl.field("iin").str.head(tokens.FIRST_SHOWN))

    def listed(self, cell: pl.Expr) -> pl.Expr:
        """`forms.WRITTEN` of a source's cells: PANs like an account's, truncated ones, prefixes and ranges."""

        def form(text: pl.Expr) -> pl.Expr:
            read = Card.listing(text.str.replace_all(r"\s", "")).struct
            return pl.struct(match=read.field("match"), value=read.field("value"))

        return as_written(cell, special=_SPECIAL, form=form, number=lambda each: self.read(each).struct.field("value"))

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely a card number: a sound PAN of a known scheme. Boolean, never null."""
        read = card(cell).struct
        return ((read.field("status") == "valid") & (read.field("scheme") != schemes.UNKNOWN)).fill_null(value=False)

    @staticmethod
    def is_doubtful(value: pl.Expr) -> pl.Expr:
        """False: what has the digits of a PAN is screened as one."""
        return value.is_null() & False

    @staticmethod
    def is_too_wide(value: pl.Expr, limit: int) -> pl.Expr:  # noqa: ARG004
        """Whether a canonical prefix or range reaches beyond one IIN of six digits, whatever the limit."""
        first, last = value.str.extract("^([0-9]+)"), value.str.extract("([0-9]+)[*]?$")
        size = tokens.FIRST_SHOWN
        return (first.str.len_bytes() < size) | (first.str.head(size) != last.str.head(size))

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a full PAN: its digits."""
        return keys.of_digits(value)

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
        parts = _parts(value)
        text, truncated = parts.struct.field("text"), parts.struct.field("status") == "truncated"
        hidden = pl.when(truncated & Card.stub(text).is_not_null()).then(text)
        others = {"exact": pl.when(~truncated).then(text), "truncated": hidden}
        return as_listed(value, prefix=prefix, low=low, high=high, others=others)
