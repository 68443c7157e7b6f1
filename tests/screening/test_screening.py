"""Screening against the slow reference, and what holds whatever the world looks like."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.kinds.kind import Kind
from cardscreen.screening import rejects, scan

DAY = date(2026, 11, 23)
ACCOUNTS = pl.Schema(
    {
        "account_id": pl.String,
        "mobile": pl.String,
        "card_no": pl.String,
        "wallet": pl.String,
        "since": pl.Date,
        "segment": pl.String,
    }
)
LISTED = pl.Schema(
    {
        "kind": pl.String,
        "value": pl.String,
        "list": pl.String,
        "source": pl.String,
        "reason": pl.String,
        "severity": pl.Int64,
        "listed_on": pl.Date,
        "expires_on": pl.Date,
        "reference": pl.String,
    }
)
KINDS: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since"), "card_no": cs.Card(holder_since="since")}
ALL_KINDS: dict[str, Kind] = KINDS | {"wallet": cs.Wallet(holder_since="since")}
NAMES = {"mobile": "phone", "card_no": "card", "wallet": "wallet"}
ASKED = reference.Question(DAY, "CN", NAMES, dict.fromkeys(NAMES, "since"))

PHONES = ["+8613800138000", "+8613800138001", "+8617000001234", "+861064123456789", "+442079460958"]
PHONE_CELLS = [
    *PHONES,
    "138 0013 8000",
    "0086-138-0013-8000",
    "(138)00138001",
    " 17000001234 ",
    "020 7946 0958",
    "n/a",
    "12",
    "13800138000.0",
    "1.38E+10",
    "13800138001,0",
    "",
    "  ",
    None,
    "+999123456789",
]
PANS = ["6222021234561234", "6222021234567894", "4111111111111111", "4000001234561234", "0622202123456789012"]
CARD_CELLS = [
    *PANS,
    "6222 0212 3456 1234",
    "4111-1111-1111-1111",
    "622202******1234",
    "400000******1234",
    "6222021*****1234",
    "622202*******1234",
    "************1111",
    "see file",
    "123",
    "",
    None,
]
WALLETS = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3tq",
]
WALLET_CELLS = [
    *WALLETS,
    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    " 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2\n",
    "BC1Q W508 D6QE JXTD G4Y5 R3ZA RVAR Y0C5 XW7K V8F3 T4",
    "Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
    "see file",
    "",
    None,
]
PHONE_LISTINGS = [
    *PHONES,
    "+86170*",
    "+861*",
    "+8613800138000-+8613800138999",
    "+8613800138001-+8613800138001",
    "+4420*",
]
CARD_LISTINGS = [
    *PANS,
    "622202*",
    "622202******1234",
    "400000******1234",
    "062220*",
    "6222020000000000-6222021234560000",
    "6222021234561234-6222021234567894",
]

LISTED_VALUES = {"phone": PHONE_LISTINGS, "card": CARD_LISTINGS, "wallet": WALLETS}

days = st.none() | st.integers(-3, 3).map(lambda gap: DAY + timedelta(days=gap))


@st.composite
def listing(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(LISTED_VALUES)))
    begin, end = draw(days), draw(days)
    if begin and end and end < begin:
        begin, end = end, begin
    return {
        "kind": kind,
        "value": draw(st.sampled_from(LISTED_VALUES[kind])),
        "list": draw(st.sampled_from(["block", "block", "block", "allow"])),
        "source": draw(st.sampled_from(["police", "bank-a"])),
        "reason": draw(st.sampled_from(["telecom_fraud", "money_mule"])),
        "severity": draw(st.sampled_from([1, 39, 40, 69, 70, 90, 100])),
        "listed_on": begin,
        "expires_on": end,
        "reference": draw(st.sampled_from([None, "A1"])),
    }


account = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(["a", "b", "c", "d", "e", "f", "g", None]),
        "mobile": st.sampled_from(PHONE_CELLS),
        "card_no": st.sampled_from(CARD_CELLS),
        "wallet": st.sampled_from(WALLET_CELLS),
        "since": days,
        "segment": st.sampled_from(["x", "y", None]),
    }
)


def sorted_rows(rows: list[dict[str, Any]], columns: list[str]) -> list[tuple[Any, ...]]:
    return sorted((tuple(row[name] for name in columns) for row in rows), key=repr)


HIT_COLUMNS = [
    *("account_id", "identifier", "kind", "status", "value", "match", "source", "reason", "severity", "listed_on"),
    *("reference", "listing_id", "holder", "carried_by", "score", "cap", "action", "exempted_by"),
]
FLAG_COLUMNS = [
    *("account_id", "level", "score", "action", "decided_by", "flagged_since", "act_on", "reasons", "sources", "hits"),
    *("first_listed_on", "exempted_by"),
]


@settings(max_examples=30)
@given(st.lists(account, max_size=14), st.lists(listing(), min_size=1, max_size=7))
def test_screening_agrees_with_the_slow_reference(
    accounts: list[dict[str, Any]], listings: list[dict[str, Any]]
) -> None:
    expected = reference.screen(accounts, listings, ASKED)
    result = cs.screen(
        pl.DataFrame(accounts, schema=ACCOUNTS),
        cs.Blocklist.from_frame(pl.DataFrame(listings, schema=LISTED)),
        identifiers=ALL_KINDS,
        carry=["segment"],
        as_of=DAY,
    )
    hits, flagged = result.hits.collect().to_dicts(), result.flagged.collect().to_dicts()
    assert sorted_rows(hits, HIT_COLUMNS) == sorted_rows(expected.hits, HIT_COLUMNS)
    assert sorted_rows(flagged, FLAG_COLUMNS) == sorted_rows(expected.flagged, FLAG_COLUMNS)
    assert result.rejects.collect().drop("shape", "file", "line").rows() == expected.rejects
    assert result.summary["coverage"] == expected.coverage
    assert {name: of.get("invalid", 0) for name, of in result.summary["notes"].items()} == expected.invalid
    assert result.summary["rows"] == expected.rows


@settings(max_examples=10)
@given(st.lists(account, max_size=14), st.lists(listing(), min_size=1, max_size=7), st.randoms(), st.integers(1, 5))
def test_row_order_and_chunking_change_no_byte_of_hits_and_flags(
    accounts: list[dict[str, Any]], listings: list[dict[str, Any]], random: Any, parts: int
) -> None:
    frame = pl.DataFrame(accounts, schema=ACCOUNTS)
    blocklist = cs.Blocklist.from_frame(pl.DataFrame(listings, schema=LISTED))
    shuffled = list(accounts)
    random.shuffle(shuffled)
    chunked = pl.concat(
        [pl.DataFrame(shuffled[start::parts], schema=ACCOUNTS) for start in range(parts)], rechunk=False
    )
    one = cs.screen(frame, blocklist, identifiers=ALL_KINDS, carry=["segment"], as_of=DAY)
    other = cs.screen(chunked.lazy(), blocklist, identifiers=ALL_KINDS, carry=["segment"], as_of=DAY)
    assert one.hits.collect().equals(other.hits.collect())
    assert one.flagged.collect().equals(other.flagged.collect())
    assert one.summary["coverage"] == other.summary["coverage"]
    assert one.summary["rows"] == other.summary["rows"]


def small_world() -> tuple[pl.DataFrame, cs.Blocklist]:
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d"],
            "mobile": ["138 0013 8000", "13800138001", "n/a", None],
            "card_no": ["4111 1111 1111 1111", None, "", "622202******1234"],
            "since": ["2020-01-01", "", None, "2026-11-01"],
            "segment": ["x", "y", "x", "z"],
        }
    )
    listings = pl.DataFrame(
        {"kind": ["phone", "card"], "value": ["+8613800138000", "6222021234561234"], "severity": [95, 80]}
    )
    return accounts, cs.Blocklist.from_frame(listings)


def screened(accounts: Any, **options: Any) -> cs.Result:
    return cs.screen(accounts, small_world()[1], identifiers=KINDS, as_of=DAY, **options)


def test_results_in_a_folder_equal_results_in_memory(tmp_path: Path) -> None:
    accounts, _ = small_world()
    in_memory, on_disk = screened(accounts), screened(accounts, out=tmp_path / "out")
    for name in ("flagged", "hits", "rejects"):
        assert getattr(on_disk, name).collect().equals(getattr(in_memory, name).collect())
        assert pl.read_parquet(tmp_path / "out" / f"{name}.parquet").equals(getattr(in_memory, name).collect())
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "flagged.parquet",
        "hits.parquet",
        "rejects.parquet",
        "summary.json",
    ]


def test_two_screenings_write_the_same_bytes(tmp_path: Path) -> None:
    accounts, _ = small_world()
    for name in ("one", "two"):
        screened(accounts, out=tmp_path / name)
    for table in ("flagged", "hits", "rejects"):
        one, two = ((tmp_path / name / f"{table}.parquet").read_bytes() for name in ("one", "two"))
        assert one == two


def test_a_list_column_is_screened_element_by_element() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "mobile": [["13800138001", "13800138000", "x"], [], None]})
    result = cs.screen(accounts, small_world()[1], identifiers={"mobile": cs.Phone("CN")}, as_of=DAY)
    assert result.hits.collect()["value"].to_list() == ["+8613800138000"]
    assert result.rejects.collect()["shape"].to_list() == ["A"]
    cells = {"cells": 4, "missing": 1, "rejected": 1, "clear": 1, "exempt": 0, "hit": 1}
    assert result.summary["coverage"]["mobile"] == cells
    assert result.summary["rows"] == {
        "read": 3,
        "hit": 1,
        "exempt": 0,
        "clear": 0,
        "not_screenable": 2,
        "no_account": 0,
    }


def test_a_list_column_knows_each_rows_region() -> None:
    accounts = pl.DataFrame(
        {"account_id": [1, 2], "mobile": [["13800138000"], ["13800138000"]], "country": ["CN", "GB"]}
    )
    kind = cs.Phone(region_column="country")
    result = cs.screen(accounts, small_world()[1], identifiers={"mobile": kind}, as_of=DAY)
    assert result.flagged.collect()["account_id"].to_list() == [1]


def test_the_account_keeps_its_own_type() -> None:
    accounts = pl.DataFrame(
        {"account_id": [7, None], "mobile": ["13800138000", "x"]}, schema_overrides={"account_id": pl.Int32}
    )
    result = cs.screen(accounts, small_world()[1], identifiers={"mobile": cs.Phone("CN")}, as_of=DAY)
    for frame in (result.flagged, result.hits, result.rejects):
        assert frame.collect_schema()["account_id"] == pl.Int32


def test_no_accounts_at_all_give_empty_results_with_all_columns() -> None:
    accounts, _ = small_world()
    result = screened(accounts.clear())
    assert result.flagged.collect().height == result.hits.collect().height == result.rejects.collect().height == 0
    assert result.hits.collect_schema().names() == [
        *HIT_COLUMNS[:10],
        "expires_on",
        *HIT_COLUMNS[10:],
        *schema.DETAILS,
    ]
    assert set(result.summary["rows"].values()) == {0}


def test_no_full_card_number_is_in_any_result() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["4111111111111111"], "card_no": ["6222021234561234"]})
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
    result = cs.screen(accounts, small_world()[1], identifiers=kinds, as_of=DAY)
    everything = "".join(frame.collect().write_json() for frame in (result.flagged, result.hits, result.rejects))
    assert "622202******1234" in everything
    assert "6222021234561234" not in everything + repr(result) + str(result.summary)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        pytest.param({"account_id": "acount"}, cs.MissingColumn, "no column 'acount'.*account_id", id="no-such-id"),
        pytest.param({"carry": ["segmnt"]}, cs.MissingColumn, "did you mean 'segment'", id="misspelt-carried-column"),
        pytest.param({"identifiers": {"moble": cs.Phone()}}, cs.MissingColumn, "did you mean 'mobile'", id="misspelt"),
        pytest.param({"identifiers": {}}, cs.ConfigError, "no identifier columns", id="no-identifiers"),
        pytest.param({"policy": cs.Policy(rules=[{"when": {"account.segment": "x"}, "cap": "none"}])},
                     cs.ConfigError, "add 'segment' to carry", id="rule-on-a-column-not-carried"),
        pytest.param({"policy": "nowhere.toml"}, cs.ConfigError, "there is no file", id="no-policy-file"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named_with_the_right_one(change: dict[str, Any], error: type[Exception], words: str) -> None:
    accounts, blocklist = small_world()
    options: dict[str, Any] = {"identifiers": KINDS, "as_of": DAY} | change
    with pytest.raises(error, match=words):
        cs.screen(accounts, blocklist, **options)


def test_a_holder_date_that_is_no_date_stops_the_screening() -> None:
    accounts, _ = small_world()
    with pytest.raises(cs.InputError, match="'since' holds 1 values that are no dates"):
        screened(accounts.with_columns(since=pl.Series(["2020-01-01", "1.5.2020", "", None])))


def test_rejects_keep_the_order_of_the_input() -> None:
    rows = 5000
    accounts = pl.DataFrame({"account_id": range(rows), "mobile": ["x"] * rows})
    result = cs.screen(accounts, small_world()[1], identifiers={"mobile": cs.Phone("CN")}, as_of=DAY)
    assert result.rejects.collect()["account_id"].to_list() == list(range(rows))


def test_the_night_before_decides_since_when_and_when_due() -> None:
    accounts, blocklist = small_world()
    first = cs.screen(accounts, blocklist, identifiers=KINDS, as_of=DAY)
    later = DAY + timedelta(days=2)
    second = cs.screen(accounts, blocklist, identifiers=KINDS, as_of=later, previous=first.flagged)
    told = second.flagged.collect().row(0, named=True)
    assert (told["flagged_since"], told["act_on"]) == (DAY, DAY + timedelta(days=3))


def test_a_wrongly_ordered_join_would_be_noticed() -> None:
    """The reference itself tells cases apart: guards the comparison above against passing on nothing."""
    rows = [dict.fromkeys(ACCOUNTS.names()) | {"account_id": "a", "mobile": "13800138000"}]
    listed = [
        {
            **dict.fromkeys(LISTED.names()),
            "kind": "phone",
            "value": PHONES[0],
            "list": "block",
            "source": "police",
            "reason": "r",
            "severity": 95,
        }
    ]
    found = reference.screen(rows, listed, ASKED)
    assert [hit["action"] for hit in found.hits] == ["suspend"]
    assert found.flagged[0]["act_on"] == DAY + timedelta(days=3)


def test_cells_with_several_or_damaged_numbers_are_screened_and_noted_when_asked_for() -> None:
    accounts = pl.DataFrame({"account_id": [1, 2, 3, 4], "mobile": _ODD_CELLS})
    blocklist = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"] * 2, "value": [PHONES[0], "+861041043882"]}))
    kind = cs.Phone("CN", many=True, repair=True)
    result = cs.screen(accounts, blocklist, {"mobile": kind}, as_of=DAY)
    assert result.hits.collect().select("account_id", "status").rows() == [(1, "valid"), (3, "valid"), (4, "completed")]
    assert result.rejects.collect().select("account_id", "status").rows() == [(2, "damaged")]
    assert result.summary["notes"]["mobile"] == {
        "invalid": 0,
        "asked": 0,
        "damaged": 1,
        "placeholder": 0,
        "repaired": 1,
        "completed": 1,
    }
    plain = cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, as_of=DAY)
    assert plain.hits.collect().height == 0


_ODD_CELLS = ["13800138000.0", "1.38E+10", "13900139000, 13800138000", "010 41043810/82"]


@pytest.mark.parametrize("aside", [3, 7, 1000])
def test_accounts_in_small_parts_give_the_same_results(
    aside: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = pl.concat([small_world()[0].with_columns(account_id=pl.col("account_id") + str(at)) for at in range(50)])
    whole = screened(accounts, carry=["segment"])
    monkeypatch.setattr(scan, "BATCH", 7)
    monkeypatch.setattr(scan, "ASIDE", aside)
    parts = screened(accounts.lazy(), carry=["segment"], out=tmp_path)
    for name in ("flagged", "hits", "rejects"):
        assert getattr(whole, name).collect().equals(getattr(parts, name).collect())
    for name in ("rows", "coverage", "notes", "flagged", "hits"):
        assert whole.summary[name] == parts.summary[name]


def test_rejects_past_those_kept_are_counted_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = pl.DataFrame({"account_id": range(40), "mobile": ["x"] * 40})
    monkeypatch.setattr(rejects, "IN_MEMORY", 10)
    monkeypatch.setattr(scan, "BATCH", 8)
    monkeypatch.setattr(scan, "ASIDE", 8)
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN")}
    in_memory = cs.screen(accounts, small_world()[1], kinds, as_of=DAY)
    on_disk = cs.screen(accounts, small_world()[1], kinds, as_of=DAY, out=tmp_path)
    assert in_memory.rejects.collect()["account_id"].to_list() == list(range(10))
    assert on_disk.rejects.collect()["account_id"].to_list() == list(range(40))
    assert in_memory.summary["coverage"] == on_disk.summary["coverage"]
    assert in_memory.summary["coverage"]["mobile"]["rejected"] == 40


def test_a_moment_with_a_time_zone_is_on_the_day_where_it_was() -> None:
    midnight = pl.Series([datetime(2026, 5, 2, 0, 30)]).dt.replace_time_zone("Asia/Shanghai")
    accounts = pl.DataFrame({"account_id": [1], "mobile": ["13800138000"], "since": midnight})
    listed = pl.DataFrame({"kind": ["phone"], "value": [PHONES[0]], "listed_on": [date(2026, 5, 1)]})
    kind = cs.Phone("CN", holder_since="since")
    hits = cs.screen(accounts, cs.Blocklist.from_frame(listed), {"mobile": kind}, as_of=DAY).hits.collect()
    assert hits["holder"].to_list() == ["earlier"]


def test_a_card_that_went_through_a_float_is_rejected_and_not_another_card() -> None:
    accounts = pl.DataFrame({"account_id": [1, 2], "card": [6222021234561234567.0, 4111111111111111.0]})
    result = cs.screen(accounts, small_world()[1], {"card": cs.Card()}, as_of=DAY)
    assert result.rejects.collect()["account_id"].to_list() == [1]
    assert result.summary["coverage"]["card"]["clear"] == 1


def test_a_rule_that_protects_one_row_of_an_account_protects_the_account() -> None:
    accounts = pl.DataFrame(
        {"account_id": ["a", "a"], "mobile": ["13800138000"] * 2, "segment": ["consumer", "hospital"]}
    )
    policy = cs.Policy(rules=[{"when": {"account.segment": "hospital"}, "cap": "none"}])
    options: dict[str, Any] = {"carry": ["segment"], "policy": policy, "as_of": DAY}
    flagged = cs.screen(accounts, small_world()[1], {"mobile": cs.Phone("CN")}, **options).flagged.collect()
    assert flagged.select("action", "segment").rows() == [("none", "consumer")]


def test_a_card_column_is_no_account_id() -> None:
    accounts = pl.DataFrame({"card": ["4111111111111111"]})
    with pytest.raises(cs.ConfigError, match="can't be the account id"):
        cs.screen(accounts, small_world()[1], {"card": cs.Card()}, account_id="card")


def test_columns_that_are_data_are_not_shown_in_full() -> None:
    accounts = pl.DataFrame({"4111 1111 1111 1111": ["x"], "1001": ["y"]})
    with pytest.raises(cs.MissingColumn, match="has the file no header") as refused:
        cs.screen(accounts, small_world()[1], {"card": cs.Card()})
    assert "4111" not in str(refused.value)


@pytest.mark.parametrize("column", ["account_id", "mobile", "since", "segment"])
def test_a_column_with_a_nul_in_its_name_is_refused_whatever_it_is_for(column: str) -> None:
    names = {each: each for each in ("account_id", "mobile", "since", "segment")} | {column: "a\0b"}
    row = {"account_id": ["a"], "mobile": ["13800138000"], "since": ["2020-01-01"], "segment": ["x"], "other\0": ["y"]}
    kinds = {names["mobile"]: cs.Phone("CN", holder_since=names["since"])}
    asked: dict[str, Any] = {"account_id": names["account_id"], "carry": [names["segment"]], "as_of": DAY}
    with pytest.raises(cs.InputError, match=r"'a\\x00b' has a NUL in its name.*rename it"):
        cs.screen(pl.DataFrame(row).rename(names), small_world()[1], kinds, **asked)


def test_a_path_is_no_blocklist() -> None:
    with pytest.raises(cs.ConfigError, match=r"Blocklist.read"):
        cs.screen(small_world()[0], "lists/*.parquet", KINDS)  # type: ignore[arg-type]


def test_a_result_shows_its_rows_by_class_and_the_day() -> None:
    accounts, blocklist = small_world()
    result = cs.screen(accounts, blocklist, identifiers=KINDS, as_of=DAY)
    rows = result.summary["rows"]
    assert repr(result).startswith(f"Result({rows['read']} rows: {rows['hit']} hit, ")
    assert repr(result).endswith(f"; as of {DAY})")
    one = cs.screen(
        pl.DataFrame({"account_id": ["a"], "m": ["+8613800138001"]}), blocklist, {"m": cs.Phone()}, as_of=DAY
    )
    assert repr(one) == f"Result(1 row: 1 clear; as of {DAY})"


def test_the_day_may_be_text() -> None:
    accounts, blocklist = small_world()
    result = cs.screen(accounts, blocklist, identifiers=KINDS, as_of=str(DAY))
    assert result.hits.collect().equals(screened(accounts).hits.collect())
    assert result.summary["as_of"] == str(DAY)
    with pytest.raises(cs.ConfigError, match="'24/11/2026' is not a day: write it as YYYY-MM-DD"):
        cs.screen(accounts, blocklist, identifiers=KINDS, as_of="24/11/2026")


@pytest.mark.parametrize("region", ["CN", "DE", "ID", "AT", None])
@pytest.mark.parametrize("written", ["{}.0", "{},0", " {}.00 ", "+{}.0", "1.3800138E+10", "1.38E+10", "5E+12"])
def test_what_a_spreadsheet_made_a_quantity_of_is_damaged_and_nobodys_number(written: str, region: str | None) -> None:
    cells = [written.format(number) for number in ("13800138000", "15123456789", "81234567890", "0664123456")]
    accounts = pl.DataFrame({"account_id": range(4), "mobile": cells})
    for kind in (cs.Phone(region), cs.Phone(region, many=True)):
        result = cs.screen(accounts, small_world()[1], {"mobile": kind}, as_of=DAY)
        assert set(result.rejects.collect()["status"]) == {"damaged"}
        assert result.summary["notes"]["mobile"]["damaged"] == 4
        assert result.summary["coverage"]["mobile"]["rejected"] == result.summary["rows"]["not_screenable"] == 4


@pytest.mark.parametrize("cell", ["13800138000.0", "13800138000,0", "1.3800138E+10", "13800138000.00"])
def test_a_quantity_with_all_its_digits_is_screened_where_it_is_mended(cell: str) -> None:
    accounts = pl.DataFrame({"account_id": [1], "mobile": [cell]})
    result = cs.screen(accounts, small_world()[1], {"mobile": cs.Phone("CN", repair=True)}, as_of=DAY)
    assert result.hits.collect()["value"].to_list() == ["+8613800138000"]


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("0911.580.680", "VN"),
        ("604.553.2824", "CA"),
        ("01.23.45.67.00", "FR"),
        ("044 123.0", "CH"),
        ("138.0013.8000", "CN"),
    ],
)
def test_dots_between_digits_are_no_damage(cell: str, region: str) -> None:
    told = pl.DataFrame({"x": [cell]}).select(cs.Phone(region).scan(pl.col("x")).struct.unnest())
    assert told["status"].item() != "damaged"


DAMAGED = [
    *("'1712345678.0", '="1712345678.0"', '"1712345678.0"', "1712345678.0\u200b", "\ufeff1712345678.0"),
    *("\u202a1712345678.0\u202c", "１７１２３４５６７８．０", "1712345678. 0", "1712345678.0;", "(1712345678.0)"),
    *("0171 2345678.0", "'6641234567.00", "151234567.89", "13900139000.50"),
    *("030****5678", "030....5678", "138****8000", "030 12345…", "030 12345__", "030 12345••", "0301234xx"),
]


@pytest.mark.parametrize("cell", DAMAGED)
@pytest.mark.parametrize("region", ["DE", "AT", "CN"])
def test_quotes_marks_and_brackets_hide_no_damage_and_hidden_digits_are_damage(cell: str, region: str) -> None:
    cells = pl.DataFrame({"x": [cell]})
    for kind in (cs.Phone(region), cs.Phone(region, many=True)):
        told = cells.select(kind.scan(pl.col("x")).struct.unnest())
        assert (told["status"].item(), told["key"].item()) == ("damaged", None)
        assert kind.keys_of(cells).keys.tolist() == [0]


@pytest.mark.parametrize("cell", [*DAMAGED[:11], "+491712345678.0", "1.712345678E+9"])
def test_what_is_mended_is_the_same_number_in_accounts_and_in_lists(cell: str) -> None:
    kind, cells = cs.Phone("DE", repair=True), pl.DataFrame({"x": [cell]})
    assert cells.select(kind.read(pl.col("x")).struct.field("value")).item() == "+491712345678"
    assert cells.select(kind.written(pl.col("x"))).item() == {"match": "exact", "value": "+491712345678"}


def test_a_completed_number_leads_to_verify_at_most_unless_the_policy_says_more() -> None:
    accounts = pl.DataFrame(
        {"account_id": [1, 2], "mobile": ["010 62345678/79", "010 62345679"], "other": [None, "010 62345678/79"]}
    )
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+861062345679"], "severity": [95]}))
    kinds: dict[str, Kind] = {name: cs.Phone("CN", many=True) for name in ("mobile", "other")}

    def told(policy: cs.Policy) -> list[tuple[Any, ...]]:
        hits = cs.screen(accounts, listed, kinds, policy=policy, as_of=DAY).hits.collect()
        return hits.select("account_id", "identifier", "status", "action").rows()

    assert told(cs.Policy()) == [
        (1, "mobile", "completed", "verify"),
        (2, "mobile", "valid", "suspend"),
        (2, "other", "completed", "verify"),
    ]
    assert told(cs.Policy(caps={"completed": "suspend"}))[0] == (1, "mobile", "completed", "suspend")


def test_a_number_that_is_told_in_full_beside_its_completed_form_is_told_in_full() -> None:
    accounts = pl.DataFrame({"account_id": [1], "mobile": [["010 62345678/79", "010 62345679"]], "country": ["CN"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+861062345679"], "severity": [95]}))
    kind = cs.Phone(region_column="country", many=True)
    hits = cs.screen(accounts, listed, {"mobile": kind}, as_of=DAY).hits.collect()
    assert hits.select("status", "action").rows() == [("valid", "suspend")]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"identifiers": {0: cs.Phone("CN")}}, "0 is no name of a column: write it as text, '0'"),
        ({"account_id": 0}, "0 is no name of a column"),
        ({"carry": [0]}, "0 is no name of a column"),
        (
            {"identifiers": {"mobile": cs.Phone(region_column="mobile")}},
            r"'mobile'.* can't say the region",
        ),
        ({"flagged_share": -1}, "flagged_share is -1: give a share of the rows, 0 to 1"),
        ({"flagged_share": float("nan")}, "flagged_share is nan"),
        ({"flagged_share": "all"}, "flagged_share is all"),
        ({"hits_per_account": 1.5}, "hits_per_account is 1.5: give a whole number"),
        ({"hits_per_account": 0}, "hits_per_account is 0: give a whole number"),
        ({"policy": 5}, "policy is of type int: give a Policy"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_a_sentence(options: dict[str, Any], told: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["13800138000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    with pytest.raises(cs.ConfigError, match=told):
        cs.screen(accounts, listed, **{"identifiers": {"mobile": cs.Phone("CN")}, **options})


def test_links_and_limits_that_are_none_are_refused_in_a_sentence() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["13800138000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    with pytest.raises(cs.ConfigError, match="0 is no name of a column"):
        cs.find_rings(accounts, ["a"], {0: 3})  # type: ignore[dict-item]
    with pytest.raises(cs.ConfigError, match=r"limits is of type NoneType: give Limits\(\)"):
        cs.check(cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"carry": ["x"]}, {"account_id": "x"}])
@pytest.mark.parametrize("as_file", [False, True])
def test_a_column_of_a_type_that_is_not_arrows_own_is_refused_by_name(
    options: dict[str, Any], as_file: bool, tmp_path: Path
) -> None:
    cells = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", "2"]))
    table = pa.table({"account_id": ["a", "b"], "mobile": ["13800138000", "13900139000"], "x": cells})
    pq.write_table(table, tmp_path / "accounts.parquet")
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    given: Any = tmp_path / "accounts.parquet" if as_file else table
    with pytest.raises(cs.InputError, match=r"column 'x' has type .*arrow.json.* can't be read"):
        cs.screen(given, listed, {"mobile": cs.Phone("CN")}, **options)
    assert cs.screen(given, listed, {"mobile": cs.Phone("CN")}).summary["rows"]["hit"] == 1


@pytest.mark.parametrize(("option", "words"), [("progress", "must be a function"), ("out", "path of a folder")])
def test_a_callback_that_is_none_and_a_folder_that_is_no_path_are_told(option: str, words: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["13800138000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    with pytest.raises(cs.ConfigError, match=words):
        cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}, **{option: 42})  # type: ignore[arg-type]
