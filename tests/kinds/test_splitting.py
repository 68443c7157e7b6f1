"""Cells with several phone numbers: what their writers meant, and nobody's number but theirs."""

from __future__ import annotations

import re
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from odd_phone_verdicts import MEANT

import cardscreen as cs
from cardscreen.kinds.phone.several import COMPLETED, split_phones


def parts(cell: str | None, region: str | None = "CN") -> list[str] | None:
    """What a cell is taken apart into."""
    found: list[str] | None = (
        pl.DataFrame({"x": [cell]}, schema={"x": pl.String}).select(split_phones("x", region)).item()
    )
    return None if found is None else list(found)


def numbers(cell: str, region: str) -> list[str | None]:
    """The numbers that a cell is taken apart into, as they are read."""
    split = pl.DataFrame({"x": [cell]}).select(split_phones("x", region)).explode("x")
    read: list[str | None] = split.select(cs.phone("x", region).struct.field("e164")).to_series().to_list()
    return read


TWO = ["+8613800138000", "+8613900139000"]


@pytest.mark.parametrize(
    ("cell", "region", "expected"),
    [
        # A part is completed from the number directly before it.
        ("0145 2431842, 0145 2627686, 0145 2625500,5509", "IN",
         ["+911452431842", "+911452627686", "+911452625500", "+911452625509"]),
        ("03242 241366, 03242 244701, 702, 703", "IN",
         ["+913242241366", "+913242244701", "+913242244702", "+913242244703"]),
        ("(020)65266999,39398822,23,24", "IN", ["+912065266999", "+912039398822", "+912039398823", "+912039398824"]),
        ("01-4104381/82", "NP", ["+97714104381", "+97714104382"]),
        ("703-491-3000 or 3001", "US", ["+17034913000", "+17034913001"]),
        ("+977-01-4700569/ 4700958,+977-9851190710,", "NP", ["+97714700569", "+97714700958", "+9779851190710"]),
        ("069 36601452, 36601453", "DE", ["+496936601452", "+496936601453"]),
        # Extensions, to the end of the cell.
        ("022 23739400 (Extn. 2248, 2238)", "IN", ["+912223739400"]),
        ("+12025550101,,123#", "US", ["+12025550101"]),
        ("+12025550101,,1234567#", "US", ["+12025550101"]),
        ("13800138000;8001", "CN", ["+8613800138000"]),
        ("13800138000;8001,8002", "CN", ["+8613800138000"]),
        ("01731 260627, Extn : 1039  ", "IN", ["+911731260627"]),
        ("0172 2295074, Extn: 401 and 405", "IN", ["+911722295074"]),
        ("0612 2250052, 0612 2253312 (Ext. Room - 400)", "IN", ["+916122250052", "+916122253312"]),
        ("0241 2778109 (Room-449)", "IN", ["+912412778109"]),
        ("+64 4 460 4400 x 300 / 366", "NZ", ["+6444604400"]),
        ("(416) 850-9719 Ext.", "CA", ["+14168509719"]),
        # A whole number behind an extension is none.
        ("01512226318 Ext-125, 0151 2226375", "IN", ["+911512226318", "+911512226375"]),
        *((f"010-62345678{told}", "CN", ["+861062345678", "+8613800138000"]) for told in (
            " 转 8001/13800138000", "转8001 / 8002 / 13800138000", " 转 8001 13800138000", " 分机 8001-13800138000",
            " ext. 8001 - 13800138000", " x8001/13800138000", ",,8001/13800138000", " 转 8001 (138 0013 8000)",
            " 转 8001\n13800138000", " 转 0801 13800138000", " 转 8001/+86 13800138000", " 转 138 0013 8000",
            " 转 0086 138 0013 8000",
        )),
        ("010-62345678 转 8001/010-62345679", "CN", ["+861062345678", "+861062345679"]),
        ("06181/92283 ext 0171/1234567", "DE", ["+49618192283", "+491711234567"]),
        # As elsewhere, a local number behind one is left out.
        ("010-62345678 转 8001/62345679", "CN", ["+861062345678"]),
        ("T: 604.553.3828 x12, F: 604.553.2824", "CA", ["+16045533828", "+16045532824"]),
        # The digits of a country code are no area code, and a slash behind one cuts nothing.
        ("0049 (0)69/36601452", "DE", ["+496936601452"]),
        ("+49 (0)6181 / 92283", "DE", ["+49618192283"]),
        ("+43 (0)2682/75625", "AT", ["+43268275625"]),
        ("00494561 / 611 - 4300", "DE", ["+4945616114300"]),
        ("0911 / 58068 - 0", "DE", ["+49911580680"]),
        ("030/1234567, 030/7654321", "DE", ["+49301234567", "+49307654321"]),
        ("0631 - 24376 / 0631 - 21502", "ID", ["+6263124376", "+6263121502"]),
        ("+421 (0)  907 849655", "SK", ["+421907849655"]),
        # Two area codes, each with a slash behind it, and one blank between the numbers.
        ("0171/2345678 0172/2345678", "DE", ["+491712345678", "+491722345678"]),
        ("0171 / 2345678 0172 / 2345678", "DE", ["+491712345678", "+491722345678"]),
        ("0171/2345678 0172/2345678 0173/2345678", "DE", ["+491712345678", "+491722345678", "+491732345678"]),
        ("+49 171/2345678 0172/2345678", "DE", ["+491712345678", "+491722345678"]),
        ("030/123456 0171/2345678", "DE", ["+4930123456", "+491712345678"]),
        ("05241/12345 05241/12346", "DE", ["+49524112345", "+49524112346"]),
        ("0211/123456 0211/123457", "DE", ["+49211123456", "+49211123457"]),
        ("030/123456-0 030/123456-11", "DE", ["+49301234560", "+493012345611"]),
        ("0664/1234567 0676/1234567", "AT", ["+436641234567", "+436761234567"]),
        ("01/5123456 0664/1234567", "AT", ["+4315123456", "+436641234567"]),
        ("06/1234567 06/7654321", "IT", ["+39061234567", "+39067654321"]),
        ("022-23739400/ 01/02 / 9820012345", "IN",
         ["+912223739400", "+912223739401", "+912223739402", "+919820012345"]),
        # A plus that only separates.
        ("13800138000+13012345678", "CN", ["+8613800138000", "+8613012345678"]),
        ("13800138000 + 13012345678", "CN", ["+8613800138000", "+8613012345678"]),
        ("13800138000/+13012345678", "CN", ["+8613800138000", "+8613012345678"]),
        ("022 23739400 + 022 23739402", "IN", ["+912223739400", "+912223739402"]),
        ("069 36601452 +17123456789", "DE", ["+496936601452", "+17123456789"]),
        # A local number behind a comma or slash is no extension.
        ("03242 241366, 244701", "IN", ["+913242241366", "+913242244701"]),
        ("01689-220902, 220218", "IN", ["+911689220902", "+911689220218"]),
        ("04574 222170, 227289", "IN", ["+914574222170", "+914574227289"]),
        ("03242 241366, 702", "IN", ["+913242241366", "+913242241702"]),
        ("06181/92283, 92284", "DE", ["+49618192283", "+49618192284"]),
        ("06181/92283/92284", "DE", ["+49618192283", "+49618192284"]),
        ("06181/92283; 92284", "DE", ["+49618192283"]),
        ("06181/922830, 922840", "DE", ["+496181922830", "+496181922840"]),
        # Words, and digits behind them or in brackets, are no digits of the number.
        ("030/123456 App. 11", "DE", ["+4930123456"]),
        ("030 123456 NSt 11", "DE", ["+4930123456"]),
        ("030 123456 ab 18 Uhr", "DE", ["+4930123456"]),
        ("030 123456 Herr", "DE", ["+4930123456"]),
        ("030 123456 (2019)", "DE", ["+4930123456"]),
        # A landline is completed by a number of its kind and length alone.
        ("9820012345, 23739400", "IN", ["+919820012345", "+9123739400"]),
        ("022-24146573, 24146007, 2414240,24146574", "IN",
         ["+912224146573", "+912224146007", "+912414240", "+912224146574"]),
        # What separates.
        *((f"13800138000{mark}13900139000", "CN", TWO)
          for mark in [*",，、;|/&\n", " / ", " - ", " and ", " or ", " & ", " ::: ", "   ", "+86"]),
        ("手机:13800138000座机:010-62345678", "CN", ["+8613800138000", "+861062345678"]),
        ("座机010-62345678 手机13800138000", "CN", ["+861062345678", "+8613800138000"]),
        ("T: 604.553.3828 , F: 604.553.2824", "CA", ["+16045533828", "+16045532824"]),
        ("Tel. 604.553.3828 Fax. 604.553.2824", "CA", ["+16045533828", "+16045532824"]),
        ("Tel 604.553.3828 Fax 604.553.2824", "CA", ["+16045533828", "+16045532824"]),
        ("(905) 640-1076 c: (416) 575-6333", "CA", ["+19056401076", "+14165756333"]),
        ("13800138000 张三 13900139000", "CN", TWO),
        ("１３８００１３８０００、１３９００１３９０００", "CN", TWO),
        # A longer number behind a landline is whole, whatever begins it.
        ("0591-88257780/13960821170", "CN", ["+8659188257780", "+8613960821170"]),
        ("+86 10 6234 5678, 13800138000", "CN", ["+861062345678", "+8613800138000"]),
        # Words and house numbers are no keypad.
        ("Elm St/Oak St #22,4802-50Main", "CA", ["+1480250"]),
    ],
)  # fmt: skip
def test_a_cell_holds_the_numbers_that_its_writer_meant(cell: str, region: str, expected: list[str]) -> None:
    assert numbers(cell, region) == expected


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        pytest.param("1380013800013900139000", "CN", id="glued"),
        pytest.param("+86 138 0013 8000;ext=12", None, id="extension-parameter"),
        pytest.param("604 553 3828, x12", "CA", id="extension-behind-a-comma"),
        pytest.param("138 0013 8000", "CN", id="one-number"),
        pytest.param("138,0013,8000", "CN", id="grouped"),
        pytest.param("5413824321,0", "US", id="decimal-comma"),
        pytest.param("5413824321.0", "US", id="decimal-point"),
        pytest.param("0154-39-\n1222", "JP", id="broken-line"),
        pytest.param("1-800-FLOWERS", "US", id="vanity"),
        pytest.param("see file 12, 13", "CN", id="few-digits"),
        pytest.param("n/a", "CN", id="no-number"),
        pytest.param("0" * 1001 + ",", "CN", id="endless"),
        pytest.param("", "CN", id="empty"),
    ],
)
def test_a_cell_with_one_number_or_none_is_left_as_it_is(cell: str, region: str | None) -> None:
    assert parts(cell, region) == [cell]


def test_a_null_stays_null_and_integers_are_one_number() -> None:
    assert parts(None) is None
    assert pl.DataFrame({"x": [13800138000]}).select(split_phones("x", "CN"))["x"].to_list() == [["13800138000"]]


def test_lists_give_the_parts_of_all_their_cells_each_in_its_rows_region() -> None:
    cells = pl.DataFrame({"x": [["069 36601452/53x", "1"], None, [], [None, "069 36601452, 36601453"]]})
    told = cells.with_columns(region=pl.Series(["DE", "DE", "DE", "DE"])).select(split_phones("x", pl.col("region")))
    assert told["x"].to_list()[1:] == [None, [], [None, "069 36601452", "…06936601453"]]


@pytest.mark.parametrize(
    ("cell", "region", "expected"),
    [
        ("4104381/82", None, ["4104381", "…4104382"]),
        ("4104381/82/83", None, ["4104381", "…4104382", "…4104383"]),
        ("0571-87654381 / 82", None, ["0571-87654381", "…057187654382"]),
        ("010 4104381/82", "CN", ["010 4104381", "…0104104382"]),  # Beijing's numbers have eight digits
        # The end is that of the number before it, and of no other one.
        ("010-65529988, 4104381/82", "CN", ["010-65529988", "4104381", "…4104382"]),
        # Only a slash says that it is an end.
        ("4104381, 82", None, ["4104381"]),
    ],
)
def test_an_end_behind_a_number_that_may_be_wrong_is_completed_and_marked(
    cell: str, region: str | None, expected: list[str]
) -> None:
    assert parts(cell, region) == expected


def test_no_end_is_screened_that_only_a_guess_completes() -> None:
    cells = ["010 4104381/82", "010-65529988, 4104381/82", "010-65529988/89"]
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "mobile": cells})
    values = ["+86104104382", "+864104382", "+861065529982", "+861065529989"]
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"] * 4, "value": values}))
    result = cs.screen(accounts, listed, {"mobile": cs.Phone("CN", many=True)})
    assert result.hits.collect().select("account_id", "value", "status", "cap").rows() == [
        ("c", "+861065529989", "completed", "verify")
    ]


@given(st.text(st.sampled_from("0123456789-()."), max_size=20))
def test_a_cell_without_separators_is_left_as_it_is(cell: str) -> None:
    assume(not re.search(r"\([0-9]{1,7}\)[^0-9]*$", cell))  # an extension
    assert parts(cell) == [cell]


PIECES = [
    "13800138000",
    "069",
    "36601452",
    "+49",
    "0049",
    "12",
    "7",
    "(0)",
    *",;/ …",
    " - ",
    "  ",
    "x",
    "Ext.",
    "Fax",
    "或",
]
MOBILES = st.integers(10**7, 10**8 - 1).map(lambda tail: f"138{tail}")


@given(st.lists(MOBILES, min_size=2, max_size=4), st.sampled_from([",", ";", "|", "\n", " / ", "  ", " & "]))
def test_whole_numbers_come_back_in_order(cells: list[str], separator: str) -> None:
    assert parts(separator.join(cells)) == cells


@given(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text(max_size=30),
    st.sampled_from(["CN", "DE", "US"]),
)
def test_no_digit_is_made_up_but_in_completed_parts_and_these_are_valid(cell: str, region: str) -> None:
    split = cs.Phone(region, many=True).split(pl.col("x"))
    assert split is not None
    for part in pl.DataFrame({"x": [cell]}).select(split).item():
        digits = "".join(filter(str.isdecimal, part))
        if part.startswith(COMPLETED) and part != cell:
            assert phonenumbers.is_valid_number(phonenumbers.parse(part, region))
        else:
            assert digits in "".join(filter(str.isdecimal, cell))


def test_of_real_cells_no_number_is_screened_that_a_person_does_not_read_in_them(real_data: Path) -> None:
    cells = pl.read_parquet(real_data / "odd_phones.parquet")[list(MEANT)]
    kind = cs.Phone(region_column="region", many=True)
    read = cells.with_row_index("at").with_columns(raw=kind.split(pl.col("raw"))).explode("raw")
    told = read.with_columns(cs.phone("raw", pl.col("region")).struct.unnest()).filter(pl.col("status") == "valid")
    told = told.filter(kind.scan(pl.col("raw")).struct.field("status") == "valid")
    screened = dict(told.group_by("at").agg("e164").rows())
    invented = {
        row: sorted(set(screened.get(at, [])) - set(meant))
        for at, (row, meant) in enumerate(MEANT.items())
        if not set(screened.get(at, [])) <= set(meant)
    }
    assert invented == {}
    wanted = sum(map(len, MEANT.values()))
    assert sum(len(set(each)) for each in screened.values()) >= 0.95 * wanted
