"""What the trellis coder sends for a step, and how a packet stores it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import constriction
import numpy as np

from freegvc._channel.shot import Mode, Shot
from freegvc.errors import UsageError

LOG2_STATES = range(8, 17)
_COIN = constriction.stream.model.Uniform(2)


@dataclass(frozen=True, slots=True, eq=False)
class TrellisShot(Shot):
    """The bits of one step.

    Args:
        log2_states: m, 8..16; the state of a block is the last m bits.
        bits: int64 [B] of 0 and 1; B is a value of `round_num_blocks`.
    """

    FIRST_MODE: ClassVar[Mode] = (12, 1)
    MANTISSA_BITS: ClassVar[int] = 5

    log2_states: int
    bits: np.ndarray

    @property
    def mode(self) -> Mode:
        """(m, 1): the packet stores two integers for every coder, and this one needs only m."""
        return self.log2_states, 1

    @property
    def choices(self) -> np.ndarray:
        """The bits."""
        return self.bits

    @staticmethod
    def mode_error(mode: Mode) -> str | None:
        """What is wrong with a mode; None if it is within its limits."""
        log2_states, one = mode
        if log2_states in LOG2_STATES and one == 1:
            return None
        return (
            f"a step of the trellis coder has log2_states {log2_states} and {one} bits per block; "
            f"they must be {LOG2_STATES[0]}..{LOG2_STATES[-1]} and 1"
        )

    def encode_choices(self, encoder: Any) -> None:
        """Append the bits to a range encoder."""
        if len(self.bits) and not 0 <= self.bits.min() <= self.bits.max() <= 1:
            raise UsageError(
                f"bits of the trellis coder span {self.bits.min()}..{self.bits.max()}; they must "
                "be 0 or 1"
            )
        encoder.encode(np.asarray(self.bits, dtype=np.int32), _COIN)

    @classmethod
    def decode_choices(cls, decoder: Any, mode: Mode, num_blocks: int) -> Self:
        """Read the bits of a step."""
        return cls(mode[0], np.asarray(decoder.decode(_COIN, num_blocks), dtype=np.int64))
