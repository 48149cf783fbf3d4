"""The walk from pure noise to the latent, which sender and receiver share.

Sending a step reads: predict x0_hat, scale the error to delta, encode it, advance by n. Receiving
reads: predict x0_hat, decode n, advance by n.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from freegvc._channel.counter import Address, Kind
from freegvc._channel.normals import noise
from freegvc._diffusion import SAMPLERS, Kernel, kernel, silent_timesteps
from freegvc._trajectory.chain import Known
from freegvc._trajectory.drift import drift_samples_of, drift_sigma

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._trajectory.silent import Silent
    from freegvc.priors import Prior


@dataclass(slots=True)
class State:
    """A point of the walk.

    Attributes:
        timestep: where on the schedule.
        z: float32 [C, T', h', w'], the noisy latent that both sides hold.
        num_steps: how many steps were sent to get here.
    """

    timestep: int
    z: Tensor
    num_steps: int
    _x0_hat: Tensor | None = field(default=None, repr=False)


class Walk:
    """The trajectory of one GOP under a prior.

    Args:
        prior: the model.
        side: side information of the GOP, as `prior.fit` made it.
        shape: of the latent that is coded, [C, T', h', w'].
        key: stream key of the counter-based generator.
        gop: index of the GOP, part of every address.
        known: latents of a chained GOP before the ones that are coded, [C, n, h', w'].

    Attributes:
        prior, side, shape, key, gop: as given.
        num_calls: predictions so far, each a call of the model.
    """

    def __init__(
        self,
        prior: Prior,
        side: tuple[int, ...],
        shape: tuple[int, int, int, int],
        *,
        key: int,
        gop: int,
        known: Tensor | None = None,
    ) -> None:
        self.prior = prior
        self.side = side
        self.shape = shape
        self.key = key
        self.gop = gop
        self._known = None if known is None else Known(known, self.address(0))
        self.num_calls = 0

    def address(self, step: int) -> Address:
        """Where on the public noise a step draws its candidates."""
        return Address(key=self.key, gop=self.gop, step=step)

    def start(self) -> State:
        """z ~ N(0, I) at the noisiest level: public noise, no bits."""
        channels, t, h, w = self.shape
        z = noise(self.address(0), Kind.START_NOISE, channels * t * h * w, self.prior.device)
        return State(self.prior.schedule.start, z.reshape(self.shape), 0)

    def x0_hat(self, state: State) -> Tensor:
        """The model's prediction at a state, computed once: the only model call of a step."""
        if state._x0_hat is None:
            state._x0_hat = self._predict_x0(state.z, state.timestep)
        return state._x0_hat

    def kernel(self, state: State, timestep: int) -> Kernel:
        """The kernel of the step from `state` to the less noisy `timestep`."""
        schedule = self.prior.schedule
        return kernel(schedule.level(state.timestep), schedule.level(timestep))

    def advance(self, state: State, timestep: int, n: Tensor) -> State:
        """One step: z_s = mean_p + std n.

        Args:
            state: where the walk stands.
            timestep: of s, less noisy.
            n: a sample of N(delta, I) from the channel, float32 with as many elements as z.
        """
        step = self.kernel(state, timestep)
        z = step.mean(state.z, self.x0_hat(state)) + step.std * n.reshape(self.shape)
        return State(timestep, z, state.num_steps + 1)

    def drift_samples(self, state: State) -> bytes:
        """8 bytes about a state, for the packet."""
        return drift_samples_of(state.z, self._sigma(state), self.address(state.num_steps))

    def drift_sigma(self, state: State, samples: bytes) -> float:
        """How far a state is from the sender's, in units of its noise level's sigma."""
        return drift_sigma(state.z, self._sigma(state), self.address(state.num_steps), samples)

    def finish(self, state: State, silent: Silent) -> Tensor:
        """The silent part: from a state to the clean latent, deterministically.

        Returns:
            float32 [C, n + T', h', w'], the known latents first.
        """
        if silent.refine_timestep > state.timestep:
            state = self._noised_again(state, silent.refine_timestep)

        def predict_x0(z: Tensor, timestep: int) -> Tensor:
            if timestep == state.timestep:  # the first call, which the last step may have made
                return self.x0_hat(state)
            return self._predict_x0(z, timestep)

        timesteps = silent_timesteps(state.timestep, silent.num_steps(state.timestep))
        latent = SAMPLERS[silent.sampler](state.z, timesteps, self.prior.schedule, predict_x0)
        return self.whole(latent)

    def whole(self, latent: Tensor) -> Tensor:
        """A clean latent of the coded shape, with the known latents before it."""
        return latent if self._known is None else self._known.joined(latent)

    def _predict_x0(self, z: Tensor, timestep: int) -> Tensor:
        self.num_calls += 1
        if self._known is None:
            return self.prior.predict_x0(z, timestep, self.side)
        return self._known.predict_x0(self.prior, z, timestep, self.side)

    def _noised_again(self, state: State, timestep: int) -> State:
        """The prediction at a state, with public noise, at a noisier level."""
        level = self.prior.schedule.level(timestep)
        x0_hat = self.x0_hat(state)
        address = self.address(state.num_steps)
        eps = noise(address, Kind.REFINE_NOISE, x0_hat.numel(), x0_hat.device)
        z = level.alpha * x0_hat + level.sigma * eps.reshape(x0_hat.shape)
        return State(timestep, z, state.num_steps)

    def _sigma(self, state: State) -> float:
        return self.prior.schedule.level(state.timestep).sigma
