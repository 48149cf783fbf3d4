"""Priors with latents like those of the diffusion models, and no model."""

import numpy as np

from freegvc.priors import LatentSpec
from freegvc.priors.analytic import AnalyticPrior

FOUR_FRAMES = LatentSpec(channels=6, temporal_stride=4, spatial_stride=8)


class CausalPrior(AnalyticPrior):
    """AnalyticPrior whose first latent has no counterpart in the GOP before, as in causal VAEs."""

    name = "causal-test-double"
    latent = LatentSpec(channels=6, temporal_stride=1, spatial_stride=8, is_causal=True)


class StridedPrior(AnalyticPrior):
    """AnalyticPrior with four frames in one latent, as the VAEs of the diffusion models have."""

    name = "strided-test-double"
    latent = LatentSpec(channels=24, temporal_stride=4, spatial_stride=8)

    def encode_frames(self, frames):
        latent = super().encode_frames(FOUR_FRAMES.pad(frames))
        c, t, h, w = latent.shape
        return latent.reshape(c, t // 4, 4, h, w).transpose(1, 2).reshape(c * 4, t // 4, h, w)

    def decode_latent(self, latent, height, width):
        return super().decode_latent(self.unfold(latent), height, width)

    def predict_x0(self, z, timestep, side):
        x0 = super().predict_x0(self.unfold(z), timestep, side)
        c, t, h, w = x0.shape
        return x0.reshape(c, t // 4, 4, h, w).transpose(1, 2).reshape(c * 4, t // 4, h, w)

    def fit(self, latent):
        return super().fit(self.unfold(latent))

    def side_count(self, shape):
        return super().side_count((shape[0] // 4, shape[1] * 4, *shape[2:]))

    @staticmethod
    def unfold(latent):
        c, t, h, w = latent.shape
        return latent.reshape(c // 4, 4, t, h, w).transpose(1, 2).reshape(c // 4, t * 4, h, w)


class ContextPrior(StridedPrior):
    """StridedPrior that shows a little of the frames beside it in every frame."""

    name = "context-test-double"
    latent = LatentSpec(channels=24, temporal_stride=4, spatial_stride=8, has_context=True)

    def decode_latent(self, latent, height, width):
        sharp = super().decode_latent(latent, height, width).astype(float)
        padded = np.pad(sharp, ((1, 1), (0, 0), (0, 0), (0, 0)), mode="edge")
        return np.round((padded[:-2] + 14 * sharp + padded[2:]) / 16).astype(np.uint8)
