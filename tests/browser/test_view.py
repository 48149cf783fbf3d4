"""The page of `freegvc view`, used as a reader uses it: keys, clicks and drags, pixels compared."""

import time

import numpy as np
import pytest

from freegvc._page.clip import encode_clip
from freegvc._page.view import Version, ViewedGop, view_page
from freegvc.metrics import METRICS

pytestmark = pytest.mark.xdist_group("browser")

NUM_FRAMES, HEIGHT, WIDTH = 20, 48, 64
HOSTILE = "</script><img src=x onerror='window.hacked=1'>"
STAGE = "document.getElementById('stage')"
# where a frame's middle is in the plot, and how wide a frame is
PLOT_X = "(k) => 48 + (k + 0.5) * (document.getElementById('plot').clientWidth - 60) / 20"


def numbered(seed):
    """Noise whose first pixel is the number of the frame."""
    frames = np.random.default_rng(seed).integers(0, 256, (NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames[:, 0, 0] = np.arange(NUM_FRAMES)[:, None]
    return frames


@pytest.fixture(scope="module")
def videos():
    """A source, a version, and one that is equal to the source."""
    source, version = numbered(0), numbered(1)
    return [source, version, source]


@pytest.fixture(scope="module")
def page_file(videos, tmp_path_factory):
    clips = [encode_clip(frames) for frames in videos]
    gops = (ViewedGop(0, range(12), 4000, 0.11), ViewedGop(1, range(12, 20), 2000, 0.08))
    psnr = [30.0 + k for k in range(NUM_FRAMES)]
    versions = [
        Version("source", clips[0], 10_000, 1.3),
        Version(HOSTILE, clips[1], 750, 0.1, gops, {"psnr": psnr, "tlp": [np.nan, *psnr[1:]]}),
        Version("equal", clips[2], None, None, (), {"psnr": [99.0] * 20, "tlp": [0.0] * 20}),
    ]
    _, parts = view_page(
        versions,
        title=HOSTILE,
        frame_rate=25,
        metrics=[METRICS["psnr"], METRICS["tlp"]],
        first_frame=100,
    )
    path = tmp_path_factory.mktemp("view") / "view #1 ü.html"
    path.write_text("".join(parts), encoding="utf-8")
    return path


@pytest.fixture
def page(page_file, open_page):
    page = open_page(page_file)
    page.wait("document.body.dataset.ready")
    return page


def canvases(page):
    return [page.canvas(f".pane:nth-child({k}) canvas") for k in (1, 2, 3)]


def shown_frames(page):
    """The number that each picture of the page carries."""
    return [int(canvas[0, 0, 0]) for canvas in canvases(page)]


def wait_for_frame(page, index):
    page.wait(
        "document.getElementById('clock').textContent.startsWith(arguments[0])", f"{index + 100} /"
    )


def seen(page):
    """The pane as it is seen, one pixel to a pixel, without the line of the row: [H, W, 3]."""
    page.run("document.querySelector('.row-line').hidden = true")
    left, top = page.run(
        "const p = document.querySelector('.layer canvas').getBoundingClientRect(),"
        f"s = {STAGE}.getBoundingClientRect(); return [p.left - s.left, p.top - s.top];"
    )
    picture = page.screenshot("#stage")
    return picture[round(top) :, round(left) :][:HEIGHT, :WIDTH]


def test_pictures_stay_in_step_through_play_seek_and_loop(page, videos):
    for canvas, frames in zip(canvases(page), videos, strict=True):
        np.testing.assert_array_equal(canvas, frames[0])
    page.press("ARROW_RIGHT", "ARROW_RIGHT", "[", "PAGE_DOWN", "]")
    wait_for_frame(page, 12)
    assert shown_frames(page) == [12, 12, 12]
    page.press(" ")
    numbers = set()
    end = time.monotonic() + 60  # a busy machine draws few frames
    while len(numbers) < 6 and time.monotonic() < end:
        looked = page.run(  # one task of the page, between two draws
            "return [...document.querySelectorAll('.layer canvas')].map("
            "  (c) => c.getContext('2d').getImageData(0, 0, 1, 1).data[0]);"
        )
        assert len(set(looked)) == 1
        numbers |= set(looked)
    assert len(numbers) == 6
    assert numbers <= set(range(2, 13))
    page.press(" ", "HOME", "END")
    wait_for_frame(page, 19)
    assert shown_frames(page) == [19, 19, 19]


def test_a_loop_is_set_to_frames_that_are_still_decoded(page):
    page.run(  # in one task of the page, so that no frame is drawn between two keys
        "for (const key of ['ArrowRight', 'ArrowRight', '[', 'PageDown', ']'])"
        "  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));"
    )
    width = page.run("return document.getElementById('loop-range').style.width")
    left = page.run("return document.getElementById('loop-range').style.left")
    assert (left, width) == ("10%", "55%")  # frames 2 to 12 of 20


def test_wipe_shows_a_on_the_left_and_b_on_the_right(page, videos):
    page.press("2", "0")
    for place in (0.0, 0.5, 0.25):
        width = page.run(f"return {STAGE}.clientWidth")
        half = page.run(
            "return document.querySelector('.layer canvas').getBoundingClientRect().left"
            f" - {STAGE}.getBoundingClientRect().left"
        )
        border = round(half + place * WIDTH)
        handle = page.run("return document.querySelector('.wipe-line').offsetLeft + 8")
        page.drag("#stage", (handle, 20), (border, 20))
        page.run("document.querySelector('.wipe-line').style.opacity = 0")
        cut = round(place * WIDTH)
        picture = seen(page)
        np.testing.assert_array_equal(picture[:, :cut], videos[0][0][:, :cut])
        np.testing.assert_array_equal(picture[:, cut:], videos[1][0][:, cut:])
        assert 0 < border < width


def test_blink_shows_one_and_then_the_other(page, videos):
    page.press("3", "0")
    page.run(
        "const s = document.getElementById('interval'); s.value = 0;"
        "s.dispatchEvent(new Event('change'));"
    )
    assert page.find("#stage").text == "source"
    np.testing.assert_array_equal(seen(page), videos[0][0])
    page.press("f")
    assert page.find("#stage").text == HOSTILE
    np.testing.assert_array_equal(seen(page), videos[1][0])
    page.run(
        "const s = document.getElementById('interval'); s.value = 250;"
        "s.dispatchEvent(new Event('change'));"
    )
    states = "document.querySelectorAll('.layer')[1].style.visibility"
    page.wait(f"{states} === 'hidden'", seconds=2)
    page.wait(f"{states} === 'visible'", seconds=2)


def test_the_difference_is_that_of_the_samples_and_zero_for_equal_clips(page, videos):
    page.press("4", "ARROW_RIGHT")
    wait_for_frame(page, 1)
    expected = np.abs(videos[0][1].astype(int) - videos[1][1]) * 4
    np.testing.assert_array_equal(page.canvas(".pane canvas"), expected.clip(max=255))
    page.run(
        "const s = document.getElementById('choose-b'); s.value = 2;"
        "s.dispatchEvent(new Event('change'));"
    )
    assert not page.canvas(".pane canvas").any()
    page.press("ARROW_RIGHT")
    wait_for_frame(page, 2)
    assert not page.canvas(".pane canvas").any()


def test_a_click_in_the_scores_goes_to_that_frame(page):
    for frame in (13, 4):
        x = page.run(f"return ({PLOT_X})({frame})")
        page.drag("#plot", (x, 50), (x, 50))
        wait_for_frame(page, frame)
        assert shown_frames(page) == [frame] * 3
        text = page.find("#versions").text
        assert f"frame {100 + frame}" in text
        assert f"{30 + frame}.00" in text
        assert ("1: 2,000 bits" if frame >= 12 else "0: 4,000 bits") in text
    assert page.run("return document.querySelectorAll('#plot .border').length") == 1


def test_a_score_that_is_missing_leaves_a_gap(page):
    page.press("m")
    path = "document.querySelectorAll('#plot .curve')[0].getAttribute('d')"
    assert page.run(f"return {path}.split('L').length") == 19  # no line from the first frame
    assert page.run(f"return {path}.split('M').length") == 2
    assert "–" in page.find("#versions").text


def test_a_slice_is_one_row_of_each_frame(page, videos):
    def strips():
        page.wait("!document.querySelector('#strips.waiting')")
        return [page.canvas(f"#strips figure:nth-child({k}) canvas") for k in (1, 2, 3)]

    for strip, frames in zip(strips(), videos, strict=True):
        np.testing.assert_array_equal(strip, frames[:, HEIGHT // 2])
    page.press("0", "ARROW_UP")
    assert page.find("#row").text == str(HEIGHT // 2 - 1)
    line, picture = page.run(
        "return ['.row-line', '.layer canvas'].map((each) =>"
        "  document.querySelector(each).getBoundingClientRect().top -"
        f"  {STAGE}.getBoundingClientRect().top);"
    )
    row = 37
    page.drag("#stage", (20, line + 6), (20, picture + row + 0.5))
    assert page.find("#row").text == str(row)
    for strip, frames in zip(strips(), videos, strict=True):
        np.testing.assert_array_equal(strip, frames[:, row])


def test_the_wheel_keeps_the_point_under_the_pointer(page):
    page.press("2", "0", *"+++++++++")  # larger than the pane both ways

    def placed():
        return page.run(
            "const b = document.querySelector('.layer canvas').getBoundingClientRect();"
            f"return [b.width / {WIDTH}, b.left, b.top];"
        )

    scale, left, top = placed()
    assert scale == 24
    x, y = left + 40.5 * scale, top + 20.5 * scale
    page.run(
        "document.elementFromPoint(...arguments).dispatchEvent(new WheelEvent('wheel', {"
        "  clientX: arguments[0], clientY: arguments[1], deltaY: -100, bubbles: true,"
        "  cancelable: true}));",
        x,
        y,
    )
    scale, left, top = placed()
    assert scale == 32
    assert ((x - left) / scale, (y - top) / scale) == pytest.approx((40.5, 20.5), abs=0.1)


def test_enlarged_pixels_are_squares(page, videos):
    page.press("2", "f", "+", "+", "+")  # enlarged beyond the pane, B on the left
    page.run("document.querySelector('.wipe-line').remove();")
    scale = (
        page.run("return document.querySelector('.layer canvas').getBoundingClientRect().width")
        / WIDTH
    )
    assert scale == int(scale) >= 8
    left, top = page.run(
        "const p = document.querySelector('.layer canvas').getBoundingClientRect(),"
        f"s = {STAGE}.getBoundingClientRect(); return [p.left - s.left, p.top - s.top];"
    )
    page.run("document.querySelector('.row-line').hidden = true")
    picture = page.screenshot("#stage")
    x, y = (int(scale * max(np.ceil(-edge / scale) + 2, 2) + edge) for edge in (left, top))
    column, row = round((x - left) / scale), round((y - top) / scale)
    square = picture[y : y + int(scale), x : x + int(scale)].reshape(-1, 3)
    np.testing.assert_array_equal(np.unique(square, axis=0), [videos[1][0][row, column]])


def test_hostile_names_are_text(page):
    assert page.driver.title == HOSTILE
    assert HOSTILE in page.find(".pane:nth-child(2) .name").text
    assert HOSTILE in page.find("#versions").text
    assert page.run("return document.querySelectorAll('img').length + (window.hacked ?? 0)") == 0


def test_a_browser_without_the_decoder_is_told_so(page_file, driver, open_page):
    script = {"source": "delete window.VideoDecoder;"}
    added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        page = open_page(page_file)
        told = page.wait("document.getElementById('failure').textContent")
        assert "no WebCodecs" in told
        assert "Firefox" in told
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_keys_work_the_button_that_has_the_focus(page):
    page.click("#forward")  # by pointer: the keys stay with the page
    page.press(" ")
    page.wait("document.getElementById('play').ariaLabel === 'Pause'")
    page.press(" ", "HOME")
    wait_for_frame(page, 0)
    page.run("document.getElementById('forward').focus()")
    page.press(" ")
    wait_for_frame(page, 1)
    assert page.run("return document.getElementById('play').ariaLabel") == "Play"
    page.run("document.getElementById('speed').focus()")
    page.press("ARROW_DOWN")
    assert page.find("#speed").get_attribute("value") == "2"
    assert page.find("#row").text == str(HEIGHT // 2)


def test_help_lists_the_keys_and_lets_none_through(page):
    page.press("?")
    assert page.find("#help").is_displayed()
    assert "play or pause" in page.find("#keys").text
    page.press("2", "ESCAPE")
    assert page.run(f"return {STAGE}.dataset.mode") == "side"
