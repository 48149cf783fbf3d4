"""Drift samples: eight latents in eight bytes, with which a decoder measures its drift.

A model in another arithmetic, with another kernel or on another device does not give the encoder's
floats. The walk then ends near the encoder's state, not at it. Both sides quantise the same eight
latents of their state; only a report depends on the comparison.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from freegvc._bitstream.packet import DRIFT_SAMPLES_BYTES
from freegvc._channel.counter import Address, Kind, words

if TYPE_CHECKING:
    from torch import Tensor

STEPS_PER_SIGMA = 16
# Values are modulo 256, so differences beyond 8 sigma alias to smaller ones; unless all eight do
# so at once, what is left is far above any limit.
_RANGE = 256

# float32 does not hold larger numbers to a unit: a latent beyond is lost, as one that is not finite
_LARGEST = 1 << 24

# The state has noise of one sigma by design. A drift of half a sigma adds a quarter of its power,
# which costs 1 dB of the SNR that the bits have paid for. More deserves a warning.
DRIFT_LIMIT_SIGMA = 0.5


def sampled_positions(address: Address, dims: int) -> list[int]:
    """Which eight of `dims` latents are sampled; integers alone choose them.

    Args:
        address: key, GOP, and the number of steps coded so far.
        dims: size of the latent, < 2^31.
    """
    drawn = words(address, Kind.DRIFT_SAMPLES, np.zeros(2, np.int64), np.arange(2, dtype=np.int64))
    return [int(word) * dims >> 32 for part in drawn for word in part]


def drift_samples_of(z: Tensor, sigma: float, address: Address) -> bytes:
    """The drift samples of a state: round(16 z / sigma) mod 256 at eight positions.

    Args:
        z: float32 [C, T', h', w'], the state.
        sigma: standard deviation of the noise at the state's level.
        address: key, GOP, and the number of steps coded so far.

    Returns:
        8 bytes; a latent that is lost (not finite, or beyond 2^24 steps) gives 0.
    """
    return bytes(0 if value is None else value for value in _values(z, sigma, address))


def drift_sigma(z: Tensor, sigma: float, address: Address, samples: bytes) -> float:
    """Drift of a state from the one whose samples are given.

    Args:
        z, sigma, address: as for `drift_samples_of`, of the state to compare.
        samples: 8 bytes from the packet.

    Returns:
        Root mean square of the wrapped differences in units of sigma, 0 .. 8: 0 for the same
        state, 1/16 being the smallest difference of a latent. One that is lost counts 8.
    """
    squares = 0.0
    for mine, theirs in zip(_values(z, sigma, address), samples, strict=True):
        half = _RANGE // 2
        difference = half if mine is None else (mine - theirs + half) % _RANGE - half
        squares += (difference / STEPS_PER_SIGMA) ** 2
    return math.sqrt(squares / DRIFT_SAMPLES_BYTES)


def _values(z: Tensor, sigma: float, address: Address) -> list[int | None]:
    """The quantised latents; None where one is lost."""
    chosen = z.reshape(-1)[sampled_positions(address, z.numel())].tolist()
    scaled = (STEPS_PER_SIGMA * value / sigma for value in chosen)
    # the comparison is false for NaN too
    return [round(value) % _RANGE if abs(value) < _LARGEST else None for value in scaled]
