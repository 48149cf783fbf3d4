"""The shape that all channel coders share, and coders by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from freegvc.errors import UsageError

if TYPE_CHECKING:
    import torch

    from freegvc.bitstream import Shot
    from freegvc.channel.counter import Address

CODERS = ("pfr", "trellis")


class ChannelCoder(Protocol):
    """Delivers n ~ N(delta, I); encoder and decoder agree on n bit for bit."""

    @property
    def name(self) -> str:
        """What the stream stores."""

    def encode(self, delta: torch.Tensor, address: Address) -> tuple[Shot, torch.Tensor]:
        """What to send for delta, float32 [D], and n, float32 [D]."""

    def decode(self, shot: Shot, dims: int, address: Address) -> torch.Tensor:
        """n, float32 [dims], from what was sent."""

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""


def make_coder(name: str, device: torch.device | str = "cpu") -> ChannelCoder:
    """A channel coder by its name in the stream.

    Raises:
        UsageError: no coder of that name.
    """
    from freegvc.channel.pfr import PfrCoder
    from freegvc.channel.trellis import TrellisCoder

    if name not in CODERS:
        raise UsageError(f"no channel coder is called {name!r}; choose one of {', '.join(CODERS)}")
    return TrellisCoder(device=device) if name == "trellis" else PfrCoder(device=device)
