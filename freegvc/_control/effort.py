"""Effort: how much work the encoder puts into the same picture for fewer bits."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_EFFORT = "medium"


@dataclass(frozen=True, slots=True)
class Effort:
    """What one word stands for; docs/trajectory.md says what each saves and costs.

    Attributes:
        step_scale: factor on the steps of the prior's grid.
        log2_states: m of the trellis coder.
        max_probes: how many states of a GOP a target that is a score may decode.
    """

    step_scale: float
    log2_states: int
    max_probes: int


EFFORTS = {
    "fast": Effort(step_scale=2.0, log2_states=12, max_probes=6),
    "medium": Effort(step_scale=1.0, log2_states=14, max_probes=12),
    "slow": Effort(step_scale=0.7, log2_states=15, max_probes=12),
    "best": Effort(step_scale=0.5, log2_states=16, max_probes=16),
}
