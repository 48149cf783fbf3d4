"""The controller of `Rate` for chained GOPs, each of which needs the final form of the one before.

So no GOP can be cut once the next one is coded, and bits cannot be shared by what comes later. Each
GOP takes what the rate grants all frames so far, less what the GOPs before have taken.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from freegvc._control.budget import Budget
from freegvc._control.stopping import stop_within_bytes

if TYPE_CHECKING:
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate
    from freegvc._trajectory import Sender
    from freegvc._video import Gop


class ChainedRateController:
    """Codes one GOP after the other within a rate for the whole file.

    Args:
        target: the rate.
        gops: of the stream.

    Raises:
        UsageError: a number of bytes for a video of unknown length.
    """

    def __init__(self, target: Rate, gops: GopEncoder) -> None:
        self._gops = gops
        self._budget = Budget(target, gops)
        self._packets: list[bytes] = []
        self._empty: list[int] = []

    def add(self, gop: Gop) -> FinishedGop:
        """Code one GOP.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        finished = self._gops.finish(self.walk_alone(gop))
        self._packets.append(finished.packet)
        return replace(finished, state={"empty_bytes": self._empty[-1]})

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has coded."""
        self._gops.pass_over(gop, finished)
        self._granted(gop, finished.state["empty_bytes"])  # which may raise the default rate
        self._packets.append(finished.packet)
        self._gops.on_event(finished.done)

    def walk_alone(self, gop: Gop) -> Sender:
        """The walk of the next GOP, which fills the budget of the frames so far.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        walk = self._gops.start(gop, lambda walk: 0.0)
        budget = self._granted(gop, walk.bits[0] // 8)
        size, before = self._gops.file_size(), list(map(len, self._packets))

        def num_bytes() -> int:
            return size([*before, walk.bits[-1] // 8])

        if num_bytes() <= budget:  # else the frames to come will pay for the header
            stop_within_bytes(walk, self._gops.grid(), budget, num_bytes)
        return walk

    def _granted(self, gop: Gop, empty_bytes: int) -> float:
        """Bytes of the file up to the end of a GOP whose packet takes so many without steps."""
        if gop.is_last:
            self._budget.num_frames = self._gops.end_frame  # whatever was stated
        self._empty.append(empty_bytes)
        before = map(len, self._packets)
        if self._gops.file_size()([*before, empty_bytes]) > self._budget.bytes_for(
            self._gops.end_frame
        ):
            self._budget.check(self._empty, is_last=gop.is_last)
        return self._budget.bytes_for(self._gops.end_frame)

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return self._packets
