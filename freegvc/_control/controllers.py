"""From a target to its controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from freegvc._control.chained_rate import ChainedRateController
from freegvc._control.even_rate import EvenRateController
from freegvc._control.rate import RateController
from freegvc._control.score import LikeFirstGopController, ScoreController
from freegvc._control.stop_step import StopStepController
from freegvc._control.targets import LikeFirstGop, Rate, Score, StopStep, Target
from freegvc.errors import UsageError
from freegvc.metrics import as_metric

if TYPE_CHECKING:
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._video import Gop


class Controller(Protocol):
    """Decides where the walks of a stream stop, and scores with the decoder's own means."""

    def add(self, gop: Gop) -> FinishedGop:
        """Code the next GOP.

        Returns:
            What is needed of it if this run does not end, for `restore`.

        Raises:
            TargetError: the target cannot be reached.
        """

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take the next GOP as an earlier run of the same plan has coded it.

        What follows is what it would have been without the interruption.
        """

    def finish(self) -> list[bytes]:
        """The packets of all GOPs, once the last one was added."""


def make_controller(target: Target, gops: GopEncoder) -> Controller:
    """The controller of a target.

    Raises:
        UsageError: the target does not fit the prior or the video.
    """
    match target:
        case StopStep() | Rate():
            return _plain(target, gops)
        case Score():
            return ScoreController(target, as_metric(target.metric), target.score, gops)
        case LikeFirstGop():
            return LikeFirstGopController(target, _plain(target.first, gops), gops)


def _plain(
    target: StopStep | Rate, gops: GopEncoder
) -> StopStepController | RateController | ChainedRateController:
    match target:
        case StopStep():
            return StopStepController(target, gops)
        case Rate() if gops.parameters.chain and target.even is not None:
            raise UsageError(
                "the scores of chained GOPs cannot be kept even, as none is cut once the next one "
                "is coded: leave out even or chain"
            )
        case Rate() if gops.parameters.chain:
            return ChainedRateController(target, gops)
        case Rate() if target.even is not None:
            return EvenRateController(target, as_metric(target.even), gops)
        case Rate():
            return RateController(target, gops)
