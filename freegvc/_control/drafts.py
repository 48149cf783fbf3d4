"""Drafts: walks that went further than their GOPs may need, and are cut once all are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from freegvc._control.finished_gop import FinishedGop
from freegvc._control.sharing import Option
from freegvc._control.surrogate import PowerLaw
from freegvc.events import GopDone


@dataclass(frozen=True, slots=True)
class Draft:
    """What is kept of a walk.

    Attributes:
        packet: of all its steps.
        timesteps, drift_samples: of its states after 0, 1, ... steps.
        option: what it can be cut to.
        done: what would be said of it if it were not cut.
    """

    packet: bytes
    timesteps: tuple[int, ...]
    drift_samples: tuple[bytes | None, ...]
    option: Option
    done: GopDone

    @classmethod
    def of(cls, finished: FinishedGop, option: Option) -> Self:
        """The draft of which `as_state` was kept."""
        state = finished.state
        timesteps = tuple(state["timesteps"])
        return cls(finished.packet, timesteps, samples_of(state), option, finished.done)

    def as_state(self) -> dict[str, Any]:
        """What a journal keeps of it besides packet and `done`, as JSON holds it."""
        return {
            "bits": self.option.bits,
            "timesteps": self.timesteps,
            "drift_samples": [s if s is None else s.hex() for s in self.drift_samples],
        }


def samples_of(state: Mapping[str, Any]) -> tuple[bytes | None, ...]:
    """The drift samples of what `Draft.as_state` has made."""
    return tuple(s if s is None else bytes.fromhex(s) for s in state["drift_samples"])


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of the GOPs before one that is drafted at the same time as some of them.

    Attributes:
        num_gops: how many of them are drafted already.
        bits_at: of these, if each were cut at a timestep.
        curves: of these, where scores are kept even: the surrogate of each.
    """

    num_gops: int
    bits_at: npt.NDArray[np.float64]
    curves: tuple[PowerLaw, ...] = ()


def bits_at_levels(
    bits: Sequence[float], timesteps: Sequence[int], size: int
) -> npt.NDArray[np.float64]:
    """Bits of a draft if it were cut at the timesteps 0, 1, ... size - 1.

    Args:
        bits, timesteps: of its states after 0, 1, ... steps.
        size: of the result.
    """
    found: npt.NDArray[np.float64] = np.interp(np.arange(size), timesteps[::-1], bits[::-1])
    return found
