"""A bank's own BIN table: the longest BIN answers, whatever the column and the table look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation.cards.prefixes import Prefixes
from cardscreen.kinds.card import samples
from cardscreen.kinds.card.issuers import Issuers

BINS = pl.DataFrame(
    {
        "bin": ["4111", "411111", "41111112", "622200-622299", "62220212345", "62220212-62220213"],
        "issuer": ["wide", "six", "eight", "range", "eleven", "narrow range"],
        "country": ["US", "US", None, "CN", "CN", "CN"],
        "type": ["credit", "debit", "prepaid", "debit", "debit", " "],
        "brand": ["visa"] * 3 + ["unionpay"] * 3,
    }
)
FIELDS = ["issuer", "country", "funding"]

bins = st.text(st.sampled_from("0129"), min_size=4, max_size=11)


def issued(cells: list[Any], table: Any = BINS, **options: Any) -> list[tuple[Any, ...]]:
    read = pl.DataFrame({"card": pl.Series(cells, dtype=pl.String)}).select(cs.card("card", issuers=table, **options))
    return read.to_series().struct.unnest().select(FIELDS).rows()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("4111 9999 9999 9999", ("wide", "US", "credit"), id="four-digits"),
        pytest.param("4111119999999999", ("six", "US", "debit"), id="six-digits"),
        pytest.param("4111111299999999", ("eight", None, "prepaid"), id="eight-digits-and-no-country"),
        pytest.param("6222001111111111", ("range", "CN", "debit"), id="range"),
        pytest.param("6222991111111111", ("range", "CN", "debit"), id="end-of-range"),
        pytest.param("6222021234511111", ("eleven", "CN", "debit"), id="eleven-digits"),
        pytest.param("6222021234611111", ("narrow range", "CN", None), id="range-in-a-range-and-blank-type"),
        pytest.param("6223001111111111", (None, None, None), id="behind-the-range"),
        pytest.param("5111111111111111", (None, None, None), id="not-in-the-table"),
        pytest.param("6222029876543210000", ("range", "CN", "debit"), id="nineteen-digits"),
        pytest.param("622205******1234", ("range", "CN", "debit"), id="what-a-truncated-number-shows-is-enough"),
        pytest.param("622202******1234", (None, None, None), id="and-where-it-is-not-enough"),
        pytest.param("622205…1234", ("range", "CN", "debit"), id="of-unknown-length"),
        pytest.param("0000001111111111", (None, None, None), id="zeros"),
        pytest.param(None, (None, None, None), id="null"),
        pytest.param("see file", (None, None, None), id="words"),
    ],
)
def test_the_longest_bin_that_a_number_begins_with_answers(cell: str | None, expected: tuple[Any, ...]) -> None:
    assert issued([cell, "4111119999999999"])[0] == expected
    assert issued([cell], Issuers.from_frame(BINS))[0] == expected


def longest(pan: str, table: dict[str, str]) -> str | None:
    """The obvious way."""
    fitting = [prefix for prefix in table if pan.startswith(prefix)]
    return table[max(fitting, key=len)] if fitting else None


@given(st.dictionaries(bins, st.sampled_from("abc"), min_size=1, max_size=12), st.data())
def test_bins_of_all_lengths_answer_like_a_search_of_one_by_one(table: dict[str, str], data: st.DataObject) -> None:
    known = st.sampled_from(sorted(table)).flatmap(
        lambda start: bins.map(lambda end: (start + end)[:16].ljust(16, "0"))
    )
    numbers = (known | st.text(st.sampled_from("0129"), min_size=16, max_size=16)).filter(
        lambda pan: not samples.are_fillers(np.array([int(pan)], dtype=np.uint64))[0]
    )
    pans = data.draw(st.lists(numbers, min_size=1))
    told = issued(pans, pl.DataFrame({"bin": list(table), "issuer": list(table.values())}))
    assert [row[0] for row in told] == [longest(pan, table) for pan in pans]


@given(
    st.lists(st.tuples(st.integers(0, 10**11 - 1), st.integers(0, 10**7)), max_size=20),
    st.lists(st.integers(0, 10**11 - 1), min_size=1, max_size=20),
)
def test_pages_say_what_the_table_of_intervals_says(spans: list[tuple[int, int]], others: list[int]) -> None:
    written = [(f"{low:011}", f"{min(low + width, 10**11 - 1):011}") for low, width in spans]
    first, last = (pl.Series([span[end] for span in written], dtype=pl.String) for end in (0, 1))
    prefixes = Prefixes.of(first, last, pl.DataFrame({"owner": range(len(spans))}), 11)
    near = [int(end) + gap for span in written for end in span for gap in (-1, 0, 1)]
    keys = pl.Series("key", [key for key in near + others if 0 <= key < 10**11], dtype=pl.UInt64)
    ends = [*zip(prefixes.table.low, prefixes.table.high, strict=True)]
    searched = [next((row for row, (low, high) in enumerate(ends) if low <= key <= high), -1) for key in keys]
    assert prefixes.find(keys.to_numpy()).tolist() == searched


def test_no_bins_issue_no_card() -> None:
    assert issued(["4111119999999999", "622205******1234"], BINS.clear()) == [(None, None, None)] * 2
    assert (
        Prefixes.of(BINS["bin"].clear(), BINS["bin"].clear(), BINS.clear().select("issuer"), 8).find(
            np.array([1], np.uint64)
        )
        == -1
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_read_from_a_file_and_other_columns_are_left_alone(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"bins.{ending}"
    BINS.write_csv(file) if ending == "csv" else BINS.write_parquet(file)
    for table in (file, str(file), Issuers.read(file)):
        assert issued(["6222021234511111"], table) == [("eleven", "CN", "debit")]


def test_bins_may_be_integers_and_fields_may_be_left_out() -> None:
    assert issued(["4111119999999999"], pl.DataFrame({"bin": [411111]})) == [(None, None, None)]
    assert issued(["4111119999999999"], pl.DataFrame({"bin": [411111], "issuer": ["x"]})) == [("x", None, None)]


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        pytest.param({"BIN": ["411111"]}, cs.MissingColumn, "did you mean", id="no-bin"),
        pytest.param({"bin": ["411111", "411"]}, cs.InputError, "in the rows 1", id="too-short"),
        pytest.param({"bin": ["411111111111"]}, cs.InputError, "4 to 11 digits", id="too-long"),
        pytest.param({"bin": ["4111-41129"]}, cs.InputError, "rows 0", id="ends-of-different-lengths"),
        pytest.param({"bin": ["4112-4111"]}, cs.InputError, "rows 0", id="range-backwards"),
        pytest.param({"bin": [None]}, cs.InputError, "rows 0", id="null"),
        pytest.param({"bin": [True]}, cs.InputError, "type Boolean", id="booleans"),
        pytest.param({"bin": ["4111"] * 2, "issuer": ["a", "b"]}, cs.InputError, "different data", id="contradiction"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(table: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Issuers.from_frame(pl.DataFrame(table))


def test_a_row_that_is_there_twice_says_nothing_new() -> None:
    assert issued(["4111119999999999"], pl.concat([BINS, BINS])) == [("six", "US", "debit")]


@pytest.mark.parametrize(
    ("options", "iin", "masked"),
    [
        pytest.param({}, "62220299", "622202*********1234", id="default"),
        pytest.param({"iin": 6}, "622202", "622202*********1234", id="six"),
        pytest.param({"show_first": 8}, "62220299", "62220299*******1234", id="eight-shown"),
        pytest.param({"show_first": 0}, "62220299", "***************1234", id="last-four-only"),
        pytest.param({"show_first": 6, "show_last": 0}, "62220299", "622202*************", id="first-six-only"),
    ],
)
def test_the_iin_and_the_mask_can_be_set(options: dict[str, Any], iin: str, masked: str) -> None:
    cells = pl.DataFrame({"card": ["6222029900000001234"]})
    told = cells.select(cs.card("card", **options)).to_series().struct.unnest()
    assert told.select("iin", "masked").rows() == [(iin, masked)]


@pytest.mark.parametrize(
    ("pan", "masked"),
    [("378282246310005", "378282*****0005"), ("4222222222222", "422222***2222"), ("630400001234", "630400**1234")],
)
def test_a_short_number_never_shows_more_than_six_and_four(pan: str, masked: str) -> None:
    told = pl.DataFrame({"card": [pan]}).select(cs.card("card", show_first=8).struct.field("masked"))
    assert told.item() == masked


@pytest.mark.parametrize("options", [{"iin": 7}, {"show_first": 9}, {"show_last": 5}, {"show_first": -1}])
def test_options_that_would_show_more_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(cs.ConfigError):
        cs.card("card", **options)
    if "iin" not in options:
        with pytest.raises(cs.ConfigError):
            cs.Card(**options)
