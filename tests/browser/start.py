"""Starting Chromium where the machine is busy: a limit for each try, and a new profile for each."""

import subprocess

TRIES = 3
# A try is bounded: Selenium waits 33 s for chromedriver's port and 120 s for its answer, and
# chromedriver itself 60 s for Chromium.
PAGE_SECONDS = 60  # for a page to load; without a limit of its own it would be 300
SCRIPT_SECONDS = 20
_OPTIONS = [
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


def start_browser(chromium, chromedriver, new_profile, tries=TRIES):
    """Chromium, driven by Selenium.

    Args:
        chromium, chromedriver: the programs.
        new_profile: gives an empty folder.
        tries: how often to start them. A busy machine may be too slow for the limits, and another
            program may take the port that was chosen for chromedriver.
    """
    from selenium.common.exceptions import WebDriverException
    from urllib3.exceptions import HTTPError

    for left in reversed(range(tries)):
        try:
            return _start(chromium, chromedriver, new_profile())
        except (WebDriverException, HTTPError, OSError):
            if not left:
                raise
    raise ValueError("at least one try is needed")


def _start(chromium, chromedriver, profile):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in [*_OPTIONS, f"--user-data-dir={profile}"]:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = Service(executable_path=chromedriver, log_output=subprocess.DEVNULL)
    browser = webdriver.Chrome(options=options, service=service)
    try:
        browser.set_page_load_timeout(PAGE_SECONDS)
        browser.set_script_timeout(SCRIPT_SECONDS)
        browser.set_window_size(1280, 800)
    except BaseException:
        browser.quit()
        raise
    return browser
