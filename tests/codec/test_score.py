"""freegvc._codec.score: videos and streams of every kind against their original."""

import numpy as np
import pytest

from freegvc import GopDecoded, Settings, compress, decompress
from freegvc._codec.score import score
from freegvc._video import Video, open_video
from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import psnr


@pytest.fixture(scope="module")
def frames(scene):
    return scene(9, 32, 48)


@pytest.fixture(scope="module")
def compressed(frames):
    settings = Settings(gop_length=5, overlap=2)
    return compress(frames, prior="analytic", settings=settings, stop_step=800)


@pytest.fixture(scope="module")
def expected(frames, compressed):
    return psnr(frames, decompress(compressed).frames)


def test_a_stream_in_any_form_is_decoded(frames, compressed, expected, tmp_path):
    path = compressed.save(tmp_path / "clip.fgvc")
    for stream in (compressed, compressed.data, path, str(path)):
        scores = score(frames, stream)
        assert scores.per_frame["psnr"] == pytest.approx(expected.tolist())
        assert scores.per_frame["ms_ssim"] is None  # the frames are too small
        assert (scores.width, scores.height, scores.num_frames) == (48, 32, 9)


def test_a_video_in_any_form_is_read(frames, compressed, expected, tmp_path):
    decoded = decompress(compressed)
    decoded.save(tmp_path / "pictures")
    for video in (decoded, decoded.frames, open_video(decoded), tmp_path / "pictures"):
        scores = score(Video.from_array(frames), video, metrics=["psnr"])
        assert scores.per_frame == {"psnr": pytest.approx(expected.tolist())}
    planes = tmp_path / "grey.yuv"
    planes.write_bytes(np.full((9, 32, 48), 128, np.uint8).tobytes())
    raw = open_video(planes, size="48x32", pix_fmt="gray")
    assert score(raw, frames, metrics=["psnr"]).num_frames == 9


def test_events_and_pairs_are_reported(frames, compressed):
    events, pairs = [], []
    score(
        frames,
        compressed,
        metrics=["psnr"],
        on_event=events.append,
        on_pair=lambda index, a, b: pairs.append(index),
    )
    assert len([e for e in events if isinstance(e, GopDecoded)]) == compressed.header.num_gops
    assert pairs == list(range(9))


def test_a_function_is_a_metric(frames, compressed):
    def largest(reference, distorted):
        return np.abs(reference.astype(int) - distorted).max(axis=(1, 2, 3))

    scores = score(frames, compressed, metrics=[largest])
    expected = largest(frames, decompress(compressed).frames)
    assert scores.per_frame["largest"] == expected.tolist()


def test_metrics_are_checked_before_anything_is_opened(frames, monkeypatch, tmp_path):
    with pytest.raises(UsageError, match="no metric 'nix'"):
        score("nowhere.mp4", "nowhere.fgvc", metrics=["nix"])
    with pytest.raises(MetricUnavailableError, match="does not exist"):
        score("nowhere.mp4", "nowhere.fgvc", metrics=["lpips"], weights=tmp_path / "gone")
    with pytest.raises(UsageError, match="9 frames, the other video 8"):
        score(frames, frames[:8])
