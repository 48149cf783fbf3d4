"""Rates over many GOPs: never above the budget, hardly below, and even in quality."""

import subprocess
import sys

import numpy as np
import pytest

import freegvc
from freegvc.channel.pfr.coder import PfrCoder
from freegvc.codec import GopDone, StepSent
from freegvc.errors import TargetError
from freegvc.metrics import METRICS
from tests.codec.decoding import decoded_gops

FAST = PfrCoder(log2_candidates=10)


def compress(frames, **keywords):
    return freegvc.compress(
        frames, coder=FAST, gop_length=8, overlap=4, prior="analytic", **keywords
    )


@pytest.mark.parametrize("num_bytes", [1500, 2500, 4000, 8000])
def test_five_gops_land_below_the_budget_and_near_it(uneven, num_bytes, tmp_path):
    compressed = compress(uneven, target_bytes=num_bytes)
    assert compressed.header.num_gops == 5
    path = compressed.save(tmp_path / "a.fgvc")
    assert 0.97 * num_bytes <= path.stat().st_size <= num_bytes


def test_bpp_and_kbps_are_the_same_budget(uneven):
    pixels = uneven[..., 0].size
    by_bytes = compress(uneven, target_bytes=3000)
    by_bpp = compress(uneven, target_bpp=3000 * 8 / pixels)
    # 24 frames at 25 a second
    by_kbps = compress(uneven, target_kbps=3000 * 8 / (24 / 25) / 1000)
    assert by_bytes.data == by_bpp.data == by_kbps.data


def test_bits_go_where_the_picture_is_hard(uneven):
    compressed = compress(uneven, target_bytes=4000)
    decoded, shown = decoded_gops(compressed)
    spread = np.std([METRICS["psnr"](uneven[g], decoded[g]).mean() for g in shown])
    sizes = [gop.bits for gop in compressed.gops]
    assert max(sizes) > 1.5 * min(sizes)
    # as equal shares would have it
    alone = []
    for gop in shown:
        part = uneven[gop]
        own = compress(part, target_bytes=round((4000 - 65) * len(part) / 24) + 60)
        alone.append(METRICS["psnr"](part, freegvc.decompress(own).frames).mean())
    assert spread < np.std(alone) / 1.3


def test_events_and_infos_agree_after_the_cut(uneven):
    heard = []
    compressed = compress(uneven, target_bytes=3000, on_event=heard.append)
    done = [e for e in heard if isinstance(e, GopDone)]
    assert [(e.stop_step, e.num_steps, 8 * e.num_bytes) for e in done] == [
        (g.stop_step, g.num_steps, g.bits) for g in compressed.gops
    ]


def test_cut_packets_decode_without_drift_in_a_fresh_process(uneven, tmp_path):
    compressed = compress(uneven, target_bytes=3000)
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
        compress(uneven, target_bytes=150, on_event=heard.append)
    assert not any(isinstance(event, StepSent) for event in heard)
