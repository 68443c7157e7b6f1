"""The site of docs/ asks nothing of the network, and can be searched where there is none."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, opened

SITE = Path(os.environ.get("CARDSCREEN_SITE", "nowhere")).resolve()
pytestmark = pytest.mark.skipif(not SITE.is_dir(), reason="CARDSCREEN_SITE names no site that mkdocs has built")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened() as window:
        yield window


def test_no_page_asks_anything_of_the_network_or_fails(browser: Browser) -> None:
    pages = [page for page in sorted(SITE.rglob("*.html")) if page.name != "404.html"]  # a server's
    assert len(pages) > 50
    for page in pages:
        browser.open(page)
    assert [each for each in browser.requests() if not each.startswith(("file:", "data:", "blob:"))] == []
    assert browser.errors() == []


def test_search_finds_a_key_in_a_page_that_was_opened_from_a_file(browser: Browser) -> None:
    browser.open(SITE / "index.html")
    browser.js("document.querySelector('label[for=__search]').click()")
    browser.driver.find_element("css selector", "[data-md-component=search-query]").send_keys("released_share")
    found = list[str]()
    for _ in range(100):
        found = browser.texts(".md-search-result__item h1")
        if found:
            break
        time.sleep(0.1)
    assert "Settings" in found


@pytest.mark.parametrize("page", ["reference/settings.html", "reference/python.html", "tutorials/first-week.html"])
def test_nothing_is_wider_than_a_phone(page: str, browser: Browser) -> None:
    browser.open(SITE / page, width=380)
    assert browser.js("return document.documentElement.scrollWidth") == 380


@pytest.mark.parametrize("dark", [True, False])
def test_pages_follow_the_readers_scheme(dark: bool, browser: Browser) -> None:
    browser.open(SITE / "glossary.html", dark=dark)
    browser.js("localStorage.clear()")  # what a reader has chosen stays
    browser.open(SITE / "glossary.html", dark=dark)
    assert browser.js("return document.body.dataset.mdColorScheme") == ("slate" if dark else "default")
