"""Cells of every type as text, what counts as blank, and shapes that give nothing away."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.tables.cells import (
    NOT_WHOLE,
    SHAPE_LENGTH,
    is_blank,
    is_damaged,
    named_like,
    over_fields,
    repaired,
    shape,
    to_text,
)

SURROGATES = range(0xD800, 0xE000)
EVERY_CHARACTER = [chr(point) for point in range(0x110000) if point not in SURROGATES]


def as_text(cells: pl.Series) -> list[str | None]:
    return cells.alias("cell").to_frame().select(to_text(pl.col("cell"))).to_series().to_list()


def shapes(cells: list[str | None]) -> list[str | None]:
    return pl.DataFrame({"cell": pl.Series(cells, dtype=pl.String)}).select(shape(pl.col("cell"))).to_series().to_list()


def blanks(cells: list[str | None]) -> list[bool]:
    frame = pl.DataFrame({"cell": pl.Series(cells, dtype=pl.String)})
    return frame.select(is_blank(pl.col("cell"))).to_series().to_list()


def test_blank_characters_are_those_of_isspace_over_all_of_unicode() -> None:
    told = blanks([*EVERY_CHARACTER])
    differing = [hex(ord(each)) for each, blank in zip(EVERY_CHARACTER, told, strict=True) if blank != each.isspace()]
    assert differing == []


@given(st.lists(st.text(st.sampled_from(" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2028\u3000\u200ba1"), max_size=6)))
def test_a_cell_is_blank_when_stripping_it_as_python_does_leaves_nothing(cells: list[str]) -> None:
    assert blanks([*cells]) == [cell.strip() == "" for cell in cells]


def test_a_null_is_blank() -> None:
    assert blanks([None, "", "0"]) == [True, True, False]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(pl.Series(["0138", " x ", "", None]), ["0138", " x ", "", None], id="text-stays"),
        pytest.param(pl.Series([13800138000, 0, -5, None]), ["13800138000", "0", "-5", None], id="int64"),
        pytest.param(pl.Series([255, None], dtype=pl.UInt8), ["255", None], id="uint8"),
        pytest.param(pl.Series([2**64 - 1], dtype=pl.UInt64), ["18446744073709551615"], id="largest-uint64"),
        pytest.param(pl.Series([10**30], dtype=pl.Int128), ["1" + "0" * 30], id="int128"),
        pytest.param(pl.Series([13800138000.0, None]), ["13800138000", None], id="whole-float"),
        pytest.param(pl.Series([1.5, -0.25]), [NOT_WHOLE, NOT_WHOLE], id="broken-float"),
        pytest.param(pl.Series([float("nan"), None, 1.0]), [None, None, "1"], id="nan-is-null"),
        pytest.param(pl.Series([float("inf"), -float("inf")]), [NOT_WHOLE, NOT_WHOLE], id="infinite-float"),
        pytest.param(pl.Series([-0.0]), ["0"], id="negative-zero"),
        pytest.param(pl.Series([2.0**53, 2.0**63]), [str(2**53), str(2**63)], id="float-past-int64"),
        pytest.param(pl.Series([-(2.0**63), 1e22]), [str(-(2**63)), "1" + "0" * 22], id="float-far-past-int64"),
        pytest.param(pl.Series([1e300]), [str(int(1e300))], id="huge-float-in-full"),
        pytest.param(pl.Series([Decimal("4111")], dtype=pl.Decimal(30, 0)), ["4111"], id="decimal"),
        pytest.param(pl.Series(["a", None], dtype=pl.Categorical), ["a", None], id="categorical"),
        pytest.param(pl.Series(["a", None], dtype=pl.Enum(["a"])), ["a", None], id="enum"),
        pytest.param(pl.Series([None, None]), [None, None], id="nulls-without-type"),
        pytest.param(pl.Series([], dtype=pl.Float64), [], id="no-floats"),
        pytest.param(pl.Series([], dtype=pl.Null), [], id="no-nulls"),
    ],
)
def test_a_cell_of_any_type_that_holds_numbers_gives_their_digits(cells: pl.Series, expected: list[str | None]) -> None:
    assert as_text(cells) == expected


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_integers_give_the_digits_that_python_writes(numbers: list[int | None]) -> None:
    cells = pl.Series(numbers, dtype=pl.Int64)
    assert as_text(cells) == [None if number is None else str(number) for number in numbers]


@given(st.lists(st.none() | st.floats() | st.integers(-(2**70), 2**70).map(float)))
def test_floats_give_exact_digits_where_they_are_whole(numbers: list[float | None]) -> None:
    def expected(number: float | None) -> str | None:
        if number is None or number != number:
            return None
        return str(int(number)) if number.is_integer() else NOT_WHOLE

    assert as_text(pl.Series(numbers, dtype=pl.Float64)) == [expected(number) for number in numbers]


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(pl.Series([True]), id="boolean"),
        pytest.param(pl.Series([date(2026, 1, 1)]), id="date"),
        pytest.param(pl.Series([time(1)]), id="time"),
        pytest.param(pl.Series([timedelta(1)]), id="duration"),
        pytest.param(pl.Series([b"1"]), id="binary"),
        pytest.param(pl.Series([["1"]]), id="list"),
        pytest.param(pl.Series([["1"]], dtype=pl.Array(pl.String, 1)), id="array"),
        pytest.param(pl.Series([{"a": "1"}]), id="struct"),
        pytest.param(pl.Series([Decimal("1.5")]), id="decimal-with-places"),
    ],
)
@pytest.mark.parametrize("read", [cs.phone, cs.card], ids=["phone", "card"])
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_column_that_cannot_hold_numbers_is_refused_by_name(cells: pl.Series, read: Any, engine: Any) -> None:
    query = pl.DataFrame({"mobile": cells}).lazy().select(read("mobile"))
    with pytest.raises(cs.InputError, match="column 'mobile' has type .* cannot hold identifiers"):
        query.collect(engine=engine)


def test_single_precision_is_refused_since_it_has_lost_digits_of_any_number() -> None:
    with pytest.raises(cs.InputError, match="Float32"):
        as_text(pl.Series([13800138000.0], dtype=pl.Float32))  # holds 13800137728


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("+86 138-0013 8000", "+99 999-9999 9999", id="phone"),
        pytest.param("Anna: 12", "AAAA: 99", id="letters"),
        pytest.param("电话１２", "AA99", id="chinese-and-full-width"),
        pytest.param("Ⅻ²½", "999", id="roman-superscript-fraction"),
        pytest.param("١٢٣", "999", id="arabic-digits"),
        pytest.param("", "", id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param("1" * 60, "9" * SHAPE_LENGTH, id="cut-at-forty"),
    ],
)
def test_a_shape_keeps_the_form_and_hides_the_content(cell: str | None, expected: str | None) -> None:
    assert shapes([cell]) == [expected]


def test_no_letter_or_digit_of_unicode_outlives_its_shape() -> None:
    told = shapes([*EVERY_CHARACTER])
    leaked = [
        hex(ord(each))
        for each, shown in zip(EVERY_CHARACTER, told, strict=True)
        if (each.isalnum() or each.isnumeric()) and shown not in ("9", "A")
    ]
    assert leaked == []


@given(st.lists(st.text(max_size=60)))
def test_a_shape_leaks_no_letter_and_no_digit(cells: list[str]) -> None:
    for cell, shown in zip(cells, shapes([*cells]), strict=True):
        assert shown is not None
        assert len(shown) == min(len(cell), SHAPE_LENGTH)
        assert {each for each in shown if each.isalnum()} <= {"9", "A"}
        kept = [(was, now) for was, now in zip(cell, shown, strict=False) if not was.isalnum()]
        assert all(was == now or now in "9A" for was, now in kept)


@pytest.mark.parametrize("name", ["x", "", "row"])
def test_a_result_has_the_name_of_its_column(name: str) -> None:
    frame = pl.DataFrame({name: ["1"]})
    assert frame.select(named_like(pl.lit(1), name)).columns == [name]
    assert frame.select(named_like(pl.lit(1), pl.col(name).str.strip_chars())).columns == [name]


def test_fields_of_a_struct_can_be_swapped_eagerly_and_streaming() -> None:
    pairs = pl.DataFrame({"pair": [{"a": 1, "b": 2}, {"a": 3, "b": None}]})
    swapped = over_fields(pl.col("pair"), pl.Struct({"c": pl.Int64, "d": pl.Int64}), c=pl.col("b"), d=pl.col("a"))
    expected = [{"c": 2, "d": 1}, {"c": None, "d": 3}]
    assert pairs.select(swapped)["pair"].to_list() == expected
    assert pairs.lazy().select(swapped).collect(engine="streaming")["pair"].to_list() == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("13800138000.0", "13800138000", id="float-as-text"),
        pytest.param("13800138000.00", "13800138000", id="two-noughts"),
        pytest.param("1.3800138E+10", "13800138000", id="all-digits-there"),
        pytest.param("1.3800138000e10", "13800138000", id="lower-case"),
        pytest.param("'13800138000", "13800138000", id="apostrophe"),
        pytest.param('="13800138000"', "13800138000", id="formula"),
        pytest.param(" 13800138000 ", "13800138000", id="blanks-around"),
        pytest.param("1.38E+10", "1.38E+10", id="digits-lost"),
        pytest.param("1.38001E+10", "1.38001E+10", id="six-digits-shown"),
        pytest.param("1.38001380001E+10", "1.38001380001E+10", id="no-whole-number"),
        pytest.param("138.0013.8000", "138.0013.8000", id="dots-between"),
        pytest.param("+86 138 0013 8000", "+86 138 0013 8000", id="sound"),
        pytest.param(None, None, id="null"),
    ],
)
def test_what_a_spreadsheet_did_is_undone_where_nothing_is_lost(cell: str | None, expected: str | None) -> None:
    cells = pl.DataFrame({"x": [cell]}, schema={"x": pl.String})
    assert cells.select(repaired(pl.col("x"))).item() == expected


@pytest.mark.parametrize(
    "cell",
    [
        *("1.38E+10", "1e10", "6.22202E+18", "1.3800138E+10", "13800138000.0", " 13800138000,0", "0123456.00", "-7.5"),
        *("2020-01-01", "1999-12-31 00:00:00", " 2026-02-03T10:11"),
    ],
)
def test_what_a_spreadsheet_made_a_quantity_of_is_damaged(cell: str) -> None:
    assert pl.DataFrame({"x": [cell]}).select(is_damaged(pl.col("x"))).item()


@pytest.mark.parametrize(
    "cell",
    [
        *("138-0013-XXXX", "138-****-8000", "138-XXXX-8000", "138----8000", "010-XXXX1234", "138~~~~8000"),
        *("212-736-XXXX", "(212) 736-xxxx", "212.736.XXXX", "212/736/XXXX", "212-736-____", "212-736-••••"),
        *("0171-2345-XXX", "030 1234567-XX", "030 1234567x", "030 1234567?", "212-736-...."),
        *("***-***-5000", "xxx-xxx-5000", "(XX) 98765-4321", "138 XXXX 8000"),
    ],
)
def test_a_number_with_hidden_digits_is_damaged_wherever_they_stand(cell: str) -> None:
    assert pl.DataFrame({"x": [cell]}).select(is_damaged(pl.col("x"))).item()


@pytest.mark.parametrize(
    "cell",
    [
        *("1-800-EXXON-11", "1-800-FLOWERS", "+1 212 736 5000 x123", "13800138000*", "010--62345678"),
        *("?? 13800138000", "13800138000 / 13900139000", "030 1234567-9", "2020 0101", "1990-1234567"),
        "13800138000",
        "0911.580.680",
        "604.553.2824",
        "01.23.45.67.0",
        "044 123.0",
        "3.1415",
        "12.05",
        "E10",
        "1 e 2",
        "",
    ],
)
def test_a_number_as_people_write_it_is_not_damaged(cell: str) -> None:
    assert not pl.DataFrame({"x": [cell]}).select(is_damaged(pl.col("x"))).item()
