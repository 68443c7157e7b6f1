"""Cells with several phone numbers."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.splitting import COMPLETED, split_phones


def parts(cell: str | None) -> list[str] | None:
    """What a cell is taken apart into."""
    found: list[str] | None = pl.DataFrame({"x": [cell]}, schema={"x": pl.String}).select(split_phones("x")).item()
    return None if found is None else list(found)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("02564 202510, 02564 210135", ["02564 202510", "02564 210135"], id="comma"),
        pytest.param("02564 202510;02564 210135", ["02564 202510", "02564 210135"], id="semicolon"),
        pytest.param("02564 202510 | 02564 210135", ["02564 202510", "02564 210135"], id="bar"),
        pytest.param("13800138000\n13900139000", ["13800138000", "13900139000"], id="line-break"),
        pytest.param("T: 604.553.3828 , F: 604.553.2824", ["604.553.3828", "604.553.2824"], id="labels"),
        pytest.param("Tel. 604.553.3828 Fax. 604.553.2824", ["604.553.3828", "604.553.2824"], id="labels-alone"),
        pytest.param("13800138000 / 13900139000", ["13800138000", "13900139000"], id="slash"),
        pytest.param("01-4104381/82", ["01-4104381", "…014104382"], id="end-of-another"),
        pytest.param("4104381/82/83", ["4104381", "…4104382", "…4104383"], id="two-ends"),
        pytest.param("0911 / 58068 - 0", ["0911 / 58068 - 0"], id="slash-behind-an-area-code"),
        pytest.param("030/1234567, 030/7654321", ["030/1234567", "030/7654321"], id="two-area-codes"),
        pytest.param("1380013800013900139000", ["1380013800013900139000"], id="glued"),
        pytest.param("+86 138 0013 8000;ext=12", ["+86 138 0013 8000;ext=12"], id="extension-parameter"),
        pytest.param("604 553 3828, x12", ["604 553 3828, x12"], id="extension-behind-a-comma"),
        pytest.param("１３８００１３８、１３９００１３９", ["１３８００１３８", "１３９００１３９"], id="full-width"),
        pytest.param("138 0013 8000", ["138 0013 8000"], id="one-number"),
        pytest.param("n/a", ["n/a"], id="no-number"),
        pytest.param("", [""], id="empty"),
        pytest.param(None, None, id="null"),
    ],
)  # fmt: skip
def test_a_cell_is_taken_apart_as_its_writer_meant_it(cell: str | None, expected: list[str] | None) -> None:
    assert parts(cell) == expected


def test_integers_are_cells_with_one_number() -> None:
    assert pl.DataFrame({"x": [13800138000]}).select(split_phones("x"))["x"].to_list() == [["13800138000"]]


@given(st.text(st.sampled_from("0123456789 -().+"), max_size=20))
def test_a_cell_without_separators_is_left_as_it_is(cell: str) -> None:
    assert parts(cell) == [cell]


@given(
    st.lists(st.integers(10**6, 10**11).map(str), min_size=2, max_size=4), st.sampled_from([",", ";", "|", "\n", " / "])
)
def test_whole_numbers_come_back_in_order(numbers: list[str], separator: str) -> None:
    assert parts(separator.join(numbers)) == numbers


@given(st.text(max_size=30))
def test_no_digit_is_made_up_but_in_marked_parts(cell: str) -> None:
    for part in parts(cell) or []:
        if not part.startswith(COMPLETED):
            digits = "".join(filter(str.isdecimal, part))
            assert digits in "".join(filter(str.isdecimal, cell))
