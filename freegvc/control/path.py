"""A walk that grows as far as it was asked to, and from which any point can be reached again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, Protocol, Self, TypeVar

from freegvc.control.stopping import Stopper, longest_step, worthwhile


class Branching(Stopper, Protocol):
    """A walk with kept states, on which others can be based."""

    def fork(self, num_steps: int) -> Self:
        """A walk of the same first steps, which goes its own way from there."""

    def num_bits(self) -> int:
        """Bits of the packet if the walk stopped here."""


WalkT = TypeVar("WalkT", bound=Branching)


class Path(Generic[WalkT]):
    """A trunk along a grid, and short branches to points between its states.

    Going back costs nothing; a point between two states costs one shorter step.

    Args:
        walk: stands at its start; becomes the trunk.
        grid: timesteps of the trunk.

    Attributes:
        trunk: the walk along the grid, as far as anything has asked for.
        bits: of the trunk after 0, 1, ... steps.
    """

    def __init__(self, walk: WalkT, grid: Sequence[int]) -> None:
        self.trunk = walk
        self.bits = [float(walk.num_bits())]
        self._timesteps = [walk.timestep]
        self._ahead = worthwhile(walk, grid)
        self._next = next(self._ahead, None)

    @property
    def has_ended(self) -> bool:
        """Whether the trunk has come to the end of the grid."""
        return self._next is None

    def grow(self) -> None:
        """Send the next step of the grid."""
        assert self._next is not None
        self.trunk.extend(self._next)
        self.bits.append(float(self.trunk.num_bits()))
        self._timesteps.append(self._next)
        self._next = next(self._ahead, None)

    def at_bits(self, wanted: float) -> WalkT:
        """The walk whose packet has about this many bits, and not more as far as predicted."""
        while self._next is not None and self._next_bits() <= wanted:
            self.grow()
        num_steps = max(bisect_right(self.bits, wanted) - 1, 0)
        branch = self.trunk.fork(num_steps)
        goal = self._goal_after(num_steps)
        if goal is not None:
            timestep = longest_step(branch, goal, wanted - self.bits[num_steps])
            if timestep == goal and num_steps + 1 < len(self.bits):
                return self.trunk.fork(num_steps + 1)
            if timestep is not None:
                branch.extend(timestep)
        return branch

    def at_timestep(self, wanted: int) -> WalkT:
        """The walk that stops at a timestep, or at the end of the grid if that is noisier."""
        while self._next is not None and self._next >= wanted:
            self.grow()
        num_steps = sum(timestep >= wanted for timestep in self._timesteps) - 1
        branch = self.trunk.fork(num_steps)
        if branch.timestep > wanted and self._goal_after(num_steps) is not None:
            branch.extend(wanted)
        return branch

    def _next_bits(self) -> float:
        """Bits of the trunk with one more step, as predicted."""
        assert self._next is not None
        return self.bits[-1] + self.trunk.step_bits(self._next)

    def _goal_after(self, num_steps: int) -> int | None:
        """The timestep after so many steps of the grid."""
        known = [*self._timesteps, *([] if self._next is None else [self._next])]
        return known[num_steps + 1] if num_steps + 1 < len(known) else None
