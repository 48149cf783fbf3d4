"""A participant of a study: takes the page from its first screen to the saved votes."""

import time

from freegvc._study.design import IDENTICAL
from freegvc._study.plan import REFERENCE

OPEN = "!document.querySelector('.answers button').disabled"
PROGRESS = "document.getElementById('progress-text').textContent"
_KEYS = ("ARROW_LEFT", "ARROW_DOWN", "ARROW_RIGHT")


def begin(page, number):
    page.wait("!document.getElementById('intro').hidden")
    page.run("document.getElementById('number').value = ''")
    page.find("#number").send_keys(str(number))
    page.click("#begin")


def answer(page, places, *, by_mouse):
    """Answer the three questions: 0 left, 1 no difference, 2 right."""
    page.wait(OPEN)
    if not by_mouse:
        page.press(*(_KEYS[place] for place in places), "ENTER")
        return
    for question, place in enumerate(places, start=1):
        page.click(f".question:nth-child({question}) button:nth-child({place + 1})")
    page.click("#next")


def better(trial, codecs):
    """0 if the first version is better, 1 if both are the same, 2 if the second is.

    Args:
        codecs: from the best to the worst.
    """
    if trial.kind == IDENTICAL:
        return 1
    ranks = [REFERENCE, *codecs, "poor"]
    return 0 if ranks.index(trial.first) < ranks.index(trial.second) else 2


def answer_trials(page, design, number, codecs, *, seen=lambda trial, shown: None, reload_at=None):
    """Go through all trials, half of them with the mouse, with a reload in the middle of one.

    Args:
        codecs: from the best to the worst.
        seen: called when a trial can be answered.
        reload_at: the place of the trial in which the page is loaded again; None for none.
    """
    answer(page, (0, 0, 0), by_mouse=False)  # practice
    order = design.orders[number - 1]
    for k, shown in enumerate(order):
        text = f"Trial {k + 1} of {len(order)}"
        page.wait(f"{PROGRESS} === arguments[0]", text)
        page.wait(OPEN)
        if k == reload_at:
            page.press("ARROW_LEFT")
            page.driver.refresh()
            page.wait("!document.getElementById('intro').hidden")
            assert page.run("return document.getElementById('number').value") == str(number)
            assert page.find("#begin").text == "Go on"
            assert f"{k} of {len(order)}" in page.find("#intro-note").text
            page.click("#begin")
            page.wait(f"{PROGRESS} === arguments[0]", text)
            page.wait(OPEN)
        trial = design.trials[shown.trial]
        seen(trial, shown)
        place = 2 - better(trial, codecs) if shown.swapped else better(trial, codecs)
        answer(page, (place, place, place), by_mouse=k % 2)


def saved_votes(page, folder):
    """Save the votes, and give the path of the downloaded file."""
    page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)}
    )
    page.wait("!document.getElementById('done').hidden")
    page.click("#save")
    path = folder / page.wait("document.getElementById('saved').textContent").split()[2].strip(",")
    end = time.monotonic() + 15
    while not path.exists():
        assert time.monotonic() < end, f"{path} is not downloaded"
        time.sleep(0.02)
    assert path.read_text(encoding="utf-8") == page.run(
        "return document.getElementById('votes').value"
    )
    return path
