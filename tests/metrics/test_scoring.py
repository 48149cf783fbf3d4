"""Scores of whole videos: the same in chunks, in bounded memory, with any metric."""

import numpy as np
import pytest

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import METRICS, tof, warp_error
from freegvc.metrics.scoring import check_metrics, score_frames


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
    with pytest.raises(UsageError, match="no metric 'vmaf'"):
        check_metrics(("psnr", "vmaf"))
    for name in ("lpips", "fid"):
        with pytest.raises(MetricUnavailableError):
            check_metrics((name,))
