"""SIM cards by their ICCID: from raw cells to the card's number without its check digit, and who issued it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import phonenumbers
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards.luhn import is_sound, luhn_ok
from cardscreen.foundation.lookup.digits import POWERS, Bytes, Keys, PlainKeys
from cardscreen.foundation.lookup.fillers import FILLING, filling
from cardscreen.foundation.lookup.members import Members
from cardscreen.kinds import keys
from cardscreen.kinds.exact import FILLER, ONLY_FILLS, status_of
from cardscreen.kinds.mobile.numbers import Numbers, of_few, read_column
from cardscreen.kinds.mobile.reading import digits_of
from cardscreen.tables.cells import over_fields

_SHORT, _OPEN, _LONG = 18, 19, 20  # digits: without check digit; perhaps with one; surely with one
_CHINA = "8986"
#: Cards of China may have letters, as hexadecimal digits.
_LETTERED = f"^{_CHINA}[0-9]{{2}}[0-9A-F]{{13,14}}$"
_SWAPPED = "^98[0-9A-F]{16,18}$"
_IIN, _HEAD = 7, 8  # digits of the issuer, at most; and by which numbers are told apart
_FIRST_HEAD, _HEADS = 89_000_000, 1_000_000
#: What counts in a Luhn sum as the 89 in front of twenty digits does, and of nineteen: see `_with_same_sum`.
_SUM_OF_LONG, _SUM_OF_OTHERS = 6 * 10**18, 8 * 10**17
#: How a number is written that stays open.
_OPENED = r"^(89[0-9]{16})\(([0-9])\)$"
_SCREENED = ["bad_checksum", "open", "valid"]
#: What only fills a field, behind the 89 too; or an issuer, and no card of it.
_FILLERS = f"(?:(?:89)?{FILLING}|89[0-9]{{2,5}}0{{12,}})"
_OF_NOBODY = np.uint64(10**12)  # divides what has nothing but noughts behind the issuer
#: Digits in which a spreadsheet keeps a number; those behind it makes zeros of.
_KEPT = 15
STATUSES = pl.Enum(
    ["missing", "not_an_iccid", "swapped", "damaged", "bad_length", "bad_checksum", "open", "valid"],
)
_END = pl.Struct({"number": pl.String})
FIELDS = pl.Struct({"value": pl.String, "country": pl.String, "issuer": pl.String, "status": STATUSES})


def iccid(expr: str | pl.Expr) -> pl.Expr:
    """Read raw cells of ICCIDs: which SIM card, of which country and issuer.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers. Blanks and hyphens
            are dropped, and the filler F behind 19 digits.

    Returns:
        Struct{value: String, country: String, issuer: String, status: Enum}, named like the input. `value` is the
        number without its check digit, whether the cell has that or not: the Luhn check alone can't tell, since one
        number in ten passes it by chance. Cards that begin with 8986 (China) have 19 digits without and 20 with;
        those of a few other issuers are known, too (`kinds/mobile/issuers.csv`). Of others, 18 digits have none and 20
        have one, and 19 may be either: such a value stays `open`, its last digit in brackets, and matches both
        numbers, as evidence that is no more than that of a number with hidden digits. Letters, in Chinese numbers, are
        hexadecimal digits; such have no check digit. `country` is the ISO 3166 code of the country code behind 89,
        `issuer` the first seven digits, the most that an issuer's number has. Status: `missing`;
        `not_an_iccid`: not digits that begin with 89; `swapped`: the two halves of each byte changed places, as they
        lie on the card (98…); `damaged`: nothing but zeros behind the fifteenth digit, as a spreadsheet leaves it;
        `bad_length`; `bad_checksum`: a wrong check digit; `open`; `valid`. Cells with one of the first five have no
        other field, all others are screened.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        ITU-T E.118 (05/2006); ETSI TS 102 221, 13.2; `python-stdnum`'s Luhn check.

    Example:
        >>> cells = pl.DataFrame({"sim": ["89860012345678901238", "8986001234567890123", "8949020000012345678"]})
        >>> cells.select(iccid("sim").struct.unnest()).select("value", "status").rows()
        [('8986001234567890123', 'valid'), ('8986001234567890123', 'valid'), ('894902000001234567(8)', 'open')]
    """
    text, number, size, is_number = (pl.col(name) for name in ("text", "number", "size", "is_number"))
    is_whole, is_open, other = (pl.col(name) for name in ("is_whole", "is_open", "other"))
    zeros = pl.col("tail") % pl.when(size == _LONG).then(10 ** (_LONG - _KEPT)).otherwise(10 ** (_OPEN - _KEPT)) == 0
    unsound = is_whole & ~pl.col("sound")
    status = status_of(
        STATUSES,
        missing=pl.col("blank"),
        swapped=~is_number & (other == "swapped"),
        not_an_iccid=~is_number & (other != "lettered"),
        damaged=is_number & (size > _SHORT) & zeros & (~is_whole | unsound),
        bad_length=is_number & ~pl.col("fits"),
        open=is_number & is_open,
        bad_checksum=is_number & unsound,
    )
    value = number.str.head(size - (is_number & (is_open | is_whole)))
    return read_column(
        expr,
        FIELDS,
        {"number": of_few(text.str.ends_with("F") | text.str.ends_with(")"), text, _bare(), text)},
        {
            "size": number.str.len_bytes().cast(pl.Int64),
            "head": number.str.head(_HEAD).cast(pl.UInt32, strict=False),
            "tail": number.str.slice(len("89")).cast(pl.UInt64, strict=False),
        },
        {
            "is_number": (pl.col("head") // 10 ** (_HEAD - 2) == 89) & (pl.col("digits") | (number != text)),
            "length": _length(),
        },
        {
            "is_whole": pl.coalesce(size == pl.col("length"), size == _LONG),
            "is_open": pl.col("length").is_null() & (size == _OPEN),
            "fits": _fits(),
            "sound": luhn_ok(_with_same_sum()),
            "other": of_few(~is_number.fill_null(value=False), number, _sort_of_other(), pl.lit("")),
        },
        {"status": status},
        {"number": pl.when(pl.col("status").is_in(_SCREENED)).then("number")},
        {
            "value": of_few(is_number & is_open, number, _bracketed(), value),
            "country": pl.when(number.is_not_null()).then(_country()),
            "issuer": number.str.head(_IIN),
        },
    )


def _bare() -> pl.Expr:
    """A number without the filler behind it, or the brackets around its last digit."""
    text = pl.col("text")
    unfilled = text.str.strip_chars_end("F")
    is_filled = (text.str.len_bytes() <= _LONG) & unfilled.cast(pl.Int128, strict=False).is_not_null()
    return pl.when(is_filled).then(unfilled).otherwise(text.str.replace(_OPENED, "$1$2"))


def _sort_of_other() -> pl.Expr:
    """What a number is that is not digits behind 89: `lettered`, or with the halves of bytes `swapped`; else empty."""
    text = pl.col("text")
    lettered = pl.when(text.str.contains(_LETTERED)).then(pl.lit("lettered"))
    return lettered.when(text.str.contains(_SWAPPED)).then(pl.lit("swapped")).otherwise(pl.lit(""))


def _bracketed() -> pl.Expr:
    text = pl.col("text")
    return text.str.head(_SHORT) + "(" + text.str.tail(1) + ")"


def _fits() -> pl.Expr:
    """Whether a number has a length that its issuer's have, with the check digit or without."""
    size, length = pl.col("size"), pl.col("length")
    return pl.when(length.is_null()).then(size.is_between(_SHORT, _LONG)).otherwise(size.is_between(length - 1, length))


def _with_same_sum() -> pl.Expr:
    """Of numbers with a check digit, numbers with the same Luhn sum that fit into 64 bits.

    The 89 in front counts 16 in twenty digits, and 17 in nineteen; so do 6 in the second place, and 8 (as 7) in its.
    """
    front = pl.when(pl.col("size") == _LONG).then(_SUM_OF_LONG).otherwise(_SUM_OF_OTHERS).cast(pl.UInt64)
    return pl.col("tail") + front


@cache
def _issuers() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "issuers.csv", schema_overrides={"prefix": pl.String})


def _length() -> pl.Expr:
    """Of issuers of whom it is known, how many digits a number has with its check digit."""
    known = _issuers().select("prefix", "digits").rows()
    begins = {prefix: pl.col("head") // 10 ** (_HEAD - len(prefix)) == int(prefix) for prefix, _ in known}
    return pl.coalesce(pl.when(begins[prefix]).then(digits) for prefix, digits in known)


@cache
def _lengths() -> Bytes:
    """By the six digits behind 89, how many digits a number has with its check digit; 0 where nobody knows."""
    lengths = np.zeros(_HEADS, dtype=np.uint8)
    for prefix, digits in _issuers().select("prefix", "digits").rows():
        each = 10 ** (_HEAD - len(prefix))
        first = int(prefix) * each - _FIRST_HEAD
        lengths[first : first + each] = digits
    return lengths


@cache
def _countries() -> pl.Series:
    """By the three digits behind 89, the country whose code they begin with; of several with one code, the main one."""
    regions = {str(code): each[0] for code, each in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()}
    regions["01"] = "US"  # the one code of one digit that is written with two
    heads = (f"{number:03}" for number in range(1_000))
    known = ([head[:size] for size in (1, 2, 3) if head[:size] in regions] for head in heads)
    return pl.Series([regions[codes[0]] if codes else None for codes in known])


def _country() -> pl.Expr:
    head = pl.col("head") // 10 ** (_HEAD - 5) % 1_000
    return pl.lit(_countries()).gather(head.fill_null(860))  # where there are letters, China's


@cache
def _fillers() -> Members:
    whole = [digits for digits in filling(_SHORT, _OPEN) if digits.startswith("89")]
    behind = ["89" + digits for digits in filling(_SHORT - 2, _OPEN - 2)]
    return Members(np.array(sorted(map(int, [*whole, *behind])), dtype=np.uint64))


@dataclass(frozen=True)
class Iccid(Numbers):
    """The identifier kind of SIM cards. A listing may be a prefix or a range, of numbers without their check digits.

    Canonical: the number without its check digit.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has the card.
        many: A cell may hold several: each is screened.

    Example:
        >>> Iccid(holder_since="sim_since").name
        'iccid'
    """

    name: ClassVar[str] = "iccid"
    noun: ClassVar[tuple[str, str]] = ("ICCID", "ICCIDs")
    notes: ClassVar[tuple[str, ...]] = ("bad_checksum", "open")
    truncates: ClassVar[bool] = True
    digits: ClassVar[int] = _OPEN
    ends: ClassVar[str] = "[0-9]{18,20}"
    fillers: ClassVar[str] = f"^{_FILLERS}$"
    reasons: ClassVar[Mapping[str, str]] = {f"^{_FILLERS}[0-9]?$": ONLY_FILLS}  # with its check digit
    _forms: ClassVar[tuple[str, ...]] = ("exact", "truncated")

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, country, issuer, status}."""
        return iccid(cell)

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: what the pass over all accounts needs; an open number has no key."""
        fills = self._fills(pl.col("value"))
        value, is_open = pl.when(~fills).then("value"), (pl.col("status") == "open") & ~fills
        return over_fields(
            self.readings(cell),
            schema.SCAN,
            key=self.key(pl.when(~is_open).then(value)),
            stub=self.stub(value),
            shown=pl.when(is_open).then(value),
            status=pl.when(fills).then(pl.lit(FILLER)).otherwise(pl.col("status").cast(pl.String)),
            note=pl.when(is_open).then(pl.lit("open")),
        )

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of numbers of digits alone that are whole, and which no spreadsheet may have spoilt."""
        front, behind, size = digits_of(cells.to_series(0), _SHORT, _LONG)
        shown = np.clip(size, _SHORT, _OPEN)  # digits in front
        head = (front // POWERS[shown - _HEAD]).astype(np.int64) - _FIRST_HEAD
        begins = (head >= 0) & (head < _HEADS)
        length = np.where(begins, _lengths().take(head, mode="clip"), 0)
        is_long = size == _LONG
        is_whole = np.where(length > 0, size == length, is_long)
        fits = np.where(length > 0, is_whole | (size + 1 == length), size != _OPEN)
        tail = front - np.uint64(89) * POWERS[shown - 2]
        tail = np.where(is_long, tail * np.uint64(10) + behind, tail)
        unsound = is_whole & ~is_sound(tail + np.where(is_long, np.uint64(_SUM_OF_LONG), np.uint64(_SUM_OF_OTHERS)))
        cut_off = (size > _SHORT) & (tail % POWERS[shown + is_long - _KEPT] == 0)
        plain = (size > 0) & begins & fits & ~(cut_off & (unsound | ~is_whole))
        value = np.where(is_whole & ~is_long, front // np.uint64(10), front)
        plain &= (value % _OF_NOBODY != 0) & ~_fillers().has(value)
        return PlainKeys.where(plain, value, unsound)

    @classmethod
    def _fills(cls, value: pl.Expr) -> pl.Expr:
        return super()._fills(value.str.replace_all("[()]", ""))

    @staticmethod
    def stubs_of(plain: Keys) -> Keys:
        """The first 18 digits."""
        return np.where(plain >= POWERS[_SHORT], plain // np.uint64(10), plain)

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a whole number: its digits, and 0 for letters, so that it lies among its prefix's."""
        return keys.of_digits(value.str.replace_all("[A-F]", "0"))

    @staticmethod
    def stub(value: pl.Expr) -> pl.Expr:
        """The first 18 digits, which a number has whether its last one is its check digit or not."""
        return value.str.extract(f"^([0-9]{{{_SHORT}}})").cast(pl.UInt64)

    @classmethod
    def _exact(cls, text: pl.Expr) -> pl.Expr:
        value, is_open = pl.col("value"), pl.col("status") == "open"
        forms = {"exact": pl.when(~is_open).then(value), "truncated": pl.when(is_open).then(value)}
        return over_fields(cls().read(text), pl.Struct(dict.fromkeys(forms, pl.String)), **forms)

    @classmethod
    def _end(cls, text: pl.Expr) -> pl.Expr:
        """The canonical number at the end of a range, mostly zeros or nines; null where it stays open."""
        parts = pl.struct(
            text=text,
            size=text.str.len_bytes().cast(pl.Int64),
            head=text.str.head(_HEAD).cast(pl.UInt32, strict=False),
        )
        whole = pl.coalesce(_length(), pl.when(pl.col("size") != _OPEN).then(_LONG))
        number = pl.col("text").str.head(pl.min_horizontal("size", whole - 1))
        fits = pl.col("size").is_between(whole - 1, whole) | (whole.is_not_null() & (pl.col("size") == _SHORT))
        return over_fields(parts, _END, number=pl.when(fits).then(number)).struct.field("number")
