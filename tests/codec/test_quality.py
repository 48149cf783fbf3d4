"""Targets as a user meets them: what is printed is what the file has."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import freegvc
from freegvc import LikeFirstGop, Rate, Score, StopStep
from freegvc.errors import MetricUnavailableError, TargetError, TargetWarning
from freegvc.events import GopDone, ProbeDone, ProbeStarted, StepSent
from freegvc.metrics import METRICS, pool
from tests.codec.coding import CountingPrior, compress, decoded_gops
from tests.codec.toy_priors import CausalPrior, ContextPrior, StridedPrior


def coded(frames, target=None, **keywords):
    """The stream, of each GOP its last event, and all events."""
    heard = []
    keywords = {"gop_length": 8, "overlap": 4} | keywords
    compressed = compress(frames, target, **keywords, on_event=heard.append)
    return compressed, [e for e in heard if isinstance(e, GopDone)], heard


@pytest.mark.parametrize("prior", [None, CausalPrior(), StridedPrior()])
@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_score_printed_is_that_of_the_decoded_file(uneven, prior, pooling):
    model = {} if prior is None else {"prior": prior}
    compressed, done, _ = coded(
        uneven, Score("psnr", 21.0, tolerance=0.3, pooling=pooling), **model
    )
    decoded, shown = decoded_gops(compressed, **model)
    assert len(done) == len(shown) >= 4
    for event, gop in zip(done, shown, strict=True):
        scores = METRICS["psnr"](uneven[gop], decoded[gop])
        expected = pool(scores, pooling, higher_is_better=True)
        assert event.score == pytest.approx(expected, abs=1e-6)
        assert event.reached
        assert abs(event.score - 21.0) <= 0.3
        assert 1 <= event.num_probes <= 12


@pytest.mark.parametrize(
    "target", [Score("psnr", 21.0, tolerance=0.5), LikeFirstGop(StopStep(850), "psnr")]
)
@pytest.mark.parametrize("overlap", [0, 4])
def test_frames_shown_of_the_gop_before_are_scored_too(scene, target, overlap):
    frames, prior = scene(40, 64, 96), ContextPrior()
    compressed, done, _ = coded(frames, target, prior=prior, gop_length=12, overlap=overlap)
    decoded, shown = decoded_gops(compressed, prior=prior)
    assert [gop.start for gop in shown[1:]] == [
        compressed.header.plan.first_frame(gop) - 2 for gop in range(1, len(shown))
    ]
    measured = [METRICS["psnr"](frames[gop], decoded[gop]).mean() for gop in shown]
    assert [event.score for event in done] == pytest.approx(measured, abs=1e-6)


def test_probes_are_told_before_and_after(uneven):
    compressed, done, heard = coded(uneven, Score("psnr", 21.0, tolerance=0.3))
    started = [e for e in heard if isinstance(e, ProbeStarted)]
    probed = [e for e in heard if isinstance(e, ProbeDone)]
    assert [(e.gop, e.num_steps, e.bits) for e in started] == [
        (e.gop, e.num_steps, e.bits) for e in probed
    ]
    for event, gop in zip(done, compressed.gops, strict=True):
        of_gop = [e for e in probed if e.gop == event.gop]
        assert len(of_gop) == event.num_probes
        # the file holds the state that was scored, not another one
        assert (gop.bits, event.score) in [(e.bits, e.score) for e in of_gop]
        assert (gop.num_steps, gop.stop_step) == (event.num_steps, event.stop_step)


def test_lpips_target(clips, scene, monkeypatch):
    monkeypatch.setenv("FREEGVC_METRIC_WEIGHTS", str(clips.parent / "weights"))
    frames = scene(12, 64, 96)
    compressed, done, _ = coded(frames, Score("lpips", 0.4, tolerance=0.02))
    decoded, shown = decoded_gops(compressed)
    for event, gop in zip(done, shown, strict=True):
        expected = METRICS["lpips"](frames[gop], decoded[gop]).mean()
        assert event.score == pytest.approx(expected, abs=1e-6)
        assert abs(event.score - 0.4) <= 0.02


def test_missing_weights_are_said_before_any_work(scene, tmp_path):
    heard = []
    with pytest.raises(MetricUnavailableError):
        freegvc.compress(
            scene(4, 48, 64),
            Score("lpips", 0.4, weights=tmp_path / "nowhere"),
            on_event=heard.append,
        )
    assert heard == []


def test_what_cannot_be_reached_is_flagged_or_refused(uneven):
    with pytest.warns(TargetWarning, match="GOP 0 has psnr"):
        compressed, done, heard = coded(uneven[:8], Score("psnr", 60.0))
    assert [e.reached for e in done] == [False]
    limit = next(e.score for e in heard if isinstance(e, ProbeDone) and e.bits is None)
    assert limit - 0.3 <= done[0].score <= limit
    assert freegvc.decompress(compressed).num_frames == 8
    with pytest.raises(TargetError, match="60"):
        coded(uneven[:8], Score("psnr", 60.0, strict=True))
    with pytest.warns(TargetWarning):
        _, done, _ = coded(uneven[:8], Score("psnr", 3.0))
    assert (done[0].reached, done[0].num_steps) == (False, 0)
    with pytest.warns(TargetWarning):
        _, done, _ = coded(uneven[:8], Score("psnr", 14.0, max_probes=1))
    assert (done[0].reached, done[0].num_probes) == (False, 1)


@pytest.mark.parametrize("first", [StopStep(850), Rate(bpp=0.018)])
def test_the_first_gop_sets_the_goal(uneven, first):
    compressed, done, _ = coded(uneven, LikeFirstGop(first, "psnr", tolerance=0.3))
    plain, _, _ = coded(uneven[:8], first)
    assert compressed.stream.packets[0] == plain.stream.packets[0]
    assert len(done) == 5
    assert all(abs(e.score - done[0].score) <= 0.3 for e in done)
    decoded, shown = decoded_gops(compressed)
    measured = [METRICS["psnr"](uneven[g], decoded[g]).mean() for g in shown]
    assert [e.score for e in done] == pytest.approx(measured, abs=1e-6)


def test_a_target_in_a_custom_distance_is_met(uneven):
    def grey_levels(reference, distorted):
        return np.abs(reference.astype(float) - distorted).mean(axis=(1, 2, 3))

    compressed, done, heard = coded(uneven[:12], Score(grey_levels, 14.0, tolerance=0.5))
    decoded, shown = decoded_gops(compressed)
    measured = [grey_levels(uneven[gop], decoded[gop]).mean() for gop in shown]
    assert [e.score for e in done] == pytest.approx(measured, abs=1e-6)
    assert all(abs(score - 14.0) <= 0.5 for score in measured)
    assert {e.metric for e in heard if isinstance(e, ProbeDone)} == {"grey_levels"}


def test_few_probe_frames_still_end_in_the_score_of_all(uneven):
    compressed, done, _ = coded(uneven, Score("psnr", 21.0, tolerance=0.3, probe_frames=2))
    decoded, shown = decoded_gops(compressed)
    for event, gop in zip(done, shown, strict=True):
        expected = METRICS["psnr"](uneven[gop], decoded[gop]).mean()
        assert event.score == pytest.approx(expected, abs=1e-6)
        assert abs(event.score - 21.0) <= 0.3


def test_a_miss_seen_on_few_frames_is_measured_on_all(uneven):
    with pytest.warns(TargetWarning):
        compressed, done, _ = coded(
            uneven[:8], Score("psnr", 30.0, tolerance=0.001, probe_frames=2, max_probes=2)
        )
    decoded = freegvc.decompress(compressed).frames
    assert not done[0].reached
    expected = METRICS["psnr"](uneven[:8], decoded).mean()
    assert done[0].score == pytest.approx(expected, abs=1e-6)


def test_a_fresh_process_has_the_printed_score(uneven, tmp_path):
    compressed, done, _ = coded(uneven, Score("psnr", 21.0, tolerance=0.3))
    path, out = compressed.save(tmp_path / "a.fgvc"), tmp_path / "frames.npy"
    code = (
        "import sys, numpy, freegvc;numpy.save(sys.argv[2], freegvc.decompress(sys.argv[1]).frames)"
    )
    subprocess.run([sys.executable, "-c", code, path, out], check=True)
    _, shown = decoded_gops(compressed)
    frames = np.load(out)
    measured = [METRICS["psnr"](uneven[g], frames[g]).mean() for g in shown]
    assert [e.score for e in done] == pytest.approx(measured, abs=1e-6)


def test_a_score_is_steadier_than_a_step_at_the_same_size(uneven):
    controlled, done, _ = coded(uneven, Score("psnr", 21.0, tolerance=0.3))
    scores = {}
    for stop in range(760, 960, 8):
        fixed, _, _ = coded(uneven, stop_step=stop)
        if fixed.num_bytes <= controlled.num_bytes:
            decoded, shown = decoded_gops(fixed)
            scores = [METRICS["psnr"](uneven[g], decoded[g]).mean() for g in shown]
            break
    assert np.std(scores) >= 3 * np.std([e.score for e in done])


@pytest.fixture(autouse=True)
def _no_surprises():
    with warnings.catch_warnings():
        warnings.simplefilter("error", TargetWarning)
        yield


def test_a_score_takes_the_calls_of_one_walk_and_of_its_probes(scene):
    """With history: those of the furthest walk, and at most the silent parts of three probes."""
    prior, silent = CountingPrior(), 4
    target = Score("psnr", 21.0, tolerance=0.3)
    _, done, heard = coded(scene(24, 96, 128), target, prior=prior, silent_steps=silent)
    assert sum(event.model_calls for event in done) == prior.num_calls
    for event in done[1:]:
        sent = [e.num_steps for e in heard if isinstance(e, StepSent) and e.gop == event.gop]
        assert event.num_probes <= 3
        # the end of the furthest walk is predicted to know what the next step would take
        assert event.model_calls <= max(sent) + 1 + event.num_probes * silent


def test_the_first_silent_call_is_that_of_the_walk(uneven):
    prior, silent = CountingPrior(), 4
    target = Score("psnr", 21.0, tolerance=30.0)  # the first probe is near enough
    _, done, _ = coded(uneven[:8], target, prior=prior, silent_steps=silent)
    assert done[0].num_probes == 2  # the limit, and one state
    assert prior.num_calls == done[0].num_steps + silent


def test_a_stop_step_takes_one_call_for_each_step(uneven):
    prior = CountingPrior()
    compressed, done, _ = coded(uneven, StopStep(850), prior=prior, silent_steps=4)
    assert [event.model_calls for event in done] == [gop.num_steps for gop in compressed.gops]
    assert prior.num_calls == sum(gop.num_steps for gop in compressed.gops)
