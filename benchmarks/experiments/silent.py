"""How many model calls the silent part needs: scores by stop step and calls for 1,000 timesteps.

The state at a stop step is alpha y + sigma eps, as a walk of an ideal coder ends: what differs
between the rows of one stop step is the silent part alone. `fixed` is what a rate is compared with.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import MAX_SIZE, Frames
from freegvc._bitstream import silent_rule
from freegvc._channel.counter import Kind
from freegvc._channel.normals import noise
from freegvc._trajectory import Silent, State, Walk
from freegvc.metrics import lpips, psnr
from freegvc.priors import Prior

STOP_STEPS = (900, 800, 700, 600, 500, 400, 300, 200, 100, 50)
RATES = (3, 4, 6, 8, 10, 12)
FIXED = 20
CLIPS = ("basketballpass", "pancake.mkv", "bikes.mp4", "foreman_cif_intra.264")


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row for each stop step and rule."""
    del name
    latent = prior.encode_frames(frames)
    channels, t, h, w = latent.shape
    walk = Walk(prior, prior.fit(latent), (channels, t, h, w), key=0, gop=0)
    eps = noise(walk.address(0), Kind.START_NOISE, latent.numel(), latent.device)
    for stop in STOP_STEPS:
        level = prior.schedule.level(stop)
        state = State(stop, level.alpha * latent + level.sigma * eps.reshape(latent.shape), 1)
        scores: dict[int, tuple[float, float]] = {}
        for rate in (*RATES, None):
            calls = FIXED if rate is None else silent_rule.num_steps(0, rate, stop)
            if calls not in scores:
                clean = walk.finish(state, Silent("ddim", calls))
                decoded = prior.decode_latent(clean, *frames.shape[1:3])
                scores[calls] = (
                    float(lpips(frames, decoded).mean()),
                    float(psnr(frames, decoded).mean()),
                )
            yield {
                "stop_step": stop,
                "snr": round(level.snr, 4),
                "rate": rate,
                "calls": calls,
                "lpips": round(scores[calls][0], 4),
                "psnr_db": round(scores[calls][1], 3),
            }


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each stop step and rate against the fixed number: the worst clip, and the mean over all."""
    fixed = {(row["clip"], row["stop_step"]): row for row in rows if row["rate"] is None}
    against: dict[tuple[int, int], list[tuple[Row, Row]]] = {}
    for row in rows:
        if row["rate"] is not None and (row["clip"], row["stop_step"]) in fixed:
            pair = row, fixed[row["clip"], row["stop_step"]]
            against.setdefault((row["stop_step"], row["rate"]), []).append(pair)
    return [
        {
            "stop_step": stop,
            "rate": rate,
            "calls": pairs[0][0]["calls"],
            "lpips_more": round(max(row["lpips"] - full["lpips"] for row, full in pairs), 4),
            "psnr_less_db": round(max(full["psnr_db"] - row["psnr_db"] for row, full in pairs), 3),
            "mean_lpips": round(statistics.fmean(row["lpips"] for row, _ in pairs), 4),
            "mean_lpips_fixed": round(statistics.fmean(full["lpips"] for _, full in pairs), 4),
        }
        for (stop, rate), pairs in against.items()
    ]


SETTINGS = {"sampler": "ddim", "fixed": FIXED}
EXPERIMENT = Experiment(__doc__, measure, CLIPS, 16, SETTINGS, MAX_SIZE, summarise)
