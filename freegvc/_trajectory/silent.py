"""The silent part: how a decoder gets from the last coded state to the clean latent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._bitstream import silent_rule
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._bitstream.header import StreamParameters
    from freegvc._diffusion import NoiseSchedule

# GNVC-VD (section 3.3) noises the decoded latent to z = 0.7 x_c + 0.3 eps and takes L = 5 steps
GNVC_VD = "gnvc-vd"
GNVC_VD_SNR = (0.7 / 0.3) ** 2
GNVC_VD_STEPS = 5


@dataclass(frozen=True, slots=True)
class Silent:
    """What a stream says about the silent part.

    Attributes:
        sampler: a name in `freegvc._diffusion.SAMPLERS`.
        steps: of the sampler, wherever it starts; 0 if they follow `rate`.
        refine_timestep: where a walk stops at a less noisy level, its prediction is noised again
            to this one, and the sampler starts there; 0 for never.
        rate: steps of the sampler for 1,000 timesteps, at least one; 0 for a fixed number.
    """

    sampler: str
    steps: int
    refine_timestep: int = 0
    rate: int = 0

    @classmethod
    def of(cls, parameters: StreamParameters) -> Silent:
        """The silent part of a stream."""
        return cls(
            parameters.sampler,
            parameters.silent_steps,
            parameters.refine_timestep,
            parameters.silent_rate,
        )

    def num_steps(self, timestep: int) -> int:
        """Steps of the sampler from a timestep on."""
        return silent_rule.num_steps(self.steps, self.rate, timestep)


def refine_timestep(refine: str | int | None, schedule: NoiseSchedule) -> int:
    """The header's `refine_timestep` from what a user gives.

    Args:
        refine: None for none, a timestep, or "gnvc-vd": the noisiest level with at least the SNR
            of that paper.
        schedule: of the prior.

    Raises:
        UsageError: another word, or a timestep that the schedule does not have.
    """
    if refine is None:
        return 0
    if refine == GNVC_VD:
        return schedule.noisiest_with(GNVC_VD_SNR)
    if not isinstance(refine, int) or not 1 <= refine <= schedule.start:
        raise UsageError(
            f"refine is {refine!r}; it must be {GNVC_VD!r} or a timestep in 1..{schedule.start}"
        )
    return refine
