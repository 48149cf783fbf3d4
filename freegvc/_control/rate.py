"""The controller of `Rate`: each GOP is walked far enough, then all are cut to an even score.

The walks are drafts: what is kept of each is its packet, the size of every prefix, and a surrogate
from two scored states. Cutting a packet between two steps needs no model. The last GOP's walk is
still there when the rest is known, and fills the budget.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from freegvc._control.budget import Budget
from freegvc._control.scoring import GopScorer
from freegvc._control.sharing import Option, even_loss, share_bits, state_at
from freegvc._control.stopping import next_timestep, stop_within_bytes
from freegvc._control.surrogate import PowerLaw, RatePoint, fit_power_law
from freegvc.events import GopDone

if TYPE_CHECKING:
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate
    from freegvc._trajectory import Sender
    from freegvc._video import Gop

SCORED_FRAMES = 3  # of a GOP; the curve has to be right from GOP to GOP, not frame by frame
SPARE = 1.25  # bits of a draft over what its GOP is expected to get
_REACH = (0.4, 2.5)  # bits of a draft over an equal part of the budget
_FIRST_SCORED = 0.5  # the first scored state, in equal parts of the budget


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is kept of a walk.

    Attributes:
        packet: of all its steps.
        timesteps, drift_samples: of its states after 0, 1, ... steps.
        option: its sizes and its surrogate.
        num_probes: states that were scored for the surrogate.
        seconds: by stage.
        model_calls: for all of it.
    """

    packet: bytes
    timesteps: tuple[int, ...]
    drift_samples: tuple[bytes | None, ...]
    option: Option
    num_probes: int
    seconds: dict[str, float]
    model_calls: int


class RateController:
    """Codes GOPs within a rate for the whole file.

    Args:
        target: the rate, and the metric to keep even.
        gops: of the stream.

    Raises:
        UsageError: a number of bytes for a video of unknown length.
    """

    def __init__(self, target: Rate, gops: GopEncoder) -> None:
        self._gops = gops
        self._target = target
        self._budget = Budget(target, gops)
        parameters = gops.parameters
        self._metric = target.metric_for(parameters.height, parameters.width)
        self._drafts: list[_Draft] = []
        self._packets: list[bytes] = []

    def add(self, gop: Gop) -> None:
        """Draft one GOP; a video that is a single GOP is coded right away.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        if gop.index == 0 and gop.is_last:
            self._packets.append(self._gops.finish(self.walk_alone(gop)))
            return
        walk = self._start(gop)
        self._drafts.append(self._draft(walk, gop))
        if gop.is_last:
            self._packets = self._cut_all(walk)

    def walk_alone(self, gop: Gop) -> Sender:
        """The walk of the first GOP, which fills the budget of the frames so far.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        walk = self._start(gop)
        size = self._gops.file_size()
        budget = self._budget.bytes_for(self._gops.end_frame)
        if size([walk.bits[0] // 8]) > budget:
            self._budget.check([walk.bits[0] // 8], is_last=gop.is_last)
            budget = self._budget.bytes_for(self._gops.end_frame)
        if size([walk.bits[0] // 8]) > budget:  # the frames to come will pay for the header
            return walk
        stop_within_bytes(walk, self._gops.grid(), budget, lambda: size([walk.bits[-1] // 8]))
        return walk

    def _start(self, gop: Gop) -> Sender:
        walk = self._gops.start(gop, lambda walk: self._progress(walk, gop))
        if gop.is_last:
            self._budget.num_frames = self._gops.end_frame  # whatever was stated
        return walk

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return self._packets

    def _draft(self, walk: Sender, gop: Gop) -> _Draft:
        """Walk a GOP as far as it may be needed, and remember what it can be cut to."""
        grid = self._gops.grid()

        def grow(bits: float) -> None:
            while walk.bits[-1] < bits:
                ahead = next_timestep(walk, grid)
                if ahead is None:
                    return
                walk.extend(ahead)

        drafted = [draft.option.bits for draft in self._drafts]
        empty = [bits[0] for bits in drafted] + [walk.bits[0]]
        granted = self._packets_bits([*(bits[-1] for bits in drafted), 0.0])
        if sum(empty) > granted:
            self._budget.check([int(bits) // 8 for bits in empty], is_last=gop.is_last)
            # the frames to come will pay for the header
            granted = max(self._packets_bits([float(bits) for bits in empty]), sum(empty))
        part = granted / len(empty)
        grow(_FIRST_SCORED * part)
        scorer = self._scorer(gop)
        first = self._point(walk, state_at(walk.bits, _FIRST_SCORED * part), scorer)
        expected = SPARE * self._expected_bits(first, granted - part, part)
        # together the drafts must be able to take the budget, or the last GOP gets what is left
        room = granted - sum(bits[-1] for bits in drafted)
        grow(min(max(expected, room, _REACH[0] * part), _REACH[1] * part))
        points = [first]
        if walk.bits[-1] > first.bits:
            points.append(self._point(walk, walk.num_steps, scorer))
        return _Draft(
            packet=walk.packet(),
            timesteps=tuple(walk.timesteps),
            drift_samples=tuple(walk.drift_samples),
            option=Option(tuple(walk.bits), fit_power_law(points)),
            num_probes=len(points),
            seconds=self._gops.seconds(),
            model_calls=walk.model_calls,
        )

    def _cut_all(self, last: Sender) -> list[bytes]:
        """Cut all GOPs so that the file fits; the last one's walk takes what is left."""
        drafts, grid = self._drafts, self._gops.grid()
        granted = self._packets_bits([draft.option.bits[-1] for draft in drafts])
        chosen = share_bits([draft.option for draft in drafts], granted)
        cuts = [(self._cut(k, n), drafts[k].timesteps[n], n) for k, n in enumerate(chosen[:-1])]
        walk = last.fork(chosen[-1])
        if walk.timestep > grid[-1]:
            size, sizes = self._gops.file_size(), [len(packet) for packet, _, _ in cuts]
            budget = self._budget.bytes_for(self._gops.end_frame)
            stop_within_bytes(walk, grid, budget, lambda: size([*sizes, walk.bits[-1] // 8]))
        cuts.append((walk.packet(), walk.timestep, walk.num_steps))
        for k, (draft, (packet, stop, num_steps)) in enumerate(zip(drafts, cuts, strict=True)):
            self._gops.on_event(
                GopDone(
                    k,
                    stop,
                    num_steps,
                    len(packet),
                    None,
                    num_probes=draft.num_probes,
                    seconds=draft.seconds,
                    model_calls=draft.model_calls,
                )
            )
        return [packet for packet, _, _ in cuts]

    def _packets_bits(self, largest: list[float]) -> float:
        """Bits that the budget leaves for packets of at most these sizes in bits."""
        sizes = [int(bits) // 8 for bits in largest]
        head = self._gops.file_size()(sizes) - sum(sizes)
        return 8.0 * (self._budget.bytes_for(self._gops.end_frame) - head)

    def _expected_bits(self, first: RatePoint, before_bits: float, part: float) -> float:
        """What this GOP will get, as far as its first point and the other curves tell."""
        curves = [draft.option.curve for draft in self._drafts]
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
            weights=self._target.weights,
            gops=self._gops,
            gop=gop,
            tail=None,
        )

    def _cut(self, gop: int, num_steps: int) -> bytes:
        """The packet of a draft's first steps."""
        draft, packets = self._drafts[gop], self._gops.packets
        whole = packets.decode(draft.packet, gop)
        samples = draft.drift_samples[num_steps]
        cut = replace(whole, steps=whole.steps[:num_steps], drift_samples=samples)
        return packets.encode(cut, gop)

    def _progress(self, walk: Sender, gop: Gop) -> float:
        whole = (
            self._budget.bytes_for(self._gops.end_frame) * len(gop.frames) / self._gops.end_frame
        )
        return walk.bits[-1] / 8 / whole
