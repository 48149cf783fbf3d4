"""Chromium without a window, for the tests of pages. All of them are in one group of xdist."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    """Chromium, driven by Selenium; skips where one of them is missing."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if find_spec("selenium") is None:
        pytest.skip("selenium is not installed: pip install 'freegvc[test]'")
    if chromium is None or chromedriver is None:
        pytest.skip("chromium or chromedriver is missing: apt install chromium chromium-driver")
    from tests.browser.start import start_browser

    browser = start_browser(chromium, chromedriver, lambda: tmp_path_factory.mktemp("chromium"))
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
