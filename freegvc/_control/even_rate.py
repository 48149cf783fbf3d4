"""The controller of `Rate` with `even`: the GOPs of a file of a given size get even scores.

Each draft goes further than with a common noise level, and two of its states are decoded and
scored, from which its surrogate follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from freegvc._control.drafts import Draft, Foresight
from freegvc._control.rate import RateController
from freegvc._control.scoring import GopScorer
from freegvc._control.sharing import ByScore, Option, even_loss, state_at
from freegvc._control.stopping import next_timestep
from freegvc._control.surrogate import PowerLaw, RatePoint, fit_power_law

if TYPE_CHECKING:
    from freegvc._control.finished_gop import FinishedGop
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate
    from freegvc._trajectory import Sender
    from freegvc._video import Gop
    from freegvc.metrics import Metric

SCORED_FRAMES = 3  # of a GOP; the curve has to be right from GOP to GOP, not frame by frame
SPARE = 1.25  # bits of a draft over what its GOP is expected to get
_REACH = (0.4, 2.5)  # bits of a draft over an equal part of the budget
_FIRST_SCORED = 0.5  # the first scored state, in equal parts of the budget


class EvenRateController(RateController):
    """Codes GOPs within a rate for the whole file, and keeps their scores even.

    Args:
        target: the rate.
        metric: whose scores are kept even.
        gops: of the stream.

    Raises:
        UsageError: a number of bytes for a video of unknown length.
    """

    def __init__(self, target: Rate, metric: Metric, gops: GopEncoder) -> None:
        super().__init__(target, gops)
        self._metric, self._weights = metric, target.weights
        self._curves: list[PowerLaw] = []

    def _explore(self, walk: Sender, gop: Gop, granted: float) -> tuple[Option, int]:
        """Walk as far as the GOP may need for an even score, and score two states on the way."""
        grid = self._gops.grid()

        def grow(bits: float) -> None:
            while walk.bits[-1] < bits:
                ahead = next_timestep(walk, grid)
                if ahead is None:
                    return
                walk.extend(ahead)

        part = granted / (gop.index + 1)
        grow(_FIRST_SCORED * part)
        scorer = self._scorer(gop)
        first = self._point(walk, state_at(walk.bits, _FIRST_SCORED * part), scorer)
        before = granted - part
        if self._foresight is not None:
            before = part * len(self._curves)  # of the GOPs whose curves are known
        expected = SPARE * self._expected_bits(first, before, part)
        # together the drafts must be able to take the budget, or the last GOP gets what is left
        room = part
        if self._foresight is None:
            room = granted - sum(draft.option.bits[-1] for draft in self._drafts)
        grow(min(max(expected, room, _REACH[0] * part), _REACH[1] * part))
        points = [first]
        if walk.bits[-1] > first.bits:
            points.append(self._point(walk, walk.num_steps, scorer))
        self._curves.append(fit_power_law(points))
        return ByScore(tuple(walk.bits), self._curves[-1]), len(points)

    def foresight(self) -> Foresight:
        return replace(super().foresight(), curves=tuple(self._curves))

    def add_early(self, gop: Gop, foresight: Foresight) -> FinishedGop:
        self._curves = list(foresight.curves)
        return super().add_early(gop, foresight)

    def settle(self, gop: Gop, finished: FinishedGop) -> FinishedGop | None:
        """The draft as it is: its length hardly matters, and that of its scored states is fixed."""
        self._gops.come_to(gop)
        self._granted_bits(finished.state["bits"][0], gop)  # which refuses what never fits
        return finished

    def _kept(self, draft: Draft) -> dict[str, Any]:
        curve = self._curves[-1]
        return {**super()._kept(draft), "curve": [curve.factor, curve.exponent]}

    def _option_of(self, state: Mapping[str, Any]) -> Option:
        factor, exponent = state["curve"]
        self._curves.append(PowerLaw(factor, exponent))
        return ByScore(tuple(state["bits"]), self._curves[-1])

    def _expected_bits(self, first: RatePoint, before_bits: float, part: float) -> float:
        """What this GOP will get, as far as its first point and the other curves tell."""
        curves = self._curves
        if not curves:
            return part
        common = even_loss(curves, before_bits)
        exponent = sum(curve.exponent for curve in curves) / len(curves)
        mine = PowerLaw(first.loss / first.bits**exponent, exponent)
        return mine.bits(common)

    def _point(self, walk: Sender, num_steps: int, scorer: GopScorer) -> RatePoint:
        # alone: the frames that it will be fused with are not known yet
        score, _ = scorer.score(walk.fork(num_steps), lambda score: False)
        return RatePoint(walk.bits[num_steps], max(self._metric.loss(score), 1e-9))

    def _scorer(self, gop: Gop) -> GopScorer:
        return GopScorer(
            self._metric,
            pooling="mean",
            probe_frames=SCORED_FRAMES,
            weights=self._weights,
            gops=self._gops,
            gop=gop,
            before=None,
        )
