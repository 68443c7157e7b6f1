"""libphonenumber itself: what it says of one string.

The `phonenumbers` package is the authority for what a dialled string means. This module needs nothing
else, so that a process that only asks starts quickly.
"""

from __future__ import annotations

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

#: E.164 form, region, type and status.
Answer = tuple[str | None, str | None, str | None, str]

ERRORS = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short_after_idd",
    NumberParseException.TOO_SHORT_NSN: "too_short_nsn",
    NumberParseException.TOO_LONG: "too_long",
}
TYPES = {value: PhoneNumberType.to_string(value).lower() for value in PhoneNumberType.values()}


def answer(text: str, region: str | None) -> Answer:
    """What one string means, dialled in a region, as `cardscreen.phone` promises it."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as refusal:
        return None, None, None, ERRORS[refusal.error_type]
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    home = phonenumbers.region_code_for_number(number)
    if not phonenumbers.is_valid_number(number):
        return e164, home, "unknown", "invalid"
    return e164, home, TYPES[phonenumbers.number_type(number)], "valid"
