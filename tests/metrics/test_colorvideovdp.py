"""ColorVideoVDP: the package's own number, without the noise of its import."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch

import freegvc
from freegvc import Score
from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import METRICS, colorvideovdp, cvvdp, metric_status
from freegvc.metrics.colorvideovdp import DISPLAY, FPS, cvvdp_predictor
from freegvc.metrics.scoring import score_frames

CLEAN = """
import sys, warnings
warnings.simplefilter("error")
import freegvc.metrics
import numpy as np
assert "pycvvdp" not in sys.modules
before = list(sys.path)
frames = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), dtype=np.uint8)
assert freegvc.metrics.cvvdp(frames, frames) == 10.0
assert sys.path == before, set(sys.path) - set(before)
aside = {"interp", "third_party", "video_source"} & set(sys.modules)
assert not aside, aside
"""


@pytest.fixture(scope="module", autouse=True)
def package():
    return pytest.importorskip("pycvvdp", reason="the package cvvdp is not installed")


def test_it_is_what_the_package_says(package, texture, noisy):
    frames = texture(9, 40, 56, (1, 0))
    other = noisy(frames, 12)
    own = package.cvvdp(display_name=DISPLAY, device=torch.device("cpu"), quiet=True)
    expected, _ = own.predict(other, frames, dim_order="FHWC", frames_per_second=FPS)
    assert cvvdp(frames, other) == pytest.approx(float(expected), abs=1e-5)
    still, _ = own.predict(other[:1], frames[:1], dim_order="FHWC", frames_per_second=0)
    assert cvvdp(frames[:1], other[:1]) == pytest.approx(float(still), abs=1e-5)


def test_more_noise_is_worse_and_equal_videos_are_perfect(texture, noisy):
    frames = texture(5, 32, 48, (1, 1))
    scores = [cvvdp(frames, noisy(frames, amplitude)) for amplitude in (0, 4, 16, 64)]
    assert scores[0] == 10.0
    assert all(a > b for a, b in pairwise(scores))


def test_display_and_frame_rate_matter_and_are_not_taken_from_anywhere(texture, noisy):
    frames = texture(5, 32, 48, (1, 1))
    other = noisy(frames, 12)
    here = cvvdp(frames, other)
    assert cvvdp(frames, other, display="standard_4k") != here
    assert cvvdp(frames, other, fps=60.0) != here
    assert METRICS["cvvdp"](frames, other).tolist() == [here] * 5


def test_a_video_in_chunks_is_one_video(texture, noisy):
    frames = texture(11, 32, 48, (1, 1))
    other = noisy(frames, 12)
    scores = score_frames(frames, other, metrics=("psnr", "cvvdp"))
    assert scores.per_video == {"cvvdp": cvvdp(frames, other)}
    assert list(scores.per_frame) == ["psnr"]


def test_importing_is_lazy_and_leaves_no_trace():
    done = subprocess.run(
        [sys.executable, "-c", CLEAN], capture_output=True, text=True, check=False
    )
    assert (done.stderr, done.stdout, done.returncode) == ("", "", 0)


def test_what_it_cannot_score_is_refused(texture):
    frames = texture(2, 32, 32)
    with pytest.raises(UsageError, match="no display 'cinema'"):
        cvvdp(frames, frames, display="cinema")
    with pytest.raises(UsageError, match="fps is nan"):
        cvvdp(frames, frames, fps=float("nan"))
    with pytest.raises(UsageError, match="there is none"):
        cvvdp(frames[:0], frames[:0])
    with pytest.raises(UsageError, match="at least 8x8, these are 32x7"):
        cvvdp(frames[:, :7], frames[:, :7])


def test_without_the_package_the_message_names_the_extra(monkeypatch):
    monkeypatch.setattr(colorvideovdp, "find_spec", lambda name: None)
    cvvdp_predictor.cache_clear()
    status = metric_status("cvvdp")
    assert not status.available
    assert "pip install 'freegvc[metrics]'" in status.detail
    with pytest.raises(MetricUnavailableError, match="needs the package cvvdp"):
        METRICS["cvvdp"].check()


def test_as_a_target_it_scores_the_frames_of_a_gop(scene):
    frames = scene(8, 32, 48)
    with pytest.raises(UsageError, match="'cvvdp' scores moving pictures: leave probe_frames"):
        Score("cvvdp", 6.0, probe_frames=2)
    with pytest.raises(UsageError, match="even is 'cvvdp', which scores moving pictures"):
        freegvc.Rate(bpp=0.1, even="cvvdp")
    gops = []
    target = Score("cvvdp", 4.0, tolerance=0.3)
    compressed = freegvc.compress(
        freegvc.open_video(frames), target, prior="analytic", on_event=gops.append
    )
    decoded = freegvc.decompress(compressed).frames
    (done,) = [event for event in gops if isinstance(event, freegvc.GopDone)]
    assert done.score == pytest.approx(cvvdp(frames, decoded), abs=1e-4)
    assert done.score == pytest.approx(4.0, abs=0.3)
    assert np.isfinite(done.score)
