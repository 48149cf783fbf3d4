"""Priors: what encoder and decoder believe about video before a bit is sent."""

from freegvc.priors.base import LatentSpec, Prior
from freegvc.priors.loading import known_priors, load_prior

__all__ = ["LatentSpec", "Prior", "known_priors", "load_prior"]
