"""Real clips in a page: what Chromium shows is what the file holds, and pages stay small."""

from itertools import islice

import cv2
import numpy as np
import pytest

from freegvc._page.clip import encode_clip
from freegvc._page.view import Version, view_page
from freegvc._video import open_video

pytestmark = pytest.mark.xdist_group("browser")

NAMES = ("basketballpass", "foreman_cif_intra.264", "bigbuckbunny_720p.mp4")
WIDTH, HEIGHT = 416, 240


def first_frames(path, num_frames):
    """Frames of a clip, scaled and cut to 416x240, uint8 [T, 240, 416, 3]."""
    frames = []
    with open_video(path) as video:
        for frame in islice(video, num_frames):
            scale = max(WIDTH / video.width, HEIGHT / video.height)
            size = (round(video.width * scale), round(video.height * scale))
            scaled = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            frames.append(scaled[:HEIGHT, :WIDTH])
    return np.stack(frames)


def save_page(path, videos):
    versions = [Version(name, encode_clip(frames)) for name, frames in videos.items()]
    about, parts = view_page(versions, title="real clips", frame_rate=25)
    path.write_text("".join(parts), encoding="utf-8")
    return about


@pytest.mark.filterwarnings("ignore::freegvc.errors.ColourWarning")
def test_a_real_clip_is_shown_as_it_is(clips, open_page, tmp_path):
    frames = first_frames(clips / NAMES[0], 9)
    save_page(tmp_path / "page.html", {"a": frames, "b": frames[::-1]})
    page = open_page(tmp_path / "page.html")
    page.wait("document.body.dataset.ready")
    page.press("END")
    page.wait("document.getElementById('clock').textContent.startsWith('8 /')")
    np.testing.assert_array_equal(page.canvas(".pane:nth-child(1) canvas"), frames[8])
    np.testing.assert_array_equal(page.canvas(".pane:nth-child(2) canvas"), frames[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::freegvc.errors.ColourWarning")
def test_three_clips_of_48_frames_stay_below_15_mb_and_play_in_time(clips, open_page, tmp_path):
    path = tmp_path / "page.html"
    about = save_page(path, {name: first_frames(clips / name, 48) for name in NAMES})
    assert path.stat().st_size < 15e6
    assert "off by at most" in about  # exact, these take 16 MB
    page = open_page(path)
    page.wait("document.body.dataset.ready")
    shown, seconds = page.driver.execute_async_script(
        "const clock = document.getElementById('clock'), done = arguments[0], shown = [];"
        "new MutationObserver(() => shown.push(parseInt(clock.textContent)))"
        "  .observe(clock, {childList: true});"
        "const began = performance.now(); document.getElementById('play').click();"
        "setTimeout(() => done([shown, (performance.now() - began) / 1000]), 4000);"
    )
    advanced = (np.diff(shown) % 48).sum()
    assert 0.7 * 25 * seconds < advanced <= 25 * seconds + 1
