"""Rates over many GOPs: never above the budget, hardly below, and even in quality."""

import subprocess
import sys

import numpy as np
import pytest

import freegvc
from freegvc.errors import TargetError
from freegvc.events import GopDone, StepSent
from freegvc.metrics import METRICS
from tests.codec.coding import CountingPrior, compress, decoded_gops


def coded(frames, target=None, **keywords):
    return compress(frames, target, gop_length=8, overlap=4, **keywords)


@pytest.mark.parametrize("num_bytes", [1500, 2500, 4000, 8000])
def test_five_gops_land_below_the_budget_and_near_it(uneven, num_bytes, tmp_path):
    compressed = coded(uneven, target_bytes=num_bytes)
    assert compressed.header.num_gops == 5
    path = compressed.save(tmp_path / "a.fgvc")
    assert 0.97 * num_bytes <= path.stat().st_size <= num_bytes


def test_bpp_and_kbps_are_the_same_budget(uneven):
    pixels = uneven[..., 0].size
    by_bytes = coded(uneven, target_bytes=3000)
    by_bpp = coded(uneven, target_bpp=3000 * 8 / pixels)
    # 24 frames at 25 a second
    by_kbps = coded(uneven, target_kbps=3000 * 8 / (24 / 25) / 1000)
    assert by_bytes.data == by_bpp.data == by_kbps.data


def test_bits_go_where_the_picture_is_hard(uneven):
    compressed = coded(uneven, freegvc.Rate(num_bytes=4000, even="psnr"))
    decoded, shown = decoded_gops(compressed)
    spread = np.std([METRICS["psnr"](uneven[g], decoded[g]).mean() for g in shown])
    sizes = [gop.bits for gop in compressed.gops]
    assert max(sizes) > 1.5 * min(sizes)
    # as equal shares would have it
    alone = []
    for gop in shown:
        part = uneven[gop]
        own = coded(part, target_bytes=round((4000 - 65) * len(part) / 24) + 60)
        alone.append(METRICS["psnr"](part, freegvc.decompress(own).frames).mean())
    assert spread < np.std(alone) / 1.3


def test_events_and_infos_agree_after_the_cut(uneven):
    heard = []
    compressed = coded(uneven, target_bytes=3000, on_event=heard.append)
    done = [e for e in heard if isinstance(e, GopDone)]
    assert [(e.stop_step, e.num_steps, 8 * e.num_bytes) for e in done] == [
        (g.stop_step, g.num_steps, g.bits) for g in compressed.gops
    ]


def test_cut_packets_decode_without_drift_in_a_fresh_process(uneven, tmp_path):
    compressed = coded(uneven, target_bytes=3000)
    path, out = compressed.save(tmp_path / "a.fgvc"), tmp_path / "frames.npy"
    code = (
        "import sys, numpy, freegvc\n"
        "heard = []\n"
        "video = freegvc.decompress(sys.argv[1], on_event=heard.append)\n"
        "numpy.save(sys.argv[2], video.frames)\n"
        "assert [e.drift_sigma for e in heard if hasattr(e, 'drift_sigma')] == [0.0] * 5\n"
    )
    subprocess.run([sys.executable, "-c", code, path, out], check=True)
    assert np.array_equal(np.load(out), freegvc.decompress(compressed).frames)


def test_a_budget_below_the_empty_packets_is_refused(uneven):
    heard = []
    with pytest.raises(TargetError, match="before a single step"):
        coded(uneven, target_bytes=150, on_event=heard.append)
    assert not any(isinstance(event, StepSent) for event in heard)


def test_a_budget_that_the_empty_stream_fits_is_met(uneven):
    empty = len(coded(uneven, stop_step=1000).data)
    for num_bytes in (empty, empty + 9):
        compressed = coded(uneven, target_bytes=num_bytes)
        assert empty <= len(compressed.data) <= num_bytes
    bpp = 8.0 * (empty + 1) / uneven[..., 0].size
    assert len(coded(uneven, target_bpp=bpp).data) <= empty + 1


def test_messages_speak_of_the_number_that_the_user_gave(uneven):
    with pytest.raises(TargetError, match=r"target is 150 bytes .* allow at least \d+ bytes"):
        coded(uneven, target_bytes=150)
    with pytest.raises(TargetError, match=r"target is 0\.001 bpp, .* allow at least 0\.\d+ bpp"):
        coded(uneven, target_bpp=0.001)
    with pytest.raises(TargetError, match=r"target is 0\.5 kbps, .* allow at least .* kbps"):
        coded(uneven[:8], target_kbps=0.5)


@pytest.mark.parametrize("num_bytes", [2500, 8000])
def test_gops_stop_at_one_level_and_no_walk_goes_much_further(uneven, num_bytes):
    """At most 1.2 times the calls of plain walks, and one for each GOP; nothing is decoded."""
    heard, prior = [], CountingPrior()
    compressed = coded(uneven, target_bytes=num_bytes, prior=prior, on_event=heard.append)
    num_steps = sum(gop.num_steps for gop in compressed.gops)
    assert prior.num_calls <= 1.2 * num_steps + compressed.header.num_gops
    done = [event for event in heard if isinstance(event, GopDone)]
    assert sum(event.model_calls for event in done) == prior.num_calls
    assert not any(event.num_probes for event in done)
    stops = [gop.stop_step for gop in compressed.gops]
    roots = [prior.schedule.snr(stop) ** 0.5 for stop in stops]
    assert max(roots) <= 1.35 * min(roots)  # about one step of the grid


def test_even_scores_cost_calls_and_are_counted(uneven):
    heard, prior = [], CountingPrior()
    target = freegvc.Rate(num_bytes=4000, even="psnr")
    options = {"prior": prior, "silent_steps": 3, "on_event": heard.append}
    compressed = coded(uneven, target, **options)
    done = [event for event in heard if isinstance(event, GopDone)]
    assert sum(event.model_calls for event in done) == prior.num_calls
    assert all(event.num_probes in (1, 2) for event in done)
    assert prior.num_calls > 1.2 * sum(gop.num_steps for gop in compressed.gops) + 5 * 3


def test_chained_gops_cannot_be_even(uneven):
    with pytest.raises(freegvc.errors.UsageError, match="chained GOPs"):
        coded(uneven, freegvc.Rate(num_bytes=4000, even="psnr"), chain=True)
