"""What is left of a GOP once it is coded: all that the stream and the next GOPs need of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from freegvc.events import GopDone

if TYPE_CHECKING:
    import torch

Tail = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedGop:
    """A GOP that a controller has coded, and from which `Controller.restore` goes on.

    Attributes:
        packet: of the GOP; under a rate that all GOPs share, of a draft that is cut in the end.
        done: what was said of it, or would be if the draft were its final form.
        state: what the controller keeps, as JSON holds it: integers, floats and strings are exact.
        tail: float32 [C, m', h', w'], the latents that the next GOP is fused with, or that it knows
            if GOPs are chained; None where nothing needs them.
    """

    packet: bytes
    done: GopDone
    state: Mapping[str, Any] = field(default_factory=dict)
    tail: Tail | None = None

    @property
    def index(self) -> int:
        """Of the GOP: 0, 1, ..."""
        return self.done.gop


def tail_array(tail: torch.Tensor | None) -> Tail | None:
    """A tail as it is kept, exact."""
    return None if tail is None else tail.detach().cpu().numpy().copy()


def tail_tensor(tail: Tail | None, device: torch.device) -> torch.Tensor | None:
    """The inverse of `tail_array`."""
    import torch

    return None if tail is None else torch.from_numpy(tail.copy()).to(device)
