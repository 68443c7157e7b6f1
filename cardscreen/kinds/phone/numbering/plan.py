"""The world's numbering plan: region, type and validity of every E.164 number, as intervals.

The key of an E.164 number is the number itself: country codes do not begin with 0, so nothing is
lost. For each country code and length, the patterns of all its regions are turned into intervals,
the numbers are cut wherever one of them begins or ends, and `phonenumbers` is asked about both ends
of every piece. Where the ends differ, which no release has shown yet, the piece is left out, and
whoever looks it up must ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import phonenumbers
import polars as pl
from phonenumbers import PhoneMetadata, PhoneNumber

from cardscreen.foundation import schema
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.kinds.phone.numbering import patterns, reference
from cardscreen.kinds.phone.numbering.routes import LONGEST_E164

#: What the plan says of each interval of numbers.
PLAN: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "region": pl.String,
    "type": schema.PHONE_TYPES,
    "status": schema.PHONE_STATUSES,
}

_MIN_NSN, _MAX_NSN = 2, 17  # digits
_KINDS = (
    "general_desc",
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


def build() -> Intervals:
    """The plan for the installed `phonenumbers`, with the payload `PLAN`."""
    codes = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    pieces = [piece for code in codes for piece in _country(code)]
    patterns.forget()
    rows = [(low, high, *meaning) for low, high, meaning in patterns.joined(sorted(pieces, key=lambda piece: piece[0]))]
    return Intervals.from_frame(pl.DataFrame(rows, schema={"low": pl.UInt64, "high": pl.UInt64, **PLAN}, orient="row"))


def _country(code: int) -> Iterator[patterns.Piece]:
    """The cells of one country code, with what `phonenumbers` says at both ends."""
    homes = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    ]
    for length in range(_MIN_NSN, min(_MAX_NSN, LONGEST_E164 - len(str(code))) + 1):
        try:
            edges = sorted({0, *(edge for home in homes for edge in _edges(home, length))} - {10**length})
        except patterns.UnknownSyntax:
            continue
        base = code * 10**length
        for low, after in zip(edges, [*edges[1:], 10**length], strict=True):
            answer = _ask(code, low, length)
            if after - low == 1 or answer == _ask(code, after - 1, length):
                yield base + low, base + after - 1, answer


def _edges(home: Any, length: int) -> Iterator[int]:
    """Where the answer of a pattern of one region may change, among numbers of one length."""
    if home.leading_digits:
        for low, high in patterns.beginning(home.leading_digits, length):
            yield from (low, high + 1)
    for kind in _KINDS:
        described = getattr(home, kind)
        if described is None or not described.national_number_pattern:
            continue
        if described.possible_length and length not in described.possible_length:
            continue
        for low, high in patterns.matching(described.national_number_pattern, length):
            yield from (low, high + 1)


def _ask(code: int, national: int, length: int) -> tuple[str | None, str, str]:
    zeros = min(length - len(str(national)), length - 1)
    number = PhoneNumber(
        country_code=code,
        national_number=national,
        italian_leading_zero=True if zeros else None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )
    # A number is valid if it has a type: asking for validity as well would do the same work twice.
    kind = reference.TYPES[phonenumbers.number_type(number)]
    return phonenumbers.region_code_for_number(number), kind, "invalid" if kind == "unknown" else "valid"
