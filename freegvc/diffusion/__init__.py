"""Noise levels, kernels of one step, and the deterministic samplers."""

from freegvc.diffusion.kernel import Kernel, kernel
from freegvc.diffusion.levels import NoiseLevel, NoiseSchedule
from freegvc.diffusion.samplers import SAMPLERS, ddim, dpmpp2m, silent_timesteps

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
