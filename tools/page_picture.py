"""Take a picture of a page of `freegvc view` in Chromium, which Debian's packages have.

    python -m tools.page_picture view.html docs/view.png --keys 2 PAGE_DOWN

opens the page, presses the keys one after the other, and saves what is seen. Names of several
letters are those of `selenium.webdriver.Keys`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
)
_SETTLE_SECONDS = 1.0


def take_picture(page: Path, output: Path, keys: list[str], size: tuple[int, int]) -> None:
    """Save a picture of a page, as large as a window of this width and height."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        service = Service(executable_path=shutil.which("chromedriver"))
        driver = webdriver.Chrome(options=options, service=service)
        try:
            metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            driver.get(page.resolve().as_uri())
            WebDriverWait(driver, 30).until(
                lambda d: d.execute_script("return document.body.dataset.ready")
            )
            for key in keys:
                pressed = getattr(Keys, key) if len(key) > 1 else key
                ActionChains(driver).send_keys(pressed).perform()
            time.sleep(_SETTLE_SECONDS)
            driver.save_screenshot(str(output))
        finally:
            driver.quit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--keys", nargs="*", default=[])
    parser.add_argument("--size", nargs=2, type=int, default=(1280, 800))
    arguments = parser.parse_args()
    width, height = arguments.size
    take_picture(arguments.page, arguments.output, arguments.keys, (width, height))
