"""libphonenumber itself, asked once for each distinct string.

The `phonenumbers` package is the authority for what a dialled string means; this module only saves
it from being asked the same question twice.
"""

from __future__ import annotations

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from cardscreen import schema

_Answer = tuple[str | None, str | None, str | None, str]

ERRORS = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short_after_idd",
    NumberParseException.TOO_SHORT_NSN: "too_short_nsn",
    NumberParseException.TOO_LONG: "too_long",
}
TYPES = {value: PhoneNumberType.to_string(value).lower() for value in PhoneNumberType.values()}


def answer(text: str, region: str | None) -> _Answer:
    """E.164 form, region, type and status of one string, as `cardscreen.phone` promises them."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as refusal:
        return None, None, None, ERRORS[refusal.error_type]
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    home = phonenumbers.region_code_for_number(number)
    if not phonenumbers.is_valid_number(number):
        return e164, home, "unknown", "invalid"
    return e164, home, TYPES[phonenumbers.number_type(number)], "valid"


def answers(asked: pl.DataFrame) -> pl.DataFrame:
    """The answers for many strings, each distinct pair asked once.

    Args:
        asked: Columns `text` (String, no nulls) and `region` (String, null for none).

    Returns:
        Columns e164, region, type, status (`schema.PHONE`), one row for each row asked, in order.
    """
    distinct = asked.unique(maintain_order=True)
    told = pl.DataFrame(
        [answer(text, region) for text, region in distinct.rows()],
        schema=dict(schema.PHONE.to_schema()),
        orient="row",
    )
    book = pl.concat([distinct.rename({"region": "asked_in"}), told], how="horizontal")
    return (
        asked.rename({"region": "asked_in"})
        .join(book, on=["text", "asked_in"], how="left", nulls_equal=True, maintain_order="left")
        .drop("text", "asked_in")
    )
