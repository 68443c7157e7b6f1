"""Bank accounts by their IBAN: from raw cells to the compact number, its country, its bank and its checks.

An IBAN is the account behind a card: results mask it, and stores hold it as a token.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
from stdnum import numdb

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.digits import Bytes, PlainKeys, taken
from cardscreen.foundation.lookup.fillers import FILLING
from cardscreen.foundation.lookup.texts import Texts
from cardscreen.kinds.checked.reading import DIGIT, LETTER, LETTERS, LONGEST, NOTHING, SOUND, tell_ibans
from cardscreen.kinds.exact import ONLY_FILLS, ExactSecret, status_of
from cardscreen.tables.cells import as_expr, compacted, is_blank, named_like, to_text

_SHOWN = 4  # characters in front and behind
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}
_MAY_BE = {"n": DIGIT, "a": LETTER, "c": DIGIT | LETTER}
_STARS = pl.Series(["*" * hidden for hidden in range(LONGEST)])
_LETTERS = [chr(ord("A") + at) for at in range(LETTERS)]
#: What a sign counts, by its code.
_DIGITS = np.zeros(128, dtype=np.uint8)
_DIGITS[ord("0") : ord("9") + 1], _DIGITS[ord("A") : ord("Z") + 1] = range(10), range(10, 36)
#: What stands before a sign of that value counts so many times as much.
_TIMES = np.array([10] * 10 + [100] * 26, dtype=np.int64)
_STEP = 8  # letters behind a remainder that fit into an integer
#: What only fills a field, behind the country or behind the check digits; or a bank, and no account of it.
_FILLERS = f"^[A-Z]{{2}}(?:(?:[0-9]{{2}})?{FILLING}|[0-9]{{2}}[A-Z]{{0,4}}0{{8,}}[A-Z]{{0,3}})$"
_Digits = npt.NDArray[Any]
_Flags = npt.NDArray[np.bool_]


def iban(expr: str | pl.Expr) -> pl.Expr:
    """Read raw cells of IBANs: which account, of which country and bank, and is it sound.

    Args:
        expr: Column name or expression: String. Blanks, hyphens and dots are dropped, small letters made large.

    Returns:
        Struct{value: String, country: String, bank: String, status: Enum, masked: String}, named like the input.
        `value` is the compact number in full: do not show it; `masked` has its first and last four characters.
        `bank` is the first part of the national number, the bank's identifier in most countries. Status: `missing`;
        `not_an_iban`: no country of the registry, or not of that country's form; `bad_checksum`: the check digits, or
        those of the national number (Belgium, with its bank; Spain; Montenegro; Norway), are wrong: such a value is
        screened all the same; `valid`. Cells with status `missing` or `not_an_iban` have no other field.

    Raises:
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        ISO 13616-1:2020; the SWIFT IBAN registry as `python-stdnum` has it, whose verdicts these are; ISO/IEC 7064,
        MOD 97-10.

    Example:
        >>> cells = pl.DataFrame({"account": ["gr16 0110 1050 0000 1054 7023 795", "BE31435411161156"]})
        >>> cells.select(iban("account").struct.unnest()).drop("value").rows()[0]
        ('GR', '011', 'valid', 'GR16*******************3795')
    """
    return named_like(_read(to_text(as_expr(expr))), expr)


def _read(text: pl.Expr) -> pl.Expr:
    return text.map_batches(_readings, return_dtype=schema.IBAN, is_elementwise=True)


def _readings(cells: pl.Series) -> pl.Series:
    """`schema.IBAN` of texts."""
    bare, value = _compact(cells), pl.col("value")
    is_iban = bare.str.contains(_forms()).fill_null(value=False)
    sound = np.zeros(len(cells), dtype=bool)
    sound[is_iban.to_numpy()] = _are_sound(bare.filter(is_iban))
    frame = pl.DataFrame({"raw": cells, "value": bare, "is_iban": is_iban, "sound": sound})
    status = status_of(
        schema.IBAN_STATUSES,
        missing=is_blank(pl.col("raw")),
        not_an_iban=~pl.col("is_iban"),
        bad_checksum=~pl.col("sound"),
    )
    made = pl.struct(
        "value",
        country=value.str.head(2),
        bank=value.str.slice(4, _bank_length()),
        status=status,
        masked=mask(value),
    )
    return frame.with_columns(value=pl.when("is_iban").then("value")).select(made.alias(cells.name)).to_series()


def _compact(cells: pl.Series) -> pl.Series:
    """The texts as the reference compacts them."""
    compact = compacted(cells, " .-")
    # The reference reads digits of all scripts, but only where the check digits stand.
    rows = compact.str.slice(2, 2).str.contains(r"[^\x00-\x7f]").fill_null(value=False).arg_true()
    folded = [text[:2] + "".join(map(_digit, text[2:4])) + text[4:] for text in compact.gather(rows)]
    return compact.scatter(rows, folded) if folded else compact


def _digit(sign: str) -> str:
    return str(unicodedata.decimal(sign, sign))


@cache
def _structures() -> dict[str, list[tuple[int, str]]]:
    """Of each country the parts of its national number: how many signs, of which class."""
    found: dict[str, list[tuple[int, str]]] = {}
    known = numdb.get("iban")
    for country in (f"{one}{other}" for one in _LETTERS for other in _LETTERS):
        structure = known.info(country)[0][1].get("bban", "")
        if structure:
            found[country] = [(int(count), of) for count, of in re.findall(r"([1-9][0-9]*)!([nac])", structure)]
    return found


@cache
def _forms() -> str:
    """A pattern of all countries' numbers. The reference lets letters stand for check digits, too."""
    forms = (
        country + "[0-9A-Z]{2}" + "".join(f"{_CLASSES[of]}{{{count}}}" for count, of in parts)
        for country, parts in _structures().items()
    )
    return f"^(?:{'|'.join(forms)})$"


@cache
def _forms_for_loop() -> Bytes:
    """`_forms` as the loop reads them."""
    forms = np.zeros((LETTERS * LETTERS, LONGEST + 1), dtype=np.uint8)
    for country, parts in _structures().items():
        signs = [LETTER, LETTER, DIGIT | LETTER, DIGIT | LETTER]
        signs += [_MAY_BE[of] for count, of in parts for _ in range(count)]
        place = _LETTERS.index(country[0]) * LETTERS + _LETTERS.index(country[1])
        forms[place, : 1 + len(signs)] = [len(signs), *signs]
    return forms


def _bank_length() -> pl.Expr:
    lengths = {country: parts[0][0] for country, parts in _structures().items()}
    return pl.col("value").str.head(2).replace_strict(lengths, default=0, return_dtype=pl.UInt32)


def mask(value: pl.Expr) -> pl.Expr:
    """The first and the last four characters, the rest `*`."""
    hidden = pl.lit(_STARS).gather(value.str.len_bytes().cast(pl.Int32) - 2 * _SHOWN, null_on_oob=True)
    return value.str.head(_SHOWN) + hidden + value.str.tail(_SHOWN)


def _are_sound(values: pl.Series) -> _Flags:
    """Of IBANs whether the check digits are right, and those of the national number where the reference knows them."""
    turned = (values.str.slice(4) + values.str.head(4)).str.pad_start(LONGEST, "0")
    sound: _Flags = _remainder(_digits(turned, LONGEST)) == 1
    return sound & _are_nationally_sound(values)


def _are_nationally_sound(values: pl.Series) -> _Flags:
    """Of IBANs whether the check digits within the national number are right, where the reference knows them."""
    sound = np.ones(len(values), dtype=bool)
    country = values.str.head(2)
    for name, (length, check) in _NATIONAL.items():
        rows = (country == name).arg_true()
        if len(rows):
            sound[rows] = check(_digits(values.gather(rows).str.slice(4), length).astype(np.int64))
    return sound


def _digits(texts: pl.Series, length: int) -> _Digits:
    """What the signs of texts of one length count: one sign of all texts after the other."""
    signs = np.frombuffer((texts.str.join("").item() or "").encode(), dtype=np.uint8).reshape(-1, length)
    return _DIGITS[np.ascontiguousarray(signs.T)]


def _remainder(digits: _Digits) -> _Digits:
    """Numbers modulo 97, of which letters are two digits (ISO/IEC 7064)."""
    rest = np.zeros(digits.shape[1], dtype=np.int64)
    for at, part in enumerate(digits):
        rest = rest * _TIMES[part] + part
        if at % _STEP == _STEP - 1:  # so many fit
            rest %= 97
    return rest % 97


def _is_belgian(digits: _Digits) -> _Flags:
    """The last two digits are the rest modulo 97, 97 for 0, and the bank is known."""
    rest = _remainder(digits[:10])
    right = np.where(rest == 0, 97, rest) == digits[10] * 10 + digits[11]
    return np.asarray(right & _belgian_banks()[np.array([100, 10, 1]) @ digits[:3]])


@cache
def _belgian_banks() -> _Flags:
    known = numdb.get("be/banks")
    return np.array([bool(known.info(f"{number:03}")[0][1]) for number in range(1000)])


def _is_spanish(digits: _Digits) -> _Flags:
    """The ninth digit checks bank and branch, the tenth the account."""
    weights = np.array([2**at % 11 for at in range(10)])
    rests = weights[2:] @ digits[:8] % 11, weights @ digits[10:] % 11
    first, second = (np.where(rest < 2, rest, 11 - rest) for rest in rests)
    return np.asarray((digits[8] == first) & (digits[9] == second))


def _is_norwegian(digits: _Digits) -> _Flags:
    """The last digit checks the others; of a giro account, which begins with four zeros, by Luhn."""
    weighed = np.array([6, 7, 8, 9, 4, 5, 6, 7, 8, 9]) @ digits[:10] % 11 == digits[10]
    doubled = digits[5::2] * 2
    luhn = (digits[4::2].sum(axis=0) + (doubled // 10 + doubled % 10).sum(axis=0)) % 10 == 0
    return np.asarray(np.where((digits[:4] == 0).all(axis=0), luhn, weighed))


def _is_montenegrin(digits: _Digits) -> _Flags:
    return np.asarray(_remainder(digits) == 1)


#: Of countries whose national numbers have check digits that the reference knows: digits, and the check.
_NATIONAL: Mapping[str, tuple[int, Callable[[_Digits], _Flags]]] = {
    "BE": (12, _is_belgian),
    "ES": (20, _is_spanish),
    "ME": (18, _is_montenegrin),
    "NO": (11, _is_norwegian),
}


@dataclass(frozen=True)
class Iban(ExactSecret):
    """The identifier kind of bank accounts that are named by their IBAN.

    Canonical: the compact IBAN.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has the account.

    Example:
        >>> Iban().name
        'iban'
    """

    name: ClassVar[str] = "iban"
    noun: ClassVar[tuple[str, str]] = ("IBAN", "IBANs")
    told: ClassVar[pl.Struct] = schema.IBAN
    flaw: ClassVar[str] = "bad_checksum"
    notes: ClassVar[tuple[str, ...]] = (flaw,)
    fillers: ClassVar[str] = _FILLERS
    reasons: ClassVar[Mapping[str, str]] = {_FILLERS: ONLY_FILLS}
    in_text: ClassVar[str] = r"([A-Za-z]{2}[0-9]{2}(?:[ .-]?[0-9A-Za-z]){11,30})"

    def readings(self, cell: pl.Expr) -> pl.Expr:
        """`schema.IBAN`: with the number in full."""
        return iban(cell)

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of compact numbers."""
        text = cells.select(to_text(pl.first())).to_series()
        found, texts = np.empty(len(text), dtype=np.uint8), Texts(text)
        tell_ibans(texts.address, len(text), _forms_for_loop(), found)
        sound = found == SOUND
        national = text.str.head(2).is_in(list(_NATIONAL)).fill_null(value=False).to_numpy()
        checked = np.flatnonzero(sound & national)
        sound[checked] = _are_nationally_sound(taken(text, checked))
        keys = text.to_frame().select(self.key(pl.first()).fill_null(0)).to_series().to_numpy()
        fills = text.str.contains(_FILLERS).fill_null(value=False).to_numpy()
        return PlainKeys.where((found != NOTHING) & ~fills, keys, ~sound)

    @classmethod
    def _of_form(cls, found: pl.Series) -> pl.Series:
        """Of what `in_text` found, what has the form of a country, without what stands behind it."""
        signs = _compact(found).to_frame("found").with_columns(country=pl.col("found").str.head(2))
        sizes = {country: 4 + sum(count for count, _ in parts) for country, parts in _structures().items()}
        size = pl.col("country").replace_strict(sizes, default=0, return_dtype=pl.UInt32)
        cut = signs.select(pl.col("found").str.head(size)).to_series()
        return cut.filter(cut.str.contains(_forms()))

    def show(self, value: pl.Expr) -> pl.Expr:
        """A canonical value as results hold it: masked."""
        return mask(value)
