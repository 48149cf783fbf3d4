"""The controller of `StopStep`: every GOP is walked to one timestep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc._control.stopping import stop_at_step
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import StopStep
    from freegvc._trajectory import Sender
    from freegvc._video import Gop


class StopStepController:
    """Codes GOPs to a timestep.

    Args:
        target: the timestep.
        gops: of the stream.

    Raises:
        UsageError: the timestep is beyond the prior's schedule.
    """

    def __init__(self, target: StopStep, gops: GopEncoder) -> None:
        self._start = gops.prior.schedule.start
        self._stop = target.timestep
        if self._stop > self._start:
            raise UsageError(
                f"stop_step is {self._stop}, but the schedule of prior {gops.prior.name!r} starts "
                f"at {self._start}; choose 0 .. {self._start}"
            )
        self._gops = gops
        self._packets: list[bytes] = []

    def add(self, gop: Gop) -> FinishedGop:
        """Code one GOP."""
        finished = self._gops.finish(self.walk_alone(gop))
        self._packets.append(finished.packet)
        return finished

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has coded."""
        self._gops.pass_over(gop, finished)
        self._packets.append(finished.packet)
        self._gops.on_event(finished.done)

    def walk_alone(self, gop: Gop) -> Sender:
        """The walk of one GOP, which stands where the target wants it."""
        walk = self._gops.start(gop, self._progress)
        stop_at_step(walk, self._gops.grid(self._stop))
        return walk

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return self._packets

    def _progress(self, walk: Sender) -> float:
        return (self._start - walk.timestep) / max(self._start - self._stop, 1)
