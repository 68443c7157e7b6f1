"""Accounts in text files and sheets: each row is read as it is meant, or is told to be none, and is counted once."""

from __future__ import annotations

import csv
import gzip
import html
import importlib
import io
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter
from commands import cardscreen
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.kinds.card.issuers import Issuers
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.screening.scan import Pass
from cardscreen.tables.opening import encoding_used, open_table, read_numbered
from cardscreen.tables.source_files import read_source
from cardscreen.tables.source_files.plain import Plain
from cardscreen.tables.source_files.text import LINE

LISTED = "+8613900139000"
BLOCKLIST = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": [LISTED], "severity": [95]}))
PHONES = {"mobile": cs.Phone("CN")}
ZSTD: Callable[[bytes], bytes] = lambda content: pa.compress(content, codec="zstd", asbytes=True)  # noqa: E731
PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": ZSTD}


def screened(folder: Path, content: str | bytes, name: str = "accounts.csv", **options: Any) -> cs.Result:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    options = {"identifiers": PHONES, "as_of": date(2026, 11, 23), **options}
    return cs.screen(options.pop("path", file), BLOCKLIST, **options)


def flagged(result: cs.Result) -> list[Any]:
    return result.flagged.collect()["account_id"].to_list()


def ragged(result: cs.Result) -> list[tuple[str, int, str]]:
    """File, line and shape of the ragged rows, which name neither account nor identifier."""
    rejects = result.rejects.filter(pl.col("status") == "ragged").collect()
    assert rejects.select(pl.col("account_id", "identifier", "kind").is_null().all()).row(0) == (True, True, True)
    return [(Path(file).name, line, shape) for file, line, shape in rejects.select("file", "line", "shape").rows()]


# --- rows that don't fit ------------------------------------------------------------------------------

HEADER = "account_id,name,office,mobile\n"
#: The office number of the first is listed nowhere, its mobile is; of the second it is the other way round.
MISFITS = {
    "too-many-fields": ("a1,Li, Lei,02584664163,13900139000\n", [(2, "A9,AA, AAA,99999999999,99999999999")]),
    "too-few-fields": ("a1,Li Lei,13900139000\n", [(2, "A9,AA AAA,99999999999")]),
    "a-delimiter-at-the-end": ("a1,Li Lei,0,13900139000,\n", [(2, "A9,AA AAA,9,99999999999,")]),
    "an-unquoted-line-break": ("a1,Li\nLei,0,13900139000\n", [(2, "A9,AA"), (3, "AAA,9,99999999999")]),
    "a-line-of-something-else": ("Total: 1\n", [(2, "AAAAA: 9")]),
    "a-stray-quote": ('a1,"Li" Lei,0,13900139000\n', [(2, 'A9,"AA" AAA,9,99999999999')]),
}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("kind", list(MISFITS))
def test_a_row_without_the_headers_fields_is_a_reject_with_its_line_and_suspends_nobody(
    kind: str, ending: str, tmp_path: Path
) -> None:
    body, expected = MISFITS[kind]
    content = f"{HEADER}{body}a2,Han Mei,0,13900139000\na3,Wu,0,13800138000\n".replace("\n", ending)
    result = screened(tmp_path, content)
    assert flagged(result) == ["a2"]
    assert ragged(result) == [("accounts.csv", line, shape) for line, shape in expected]
    count = len(expected)
    assert result.summary["rows"] == {
        "read": count + 2,
        "hit": 1,
        "exempt": 0,
        "clear": 1,
        "not_screenable": count,
        "no_account": 0,
    }
    cells = {"cells": count + 2, "missing": 0, "rejected": count, "clear": 1, "exempt": 0, "hit": 1}
    assert cells.items() <= result.summary["coverage"]["mobile"].items()
    assert result.summary["ragged"] == count


def test_ragged_rows_pass_the_limit_of_rejected_cells(tmp_path: Path) -> None:
    result = screened(tmp_path, HEADER + "a1,Li, Lei,0,13900139000\n" + "a2,Wu,0,13800138000\n" * 3)
    with pytest.raises(cs.HeldForApproval, match="rejected_share: 25.00 % of the filled cells of 'mobile'"):
        cs.check(result, {"first_run": "publish"})


@pytest.mark.parametrize("packed", list(PACK))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_rows_are_read_as_strictly_in_every_encoding_and_packing(encoding: str, packed: str, tmp_path: Path) -> None:
    content = "account_id,姓名,办公电话,mobile\na1,李,雷,02584664163,13900139000\na2,韩梅梅,0,13900139000\n"
    named = {"encoding": encoding} if encoding == "gb18030" else {}
    result = screened(tmp_path, PACK[packed](content.encode(encoding)), f"a.csv{packed}", **named)
    assert flagged(result) == ["a2"]
    assert ragged(result) == [(f"a.csv{packed}", 2, "A9,A,A,99999999999,99999999999")]


def test_each_file_of_a_pattern_has_lines_of_its_own(tmp_path: Path) -> None:
    for part, content in {
        "1/a.csv": "account_id,mobile,name\na1,13900139000,x\na2,13900139000\n",
        "1/b.csv": "account_id,mobile,name\nb1,13900139000,x\n\n\nb2,13900139000,y,z\n",
        "2/c.csv": "account_id,mobile,name\nc1,13900139000,\n",
    }.items():
        file = tmp_path / f"dt={part}"
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    result = cs.screen(tmp_path / "*/*.csv", BLOCKLIST, PHONES, carry=["dt"])
    assert result.flagged.select("account_id", "dt").collect().rows() == [("a1", "1"), ("b1", "1"), ("c1", "2")]
    assert ragged(result) == [("a.csv", 3, "A9,99999999999"), ("b.csv", 5, "A9,99999999999,A,A")]


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow"])
@pytest.mark.parametrize(
    ("other", "words"),
    [
        (["account_id", "phone"], "b.FORM lacks mobile, has phone too"),
        (["account_id", "mobile", "more"], "b.FORM has more too"),
        (["mobile", "account_id"], "b.FORM has its columns in another order: mobile, account_id"),
    ],
)
def test_parts_of_an_extract_that_differ_are_refused_by_name(
    tmp_path: Path, form: str, other: list[str], words: str
) -> None:
    for name, columns in (("a", ["account_id", "mobile"]), ("b", other), ("c", ["account_id", "mobile"])):
        frame = pl.DataFrame({column: ["1"] for column in columns})
        getattr(frame, {"csv": "write_csv", "parquet": "write_parquet", "arrow": "write_ipc"}[form])(
            tmp_path / f"{name}.{form}"
        )
    with pytest.raises(cs.InputError, match=words.replace("FORM", form)) as refused:
        cs.screen(tmp_path / f"*.{form}", BLOCKLIST, PHONES)
    assert f"differ from {tmp_path}/a.{form}" in str(refused.value)
    assert f"c.{form}" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("account_id,mobile,mobile\na1,13800138000,13900139000\n", "columns 2 and 3 are both named 'mobile'"),
        ("account_id,mobile, mobile \na1,13800138000,13900139000\n", "columns 2 and 3 are both named 'mobile'"),
        ("account_id,mobile,\na1,13900139000,\n", "column 3 of 3 has no name in the header: does each line end with a"),
        (
            'account_id,mobile\na1,"13900139000\na2,1\n',
            "a quote in the row of line 2 is never closed: is the file comp",
        ),
        ('"account_id"x,mobile\na1,1\n', "a broken quote in the header, line 1"),
        ("", "is empty"),
        (b"account_id,mobile\na1,139001\x0039000\n", "line 2"),
    ],
)
def test_what_cannot_be_read_as_a_table_is_refused_in_a_sentence(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(cs.InputError, match=rf"accounts\.csv.*{message}"):
        screened(tmp_path, content)


def test_the_same_holds_for_clearances_bin_tables_applied_actions_and_the_night_before(tmp_path: Path) -> None:
    file = tmp_path / "clearances.csv"
    file.write_text("account_id,listing_id,decided_on,until\na1,,2026-01-01\n")
    wrong = r"clearances\.csv: line 2: 3 fields where the header has 4"
    with pytest.raises(cs.InputError, match=wrong):
        screened(tmp_path, "account_id,mobile\na1,13900139000\n", policy={"clearances": {"file": str(file)}})
    bins = tmp_path / "bins.csv"
    bins.write_text("bin,issuer\n622202,Bank, A\n")
    with pytest.raises(cs.InputError, match=r"bins\.csv.*line 2: 3 fields where the header has 2"):
        pl.DataFrame({"card": ["4111111111111111"]}).select(cs.card("card", issuers=bins))
    before = tmp_path / "flagged.csv"
    before.write_text("account_id,action,flagged_since,act_on\na1,suspend,2026-01-01\n")
    with pytest.raises(cs.InputError, match=r"flagged\.csv: line 2: 3 fields where the header has 4"):
        screened(tmp_path, "account_id,mobile\na1,13900139000\n", previous=before)


def test_text_that_is_opened_as_a_table_refuses_its_first_ragged_row(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a,b\n1,2\n3\n")
    with pytest.raises(cs.InputError, match=r"t\.csv: line 3: 1 field where the header has 2"):
        open_table(file).select("a").collect()


@pytest.mark.parametrize(
    "again", ["account_id,name,office,mobile", "account_id,name,mobile,office", "\ufeffaccount_id, mobile ,name,office"]
)
def test_a_header_that_comes_again_is_refused_since_columns_may_have_moved(again: str, tmp_path: Path) -> None:
    content = f"{HEADER}a1,x,02584664163,13800138000\n{again}\na2,y,13800138001,13900139000\n"
    with pytest.raises(cs.InputError, match=r"accounts.csv: the header comes again in line 3: .*Name each by itself"):
        screened(tmp_path, content)
    rows = [row.split(",") for row in content.splitlines()]
    with pytest.raises(cs.InputError, match="the header comes again in line 3"):
        cs.screen(sheet(tmp_path / "accounts.xlsx", rows), BLOCKLIST, PHONES)
    feed = Feed(source="s", kind="phone", region="CN", columns={"value": "mobile"})
    with pytest.raises(cs.InputError, match="the header comes again in line 3"):
        read_feed(tmp_path / "accounts.csv", feed)


def test_a_quote_that_was_forgotten_swallows_no_rows(tmp_path: Path) -> None:
    result = screened(tmp_path, f'{HEADER}a1,"Li Lei,0,13800138000\na2,Han Mei",0,13900139000\n')
    assert flagged(result) == ["a2"]
    assert ragged(result) == [("accounts.csv", 2, 'A9,"AA AAA,9,99999999999')]
    many = "".join(f"b{at},x,0,13900139000\n" for at in range(50))
    result = screened(tmp_path, f'{HEADER}a1,"Li,0,13800138000\n{many}a2,Han",0,13800138001\n')
    assert len(flagged(result)) == 50
    assert result.summary["rows"]["read"] == 52
    # A text of two lines is one, whatever delimiters it has.
    result = screened(tmp_path, f'{HEADER}a1,"Li, Lei\nsenior",0,13900139000\n')
    assert (flagged(result), ragged(result)) == (["a1"], [])


@pytest.mark.parametrize(
    ("day", "form"),
    [
        *[("31/12/20", "%d/%m/%Y"), ("20-12-31", "%Y-%m-%d"), ("31-DEC-20", "%d-%b-%Y"), ("0020-12-31", None)],
        ("1900-01-01", None),
    ],
)
def test_a_year_of_two_digits_and_the_first_day_of_1900_are_none(day: str, form: str | None, tmp_path: Path) -> None:
    phones = {"mobile": cs.Phone("CN", holder_since="since")}
    content = f"account_id,mobile,since\na1,13900139000,{day}\n"
    with pytest.raises(cs.InputError, match="column 'since' holds 1 values that are no dates"):
        screened(tmp_path, content, identifiers=phones, date_format=form)
    accounts = pl.DataFrame({"account_id": ["a1"], "mobile": ["13900139000"], "since": [date(20, 12, 31)]})
    with pytest.raises(cs.InputError, match="column 'since' holds 1 values that are no dates"):
        cs.screen(accounts, BLOCKLIST, phones)


def test_days_of_a_sheet_need_no_format_beside_texts_that_do(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["account_id", "mobile", "since"], ["a1", "13900139000", "03/04/2020"]]
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        page, form = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)
        page.write_row(2, 0, ["a2", "13900139000"])
        page.write_datetime(2, 2, datetime(2020, 4, 3), form)
    phones = {"mobile": cs.Phone("CN", holder_since="since")}
    assert flagged(cs.screen(tmp_path / "a.xlsx", BLOCKLIST, phones, date_format="%d/%m/%Y")) == ["a1", "a2"]


def test_text_at_a_url_is_read_as_strictly(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("account_id,mobile\na1,13900139000\na2,x,13900139000\n")
    (tmp_path / "b.csv").write_text("account_id,phone\nb1,13900139000\n")
    (tmp_path / "c.csv").write_text("")
    (tmp_path / "d.csv").write_bytes(b"account_id,mobile\nd1,1390013\x009000\n")
    urls = {name: (tmp_path / f"{name}.csv").as_uri() for name in "abcd"}
    result = cs.screen(urls["a"], BLOCKLIST, PHONES)
    assert flagged(result) == ["a1"]
    assert [line for _, line, _ in ragged(result)] == [3]
    for names, words in {
        "ab": "b.csv: there is no column 'mobile'",
        "ac": "c.csv is empty",
        "ad": "d.csv holds a NUL",
    }.items():
        with pytest.raises(cs.InputError, match=words):
            cs.screen([urls[name] for name in names], BLOCKLIST, PHONES)
    with pytest.raises(cs.ConfigError, match="is named twice"):
        cs.screen([urls["a"], urls["a"]], BLOCKLIST, PHONES)


@pytest.mark.parametrize(
    "options", [{"header_row": "2"}, {"header_row": 0}, {"header_row": True}, {"date_format": 5}, {"delimiter": "\n"}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(cs.ConfigError, match=next(iter(options))):
        screened(tmp_path, "account_id,mobile\na1,1\n", **options)


# --- as Python's csv reads them -------------------------------------------------------------------------

#: Texts of several lines hold no delimiter: where each line has the header's fields, a quote was forgotten.
TEXTS = st.text(st.sampled_from('ab ,;"\t|é王👍'), max_size=6) | st.text(st.sampled_from('ab "\n\ré王👍'), max_size=6)
NUMBERS = st.sampled_from([LISTED, "139 0013 9000", "13800138000", "n/a", ""])


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A text file of accounts with rows of all sorts, and how to read it."""
    delimiter, ending = draw(st.sampled_from(",;|\t")), draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=delimiter,
        lineterminator=ending,
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
    )
    writer.writerow(["name", "account_id", "note", "mobile"])
    for number in range(draw(st.integers(0, 12))):
        row = [draw(TEXTS), f"a{number}", draw(TEXTS), draw(NUMBERS)]
        sort = draw(st.sampled_from(["whole"] * 4 + ["short", "long", "blank", "blanks"]))
        if sort.startswith("blank"):
            text.write(("  " if sort == "blanks" else "") + ending)
        else:
            # Python leaves a lone carriage return without quotes.
            row = [cell.replace("\r", "\r\n") if ending == "\n" else cell.replace("\r", "") for cell in row]
            writer.writerow({"whole": row, "short": row[:3], "long": [*row, "x"]}[sort])
    content = text.getvalue().removesuffix(ending if draw(st.booleans()) else "")
    return content.encode(encoding), {"delimiter": delimiter, "encoding": encoding}


@given(files(), st.sampled_from([1, 3, 50, 1 << 24]), st.sampled_from(list(PACK)))
def test_what_screening_reads_is_what_pythons_csv_reads_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, file: tuple[bytes, dict[str, str]], block: int, packed: str
) -> None:
    content, options = file
    text = content.decode("utf-8-sig" if options["encoding"] == "utf-8" else options["encoding"])
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=options["delimiter"], strict=True))[1:]
    rows = [row for row in read if len(row) == 4]
    misfits = [row for row in read if len(row) != 4 and "".join(row).strip()]
    with mock.patch("cardscreen.tables.source_files.packed.BLOCK", block):
        result = screened(
            tmp_path_factory.mktemp("text"),
            PACK[packed](content),
            f"accounts.csv{packed}",
            carry=["name", "note"],
            **options,
        )
    hits = result.flagged.select("name", "account_id", "note").collect().rows()
    listed = sorted(
        (row for row in rows if "".join(row[3].split()) in (LISTED, "13900139000")), key=lambda row: str(row[1])
    )
    assert hits == [(name or None, account, note or None) for name, account, note, _ in listed]
    rejects = result.rejects.collect()
    assert rejects.filter(pl.col("status") != "ragged")["account_id"].to_list() == [
        row[1] for row in rows if row[3] == "n/a"
    ]
    assert len(ragged(result)) if misfits else not result.summary["ragged"]
    assert result.summary["ragged"] == len(misfits)
    counts = dict(result.summary["rows"])
    assert counts.pop("read") == len(rows) + len(misfits) == sum(counts.values())


@st.composite
def plain_files(draw: st.DrawFn) -> str:
    """A text of accounts without quotes, most of which has the header's fields in each line."""
    cells = st.text(st.sampled_from("ab é王👍"), max_size=6)
    lines = ["name,account_id,note,mobile"]
    for number in range(draw(st.integers(0, 12))):
        row = [draw(cells), f"a{number}", draw(cells), draw(NUMBERS)]
        odd = draw(st.integers(0, 40))
        whole = ",".join(row)
        lines.append({0: "", 1: f"{whole},x", 2: ",".join(row[:3]), 3: f'"{whole}"', 4: f"{whole}\r"}.get(odd, whole))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))


@given(st.lists(plain_files(), min_size=1, max_size=3), st.sampled_from([1, 3, 50, 1 << 24]))
def test_large_files_that_the_engine_reads_by_itself_give_the_same_frame(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], block: int
) -> None:
    folder = tmp_path_factory.mktemp("[large]")
    for part, text in enumerate(texts):
        (folder / f"part={part}").mkdir()
        (folder / f"part={part}" / "a.csv").write_text(text, encoding="utf-8", newline="")
    pattern = str(folder).replace("[", "[[]", 1) + "/*/a.csv"
    frames = []
    for large in (1 << 24, 0):
        with (
            mock.patch("cardscreen.tables.source_files.packed.BLOCK", block),
            mock.patch("cardscreen.tables.source_files.text.LARGE", large),
        ):
            table = open_table(pattern, marked=True)
            frames.append([table.collect(), table.select("mobile", LINE).collect(), table.head(2).collect()])
    assert all(one.equals(other) for one, other in zip(*frames, strict=True))


@pytest.mark.parametrize("block", [1, 7, 1 << 22])
@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        ("id,b\n1,2\n3,4", True),
        ("id,b\n1,2\n3,4\n", True),
        ("id,b\n,\n,\n", True),
        ("id,b\n", True),
        ("", False),
        ("id,b", False),
        ("id\n1\n", False),
        ("id,b\n1,2,3\n", False),
        ("id,b\n1\n2,3,4\n", False),
        ("id,b\n1,2\n\n", False),
        ("id,b\n1,2\nid,b\n", False),
        ("\nid,b\n1,2\n", False),
        ('id,b\n1,"2"\n', False),
        ("id,b\r\n1,2\r\n", False),
        ("id,id\n1,2\n", False),
        ("id,\n1,2\n", False),
        ("id,b\n1,2\n3", False),
        ("id ,b\n1,2\nid,b\n", False),
        ("number\u00a0,b\n1,2\nnumber,b\n", False),
        ("号码码码,abcdef,x\n1,abcdef,x\n", False),
        ("x^,b\n1,2\n", False),
        ("xچ,b\n1,2\n", False),
        ("id,b\nx^,2\n", True),
    ],
)
def test_a_text_is_plain_where_each_line_is_a_row_that_fits(text: str, is_plain: bool, block: int) -> None:
    content = text.encode()
    look = Plain(",")
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    assert b"".join(look.over(blocks)) == content
    assert look.holds == is_plain


@pytest.mark.parametrize("begin", ["x^1", "x\x011", "xچ"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_text_that_begins_like_packed_text_is_read_as_it_is(tmp_path: Path, begin: str, quote: str) -> None:
    text = f"{begin},{quote}13900139000{quote}\n"
    (tmp_path / "accounts.csv").write_text(f"account_id,mobile\n{text}{text}", encoding="utf-8")
    found = cs.screen(tmp_path / "accounts.csv", BLOCKLIST, {"mobile": cs.Phone("CN")})
    assert (found.summary["rows"]["read"], found.flagged.collect()["account_id"].to_list()) == (2, [begin])
    (tmp_path / "list.csv").write_text(f"reason,number\n{text}", encoding="utf-8")
    assert read_source(tmp_path / "list.csv").frame.rows() == [(begin, "13900139000")]


def test_a_file_that_changes_while_it_is_screened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("account_id,mobile\na1,13900139000\n")

    read = Pass.over

    def changing(*asked: Any) -> Any:
        file.write_text("mobile,account_id\n13900139000,a1\n")
        return read(*asked)

    monkeypatch.setattr(Pass, "over", changing)
    with pytest.raises(cs.InputError, match=r"changed while they were read: .*accounts\.csv: run again"):
        cs.screen(file, BLOCKLIST, PHONES)


READERS: dict[str, tuple[str, str, Callable[[Any], object]]] = {
    "lists": ("kind,value\nphone,+8613900139000\n", "cardscreen.lists.blocklist.collected", cs.Blocklist.read),
    "issuers": ("bin,issuer\n622202,ICBC\n", "cardscreen.kinds.card.issuers.collected", Issuers.read),
    "previous": (
        "account_id,action,flagged_since,act_on\na1,verify,2026-11-01,2026-11-02\n",
        "cardscreen.screening.question.require_columns",
        lambda file: cs.screen(pl.DataFrame({"account_id": ["a"], "mobile": ["1"]}), BLOCKLIST, PHONES, previous=file),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_other_files_that_change_while_they_are_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, where, read = READERS[name]
    file = tmp_path / f"{name}.csv"
    file.write_text(text)
    assert read(file) is not None
    module, _, function = where.rpartition(".")
    reads = getattr(importlib.import_module(module), function)

    def changing(*asked: Any) -> Any:
        file.write_text(text + "\n")
        return reads(*asked)

    monkeypatch.setattr(where, changing)
    with pytest.raises(cs.InputError, match=rf"changed while they were read: .*{name}\.csv: run again"):
        read(file)


# --- headers, sheets, days -------------------------------------------------------------------------------


def sheet(file: Path, rows: list[list[Any]], name: str = "Sheet1") -> Path:
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Cover").write(0, 0, "see the other sheet") if name != "Sheet1" else None
        page = book.add_worksheet(name)
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)
    return file


@pytest.mark.parametrize("title", ["Subscribers,,\n", "Subscribers 2026\n", "Subscribers\n\n", '"a, ""title""",\n'])
def test_a_title_above_the_header_is_passed_over_where_the_header_is_named(title: str, tmp_path: Path) -> None:
    content = f"{title}account_id,mobile\na1,13900139000\na2\n"
    row = content.count("\n") - 2
    result = screened(tmp_path, content, header_row=row)
    assert flagged(result) == ["a1"]
    assert ragged(result) == [("accounts.csv", row + 2, "A9")]
    with pytest.raises(cs.InputError, match=rf"[Ll]ine {row} .*: ?,? ?give header_row={row}|give header_row={row}"):
        screened(tmp_path, content)


def test_accounts_in_a_spreadsheet_are_read_with_their_rows(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Subscribers"],
        [],
        ["account_id", "mobile"],
        ["a1", "13900139000"],
        ["a2", 13900139000],
        ["a3", "1", "x"],
    ]
    file = sheet(tmp_path / "accounts.xlsx", rows, "Page")
    options = {"sheet": "Page", "header_row": 3}
    result = cs.screen(file, BLOCKLIST, PHONES, **options)  # type: ignore[arg-type]
    assert flagged(result) == ["a1", "a2"]
    assert ragged(result) == [("accounts.xlsx", 6, "A9,9,A")]
    with pytest.raises(cs.InputError, match="Line 3 has it: give header_row=3"):
        cs.screen(file, BLOCKLIST, PHONES, sheet="Page")
    with pytest.raises(cs.ConfigError, match="no sheet 'page'.*did you mean 'Page'"):
        cs.screen(file, BLOCKLIST, PHONES, sheet="page")


def test_days_are_read_in_the_format_that_is_named(tmp_path: Path) -> None:
    content = "account_id,mobile,since\na1,13900139000,24/12/2030\na2,13900139000,\na3,13900139000,01/02/2020\n"
    blocklist = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["phone"], "value": [LISTED], "listed_on": ["2026-01-10"], "severity": [95]})
    )
    file = tmp_path / "accounts.csv"
    file.write_text(content)
    phones = {"mobile": cs.Phone("CN", holder_since="since")}
    result = cs.screen(file, blocklist, phones, date_format="%d/%m/%Y")
    assert result.hits.select("account_id", "holder").collect().rows() == [
        ("a1", "earlier"),
        ("a2", "unknown"),
        ("a3", "same"),
    ]
    like = r"column 'since' holds 2 values that are no dates \(the first: 99/99/9999, .*accounts.csv, line 2\)"
    with pytest.raises(cs.InputError, match=like + ': .*give date_format="%d/%m/%Y"'):
        cs.screen(file, blocklist, phones)
    with pytest.raises(cs.ConfigError, match="date_format: 'dd/mm/yyyy' is no format of days"):
        cs.screen(file, blocklist, phones, date_format="dd/mm/yyyy")


def test_days_with_a_time_are_read_in_the_format_that_is_named(tmp_path: Path) -> None:
    content = "account_id,mobile,since\na1,13900139000,24.12.2020 13:05\n"
    phones = {"mobile": cs.Phone("CN", holder_since="since")}
    result = screened(tmp_path, content, identifiers=phones, date_format="%d.%m.%Y %H:%M")
    assert flagged(result) == ["a1"]


# --- hints ---------------------------------------------------------------------------------------------


def test_a_hint_names_what_its_caller_can_say(tmp_path: Path) -> None:
    semicolons = tmp_path / "accounts.csv"
    semicolons.write_text("account_id;mobile\na1;13900139000\n")
    with pytest.raises(cs.InputError, match=r"Are they separated by ';'\? Then give delimiter=\";\"\.$"):
        cs.screen(semicolons, BLOCKLIST, PHONES)
    assert flagged(cs.screen(semicolons, BLOCKLIST, PHONES, delimiter=";")) == ["a1"]
    # A frame has no such option, nor a file of one's own whose form is fixed.
    with pytest.raises(cs.InputError, match=r"Are they separated by ';'\?$"):
        cs.screen(pl.read_csv(semicolons), BLOCKLIST, PHONES)
    feed = Feed(source="s", kind="phone", region="CN", columns={"value": "mobile"})
    with pytest.raises(cs.InputError, match=r'Then say delimiter = ";" at the top of the feed, above its first table'):
        read_feed(semicolons, feed)
    out = str(tmp_path / "out.csv")
    command = ("normalize", "phone", semicolons, "--column", "mobile", "--region", "CN", "--out", out)
    refused = cardscreen(*command, cwd=tmp_path)
    assert refused.code == 3
    assert 'Then say --delimiter ";".' in " ".join(refused.err.split())
    assert cardscreen(*command, "--delimiter", ";", cwd=tmp_path).code == 0
    assert pl.read_csv(out, infer_schema=False)["mobile_e164"].to_list() == [LISTED]


def test_a_feed_with_a_title_above_its_header_says_which_row_it_is(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Numbers of the police\n号码,since\n13900139000,10/01/2026\n")
    feed = {"source": "s", "kind": "phone", "region": "CN", "columns": {"value": "号码", "listed_on": "since"}}
    with pytest.raises(cs.InputError, match="Line 2 has it: say header_row = 2 at the top of the feed"):
        read_feed(file, Feed(**feed))
    rejects = read_feed(file, Feed(**feed, header_row=2)).rejects
    assert rejects.select("line", "shape").rows() == [(3, "99/99/9999")]
    assert "date_format" in rejects["reason"].item()
    assert "since is no day" in rejects["reason"].item()
    rows = read_feed(file, Feed(**feed, header_row=2, date_format="%d/%m/%Y")).rows
    assert rows["listed_on"].to_list() == [date(2026, 1, 10)]
    book = sheet(tmp_path / "list.xlsx", [["Numbers"], ["号码", "since"], ["13900139000", "2026-01-10"]])
    assert len(read_feed(book, Feed(**feed, header_row=2)).rows) == 1


def test_encodings_are_told_of_packed_files_too(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress("account_id,mobile\na,1\n".encode("utf-16")))
    assert encoding_used(str(file), None) == {"encoding": "utf-16"}


# --- several sheets -----------------------------------------------------------------------------------


def two_sheets(file: Path, second: list[list[str]], *, hidden: bool = False) -> Path:
    with xlsxwriter.Workbook(file) as book:
        for name, rows in ("North", [["account_id", "mobile"], ["a1", "13900139001"]]), ("South", second):
            page = book.add_worksheet(name)
            for at, row in enumerate(rows):
                page.write_row(at, 0, row)
        page.hide() if hidden else None
    return file


JOB = """
[accounts]
path = "a.xlsx"
[identifiers]
mobile = { kind = "phone", region = "CN" }
[blocklist]
paths = ["l.parquet"]
[limits]
first_run = "publish"
"""
PART = [["mobile ", "account_id"], ["13900139000", "a2"]]


def test_accounts_on_two_sheets_are_refused_until_one_is_named(tmp_path: Path) -> None:
    file = two_sheets(tmp_path / "accounts.xlsx", PART)
    with pytest.raises(cs.InputError, match=r"'North', 'South' have the same columns.*give sheet=\"North\", if no oth"):
        cs.screen(file, BLOCKLIST, PHONES)
    assert flagged(cs.screen(file, BLOCKLIST, PHONES, sheet="South")) == ["a2"]
    assert flagged(cs.screen(file, BLOCKLIST, PHONES, sheet="North")) == []


def test_small_tables_on_two_sheets_are_refused_too(tmp_path: Path) -> None:
    file = two_sheets(tmp_path / "accounts.xlsx", PART)
    with pytest.raises(cs.InputError, match="put all rows on one sheet, or in one CSV file$"):
        read_numbered(str(file))
    with pytest.raises(cs.InputError, match="put all rows on one sheet, or in one CSV file$"):
        cs.find_rings(file, ["a1"], {"mobile": 10})
    done = cardscreen("normalize", "phone", file, "--column", "mobile", "--out", "o.csv", cwd=tmp_path)
    assert (done.code, 'say --sheet "North", if no other' in done.err) == (3, True)


def test_init_refuses_parts_of_a_table_beside_the_sheet_that_it_would_propose(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("number\n13900139000\n13900139001\n13900139002\n")
    cover = [["see the others"]]
    rows = [[f"a{at}", f"1390013900{at}"] for at in range(9)]
    with xlsxwriter.Workbook(tmp_path / "accounts.xlsx") as book:
        for name, part in (("Cover", cover), ("One", rows[:5]), ("Two", rows[5:])):
            page = book.add_worksheet(name)
            for at, row in enumerate([*([] if part is cover else [["account_id", "mobile"]]), *part]):
                page.write_row(at, 0, row)
    done = cardscreen("init", "night", "--accounts", "accounts.xlsx", "--list", "list.csv", cwd=tmp_path)
    assert (done.code, "the sheets 'One', 'Two' have the same columns" in done.err) == (3, True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_night_tells_which_sheets_were_not_read(tmp_path: Path, language: str) -> None:
    (tmp_path / "job.toml").write_text(f'lang = "{language}"\n' + JOB.replace("a.xlsx", "*.xlsx"))
    pl.DataFrame({"kind": ["phone"], "value": [LISTED], "source": ["police"]}).write_parquet(tmp_path / "l.parquet")
    two_sheets(tmp_path / "one.xlsx", [["note"], ["of 2026"]])
    two_sheets(tmp_path / "two.xlsx", PART, hidden=True)
    two_sheets(tmp_path / "three.xlsx", [])
    assert cardscreen("run", "job.toml", cwd=tmp_path).code == 0
    wanted = {
        "en": ["one.xlsx: sheets with other columns than the first were not read: 'South'", "two.xlsx: hidden sheets"],
        "zh": ["one.xlsx：以下工作表的列与第一个不同，未读取：'South'", "two.xlsx：以下隐藏的工作表"],
    }
    told = html.unescape((tmp_path / "runs/latest/report.html").read_text("utf-8"))
    assert [each for each in wanted[language] if each not in told] == []
    assert not re.search("three.xlsx[:：]", told)


def test_a_night_of_accounts_on_two_sheets_says_where_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB)
    pl.DataFrame({"kind": ["phone"], "value": [LISTED], "source": ["police"]}).write_parquet(tmp_path / "l.parquet")
    two_sheets(tmp_path / "a.xlsx", PART)
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert (done.code, 'say sheet = "North" under [accounts] of the job file, if no' in done.err) == (3, True)
