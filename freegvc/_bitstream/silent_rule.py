"""How many model calls the silent part takes: a fixed number, or more where more noise is left.

One of two integers says it, and the other one is 0: `steps` calls wherever a walk stops, or `rate`
calls for 1,000 timesteps, at least one.
"""

from __future__ import annotations

from freegvc.errors import FreeGvcError

MAX_STEPS = 1000
MAX_RATE = 1000
RATE_TIMESTEPS = 1000  # a rate is calls for this many timesteps
# of the integer on the wire: even for steps, odd for a rate
LEAST, MOST = 2, 2 * max(MAX_STEPS, MAX_RATE) + 1


def num_steps(steps: int, rate: int, timestep: int) -> int:
    """Steps of the sampler from a timestep to the clean latent.

    Args:
        steps, rate: the rule.
        timestep: where the sampler starts.
    """
    return steps or max(-(-rate * timestep // RATE_TIMESTEPS), 1)


def validate(steps: int, rate: int, error: type[FreeGvcError]) -> None:
    """Check a rule against its limits.

    Args:
        steps, rate: the rule.
        error: what to raise.
    """
    if steps and rate:
        raise error(
            f"silent steps are {steps} and the silent rate is {rate}; one of them must be 0"
        )
    name, value, most = (
        ("silent rate", rate, MAX_RATE) if rate else ("silent steps", steps, MAX_STEPS)
    )
    if not 1 <= value <= most:
        raise error(f"{name} is {value}; it must be in 1..{most}")


def encode(steps: int, rate: int) -> int:
    """The rule as one integer."""
    return 2 * rate + 1 if rate else 2 * steps


def decode(number: int) -> tuple[int, int]:
    """Steps and rate of an integer in `LEAST` .. `MOST`."""
    half, is_rate = divmod(number, 2)
    return (0, half) if is_rate else (half, 0)
