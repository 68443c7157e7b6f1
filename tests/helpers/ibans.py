"""IBANs that are made up, by the registry of `python-stdnum`, and edits of them."""

from __future__ import annotations

import random
from functools import cache

from stdnum import iban as reference
from stdnum import luhn, numdb
from stdnum.be import iban as belgian
from stdnum.es import ccc
from stdnum.iso7064 import mod_97_10
from stdnum.no import kontonr

from cardscreen.kinds.checked.iban import _structures

_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CLASSES = {"n": _SIGNS[:10], "a": _SIGNS[10:], "c": _SIGNS}
#: Blanks, dashes, digits and letters of other sorts, and what is none of these.
_STRANGE = "-. –０９Ａıſß_*\t\n²٣\u00a0\u2010\u2028\x1c"
CHECKED = ("BE", "ES", "ME", "NO")


def made(dice: random.Random, country: str | None = None) -> str:
    """A number of a country's form whose check digits are right, the national ones too in four of five."""
    country = country or dice.choice(sorted(_structures()))
    parts = (dice.choice(_CLASSES[of]) for count, of in _structures()[country] for _ in range(count))
    national = "".join(parts)
    if dice.random() < 0.8:
        national = _checked(dice, country, national)
    return country + reference.calc_check_digits(f"{country}00{national}") + national


@cache
def _belgian_banks() -> list[str]:
    return [code for number in range(1000) if numdb.get("be/banks").info(code := f"{number:03}")[0][1]]


def _checked(dice: random.Random, country: str, national: str) -> str:
    if country == "BE":
        body = dice.choice(_belgian_banks()) + national[3:10]
        return body + belgian._calc_check_digits(body)
    if country == "ES":
        return national[:8] + ccc.calc_check_digits(national) + national[10:]
    if country == "ME":
        return national[:-2] + mod_97_10.calc_check_digits(national[:-2])
    if country == "NO":
        body = national[:10] if dice.random() < 0.7 else "0000" + national[:6]
        check = luhn.calc_check_digit(body[4:]) if body.startswith("0000") else kontonr._calc_check_digit(body)
        return body + check[-1]
    return national


def edited(dice: random.Random, number: str) -> str:
    """The number as somebody writes it, or with a slip."""
    at, strange = dice.randrange(len(number)), dice.choice(_SIGNS + _STRANGE)
    return dice.choice(
        [
            number,
            " ".join(number[each : each + 4] for each in range(0, len(number), 4)),
            number.lower(),
            number[:at] + strange + number[at + 1 :],
            number[:at] + number[at + 1 :],
            number[:at] + strange + number[at:],
            number[:at] + number[at : at + 2][::-1] + number[at + 2 :],
            number + dice.choice(_SIGNS + _STRANGE),
            dice.choice(_STRANGE) + number,
        ]
    )
