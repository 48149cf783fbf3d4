"""Short ways to compress and decompress in tests."""

import subprocess
import sys
from dataclasses import fields

import numpy as np

import freegvc
from freegvc._channel.pfr.coder import PfrCoder
from freegvc.events import GopDecoded
from freegvc.priors.analytic import AnalyticPrior

FAST = PfrCoder(log2_candidates=10)  # spends more bits on less work; decoders need not know
SETTINGS = {field.name for field in fields(freegvc.Settings)}


class CountingPrior(AnalyticPrior):
    """The analytic prior, which counts its calls."""

    num_calls = 0

    def predict_x0(self, z, timestep, side):
        self.num_calls += 1
        return super().predict_x0(z, timestep, side)


def compress(video, target=None, **keywords):
    """`freegvc.compress` with the fields of `Settings` among the keywords; analytic and fast."""
    given = {"coder": FAST, "prior": "analytic"} | keywords
    settings = {name: given.pop(name) for name in SETTINGS & given.keys()}
    return freegvc.compress(video, target, settings=freegvc.Settings(**settings), **given)


def decoded_in_a_fresh_process(path):
    """The frames of a stream's file, decoded by another Python; a file is left beside it."""
    code = (
        "import sys, numpy, freegvc;numpy.save(sys.argv[2], freegvc.decompress(sys.argv[1]).frames)"
    )
    out = path.with_suffix(".npy")
    subprocess.run([sys.executable, "-c", code, path, out], check=True)
    return np.load(out)


def decoded_gops(compressed, **keywords):
    """The decoded frames, and which of them each GOP shows."""
    heard = []
    frames = freegvc.decompress(compressed, **keywords, on_event=heard.append).frames
    done = [e for e in heard if isinstance(e, GopDecoded)]
    shown = [slice(e.first_frame, e.first_frame + e.num_frames) for e in done]
    assert sum(e.num_frames for e in done) == len(frames)
    return frames, shown
