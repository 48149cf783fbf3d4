"""Chromium without a window, for the tests of pages. All of them are in one group of xdist."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

OPTIONS = [
    "--headless=new",
    "--no-sandbox",  # as root, which CI is
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """Chromium, driven by Selenium; skips where one of them is missing."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if find_spec("selenium") is None:
        pytest.skip("selenium is not installed: pip install 'freegvc[test]'")
    if chromium is None or chromedriver is None:
        pytest.skip("chromium or chromedriver is missing: apt install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in [*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = Service(executable_path=chromedriver, log_output=subprocess.DEVNULL)
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_window_size(1280, 800)
    browser.set_script_timeout(20)
    yield browser
    browser.quit()


@pytest.fixture
def open_page(driver):
    """Opens a page file in the browser; afterwards none of the pages may have used the network."""
    from tests.browser.opened_page import OpenedPage

    opened = []

    def open_file(path):
        driver.get_log("performance")
        driver.get_log("browser")
        driver.get(Path(path).as_uri())
        opened.append(OpenedPage(driver))
        return opened[-1]

    yield open_file
    for page in opened[-1:]:
        assert page.requests() <= {"file", "data", "blob"}
        assert page.errors() == []
    driver.get("about:blank")
