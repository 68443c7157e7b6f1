"""Pages as Chromium shows them: nothing fails, nothing is asked of the network, search, sorting, phone, dark, print."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, axe, opened
from shown import nights

import cardscreen as cs


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as window:
        yield window


@pytest.fixture(scope="module")
def pages(pictures: None, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A published night, a held one, and both in Chinese."""
    folder = tmp_path_factory.mktemp("shown")
    _, done = nights(folder / "operator")
    found = {"published": done[1].folder / "report.html", "held": done[2].folder / "report.html"}
    for name, night in (("published", done[1]), ("held", done[2])):
        found[f"{name} in Chinese"] = cs.report(night.folder, folder / f"{name}.html", "zh")
    return found


NAMES = ["published", "held", "published in Chinese", "held in Chinese"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_without_an_error_and_without_a_request(name: str, browser: Browser, pages: Any) -> None:
    browser.errors(), browser.requests()
    browser.open(pages[name])
    assert browser.errors() == []
    assert browser.requests() == [pages[name].resolve().as_uri()]
    assert browser.js("return document.title") != "broken"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_marks_that_can_be_seen(name: str, browser: Browser, pages: Any) -> None:
    browser.open(pages[name])
    seen = browser.js("""
        return [...document.querySelectorAll("svg")].map(svg => [...svg.querySelectorAll(
            ".role-mark path, .role-mark rect, .role-mark line")].filter(mark => {
                const box = mark.getBoundingClientRect();
                return box.width + box.height > 0 && getComputedStyle(mark).fill + getComputedStyle(mark).stroke;
            }).length)
    """)
    assert len(seen) >= 4
    assert all(seen)


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_take_their_colours_from_the_readers_scheme(dark: bool, browser: Browser, pages: Any) -> None:
    browser.open(pages["published"], dark=dark)
    ink, paper = browser.js("""
        return [getComputedStyle(document.querySelector("svg text")).fill,
            getComputedStyle(document.body).backgroundColor]
    """)
    light = [sum(map(int, colour[4:-1].split(", "))) > 384 for colour in (ink, paper)]
    assert light == [dark, not dark]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_a_phone(name: str, browser: Browser, pages: Any) -> None:
    browser.open(pages[name], width=380)
    assert browser.js("return document.documentElement.scrollWidth") == 380
    wide = browser.js("""
        return [...document.querySelectorAll("main svg, h1, h2, p, pre, li, dl, figcaption")]
            .filter(each => each.getBoundingClientRect().right > 380.5).map(each => each.outerHTML.slice(0, 100))
    """)
    assert wide == []


def test_the_first_screen_of_a_desktop_holds_the_three_answers(browser: Browser, pages: Any) -> None:
    for name in ("published", "held"):
        browser.open(pages[name])
        assert browser.js('return document.querySelector(".answers").getBoundingClientRect().bottom') < 900


def test_accounts_are_found_by_what_is_typed(browser: Browser, pages: Any) -> None:
    browser.open(pages["published"])
    every = browser.texts("#listed tbody tr")
    browser.driver.find_element("id", "search").send_keys("BANK 453957")
    assert [row.split("\t")[0] for row in browser.texts("#listed tbody tr")] == ["A050"]
    assert browser.texts("#found") == [f"1 of {len(every)} accounts"]
    browser.driver.find_element("id", "search").send_keys("0")
    assert browser.texts("#listed tbody tr") == []


def test_accounts_are_sorted_by_the_keyboard_and_say_so(browser: Browser, pages: Any) -> None:
    browser.open(pages["published"])
    at = [text.lower() for text in browser.texts("#listed thead th")].index("score")
    button = browser.driver.find_elements("css selector", "#listed thead button")[at]
    for way, order in (("ascending", 1), ("descending", -1)):
        button.send_keys("\n")
        scores = [int(text) for text in browser.texts(f"#listed tbody td:nth-child({at + 1})")]
        assert scores == sorted(scores, key=lambda score: order * score)
        assert browser.js('return document.querySelectorAll("#listed th")[arguments[0]].ariaSort', at) == way
    others = browser.js('return document.querySelectorAll("#listed thead th:not([aria-sort=none])").length')
    assert others == 1


def test_a_chinese_page_is_chinese(browser: Browser, pages: Any) -> None:
    browser.open(pages["held in Chinese"])
    assert browser.js("return document.documentElement.lang") == "zh-Hans"
    headings = browser.texts("h1, h2, thead th, figcaption, nav a, dt, .said, .lead, .reasons li, .answer li")
    plain = [text for text in headings if not any("\u4e00" <= sign <= "\u9fff" for sign in text)]
    assert set(plain) <= {"segment"}  # a column of the accounts


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_shut_out(name: str, width: int, dark: bool, browser: Browser, pages: Any) -> None:
    source = axe()
    browser.open(pages[name], width=width, dark=dark)
    assert browser.violations(source) == []


def test_a_page_can_be_printed(browser: Browser, pages: Any) -> None:
    browser.open(pages["published"], dark=True)
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert printed.startswith(b"%PDF")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert browser.js("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.js('return getComputedStyle(document.querySelector(".controls")).display') == "none"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
