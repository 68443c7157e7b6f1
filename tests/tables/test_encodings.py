"""Texts in the encodings of the field: read as what they are, or refused with the likely names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen
from hypothesis import assume, example, given
from hypothesis import strategies as st
from texts import LANGUAGES

import cardscreen as cs
from cardscreen.tables.encodings import decoded, encoding_of, to_utf8

CHINESE = LANGUAGES["Chinese"].words
OTHERS = [
    pytest.param(name, encoding, id=f"{name}-{encoding}")
    for name, language in LANGUAGES.items()
    for encoding in language.encodings
    if name != "Chinese"
]
FEED = """
source = "police"
kind = "phone"
region = "CN"
listed_on = "first-seen"
[columns]
value = "number"
"""


def table(words: list[str], columns: int = 1) -> str:
    """A list of numbers with words behind them."""
    rows = [",".join(words[at : at + columns]) for at in range(0, len(words), columns)]
    return "number,note\n" + "".join(f"{13800138000 + at},{row}\n" for at, row in enumerate(rows))


def in_blocks(raw: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The same bytes in pieces of these sizes, and the rest."""
    for size in sizes:
        yield raw[:size]
        raw = raw[size:]
    yield raw


def encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "ignore")


# What is read unasked


@pytest.mark.parametrize(
    "text",
    [
        "号码,原因\n13800138000,电信诈骗\n",
        "号码\n1\n",
        "手机号码\n13800138000\n",
        "卡号,备注\n6222021234561234,洗钱\n",
        "姓名,手机\n王伟,13800138000\n",
        "序号,户名,开户行,冻结金额\n1,李娜,招商银行,100\n",
        "phone,reason\n13800138000,涉嫌电信网络诈骗犯罪\n",
        "编号;来源;登记日期\n1;公安机关;2026-01-02\n",
        "号码，原因：电信诈骗。（待核实）\n",
        "地址\n广东省深圳市南山区\n",
    ],
)
def test_a_short_chinese_text_is_read_as_gb18030(text: str) -> None:
    assert to_utf8(text.encode("gb18030"), None, "list.csv") == (text.encode(), "gb18030")


@given(st.lists(st.sampled_from(CHINESE), min_size=8, unique=True))
def test_a_chinese_text_of_some_rows_is_read_as_gb18030(words: list[str]) -> None:
    text = "".join(words)
    assume(10 * sum(text.count(rare) for rare in "喆玥珺") <= len(text))
    assert encoding_of([table(words, 2).encode("gb18030")], "list.csv") == "gb18030"


def test_rare_characters_in_names_do_not_stop_a_chinese_text() -> None:
    names = ["王喆", "李玥", "张珺", "王伟", "李娜", "张敏", "刘洋", "陈静", "杨磊", "赵军", "黄丽", "周杰", "吴艳"]
    text = "姓名,号码,原因\n" + "".join(f"{name},13800138000,被举报\n" for name in names)
    assert encoding_of([text.encode("gb18030")], "list.csv") == "gb18030"


def test_a_text_with_more_than_a_tenth_of_rare_characters_is_refused() -> None:
    text = "姓名,号码,原因\n" + "".join(f"{name},1,电信诈骗\n" for name in ["王喆", "李玥", "张珺", "喆玥珺"])
    with pytest.raises(cs.InputError, match=r"as gb18030 \(simplified Chinese\) it has 6 rare hanzi among 31: name"):
        encoding_of([text.encode("gb18030")], "list.csv")


def test_a_text_with_characters_of_private_use_is_refused() -> None:
    text = "号码,原因\n13800138000,电信诈骗\ue000\n"
    assert "\ue000".encode("gb18030") == b"\xaa\xa1"
    with pytest.raises(cs.InputError, match="as gb18030 .* holds characters of private use: name its encoding"):
        encoding_of([text.encode("gb18030")], "list.csv")


def test_what_is_too_short_to_tell_is_refused_with_the_candidates() -> None:
    with pytest.raises(cs.InputError, match=r"it reads perhaps best as .*gb18030 \(simplified Chinese\).*: name its"):
        encoding_of(["a,b\n1,无\n".encode("gb18030")], "list.csv")


# What is not Chinese


@pytest.mark.parametrize(("name", "encoding"), OTHERS)
@given(data=st.data())
def test_no_other_language_is_read_as_chinese(name: str, encoding: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(LANGUAGES[name].words), min_size=1, max_size=60))
    raw = encoded(table(words, data.draw(st.integers(1, 3))), encoding)
    try:
        content, used = to_utf8(raw, None, "list.csv")
    except cs.InputError as error:
        assert "name its encoding" in str(error)  # noqa: PT017
    else:
        assert used == "utf-8"
        assert content == raw


@pytest.mark.parametrize(("name", "encoding"), OTHERS)
def test_what_rows_say_again_and_again_makes_no_language_likelier(name: str, encoding: str) -> None:
    for word in LANGUAGES[name].words:
        raw = encoded(table([word] * 300 + [f"{word}{at}" for at in range(300)]), encoding)
        try:
            assert encoding_of([raw], "list.csv") == "utf-8"
        except cs.InputError as error:
            assert "name its encoding" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        ("Müller,Straße,Größe", "cp1252", "cp1252 (Western European)"),
        ("José García,España", "cp1252", "cp1252 (Western European)"),
        ("Château,déjà vérifié", "iso8859-1", "cp1252 (Western European)"),
        ("João Conceição,não", "cp850", "cp850 (DOS, Western European)"),
        ("號碼,電信詐騙", "big5", "big5 (traditional Chinese)"),
        ("姓名,人頭帳戶", "big5", "big5 (traditional Chinese)"),
        ("恒生銀行,詐騙電話", "cp950", "cp950 (Big5, traditional Chinese)"),
        ("電話番号,振り込め詐欺", "cp932", "cp932 (Shift-JIS, Japanese)"),
        ("氏名,田中太郎", "shift_jis", "cp932 (Shift-JIS, Japanese)"),
        ("ヤマダ,スズキ", "cp932", "cp932 (Shift-JIS, Japanese)"),
        ("電話番号,迷惑電話", "euc_jp", "euc_jp (Japanese)"),
        ("전화번호,보이스피싱", "cp949", "cp949 (EUC-KR, Korean)"),
        ("이름,김민준", "euc_kr", "cp949 (EUC-KR, Korean)"),
        ("사유,대포통장 신고", "cp949", "cp949 (EUC-KR, Korean)"),
        ("Łódź,Źródło,Wiśniewski", "cp1250", "cp1250 (Central European)"),
        ("Мошенничество,Иванов", "cp1251", "cp1251 (Cyrillic)"),
        ("หมายเลข,ฉ้อโกง", "cp874", "cp874 (Thai)"),
    ],
)
def test_the_likeliest_encoding_is_named(text: str, encoding: str, named: str) -> None:
    with pytest.raises(
        cs.InputError, match=f"list.csv.* it reads (clearly|perhaps) best as .*{re.escape(named)}"
    ) as got:
        to_utf8(f"number,note\n13800138000,{text}\n".encode(encoding), None, "list.csv")
    assert "name its encoding" in str(got.value)


@pytest.mark.parametrize("rows", [1, 2, 5, 500])
@pytest.mark.parametrize("name", ["traditional Chinese", "Japanese", "Korean", "Russian", "Thai"])
def test_the_more_a_text_says_the_surer_is_the_name(name: str, rows: int) -> None:
    language = LANGUAGES[name]
    text = table([language.words[at % len(language.words)] for at in range(rows * 3)], 3)
    with pytest.raises(cs.InputError, match=f"it reads clearly best as ({language.encodings[0]}|big5) "):
        to_utf8(text.encode(language.encodings[0]), None, "list.csv")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("big5", "號碼,原因\n1,詐騙\n"),
        ("cp950", "恒生銀行\n"),
        ("cp932", "番号,ﾔﾏﾀﾞ\n1,①\n"),
        ("shift_jis", "電話番号\n"),
        ("euc_jp", "電話番号\n"),
        ("cp949", "번호,똠방\n"),
        ("euc-kr", "번호,이름\n"),
        ("cp1252", "Müller – 5 €\n"),
        ("iso-8859-1", "Größe\n"),
        ("latin-1", "Größe\n"),
        ("cp1251", "Номер\n"),
        ("utf-16-be", "号码\n"),
        ("utf-32", "号码\n"),
        ("gbk", "號碼\n"),
    ],
)
def test_a_named_encoding_is_the_one_that_is_used(encoding: str, text: str) -> None:
    assert to_utf8(text.encode(encoding), encoding, "list.csv")[0] == text.encode()


@pytest.mark.parametrize("encoding", ["big5", "cp932", "cp949", "cp1252", "euc_kr", "gb18030", "utf-8", "ascii"])
def test_a_named_encoding_is_strict_and_says_the_line(encoding: str) -> None:
    blocks = [b"a,b\n", b"1,2\n1,\x81", b"\n2,3\n"]
    with pytest.raises(cs.InputError, match=f"list.csv: not in {encoding}: the first bad byte is in line 3; name its"):
        list(decoded(blocks, encoding, "list.csv"))


def test_a_text_with_the_mark_of_utf_8_is_not_read_as_something_else() -> None:
    with pytest.raises(cs.InputError, match="begins with the mark of utf-8, and its encoding is said to be gb18030"):
        to_utf8("号码\n".encode("utf-8-sig"), "gb18030", "list.csv")
    with pytest.raises(cs.InputError, match="not in utf-8: the first bad byte is in line 2"):
        to_utf8("号码\n".encode("utf-8-sig") + "原因\n".encode("gb18030"), None, "list.csv")


# UTF-8


@pytest.mark.parametrize("word", ["诈骗", "洗钱", "状态", "袁泉", "联通"])
def test_chinese_that_is_utf_8_by_chance_is_refused(word: str) -> None:
    with pytest.raises(cs.InputError, match="name its encoding"):
        encoding_of([f"a,b\n{word},1\n".encode("gb18030")], "list.csv")


@pytest.mark.parametrize(
    ("word", "encoding"), [("체크", "cp949"), ("환호", "cp949"), ("連表", "euc_jp"), ("확트", "cp949")]
)
def test_other_text_that_is_utf_8_by_chance_is_refused(word: str, encoding: str) -> None:
    word.encode(encoding).decode()
    with pytest.raises(cs.InputError, match="makes sense both in utf-8 and in .*: name its encoding"):
        encoding_of([f"a,b\n{word},1\n".encode(encoding)], "list.csv")


@pytest.mark.parametrize("name", list(LANGUAGES))
def test_a_text_in_utf_8_is_taken_for_that_in_any_language(name: str) -> None:
    words = LANGUAGES[name].words
    for at in range(len(words) - 3):
        assert encoding_of([table(list(words[at : at + 4])).encode()], "list.csv") == "utf-8"


# NULs and UTF-16


@pytest.mark.parametrize(
    ("raw", "named", "place"),
    [
        (b"a,b\n1,\x002\n", None, "line 2, character 3"),
        (b"\0a,b\n1,2\n", None, "line 1, character 1"),
        ("a,b\n诈骗电话很多,1\0\n".encode(), None, "line 2, character 9"),
        ("号码,原因\n诈骗电话很多,1\0\n".encode("gb18030"), None, "line 2, character 9"),
        ("a,b\nMüller,\0\n".encode("cp1252"), "cp1252", "line 2, character 8"),
        (b"a,b\n1,2\n" + b"\0" * 64, None, "line 3, character 1"),
        ("a,b\n1,\0\n".encode("utf-16"), None, "line 2, character 3"),
        (b"ab,cd\n1,\x002\n\n1,2\n", None, "line 2, character 3"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_nul_is_told_with_its_line_and_character(raw: bytes, named: str | None, place: str, size: int) -> None:
    blocks = [raw[at : at + size] for at in range(0, len(raw), size)]
    with pytest.raises(
        cs.InputError, match=f"list.csv holds a NUL, which no table has, in {place}: is the file damaged"
    ):
        list(decoded(blocks, named or encoding_of(blocks, "list.csv"), "list.csv"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["号码\n1\n", "一,二\n一一,一一\n", "上海,本\n13800138000,上\n", "a\n", "number\n1\n"])
def test_utf_16_is_known_without_a_mark(text: str, encoding: str) -> None:
    assert to_utf8(text.encode(encoding), None, "list.csv") == (text.encode(), "utf-16")


def test_utf_32_is_known_by_its_mark_and_read_where_it_is_named() -> None:
    raw = "number\n1\n".encode("utf-32")
    with pytest.raises(cs.InputError, match="list.csv is in utf-32"):
        encoding_of([raw], "list.csv")
    assert to_utf8(raw, "utf-32", "list.csv")[0] == b"number\n1\n"


def test_the_line_of_a_bad_byte_in_utf_16_counts_lines_and_not_bytes() -> None:
    raw = "上,上\n上,上\n".encode("utf-16-le") + b"\x00\xdc"
    with pytest.raises(cs.InputError, match="not in utf-16: the first bad byte is in line 3"):
        to_utf8(raw, "utf-16", "list.csv")


# Blocks


TEXTS = st.sampled_from(
    ["a,b\n", "1,2\n", "号码,原因\n", "13800138000,电信诈骗\n", "é\n", "ø,", "😀", "\n", "洗钱,没有\n"]
)


@given(
    st.lists(TEXTS),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"]),
    st.lists(st.integers(0, 9)),
)
@example(["诈骗\n"], "gb18030", [5])
def test_a_text_is_the_same_in_whatever_blocks_it_comes(pieces: list[str], encoding: str, sizes: list[int]) -> None:
    raw = "".join(pieces).encode(encoding)
    whole = _outcome(lambda: encoding_of([raw], "list.csv"))
    parts = _outcome(lambda: encoding_of(in_blocks(raw, sizes), "list.csv"))
    assert parts == whole
    assert b"".join(decoded(in_blocks(raw, sizes), encoding, "list.csv")).decode() == "".join(pieces)


@given(
    st.binary(), st.lists(st.integers(0, 9)), st.sampled_from(["utf-8", "gb18030", "big5", "cp932", "cp949", "cp1252"])
)
def test_bytes_are_decoded_as_python_does_or_refused(raw: bytes, sizes: list[int], encoding: str) -> None:
    got = _outcome(lambda: b"".join(decoded(in_blocks(raw, sizes), encoding, "list.csv")))
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        assert got.startswith("InputError: list.csv")
        return
    if "\0" in text:
        assert got.startswith("InputError: list.csv holds a NUL")
    elif not raw.startswith(b"\xef\xbb\xbf"):
        assert got == str(text.removeprefix("\ufeff").encode())


def _outcome(what: Callable[[], object]) -> str:
    try:
        return str(what())
    except cs.InputError as error:
        return f"InputError: {error}"


def test_a_bad_byte_far_behind_is_found_with_its_line() -> None:
    good = [b"13800138000,2026-01-02\n" * 50_000] * 4
    late = ["13800138000,电信诈骗\n".encode("gb18030") * 40_000, b"1,\xff\n", b"2,3\n"]
    assert encoding_of([*good, *late], "list.csv") == "gb18030"
    with pytest.raises(cs.InputError, match="not in gb18030: the first bad byte is in line 240001; name"):
        for _ in decoded([*good, *late], "gb18030", "list.csv"):
            pass
    with pytest.raises(cs.InputError, match="not in utf-8 or gb18030: the first bad byte is in line 200001"):
        encoding_of([*good, *late[1:]], "list.csv")


def test_a_line_without_end_is_judged_by_its_beginning() -> None:
    assert encoding_of(["13800138000,电信诈骗,洗钱,".encode("gb18030") * 20_000], "list.csv") == "gb18030"
    with pytest.raises(cs.InputError, match="best as cp949"):
        encoding_of(["13800138000,보이스피싱,자금세탁,".encode("cp949") * 20_000], "list.csv")


# Where users meet it


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("German", "cp1252"), ("traditional Chinese", "big5"), ("Japanese", "cp932"), ("Korean", "cp949")],
)
def test_accounts_in_another_encoding_are_refused_and_not_screened(tmp_path: Path, name: str, encoding: str) -> None:
    rows = "".join(f"a{at},13800138000,{word}\n" for at, word in enumerate(LANGUAGES[name].words[:20]))
    (tmp_path / "accounts.csv").write_bytes(encoded("account_id,mobile,note\n" + rows, encoding))
    listings = pl.DataFrame(
        {"kind": ["phone"], "value": ["+8613800138000"], "source": ["a"], "severity": [90], "listed_on": ["2026-01-02"]}
    )
    with pytest.raises(cs.InputError, match=f"accounts.csv.*best as {encoding}"):
        cs.screen(tmp_path / "accounts.csv", cs.Blocklist.from_frame(listings), {"mobile": cs.Phone("CN")})


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("German", "cp1252"), ("traditional Chinese", "big5"), ("Japanese", "cp932"), ("Korean", "cp949")],
)
def test_a_list_in_another_encoding_is_refused_until_it_is_named(tmp_path: Path, name: str, encoding: str) -> None:
    rows = "".join(f"{13800138000 + at},{word}\n" for at, word in enumerate(LANGUAGES[name].words[:20]))
    (tmp_path / "list.csv").write_bytes(encoded("number,note\n" + rows, encoding))
    (tmp_path / "feed.toml").write_text(FEED, encoding="utf-8")
    refused = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=tmp_path)
    assert refused.code == 3
    assert f"best as {encoding}" in " ".join(refused.err.split())
    assert not (tmp_path / "lists").exists()
    (tmp_path / "feed.toml").write_text(f'encoding = "{encoding}"\n{FEED}', encoding="utf-8")
    done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=tmp_path)
    assert done.code == 0, done.err
