"""Walking to a step, to a number of bits, or up to a number of bytes, over anything that walks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from freegvc.errors import TargetError

MIN_STEP_BITS = 100.0
FILL = 0.985  # a rate target is met once this fraction of the budget is used
_CAUTION = 1.03  # factor on the predicted bits of a step after one that did not fit
_LEAST_BITS = 1.0  # a step that is worth less is not tried again


class Stopper(Protocol):
    """A walk that can go forwards and back; see `freegvc._trajectory.Sender`."""

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


class Trunk(Stopper, Protocol):
    """A walk with kept states, from which others can branch off."""

    @property
    def timesteps(self) -> list[int]:
        """Where the walk stood after 0, 1, ... steps."""

    @property
    def bits(self) -> list[int]:
        """Bits of the packet that ends after 0, 1, ... steps."""

    def fork(self: TrunkT, num_steps: int) -> TrunkT:
        """A walk of the same first steps, which goes its own way from there."""


TrunkT = TypeVar("TrunkT", bound=Trunk)


def next_timestep(
    walk: Stopper, grid: Sequence[int], min_step_bits: float = MIN_STEP_BITS
) -> int | None:
    """The next timestep of a grid, without those to which a step would carry too few bits.

    Any coder is inefficient at a few bits, so small steps are merged into the next one; where the
    best trade lies is measured in docs/trajectory.md. The last timestep always stays.

    Args:
        walk: where to step from.
        grid: strictly decreasing timesteps.
        min_step_bits: predicted bits that make a step worth sending.

    Returns:
        The timestep, or None at the end of the grid.
    """
    for timestep in grid:
        if timestep < walk.timestep and (
            timestep == grid[-1] or walk.step_bits(timestep) >= min_step_bits
        ):
            return timestep
    return None


def stop_at_step(walk: Stopper, grid: Sequence[int]) -> None:
    """Walk the whole grid."""
    while (timestep := next_timestep(walk, grid)) is not None:
        walk.extend(timestep)


def stop_within_bytes(
    walk: Stopper, grid: Sequence[int], budget_bytes: float, num_bytes: Callable[[], int]
) -> None:
    """Walk until the budget is used, never beyond it.

    The last step is cut to fit: a step's KL is known before it is sent, and falls with its length.
    Every packet that has steps also has drift samples, which no prediction counts: each step that
    did not fit makes the prediction for the next one more cautious, until not a bit is left.

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
            f"the target allows {budget_bytes:.0f} bytes, but the stream takes {num_bytes()} bytes "
            "before a single step is sent; raise the target"
        )
    while (goal := next_timestep(walk, grid)) is not None:
        caution, too_far = 1.0, goal - 1
        while walk.timestep > goal:
            spare_bits = 8.0 * (budget_bytes - num_bytes()) / caution
            timestep = longest_step(walk, goal, spare_bits)
            if timestep is None:
                return
            if timestep > too_far:
                walk.extend(timestep)
                if num_bytes() <= budget_bytes:
                    if timestep > goal and num_bytes() >= FILL * budget_bytes:
                        return
                    too_far = goal - 1
                    continue
                walk.rewind(walk.num_steps - 1)
                too_far = timestep
            if walk.timestep - too_far == 1 or spare_bits < _LEAST_BITS:
                return
            caution *= _CAUTION


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


def branch_at_bits(trunk: TrunkT, grid: Sequence[int], wanted: float) -> TrunkT:
    """The walk whose packet has about this many bits, and not more as far as predicted.

    Going back costs nothing; a point between two states of the trunk costs one shorter step.

    Args:
        trunk: walks along the grid, as far as anything has asked for.
        grid: timesteps of the trunk.
        wanted: bits of the packet.
    """
    while (ahead := next_timestep(trunk, grid)) is not None:
        if trunk.bits[-1] + trunk.step_bits(ahead) > wanted:
            break
        trunk.extend(ahead)
    num_steps = max(bisect_right(trunk.bits, wanted) - 1, 0)
    branch = trunk.fork(num_steps)
    goal = _goal_after(trunk, grid, num_steps)
    if goal is not None:
        timestep = longest_step(branch, goal, wanted - trunk.bits[num_steps])
        if timestep == goal and num_steps < trunk.num_steps:
            return trunk.fork(num_steps + 1)
        if timestep is not None:
            branch.extend(timestep)
    return branch


def branch_at_timestep(trunk: TrunkT, grid: Sequence[int], wanted: int) -> TrunkT:
    """The walk that stops at a timestep, or at the end of the grid if that is noisier.

    Args:
        trunk, grid: as for `branch_at_bits`.
        wanted: timestep.
    """
    while (ahead := next_timestep(trunk, grid)) is not None and ahead >= wanted:
        trunk.extend(ahead)
    num_steps = sum(timestep >= wanted for timestep in trunk.timesteps) - 1
    branch = trunk.fork(num_steps)
    if branch.timestep > wanted and _goal_after(trunk, grid, num_steps) is not None:
        branch.extend(wanted)
    return branch


def _goal_after(trunk: Trunk, grid: Sequence[int], num_steps: int) -> int | None:
    """The timestep of the trunk after `num_steps` steps and one more, sent or not."""
    if num_steps < trunk.num_steps:
        return trunk.timesteps[num_steps + 1]
    return next_timestep(trunk, grid)
