"""The player: what is drawn, in step, after play, seek, step and loop."""

from pathlib import Path

import numpy as np
import pytest

from freegvc._page.assembly import assemble
from freegvc._page.clip import encode_clip

pytestmark = pytest.mark.xdist_group("browser")

PROBE = Path(__file__).with_name("player_probe")
NUM_FRAMES, HEIGHT, WIDTH = 37, 26, 34  # no multiple of a group, sides that VP9 pads


def numbered(version):
    """Noise whose first pixel is the number of the frame; versions differ in all the others."""
    rng = np.random.default_rng(version)
    frames = rng.integers(0, 256, (NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames[:, 0, 0] = np.arange(NUM_FRAMES)[:, None]
    return frames


@pytest.fixture(scope="module")
def versions():
    return [numbered(k) for k in range(3)]


@pytest.fixture(scope="module")
def embedded(versions):
    return [encode_clip(frames) for frames in versions]


@pytest.fixture
def probe(embedded, open_page, tmp_path):
    def build(**player):
        data = {"player": {"frameRate": 60, **player}}
        path = tmp_path / "probe.html"
        path.write_text("".join(assemble(PROBE, title="probe", data=data, clips=embedded)), "utf-8")
        page = open_page(path)
        page.wait("window.probe")
        return page

    return build


def shown(page):
    return [page.canvas(f"#canvas-{k}") for k in range(3)]


def seek(page, index):
    page.driver.execute_async_script("probe.player.seek(arguments[0]).then(arguments[1])", index)


def test_a_frame_comes_back_exactly_wherever_one_seeks(probe, versions):
    page = probe()
    for index in (0, 36, 8, 7, 20, 21, 3):
        seek(page, index)
        for canvas, frames in zip(shown(page), versions, strict=True):
            np.testing.assert_array_equal(canvas, frames[index])


def test_all_clips_play_in_step_and_no_frame_is_left_out_of_a_loop(probe):
    page = probe(frameRate=40)
    page.run("probe.player.setRange(5, 30); probe.drawn.length = 0; probe.player.play();")
    page.wait("probe.drawn.length > 60")
    page.run("probe.player.pause()")
    drawn = np.array(page.run("return probe.drawn"))
    assert (drawn == drawn[:, :1]).all()
    order = drawn[:, 0]
    assert order[0] == 5
    assert set(order) == set(range(5, 31))
    steps = (np.diff(order) % 26).tolist()
    assert steps.count(1) >= 0.9 * len(steps)  # a busy machine may leave a frame out, in all clips
    assert {canvas[0, 0, 0] for canvas in shown(page)} == {order[-1]}


def test_play_keeps_time(probe):
    page = probe(frameRate=30)
    seconds = page.driver.execute_async_script(
        "const done = arguments[0], began = performance.now(); probe.player.setRange(0, 30);"
        "probe.player.loops = false; probe.player.changed = (player) => {"
        "  if (!player.isPlaying) done((performance.now() - began) / 1000); };"
        "probe.player.play();"
    )
    assert 0.95 < seconds < 5.0  # 31 frames; slower on a busy machine, never faster
    assert page.run("return probe.drawn.at(-1)") == [30, 30, 30]


def test_steps_add_up_while_frames_are_decoded(probe):
    page = probe()
    page.driver.execute_async_script(
        "const done = arguments[0]; let last; for (let k = 0; k < 11; k++)"
        "  last = probe.player.step(1);"
        "last.then(done);"
    )
    assert page.run("return probe.drawn") == [[0, 0, 0], [11, 11, 11]]  # none between
    page.run("return probe.player.step(-4)")
    assert page.run("return probe.drawn.at(-1)") == [7, 7, 7]
    page.run("return probe.player.step(-100)")
    assert page.run("return probe.drawn.at(-1)") == [0, 0, 0]


def test_a_step_after_a_pause_is_from_the_frame_that_is_shown(probe):
    page = probe()
    page.run("probe.player.position = 10.75; probe.player.isPlaying = true; probe.player.pause();")
    page.run("return probe.player.step(1)")
    assert page.run("return probe.drawn.at(-1)") == [11, 11, 11]


def test_play_starts_from_a_frame_that_is_still_decoded(probe):
    page = probe(frameRate=1)
    page.run("probe.player.seek(30); probe.player.play();")
    page.wait("probe.drawn.length > 1")
    assert page.run("return probe.drawn[1]") == [30, 30, 30]


def test_kept_frames_are_bounded(probe):
    page = probe()
    page.run("probe.player.frames.capacity = 3")
    for index in (36, 0, 20, 9, 36):
        seek(page, index)
        page.wait("!probe.player.frames.isDecoding")
        assert page.run("return probe.player.frames.kept.size") <= 4
        assert shown(page)[1][0, 0, 0] == index


def test_a_packet_that_is_damaged_is_told(probe):
    page = probe()
    page.run(
        "const clip = probe.player.frames.clips[1]; clip.packets[33].fill(0);"
        "probe.player.failed = (error) => (window.failure = error.message);"
    )
    seek(page, 34)
    assert "frames 32 and on" in page.wait("window.failure")
    assert page.run("return probe.player.index") == 0
    seek(page, 24)
    assert shown(page)[1][0, 0, 0] == 24
