"""What a driver knows of the prior that its workers hold: enough to plan, nothing to predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from freegvc._bitstream.header import UNTILED
from freegvc.priors.base import Prior
from freegvc.priors.latent import Frames
from freegvc.priors.tiled import TiledPrior

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream.header import StreamParameters
    from freegvc.priors.tiles import Tile


class PriorFacts(Prior):
    """The attributes of a prior, without its model.

    Args:
        prior: whose.
    """

    vae_tiles = "off"  # `on_driver` brings the tiles that a worker has chosen

    def __init__(self, prior: Prior) -> None:
        import torch

        self.name, self.latent, self.schedule = prior.name, prior.latent, prior.schedule
        self.dtype, self.defaults = prior.dtype, prior.defaults
        self.attention, self.prompt = prior.attention, prior.prompt
        self.is_tunable = prior.is_tunable
        self.device = torch.device("cpu")
        self._numerics, self._fingerprint = prior.numerics, prior.fingerprint

    @property
    def numerics(self) -> str:
        return self._numerics

    @property
    def fingerprint(self) -> bytes:
        return self._fingerprint

    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> NoReturn:
        self._refuse()

    def encode_frames(self, frames: Frames) -> NoReturn:
        self._refuse()

    def decode_latent(self, latent: Tensor, height: int, width: int) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError(f"the model of prior {self.name!r} is at the workers")


def facts_of(prior: Prior) -> tuple[PriorFacts, Tile | None, Tile | None]:
    """What a worker tells of its prior: the facts, and the tiles of model and VAE."""
    if isinstance(prior, TiledPrior):
        return PriorFacts(prior), prior.tile, prior.vae_tile
    return PriorFacts(prior), None, None


def on_driver(facts: PriorFacts, tile: Tile | None, vae_tile: Tile | None) -> Prior:
    """A prior without model, of the same shape as the worker's."""
    return facts if tile is None and vae_tile is None else TiledPrior(facts, tile, vae_tile)


def with_tiles(prior: Prior, parameters: StreamParameters) -> Prior:
    """A worker's prior with the tiles of a stream, which the first worker has chosen for all."""
    whole = prior.wrapped if isinstance(prior, TiledPrior) else prior
    tile = None if parameters.tile == UNTILED else parameters.tile
    vae_tile = None if parameters.vae_tile == UNTILED else parameters.vae_tile
    return whole if tile is None and vae_tile is None else TiledPrior(whole, tile, vae_tile)
