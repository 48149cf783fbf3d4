"""The linear transform of blocks that an autoencoder starts with."""

from __future__ import annotations

import torch
from torch import Tensor


def amplitudes(samples: Tensor, channels: int) -> tuple[Tensor, Tensor, Tensor]:
    """The first principal components of samples, and how they are scaled.

    Component i of variance l_i gets the amplitude l_i^(1/4): between l_i^(1/2), which leaves all
    but the mean colour below the noise, and whitening, which makes trifles as important.

    Args:
        samples: float64 [N, D].
        channels: how many components.

    Returns:
        Forth [channels, D], back [D, channels], and the mean [D] of the samples: latents are
        forth (x - mean), of unit power over all channels, and back undoes it.
    """
    mean = samples.mean(0)
    variance, basis = torch.linalg.eigh((samples - mean).T @ (samples - mean) / len(samples))
    variance, basis = variance[-channels:].flip(0), basis[:, -channels:].flip(1)
    gain = variance ** (-0.25)
    gain /= (gain.square() * variance).mean().sqrt()
    return (basis * gain).T, basis / gain, mean
