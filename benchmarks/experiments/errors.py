"""How well a prior predicts at each noise level, from which `grid` and `steps` price all grids.

The last columns verify the pricing: the KL of one real walk, whose steps are delivered exactly,
against the bits that the curve gives for the same grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from benchmarks.experiments.base import Experiment, Row
from benchmarks.experiments.error_curve import ErrorCurve, measure_error, roots_to
from benchmarks.frames import Frames
from freegvc._channel.counter import Kind
from freegvc._channel.normals import noise
from freegvc._trajectory import Pace, Walk, grid_to
from freegvc.priors import Prior

HIGHEST = 8.0  # sqrt(SNR); CogVideoX-2B's timestep 50 has 2.5
LEVELS = 56
WALK_TO = 6.3  # SNR at which the real walk stops


def measure(name: str, frames: Frames, prior: Prior) -> Iterator[Row]:
    """One row."""
    latent, schedule = prior.encode_frames(frames), prior.schedule
    wanted = HIGHEST * np.linspace(0.0, 1.0, LEVELS) ** 2
    reached = {schedule.noisiest_with(root * root) for root in wanted[1:]}
    timesteps = sorted({schedule.start, *reached}, reverse=True)
    roots = [schedule.snr(timestep) ** 0.5 for timestep in timesteps]
    errors = measure_error(prior, latent, timesteps)
    curve = ErrorCurve(name, latent.numel(), roots, errors)
    pace = Pace(prior.defaults.first_step, prior.defaults.growth)
    stop = schedule.noisiest_with(WALK_TO)
    walked = grid_to(schedule, stop, pace)
    yield {
        "dims": curve.dims,
        "pixels": frames[..., 0].size,
        "root_snr": [round(root, 5) for root in roots],
        "squared_error": [round(error, 1) for error in errors],
        "walk_steps": len(walked),
        "walk_kl_bits": round(sum(exact_walk(prior, latent, walked)), 1),
        "priced_bits": round(curve.bits(roots_to(schedule, stop, pace)), 1),
    }


def exact_walk(prior: Prior, latent: torch.Tensor, timesteps: Sequence[int]) -> list[float]:
    """The KL in bits of each step of a walk whose channel delivers n = delta + eps exactly.

    Args:
        prior: the model.
        latent: y, float32 [C, T', h', w'].
        timesteps: where its steps arrive.
    """
    channels, t, h, w = latent.shape
    walk = Walk(prior, prior.fit(latent), (channels, t, h, w), key=0, gop=0)
    state = walk.start()
    kl_bits = []
    for timestep in timesteps:
        error = latent - walk.x0_hat(state)
        step = walk.kernel(state, timestep)
        kl_bits.append(step.kl_nats(float(error.double().square().sum())) / math.log(2.0))
        eps = noise(walk.address(state.num_steps), Kind.FREE_NOISE, latent.numel(), latent.device)
        state = walk.advance(state, timestep, step.delta_scale * error.flatten() + eps)
    return kl_bits


EXPERIMENT = Experiment(
    __doc__, measure, ("basketballpass", "pancake.mkv"), 48, prior="freegvc-small"
)
