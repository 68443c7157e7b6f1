"""A headless Chromium that opens a file and tells what it did."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Browser:
    """One window.

    Attributes:
        driver: Of Selenium.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, *, width: int = 1280, dark: bool = False) -> None:
        """Open a file as a desktop or a phone would."""
        shape = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.driver.get(page.resolve().as_uri())

    def js(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.js(
            "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText)", selector
        )
        return found

    def errors(self) -> list[str]:
        """What the console says since it was asked last."""
        return [each["message"] for each in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """What was asked of the network, or of any place but the page itself, since it was asked last."""
        asked = []
        for each in self.driver.get_log("performance"):
            message = json.loads(each["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return asked

    def violations(self, axe: str) -> list[str]:
        """Serious and critical findings of axe-core."""
        found: list[dict[str, Any]] = self.driver.execute_async_script(
            f"{axe}; axe.run().then(found => arguments[arguments.length - 1](found.violations))"
        )
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary'][:300]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]


@contextmanager
def opened() -> Iterator[Browser]:
    """A browser; skips where there is none."""
    selenium = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium and chromedriver (of Debian: apt-get install chromium chromium-driver)")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = selenium.Chrome(options=options, service=selenium.ChromeService(driver))
    try:
        yield Browser(window)
    finally:
        window.quit()


def axe() -> str:
    """The source of axe-core; skips where the environment names none."""
    place = os.environ.get("CARDSCREEN_AXE")
    if not place or not Path(place).is_file():
        pytest.skip("CARDSCREEN_AXE names no axe.min.js (npm install axe-core)")
    return Path(place).read_text(encoding="utf-8")
