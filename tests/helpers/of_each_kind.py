"""Identifiers of each kind that a reference reads: made up, edited by every slip, and the reference's verdict."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import ibans
import polars as pl
from email_validator import EmailNotValidError, validate_email
from stdnum import iban, imei, imsi, luhn, numdb
from stdnum.cn import ric
from stdnum.util import clean

import cardscreen as cs

_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: Blanks, dashes, digits and letters of other sorts, and what is none of these.
_STRANGE = "-. –０９Ａ_*xXfF\t\n²٣\u00a0\u2010\u2028\x1c"
_IN_ADDRESSES = "abc@@..--_+'\"<>()ä中１＠\u200b\u0301~^|/\\,;:\x00"
_COUNTRIES = ("460", "310", "404", "234", "208", "001", "999", "901", "311", "000", "777")


def digits(dice: random.Random, count: int) -> str:
    """So many digits."""
    return "".join(dice.choice(_DIGITS) for _ in range(count))


def edited(dice: random.Random, number: str, strange: str = _STRANGE + _DIGITS) -> str:
    """The number as somebody writes it, or with a slip."""
    at, sign = dice.randrange(len(number)), dice.choice(strange)
    return dice.choice(
        [
            number,
            number,
            f" {number}\t",
            "-".join(number[each : each + 4] for each in range(0, len(number), 4)),
            number[:at] + sign + number[at + 1 :],
            number[:at] + dice.choice(_DIGITS) + number[at + 1 :],
            number[:at] + number[at + 1 :],
            number[:at] + sign + number[at:],
            number[:at] + number[at : at + 2][::-1] + number[at + 2 :],
            number + sign,
            sign + number,
        ]
    )


def an_imei(dice: random.Random) -> str:
    """14 digits, and often a check digit, the spare one, or a version."""
    body = digits(dice, 14)
    return body + dice.choice(["", luhn.calc_check_digit(body), luhn.calc_check_digit(body), "0", digits(dice, 2)])


def an_imsi(dice: random.Random) -> str:
    """15 digits, or 14, of countries that there are, and of others."""
    return dice.choice(_COUNTRIES) + digits(dice, dice.choice([11, 12, 12, 12]))


def an_iccid(dice: random.Random) -> str:
    """A number of China, of an issuer that is known, or of another one."""
    front, size = dice.choice([("8986", 19), ("894411", 18), ("8949", 18), ("8901", 19)])
    body = front + digits(dice, size - len(front))
    return body + dice.choice(["", luhn.calc_check_digit(body), luhn.calc_check_digit(body)])


@cache
def regions() -> list[str]:
    """Regions that gave resident ids at some time."""
    provinces = [f"{number}" for number in range(11, 83)]
    codes = (f"{province}{county:04}" for province in provinces for county in range(0, 3_000, 1))
    known = numdb.get("cn/loc")
    return [code for code in codes if any("county" in found for _, found in known.info(code))]


def a_resident_id(dice: random.Random) -> str:
    """18 characters, mostly of a region and a day that there are."""
    region = dice.choice(regions()) if dice.random() < 0.9 else digits(dice, 6)
    day = f"{dice.randrange(1920, 2027)}{dice.randrange(1, 13):02}{dice.randrange(1, 31):02}"
    body = region + day + digits(dice, 3)
    return body + ric.calc_check_digit(body + "0")


def an_email(dice: random.Random) -> str:
    """An address at one of some domains, a few of them international or reserved."""
    signs = _LETTERS + _DIGITS + "_+-'"
    local = ".".join(
        "".join(dice.choice(signs) for _ in range(dice.randrange(1, 9))) for _ in range(dice.randrange(1, 3))
    )
    return f"{local}@{dice.choice(_domains())}"


@cache
def _domains() -> list[str]:
    dice = random.Random(3)
    tops = ["com", "de", "cn", "ru", "io", "co.uk", "com", "net"]
    names = ["".join(dice.choice(_LETTERS + "-") for _ in range(dice.randrange(2, 12))).strip("-") for _ in range(200)]
    odd = ["xn--p1ai.xn--p1ai", "münchen.de", "例子.中国", "a.local", "b.test", "c.c0", "x--y.com", "Mail.EXAMPLE.com"]
    return [f"{name or 'a'}.{dice.choice(tops)}" for name in names] + odd


def is_address(text: str) -> bool:
    """The verdict of `email-validator` on the syntax."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def is_resident_id(text: str) -> bool:
    """The verdict of `python-stdnum`, but for two slips of its own.

    It ends with a KeyError where it knows the province and not the county, and takes a line break for the last of the
    digits in front, since `$` matches before one.
    """
    try:
        return bool(ric.is_valid(text)) and "\n" not in text.strip()
    except KeyError:
        return False


def has_check_digit(text: str) -> bool:
    """Whether `python-stdnum` finds a Luhn check digit at the end of an ICCID."""
    return bool(luhn.is_valid(clean(text, " -").strip().upper()))


@dataclass(frozen=True)
class Compared:
    """A kind and its reference.

    Attributes:
        made: One number, of those that both read alike.
        edited: What becomes of it.
        reference: The reference's verdict on a text.
        ours: Ours on a column.
        fields: All that is read of a column.
    """

    made: Callable[[random.Random], str]
    edited: Callable[[random.Random, str], str]
    reference: Callable[[str], bool]
    ours: Callable[[str], pl.Expr]
    fields: Callable[[str], pl.Expr]

    def strings(self, seed: int, count: int, slips: float = 1.0) -> Iterator[str]:
        """Made-up numbers, of which a share is edited."""
        dice = random.Random(seed)
        for _ in range(count):
            number = self.made(dice)
            yield self.edited(dice, number) if dice.random() < slips else number

    def differences(self, texts: list[str]) -> list[str]:
        """Texts on which the verdicts differ."""
        ours = pl.DataFrame({"x": texts}).select(valid=self.ours("x"))["valid"].to_list()
        return [text for text, valid in zip(texts, ours, strict=True) if valid != self.reference(text)]


def _is_valid(fields: Callable[[str], pl.Expr]) -> Callable[[str], pl.Expr]:
    return lambda column: fields(column).struct.field("status") == "valid"


def _chinese(dice: random.Random) -> str:
    """A number whose check digit the reference and the standard tell alike: twenty digits."""
    body = "8986" + digits(dice, 15)
    return body + luhn.calc_check_digit(body)


def _with_slip(dice: random.Random, number: str) -> str:
    """Twenty digits still, behind the same four."""
    at = dice.randrange(4, len(number) - 1)
    return dice.choice(
        [
            number,
            " ".join(number[each : each + 4] for each in range(0, len(number), 4)),
            number[:at] + dice.choice(_DIGITS) + number[at + 1 :],
            number[:at] + number[at : at + 2][::-1] + number[at + 2 :],
        ]
    )


COMPARED = {
    "iban": Compared(
        lambda dice: ibans.made(dice, dice.choice(ibans.CHECKED) if dice.random() < 0.5 else None),
        ibans.edited,
        iban.is_valid,
        _is_valid(cs.iban),
        cs.iban,
    ),
    "imei": Compared(an_imei, edited, imei.is_valid, _is_valid(cs.imei), cs.imei),
    "imsi": Compared(an_imsi, edited, imsi.is_valid, _is_valid(cs.imsi), cs.imsi),
    "iccid": Compared(
        _chinese,
        _with_slip,
        has_check_digit,
        _is_valid(cs.iccid),
        cs.iccid,
    ),
    "resident_id": Compared(a_resident_id, edited, is_resident_id, _is_valid(cs.resident_id), cs.resident_id),
    "email": Compared(
        an_email,
        lambda dice, text: dice.choice([text, edited(dice, text, _IN_ADDRESSES), text.upper()]).strip(),
        is_address,
        _is_valid(cs.email),
        cs.email,
    ),
}
