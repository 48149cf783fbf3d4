"""The sender's end of the walk: it knows the latent, chooses the steps and keeps every state."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING

from freegvc._bitstream import Step
from freegvc._trajectory.walk import State, Walk

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream import PacketCodec, PacketEncoder
    from freegvc._channel.coders import ChannelCoder
    from freegvc._trajectory.silent import Silent
    from freegvc.priors import Prior


_OF_STEPS = ("steps", "kl_bits")
_OF_STATES = ("states", "bits", "drift_samples", "_encoders", "_squared_errors")


class Sender:
    """Walks one GOP towards its latent; any earlier state can still become the stop step.

    Args:
        prior: the model.
        latent: y, float32 [C, T', h', w'] on the prior's device.
        coder: the channel coder.
        packets: of the stream.
        key, gop: address of the GOP's noise.
        on_step: called with the sender after every step that is sent.

    Attributes:
        walk: the trajectory.
        states: states[i] is the walk after i steps.
        steps: what was sent; len(states) - 1 of them.
        kl_bits: the KL of each sent step, in bits.
        bits: bits[i] is the size of the packet that ends after i steps.
        drift_samples: drift_samples[i] are the 8 bytes in that packet about states[i]; None for
            the start, where nothing has drifted yet.
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
        on_step: Callable[[Sender], None] | None = None,
    ) -> None:
        self.latent = latent
        self.coder = coder
        self.gop = gop
        channels, t, h, w = latent.shape
        self.walk = Walk(prior, prior.fit(latent), (channels, t, h, w), key=key, gop=gop)
        self.states: list[State] = []
        self.steps: list[Step] = []
        self.kl_bits: list[float] = []
        self.bits: list[int] = []
        self.drift_samples: list[bytes | None] = []
        self._encoders: list[PacketEncoder] = []  # of the packet, at each state
        self._squared_errors: list[float] = []  # ||y - x0_hat||^2 at each state
        self._on_step = on_step
        self._stand_at(self.walk.start(), packets.encoder(self.walk.side))

    @property
    def timestep(self) -> int:
        """Where the walk stands."""
        return self.states[-1].timestep

    @property
    def timesteps(self) -> list[int]:
        """Where the walk stood after 0, 1, ... steps."""
        return [state.timestep for state in self.states]

    @property
    def num_steps(self) -> int:
        """How many steps were sent."""
        return len(self.steps)

    def step_kl_bits(self, timestep: int) -> float:
        """KL in bits of a step from here to `timestep`: known before the step is sent."""
        step = self.walk.kernel(self.states[-1], timestep)
        return step.kl_nats(self._squared_error()) / math.log(2.0)

    def step_bits(self, timestep: int) -> float:
        """Bits that the coder is expected to spend on a step from here to `timestep`."""
        return self.coder.predicted_bits(self.step_kl_bits(timestep))

    def extend(self, timestep: int) -> None:
        """Send one step to the less noisy `timestep`."""
        state = self.states[-1]
        kl_bits = self.step_kl_bits(timestep)
        delta_scale = self.walk.kernel(state, timestep).delta_scale
        delta = delta_scale * (self.latent - self.walk.x0_hat(state))
        shot, n = self.coder.encode(delta.flatten(), self.walk.address(state.num_steps))
        encoder = self._encoders[-1].copy()
        encoder.add(Step(timestep, shot))
        self.steps.append(Step(timestep, shot))
        self.kl_bits.append(kl_bits)
        self._stand_at(self.walk.advance(state, timestep, n), encoder)
        if self._on_step is not None:
            self._on_step(self)

    def fork(self, num_steps: int) -> Sender:
        """A sender of the same first `num_steps` steps, which goes its own way from there."""
        other = copy(self)
        for name in (*_OF_STEPS, *_OF_STATES):
            setattr(other, name, list(getattr(self, name)))
        other.rewind(num_steps)
        return other

    def rewind(self, num_steps: int) -> None:
        """Forget all but the first `num_steps` steps."""
        for name in _OF_STEPS:
            del getattr(self, name)[num_steps:]
        for name in _OF_STATES:
            del getattr(self, name)[num_steps + 1 :]

    def reconstruct(self, silent: Silent) -> Tensor:
        """The clean latent that a decoder gets from the steps sent so far, before any fusion."""
        return self.walk.finish(self.states[-1], silent)

    def packet(self) -> bytes:
        """What the decoder needs for the steps sent so far."""
        return self._encoders[-1].packet(self.gop, self.drift_samples[-1])

    def _stand_at(self, state: State, encoder: PacketEncoder) -> None:
        self.states.append(state)
        self._encoders.append(encoder)
        self.drift_samples.append(self.walk.drift_samples(state) if state.num_steps else None)
        self.bits.append(8 * encoder.num_bytes(self.drift_samples[-1]))

    def _squared_error(self) -> float:
        """||y - x0_hat||^2 where the walk stands."""
        if len(self._squared_errors) < len(self.states):
            error = self.latent - self.walk.x0_hat(self.states[-1])
            self._squared_errors.append(float(error.double().square().sum()))
        return self._squared_errors[-1]
