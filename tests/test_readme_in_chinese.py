"""The README in Chinese says what the English one says: the same code, links, rows and figures."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from pages import blocks_of

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
HAN = r"[\u4e00-\u9fff]"
_MANY = {"": 1, "million": 10**6, "万": 10**4, "亿": 10**8}


def code(page: Path) -> list[tuple[str, list[str]]]:
    """The blocks of a page; of commands without the remarks behind them, which readers want in their own language."""
    return [
        (block.language, [re.sub(r" +# .*", "", line) if block.language == "sh" else line for line in lines])
        for block in blocks_of(page)
        for lines in [block.text.splitlines()]
    ]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def targets(page: Path) -> Counter[str]:
    """What a page links to, and the pictures that it shows."""
    return Counter(re.findall(r"\]\(([^)\s]+)\)", prose(page)))


def words_of_code(text: str) -> Counter[str]:
    return Counter(re.findall(r"`([^`]+)`", text))


def figures(text: str) -> Counter[float]:
    """The numbers that a text tells in digits: 100 million is 1 亿."""
    told = re.sub(r"`[^`]+`|\]\([^)]+\)", " ", text)
    found = re.findall(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?: (million|万|亿))?", told)
    return Counter(round(float(number.replace(",", "")) * _MANY[many], 2) for number, many in found)


def rows(page: Path) -> list[str]:
    return [line for line in prose(page).splitlines() if line.startswith("|")]


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+) ", prose(page), re.MULTILINE)


def test_the_blocks_of_code_are_the_same() -> None:
    assert code(CHINESE) == code(ENGLISH)


def test_remarks_are_in_chinese_where_the_english_has_some() -> None:
    remarks = [
        [
            re.search(r" # (.*)", line)
            for block in blocks_of(page)
            if block.language == "sh"
            for line in block.text.splitlines()
        ]
        for page in (ENGLISH, CHINESE)
    ]
    assert [bool(each) for each in remarks[0]] == [bool(each) for each in remarks[1]]
    assert [each[1] for each in remarks[1] if each and not re.search(HAN, each[1])] == []


def test_links_and_pictures_are_the_same_and_each_leads_to_the_other() -> None:
    english, chinese = targets(ENGLISH), targets(CHINESE)
    assert (english.pop("README.zh-CN.md"), chinese.pop("README.md")) == (1, 1)
    assert chinese == english
    for page, other in ((ENGLISH, CHINESE), (CHINESE, ENGLISH)):
        assert f"({other.name})" in page.read_text("utf-8").splitlines()[2]


def test_headings_items_and_rows_are_as_many() -> None:
    assert headings(CHINESE) == headings(ENGLISH)
    items = [len(re.findall(r"^- ", prose(page), re.MULTILINE)) for page in (ENGLISH, CHINESE)]
    assert items[0] == items[1]
    assert [row.count("|") for row in rows(CHINESE)] == [row.count("|") for row in rows(ENGLISH)]


def test_figures_and_words_of_code_are_the_same_in_each_row_and_in_all() -> None:
    for english, chinese in zip([*rows(ENGLISH), prose(ENGLISH)], [*rows(CHINESE), prose(CHINESE)], strict=True):
        assert figures(chinese) == figures(english)
        assert words_of_code(chinese) == words_of_code(english)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("100 million, 2.2 GB", "1 亿，2.2 GB"), ("200,000 of `x1`", "20 万（`x1`）"), ("1.6 s", "1.6 秒")],
)
def test_a_number_is_the_same_in_either_language(english: str, chinese: str) -> None:
    assert figures(chinese) == figures(english) != Counter()


def test_another_figure_is_noticed() -> None:
    assert figures("16 s, 2.2 GB") != figures("16 秒，2.3 GB")


def test_what_is_said_is_said_in_chinese() -> None:
    lines = [re.sub(r"`[^`]+`", "", line).strip() for line in prose(CHINESE).splitlines()]
    said = [line for line in lines if len(re.findall("[A-Za-z]{2,}", line)) > 3]
    assert [line for line in said if not re.search(HAN, line)] == []
