"""Walking to a step or up to a number of bytes, over anything that walks step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from freegvc.errors import TargetError

MIN_STEP_BITS = 100.0
FILL = 0.985  # a rate target is met once this share of the budget is used


class Stopper(Protocol):
    """A walk that can go on and go back; see `freegvc.trajectory.Sender`."""

    @property
    def timestep(self) -> int:
        """Where the walk stands."""

    @property
    def num_steps(self) -> int:
        """How many steps were sent."""

    def extend(self, timestep: int) -> None:
        """Send one step to `timestep`."""

    def rewind(self, num_steps: int) -> None:
        """Forget all but the first steps."""

    def step_bits(self, timestep: int) -> float:
        """Bits that a step from here to `timestep` will take, as predicted."""


def worthwhile(
    walk: Stopper, grid: Sequence[int], min_step_bits: float = MIN_STEP_BITS
) -> Iterator[int]:
    """The timesteps of a grid, without those to which a step would carry too few bits.

    Any coder is inefficient at a few bits, so small steps are merged into the next one; where the
    best trade lies is measured in docs/trajectory.md. The last timestep always stays.

    Args:
        walk: where to step from; it may go on between two values.
        grid: strictly decreasing timesteps.
        min_step_bits: predicted bits that make a step worth sending.
    """
    for timestep in grid:
        if timestep == grid[-1] or walk.step_bits(timestep) >= min_step_bits:
            yield timestep


def stop_at_step(walk: Stopper, grid: Sequence[int]) -> None:
    """Walk the whole grid."""
    for timestep in worthwhile(walk, grid):
        walk.extend(timestep)


def stop_within_bytes(
    walk: Stopper, grid: Sequence[int], budget_bytes: float, num_bytes: Callable[[], int]
) -> None:
    """Walk until the budget is used, never beyond it.

    The last step is cut to fit: a step's KL is known before it is sent, and falls with its length.

    Args:
        walk: stands at the start of the grid.
        grid: timesteps to visit.
        budget_bytes: upper bound for `num_bytes`.
        num_bytes: size of the file if the walk stopped here.

    Raises:
        TargetError: not even a walk of no steps fits.
    """
    if num_bytes() > budget_bytes:
        raise TargetError(
            f"the target allows {budget_bytes:.0f} bytes so far, but the stream takes "
            f"{num_bytes()} bytes before a single step is sent; raise the target"
        )
    for goal in worthwhile(walk, grid):
        caution = 1.0
        while walk.timestep > goal:
            spare_bits = 8.0 * (budget_bytes - num_bytes()) / caution
            timestep = longest_step(walk, goal, spare_bits)
            if timestep is None:
                return
            walk.extend(timestep)
            if num_bytes() > budget_bytes:
                walk.rewind(walk.num_steps - 1)
                caution *= 1.03
            elif timestep > goal and num_bytes() >= FILL * budget_bytes:
                return


def longest_step(walk: Stopper, goal: int, spare_bits: float) -> int | None:
    """The least noisy timestep, not beyond `goal`, whose predicted bits fit; None if none does."""
    fits, too_far = walk.timestep, goal - 1
    while fits - too_far > 1:
        middle = (fits + too_far) // 2
        if walk.step_bits(middle) <= spare_bits:
            fits = middle
        else:
            too_far = middle
    return fits if fits < walk.timestep else None
