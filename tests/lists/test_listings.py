"""Blocklists: what is filled in, told from the value, merged, refused, and in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from held import held_on
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.kinds.card import pans

DAY = date(2026, 11, 23)
PHONE, OTHER = "+8613800138000", "+8613800138001"
PAN = "6222021234561234"
LATER = DAY + timedelta(days=1)
EARLIER = DAY - timedelta(days=1)

days = st.none() | st.integers(-3, 3).map(lambda gap: DAY + timedelta(days=gap))


def listed(*values: str, **columns: Any) -> cs.Blocklist:
    kinds = ["phone" if value.startswith("+") else "card" for value in values]
    return cs.Blocklist.from_frame(pl.DataFrame({"kind": kinds, "value": [*values], **columns}))


def only(blocklist: cs.Blocklist) -> dict[str, Any]:
    (row,) = blocklist.listings.to_dicts()
    return row


def holds(blocklist: cs.Blocklist, day: date = DAY) -> bool:
    return len(held_on(blocklist, day)) == 1


def test_only_kind_and_value_are_required_and_the_rest_has_defaults() -> None:
    row = only(listed(PHONE))
    expected = {
        "kind": "phone",
        "value": PHONE,
        "match": "exact",
        "list": "block",
        "source": "unnamed",
        "reason": "listed",
        "severity": 50,
        "listed_on": None,
        "expires_on": None,
        "ended_on": None,
        "reference": None,
        "listing_id": "unnamed:0",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_null_takes_the_default_too() -> None:
    nothing = pl.Series([None], dtype=pl.String)
    row = only(listed(PHONE, list=nothing, source=nothing, reason=nothing, severity=pl.Series([None], dtype=pl.Int8)))
    assert (row["list"], row["source"], row["reason"], row["severity"]) == ("block", "unnamed", "listed", 50)


def test_listings_have_the_types_of_the_contract() -> None:
    types = listed(PHONE).listings.schema
    assert types["severity"] == pl.UInt8
    assert types["listed_on"] == types["expires_on"] == types["ended_on"] == pl.Date
    assert types["list"] == pl.Enum(["block", "allow"])
    assert types["match"] == pl.Enum(["exact", "range", "truncated", "token"])


@pytest.mark.parametrize(
    ("value", "match", "canonical"),
    [
        pytest.param(PHONE, "exact", PHONE, id="phone"),
        pytest.param("+86 138-0013-8000", "exact", PHONE, id="phone-with-punctuation"),
        pytest.param(f"  {PHONE} ", "exact", PHONE, id="phone-with-spaces-around"),
        pytest.param("+86１３８００１３８０００", "exact", PHONE, id="phone-full-width"),
        pytest.param("+8612345", "exact", "+8612345", id="phone-that-is-invalid"),
        pytest.param("+86170*", "range", "+86170*", id="phone-prefix"),
        pytest.param(f"{PHONE}*", "range", f"{PHONE}*", id="phone-prefix-of-full-length"),
        pytest.param(f"{PHONE}-{OTHER}", "range", f"{PHONE}-{OTHER}", id="phone-range"),
        pytest.param(f"{PHONE}-{PHONE}", "range", f"{PHONE}-{PHONE}", id="phone-range-of-one"),
        pytest.param(PAN, "exact", PAN, id="pan"),
        pytest.param("6222 0212-3456 1234", "exact", PAN, id="pan-grouped"),
        pytest.param("６２２２０２１２３４５６１２３４", "exact", PAN, id="pan-full-width"),
        pytest.param("0062220212345678901", "exact", "0062220212345678901", id="pan-with-leading-zeros"),
        pytest.param("411111111111", "exact", "411111111111", id="pan-of-a-length-not-issued"),
        pytest.param("62170012*", "range", "62170012*", id="pan-prefix"),
        pytest.param("6222020000000000-6222029999999999", "range", "6222020000000000-6222029999999999", id="pan-range"),
        pytest.param("622202******1234", "truncated", "622202******1234", id="truncated"),
        pytest.param("622202xxxxxx1234", "truncated", "622202******1234", id="truncated-with-x"),
        pytest.param("6222 02** **** 1234", "truncated", "622202******1234", id="truncated-grouped"),
    ],
)
def test_the_form_of_a_value_tells_its_match(value: str, match: str, canonical: str) -> None:
    row = only(cs.Blocklist.from_frame(pl.DataFrame({"kind": kind_of(value), "value": [value]})))
    assert (row["match"], row["value"]) == (match, canonical)


def kind_of(value: str) -> list[str]:
    return ["phone" if value.strip().startswith("+") else "card"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("phone", "13800138000", id="national-phone"),
        pytest.param("phone", "n/a", id="no-phone"),
        pytest.param("phone", "", id="empty-phone"),
        pytest.param("phone", None, id="null"),
        pytest.param("phone", "+*", id="prefix-of-all-phones"),
        pytest.param("phone", "+0*", id="prefix-with-zero"),
        pytest.param("phone", "170*", id="national-prefix"),
        pytest.param("phone", "+861**", id="two-stars"),
        pytest.param("phone", "+86*1380*", id="star-inside"),
        pytest.param("phone", f"{OTHER}-{PHONE}", id="range-backwards"),
        pytest.param("phone", "+86138-+861390", id="range-of-two-lengths"),
        pytest.param("card", "1234", id="short-card"),
        pytest.param("card", "4" * 20, id="long-card"),
        pytest.param("card", "*", id="prefix-of-all-cards"),
        pytest.param("card", "62****1234", id="truncated-too-short"),
        pytest.param("card", "************1234", id="truncated-tail-only"),
        pytest.param("card", "6222029999999999-6222020000000000", id="card-range-backwards"),
        pytest.param("card", "6222020000000000-62220299999999999", id="card-range-of-two-lengths"),
        pytest.param("card", PHONE, id="phone-as-card"),
        pytest.param("fax", PHONE, id="unknown-kind"),
        pytest.param(None, PHONE, id="no-kind"),
        pytest.param("Phone", PHONE, id="kind-in-capitals"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_row_and_rejected_on_request(
    kind: str | None, value: str | None
) -> None:
    frame = pl.DataFrame(
        {"kind": ["phone", kind], "value": [PHONE, value], "source": ["police", "bank-a"]},
        schema_overrides={"kind": pl.String, "value": pl.String},
    )
    with pytest.raises(cs.BlocklistError, match=r"1 listings can't be read .*: the listings row 1:"):
        cs.Blocklist.from_frame(frame)
    kept = cs.Blocklist.from_frame(frame, bad_rows="reject")
    assert kept.listings["value"].to_list() == [PHONE]
    assert kept.rejects["place"].to_list() == ["the listings row 1"]


def test_what_cannot_be_read_is_not_shown_in_the_error() -> None:
    with pytest.raises(cs.BlocklistError) as caught:
        listed("62220212345612341234")
    assert "622202" not in str(caught.value)


def test_an_error_names_the_first_rows_and_counts_the_others() -> None:
    with pytest.raises(cs.BlocklistError, match=r"8 listings .*row 0: .*row 4: [^;]*; and 3 more$"):
        listed(*["1"] * 8)


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        pytest.param("severity", 0, "severity", id="severity-zero"),
        pytest.param("severity", 101, "severity", id="severity-past-100"),
        pytest.param("severity", 300, "severity", id="severity-past-its-type"),
        pytest.param("severity", -1, "severity", id="severity-negative"),
        pytest.param("severity", "high", "severity", id="severity-in-words"),
        pytest.param("severity", 50.5, "severity", id="severity-broken"),
        pytest.param("list", "blocked", "list", id="unknown-list"),
        pytest.param("match", "fuzzy", "match", id="unknown-match"),
        pytest.param("match", "range", "match", id="match-of-another-form"),
        pytest.param("listed_on", "23.11.2026", "listed_on", id="date-of-another-form"),
        pytest.param("listed_on", "2026-02-30", "listed_on", id="day-that-is-none"),
        pytest.param("expires_on", "2026-13-01", "expires_on", id="month-that-is-none"),
        pytest.param("ended_on", "soon", "ended_on", id="end-in-words"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(column: str, cell: Any, problem: str) -> None:
    with pytest.raises(cs.BlocklistError, match=f"the listings row 0: {problem}"):
        listed(PHONE, **{column: [cell]})


@pytest.mark.parametrize("column", ["value", "source", "reference"])
@pytest.mark.parametrize("cell", [["x"], {"x": 1}, b"\xff"], ids=["list", "struct", "binary"])
def test_a_column_that_can_hold_no_text_is_refused(column: str, cell: Any) -> None:
    frame = pl.DataFrame({"kind": ["phone"], "value": [PHONE]}).with_columns(pl.Series(column, [cell]))
    with pytest.raises(cs.BlocklistError):
        cs.Blocklist.from_frame(frame)


def test_a_listing_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(cs.BlocklistError, match="row 0: expires before it is listed"):
        listed(PHONE, listed_on=[DAY], expires_on=[EARLIER])


@pytest.mark.parametrize("severity", [70, 70.0, "70"], ids=["int", "whole-float", "text"])
def test_a_severity_is_read_from_any_type_that_holds_whole_numbers(severity: Any) -> None:
    assert only(listed(PHONE, severity=[severity]))["severity"] == 70


def test_a_severity_column_with_gaps_comes_from_pandas_as_floats() -> None:
    frame = pl.DataFrame({"kind": ["phone"] * 2, "value": [PHONE, OTHER], "severity": [70, None]}).to_pandas()
    assert str(frame["severity"].dtype) == "float64"
    assert cs.Blocklist.from_frame(frame).listings["severity"].to_list() == [70, 50]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(pl.Series([DAY]), DAY, id="date"),
        pytest.param(pl.Series(["2026-11-23"]), DAY, id="text"),
        pytest.param(pl.Series([" 2026-11-23 "]), DAY, id="text-with-spaces"),
        pytest.param(pl.Series(["2026-11-23T23:59:00"]), DAY, id="text-with-time"),
        pytest.param(pl.Series(["2026-11-23 01:00"]), DAY, id="text-with-time-after-a-space"),
        pytest.param(pl.Series([datetime(2026, 11, 23, 23, 59)]), DAY, id="datetime"),
        pytest.param(pl.Series([None]), None, id="nulls-without-type"),
        pytest.param(pl.Series([None], dtype=pl.String), None, id="null-text"),
        pytest.param(pl.Series([None], dtype=pl.Date), None, id="null-date"),
    ],
)
@pytest.mark.parametrize("column", ["listed_on", "expires_on", "ended_on"])
def test_a_date_is_read_from_dates_and_iso_text(column: str, cells: pl.Series, expected: date | None) -> None:
    assert only(listed(PHONE, **{column: cells}))[column] == expected


def test_empty_text_is_no_date() -> None:
    assert only(listed(PHONE, listed_on=[""], expires_on=[" "]))["listed_on"] is None


def test_a_column_of_numbers_holds_no_dates() -> None:
    with pytest.raises(cs.BlocklistError, match="column 'listed_on' has type Int64: give dates"):
        listed(PHONE, listed_on=[20261123])


@pytest.mark.parametrize("missing", ["kind", "value"])
def test_a_required_column_that_is_missing_is_named_with_what_is_there(missing: str) -> None:
    frame = pl.DataFrame({"kind": ["phone"], "value": [PHONE], "note": ["x"]}).drop(missing)
    with pytest.raises(cs.MissingColumn, match=f"there is no column '{missing}'.*note") as caught:
        cs.Blocklist.from_frame(frame)
    assert (caught.value.column, "note" in caught.value.available) == (missing, True)


@pytest.mark.parametrize(
    ("column", "near"),
    [
        pytest.param("Severity", "severity", id="capitals"),
        pytest.param("expire_on", "expires_on", id="a-letter-short"),
        pytest.param("listing-id", "listing_id", id="hyphen"),
        pytest.param("lists", "list", id="plural"),
    ],
)
def test_a_misspelt_column_is_refused_with_the_near_one(column: str, near: str) -> None:
    with pytest.raises(cs.BlocklistError, match=f"unknown column '{column}' .did you mean '{near}'"):
        listed(PHONE, **{column: ["x"]})


@pytest.mark.parametrize(
    "column", ["note", "村", "problem", "place", "row", "raw", "told", "low", "high", "open", "_kept"]
)
def test_a_column_that_is_none_of_ours_is_ignored(column: str) -> None:
    with_extra = listed(PHONE, **{column: ["x"]})
    assert with_extra.listings.equals(listed(PHONE).listings)


def merged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    frame = pl.DataFrame(
        [{"kind": "phone", "value": PHONE, "source": "police", **row} for row in rows],
        infer_schema_length=None,
        schema_overrides={"listed_on": pl.Date, "expires_on": pl.Date, "ended_on": pl.Date, "reference": pl.String},
    )
    return cs.Blocklist.from_frame(frame).listings.to_dicts()


def test_rows_of_one_identity_merge_to_the_widest_time_and_the_highest_severity() -> None:
    (row,) = merged(
        {"listed_on": DAY, "expires_on": DAY, "severity": 30},
        {"listed_on": EARLIER, "expires_on": LATER, "severity": 80},
        {"listed_on": LATER, "expires_on": LATER, "severity": 40},
    )
    assert (row["listed_on"], row["expires_on"], row["severity"]) == (EARLIER, LATER, 80)


def test_a_listing_without_dates_wins_over_dates_when_merged() -> None:
    (row,) = merged({"listed_on": DAY, "expires_on": DAY}, {"listed_on": None, "expires_on": None})
    assert (row["listed_on"], row["expires_on"]) == (None, None)


def test_the_reason_of_merged_rows_is_that_of_the_most_severe() -> None:
    (row,) = merged({"reason": "reported", "severity": 20}, {"reason": "money_mule", "severity": 90})
    assert row["reason"] == "money_mule"


def test_merged_rows_keep_the_first_rows_name() -> None:
    (row,) = merged({"severity": 20}, {"severity": 90})
    assert row["listing_id"] == "police:0"


def test_two_ways_of_writing_one_number_are_one_listing() -> None:
    assert len(listed(PHONE, "+86 138 0013 8000")) == 1
    assert len(listed(PAN, "6222 0212 3456 1234")) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"source": "police"}, {"source": "bank-a"}, id="source"),
        pytest.param({"list": "block"}, {"list": "allow"}, id="list"),
        pytest.param({"reference": "A1"}, {"reference": "A2"}, id="reference"),
        pytest.param({"reference": "A1"}, {"reference": None}, id="reference-and-none"),
        pytest.param({"value": PHONE}, {"value": OTHER}, id="value"),
        pytest.param({"value": PHONE}, {"value": f"{PHONE}*"}, id="form"),
    ],
)
def test_rows_that_differ_in_identity_stay_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert len(merged(one, other)) == 2


@given(st.permutations(range(4)))
def test_the_order_of_rows_changes_no_merged_field(order: list[int]) -> None:
    rows: list[dict[str, Any]] = [
        {"listed_on": DAY, "expires_on": LATER, "severity": 30, "reason": "a"},
        {"listed_on": EARLIER, "expires_on": None, "severity": 90, "reason": "c"},
        {"listed_on": LATER, "expires_on": LATER, "severity": 90, "reason": "b"},
        {"listed_on": DAY, "expires_on": DAY, "severity": 1, "reason": "d"},
    ]
    (row,) = merged(*(rows[place] for place in order))
    fields = (row["listed_on"], row["expires_on"], row["severity"], row["reason"])
    assert fields == (EARLIER, None, 90, "b")


def test_a_given_listing_id_is_kept() -> None:
    assert only(listed(PHONE, listing_id=["L-7"]))["listing_id"] == "L-7"


def test_rows_without_a_name_are_named_after_source_and_row() -> None:
    names = listed(PHONE, OTHER, source=["police", "bank-a"]).listings["listing_id"].to_list()
    assert names == ["police:0", "bank-a:1"]


@pytest.mark.parametrize("values", [("+86138*", "+861380*"), (PHONE, "+86138*")], ids=["two-prefixes", "two-forms"])
def test_two_listings_with_one_name_are_both_evidence(values: tuple[str, str]) -> None:
    blocklist = listed(*values, listing_id=["L", "L"], severity=[10, 95])
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": [PHONE]})
    hits = cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, as_of=DAY).hits.collect()
    assert sorted(hits["severity"].to_list()) == [10, 95]


def test_a_blocklist_shows_counts_and_no_number() -> None:
    blocklist = listed(PHONE, PAN, "622202******1234")
    assert repr(blocklist) == "Blocklist(card: 2, phone: 1)"
    assert len(blocklist) == 3


def test_an_empty_frame_is_an_empty_blocklist() -> None:
    for dtype in (pl.String, pl.Null):
        empty = cs.Blocklist.from_frame(pl.DataFrame(schema={"kind": dtype, "value": dtype}))
        assert (len(empty), len(held_on(empty, DAY))) == (0, 0)
        assert empty.listings.schema == listed(PHONE).listings.schema


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(lambda frame: frame.lazy(), id="lazy"),
        pytest.param(lambda frame: frame.to_arrow(), id="arrow"),
        pytest.param(lambda frame: frame.to_pandas(), id="pandas"),
        pytest.param(lambda frame: frame.with_columns(pl.all().cast(pl.Categorical)), id="categorical"),
    ],
)
def test_a_frame_of_any_library_gives_the_same_listings(of: Any) -> None:
    frame = pl.DataFrame({"kind": ["phone", "card"], "value": [PHONE, PAN], "list": ["allow", None]})
    assert cs.Blocklist.from_frame(of(frame)).listings.equals(cs.Blocklist.from_frame(frame).listings)


def test_card_numbers_may_be_integers() -> None:
    frame = pl.DataFrame({"kind": ["card"], "value": [int(PAN)]})
    assert only(cs.Blocklist.from_frame(frame))["value"] == PAN


def test_a_token_is_told_from_its_form() -> None:
    assert only(listed(f"0123abcd:{'A' * 43}", kind="card"))["match"] == "token"


def test_a_token_under_a_key_id_of_another_form_is_refused() -> None:
    with pytest.raises(cs.BlocklistError, match="row 0: the value is no card"):
        listed(f"key-1:{'A' * 43}", kind="card")


def write(folder: Path, **files: pl.DataFrame) -> list[str]:
    for name, frame in files.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return [str(folder / f"{name}.parquet") for name in files]


def test_files_that_lack_optional_columns_are_read_together(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        a=pl.DataFrame({"kind": ["phone"], "value": [PHONE]}),
        b=pl.DataFrame({"value": [PAN], "kind": ["card"], "severity": [90], "listed_on": ["2026-11-23"], "note": [1]}),
        c=pl.DataFrame({"kind": ["phone"], "value": [OTHER], "severity": ["7"], "listed_on": [DAY]}),
    )
    for blocklist in (cs.Blocklist.read(*paths), cs.Blocklist.read(str(tmp_path / "*.parquet"))):
        rows = blocklist.listings.select("value", "severity", "listed_on", "listing_id").rows()
        assert rows == [
            (PHONE, 50, None, "unnamed:a:0"),
            (PAN, 90, DAY, "unnamed:b:0"),
            (OTHER, 7, DAY, "unnamed:c:0"),
        ]


def test_a_folder_of_files_is_read(tmp_path: Path) -> None:
    write(tmp_path, a=pl.DataFrame({"kind": ["phone"], "value": [PHONE]}))
    assert len(cs.Blocklist.read(str(tmp_path))) == 1


def test_a_bad_row_of_a_file_is_named_with_its_file_and_its_own_row(tmp_path: Path) -> None:
    paths = write(
        tmp_path,
        a=pl.DataFrame({"kind": ["phone"] * 2, "value": [PHONE, OTHER]}),
        b=pl.DataFrame({"kind": ["phone"] * 2, "value": [PHONE, "x"]}),
    )
    with pytest.raises(cs.BlocklistError, match=r"b\.parquet row 1:"):
        cs.Blocklist.read(*paths)


def test_a_file_that_is_missing_or_broken_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(cs.InputError, match="there is no file") as missing:
        cs.Blocklist.read(str(tmp_path / "none.parquet"))
    (tmp_path / "bad.parquet").write_bytes(b"junk")
    with pytest.raises(cs.InputError, match="can't be read as parquet") as broken:
        cs.Blocklist.read(str(tmp_path / "bad.parquet"))
    assert "\n" not in str(missing.value) + str(broken.value)


def test_a_listing_holds_from_its_first_day_to_its_last_both_included() -> None:
    blocklist = listed(PHONE, listed_on=[EARLIER], expires_on=[LATER])
    told = [holds(blocklist, DAY + timedelta(days=gap)) for gap in range(-2, 3)]
    assert told == [False, True, True, True, False]


def test_a_listing_of_one_day_holds_on_it() -> None:
    blocklist = listed(PHONE, listed_on=[DAY], expires_on=[DAY])
    assert [holds(blocklist, day) for day in (EARLIER, DAY, LATER)] == [False, True, False]


def test_a_withdrawn_listing_holds_until_the_day_before_its_end() -> None:
    blocklist = listed(PHONE, ended_on=[DAY])
    assert [holds(blocklist, day) for day in (EARLIER, DAY, LATER)] == [True, False, False]


def test_a_listing_without_dates_holds_on_any_day() -> None:
    assert holds(listed(PHONE), date(1970, 1, 1))
    assert holds(listed(PHONE), date(9999, 12, 31))


@given(days, days, days, st.integers(-4, 4))
def test_a_listing_is_in_force_exactly_as_its_three_days_say(
    begin: date | None, last: date | None, end: date | None, gap: int
) -> None:
    if begin and last and last < begin:
        begin, last = last, begin
    columns = {"listed_on": begin, "expires_on": last, "ended_on": end}
    blocklist = listed(PHONE, **{name: pl.Series([day], dtype=pl.Date) for name, day in columns.items()})
    day = DAY + timedelta(days=gap)
    expected = (begin is None or begin <= day) and (last is None or day <= last) and (end is None or day < end)
    assert holds(blocklist, day) == expected


def test_a_moment_of_the_last_day_is_on_the_last_day() -> None:
    assert holds(listed(PHONE, expires_on=[DAY]), datetime(2026, 11, 23, 5))


@pytest.mark.parametrize("column", ["list", "severity", "source", "reason", "listing_id"])
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_field_takes_the_default(column: str, blank: str) -> None:
    assert only(listed(PHONE, **{column: [blank]})) == only(listed(PHONE))


@pytest.mark.parametrize(
    "value", ["+86138xxxx8000", "+861380013800?", "+8613800138000;ext=5", "+861380013800＊", "+1 800 FLOWERS"]
)
def test_a_phone_with_more_than_digits_is_not_read_as_what_remains(value: str) -> None:
    with pytest.raises(cs.BlocklistError, match="row 0: the value is no phone"):
        listed(value)


def test_a_national_number_in_a_list_is_told_what_it_lacks() -> None:
    for value, told in (("138 0013 8000", True), ("170*", True), ("abc", False)):
        with pytest.raises(cs.BlocklistError, match="the value is no") as refused:
            cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": [value]}))
        assert ("no phone: write it with + and its country code" in str(refused.value)) is told
        assert value not in str(refused.value)


@pytest.mark.parametrize("read", [cs.Card().written, cs.Card.listing], ids=["feed", "frame"])
def test_a_listed_card_number_is_read_once(read: Callable[[pl.Expr], pl.Expr], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counting(text: pl.Series, *options: Any) -> Any:
        asked.append(len(text))
        return reading(text, *options)

    reading = pans._read
    monkeypatch.setattr(pans, "_read", counting)
    listed = pl.DataFrame({"value": [PAN, "4111111111111111", "n/a"]}).select(read=read(pl.col("value")))
    assert listed.unnest("read")["match"].to_list() == ["exact", "exact", None]
    assert sum(asked) == 3
