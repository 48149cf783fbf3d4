"""Priors: what encoder and decoder believe about video before a bit is sent."""

from freegvc.priors.base import Prior
from freegvc.priors.latent import Frames, LatentSpec
from freegvc.priors.loading import known_priors, load_prior

__all__ = ["Frames", "LatentSpec", "Prior", "known_priors", "load_prior"]
