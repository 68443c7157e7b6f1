"""Made-up phone numbers, and the many ways in which people write them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

_STRIDE = 618_033  # coprime to 10**6
_FREE_DIGITS = 6  # trailing digits of an example number that are drawn

_REGIONS = {
    "CN": 30, "US": 8, "IN": 6, "GB": 5, "DE": 5, "BR": 4, "FR": 4, "JP": 4, "MX": 3, "ID": 3, "IT": 3, "ES": 3,
    "RU": 3, "TR": 2, "KR": 2, "VN": 2, "TH": 2, "PH": 2, "NG": 2, "ZA": 2, "EG": 2, "AR": 2, "CO": 2, "PL": 2,
    "UA": 1, "KZ": 1, "AU": 1, "CA": 1, "MY": 1, "SG": 1, "HK": 1, "TW": 1, "PK": 1, "BD": 1, "AE": 1, "SA": 1,
    "KE": 1, "GH": 1, "CL": 1, "PE": 1, "NL": 1, "SE": 1, "CH": 1, "PT": 1, "GR": 1,
}  # fmt: skip
#: How cells are written, and how many of a thousand are (as in published columns of phone numbers).
SPELLINGS = {
    "national": 686, "plain": 154, "idd": 37, "international": 40, "blank": 41, "junk": 16, "two": 8,
    "around": 9, "dots": 4, "extension": 1, "full_width": 2, "nbsp": 2,
}  # fmt: skip
#: The spellings that keep the number readable: the only ones that planted accounts have.
READABLE = {name: weight for name, weight in SPELLINGS.items() if name not in ("blank", "junk", "two")}
_JUNK = ("NULL", "N/A", "NOT AVAILABLE", "() -", "unknown")


def of_the_world(random: np.random.Generator) -> Iterator[PhoneNumber]:
    """Distinct mobile numbers of many countries, without end."""
    names, weights = list(_REGIONS), np.array(list(_REGIONS.values()), dtype=float)
    examples = {name: _example(name) for name in names}
    drawn = {name: _draws(random) for name in names}
    while True:
        for name in random.choice(names, 10_000, p=weights / weights.sum()):  # nosec B311 # made up
            yield _with_tail(examples[name], next(drawn[name]))


def in_region(random: np.random.Generator, region: str, start: str) -> Iterator[PhoneNumber]:
    """Distinct numbers that begin like one number."""
    base = phonenumbers.parse(start + "0", region)
    for tail in _draws(random):
        yield _with_tail(base, tail)


def spelled(random: np.random.Generator, numbers: list[PhoneNumber], spellings: dict[str, int]) -> list[str]:
    """Each number as somebody wrote it down."""
    weights = np.array(list(spellings.values()), dtype=float)
    drawn = random.choice(list(spellings), len(numbers), p=weights / weights.sum())  # nosec B311 # made up
    return [_spell(number, str(how)) for number, how in zip(numbers, drawn, strict=True)]


def e164(number: PhoneNumber) -> str:
    """The canonical form."""
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def region_of(number: PhoneNumber) -> str:
    """The country whose number it is."""
    return phonenumbers.region_code_for_number(number) or ""


def _draws(random: np.random.Generator) -> Iterator[int]:
    """All tails once each, in an order that looks drawn: steps around a circle, coprime to its length."""
    everything = 10**_FREE_DIGITS
    start = int(random.integers(everything))
    yield from ((start + at * _STRIDE) % everything for at in range(everything))


def _example(region: str) -> PhoneNumber:
    """A country's example mobile number, which nobody has."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        raise LookupError(f"libphonenumber has no example number for {region}")
    return number


def _with_tail(example: PhoneNumber, tail: int) -> PhoneNumber:
    number = PhoneNumber()
    number.merge_from(example)
    unit = 10**_FREE_DIGITS
    number.national_number = (example.national_number or 0) // unit * unit + tail
    return number


def _idd(number: PhoneNumber) -> str:
    """What is dialled for "abroad" in the number's own country, or a plus where that depends on the carrier."""
    home = phonenumbers.region_code_for_country_code(number.country_code or 0)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(home)
    prefix = metadata.international_prefix if metadata else None
    return prefix if prefix and prefix.isdigit() else "+"


def _spell(number: PhoneNumber, how: str) -> str:
    """One number as somebody wrote it down."""
    if how == "blank":
        return ""
    if how == "junk":
        return _JUNK[(number.national_number or 0) % len(_JUNK)]
    if how == "idd":
        return _idd(number) + e164(number)[1:]
    if how == "international":
        return _formatted(number, PhoneNumberFormat.INTERNATIONAL)
    national = _formatted(number, PhoneNumberFormat.NATIONAL)
    plain = "".join(filter(str.isdigit, national))
    return {
        "national": national,
        "plain": plain,
        "two": f"{national}, {national[:-1]}9",
        "around": f"  {national} ",
        "dots": national.replace(" ", ".").replace("-", "."),
        "extension": f"{national} ext. 12",
        "full_width": plain.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
        "nbsp": national.replace(" ", "\N{NO-BREAK SPACE}"),
    }[how]


def _formatted(number: PhoneNumber, style: int) -> str:
    """A number as its country writes it; the shape is asked for once, since only the drawn digits differ."""
    head, tail = divmod(number.national_number or 0, 10**_FREE_DIGITS)
    zero = bool(number.italian_leading_zero)
    return _template(number.country_code or 0, head, zero, style).format(*f"{tail:0{_FREE_DIGITS}}")


@cache
def _template(country_code: int, head: int, zero: bool, style: int) -> str:
    """A written number with places for its last digits."""
    number = PhoneNumber(country_code, head * 10**_FREE_DIGITS, italian_leading_zero=zero or None)
    shape = list(phonenumbers.format_number(number, style))
    places = [at for at, sign in enumerate(shape) if sign.isdigit()][-_FREE_DIGITS:]
    return "".join("{}" if at in places else sign for at, sign in enumerate(shape))
