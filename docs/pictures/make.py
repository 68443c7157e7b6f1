"""The screenshots of these pages: of the demo's second night, as a desktop and a phone show it.

Run: python docs/pictures/make.py. Needs Debian's chromium and chromium-driver; pictures are shrunk to few colours.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver

HERE = Path(__file__).parent
SIZES = {"desktop": (1200, 980), "phone": (380, 980)}
COLOURS = 64


def browser() -> webdriver.Chrome:
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def main() -> None:
    """Play the demo, open its page, and keep what is seen."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        subprocess.run([sys.executable, "-m", "cardscreen.cli", "demo", demo], check=True, stdout=subprocess.DEVNULL)
        window = browser()
        try:
            for name, (width, height) in SIZES.items():
                shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
                window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", shape)
                window.get((demo / "operator/runs/latest/report.html").as_uri())
                picture = Image.open(io.BytesIO(window.get_screenshot_as_png())).convert("RGB")
                picture.quantize(COLOURS, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)
        finally:
            window.quit()


if __name__ == "__main__":
    main()
