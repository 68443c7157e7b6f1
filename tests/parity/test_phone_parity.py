"""`cs.phone` against `phonenumbers` itself: the same four fields for every string and region."""

from __future__ import annotations

import os
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

import cardscreen as cs
from cardscreen.kinds.phone import misreadings
from cardscreen.kinds.phone.numbering import lookup, reference

FOCUS = ["CN", "US", "GB", "DE", "IT", "AR", "BR", "MX", "JP", "IN", "RU"]
FOCUS += ["KZ", "TT", "AU", "CX", "FR", "ID", "KR", "SM", "VA", "CI"]
STACKED = ["0", "1", "8", "9", "15", "183", "179", "17951", "12593", "0115", "18", "021"]
STACKED += ["031", "041", "003768", "180020", "90", "00", "011", "810", "0011", "119", "009"]
PUNCTUATION = [*"- ./()[]*", *"‐−ー－．／\u00a0\u00ad\u200b\u2060\u3000（）［］"]
ODD = [*"x~#,;:\t\n\0+_@ab'\"=|&\\<>{}^%$!?", *"\u202f\u202d⁓∼～²½一اé＋\u0301😀\ufeff\u2028\x85٠۵８𝟎"]
ODD += ["//", "ext", "tel:", ";ext=", "  x", ";isub=", ";phone-context=", ";phone-context=+86", ";phone-context=a.com"]
FRONTS = ["Tel: ", "tel:", "(", "电话:", "T. ", "'", '="', "#", "x", "+ ", "++", "；", ";", "2 ", "é"]
BACKS = [
    " ",
    ".",
    ")",
    "。",
    "#",
    "x",
    "\n",
    " -",
    "/",
    "…",
    "ext",
    "；",
    ";",
    '"',
    "+",
    "_",
    "、",
    " （办）",
    "é",
    "²",
]


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache for all test processes, apart from the user's own."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        patch.setenv("CARDSCREEN_CACHE_DIR", str(root / "tables"))
        yield


def assert_parity(cells: list[str], region: str | None) -> None:
    """All four fields, and the key and status that the scan gives: none where another number was meant, or none."""
    cells = list(dict.fromkeys(cells))
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    rows = frame.select(cs.phone("x", region)).unnest("x").rows()
    keys = frame.select(cs.Phone(region).scan(pl.col("x"))).unnest("x").select("key", "status").rows()
    read = misreadings.read(frame["x"], region).struct.field("status")
    unread = [status if status in (misreadings.DAMAGED_CELL, misreadings.FILLER) else None for status in read]
    for cell, row, key, lost in zip(cells, rows, keys, unread, strict=True):
        expected = reference.answer(cell, region) if cell and not cell.isspace() else (None, None, None, "missing")
        assert row == expected, (cell, region)
        scanned = (None, lost) if lost else (expected[0] and int(expected[0][1:20]), expected[3])
        assert key == scanned, (cell, region)
        assert not lost or expected[3] != "valid" or not re.fullmatch("[-+0-9 ()]*", cell) or "--" in cell, cell


def national(region: str | None) -> list[str]:
    numbers = [phonenumbers.example_number_for_type(region or "CN", kind) for kind in PhoneNumberType.values()]
    return [phonenumbers.national_significant_number(number) for number in numbers if number is not None]


def some_digits(dice: random.Random, most: int, least: int = 0) -> str:
    return "".join(dice.choices("0123456789", k=dice.randint(least, most)))


def distorted(region: str | None, count: int, dice: random.Random) -> list[str]:
    """Real numbers cut, extended and with prefixes stacked before them, some written oddly."""
    home = PhoneMetadata.metadata_for_region(region or "CN")
    assert home is not None
    code, known, out = str(home.country_code), national(region), []
    prefixes = [home.national_prefix or "0", code, code, "+", *STACKED]
    for _ in range(count):
        number = dice.choice(known)
        shape = dice.randrange(5)
        if shape == 0:
            number = number[: dice.randint(1, len(number))] + some_digits(dice, len(number))
        elif shape == 1:
            number = number[: -dice.randint(1, 3)]
        elif shape == 2:
            number += some_digits(dice, 4)
        for _ in range(dice.choice([0, 1, 1, 2, 3])):
            number = dice.choice([*prefixes, some_digits(dice, 2)]) + number
        if dice.random() < 0.2:
            number = f"+{code}{dice.choice(['', '(0)', '0', '1'])}{number}"
        out.append(messy(number, dice) if dice.random() < 0.4 else number)
    return out


def messy(text: str, dice: random.Random) -> str:
    letters = list(text)
    for _ in range(dice.randint(0, 4)):
        letters.insert(dice.randint(0, len(letters)), dice.choice(PUNCTUATION))
    if dice.random() < 0.4:
        letters.insert(dice.randint(0, len(letters)), dice.choice(ODD))
    text = "".join(letters)
    if dice.random() < 0.3:
        zero = dice.choice("٠۰０०")
        text = "".join(chr(ord(zero) + int(each)) if each in "0123456789" else each for each in text)
    return dice.choice(["", "", *FRONTS]) + text + dice.choice(["", "", *BACKS])


@pytest.mark.parametrize("region", [*FOCUS, None])
def test_route_cells_hold_up_to_their_edges(region: str | None) -> None:
    dice = random.Random(str(region))
    table = lookup.fetch_routes(region)
    cells = list(zip(table.low, table.high, strict=True))
    some = dice.sample(cells, min(len(cells), 150))
    keys = [key for low, high in some for key in around(low, high, dice)]
    assert_parity([("" if region else "+") + str(key)[1:] for key in keys if str(key)[0] == "1"], region)


def around(low: int, high: int, dice: random.Random) -> list[int]:
    return [low - 1, low, low + 1, high - 1, high, high + 1, dice.randint(low, high)]


@pytest.mark.parametrize("region", [*FOCUS, None])
def test_distorted_numbers_agree(region: str | None) -> None:
    assert_parity(distorted(region, 800, random.Random(f"distorted {region}")), region)


def test_digits_of_every_script_are_read() -> None:
    digits = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isdecimal()]
    cells = pl.DataFrame({"x": [f"1380013800{digit}" for digit in digits]})
    read = cells.select(cs.phone(pl.col("x"), "CN").struct.field("e164")).to_series()
    assert read.to_list() == [f"+861380013800{int(digit)}" for digit in digits]


@pytest.mark.parametrize("region", [*FOCUS, None])
def test_random_digits_agree(region: str | None) -> None:
    dice = random.Random(f"random {region}")
    cells = [plus + some_digits(dice, length, length) for length in range(1, 23) for plus in ["", "", "+"] * 4]
    assert_parity(cells, region)


@pytest.mark.parametrize("start", range(6))
def test_numbers_of_all_regions_agree(start: int) -> None:
    dice = random.Random(start)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)[start::6]:
        code = phonenumbers.country_code_for_region(region)
        cells = [
            form for each in national(region) for form in (each, f"+{code}{each}", f"{code}{each}", f"00{code}{each}")
        ]
        assert_parity(cells + distorted(region, 40, dice), region)


def test_numbers_without_region_agree() -> None:
    codes = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    numbers = [phonenumbers.example_number_for_non_geo_entity(code) for code in codes]
    cells = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in numbers if number]
    for region in ("CN", "US", None):
        assert_parity(cells + [cell[:-1] for cell in cells] + [f"+{code}12345678" for code in range(1, 1000)], region)


@pytest.mark.parametrize(
    ("region", "cell"),
    [
        pytest.param("US", "1112345679887", id="country-code-then-national-prefix"),
        pytest.param("RU", "78881076409931667", id="country-code-then-prefix-in-russia"),
        pytest.param("BO", "5910015245258", id="country-code-then-carrier"),
        pytest.param("CN", "1064912345678", id="iot-number"),
        pytest.param("CN", "1440123456789", id="iot-number-of-another-operator"),
        pytest.param("CN", "+8614401234567890", id="longer-iot-number"),
        pytest.param("CN", "1795113800138000", id="ip-dialling-prefix"),
        pytest.param("CN", "1790913800138000", id="ip-dialling-prefix-of-another-operator"),
        pytest.param("CN", "17911010 6552 9988", id="ip-dialling-prefix-and-area-code"),
        pytest.param("CN", "179001064912345678", id="ip-dialling-prefix-and-iot-number"),
        pytest.param("CN", "17951008613800138000", id="ip-prefix-and-idd"),
        pytest.param("CN", "+0086138001380000", id="idd-behind-a-plus"),
        pytest.param("CN", "+99912345678", id="unknown-country-code"),
        pytest.param("IT", "0236618300", id="italian-leading-zero"),
        pytest.param("IT", "+39 02 3661 8300", id="italian-leading-zero-from-abroad"),
        pytest.param("IT", "0039 0236618300", id="italian-leading-zero-behind-an-idd-prefix"),
        pytest.param("IT", "000236618300", id="italian-leading-zeros"),
        pytest.param("CI", "0123456789", id="ivorian-leading-zero"),
        pytest.param("AR", "01123451515678901", id="argentine-mobile-token-twice"),
        pytest.param("AR", "91187654321", id="argentine-mobile"),
        pytest.param("AR", "0111565432198", id="argentine-mobile-with-token"),
        pytest.param("AR", "+54 9 11 8765 4321", id="argentine-mobile-from-abroad"),
        pytest.param("MX", "+5215512345678", id="mexican-mobile-as-it-was"),
        pytest.param("US", "+99912345678", id="unknown-country-code-in-america"),
        pytest.param("RU", "+0079123456789", id="zeros-behind-a-plus"),
        pytest.param("CN", "138\x000013\x008000", id="nul-between"),
        pytest.param("CN", "\x0013800138000\x00", id="nul-around"),
        pytest.param("CN", "1" * 300, id="three-hundred-digits"),
        pytest.param("CN", "13800138000 " + "办" * 300, id="three-hundred-characters-behind"),
        pytest.param("CN", "000", id="only-zeros"),
        pytest.param("CN", "12", id="two-digits"),
        pytest.param("CN", "1-2", id="two-digits-with-punctuation"),
        pytest.param("CN", "+12", id="plus-and-two-digits"),
        pytest.param("CN", "1" * 249, id="many-digits"),
        pytest.param("CN", "13800138000" + " " * 240, id="just-too-long"),
        pytest.param("CN", "（" * 240 + "13800138000", id="more-bytes-than-characters"),
        pytest.param("CN", "n/a", id="no-digits"),
        pytest.param("CN", "x" * 300, id="no-digits-and-too-long"),
        pytest.param("CN", ";phone-context=+86", id="context-alone"),
        pytest.param("CN", "(;phone-context=)13800138000", id="context-before-the-number"),
        pytest.param("CN", "tel:138-0013-8000;phone-context=+86", id="rfc-3966"),
        pytest.param("US", "1-800-FLOWERS", id="vanity"),
        pytest.param("US", "(530) 583-6985 x302/x2303", id="second-extension"),
        pytest.param("ZZ", "13800138000", id="no-such-region"),
        pytest.param("cn", "+99913800138000", id="region-in-small-letters"),
        pytest.param("", "+8613800138000", id="empty-region"),
    ],
)
def test_notable_cells_agree(region: str, cell: str) -> None:
    frame = pl.DataFrame({"cell": [cell], "home": [region]})
    assert frame.select(cs.phone("cell", pl.col("home"))).unnest("cell").row(0) == reference.answer(cell, region)


def test_regions_from_a_column_are_taken_row_by_row() -> None:
    dice = random.Random(5)
    regions = [dice.choice([*FOCUS, None, "ZZ", "cn"]) for _ in range(3000)]
    cells = [distorted(region if region in FOCUS else "US", 1, dice)[0] for region in regions]
    frame = pl.DataFrame({"cell": cells, "home": regions}, schema={"cell": pl.String, "home": pl.String})
    rows = frame.lazy().select(cs.phone("cell", pl.col("home"))).collect(engine="streaming").unnest("cell").rows()
    for cell, region, row in zip(cells, regions, rows, strict=True):
        blank = not cell or cell.isspace()
        assert row == ((None, None, None, "missing") if blank else reference.answer(cell, region)), (cell, region)


@pytest.mark.parametrize("dtype", [pl.UInt64, pl.Int64, pl.Float64, pl.Int128], ids=str)
def test_numeric_columns_read_as_their_digits(dtype: type[pl.DataType]) -> None:
    dice = random.Random(6)
    numbers = [int(some_digits(dice, length, length)) for length in range(1, 16) for _ in range(30)]
    numbers += [0, 9, 10, 99, 100, 999, 1000, 10**17, 10**18, 13800138000]
    cells = pl.DataFrame({"x": numbers}, schema={"x": pl.Int128}).cast(dtype)
    text = pl.DataFrame({"x": [str(number) for number in numbers]})
    for region in ("CN", "GB"):
        assert cells.select(cs.phone("x", region)).equals(text.select(cs.phone("x", region)))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt16, pl.Int32, pl.Decimal(20, 0), pl.Null], ids=str)
@pytest.mark.parametrize("values", [[], [None], [None, 110, 12]], ids=["empty", "null", "mixed"])
def test_any_column_that_can_hold_numbers_is_read(dtype: pl.DataType, values: list[int | None]) -> None:
    values = [None] * len(values) if dtype == pl.Null else values
    cells = pl.DataFrame({"x": pl.Series(values, dtype=dtype)}).with_columns(home=pl.lit("CN"))
    text = pl.DataFrame({"x": [None if value is None else str(value) for value in values]}, schema={"x": pl.String})
    expected = text.select(cs.phone("x", "CN"))
    assert cells.select(cs.phone("x", "CN")).equals(expected)
    assert cells.select(cs.phone("x", pl.col("home"))).equals(expected)


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.Date, pl.List(pl.String)], ids=str)
def test_other_columns_are_refused_by_name(dtype: pl.DataType) -> None:
    with pytest.raises(Exception, match="'birthday'"):
        pl.DataFrame({"birthday": pl.Series([None], dtype=dtype)}).select(cs.phone("birthday", "CN"))


def test_numbers_that_are_none_are_rejected() -> None:
    cells = pl.DataFrame({"x": [-13800138000.0, 1.5, None, float("nan"), float("inf"), 13800138000.0]})
    status = cells.select(cs.phone("x", "CN").struct.field("status")).to_series().to_list()
    assert status == ["valid", "not_a_number", "missing", "missing", "not_a_number", "valid"]


def test_real_cells_agree(real_data: Path) -> None:
    cells = pl.read_parquet(real_data / "real_phones.parquet", columns=["raw", "region"])
    rows = cells.select(cs.phone("raw", pl.col("region"))).unnest("raw").rows()
    for (cell, region), row in zip(cells.rows(), rows, strict=True):
        if cell and not cell.isspace():
            assert row == reference.answer(cell, region)


def ordinary(region: str, dice: random.Random) -> Iterator[str]:
    """Mobile and landline numbers of a region as its people write them."""
    home = PhoneMetadata.metadata_for_region(region)
    assert home is not None
    code, trunk = str(home.country_code), home.national_prefix or ""
    idd = next((each for each in (home.preferred_international_prefix, home.international_prefix, "00") if each), "")
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        sample = phonenumbers.example_number_for_type(region, kind)
        if sample is None:
            continue
        whole = phonenumbers.national_significant_number(sample)
        for _ in range(150):
            number = whole[:-4] + some_digits(dice, 4, 4)
            parsed = phonenumbers.parse(f"+{code}{number}")
            written = PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL
            forms = [
                number,
                trunk + number,
                code + number,
                *(phonenumbers.format_number(parsed, way) for way in written),
            ]
            forms += [f"+{code}{dice.choice(['', ' ', '-', ' (0) ' if trunk == '0' else ''])}{number}"]
            forms += [f"{trunk}{number[:3]}{dice.choice(' -./')}{number[3:6]}{dice.choice(' -.')}{number[6:]}"]
            forms += [idd + code + number] if idd.isdigit() else []
            around = [
                "{}",
                "{}",
                "{}.",
                "Tel: {}",
                " {} ",
                "({})",
                "电话：{}",
                "M. {},",
                "[{}]",
                "\u00a0{}\u3000",
                "№{} …",
            ]
            yield dice.choice(around).format(dice.choice(forms))


@pytest.mark.parametrize("start", range(6))
def test_ordinary_cells_are_answered_by_the_tables(start: int) -> None:
    dice = random.Random(start)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)[start::6]:
        cells = list(ordinary(region, dice))
        asked = [cells[row] for row in lookup.tell(pl.Series(cells), region).rows]
        assert len(asked) < len(cells) / 1000, (region, asked)


def test_what_is_one_number_in_an_account_is_one_in_a_list_wherever_it_has_a_hyphen() -> None:
    for region in sorted({*FOCUS, *sorted(phonenumbers.SUPPORTED_REGIONS)[::12]}):
        number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        assert number is not None
        code, digits = number.country_code, phonenumbers.national_significant_number(number)
        fronts = (f"+{code} ", f"+{code} (0) ", f"00{code} ", f"(+{code}) ", "0")
        cells = [f"{front}{digits[:at]}-{digits[at:]}" for front in fronts for at in range(1, len(digits))]
        listed, held = cs.Phone(region=region).written(pl.col("x")), cs.phone("x", region)
        read = pl.DataFrame({"x": cells}).select("x", listed.alias("listed"), held.alias("held"))
        valid = read.filter(pl.col("held").struct.field("status") == "valid").unnest("listed")
        assert valid.filter(pl.col("value").ne_missing(pl.col("held").struct.field("e164"))).rows() == []
