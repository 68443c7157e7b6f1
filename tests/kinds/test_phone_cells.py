"""Cells as they are written, taken apart by the loop: extensions, second numbers, and more digits than a key holds.

The `phonenumbers` package is the judge; what the loop leaves to it is right by itself, so a share must be read here.
"""

from __future__ import annotations

import random
from itertools import pairwise

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.kinds.phone.numbering import lookup, patterns
from cardscreen.kinds.phone.numbering.reference import answer

REGIONS = ["CN", "US", "NP", "IN", "GB", "DE", "BR", "MX", "AR", "ID", "NZ", "FI", None, "XX"]
#: What stands between digits, before and behind them.
BETWEEN = [
    *(" ", "-", ",", ",,", ";", "\t", "\u00a0", ".", ":", "\uff0e", "/", " / ", "\\", "(", ")", "[", "~", "\uff5e"),
    *("\uff03", "#", "*", "+", "\uff0b", "_", "\n", "@", "'", "\u200b", "\u202f", "\u30fc", "\uff0d", "\U00020000"),
]
LABELS = [
    *("ext", "ext.", "EXT", "extn", "xtn", "xt", "x", "X", "int", "Int.", "anexo", "extension", "xtensio", "extensi"),
    *("extensi\u00f3n", "\u0434\u043e\u0431", "ph", "tel", "\u8f6c", "\u017f", "\uff45\uff58\uff54", "\uff58", "nex"),
    *("Word", "a", "bc", "\u212a", ";ext=", ";isub=", ";phone-context=", "exo", "/x", "\\ x", "/X"),
]
DIGITS = st.text(st.sampled_from("0123456789" * 8 + "\uff11\u0663"), min_size=1, max_size=12)
PIECES = st.sampled_from(BETWEEN) | st.sampled_from(LABELS) | DIGITS | DIGITS
CELLS = st.builds("".join, st.lists(PIECES, min_size=1, max_size=14))


def read(cells: list[str], region: str | None) -> list[tuple[str | None, ...]]:
    """By the tables and `phonenumbers`, as `cs.phone` does, of a region that need not exist."""
    return lookup.fields(pl.Series(cells), region).struct.unnest().rows()


def meant(cell: str, region: str | None) -> tuple[str | None, ...]:
    return (None, None, None, "missing") if cell.isspace() else answer(cell, region)


@settings(max_examples=150)
@given(st.lists(CELLS, min_size=1, max_size=30), st.sampled_from(REGIONS))
def test_whatever_stands_around_the_digits_is_taken_for_what_the_package_takes_it(
    cells: list[str], region: str | None
) -> None:
    assert read(cells, region) == [meant(cell, region) for cell in cells]


@pytest.mark.parametrize("region", random.Random(25).sample(sorted(phonenumbers.SUPPORTED_REGIONS), 40))
def test_more_digits_than_a_key_holds_are_judged_as_the_package_judges_them(region: str) -> None:
    rng = random.Random(region)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    own, prefix = str(metadata.country_code), metadata.national_prefix or "0"
    fronts = [
        "",
        "0",
        "00",
        "000",
        "011",
        "+",
        "+0",
        f"+{own}",
        f"00{own}",
        own,
        f"{own}{prefix}",
        prefix,
        "1",
        "00358",
        "+1",
    ]
    cells = [
        rng.choice(fronts) + "".join(rng.choices("0123456789", k=rng.randint(15, 26))) + rng.choice(["", ",,", " x12"])
        for _ in range(150)
    ]  # fmt: skip
    assert read(cells, region) == [meant(cell, region) for cell in cells]


def test_no_prefix_of_any_country_is_longer_than_what_the_table_says() -> None:
    for country, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country, regions[0])
        assert metadata is not None
        longest = patterns.longest(metadata.national_prefix_for_parsing or "")
        assert lookup._book.drops()[country] >= len(str(country)) + longest


@pytest.mark.parametrize(
    "cell",
    [
        "+64 6 974 8000 x 6039",
        "(0388) 21700 EXT. 21597",
        "0581 2510186, 0581 2510401",
        "4410897,,",
        "01-447845,9801178845",
        "(905) 404-0674 / (905) 404-8344",
        "79-25842679/8425842712",
        "(905) 566-5900 Ext.",
        "+801 9630932",
        "919-446-Word",
    ],
)
def test_cells_as_they_are_published_are_read_without_asking(cell: str) -> None:
    for region in ("US", "IN", "NZ", "NP"):
        assert len(lookup.tell(pl.Series([cell]), region).rows) == 0
        assert read([cell], region) == [meant(cell, region)]


@given(
    st.lists(st.none() | CELLS | st.just("138 0013 8000"), max_size=40),
    st.lists(st.integers(0, 40), max_size=3),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_columns_in_pieces_and_parts_of_columns_are_read_like_whole_ones(
    cells: list[str | None], cuts: list[int], first: int, size: int
) -> None:
    column, ends = pl.Series(cells, dtype=pl.String), sorted({0, *(min(cut, len(cells)) for cut in cuts), len(cells)})
    pieces = [column[begin:end] for begin, end in pairwise(ends)]
    cut_up = pl.concat(pieces, rechunk=False) if pieces else column
    whole = lookup.fields(column, "CN")
    assert lookup.fields(cut_up, "CN").equals(whole)
    assert lookup.fields(cut_up.slice(first, size), "CN").equals(whole.slice(first, size))
    cards = cs.Card().keys_of(column.to_frame()).keys
    assert cs.Card().keys_of(cut_up.slice(first, size).to_frame()).keys.tolist() == cards[first : first + size].tolist()
