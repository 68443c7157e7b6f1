"""Digit patterns as intervals, against `re` itself."""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata

from cardscreen.kinds.phone.numbering import patterns

KINDS = ["general_desc", "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost"]
KINDS += ["personal_number", "voip", "pager", "uan", "voicemail"]


def all_metadata() -> list[Any]:
    regions = [PhoneMetadata.metadata_for_region(code) for code in sorted(phonenumbers.SUPPORTED_REGIONS)]
    codes = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    return regions + [PhoneMetadata.metadata_for_nongeo_region(code) for code in codes]


METADATA = all_metadata()
NATIONAL = sorted(
    {
        desc.national_number_pattern
        for home in METADATA
        for desc in (getattr(home, kind) for kind in KINDS)
        if desc is not None and desc.national_number_pattern
    }
)
PREFIXES = sorted(
    {
        pattern
        for home in METADATA
        for pattern in (home.leading_digits, home.national_prefix_for_parsing, home.international_prefix)
        if pattern
    }
)


def probes(pieces: Sequence[tuple[Any, ...]], length: int, dice: random.Random) -> list[int]:
    """Both sides of some edges, and anything."""
    chosen = dice.sample(pieces, min(len(pieces), 5))
    near = [edge + step for piece in chosen for edge in piece[:2] for step in (-1, 0, 1)]
    return [each for each in near if 0 <= each < 10**length] + [dice.randrange(10**length) for _ in range(3)]


def holding(pieces: Sequence[tuple[Any, ...]], value: int) -> tuple[Any, ...] | None:
    place = bisect_right(pieces, value, key=lambda piece: piece[0]) - 1
    return pieces[place] if place >= 0 and pieces[place][1] >= value else None


@pytest.mark.parametrize("part", range(8))
def test_national_patterns_accept_what_fullmatch_accepts(part: int) -> None:
    dice = random.Random(part)
    for pattern in NATIONAL[part::8]:
        judge = re.compile(pattern)
        for length in dice.sample(range(1, 18), 6):
            pieces = patterns.matching(pattern, length)
            for value in probes(pieces, length, dice):
                matches = judge.fullmatch(f"{value:0{length}d}") is not None
                assert (holding(pieces, value) is not None) == matches, (pattern, length, value)


@pytest.mark.parametrize("pattern", PREFIXES)
def test_prefix_patterns_consume_and_capture_what_match_does(pattern: str) -> None:
    dice = random.Random(pattern)
    judge = re.compile(pattern)
    for length in range(1, 19):
        pieces, starts = patterns.prefixes(pattern, length), patterns.beginning(pattern, length)
        wholes = patterns.matching(pattern, length)
        assert (pieces[0][0], pieces[-1][1]) == (0, 10**length - 1)
        assert all(before[1] + 1 == after[0] for before, after in pairwise(pieces))
        for value in probes([*pieces, *wholes], length, dice):
            match, whole = judge.match(f"{value:0{length}d}"), judge.fullmatch(f"{value:0{length}d}")
            spans = match and tuple(match.span(group) for group in range(judge.groups + 1))
            piece = holding(pieces, value)
            assert piece is not None
            assert piece[2] == spans, (pattern, length, value)
            assert (holding(starts, value) is not None) == (match is not None)
            assert (holding(wholes, value) is not None) == (whole is not None)


DIGIT_CLASS = st.sampled_from(["0", "7", r"\d", "[13]", "[2-6]", "[^5]", "[^57]", "[013-57-9]"])
PATTERN = st.recursive(
    DIGIT_CLASS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(?:" + "|".join(parts) + ")"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{0,2}", "{1,3}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(pattern=PATTERN, end=st.sampled_from(["", "$"]), digits=st.text("0123456789", min_size=1, max_size=7))
def test_any_pattern_agrees_with_re(pattern: str, end: str, digits: str) -> None:
    judge = re.compile(pattern + end)
    value, length = int(digits), len(digits)
    match = judge.match(digits)
    spans = match and tuple(match.span(group) for group in range(judge.groups + 1))
    pieces = patterns.prefixes(pattern + end, length)
    piece = holding(pieces, value)
    assert piece is not None
    assert piece[2] == spans
    assert (pieces[0][0], pieces[-1][1]) == (0, 10**length - 1)
    assert all(before[1] + 1 == after[0] and before[2] != after[2] for before, after in pairwise(pieces))
    wholes, starts = patterns.matching(pattern + end, length), patterns.beginning(pattern + end, length)
    assert (holding(wholes, value) is not None) == (judge.fullmatch(digits) is not None)
    assert (holding(starts, value) is not None) == (match is not None)
    for each in (wholes, starts):
        assert all(before[1] + 1 < after[0] for before, after in pairwise(each))
        assert all(0 <= low <= high < 10**length for low, high in each)


def test_a_class_may_say_what_it_does_not_hold() -> None:
    assert patterns.matching("[^3-9]", 1) == [(0, 2)]


def test_an_end_is_found_only_where_no_digit_is_left() -> None:
    assert patterns.beginning("$|1", 0) == [(0, 0)]
    assert patterns.beginning("$|1", 1) == patterns.matching("$|1", 1) == [(1, 1)]


@pytest.mark.parametrize(
    "pattern", ["1*", "(?=1)2", "(?i)1", "(?i:1)", "(?-i:1)", r"\b1", "(?P<a>1)(?P=a)", "[a-z]|\\w"]
)
def test_unknown_syntax_is_refused(pattern: str) -> None:
    with pytest.raises(patterns.UnknownSyntax):
        patterns.matching(pattern, 3)
