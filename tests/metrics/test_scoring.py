"""Scores of whole videos: the same in chunks, in bounded memory, with any metric."""

from dataclasses import replace

import numpy as np
import pytest

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import METRICS, Metric, tof, warp_error
from freegvc.metrics.scoring import check_metrics, score_frames
from freegvc.metrics.whole_video import StoredPair


def gradient(num_frames, height=32, width=40):
    t, y, x = np.mgrid[0:num_frames, 0:height, 0:width]
    return np.stack([(x + 3 * t) % 256, (2 * y) % 256, (x * y // 9) % 256], -1).astype(np.uint8)


def mean_error(reference, distorted):
    return np.abs(reference.astype(float) - distorted).mean(axis=(1, 2, 3))


def test_memory_is_bounded_and_every_pair_is_seen_once():
    alive, most, seen = set(), 0, []

    class Counted(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    def frames(num_frames, level):
        nonlocal most
        for _ in range(num_frames):
            frame = np.full((4, 4, 3), level, np.uint8).view(Counted)
            alive.add(id(frame))
            most = max(most, len(alive))
            yield frame

    scores = score_frames(frames(50, 10), frames(50, 11), lambda index, a, b: seen.append(index))
    assert scores.num_frames == len(scores.per_frame["psnr"]) == 50
    assert seen == list(range(50))
    assert most <= 40
    assert scores.mean("psnr") == pytest.approx(20 * np.log10(255))


def test_temporal_scores_are_the_same_in_chunks():
    frames = gradient(19)  # chunks of 8, 8 and 3
    other = (frames // 2 + 20).astype(np.uint8)
    scores = score_frames(frames, other, metrics=("tof", "warp_error"))
    for name, metric in (("tof", tof), ("warp_error", warp_error)):
        values = scores.per_frame[name]
        assert np.isnan(values[0])
        assert values[1:] == pytest.approx(metric(frames, other).tolist())
    single = score_frames(frames[:1], other[:1], metrics=("tof",))
    assert single.mean("tof") is None
    assert single.describe("tof") == "not defined for these frames"
    odd = score_frames(frames[:9], other[:9], metrics=("tof",))  # a chunk of one frame
    assert odd.per_frame["tof"][1:] == pytest.approx(tof(frames[:9], other[:9]).tolist())


def test_metrics_may_be_names_objects_and_functions():
    frames = gradient(11)
    other = (frames // 2 + 20).astype(np.uint8)
    scores = score_frames(frames, other, metrics=("psnr", METRICS["tof"], mean_error))
    assert list(scores.metrics) == list(scores.per_frame) == ["psnr", "tof", "mean_error"]
    expected = mean_error(frames, other)
    assert scores.per_frame["mean_error"] == pytest.approx(expected.tolist())
    assert scores.mean("mean_error") == pytest.approx(expected.mean())
    assert scores.worst("mean_error") == pytest.approx(expected.max())
    assert scores.describe("mean_error").startswith(f"{expected.mean():.4f}, highest ")


def test_two_metrics_of_one_name_are_refused():
    functions = (lambda a, b: 0.0, lambda a, b: 1.0)
    with pytest.raises(UsageError, match="two different metrics are called '<lambda>'"):
        score_frames(gradient(2), gradient(2), metrics=functions)


def test_metrics_are_checked_by_name():
    check_metrics(("psnr", "ms_ssim", mean_error))
    with pytest.raises(UsageError, match="no metric 'vmax'"):
        check_metrics(("psnr", "vmax"))
    for name in ("lpips", "fid"):
        with pytest.raises(MetricUnavailableError):
            check_metrics((name,))


def moves(reference, distorted, *, weights, device):
    """A score that needs all frames: how far each is from the first of the video."""
    gap = distorted.astype(float) - reference[:1]
    return np.abs(gap).mean(axis=(1, 2, 3))


def test_a_metric_that_takes_a_video_gets_all_frames_at_once():
    frames = gradient(19)  # chunks of 8, 8 and 3
    other = (frames // 2 + 20).astype(np.uint8)
    each = Metric("moves", "moves", False, 1, compute=moves, takes_video=True)
    whole = replace(each, name="whole", is_single=True)
    scores = score_frames(iter(frames), iter(other), metrics=("psnr", each, whole))
    expected = moves(frames, other, weights=None, device="cpu")
    assert scores.per_frame["moves"] == pytest.approx(expected.tolist())
    assert len(scores.per_frame["psnr"]) == 19
    assert "whole" not in scores.per_frame
    assert scores.per_video == {"whole": pytest.approx(expected[0])}
    assert scores.mean("whole") == scores.worst("whole") == pytest.approx(expected[0])
    assert scores.describe("whole") == f"{expected[0]:.4f}"


def test_a_metric_that_takes_a_video_is_not_defined_for_small_frames():
    metrics = ("cvvdp", "vmaf", "fid")
    scores = score_frames(gradient(3, 6, 7), gradient(3, 6, 7), metrics=metrics)
    assert scores.per_frame == {"vmaf": None}
    assert scores.per_video == {"cvvdp": None, "fid": None}
    assert scores.describe("cvvdp") == "not defined below 8 px"
    assert scores.describe("vmaf") == "not defined below 32 px"


def test_stored_frames_leave_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(reference, distorted, *, weights, device):
        raise ZeroDivisionError

    broken = Metric("broken", "broken", False, 1, compute=fails, takes_video=True)
    with pytest.raises(ZeroDivisionError):
        score_frames(gradient(9), gradient(9), metrics=(broken,))
    assert list(tmp_path.iterdir()) == []
    pair = StoredPair(32, 40)
    pair.close()
    with pytest.raises(ValueError, match="closed"):
        pair.add(gradient(1), gradient(1))
