"""Priors: the models of video that encoder and decoder have in common."""

from freegvc.priors.base import Prior
from freegvc.priors.defaults import PriorDefaults
from freegvc.priors.latent import Frames, LatentSpec
from freegvc.priors.loading import known_priors, load_prior
from freegvc.priors.stages import StageBytes

__all__ = [
    "Frames",
    "LatentSpec",
    "Prior",
    "PriorDefaults",
    "StageBytes",
    "known_priors",
    "load_prior",
]
