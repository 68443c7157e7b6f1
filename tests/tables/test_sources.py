"""Source files of every format: nothing lost, nothing filled up, and the line of each row."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.tables.opening import encoding_used, open_table
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files import SourceFile, read_source
from cardscreen.tables.source_files.delimited import read_delimited

CHINESE = "号码,原因\n13800138000,电信诈骗\n13800138001,洗钱\n"
PLAIN = "number,date\n13800138000,2026-01-02\n13800138001,2026-01-03\n"
CHINESE_ROWS = [("13800138000", "电信诈骗"), ("13800138001", "洗钱")]
PLAIN_ROWS = [("13800138000", "2026-01-02"), ("13800138001", "2026-01-03")]

ZSTD: Callable[[bytes], bytes] = lambda content: pa.compress(content, codec="zstd", asbytes=True)  # noqa: E731
PACK = {".gz": gzip.compress, ".zst": ZSTD, ".ZSTD": ZSTD}


def read(
    content: str | bytes, name: str = "list.csv", layout: Literal["table", "lines"] = "table", **options: Any
) -> SourceFile:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_source(file, Reading(**options), layout=layout)


def found(source: SourceFile) -> tuple[list[tuple[Any, ...]], list[int], list[tuple[Any, ...]]]:
    """Rows, their lines, and the ragged ones; the types are those promised."""
    assert source.lines.dtype == pl.UInt32
    assert source.lines.name == "line"
    assert source.ragged.schema == {"line": pl.UInt32, "reason": pl.String, "shape": pl.String, "digits": pl.String}
    assert source.frame.height == len(source.lines)
    return source.frame.rows(), source.lines.to_list(), source.ragged.drop("digits").rows()


# Encodings


@pytest.mark.parametrize(
    ("content", "named", "read_as"),
    [
        pytest.param(CHINESE.encode(), None, "utf-8", id="utf-8"),
        pytest.param(CHINESE.encode(), "utf8", "utf-8", id="utf-8-named"),
        pytest.param(CHINESE.encode("utf-8-sig"), None, "utf-8-sig", id="byte-order-mark"),
        pytest.param(CHINESE.encode("utf-8-sig"), "utf-8", "utf-8-sig", id="byte-order-mark-named-utf-8"),
        pytest.param(CHINESE.encode("gb18030"), None, "gb18030", id="gb18030"),
        pytest.param(CHINESE.encode("gbk"), None, "gb18030", id="gbk-is-a-part-of-it"),
        pytest.param(CHINESE.encode("gbk"), "GBK", "gbk", id="gbk-named"),
        pytest.param(b"\xff\xfe" + CHINESE.encode("utf-16-le"), None, "utf-16", id="utf-16-little-end-with-mark"),
        pytest.param(b"\xfe\xff" + CHINESE.encode("utf-16-be"), None, "utf-16", id="utf-16-big-end-with-mark"),
        pytest.param(CHINESE.encode("utf-16-le"), None, "utf-16", id="utf-16-little-end"),
        pytest.param(CHINESE.encode("utf-16-be"), None, "utf-16", id="utf-16-big-end"),
        pytest.param(CHINESE.encode("utf-16-be"), "utf-16", "utf-16", id="utf-16-big-end-named"),
        pytest.param(b"\xfe\xff" + CHINESE.encode("utf-16-be"), "UTF_16", "utf-16", id="utf-16-mark-named"),
        pytest.param(CHINESE.encode("utf-16-le"), "utf-16-le", "utf-16-le", id="utf-16-le-named"),
    ],
)
def test_a_short_chinese_file_is_read_in_its_encoding_and_says_which(
    content: bytes, named: str | None, read_as: str
) -> None:
    source = read(content, encoding=named)
    assert source.frame.columns == ["号码", "原因"]
    assert found(source) == (CHINESE_ROWS, [2, 3], [])
    assert source.encoding == read_as


def test_the_bytes_of_each_encoding_are_these() -> None:
    header = "号码\n1\n"
    assert read(b"\xe5\x8f\xb7\xe7\xa0\x81\n1\n").frame.columns == ["号码"]
    assert read(b"\xef\xbb\xbf\xe5\x8f\xb7\xe7\xa0\x81\n1\n").frame.columns == ["号码"]
    assert read(b"\xba\xc5\xc2\xeb\n1\n").frame.columns == ["号码"]
    assert read(b"\xff\xfe\xf7S\x01x\n\x001\x00\n\x00").frame.columns == ["号码"]
    assert read(b"\xfe\xffS\xf7x\x01\x00\n\x001\x00\n").frame.columns == ["号码"]
    assert header.encode("utf-16-le") == b"\xf7S\x01x\n\x001\x00\n\x00"


@pytest.mark.parametrize(
    ("content", "named", "message"),
    [
        pytest.param(
            "number\n1\n电话\n".encode("gb18030"),
            "utf-8",
            "not in utf-8: the first bad byte is in line 3; name its encoding",
            id="gb18030-is-not-utf-8",
        ),
        pytest.param(b"a,b\n1,\xff\n", None, "not in utf-8 or gb18030: the first bad byte is in line 2", id="neither"),
        pytest.param(b"a,b\n1,\x002\n", None, "holds a NUL, which no table has, in line 2, character 3", id="a-nul"),
        pytest.param(
            b"a,b\n1,2\n" + b"\0" * 64,
            None,
            "holds a NUL, which no table has, in line 3, character 1",
            id="a-tail-of-nuls",
        ),
        pytest.param(b"a,b\n1,\x002\n", "utf-8", "holds a NUL, .*, in line 2, character 3", id="a-nul-in-utf-8"),
        pytest.param(b"a,b\n1,\x002\n", "gbk", "holds a NUL, .*, in line 2, character 3", id="a-nul-in-gbk"),
        pytest.param(b"\xff\xfe" + PLAIN.encode("utf-16-le")[:-1], None, "not in utf-16", id="half-a-character"),
        pytest.param("a\n1\n号".encode()[:-1], "utf-8", "not in utf-8: the first bad", id="cut-off-once-named"),
    ],
)
def test_text_in_no_encoding_is_refused_with_the_line_of_the_first_bad_byte(
    content: bytes, named: str | None, message: str
) -> None:
    with pytest.raises(cs.InputError, match=f"list.csv:? {message}"):
        read(content, encoding=named)


@pytest.mark.parametrize("lost", [1, 2])
def test_utf_8_that_ends_within_a_character_is_cut_off_and_not_read_as_another_encoding(lost: int) -> None:
    with pytest.raises(cs.InputError, match="ends in the middle of a character, in line 3: is it complete"):
        read(CHINESE.rstrip("\n").encode()[:-lost])


@pytest.mark.parametrize(("name", "near"), [("gb1803", "gb18030"), ("utf-9", "utf-8"), ("base64", None), ("a\0", None)])
def test_an_encoding_that_does_not_exist_is_refused_with_the_near_one(name: str, near: str | None) -> None:
    hint = f" .did you mean '{near}'" if near else "$"
    with pytest.raises(cs.ConfigError, match=f"there is no encoding {re.escape(repr(name))}{hint}"):
        read(PLAIN, encoding=name)


@given(st.text(st.characters(codec="gb2312", exclude_characters='\0\r\n,"'), min_size=1))
@example("诈骗")
@example("联通")
def test_chinese_text_is_never_read_as_something_else(text: str) -> None:
    content = f"a,b\n{text},x\n".encode("gb2312")
    try:
        source = read(content)
    except cs.InputError as error:
        assert ": name its encoding" in str(error)  # noqa: PT017
        source = read(content, encoding="gb18030")
    if not all("À" <= character <= "ÿ" for character in source.frame["a"].item() if not character.isascii()):
        # A dash and a dot have other characters in the larger character set.
        assert source.frame.row(0) == (text.encode("gb2312").decode("gb18030"), "x")


@pytest.mark.parametrize("text", ["Café Zürich", "Москва", "Αθήνα", "القاهرة", "東京", "서울", "Łódź"])
def test_text_of_other_languages_in_utf_8_is_not_taken_for_chinese(text: str) -> None:
    source = read(f"a,b\n{text},x\n")
    assert source.encoding == "utf-8"
    assert source.frame.row(0) == (text, "x")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_accounts_are_read_in_the_same_encodings(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "accounts.csv"
    file.write_bytes(CHINESE.encode(encoding))
    assert open_table(file).collect().rows() == CHINESE_ROWS
    assert encoding_used(str(file), None) == {"encoding": encoding}


# Rows and lines


@pytest.mark.parametrize(
    ("content", "rows", "lines"),
    [
        pytest.param("a,b\n1,2\n3,4\n", [("1", "2"), ("3", "4")], [2, 3], id="plain"),
        pytest.param("a,b\n1,2\n3,4", [("1", "2"), ("3", "4")], [2, 3], id="no-line-break-at-the-end"),
        pytest.param("a,b\r\n1,2\r\n3,4\r\n", [("1", "2"), ("3", "4")], [2, 3], id="crlf"),
        pytest.param("a,b\r\n1,2\n3,4\r\n", [("1", "2"), ("3", "4")], [2, 3], id="crlf-and-lf"),
        pytest.param("a,b\r1,2\r3,4\r", [("1", "2"), ("3", "4")], [2, 3], id="cr"),
        pytest.param("a,b\n1,2\n\n\n3,4\n\n", [("1", "2"), ("3", "4")], [2, 5], id="blank-lines"),
        pytest.param("a,b\r\n\r\n1,2\r\n\r\n", [("1", "2")], [3], id="blank-lines-crlf"),
        pytest.param("\n\na,b\n1,2\n", [("1", "2")], [4], id="blank-lines-before-the-header"),
        pytest.param("a,b\n1,2\n  \n3,4\n", [("1", "2"), ("3", "4")], [2, 4], id="a-line-of-spaces"),
        pytest.param('a,b\n"1\n1",2\n3,4\n', [("1\n1", "2"), ("3", "4")], [2, 4], id="a-line-break-within-quotes"),
        pytest.param('a,b\n"1\r\n\r\n",2\r\n3,4', [("1\r\n\r\n", "2"), ("3", "4")], [2, 5], id="several-within-quotes"),
        pytest.param('"a\nx",b\n1,2\n', [("1", "2")], [3], id="a-line-break-in-the-header"),
        pytest.param('a,b\n"1,1",2\n', [("1,1", "2")], [2], id="a-delimiter-within-quotes"),
        pytest.param('a,b\n"1""1",""\n', [('1"1', None)], [2], id="quotes-within-quotes-and-an-empty-cell"),
        pytest.param('a,b\n1"1,2\n', [('1"1', "2")], [2], id="a-quote-within-a-cell"),
        pytest.param("a,b\n,\n1,\n", [(None, None), ("1", None)], [2, 3], id="empty-cells"),
        pytest.param("a\n1\n\n2\n", [("1",), ("2",)], [2, 4], id="one-column"),
        pytest.param('a\n""\n\n2\n', [(None,), ("2",)], [2, 4], id="one-column-with-a-quoted-empty-cell"),
        pytest.param("a,b\n 1 ,\t2\n", [(" 1 ", "\t2")], [2], id="blanks-are-kept"),
        pytest.param("a,b\n001,1e5\n", [("001", "1e5")], [2], id="text-stays-text"),
        pytest.param("a,b\n", [], [], id="no-rows"),
        pytest.param("a,b", [], [], id="a-header-alone"),
        pytest.param('"a","b"\r\n', [], [], id="a-quoted-header-alone"),
    ],
)
def test_rows_of_a_csv_are_read_with_their_lines(content: str, rows: list[tuple[str, ...]], lines: list[int]) -> None:
    source = read(content)
    assert found(source) == (rows, lines, [])
    assert set(source.frame.dtypes) == {pl.String}


@pytest.mark.parametrize(
    ("content", "lines", "ragged"),
    [
        pytest.param("a,b\n1\n1,2\n", [3], [(2, "1 field where the header has 2", "9")], id="too-short"),
        pytest.param("a,b\n1,2\n1,2,x\n", [2], [(3, "3 fields where the header has 2", "9,9,A")], id="too-long"),
        pytest.param(
            "a,b\n1,2\n1,2,", [2], [(3, "3 fields where the header has 2", "9,9,")], id="a-delimiter-at-the-end"
        ),
        pytest.param(
            "a,b,c\n1,2,3\n1,2", [2], [(3, "2 fields where the header has 3", "9,9")], id="cut-off-at-the-end"
        ),
        pytest.param(
            'a,b\n1\n\n"x\ny",2\n1,2,3\n',
            [4],
            [(2, "1 field where the header has 2", "9"), (6, "3 fields where the header has 2", "9,9,9")],
            id="behind-a-row-of-two-lines",
        ),
        pytest.param(
            'a,b\n"1",2\n"1"\n', [2], [(3, "1 field where the header has 2", '"9"')], id="too-short-with-quotes"
        ),
        pytest.param("a\n1\n1,2\n", [2], [(3, "2 fields where the header has 1", "9,9")], id="one-column"),
        pytest.param('a,b\n"1"1,2\n3,4\n', [3], [(2, "a broken quote", '"9"9,9')], id="text-behind-a-quoted-cell"),
        pytest.param(
            'a,b\n1,"x\n2,y\n3,"z"\n4,w\n', [3, 4, 5], [(2, "a broken quote", '9,"A')], id="a-quote-swallows-no-rows"
        ),
    ],
)
def test_rows_that_do_not_fit_are_kept_apart_with_line_reason_and_shape(
    content: str, lines: list[int], ragged: list[tuple[Any, ...]]
) -> None:
    assert found(read(content))[1:] == (lines, ragged)


def test_the_shape_of_a_ragged_row_holds_none_of_its_digits_or_letters() -> None:
    source = read("number,name\n6222021234567890123,张三,extra," + "x" * 100 + "\n")
    assert source.ragged["digits"].str.len_bytes().to_list() == [19]
    assert source.ragged["shape"].to_list() == ["9" * 19 + ",AA,AAAAA,AAAAAAAAAAA"]


@pytest.mark.parametrize(
    ("content", "line", "rows"),
    [
        pytest.param('a,b\n1,2\n3,"4', 3, [("1", "2")], id="in-the-last-line"),
        pytest.param('a,b\n1,2\n3,"4\n5,6\n', 3, [("1", "2"), ("5", "6")], id="before-other-lines"),
        pytest.param('a,b\n1,"x\ny"\n3,"4', 4, [("1", "x\ny")], id="behind-a-row-of-two-lines"),
    ],
)
def test_a_quote_that_is_never_closed_is_a_file_cut_off(content: str, line: int, rows: list[tuple[str, ...]]) -> None:
    source = read(content)
    assert source.cut == f"the quote in the row of line {line} is never closed"
    assert source.ragged["line"].to_list()[0] == line
    assert source.frame.rows() == rows


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param('a,b\n1,"' + "x,1\n" * 50_000, 2, id="in-a-long-file"),
        pytest.param('a,"b\n1,2\n', 1, id="in-the-header"),
    ],
)
def test_a_quote_behind_which_nothing_is_told_apart_is_refused(content: str, line: int) -> None:
    with pytest.raises(cs.InputError, match=f"a quote in the row of line {line} is never closed: is the file complete"):
        read(content)


@pytest.mark.parametrize(
    ("name", "content", "cut"),
    [
        ("a.csv", "a,b,c\n1,2,3\n4,5", "the row of line 3 has fewer fields than others, and no end"),
        ("a.csv", "a,b,c\n1,2,3\n4,5\n", ""),
        ("a.csv", "a,b,c\n1,2,3\n4,5,6", ""),
        ("a.csv", "a,b,c\n1,2,3\n4,5,6,7", ""),
        ("a.csv", "a,b,c\r1,2,3\r4,5", "the row of line 3 has fewer fields than others, and no end"),
        ("a.csv", "a,b,c\n4,5\n1,2,3", ""),
        ("a.csv", 'a,b,c\n1,2,3\n4,"5,5,5"', "the row of line 3 has fewer fields than others, and no end"),
        ("a.csv", "a,b,c\n1,2,3\n4,5\n  ", ""),
        ("a.csv", 'a,b,c\n1,2,3\n"4\n4",5', "the row of line 3 has fewer fields than others, and no end"),
        ("a.csv", "a\n1\n2", ""),
        ("a.jsonl", '{"a": 1}\n{"a": 1, "b', "the last line, 2, is half an object"),
        ("a.jsonl", '{"a": 1}\n{"a": 1, "b\n', ""),
        ("a.jsonl", '{"a": 1}\n{"a": 2}', ""),
        ("a.jsonl", '{"a": 1}\n\n3', ""),
    ],
)
def test_a_text_that_ends_in_the_midst_of_a_row_says_how(name: str, content: str, cut: str) -> None:
    source = read(content, name)
    assert source.cut == cut
    assert (source.notes == ["the last line has no end: was the file cut off?"]) == (
        content.rstrip(" ")[-1] not in "\r\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "list.csv is empty", id="empty"),
        pytest.param("\ufeff\r\n \n", "list.csv is empty", id="blank"),
        pytest.param("a,,c\n1,2,3\n", "column 2 of 3 has no name in the header", id="no-name"),
        pytest.param('a, ,"x"\n1,2,"3"\n', "column 2 of 3 has no name in the header", id="a-blank-name"),
        pytest.param("a,b, a\n1,2,3\n", "columns 1 and 3 are both named 'a'", id="a-name-twice"),
        pytest.param("号码,号码\n1,2", "columns 1 and 2 are both named '号码'", id="a-chinese-name-twice"),
        pytest.param("13800138000,13800138000\n", "columns 1 and 2 are both named '…'", id="no-header-but-data"),
        pytest.param('"a"x,b\n1,2\n', "a broken quote in the header", id="a-broken-header"),
    ],
)
def test_a_csv_without_a_usable_header_is_refused(content: str, message: str) -> None:
    with pytest.raises(cs.InputError, match=message):
        read(content)


def test_names_lose_their_blanks_and_byte_order_mark() -> None:
    assert read("\ufeff 号码 ,\tb\u3000\n1,2\n").frame.columns == ["号码", "b"]


@pytest.mark.parametrize(
    ("name", "content", "delimiter"),
    [
        ("list.tsv", "a\tb\n1,1\t2\n", None),
        ("list.txt", 'a,b\n"1,1",2\n', None),
        ("list.csv", "a;b\n1,1;2\n", ";"),
        ("list.csv", "a|b\n1,1|2\n", "|"),
        ("list.csv", "a^b\n1,1^2\n\n", "^"),
        ("list.csv", 'a]b\n"1,1"]2\n', "]"),
        ("list.csv", "a，b\n1,1，2\n", "，"),
        ("LIST.TSV", "a\tb\n1,1\t2\n", None),
    ],
)
def test_fields_are_separated_as_the_ending_or_the_caller_says(name: str, content: str, delimiter: str | None) -> None:
    assert read(content, name, delimiter=delimiter).frame.rows(named=True) == [{"a": "1,1", "b": "2"}]


def test_empty_cells_of_a_tab_separated_row_are_no_blank_line() -> None:
    assert found(read("a\tb\n\t\n1\t2\n", "list.tsv")) == ([(None, None), ("1", "2")], [2, 3], [])


@pytest.mark.parametrize("delimiter", ["||", '"', "\n"])
def test_a_delimiter_that_is_none_is_refused(delimiter: str) -> None:
    with pytest.raises(cs.ConfigError, match="is not one character, or one that has another meaning"):
        read(PLAIN, delimiter=delimiter)


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.text(
    ',"\n\r\t ;a1号', max_size=6
)


@given(
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_any_table_that_python_writes_is_read_back_with_its_lines(
    rows: list[list[str]], delimiter: str, ending: str, quoting: Any
) -> None:
    # Where each line of a text has the header's fields, a quote was forgotten.
    rows = [[cell.replace("\n", "") if delimiter in cell else cell for cell in row] for row in rows]
    text = io.StringIO(newline="")
    # Python leaves a lone carriage return without quotes unless it is in the line ending.
    bare = quoting == csv.QUOTE_MINIMAL and ending == "\n" and any("\r" in cell for row in rows for cell in row)
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL if bare else quoting)
    names = [f"c{number}" for number in range(len(rows[0]))]
    lines = []
    for row in [names, *rows]:
        lines.append(len(io.StringIO(text.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    source = read(text.getvalue(), delimiter=delimiter, encoding="utf-8")
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert source.frame.columns == names
    assert found(source) == (expected, lines[1:], [])


@given(
    width=st.integers(2, 5),
    height=st.integers(1, 12),
    at=st.integers(0),
    dropped=st.booleans(),
    quoted=st.booleans(),
    ended=st.booleans(),
)
def test_a_delimiter_dropped_or_added_in_one_line_makes_exactly_that_line_ragged(
    width: int, height: int, at: int, dropped: bool, quoted: bool, ended: bool
) -> None:
    cell = '"13,8"' if quoted else "138"
    lines = [",".join(f"c{number}" for number in range(width)), *[",".join([cell] * width)] * height]
    bad = 1 + at % height
    lines[bad] = lines[bad].removeprefix(f"{cell},") if dropped else lines[bad] + ","
    source = read("\n".join(lines) + "\n" * ended)
    assert source.ragged["line"].to_list() == [bad + 1]
    assert source.lines.to_list() == [line for line in range(2, height + 2) if line != bad + 1]
    assert set(source.frame.rows()) <= {(cell.strip('"'),) * width}


pieces = st.sampled_from([",", ",", "\n", "\n", "\r\n", "\n\n", '"', '""', '"a"', '"1,2"', '"', "a", "1", " ", "é"])


@given(
    st.sampled_from(["a,b", "a", '"a,x",b', "a,b,c"]),
    st.lists(pieces, max_size=16).map("".join),
    st.sampled_from([1, 2, 3, 7, 1 << 24]),
)
@example("a,b", "\n1\na,1,", 7)  # the engine takes the last delimiter of a file for nothing
@example("a", '\n"a"a"a"a""\n', 7)  # and drops quotes wherever they are
def test_the_engine_is_only_trusted_where_it_agrees_with_the_csv_module(header: str, body: str, block: int) -> None:
    content = f"{header}\n{body}".encode()

    def told() -> Any:
        try:
            rows = read_delimited(content, ",", "list.csv")
        except cs.InputError as error:
            return str(error).rpartition("/")[2]
        return rows.frame.columns, rows.frame.rows(), rows.lines.to_list(), rows.ragged.rows()

    with mock.patch("cardscreen.tables.source_files.delimited.layout_of", return_value=None):
        exact = told()
    with mock.patch("cardscreen.tables.source_files.delimited.BLOCK", block):
        assert told() == exact


# One value a line


def test_values_one_a_line_lose_comments_and_blank_lines_but_keep_their_lines() -> None:
    content = "# from the regulator\n\n13800138000\n 13800138001   # 案件 7 # twice\r\n*67#\n\t\n   # none\n1,2;3"
    for name in ("list.txt", "list.csv", "list.jsonl"):
        source = read(content, name, layout="lines", delimiter=";")
        assert source.frame.columns == ["value", "comment"]
        expected = [("13800138000", None), ("13800138001", "案件 7 # twice"), ("*67#", None), ("1,2;3", None)]
        assert found(source) == (expected, [3, 4, 5, 8], [])


def test_values_one_a_line_may_be_packed_and_in_any_encoding() -> None:
    source = read(gzip.compress("1 # 电信诈骗\r2\r".encode("gb18030")), "list.txt.gz", layout="lines")
    assert found(source) == ([("1", "电信诈骗"), ("2", None)], [1, 2], [])
    assert source.encoding == "gb18030"


def test_a_file_of_comments_alone_has_no_rows_and_an_empty_one_is_refused() -> None:
    assert found(read("# nothing yet\n", "list.txt", layout="lines")) == ([], [], [])
    with pytest.raises(cs.InputError, match=r"list\.txt is empty"):
        read("\n", "list.txt", layout="lines")


# Packed files


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize(("name", "content"), [("list.csv", PLAIN), ("list.tsv", PLAIN.replace(",", "\t"))])
def test_packed_text_is_read_and_known_by_the_bytes_on_disk(name: str, content: str, packed: str) -> None:
    raw = PACK[packed](content.encode())
    source = read(raw, name + packed)
    assert found(source) == (PLAIN_ROWS, [2, 3], [])
    assert source.sha256 == hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("packed", PACK)
def test_an_archive_that_is_cut_off_anywhere_is_refused(packed: str) -> None:
    raw = PACK[packed](PLAIN.encode() * 20)
    for length in range(4, len(raw)):
        with pytest.raises(cs.InputError, match=r"can't be read as (gzip|zstd): is it complete"):
            read(raw[:length], "list.csv" + packed)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv.gz", PLAIN.encode(), "can't be read as gzip: is its ending right"),
        ("list.csv.zst", gzip.compress(PLAIN.encode()), "can't be read as zstd: is its ending right"),
        ("list.csv", gzip.compress(PLAIN.encode()), "is gzip inside: is its ending right"),
        ("list.txt", ZSTD(PLAIN.encode()), "is zstd inside: is its ending right"),
        ("list.csv", b"PK\x03\x04rest", "is a zip or xlsx archive inside: is its ending right"),
        ("list.csv.gz", b"", "is empty"),
    ],
    ids=["text-as-gz", "gzip-as-zst", "gzip-as-csv", "zstd-as-txt", "zip-as-csv", "nothing-as-gz"],
)
def test_an_archive_that_is_not_what_its_ending_says_is_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(cs.InputError, match=message):
        read(content, name)


def test_a_damaged_archive_is_refused() -> None:
    raw = bytearray(gzip.compress(PLAIN.encode()))
    raw[-6] ^= 1  # in the checksum
    with pytest.raises(cs.InputError, match="can't be read as gzip"):
        read(bytes(raw), "list.csv.gz")


# Spreadsheets


def workbook(fill: Callable[[Any, Any], None], *others: str) -> bytes:
    """A file with a sheet `Liste` that `fill` writes, and empty ones."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        fill(book, book.add_worksheet("Liste"))
        for other in others:
            book.add_worksheet(other)
    return content.getvalue()


def one_cell(write: Callable[[Any, Any], None]) -> str | None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["value", "other"])
        sheet.write(1, 1, "x")
        write(book, sheet)

    source = read(workbook(fill), "list.xlsx")
    assert found(source)[1:] == ([2], [])
    assert source.encoding is None
    cell = source.frame["value"].item()
    assert cell is None or isinstance(cell, str)
    return cell


def dated(pattern: str, moment: Any) -> Callable[[Any, Any], None]:
    return lambda book, sheet: sheet.write_datetime(1, 0, moment, book.add_format({"num_format": pattern}))


@pytest.mark.parametrize(
    ("write", "text"),
    [
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 13800138000), "13800138000", id="a-phone-as-number"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 1.5), "1.5", id="a-fraction"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 0.1 + 0.2), "0.3", id="a-sum-of-fractions"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 90), "90", id="a-severity"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, -5), "-5", id="negative"),
        pytest.param(
            lambda book, sheet: sheet.write_number(1, 0, 13800138000, book.add_format({"num_format": "000-0000-0000"})),
            "13800138000",
            id="a-phone-in-a-format",
        ),
        pytest.param(lambda _, sheet: sheet.write_string(1, 0, "0062220212345"), "0062220212345", id="leading-zeros"),
        pytest.param(
            lambda _, sheet: sheet.write_string(1, 0, "6222021234567890123"), "6222021234567890123", id="a-card-as-text"
        ),
        pytest.param(
            lambda _, sheet: sheet.write_number(1, 0, 6222021234567890), "6222021234567890", id="a-card-of-16-as-number"
        ),
        pytest.param(
            lambda _, sheet: sheet.write_number(1, 0, 6222021234567890123), "6.22202E+18", id="a-card-with-lost-digits"
        ),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, -(2.0**60)), "-1.15292E+18", id="negative-and-lost"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 2**53 - 1), "9007199254740991", id="the-last-exact"),
        pytest.param(lambda _, sheet: sheet.write_number(1, 0, 2**53 + 1), "9.00719E+15", id="the-first-that-is-not"),
        pytest.param(lambda _, sheet: sheet.write_string(1, 0, " x "), " x ", id="blanks-are-kept"),
        pytest.param(lambda _, sheet: sheet.write_string(1, 0, "a\nb"), "a\nb", id="a-line-break"),
        pytest.param(dated("yyyy-mm-dd", datetime(2026, 1, 2)), "2026-01-02", id="a-date"),
        pytest.param(dated("d.m.yy", date(2026, 1, 2)), "2026-01-02", id="a-date-in-another-format"),
        pytest.param(dated("d.m.yy hh:mm", datetime(2026, 1, 2, 3, 4, 5)), "2026-01-02 03:04:05", id="a-datetime"),
        pytest.param(lambda _, sheet: sheet.write_boolean(1, 0, True), "true", id="a-boolean"),
        pytest.param(
            lambda _, sheet: sheet.write_formula(1, 0, "=1", None, 13800138000), "13800138000", id="a-formula"
        ),
        pytest.param(lambda _, sheet: sheet.write_formula(1, 0, "=1/0", None, "#DIV/0!"), "#DIV/0!", id="a-failure"),
        pytest.param(lambda _, sheet: sheet.write_formula(1, 0, "=NA()", None, "#N/A"), "#N/A", id="not-available"),
        pytest.param(
            lambda book, sheet: sheet.write_number(1, 0, 13800138000, book.add_format({"num_format": "yyyy-mm-dd"})),
            "########",
            id="a-phone-in-a-format-for-dates",
        ),
        pytest.param(lambda _, sheet: sheet.write_blank(1, 0, None), None, id="empty"),
    ],
)
def test_a_cell_of_a_sheet_is_read_as_a_person_sees_it(write: Callable[[Any, Any], None], text: str | None) -> None:
    assert one_cell(write) == text


def test_a_card_that_lost_digits_in_a_sheet_is_no_card() -> None:
    cell = one_cell(lambda _, sheet: sheet.write_number(1, 0, 6222021234567890123))
    read_as = pl.DataFrame({"card": [cell]}).select(cs.card("card").struct.field("status")).item()
    assert read_as == "damaged"


def test_rows_of_a_sheet_are_numbered_as_in_the_sheet() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(2, 1, [" number ", "reason"])
        sheet.write_row(3, 1, [13800138000, "fraud"])
        sheet.write_row(6, 1, ["0138", None])
        sheet.write_formula(8, 1, "=1/0", None, "#DIV/0!")
        sheet.write_number(8, 2, 6222021234567890123)

    source = read(workbook(fill), "LIST.XLSX")
    assert source.frame.columns == ["number", "reason"]
    rows = [("13800138000", "fraud"), ("0138", None), ("#DIV/0!", "6.22202E+18")]
    assert found(source) == (rows, [4, 7, 9], [])


def test_cells_behind_the_last_named_column_of_a_sheet_make_the_row_ragged() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["number", "reason"])
        sheet.write_row(1, 0, ["1", "fraud"])
        sheet.write_row(2, 0, ["2", "fraud", None, "seen"])

    ragged = [(3, "4 fields where the header has 2", "9,AAAAA,,AAAA")]
    assert found(read(workbook(fill), "list.xlsx")) == ([("1", "fraud")], [2], ragged)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (["a", None, "c"], ["1", "2", "3"], "column 2 of 3 has no name in the header"),
        (["a", " ", "c"], ["1", "2", "3"], "column 2 of 3 has no name in the header"),
        (["a", "b", "a "], ["1", "2", "3"], "columns 1 and 3 are both named 'a'"),
        ([], [], "sheet 'Liste' of .* is empty"),
    ],
)
def test_a_sheet_without_a_usable_header_is_refused(header: list[str], row: list[str], message: str) -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, row)

    with pytest.raises(cs.InputError, match=message):
        read(workbook(fill), "list.xlsx")


def test_a_column_of_a_sheet_without_name_and_cells_is_left_out() -> None:
    def fill(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a", None, "c"])
        sheet.write_row(1, 0, ["1", None, "3"])

    assert read(workbook(fill), "list.xlsx").frame.rows(named=True) == [{"a": "1", "c": "3"}]


def test_an_empty_sheet_is_refused_by_naming_the_others_and_how_to_choose_one() -> None:
    saying = "say {option} = {value} in the feed"

    def told(sheet: str, *others: str) -> str:
        content = workbook(lambda *_: None, *others)
        with pytest.raises(cs.InputError) as refused:
            read(content, "cards.xlsx", sheet=sheet or None, saying=saying)
        return str(refused.value).partition(" is empty")[2]

    assert told("") == ""
    assert told("", "Daten") == "; there is, too: 'Daten'. If the table is there, say sheet = \"Daten\" in the feed"
    assert told("Daten", "Daten", "Alt") == (
        "; there are, too: 'Liste', 'Alt'. If the table is there, say sheet = \"…\" in the feed"
    )


def test_a_sheet_is_chosen_by_name_and_the_first_one_otherwise() -> None:
    content = workbook(lambda _, sheet: sheet.write_column(0, 0, ["a", "1"]), "Zweite")
    assert read(content, "list.xlsx").frame.rows() == read(content, "list.xlsx", sheet="Liste").frame.rows() == [("1",)]
    with pytest.raises(cs.InputError, match="sheet 'Zweite' of .* is empty"):
        read(content, "list.xlsx", sheet="Zweite")
    with pytest.raises(
        cs.ConfigError, match=r"no sheet 'List' .did you mean 'Liste'.*The sheets are: 'Liste', 'Zweite'"
    ):
        read(content, "list.xlsx", sheet="List")


def test_a_broken_or_foreign_spreadsheet_is_refused() -> None:
    content = workbook(lambda _, sheet: sheet.write_column(0, 0, ["a", "1"]))
    for broken in (content[:-1], content[: len(content) // 2], content[:100], PLAIN.encode(), b""):
        with pytest.raises(cs.InputError, match=r"list\.xlsx can't be read as xlsx: is it complete"):
            read(broken, "list.xlsx")


def test_a_spreadsheet_under_a_password_or_of_an_old_kind_is_refused() -> None:
    folder = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    with pytest.raises(cs.InputError, match="is protected by a password: save it without one"):
        read(folder + "EncryptedPackage".encode("utf-16-le"), "list.xlsx")
    with pytest.raises(cs.InputError, match=r"is an old \.xls file: save it as \.xlsx"):
        read(folder + "Workbook".encode("utf-16-le"), "list.xlsx")


# JSON Lines


def test_values_of_json_lines_are_the_text_that_was_written() -> None:
    content = (
        '{"card": 6222021234567890123, "score": 1.50, "on": true, "off": false, "none": null, "text": "0012"}\n'
        '\n{"card": 62220212345678901234567, "new": "诈骗", "score": 1E5, "none": ""}\r\n'
        '{}\n{"card": "\\u6b3a"}'
    )
    for name in ("list.jsonl", "list.NDJSON"):
        source = read(content, name)
        assert source.frame.columns == ["card", "score", "on", "off", "none", "text", "new"]
        rows, lines, ragged = found(source)
        assert rows == [
            ("6222021234567890123", "1.50", "true", "false", None, "0012", None),
            ("62220212345678901234567", "1E5", None, None, None, None, "诈骗"),
            (None, None, None, None, None, None, None),
            ("欺", None, None, None, None, None, None),
        ]
        assert (lines, ragged) == ([1, 3, 4, 5], [])
        assert set(source.frame.dtypes) == {pl.String}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": [1]}', "'a' is a list or an object"),
        ('{"a": {"b": 1}}', "'a' is a list or an object"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is said twice"),
        ('{"a": 1, "13800138000": 2, "13800138000": 3}', "the key '…' is said twice"),
        ('{"a": 1', "not a JSON object"),
        ("[1, 2]", "not a JSON object"),
        ("13800138000", "not a JSON object"),
        ('{"a": 1} {"a": 2}', "not a JSON object"),
        ('{"a": "\\ud83d"}', "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
    ],
)
def test_a_line_that_is_no_flat_object_is_kept_apart(line: str, reason: str) -> None:
    source = read('{"a": "1"}\n' + line + '\n{"a": "3"}\n', "list.jsonl")
    rows, lines, ragged = found(source)
    assert (rows, lines) == ([("1",), ("3",)], [1, 3])
    assert [(number, why) for number, why, _ in ragged] == [(2, reason)]
    assert not set("0123456789") - {"9"} & set(ragged[0][2])


@pytest.mark.parametrize("content", ['[\n{"a": 1},\n{"a": 2},\n]\n', "a,b\n1,2\n", "{}\n"])
def test_a_file_without_any_object_is_no_json_lines(content: str) -> None:
    with pytest.raises(cs.InputError, match="no line is a JSON object with values: is it JSON Lines"):
        read(content, "list.jsonl")


def test_a_file_in_whose_rows_a_key_is_said_twice_is_told_the_line_and_the_key() -> None:
    with pytest.raises(cs.InputError, match="list.jsonl: no line can be read: in line 2, the key 'n' is said twice"):
        read('\n{"n": "1", "m": "2", "n": "3"}\n{"n": 1, "n": 1}\n', "list.jsonl")


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers() | st.text() | st.none(), min_size=1), min_size=1))
def test_any_flat_objects_are_read_back_as_text(rows: list[dict[str, Any]]) -> None:
    source = read("\n".join(map(json.dumps, rows)), "list.jsonl", encoding="utf-8")
    expected = [{name: str(value) for name, value in row.items() if value not in (None, "")} for row in rows]
    got = [{name: value for name, value in row.items() if value is not None} for row in source.frame.to_dicts()]
    assert got == expected


# Parquet, Arrow, places


@pytest.mark.parametrize("ending", ["parquet", "arrow", "ipc", "feather"])
def test_tables_keep_their_types_and_number_their_rows(ending: str) -> None:
    frame = pl.DataFrame({"号码": [13800138000, None], "on": [date(2026, 1, 2), None], "reason": ["", "x"]})
    content = io.BytesIO()
    frame.write_parquet(content) if ending == "parquet" else frame.write_ipc(content)
    source = read(content.getvalue(), f"list.{ending}")
    assert source.frame.equals(frame)
    assert source.frame.schema == frame.schema
    assert found(source)[1:] == ([1, 2], [])
    assert source.encoding is None
    for broken in (content.getvalue()[:-1], content.getvalue()[:40], b""):
        with pytest.raises(cs.InputError, match=rf"list\.{ending} can't be read as {ending}: is it complete"):
            read(broken, f"list.{ending}")


@pytest.mark.parametrize("name", ["list.doc", "list", "list.xls", "list.parquet.gz", "list.gz", "list.zip", ".csv"])
def test_an_ending_that_cannot_be_read_is_refused_with_those_that_can(name: str) -> None:
    with pytest.raises(cs.ConfigError, match=r"can't be read: give \.csv, \.tsv, \.txt, .*\.xlsx, \.parquet"):
        read(PLAIN, name)


def test_a_file_that_is_not_there_is_refused_with_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(PLAIN)
    with pytest.raises(cs.InputError, match=r"there is no file '.*lst\.csv' .did you mean 'list\.csv'"):
        read_source(tmp_path / "lst.csv")
    with pytest.raises(cs.InputError, match="there is no file 'file://.*lst.csv'"):
        read_source((tmp_path / "lst.csv").as_uri())
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(cs.InputError, match=r"folder\.csv can't be read"):
        read_source(tmp_path / "folder.csv")


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz", "list.parquet"])
def test_a_url_is_read_like_a_path(tmp_path: Path, name: str) -> None:
    content = io.BytesIO()
    pl.DataFrame(PLAIN_ROWS, schema=["number", "date"], orient="row").write_parquet(content)
    raw = {"list.csv": PLAIN.encode(), "list.csv.gz": gzip.compress(PLAIN.encode())}.get(name, content.getvalue())
    (tmp_path / name).write_bytes(raw)
    by_path, by_url = read_source(tmp_path / name), read_source((tmp_path / name).as_uri())
    assert by_url.frame.rows() == by_path.frame.rows() == PLAIN_ROWS
    assert by_url.sha256 == by_path.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_url_that_cannot_be_opened_is_refused_without_the_secret_in_it() -> None:
    with pytest.raises(cs.InputError, match="can't be read") as caught:
        read_source("nowhere://key:s3cret@bucket/list.csv")
    assert "s3cret" not in str(caught.value)
