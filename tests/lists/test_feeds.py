"""Files from sources: their own columns and encodings, and rows that can't be used."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.lists.feeds.checks import check_file
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import FeedRows, read_feed

HEADER = "号码,风险等级,登记日期,截止日期,案件编号,原因\n"
COLUMNS = {
    "value": "号码",
    "severity": "风险等级",
    "listed_on": "登记日期",
    "expires_on": "截止日期",
    "reference": "案件编号",
    "reason": "原因",
}


def feed(**changes: Any) -> Feed:
    settings = {"source": "police", "kind": "phone", "region": "CN", "columns": COLUMNS}
    return Feed(**{key: value for key, value in (settings | changes).items() if value is not None})


def read(folder: Path, text: str, written: str = "utf-8", **changes: Any) -> FeedRows:
    file = folder / "list.csv"
    file.write_bytes(text.encode(written))
    return read_feed(file, feed(**changes))


def listings_of(rows: FeedRows) -> pl.DataFrame:
    """The rows as listings, as a program would hand them to `Blocklist.from_frame`."""
    listings = rows.rows.with_columns(source=pl.lit(rows.source))
    return listings.select(name for name in schema.LISTING if name in listings.columns and name != "match")


def rejected(rows: FeedRows) -> list[tuple[int, str]]:
    return [(line, reason) for line, reason, _ in rows.rejects.rows()]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        pytest.param("gb18030", None, id="gb18030-not-named"),
        pytest.param("gb18030", "gb18030", id="gb18030"),
        pytest.param("gbk", "gb18030", id="gbk-is-a-part-of-it"),
        pytest.param("utf-8", None, id="utf-8-not-named"),
        pytest.param("utf-8", "utf-8", id="utf-8"),
        pytest.param("utf-8-sig", None, id="byte-order-mark-not-named"),
        pytest.param("utf-8-sig", "utf-8", id="byte-order-mark"),
        pytest.param("utf-16", None, id="utf-16-not-named"),
        pytest.param("utf-16", "utf-16", id="utf-16"),
    ],
)
def test_chinese_headers_and_text_are_read_in_the_encoding_of_the_file(
    tmp_path: Path, encoding: str, named: str | None
) -> None:
    text = HEADER + "138 0013 8000,90,2026-01-02,2027-01-02,京2026-1,电信诈骗\n"
    rows = read(tmp_path, text, encoding, encoding=named)
    expected = {
        "kind": "phone",
        "value": "+8613800138000",
        "list": "block",
        "source": "police",
        "reason": "电信诈骗",
        "severity": 90,
        "listed_on": date(2026, 1, 2),
        "expires_on": date(2027, 1, 2),
        "reference": "京2026-1",
    }
    assert listings_of(rows).to_dicts() == [expected]
    assert rows.rejects.height == 0


@pytest.mark.parametrize(
    ("written", "named"),
    [("gb18030", "utf-8"), ("utf-16", "gb18030"), ("gb18030", "ascii")],
    ids=["gb18030-as-utf-8", "utf-16-as-gb18030", "gb18030-as-ascii"],
)
def test_a_wrong_encoding_is_refused_with_the_line_of_the_first_bad_byte(
    tmp_path: Path, written: str, named: str | None
) -> None:
    with pytest.raises(cs.InputError, match="the first bad byte is in line 1; name its encoding"):
        read(tmp_path, HEADER, written, encoding=named)


def test_a_bad_byte_further_down_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(cs.InputError, match="in line 3"):
        read(tmp_path, "number\n13800138000\n电话\n", "gb18030", encoding="utf-8", columns={"value": "number"})


def test_an_encoding_that_does_not_exist_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(cs.ConfigError, match="there is no encoding 'gb1803' .did you mean 'gb18030'"):
        read(tmp_path, HEADER, "utf-8", encoding="gb1803")


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_column_that_is_missing_is_named_with_those_that_are_there(tmp_path: Path, column: str) -> None:
    with pytest.raises(cs.MissingColumn, match=rf"list\.csv: there is no column '{COLUMNS[column]}'.*别的") as caught:
        read(tmp_path, HEADER.replace(COLUMNS[column], "别的"))
    assert caught.value.column == COLUMNS[column]


def test_rows_that_cannot_be_used_are_rejected_with_line_reason_and_shape(tmp_path: Path) -> None:
    lines = [
        "13800138000,90,2026-01-02,,,",
        "无号码,90,2026-01-02,,,",
        ",90,2026-01-02,,,",
        "13800138001,90,2026/01/02,,,",
        "13800138002,90,2026-02-30,,,",
        "13800138003,90,,2026-13-01,,",
        "13800138004,0,,,,",
        "13800138005,101,,,,",
        "13800138006,1,,,,",
        "1,1,,,,",
    ]
    rows = read(tmp_path, HEADER + "\n".join(lines) + "\n", "gb18030")
    assert listings_of(rows)["value"].to_list() == ["+8613800138000", "+8613800138001", "+8613800138006"]
    no_number = "no phone number"
    no_day = (
        " is no day, or can be read in two ways: write YYYY-MM-DD, or say how it is written by date_format, such as "
        'date_format = "%d/%m/%Y", at the top of the feed'
    )
    severity = "severity is not 1 to 100"
    assert rows.rejects.rows() == [
        (3, no_number, "AAA"),
        (4, no_number, None),
        (6, COLUMNS["listed_on"] + no_day, "9999-99-99"),
        (7, COLUMNS["expires_on"] + no_day, "9999-99-99"),
        (8, severity, "9" * 11),
        (9, severity, "9" * 11),
        (11, no_number, "9"),
    ]


def test_every_row_is_a_listing_or_a_reject(tmp_path: Path) -> None:
    cells = ["13800138000", "x", "", "13800138000", "+44 20 7946 0958", "110", "１３８００１３８０００"]
    rows = read(tmp_path, "number\n" + "".join(f'"{cell}"\n' for cell in cells), columns={"value": "number"})
    assert listings_of(rows).height + rows.rejects.height == len(cells)
    assert [line for line, _ in rejected(rows)] == [3, 4]


@pytest.mark.parametrize("cell", ["high", "50.5", "五十"])
def test_a_severity_that_cannot_be_read_is_rejected_and_not_replaced(tmp_path: Path, cell: str) -> None:
    rows = read(tmp_path, HEADER + f"13800138000,{cell},,,,\n")
    assert rejected(rows) == [(2, "severity is not 1 to 100")]


@pytest.mark.parametrize("cell", ["90", " 90 "])
def test_a_severity_may_have_spaces_around_it(tmp_path: Path, cell: str) -> None:
    assert listings_of(read(tmp_path, HEADER + f"13800138000,{cell},,,,\n"))["severity"].to_list() == [90]


def test_a_row_that_says_nothing_takes_the_feeds_reason_and_severity(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "13800138000,,,,,\n", reason="telecom_fraud", severity=77, list="allow")
    told = listings_of(rows).select("reason", "severity", "list", "listed_on", "expires_on", "reference").row(0)
    assert told == ("telecom_fraud", 77, "allow", None, None, None)


def test_a_listing_that_ends_before_it_begins_is_rejected(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "13800138000,50,2026-02-01,2026-01-01,,\n13800138001,50,2026-02-01,,,\n")
    assert [line for line, _ in rejected(rows)] == [2]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param("138-0013-8000", "+8613800138000", id="national"),
        pytest.param("+44 20 7946 0958", "+442079460958", id="international"),
        pytest.param("0086 138 0013 8000", "+8613800138000", id="dialled-abroad"),
        pytest.param("１３８００１３８０００", "+8613800138000", id="full-width"),
        pytest.param("+86170*", "+86170*", id="prefix"),
        pytest.param("+8617000000000-+8617000099999", "+8617000000000-+8617000099999", id="range"),
    ],
)
def test_a_phone_of_a_feed_is_read_like_an_accounts(tmp_path: Path, cell: str, value: str) -> None:
    rows = read(tmp_path, f"number\n{cell}\n", columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == [value]


@pytest.mark.parametrize("cell", ["170*", "13800138000*", "1380013 ****", "+86*170"])
def test_a_star_that_makes_no_prefix_is_not_dropped(tmp_path: Path, cell: str) -> None:
    rows = read(tmp_path, f"number\n{cell}\n", columns={"value": "number"})
    read_as_one_number = [value for value in listings_of(rows)["value"].to_list() if not {"*", "-"} & {*value}]
    assert read_as_one_number == []


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param("4111 1111-1111 1111", "4111111111111111", id="grouped"),
        pytest.param("４１１１１１１１１１１１１１１１", "4111111111111111", id="full-width"),
        pytest.param("0062220212345678901", "0062220212345678901", id="leading-zeros"),
        pytest.param("622202xxxxxx1234", "622202******1234", id="truncated"),
        pytest.param("62170012*", "62170012*", id="prefix"),
    ],
)
def test_a_card_of_a_feed_is_read_like_an_accounts(tmp_path: Path, cell: str, value: str) -> None:
    rows = read(tmp_path, f"card\n{cell}\n", kind="card", region=None, columns={"value": "card"})
    assert listings_of(rows)["value"].to_list() == [value]


@pytest.mark.parametrize("cell", ["1234", "62****1234", "4111x11111111111", "see file", "************1234"])
def test_a_card_that_cannot_be_screened_is_rejected(tmp_path: Path, cell: str) -> None:
    rows = read(tmp_path, f"card\n{cell}\n", kind="card", region=None, columns={"value": "card"})
    assert rejected(rows) == [(2, "no card number")]


def test_a_reject_shows_no_digit_of_a_card(tmp_path: Path) -> None:
    rows = read(tmp_path, "card\n4111 1111 1111 1111 05/29\n", kind="card", region=None, columns={"value": "card"})
    assert rows.rejects["shape"].to_list() == ["9999 9999 9999 9999 99/99"]


def test_what_a_feed_gives_is_a_blocklist(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "13800138000,90,2026-01-02,,京1,\n+86170*,,,,,\n", "gb18030")
    listings = cs.Blocklist.from_frame(listings_of(rows)).listings
    assert listings.select("value", "match", "severity").rows() == [
        ("+8613800138000", "exact", 90),
        ("+86170*", "range", 50),
    ]


#: Cells in the forms of listings, with stars and digits where they may not be.
listed_cells = st.builds(
    lambda plus, head, hidden, tail: f"{plus}{head}{hidden}{tail}",
    st.sampled_from(["", "+", " "]),
    st.text(st.sampled_from("0123456789"), max_size=14),
    st.sampled_from(["", "*", "**", "*****", "xxxxxx", "-", "-+86", " ", "＊＊＊＊"]),
    st.text(st.sampled_from("0123456789"), max_size=14),
)


@given(
    st.sampled_from(["phone", "card"]),
    st.lists(st.none() | listed_cells | st.text(max_size=8), min_size=1, max_size=20),
)
def test_what_a_feed_accepts_no_blocklist_refuses(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cells: list[str | None]
) -> None:
    file = tmp_path_factory.mktemp("feed") / "list.parquet"
    pl.DataFrame({"v": cells}, schema={"v": pl.String}).write_parquet(file)
    rows = read_feed(file, feed(kind=kind, region="CN" if kind == "phone" else None, columns={"value": "v"}))
    assert listings_of(rows).height + rows.rejects.height == len(cells)
    refused = cs.Blocklist.from_frame(listings_of(rows), bad_rows="reject").rejects
    assert refused.height == 0


def test_a_file_with_headers_alone_has_no_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER, "gb18030")
    assert (listings_of(rows).height, rows.rejects.height) == (0, 0)
    assert len(cs.Blocklist.from_frame(listings_of(rows))) == 0


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cs.InputError, match=r"list\.csv is empty"):
        read(tmp_path, "")


def test_a_row_with_too_many_fields_is_not_dropped_in_silence(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "13800138000,90,2026-01-02,,,,extra\n")
    assert rejected(rows) == [(2, "7 fields where the header has 6")]
    assert listings_of(rows).is_empty()


def test_another_delimiter_can_be_named(tmp_path: Path) -> None:
    rows = read(tmp_path, "number;x\n13800138000;y\n", delimiter=";", columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == ["+8613800138000"]


def test_a_parquet_feed_keeps_its_types(tmp_path: Path) -> None:
    file = tmp_path / "list.parquet"
    frame = pl.DataFrame({"n": [13800138000, None], "d": [datetime(2026, 1, 2, 3)] * 2, "s": [90.0, 1.0], "r": [1, 2]})
    frame.write_parquet(file)
    columns = {"value": "n", "listed_on": "d", "severity": "s", "reference": "r"}
    rows = read_feed(file, feed(columns=columns))
    told = listings_of(rows).select("value", "listed_on", "severity", "reference").rows()
    assert told == [("+8613800138000", date(2026, 1, 2), 90, "1")]
    assert rejected(rows) == [(2, "no phone number")]


def test_a_date_column_that_holds_no_dates_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.parquet"
    pl.DataFrame({"n": ["13800138000"], "d": [20260102]}).write_parquet(file)
    with pytest.raises(cs.InputError, match="column 'd' holds no dates"):
        read_feed(file, feed(columns={"value": "n", "listed_on": "d"}))


def test_a_value_column_that_holds_no_numbers_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.parquet"
    pl.DataFrame({"n": [["13800138000"]]}).write_parquet(file)
    with pytest.raises(cs.InputError):
        read_feed(file, feed(columns={"value": "n"}))


@pytest.mark.parametrize("cell", ['""', " ", ""], ids=["quoted-nothing", "space", "nothing"])
def test_an_empty_cell_takes_the_feeds_default_however_it_is_written(tmp_path: Path, cell: str) -> None:
    rows = read(tmp_path, HEADER + f"13800138000,{cell},{cell},{cell},{cell},{cell}\n", reason="gambling", severity=7)
    told = listings_of(rows).select("reason", "severity", "listed_on", "expires_on", "reference").rows()
    assert told == [("gambling", 7, None, None, None)]


@pytest.mark.parametrize("column", ["line", "shape", "kind", "source", "bad_day", "reject_reason"])
def test_a_file_may_have_columns_with_any_names(tmp_path: Path, column: str) -> None:
    rows = read(tmp_path, f"{column},other\n13800138000,x\n", columns={"value": column, "reference": "other"})
    assert listings_of(rows)["value"].to_list() == ["+8613800138000"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"kind": "phon"}, "unknown kind 'phon' .did you mean 'phone'", id="kind"),
        pytest.param({"region": "UK"}, "unknown region 'UK' .did you mean 'GB'", id="region"),
        pytest.param({"kind": "card"}, "a card has no option 'region'", id="region-of-a-card"),
    ],
)
def test_a_feed_with_an_unknown_kind_or_region_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    with pytest.raises(cs.ConfigError, match=words):
        read(tmp_path, HEADER, **change)


def test_a_feed_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "feed.toml"
    file.write_text('source = "police"\nkind = "phone"\n[columns]\nvalue = "号码"\n', encoding="utf-8")
    told = Feed.read(file)
    assert (told.list, told.reason, told.severity, told.columns.value) == ("block", "listed", 50, "号码")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('regoin = "CN"', "unknown key 'regoin' .did you mean 'region'", id="misspelt"),
        pytest.param("severity = 0", "severity", id="severity-zero"),
        pytest.param("severity = 101", "severity", id="severity-past-100"),
        pytest.param('list = "grey"', "list", id="unknown-list"),
        pytest.param('delimiter = ";;"', "delimiter", id="long-delimiter"),
        pytest.param("source =", "is not TOML", id="no-toml"),
        pytest.param("[columns]\nvalu = 'x'", "unknown key 'columns.valu' .did you mean 'value'", id="misspelt-column"),
        pytest.param("", "'columns' is missing", id="no-columns"),
    ],
)
def test_a_mistake_in_a_feed_file_is_told_in_its_words(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "feed.toml"
    file.write_text(f'source = "police"\nkind = "phone"\n{text}\n', encoding="utf-8")
    with pytest.raises(cs.ConfigError, match=words):
        Feed.read(file)


def test_a_feed_file_that_is_not_there_is_named_with_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "police.toml").touch()
    with pytest.raises(cs.ConfigError, match="there is no file .*did you mean 'police.toml'"):
        Feed.read(tmp_path / "polce.toml")


def test_a_cell_with_several_numbers_gives_a_listing_for_each_where_the_feed_says_so(tmp_path: Path) -> None:
    text = "number\n13800138000;13900139000\n"
    rows = read(tmp_path, text, columns={"value": "number"}, many=True)
    assert listings_of(rows)["value"].to_list() == ["+8613800138000", "+8613900139000"]
    assert listings_of(read(tmp_path, text, columns={"value": "number"})).height < 2


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("+8613800138000-+8613800138009", ["+8613800138000-+8613800138009"]),
        ("138 0013 8000 - 138 0013 8009", ["+8613800138000-+8613800138009"]),
        ("13800138000到13800138009", ["+8613800138000-+8613800138009"]),
        ("13800138000 to 13800138009", ["+8613800138000-+8613800138009"]),
        ("13800100000 - 13800199999", ["+8613800100000-+8613800199999"]),
        ("13800138000 - 13800138009; 13900139000", ["+8613800138000-+8613800138009", "+8613900139000"]),
        ("13900139000, 170000*", ["+8613900139000", "+86170000*"]),
        ("13800138000 - 13900139000", ["+8613800138000", "+8613900139000"]),  # far from each other, and not round
        ("13800138009 - 13800138000", ["+8613800138009", "+8613800138000"]),
    ],
)
def test_a_range_stays_one_where_cells_may_hold_several(cell: str, values: list[str], tmp_path: Path) -> None:
    rows = read(tmp_path, f'number\n"{cell}"\n', columns={"value": "number"}, many=True)
    assert listings_of(rows)["value"].to_list() == values


@pytest.mark.parametrize("cell", ["13800138000到13800138009", "13800138000 to 13800138009"])
def test_a_range_may_be_told_by_a_word(cell: str, tmp_path: Path) -> None:
    rows = read(tmp_path, f"number\n{cell}\n", columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == ["+8613800138000-+8613800138009"]


def test_a_spreadsheets_damage_is_mended_where_the_feed_says_so(tmp_path: Path) -> None:
    text = "number\n13800138000.0\n1.38E+10\n"
    rows = read(tmp_path, text, columns={"value": "number"}, repair=True)
    assert listings_of(rows)["value"].to_list() == ["+8613800138000"]
    assert rows.rejects["line"].to_list() == [3]


FRONTS = ["", "+86", "0086", "+86 ", "(+86)", "86", "＋86"]
GAPS = ["", " ", "-", ".", "\u00a0", " - "]
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@st.composite
def written(draw: st.DrawFn, number: str) -> str:
    """A mobile number as people write it."""
    gap = draw(st.sampled_from(GAPS))
    text = draw(st.sampled_from(FRONTS)) + gap.join([number[:3], number[3:7], number[7:]])
    text = draw(st.sampled_from(["", " ", "手机 "])) + text + draw(st.sampled_from(["", " ", "。"]))
    return text.translate(FULL_WIDTH) if draw(st.booleans()) else text


@st.composite
def written_twice(draw: st.DrawFn) -> tuple[str, str]:
    """One number in two writings."""
    number = f"1{draw(st.sampled_from(['38', '59', '76']))}{draw(st.integers(0, 10**8 - 1)):08d}"
    return draw(written(number)), draw(written(number))


@given(st.lists(written_twice(), min_size=1, max_size=20))
def test_however_a_list_writes_a_number_it_meets_the_number_however_an_account_writes_it(
    pairs: list[tuple[str, str]],
) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "list.csv"
        pl.DataFrame({"number": [listed for listed, _ in pairs]}).write_csv(file)
        rows = read_feed(file, feed(columns={"value": "number"}))
    accounts = pl.DataFrame({"account_id": range(len(pairs)), "mobile": [account for _, account in pairs]})
    result = cs.screen(accounts, cs.Blocklist.from_frame(listings_of(rows)), {"mobile": cs.Phone("CN")})
    assert result.flagged.collect()["account_id"].to_list() == list(range(len(pairs)))


@given(st.lists(st.text(st.sampled_from("0123456789+-* ()./xX;,#１２"), max_size=22), min_size=1, max_size=20))
def test_whatever_a_feed_takes_as_one_number_the_same_cell_of_an_account_meets(cells: list[str]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "list.parquet"
        pl.DataFrame({"number": cells}).write_parquet(file)
        read = read_feed(file, feed(columns={"value": "number"}))
    exact = read.rows.filter(pl.col("match") == "exact")
    taken = [cells[line - 1] for line in exact["line"]]
    accounts = pl.DataFrame({"account_id": range(len(taken)), "mobile": taken}, schema_overrides={"mobile": pl.String})
    listings = exact.select("kind", "value").unique()
    result = cs.screen(accounts, cs.Blocklist.from_frame(listings), {"mobile": cs.Phone("CN")})
    assert sorted(result.flagged.collect()["account_id"]) == list(range(len(taken)))


def test_the_same_list_in_any_form_gives_the_same_listings(tmp_path: Path) -> None:
    rows = [("138 0013 8000", "2026-01-10", "案1"), ("+44 20 7946 0958", "2026-01-11", "案2"), ("170*", "", "案3")]
    table = pl.DataFrame(rows, schema=["号码", "登记日期", "案件编号"], orient="row")
    how = feed(columns={"value": "号码", "listed_on": "登记日期", "reference": "案件编号"})
    text = table.write_csv()
    contents = {
        "a.csv": text.encode(),
        "b.csv": text.encode("utf-8-sig"),
        "c.csv": text.encode("gb18030"),
        "d.csv": text.encode("utf-16"),
        "e.tsv": table.write_csv(separator="\t").encode(),
        "f.csv.gz": gzip.compress(text.encode("gb18030")),
        "g.jsonl": table.write_ndjson().encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    table.write_parquet(tmp_path / "h.parquet")
    table.write_excel(tmp_path / "i.xlsx")
    names = [*contents, "h.parquet", "i.xlsx"]
    found = {name: listings_of(read_feed(tmp_path / name, how)) for name in names}
    assert found["a.csv"].select("value", "listed_on", "reference").rows() == [
        ("+8613800138000", date(2026, 1, 10), "案1"),
        ("+442079460958", date(2026, 1, 11), "案2"),
        ("+86170*", None, "案3"),
    ]
    assert all(found[name].equals(found["a.csv"]) for name in names)


@pytest.mark.parametrize(
    ("cell", "region", "value"),
    [
        ("1700000xxxx", "CN", "+8617000000000-+8617000009999"),
        ("1700000XXXX", "CN", "+8617000000000-+8617000009999"),
        ("1700000****", "CN", "+8617000000000-+8617000009999"),
        ("170000?????", "CN", "+8617000000000-+8617000099999"),
        ("010-1234xxxx", "CN", "+861012340000-+861012349999"),
        ("010-1234×××× ", "CN", "+861012340000-+861012349999"),
        ("+44207946xxxx", "CN", "+442079460000-+442079469999"),
        ("0800 12345??", "DE", "+498001234500-+498001234599"),
        ("170*", "CN", "+86170*"),
        ("030 1234....", "DE", "+493012340000-+493012349999"),
        ("030 1234 ..", "DE", "+4930123400-+4930123499"),
        ("030 1234---", "DE", "+49301234000-+49301234999"),
        ("017123456 ??", "DE", "+491712345600-+491712345699"),
        ("1700000____", "CN", "+8617000000000-+8617000009999"),
        ("170000•••••", "CN", "+8617000000000-+8617000099999"),
    ],
)
def test_digits_left_open_at_the_end_are_a_range_of_so_many(cell: str, region: str, value: str) -> None:
    feed = Feed(source="a", kind="phone", region=region, columns={"value": "x"})
    read = pl.DataFrame({"x": [cell]}).select(feed.kinds()["phone"].written(pl.col("x")).alias("read")).unnest("read")
    assert read.rows() == [("range", value)]


OPEN = "digits left open where no number of that length is possible"
FRONT = "a digit left open in front: if no digit is meant, leave the sign out"
SPREAD = "perhaps a range of ends: write the first and the last number in full, with a hyphen between them"
LETTERS = "letters behind digits, which may be a remark: where they are those of a keypad, say vanity = true"
WORDS = "words behind digits, which may be a remark: leave them out, or put them into a column of their own"
SEVERAL = "more than one number, it seems: where cells may hold several, say many = true"


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("13800138000 (Axel)", LETTERS),
        ("1-800-FLOWERS", LETTERS),
        ("138001380xx00", "hidden digits"),
        ("13800138000 A", LETTERS),
        ("13800138000张三", WORDS),
        ("13800138000 (已注销)", WORDS),
        ("13800138000 13900139000", SEVERAL),
        ("138-0013-8000、139-0013-9000", SEVERAL),
        ("13800138000 or 13900139000", SEVERAL),
        ("17x0000xxxx", OPEN),
        ("1700000xxxxxxx", OPEN),
        ("12345xxxxxxxx", OPEN),  # a carrier's prefix, behind which all is open
        ("13800138000x", OPEN),
        ("x13800138000", FRONT),
        ("X-13800138000", FRONT),
        ("? 138 0013 8000", FRONT),
        ("13800138000?", OPEN),
        ("13800138000 ?", OPEN),
        ("1700000…", "hidden digits"),
        ("010 6234…", "hidden digits"),
        ("010....5678", "hidden digits"),
        ("95xxx", OPEN),
        ("138-0013-XXXX", "hidden digits"),
        ("***-***-8000", "hidden digits"),
        ("139001390[0-9]", SPREAD),
        ("1390013900[1-5]", SPREAD),
        ("13900139(00-99)", SPREAD),
        ("13900139000~9", SPREAD),
    ],
)
def test_a_listed_number_with_letters_is_a_reject_that_says_why(tmp_path: Path, cell: str, why: str) -> None:
    rows = read(tmp_path, f'number\n"{cell}"\n13900139000\n', columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == ["+8613900139000"]
    assert rows.rejects.select("line", "reason").rows() == [(2, why)]


def test_an_extension_as_libphonenumber_knows_it_leaves_the_number_exact(tmp_path: Path) -> None:
    cells = ["13800138000 ext. 5", "13800138001 x123", "+8613800138002;ext=12", "手机:13800138003"]
    rows = read(tmp_path, "number\n" + "".join(f"{cell}\n" for cell in cells), columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == [f"+861380013800{last}" for last in range(4)]


def test_letters_are_digits_of_a_keypad_where_a_feed_says_so(tmp_path: Path) -> None:
    rows = read(tmp_path, "number\n1-800-FLOWERS\n", columns={"value": "number"}, region="US", vanity=True)
    assert listings_of(rows)["value"].to_list() == ["+18003569377"]
    with pytest.raises(cs.ConfigError, match="vanity is for feeds"):
        cs.screen(pl.DataFrame({"account_id": [1], "m": ["1"]}), cs.Blocklist.from_frame(listings_of(rows)), {
            "m": cs.Phone("US", vanity=True)
        })  # fmt: skip


def test_a_number_that_its_neighbour_completes_is_no_listing(tmp_path: Path) -> None:
    rows = read(tmp_path, "number\n010 62345678/79\n", columns={"value": "number"}, many=True)
    assert listings_of(rows)["value"].to_list() == ["+861062345678"]
    assert rows.rejects["reason"].to_list() == [
        "the end of a number, whose leading digits would be those of the number before it"
    ]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        *(
            (cell, SPREAD)
            for cell in ("13700139000-9", "13700139030 - 39", "13700139400/09", "13700130000-9999", "010-62345678-9")
        ),
        ("+86137001391%", "a percent sign in place of digits: write a prefix with a star, such as 1700000*"),
        ("13800138000;13900139000", "more than one number: where cells may hold several, say many = true"),
        ("13800138000,,13900139000", "more than one number: where cells may hold several, say many = true"),
        ("11111111111", "one digit again and again, which is nobody's number"),
        ("+86 00000000000", "one digit again and again, which is nobody's number"),
    ],
)
def test_what_is_surely_something_else_than_the_number_that_is_read_is_refused(
    cell: str, why: str, tmp_path: Path
) -> None:
    rows = read(tmp_path, f'number\n"{cell}"\n13800138000\n', columns={"value": "number"})
    assert listings_of(rows)["value"].to_list() == ["+8613800138000"]
    assert rows.rejects["reason"].to_list() == [why]


def test_the_end_of_a_direct_dialling_number_is_part_of_it(tmp_path: Path) -> None:
    rows = read(tmp_path, "number\n0911 58068-0\n138-0013-8000\n", columns={"value": "number"}, region="DE")
    assert listings_of(rows)["value"].to_list() == ["+49911580680", "+4913800138000"]


@pytest.mark.parametrize("cell", ["17000-17099", "170-171", "1700000-1700099", "17000 – 17099"])
def test_the_ends_of_a_range_of_beginnings_are_no_number_and_no_range(cell: str, tmp_path: Path) -> None:
    rows = read(tmp_path, f"number\n{cell}\n13800138000\n", columns={"value": "number"})
    assert rows.rows["value"].to_list() == ["+8613800138000"]
    assert "ends of a range" in rows.rejects["reason"].item()


@pytest.mark.parametrize(
    "cell",
    [
        "'1065755512",
        '=""1065755513""',
        "SMS 1065755514",
        "短信1065755512",
        "(106)5755515",
        "１０６５７５５５１６",
        "'106*",
    ],
)
def test_service_numbers_are_known_whatever_stands_in_front_of_them(cell: str, tmp_path: Path) -> None:
    feed = Feed(source="s", kind="phone", region="CN", columns={"value": "number"})
    file = tmp_path / "list.csv"
    file.write_text(f'number\n"{cell}"\n13800138000\n010-65755512\n010 6575 5513\n', encoding="utf-8")
    found = read_feed(file, feed)
    short = [problem for problem in check_file(found, feed, date(2026, 11, 23)) if problem.check == "short"]
    listed = [line for line in found.rows["line"].to_list() if line == 2]
    assert len(short) == len(listed)
    assert not short or short[0].message.endswith("line 2")
