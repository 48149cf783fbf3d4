"""What the PFR coder sends for a step, and how a packet stores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from freegvc._channel.pfr.index_law import LOG2_CANDIDATES, MAX_AIM_BITS, decode_seeds, encode_seeds
from freegvc._channel.shot import Mode, Shot
from freegvc.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class PfrShot(Shot):
    """The seeds of one step.

    Args:
        log2_candidates: log2 of the number of candidates of a block: 8, 10, 12, 14 or 16.
        aim_bits: 1..24, the bits per block that the search aimed at; selects the index law.
        seeds: int64 [B], the chosen candidate of each block; B is a value of `round_num_blocks`.
    """

    FIRST_MODE: ClassVar[Mode] = (16, 16)
    MANTISSA_BITS: ClassVar[int] = 3

    log2_candidates: int
    aim_bits: int
    seeds: np.ndarray

    @property
    def mode(self) -> Mode:
        """(log2_candidates, aim_bits)."""
        return self.log2_candidates, self.aim_bits

    @property
    def choices(self) -> np.ndarray:
        """The seeds."""
        return self.seeds

    @staticmethod
    def mode_error(mode: Mode) -> str | None:
        """What is wrong with a mode; None if it is within its limits."""
        log2_candidates, aim_bits = mode
        if log2_candidates in LOG2_CANDIDATES and 1 <= aim_bits <= MAX_AIM_BITS:
            return None
        return (
            f"a step of the PFR coder has log2_candidates {log2_candidates} and aim_bits "
            f"{aim_bits}; they must be one of {LOG2_CANDIDATES} and 1..{MAX_AIM_BITS}"
        )

    def encode_choices(self, encoder: Any) -> None:
        """Append the seeds to a range encoder."""
        try:
            encode_seeds(encoder, self.log2_candidates, self.aim_bits, self.seeds)
        except ValueError as error:
            raise UsageError(str(error)) from error

    @classmethod
    def decode_choices(cls, decoder: Any, mode: Mode, num_blocks: int) -> Self:
        """Read the seeds of a step."""
        return cls(*mode, decode_seeds(decoder, *mode, num_blocks))
