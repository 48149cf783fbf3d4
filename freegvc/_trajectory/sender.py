"""The sender's end of the walk: it knows the latent, chooses the steps and keeps every state."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from freegvc._bitstream import Step
from freegvc._trajectory.walk import State, Walk

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream import PacketCodec, PacketEncoder
    from freegvc._channel.coders import ChannelCoder
    from freegvc._trajectory.silent import Silent
    from freegvc.priors import Prior


@dataclass
class _Point:
    """A point of the walk, where it can stop. What few callers need is computed when they do.

    Args:
        walk, latent: of the sender.
        state: of both sides.
        encoder: of the packet that ends here.
        kl_bits: the KL in bits of the step that led here; 0 at the start.
    """

    walk: Walk
    latent: Tensor
    state: State
    encoder: PacketEncoder
    kl_bits: float = 0.0

    @cached_property
    def squared_error(self) -> float:
        """||y - x0_hat||^2."""
        error = self.latent - self.walk.x0_hat(self.state)
        return float(error.double().square().sum())

    @cached_property
    def drift_samples(self) -> bytes | None:
        """8 bytes about the state, for the packet; None at the start, which cannot drift."""
        return self.walk.drift_samples(self.state) if self.state.num_steps else None

    @cached_property
    def bits(self) -> int:
        """Bits of the packet that ends here."""
        return 8 * self.encoder.num_bytes(self.drift_samples)


class Sender:
    """Walks one GOP towards its latent; any earlier state can still become the stop step.

    Args:
        prior: the model.
        latent: y, float32 [C, T', h', w'] on the prior's device, of all latents of the GOP.
        coder: the channel coder.
        packets: of the stream.
        key, gop: address of the GOP's noise.
        known: the first latents of a chained GOP as decoded, [C, n, h', w']; the others are coded.
        on_step: called with the sender after every step that is sent.

    Attributes:
        walk: the trajectory.
        latent: the latents that are coded.
        gop: as given.
    """

    def __init__(
        self,
        prior: Prior,
        latent: Tensor,
        coder: ChannelCoder,
        packets: PacketCodec,
        *,
        key: int,
        gop: int,
        known: Tensor | None = None,
        on_step: Callable[[Sender], None] | None = None,
    ) -> None:
        side = prior.fit(latent)
        if known is not None:
            latent = latent[:, known.shape[1] :]
        channels, t, h, w = latent.shape
        self.walk = Walk(prior, side, (channels, t, h, w), key=key, gop=gop, known=known)
        self.latent = latent
        self.gop = gop
        self._coder = coder
        self._on_step = on_step
        start = _Point(self.walk, latent, self.walk.start(), packets.encoder(self.walk.side))
        self._points = [start]  # after 0, 1, ... steps

    @property
    def timestep(self) -> int:
        """Where the walk stands."""
        return self._points[-1].state.timestep

    @property
    def num_steps(self) -> int:
        """How many steps were sent."""
        return len(self._points) - 1

    @property
    def states(self) -> list[State]:
        """The walk after 0, 1, ... steps."""
        return [point.state for point in self._points]

    @property
    def timesteps(self) -> list[int]:
        """Where the walk stood after 0, 1, ... steps."""
        return [point.state.timestep for point in self._points]

    @property
    def bits(self) -> list[int]:
        """Bits of the packet that ends after 0, 1, ... steps."""
        return [point.bits for point in self._points]

    @property
    def drift_samples(self) -> list[bytes | None]:
        """The drift samples in the packet that ends after 0, 1, ... steps."""
        return [point.drift_samples for point in self._points]

    @property
    def kl_bits(self) -> list[float]:
        """The KL of each sent step, in bits."""
        return [point.kl_bits for point in self._points[1:]]

    @property
    def model_calls(self) -> int:
        """Predictions for this GOP so far, those of all forks and of silent parts included."""
        return self.walk.num_calls

    def step_kl_bits(self, timestep: int) -> float:
        """KL in bits of a step from here to `timestep`: known before the step is sent."""
        point = self._points[-1]
        step = self.walk.kernel(point.state, timestep)
        return step.kl_nats(point.squared_error) / math.log(2.0)

    def step_bits(self, timestep: int) -> float:
        """Bits that the coder is expected to spend on a step from here to `timestep`."""
        return self._coder.predicted_bits(self.step_kl_bits(timestep))

    def extend(self, timestep: int) -> None:
        """Send one step to the less noisy `timestep`."""
        point = self._points[-1]
        state, kl_bits = point.state, self.step_kl_bits(timestep)
        delta_scale = self.walk.kernel(state, timestep).delta_scale
        delta = delta_scale * (self.latent - self.walk.x0_hat(state))
        shot, n = self._coder.encode(delta.flatten(), self.walk.address(state.num_steps), kl_bits)
        encoder = point.encoder.copy()
        encoder.add(Step(timestep, shot))
        after = self.walk.advance(state, timestep, n)
        self._points.append(_Point(self.walk, self.latent, after, encoder, kl_bits))
        if self._on_step is not None:
            self._on_step(self)

    def fork(self, num_steps: int) -> Sender:
        """A sender of the same first `num_steps` steps, which goes its own way from there."""
        other = copy(self)
        other._points = self._points[: num_steps + 1]
        return other

    def rewind(self, num_steps: int) -> None:
        """Forget all but the first `num_steps` steps."""
        del self._points[num_steps + 1 :]

    def reconstruct(self, silent: Silent) -> Tensor:
        """The clean latent that a decoder gets from the steps sent so far, before any fusion."""
        return self.walk.finish(self._points[-1].state, silent)

    def packet(self) -> bytes:
        """What the decoder needs for the steps sent so far."""
        point = self._points[-1]
        return point.encoder.packet(self.gop, point.drift_samples)
