"""The sender's end of the walk: it knows the latent, chooses the steps and keeps every state."""

from __future__ import annotations

import math
from copy import copy
from typing import TYPE_CHECKING

from freegvc.bitstream import Packet, Step
from freegvc.trajectory.walk import State, Walk

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.channel.coders import ChannelCoder
    from freegvc.diffusion import Kernel
    from freegvc.priors import Prior
    from freegvc.trajectory.silent import Silent


class Sender:
    """Walks one GOP towards its latent; any earlier state can still become the stop step.

    Args:
        prior: the model.
        latent: y, float32 [C, T', h', w'] on the prior's device.
        coder: the channel coder.
        key, gop: address of the GOP's noise.

    Attributes:
        states: states[i] is the walk after i transmitted steps.
        steps: what was sent; len(states) - 1 of them.
        kl_bits: the KL of each sent step, in bits.
    """

    def __init__(
        self, prior: Prior, latent: Tensor, coder: ChannelCoder, *, key: int, gop: int
    ) -> None:
        self.latent = latent
        self.coder = coder
        channels, t, h, w = latent.shape
        self.walk = Walk(prior, prior.fit(latent), (channels, t, h, w), key=key, gop=gop)
        self.states: list[State] = [self.walk.start()]
        self.steps: list[Step] = []
        self.kl_bits: list[float] = []
        self._squared_errors: list[float] = []  # ||y - x0_hat||^2 at each state

    @property
    def timestep(self) -> int:
        """Where the walk stands."""
        return self.states[-1].timestep

    @property
    def num_steps(self) -> int:
        """How many steps were sent."""
        return len(self.steps)

    def step_kl_bits(self, timestep: int) -> float:
        """KL in bits of a step from here to `timestep`: known before the step is sent."""
        step = self.walk.kernel(self.states[-1], timestep)
        return step.kl_nats(self.squared_error()) / math.log(2.0)

    def squared_error(self) -> float:
        """||y - x0_hat||^2 where the walk stands."""
        if len(self._squared_errors) < len(self.states):
            error = self.latent - self.walk.x0_hat(self.states[-1])
            self._squared_errors.append(float(error.double().square().sum()))
        return self._squared_errors[-1]

    def step_bits(self, timestep: int) -> float:
        """Bits that the coder is expected to spend on a step from here to `timestep`."""
        return self.coder.predicted_bits(self.step_kl_bits(timestep))

    def extend(self, timestep: int) -> None:
        """Send one step to the less noisy `timestep`."""
        self.kl_bits.append(self.step_kl_bits(timestep))
        self.states.append(self.walk.advance(self.states[-1], timestep, self._transmit))
        self.steps.append(Step(timestep, self._shot))

    def fork(self, num_steps: int) -> Sender:
        """A sender of the same first `num_steps` steps, which goes its own way from there."""
        other = copy(self)
        other.states = self.states[: num_steps + 1]
        other._squared_errors = self._squared_errors[: num_steps + 1]
        other.steps, other.kl_bits = self.steps[:num_steps], self.kl_bits[:num_steps]
        return other

    def rewind(self, num_steps: int) -> None:
        """Forget all but the first `num_steps` steps."""
        del self.states[num_steps + 1 :], self._squared_errors[num_steps + 1 :]
        del self.steps[num_steps:], self.kl_bits[num_steps:]

    def reconstruct(self, num_steps: int, silent: Silent) -> Tensor:
        """The clean latent that a decoder gets from the first `num_steps` steps."""
        return self.walk.finish(self.states[num_steps], silent)

    def packet(self) -> Packet:
        """What the decoder needs for the steps sent so far, and a probe of where they lead."""
        return Packet(self.walk.side, tuple(self.steps), self.probe())

    def probe(self) -> bytes | None:
        """8 bytes about the state where the walk stands; None before the first step."""
        return self.walk.probe(self.states[-1]) if self.steps else None

    def _transmit(self, index: int, step: Kernel, x0_hat: Tensor) -> Tensor:
        delta = step.delta_scale * (self.latent - x0_hat)
        self._shot, n = self.coder.encode(delta.flatten(), self.walk.address(index))
        return n.reshape(x0_hat.shape)
