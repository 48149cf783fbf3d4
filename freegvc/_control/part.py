"""The controllers of a part of a video, whose other GOPs are coded elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from freegvc._control.controllers import Controller, make_controller
from freegvc._control.drafts import Foresight, bits_at_levels
from freegvc._control.rate import RateController
from freegvc._control.targets import LikeFirstGop, Rate, Target
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._video import Gop


class PartOfRateController:
    """Drafts the GOPs of a part, a little further than they are likely to need.

    What the other parts need is not known: they are taken to be as hard as this one. All drafts are
    cut to the rate when the parts are merged.

    Args:
        target: the rate of the whole file.
        gops: of the stream.
    """

    def __init__(self, target: Rate, gops: GopEncoder) -> None:
        self._rate, self._gops = RateController(target, gops), gops
        self._foresight = Foresight(0, np.zeros(gops.parameters.start_timestep + 1))

    def add(self, gop: Gop) -> FinishedGop:
        """Draft one GOP."""
        finished = self._rate.add_early(gop, self._foresight)
        self._take(finished)
        return finished

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has drafted."""
        self._gops.pass_over(gop, finished)
        self._take(finished)

    def finish(self) -> list[bytes]:
        """Nothing: the packets are those of drafts, which a journal holds."""
        return []

    def _take(self, finished: FinishedGop) -> None:
        seen = self._foresight
        state = finished.state
        more = bits_at_levels(state["bits"], state["timesteps"], seen.bits_at.size)
        self._foresight = Foresight(seen.num_gops + 1, seen.bits_at + more)
        self._gops.on_event(finished.done)


def make_part_controller(target: Target, gops: GopEncoder) -> Controller:
    """The controller of a target for some of the GOPs of a video.

    Raises:
        UsageError: the target, or chained GOPs, need the GOPs before; or as `make_controller`.
    """
    if gops.parameters.chain:
        raise UsageError(
            "chained GOPs need the one before, so none can be coded apart: leave out chain or gops"
        )
    if isinstance(target, LikeFirstGop):
        raise UsageError(
            "the first GOP's score is not known where others are coded apart: give that score "
            "itself as the target"
        )
    if not isinstance(target, Rate):
        return make_controller(target, gops)
    if target.even is not None:
        raise UsageError(
            "scores cannot be kept even where GOPs are coded apart: leave out even, or give a "
            "score as the target"
        )
    return PartOfRateController(target, gops)
