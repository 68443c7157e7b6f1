"""Numbers that no subscriber has: of emergency and public services, and senders of text messages.

They are dialled without area code, and with one in front, or a country code, they would be somebody's landline: in
China, `106` begins the senders of text messages, and `10 6…` the numbers of half of Beijing.
"""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumber, shortnumberinfo

LONGEST = 8  # digits of a service number, senders of text messages aside

#: Region → how its service numbers begin as they are dialled, and which of all that begin so are some. Of regions that
#: are not here, those that libphonenumber knows as short numbers are known.
#: CN: numbering plan of the telecom networks, 2017 edition (电信网编号计划, MIIT 2017 No. 68), 2.3 and 2.5: 100, 101
#: operators; 106 senders of text messages, up to 20 digits; 11, 12 emergencies and public services; 95, 96 services
#: across the country and in provinces. Mobiles begin with 13 to 19 and local numbers with 2 to 8.
_PLANS = {
    "CN": (
        ("100", "101", "106", "11", "12", "95", "96"),
        re.compile(r"106[0-9]*|10[01][0-9]{2,5}|1[12][0-9]{1,6}|9[56][0-9]{3,6}"),
    )
}
#: The same numbers in E.164 with an area code in front, as callers' displays show them, or the country code twice.
#: CN: no local number begins with 1 or 9. Of 3, 5 or 6 digits: with more, a mobile of another country looks like it.
BEHIND_CODES = (
    r"^\+86(?:86|0?(?:10|2[0-9]|[3-9][0-9]{2}))"
    r"(?:10[01][0-9]{2,3}|1[12][0-9](?:[0-9]{2,3})?|9[56][0-9]{3,4})$"
)
LONGEST_BEHIND_CODES = 13  # characters of what that matches


def heads(region: str) -> list[str]:
    """How numbers begin in E.164 that may be a region's service numbers, read as if an area code were in front."""
    code = phonenumbers.country_code_for_region(region)
    return [f"+{code}{head}" for head in _PLANS[region][0]] if region in _PLANS else []


def is_service(dialled: str, region: str, *, begins: bool) -> bool:
    """Whether the digits that are dialled in a region are a service's.

    Args:
        dialled: Digits.
        region: An ISO 3166 code.
        begins: Whether they are only how numbers begin.

    Example:
        >>> [is_service(digits, "CN", begins=False) for digits in ("1065755512", "12306", "13800138000")]
        [True, True, False]
    """
    if region in _PLANS:
        starts, whole = _PLANS[region]
        if (begins and dialled.startswith(starts)) or whole.fullmatch(dialled):
            return True
    if not 2 < len(dialled) <= LONGEST:
        return False
    value, code = int(dialled), phonenumbers.country_code_for_region(region)
    zeros = len(dialled) - len(str(value))
    number = PhoneNumber(code, value, italian_leading_zero=zeros > 0, number_of_leading_zeros=zeros or None)
    known = shortnumberinfo.is_valid_short_number_for_region(number, region)
    return bool(known) and not phonenumbers.is_valid_number(number)


def is_service_abroad(value: str) -> bool:
    """Whether an E.164 number, or how such numbers begin, is a service's with a country code in front."""
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:  # the beginning of a prefix
        return False
    return bool(shortnumberinfo.is_valid_short_number(number)) and not phonenumbers.is_valid_number(number)
