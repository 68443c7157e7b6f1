"""Files as people make them, through the command line into the store: what is read of them, and what is told."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter
from commands import Done, cardscreen

from cardscreen.kinds.kind import KINDS
from cardscreen.lists.store.table import Store

TOP = 'source = "police"\nkind = "phone"\nregion = "CN"\n'
VALUE = '[columns]\nvalue = "number"\n'
CASE = VALUE + 'reference = "case"\n'
PLACES = "[columns]\nvalue = 2\nreference = 1\n"
NUMBERS = [f"1380013800{digit}" for digit in range(10)]
LISTED = [f"+86{number}" for number in NUMBERS]


def take(folder: Path, name: str, content: bytes | str, feed: str, *more: object, top: str = TOP) -> Done:
    (folder / "feed.toml").write_text(top + feed, encoding="utf-8")
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return cardscreen("list", "import", name, "--feed", "feed.toml", "--store", "lists", *more, cwd=folder)


def taken(folder: Path, name: str, content: bytes | str, feed: str, *more: object, top: str = TOP) -> dict[str, Any]:
    """What an import that is taken says for a machine."""
    done = take(folder, name, content, feed, "--json", *more, top=top)
    assert done.code == 0, done.err
    told: dict[str, Any] = json.loads(done.out)
    return told


def refused(folder: Path, name: str, content: bytes | str, feed: str, *more: object, top: str = TOP) -> str:
    done = take(folder, name, content, feed, *more, top=top)
    assert (done.code, done.out) == (3, ""), done.err
    assert not (folder / "lists").exists()
    return done.err


def in_store(folder: Path, *columns: str) -> list[tuple[Any, ...]]:
    listings = Store(folder / "lists").blocklist().listings
    return sorted(listings.select(columns or ("value", "reference")).rows())


def workbook(folder: Path, fill: Callable[[Any], None]) -> bytes:
    file = folder / "made.xlsx"
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Notes")
        fill(book.add_worksheet("Numbers & cases"))
    return file.read_bytes()


SHEET = 'sheet = "Numbers & cases"\n'


# Comments


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz"])
def test_lines_of_comments_are_no_rows_and_the_others_keep_their_numbers(tmp_path: Path, name: str) -> None:
    text = f'# from 5" disks, "as is"\nnumber,case\n#{NUMBERS[0]},C0\n{NUMBERS[1]},"C1\n# of 2026"\nabc,C2\n# end\n'
    content = gzip.compress(text.encode()) if name.endswith(".gz") else text
    told = taken(tmp_path, name, content, 'comment = "#"\n' + CASE, "--allow", "unusable")
    assert in_store(tmp_path) == [(LISTED[1], "C1\n# of 2026")]
    assert (told["read"], told["rejected"]) == (2, 1)
    assert pl.read_csv(tmp_path / told["rejects"])["line"].to_list() == [6]


def test_without_a_sign_of_comments_such_a_line_is_a_reject(tmp_path: Path) -> None:
    assert "1 field where the header has 2 (1, first in line 3)" in refused(
        tmp_path, "list.csv", f"number,case\n{NUMBERS[0]},C0\n# end\n", CASE
    )


def test_comments_stand_in_sheets_json_lines_and_lists_of_values_too(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        for row, cells in enumerate([["// a"], ["number"], ["// b"], [NUMBERS[0]]]):
            sheet.write_row(row, 1, cells)

    top = 'comment = "//"\n'
    taken(tmp_path, "a.xlsx", workbook(tmp_path, fill), top + SHEET + VALUE)
    assert in_store(tmp_path, "value") == [(LISTED[0],)]
    text = f'// "\n{{"number": "{NUMBERS[0]}"}}\n// it\'s 5"\n{{"number": "{NUMBERS[1]}"}}\n'
    taken(tmp_path, "a.jsonl", text, top + VALUE, "--allow", "grow")
    assert in_store(tmp_path, "value") == [(LISTED[0],), (LISTED[1],)]
    lines = top + 'layout = "lines"\n[columns]\nvalue = "value"\n'
    taken(tmp_path, "a.txt", f'// "\n{NUMBERS[0]}\n{NUMBERS[1]}\n', lines)
    assert in_store(tmp_path, "value") == [(LISTED[0],), (LISTED[1],)]


# Headers


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "xlsx"])
def test_columns_of_a_file_without_a_header_are_named_by_their_places(tmp_path: Path, ending: str) -> None:
    rows = [[f"C{place}", number, "x"] for place, number in enumerate(NUMBERS[:3])]

    def fill(sheet: Any) -> None:
        for row, cells in enumerate(rows):
            sheet.write_row(row, 0, cells)

    if ending == "xlsx":
        taken(tmp_path, "list.xlsx", workbook(tmp_path, fill), SHEET + PLACES)
    else:
        mark = "\t" if ending == "tsv" else ","
        taken(tmp_path, f"list.{ending}", "".join(f"{mark.join(row)}\n" for row in rows), PLACES)
    assert in_store(tmp_path) == list(zip(LISTED[:3], ["C0", "C1", "C2"], strict=True))


def test_places_of_a_sheet_are_counted_from_its_first_column(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_column(3, 2, NUMBERS[:2])

    taken(tmp_path, "list.xlsx", workbook(tmp_path, fill), SHEET + "[columns]\nvalue = 3\n")
    assert in_store(tmp_path, "value") == [(LISTED[0],), (LISTED[1],)]


def test_rows_of_a_file_without_a_header_must_fit_the_first_one(tmp_path: Path) -> None:
    said = refused(tmp_path, "list.csv", f"C0,{NUMBERS[0]}\n1,2\nC1,{NUMBERS[1]},x\n", PLACES)
    assert "no phone number (1, first in line 2)" in said
    assert "3 fields where the first row has 2 (1, first in line 3)" in said


def test_a_place_that_no_column_has_is_named(tmp_path: Path) -> None:
    said = refused(tmp_path, "list.csv", f"C0,{NUMBERS[0]}\n", "[columns]\nvalue = 2\nreference = 3\n")
    assert "there is no column '3'" in said


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        ('[columns]\nvalue = 1\nreference = "case"\n', "give either the names of all columns, or the places of all"),
        ("[columns]\nvalue = 0\n", "must be text or a whole number of 1 or more, not 0"),
        ("[columns]\nvalue = true\n", "not true"),
        ("header_row = 2\n[columns]\nvalue = 1\n", "header_row is there, and columns are places"),
        (f"header_row = [2, 4]\n{VALUE}", "header_row: give lines that follow each other, such as [2, 3]"),
        (f"header_row = []\n{VALUE}", "header_row: give the number of a line, from 1"),
        (f'comment = " #"\n{VALUE}', "a comment begins with a sign such as #"),
        (f'{VALUE}[kinds]\ntel = "phone"\n', "name that as columns.kind"),
    ],
)
def test_what_a_feed_says_of_a_file_must_go_together(tmp_path: Path, feed: str, words: str) -> None:
    done = take(tmp_path, "list.csv", "number\n1\n", feed)
    assert done.code == 2
    assert words in done.err


def test_a_file_that_names_its_columns_has_no_places(tmp_path: Path) -> None:
    done = take(tmp_path, "list.jsonl", '{"a": "1"}\n', PLACES)
    assert done.code == 2
    assert "list.jsonl names its columns itself" in done.err


def test_a_header_of_two_rows_names_columns_by_both(tmp_path: Path) -> None:
    columns = 'header_row = [2, 3]\n[columns]\nvalue = "Number new"\nreference = "case"\n'
    text = f"List of 2026\nNumber,Number,\nold,new,case\n{NUMBERS[0]},{NUMBERS[1]},C1\nx,abc,C2\n"
    told = taken(tmp_path, "list.csv", text, columns, "--allow", "unusable")
    assert in_store(tmp_path) == [(LISTED[1], "C1")]
    assert pl.read_csv(tmp_path / told["rejects"])["line"].to_list() == [5]


def test_a_header_of_two_rows_that_comes_again_is_refused(tmp_path: Path) -> None:
    columns = 'header_row = [1, 2]\n[columns]\nvalue = "Number new"\n'
    header = "Number,Number,\nold,new,case\n"
    text = f"{header}{NUMBERS[0]},{NUMBERS[1]},C1\n{header}{NUMBERS[2]},{NUMBERS[3]},C1\n"
    assert "the header comes again in line 5" in refused(tmp_path, "list.csv", text, columns)


def test_an_empty_row_of_a_header_is_told(tmp_path: Path) -> None:
    said = refused(tmp_path, "list.csv", f"a,b\n\nnumber,case\n{NUMBERS[0]},C\n", "header_row = [1, 2]\n" + CASE)
    assert "no row begins in line 2, which is said to be of the header" in said


# Merged cells


def grouped(sheet: Any) -> None:
    """A header of two rows with merged cells of both directions, below a title, and merged cells below."""
    sheet.merge_range("B1:E1", "List of 2026")
    sheet.merge_range("B2:C2", "Number")
    sheet.merge_range("D2:D3", "case")
    sheet.write_row("B3", ["old", "new"])
    for row, number in enumerate(NUMBERS[:6]):
        sheet.write_row(3 + row, 1, [f"1390013900{row}", number])
    sheet.merge_range("D4:D6", "C1")
    sheet.write("D7", "C2")


def test_merged_cells_of_a_sheet_are_filled_and_that_is_told(tmp_path: Path) -> None:
    feed = f'header_row = [2, 3]\n{SHEET}[columns]\nvalue = "Number new"\nreference = "case"\n'
    told = taken(tmp_path, "list.xlsx", workbook(tmp_path, grouped), feed)
    assert in_store(tmp_path) == list(zip(LISTED[:6], ["C1", "C1", "C1", "C2", None, None], strict=True))
    assert told["notes"] == ["2 merged cells were filled with what stands in the first of them: rows 5, 6"]
    assert "  2 merged cells were filled" in take(tmp_path, "list.xlsx", workbook(tmp_path, grouped), feed).out


def test_the_header_of_merged_cells_also_names_the_old_column(tmp_path: Path) -> None:
    feed = f'header_row = [2, 3]\n{SHEET}[columns]\nvalue = "Number old"\n'
    taken(tmp_path, "list.xlsx", workbook(tmp_path, grouped), feed)
    assert in_store(tmp_path, "value") == [(f"+861390013900{digit}",) for digit in range(6)]


def test_cells_that_are_not_merged_are_never_filled_and_rows_of_nothing_else_are_none(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row("A1", ["number", "case", "beside"])
        sheet.write_row("A2", [NUMBERS[0], "C0", "x"])
        sheet.write("A3", NUMBERS[1])
        sheet.merge_range("A4:A6", NUMBERS[2])
        sheet.write("B4", "C2")
        sheet.write("B6", "C3")
        sheet.merge_range("A7:B7", NUMBERS[3])

    told = taken(tmp_path, "list.xlsx", workbook(tmp_path, fill), SHEET + CASE)
    numbers = [LISTED[0], LISTED[1], LISTED[2], LISTED[2], LISTED[3]]
    assert in_store(tmp_path, "value") == [(number,) for number in numbers]
    assert [case for _, case in in_store(tmp_path)][:4] == ["C0", None, "C2", "C3"]
    assert told["read"] == 5
    assert told["notes"] == ["2 merged cells were filled with what stands in the first of them: rows 6, 7"]


def with_part(folder: Path, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook, one of whose own files is another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(folder, grouped))) as book, zipfile.ZipFile(out, "w") as changed:
        for name in book.namelist():
            changed.writestr(name, change(book.read(name)) if name == part else book.read(name))
    return out.getvalue()


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_a_workbook_that_declares_a_document_type_far_within_is_refused(tmp_path: Path, part: str) -> None:
    declared = b"<!--" + b" " * 99_999 + b'--><!DOCTYPE a [<!ENTITY b "c">]>'
    content = with_part(tmp_path, part, lambda xml: declared + xml.partition(b"?>")[2])
    assert "list.xlsx declares a document type" in refused(tmp_path, "list.xlsx", content, SHEET + CASE)


def test_a_workbook_whose_names_of_sheets_are_no_xml_is_refused(tmp_path: Path) -> None:
    content = with_part(tmp_path, "xl/workbook.xml", lambda xml: xml.replace(b"<sheets>", b"&b;<sheets>"))
    assert "list.xlsx is no XML document, line 2" in refused(tmp_path, "list.xlsx", content, SHEET + CASE)


# Several sheets


def sheets(folder: Path, *parts: list[list[str]], fill: Callable[[Any], None] = lambda _: None) -> bytes:
    """A workbook with tables on the sheets Part 1, Part 2 and so on."""
    file = folder / "made.xlsx"
    with xlsxwriter.Workbook(file) as book:
        for number, rows in enumerate(parts, 1):
            page = book.add_worksheet(f"Part {number}")
            for at, row in enumerate(rows):
                page.write_row(at, 0, row)
        fill(book)
    return file.read_bytes()


FIRST = [["number", "case"], [NUMBERS[0], "C0"]]
ROW = [NUMBERS[1], "C1"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([["number", "case"], ROW], id="as the first"),
        pytest.param([["case", " number\u3000"], ROW[::-1]], id="in another order"),
        pytest.param([["List of 2026"], [], ["number", "case"], [], ROW], id="below a title"),
        pytest.param([["", "number", "", "case"], ["", ROW[0], "", ROW[1]]], id="not in the first columns"),
    ],
)
def test_a_list_on_two_sheets_is_refused_until_one_is_named(tmp_path: Path, second: list[list[str]]) -> None:
    content = sheets(tmp_path, FIRST, second, [["number", "case"], [NUMBERS[2], "C2"]])
    told = refused(tmp_path, "list.xlsx", content, CASE)
    assert "list.xlsx: the sheets 'Part 1', 'Part 2', 'Part 3' have the same columns, and only one of them" in told
    assert 'or say sheet = "Part 1" at the top of the feed' in told
    taken(tmp_path, "list.xlsx", content, 'sheet = "Part 1"\n' + CASE)
    assert in_store(tmp_path) == [(LISTED[0], "C0")]


def test_a_header_of_several_rows_is_known_again_on_another_sheet(tmp_path: Path) -> None:
    def again(book: Any) -> None:
        for name in ("One", "Two"):
            grouped(book.add_worksheet(name))

    feed = 'header_row = [2, 3]\n[columns]\nvalue = "Number new"\nreference = "case"\n'
    assert "the sheets 'One', 'Two' have the same columns" in refused(
        tmp_path, "list.xlsx", sheets(tmp_path, fill=again), feed
    )


def test_a_table_without_a_header_may_go_on_wherever_as_many_columns_are(tmp_path: Path) -> None:
    rows = [["C0", NUMBERS[0]]]
    content = sheets(tmp_path, rows, [["C1", NUMBERS[1]]])
    assert "the sheets 'Part 1', 'Part 2' have the same" in refused(tmp_path, "list.xlsx", content, PLACES)
    told = taken(tmp_path, "list.xlsx", sheets(tmp_path, rows, [["of 2026"]]), PLACES)
    assert told["notes"] == ["not read, since other columns stand there: 'Part 2'"]


def test_other_sheets_with_something_in_them_are_told(tmp_path: Path) -> None:
    def hide(book: Any) -> None:
        for sheet in book.worksheets()[3:]:
            sheet.hide()

    card = "4111111111111111"
    content = sheets(
        tmp_path, FIRST, [["note"], ["x"]], [["number"], [NUMBERS[3]]], FIRST, [["note"], ["y"]], fill=hide
    )
    feed = CASE + '[terms]\nlegal_basis = "Act 1"\n'
    told = taken(tmp_path, "list.xlsx", content, feed)
    assert told["notes"] == [
        "not read, since other columns stand there: 'Part 2', 'Part 3'",
        "not read, since they are hidden, although the same columns stand there: 'Part 4'",
    ]
    assert in_store(tmp_path) == [(LISTED[0], "C0")]
    assert taken(tmp_path, "list.xlsx", content, 'sheet = "Part 1"\n' + feed)["notes"] == []
    named = sheets(tmp_path, FIRST, fill=lambda book: book.add_worksheet(card).write(0, 0, "x"))
    (note,) = taken(tmp_path, "list.xlsx", named, feed)["notes"]
    assert "not read" in note
    assert card not in note


def test_sheets_of_which_nothing_is_lost_need_no_word(tmp_path: Path) -> None:
    def others(book: Any) -> None:
        book.add_worksheet("Hidden note").hide()
        book.worksheets()[-1].write(0, 0, "x")
        book.add_worksheet("Blank").write_blank(5, 5, None, book.add_format({"bold": True}))
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "='Part 1'!$A$2:$A$2"})
        book.add_chartsheet("Chart").set_chart(chart)

    content = sheets(tmp_path, FIRST, [["number", "case"]], [], fill=others)
    assert taken(tmp_path, "list.xlsx", content, CASE)["notes"] == []


# JSON Lines


def test_nested_columns_that_a_feed_does_not_read_do_not_disturb(tmp_path: Path) -> None:
    rows = [{"number": number, "tags": ["a", "b"], "who": [{"x": 1}]} for number in NUMBERS]
    told = taken(tmp_path, "list.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows), VALUE)
    assert (told["added"], told["rejected"]) == (10, 0)
    pl.DataFrame(rows).write_parquet(tmp_path / "made.parquet")
    assert taken(tmp_path, "list.parquet", (tmp_path / "made.parquet").read_bytes(), VALUE)["unchanged"] == 10


def test_a_nested_column_that_a_feed_reads_is_named(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"number": number, "case": {"id": 1}} for number in NUMBERS]
    content = "".join(f"{json.dumps(row)}\n" for row in rows)
    assert "column 'case' holds lists or objects, the first in line 1" in refused(tmp_path, "a.jsonl", content, CASE)
    rows[0] = {"number": NUMBERS[0]}
    rows.append({"number": "13900139000", "case": {}})
    content = "".join(f"{json.dumps(row)}\n" for row in [*rows[:1], {"number": "1", "case": "C"}, *rows[1:]])
    assert "'case' is a list or an object (10, first in line 3)" in refused(tmp_path, "a.jsonl", content, CASE)


# Kinds


def test_words_for_kinds_are_mapped_to_ours(tmp_path: Path) -> None:
    top = 'source = "misp"\nregion = "CN"\nstore_as = "plain"\n'
    feed = (
        'limits.unusable_share = 0.5\n[columns]\nvalue = "value"\nkind = "type"\n'
        '[kinds]\nphone-number = "phone"\ncc-number = "card"\n'
    )
    text = (
        f"type,value\nphone-number,{NUMBERS[0]}\ncc-number,6222021234561234\nphone,{NUMBERS[1]}\nip-src,{NUMBERS[2]}\n"
    )
    told = taken(tmp_path, "list.csv", text, feed, top=top)
    assert in_store(tmp_path, "kind", "value") == [
        ("card", "6222021234561234"),
        ("phone", LISTED[0]),
        ("phone", LISTED[1]),
    ]
    assert pl.read_csv(tmp_path / told["rejects"]).select("line", "reason").rows() == [
        (5, f"kind is none of {', '.join(KINDS)}, phone-number, cc-number")
    ]


def test_a_kind_that_is_none_is_told_with_the_near_one(tmp_path: Path) -> None:
    feed = '[columns]\nvalue = "value"\nkind = "type"\n[kinds]\nphone-number = "phon"\n'
    done = take(tmp_path, "list.csv", "type,value\n", feed, top='source = "misp"\n')
    assert done.code == 2
    assert "line 6: 'phone-number' is said to be of the kind 'phon' (did you mean 'phone'?)" in done.err


# Files that were cut off


@pytest.mark.parametrize("packed", [False, True])
def test_a_last_line_without_an_end_is_told_and_taken(tmp_path: Path, packed: bool) -> None:
    text = "\n".join(["number", *NUMBERS])
    name, content = ("list.csv.gz", gzip.compress(text.encode())) if packed else ("list.csv", text.encode())
    assert taken(tmp_path, name, content, VALUE)["notes"] == ["the last line has no end: was the file cut off?"]
    assert "  the last line has no end: was the file cut off?\n" in take(tmp_path, name, content, VALUE).out
    assert taken(tmp_path, "list.csv", f"{text}\r\n", VALUE)["notes"] == []


CUT = {
    "fields": (
        "list.csv",
        "number,case\n{rows}13900139000",
        "the row of line 202 has fewer fields than others, and no end",
    ),
    "quote": ("list.csv", 'number,case\n{rows}13900139000,"C', "the quote in the row of line 202 is never closed"),
    "object": ("list.jsonl", '{objects}{{"number": "139001', "the last line, 201, is half an object"),
    "packed": (
        "list.csv.gz",
        "number,case\n{rows}13900139000",
        "the row of line 202 has fewer fields than others, and no end",
    ),
}


@pytest.mark.parametrize("case", CUT)
def test_a_file_that_ends_in_the_midst_of_a_row_is_refused_unless_that_is_waived(tmp_path: Path, case: str) -> None:
    name, form, how = CUT[case]
    numbers = [f"138001380{number:02}" for number in range(100)] + [f"138001381{number:02}" for number in range(100)]
    rows = "".join(f"{number},C\n" for number in numbers)
    objects = "".join(f'{{"number": "{number}"}}\n' for number in numbers)
    text = form.format(rows=rows, objects=objects).encode()
    content = gzip.compress(text) if name.endswith(".gz") else text
    said = refused(tmp_path, name, content, VALUE)
    assert f"  cut: the file ends in the midst of a row: {how}\n" in said
    assert "--allow cut" in said
    told = taken(tmp_path, name, content, VALUE, "--allow", "cut")
    assert (told["added"], told["rejected"]) == (200, 1)
    assert told["waived"] == [f"cut: the file ends in the midst of a row: {how}"]


def test_a_packed_file_that_breaks_off_is_refused_whatever_is_waived(tmp_path: Path) -> None:
    content = gzip.compress("\n".join(["number", *NUMBERS]).encode())
    assert "is it complete?" in refused(tmp_path, "list.csv.gz", content[:-9], VALUE, "--allow", "cut")


# Rejects


@pytest.mark.parametrize("pattern", ["*.csv", "*.csv*", "police*", "**/*.csv", "*/*.csv"])
def test_rejects_are_not_found_where_lists_are_looked_for(tmp_path: Path, pattern: str) -> None:
    text = "".join(f"{line}\n" for line in ["number", *NUMBERS, "abc"])
    told = taken(tmp_path, "police.csv", text, VALUE, "--allow", "unusable")
    assert (tmp_path / told["rejects"]).is_file()
    found = glob(pattern, root_dir=tmp_path, recursive=True)
    assert found == ([] if pattern == "*/*.csv" else ["police.csv"])
