"""Noise levels, kernels of one step, and the deterministic samplers."""

from freegvc._diffusion.kernel import Kernel, kernel
from freegvc._diffusion.levels import NoiseLevel, NoiseSchedule
from freegvc._diffusion.samplers import SAMPLERS, ddim, dpmpp2m, silent_timesteps

__all__ = [
    "SAMPLERS",
    "Kernel",
    "NoiseLevel",
    "NoiseSchedule",
    "ddim",
    "dpmpp2m",
    "kernel",
    "silent_timesteps",
]
