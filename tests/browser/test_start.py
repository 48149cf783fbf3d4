"""A browser that does not start at once."""

import shutil

import pytest

from tests.browser.start import start_browser

pytestmark = pytest.mark.xdist_group("browser")

PROFILES = ("first", "second")


def test_a_failed_start_is_tried_again_with_a_new_profile(driver, tmp_path):
    fails_once = tmp_path / "chromedriver"
    flag = tmp_path / "was-run"
    real = shutil.which("chromedriver")
    fails_once.write_text(
        f'#!/bin/sh\n[ -e "{flag}" ] || {{ touch "{flag}"; exit 1; }}\nexec "{real}" "$@"\n'
    )
    fails_once.chmod(0o755)
    profiles = iter(PROFILES)
    browser = start_browser(
        shutil.which("chromium"), str(fails_once), lambda: tmp_path / next(profiles)
    )
    try:
        assert browser.execute_script("return 1 + 1") == 2
        assert (tmp_path / "second").is_dir()
        assert not (tmp_path / "first").exists()
    finally:
        browser.quit()


def test_a_browser_that_never_starts_is_an_error(driver, tmp_path):
    from selenium.common.exceptions import WebDriverException

    profiles = iter(PROFILES)
    with pytest.raises(WebDriverException, match="false"):
        start_browser("chromium", shutil.which("false"), lambda: tmp_path / next(profiles), tries=2)
    assert next(profiles, None) is None
