"""The interface of all channel coders, and how to make one by its name."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Protocol

from freegvc._channel.names import CODERS
from freegvc.errors import UsageError

if TYPE_CHECKING:
    import torch

    from freegvc._channel.counter import Address
    from freegvc._channel.shot import Shot


class ChannelCoder(Protocol):
    """Delivers n ~ N(delta, I); encoder and decoder agree on n bit for bit."""

    @property
    def name(self) -> str:
        """The coder's name in the stream."""

    def encode(
        self, delta: torch.Tensor, address: Address, kl_bits: float | None = None
    ) -> tuple[Shot, torch.Tensor]:
        """Choose what to send.

        Args:
            delta: float32 [D].
            address: where in the stream.
            kl_bits: its KL, if it is known; otherwise the coder computes it.

        Returns:
            What to send, and n: float32 [D].
        """

    def decode(self, shot: Any, dims: int, address: Address) -> torch.Tensor:
        """Make n from what was sent.

        Args:
            shot: from `encode` of a coder of the same name, or from a packet of its stream.
            dims: D.
            address: where in the stream.

        Returns:
            n: float32 [D].
        """

    def predicted_bits(self, kl_bits: float) -> float:
        """Expected coded bits of a step of that KL."""


def make_coder(
    name: str, device: torch.device | str = "cpu", *, log2_states: int | None = None
) -> ChannelCoder:
    """Make a channel coder.

    Args:
        name: its name in the stream.
        device: where it runs.
        log2_states: m of the trellis; by default its own.

    Raises:
        UsageError: there is no coder of that name.
    """
    if name not in CODERS:
        raise UsageError(f"no channel coder is called {name!r}; choose one of {', '.join(CODERS)}")
    options = {"log2_states": log2_states} if name == "trellis" and log2_states else {}
    coder: ChannelCoder = resolve_name(CODERS[name].coder)(device=device, **options)
    return coder
