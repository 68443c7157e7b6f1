"""`cs.phone` against the `phonenumbers` package itself, asked row by row."""

from __future__ import annotations

from typing import Any

import phonenumbers
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

import cardscreen as cs
from cardscreen.kinds.phone import kind as phones

Answer = tuple[str | None, str | None, str | None, str]

NOTHING: Answer = (None, None, None, "missing")
REGIONS = [None, "CN", "US", "GB", "DE", "IT", "AR", "BR", "MX", "RU", "SG", "HU", "KZ", "SM", "001", "XX", "cn", ""]

#: Numbers of many plans: valid, too short, too long, dialled abroad, with letters, in damaged cells.
CELLS = [
    "13800138000",
    "138 0013 8000",
    "+86 138-0013-8000",
    "0086 13800138000",
    "(010) 6552 9988",
    "861064123456789",
    "+8614400000000001",
    "+1 (212) 555-0123 ext. 45",
    "1-800-FLOWERS",
    "tel:+44-20-7946-0958;phone-context=+44",
    "020 7946 0958",
    "+390236618300",
    "02 3661 8300",
    "0039 02 3661 8300",
    "+5491123456789",
    "011 15 2345-6789",
    "+521 33 1234 5678",
    "8 (912) 345-67-89",
    "+800 1234 5678",
    "+979 123456789",
    "+999 123456",
    "+86",
    "+",
    "00",
    "0011 54 11",
    "1",
    "12",
    "110",
    "n/a",
    "电话 13800138000",
    "１３８００１３８０００",
    "＋８６１３８００１３８０００",
    "١٣٨٠٠١٣٨٠٠٠",
    "13800138000;13800138001",
    "13800138000/01",
    "13800138000.0",
    "1.3800138E+10",
    "9" * 15,
    "9" * 16,
    "9" * 17,
    "9" * 18,
    "1" * 251,
    "+" + "8" * 300,
    "++8613800138000",
    "+86+13800138000",
    "-13800138000",
    "*138#",
    "13800138000\x00",
    "\u200b13800138000",
    "138\u00ad0013\u20608000",
    "138\t0013\n8000",
    "\ud7ff",
    "🙂13800138000",
]
BLANK = ["", " ", "\t\n", "\u3000", "\x1c\x1f", "\x85\xa0"]
MESSY = st.text(st.sampled_from("0123456789+-() ./*#,;~xe１＋\u00a0\u200b\u00adA\t電"), max_size=24)
INTERNATIONAL = st.builds(
    lambda plus, code, rest: f"{plus}{code}{rest}",
    st.sampled_from(["+", "00", "011", "", "+ ", "＋"]),
    st.sampled_from([86, 1, 44, 39, 49, 54, 55, 52, 7, 65, 800, 881, 979, 999, 36]),
    st.text(st.sampled_from("0123456789"), max_size=14),
)
cells = st.sampled_from([*CELLS, *BLANK]) | MESSY | INTERNATIONAL | st.text(max_size=12)


def by_the_package(cell: str | None, region: str | None) -> Answer:
    if cell is None or cell.strip() == "":
        return NOTHING
    try:
        number = phonenumbers.parse(cell, region)
    except NumberParseException as refusal:
        names = {
            NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
            NumberParseException.NOT_A_NUMBER: "not_a_number",
            NumberParseException.TOO_SHORT_AFTER_IDD: "too_short_after_idd",
            NumberParseException.TOO_SHORT_NSN: "too_short_nsn",
            NumberParseException.TOO_LONG: "too_long",
        }
        return None, None, None, names[refusal.error_type]
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    home = phonenumbers.region_code_for_number(number)
    if not phonenumbers.is_valid_number(number):
        return e164, home, "unknown", "invalid"
    return e164, home, PhoneNumberType.to_string(phonenumbers.number_type(number)).lower(), "valid"


def read(values: pl.Series | list[str | None], region: str | pl.Expr | None = None, **others: Any) -> list[Answer]:
    column = values if isinstance(values, pl.Series) else pl.Series(values, dtype=pl.String)
    frame = pl.DataFrame({"cell": column, **others})
    return frame.select(cs.phone("cell", region).struct.unnest()).rows()


def columns_of(asked: list[tuple[str | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(asked, schema={"cell": pl.String, "country": pl.String}, orient="row")


@pytest.mark.parametrize("region", [None, "CN", "US", "IT", "AR", "RU", "GB"])
def test_known_cells_read_as_the_package_reads_them(region: str | None) -> None:
    assert read([*CELLS, *BLANK, None], region) == [by_the_package(cell, region) for cell in [*CELLS, *BLANK, None]]


@settings(max_examples=80)
@given(st.lists(cells, min_size=1, max_size=12), st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)) | st.none())
@example(["1112345679887"], "US")
@example(["78881076409931667"], "RU")
@example(["5910015245258"], "BO")
@example(["0", "00", "000", "+0", "+00"], "CN")
def test_any_cell_in_any_region_reads_as_the_package_reads_it(dialled: list[str], region: str | None) -> None:
    assert read([*dialled], region) == [by_the_package(cell, region) for cell in dialled]


@settings(max_examples=80)
@given(st.lists(st.tuples(st.none() | cells, st.sampled_from(REGIONS)), min_size=1, max_size=12))
def test_a_column_of_regions_reads_each_row_in_its_own(asked: list[tuple[str | None, str | None]]) -> None:
    told = columns_of(asked).select(cs.phone("cell", pl.col("country")).struct.unnest()).rows()
    assert told == [by_the_package(cell, region) for cell, region in asked]


@settings(max_examples=50)
@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.integers(-3, 3), st.integers(-1, 1))
def test_numbers_beside_an_example_number_read_as_the_package_reads_them(region: str, step: int, cut: int) -> None:
    sample = phonenumbers.example_number(region)
    assert sample is not None
    assert sample.national_number is not None
    national = str(sample.national_number + step)
    shown = national[:-1] if cut < 0 else national + "0" * cut
    dialled = [shown, f"0{shown}", f"+{sample.country_code}{shown}", f"{sample.country_code}{shown}"]
    assert read([*dialled], region) == [by_the_package(cell, region) for cell in dialled]


@pytest.mark.parametrize(
    ("cell", "region", "expected"),
    [
        pytest.param("138 0013 8000", "CN", ("+8613800138000", "CN", "mobile", "valid"), id="national-mobile"),
        pytest.param("+86 138 0013 8000", None, ("+8613800138000", "CN", "mobile", "valid"), id="international"),
        pytest.param("+86 138 0013 8000", "GB", ("+8613800138000", "CN", "mobile", "valid"), id="plus-beats-region"),
        pytest.param("0086 138 0013 8000", "CN", ("+8613800138000", "CN", "mobile", "valid"), id="dialled-abroad"),
        pytest.param("１３８００１３８０００", "CN", ("+8613800138000", "CN", "mobile", "valid"), id="full-width"),
        pytest.param("(212) 555-0123", "US", ("+12125550123", "US", "fixed_line_or_mobile", "valid"), id="us"),
        pytest.param("+44 20 7946 0958", None, ("+442079460958", "GB", "fixed_line", "valid"), id="fixed-line"),
        pytest.param("02 3661 8300", "IT", ("+390236618300", "IT", "fixed_line", "valid"), id="italian-leading-zero"),
        pytest.param("+800 1234 5678", None, ("+80012345678", "001", "toll_free", "valid"), id="no-country"),
        pytest.param("+1 800 356 9377", None, ("+18003569377", "US", "toll_free", "valid"), id="toll-free"),
        pytest.param("+8612345", None, ("+8612345", "CN", "unknown", "invalid"), id="parses-and-is-invalid"),
        pytest.param("138 0013 8000", None, (None, None, None, "invalid_country_code"), id="national-without-region"),
        pytest.param("+999 123456", "CN", (None, None, None, "invalid_country_code"), id="no-such-country"),
        pytest.param("0011 ", "AU", (None, None, None, "too_short_after_idd"), id="only-the-way-abroad"),
        pytest.param("+861", None, (None, None, None, "too_short_nsn"), id="hardly-anything"),
        pytest.param("1" * 30, "CN", (None, None, None, "too_long"), id="too-long"),
        pytest.param("n/a", "CN", (None, None, None, "not_a_number"), id="text"),
        pytest.param("\u3000\x1c", "CN", NOTHING, id="blank"),
        pytest.param(None, "CN", NOTHING, id="null"),
    ],
)
def test_a_cell_gives_number_region_type_and_status(cell: str | None, region: str | None, expected: Answer) -> None:
    assert read([cell], region) == [expected]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pl.Series([13800138000, 1, None]), id="int64"),
        pytest.param(pl.Series([13800138000, 1, None], dtype=pl.UInt64), id="uint64"),
        pytest.param(pl.Series([13800138000, 1, None], dtype=pl.Int128), id="int128"),
        pytest.param(pl.Series([13800138000.0, 1.0, float("nan")]), id="float-with-nan"),
        pytest.param(pl.Series(["13800138000", "1", None], dtype=pl.Categorical), id="categorical"),
    ],
)
def test_numbers_of_any_type_read_as_their_digits(values: pl.Series) -> None:
    assert read(values, "CN") == [by_the_package(cell, "CN") for cell in ("13800138000", "1", None)]


@pytest.mark.parametrize("number", [1.5, 13800138000.25, float("inf"), -float("inf")])
def test_a_float_that_is_not_whole_is_no_number(number: float) -> None:
    assert read(pl.Series([number]), "CN") == [(None, None, None, "not_a_number")]


def test_a_column_of_nulls_is_missing_whatever_its_type() -> None:
    assert read(pl.Series([None, None]), "CN") == [NOTHING, NOTHING]


def test_no_cells_give_no_answers_of_the_promised_types() -> None:
    empty = pl.DataFrame(schema={"cell": pl.String}).select(cs.phone("cell", "CN").struct.unnest())
    assert empty.rows() == []
    assert empty.columns == ["e164", "region", "type", "status"]
    filled = pl.DataFrame({"cell": ["1"]}).select(cs.phone("cell", "CN").struct.unnest())
    assert empty.schema == filled.schema
    assert [empty.schema[name].base_type() for name in empty.columns] == [pl.String, pl.String, pl.Enum, pl.Enum]


def test_the_plan_knows_the_type_before_it_runs() -> None:
    query = pl.LazyFrame({"cell": ["13800138000"]}).select(cs.phone("cell", "CN"))
    assert query.collect_schema() == query.collect().schema


def test_eager_and_streaming_answers_agree_in_order_over_many_rows() -> None:
    frame = pl.DataFrame({"cell": ["13800138000", None, "x", "+44 20 7946 0958", "１３８００１３８０００"] * 20_000})
    query = frame.lazy().select(cs.phone("cell", "CN"))
    assert query.collect(engine="streaming").equals(frame.select(cs.phone("cell", "CN")))


@pytest.mark.parametrize("region", ["CN", pl.col("home")], ids=["constant", "column"])
def test_a_long_column_is_read_in_parts(region: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[list[str | None]] = [
        ["13800138000", None, "x", "1-2"],
        ["+44 20 7946 0958"],
        [None, "", "１３８００１３８０００", "0" * 30],
    ]
    cell = pl.concat([pl.Series("cell", piece, dtype=pl.String) for piece in pieces], rechunk=False)
    frame = pl.DataFrame({"cell": cell}).with_columns(home=pl.lit("CN"))
    whole = frame.select(cs.phone("cell", region))
    monkeypatch.setattr(phones, "_PART", 3)
    assert frame.select(cs.phone("cell", region)).equals(whole)
    assert [row["status"] for row in whole["cell"]] == [by_the_package(cell, "CN")[3] for cell in frame["cell"]]


def test_the_result_is_named_like_its_column() -> None:
    frame = pl.DataFrame({"a": ["1"], "b": ["2"]})
    result = frame.select(cs.phone("a"), cs.phone(pl.col("b").str.strip_chars(), pl.lit("CN")))
    assert result.columns == ["a", "b"]


def test_a_region_expression_of_one_value_holds_for_all_rows() -> None:
    assert read(["13800138000", None], pl.lit("CN")) == read(["13800138000", None], "CN")


def test_a_null_region_reads_international_numbers_only() -> None:
    told = read(["13800138000", "+8613800138000"], pl.col("country"), country=pl.Series([None, None], dtype=pl.String))
    assert [status for *_, status in told] == ["invalid_country_code", "valid"]


@pytest.mark.parametrize(
    ("region", "near"),
    [
        pytest.param("cn", "CN", id="lower-case"),
        pytest.param(" CN ", "CN", id="with-spaces"),
        pytest.param("UK", "GB", id="what-people-write"),
        pytest.param("USA", "US", id="three-letters"),
    ],
)
def test_an_unknown_constant_region_is_refused_with_the_near_one(region: str, near: str) -> None:
    for refuse in (lambda: cs.phone("cell", region), lambda: cs.Phone(region)):
        with pytest.raises(cs.ConfigError, match=f"unknown region {region!r} .did you mean '{near}'"):
            refuse()


@pytest.mark.parametrize("region", ["", "001", "??", "China"])
def test_a_constant_region_that_does_not_exist_is_refused(region: str) -> None:
    with pytest.raises(cs.ConfigError, match="unknown region"):
        cs.phone("cell", region)


def test_every_supported_region_is_known() -> None:
    assert all(cs.phone("cell", region) is not None for region in phonenumbers.SUPPORTED_REGIONS)


def test_a_phone_column_takes_a_region_or_a_column_of_regions_and_not_both() -> None:
    with pytest.raises(cs.ConfigError, match="not both"):
        cs.Phone("CN", region_column="country")
