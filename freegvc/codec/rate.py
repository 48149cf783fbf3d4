"""Rate control over many GOPs: each is walked far enough, then all are cut to an even score.

The walks are drafts: what is kept of each is its packet, the size of every prefix, and a surrogate
from two scored states. Cutting a packet between two steps needs no model. The last GOP's walk is
still there when the rest is known, and fills the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from freegvc.bitstream import Header, PacketCodec
from freegvc.bitstream.stream import stream_bytes, stream_sections
from freegvc.codec.scoring import GopScorer
from freegvc.codec.seams import Seams
from freegvc.control import (
    Option,
    Path,
    PowerLaw,
    Quality,
    RatePoint,
    even_loss,
    fit_power_law,
    loss_of,
    share_bits,
    state_at,
    stop_within_bytes,
)
from freegvc.errors import TargetError

if TYPE_CHECKING:
    from freegvc.bitstream import Stream
    from freegvc.codec.events import OnEvent
    from freegvc.codec.gop_walk import GopWalk
    from freegvc.metrics.registry import Weights
    from freegvc.priors import Prior
    from freegvc.video import Gop

SCORED_FRAMES = 3  # of a GOP; the curve has to be right from GOP to GOP, not frame by frame
SPARE = 1.25  # bits of a draft over what its GOP is expected to get
_REACH = (0.4, 2.5)  # bits of a draft over an equal share
_FIRST_SCORED = 0.5  # the first scored state, in parts of an equal share
Budget = Callable[[int], float]  # frames so far to bytes of the file so far


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of a GOP.

    Attributes:
        packet: as it goes into the stream.
        num_steps, stop_step: of it.
        num_probes: states that were scored for its surrogate.
    """

    packet: bytes
    num_steps: int
    stop_step: int
    num_probes: int


@dataclass(frozen=True, slots=True)
class _Draft:
    packet: bytes
    timesteps: tuple[int, ...]  # after 0, 1, ... steps
    probes: tuple[bytes | None, ...]  # about the state after 0, 1, ... steps
    option: Option
    num_scored: int


class RateControl:
    """Drafts of the GOPs so far.

    Args:
        header: of the stream; its number of frames does not matter.
        prior: of the stream.
        metric: what is kept even.
        budget: bytes that the target grants the file up to so many frames.
        weights: folder of the metric's weights, as `freegvc.metrics` takes it.
        on_event: told of every probe.
    """

    def __init__(
        self,
        header: Header,
        prior: Prior,
        metric: str,
        budget: Budget,
        *,
        weights: Weights,
        on_event: OnEvent,
    ) -> None:
        self._seams = Seams(header, prior)
        self._device = str(prior.device)
        self._metric = metric
        self._budget = budget
        self._weights = weights
        self._on_event = on_event
        self._drafts: list[_Draft] = []

    def add(self, path: Path[GopWalk], stream: Stream) -> None:
        """Walk a GOP as far as it may be needed, and remember what it can be cut to.

        Args:
            path: of the GOP, at its start.
            stream: its header counts this GOP's frames; its packets do not matter.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        probes = [path.trunk.probe()]
        timesteps = [path.trunk.timestep]

        def grow(bits: float) -> None:
            while not path.has_ended and path.bits[-1] < bits:
                path.grow()
                probes.append(path.trunk.probe())
                timesteps.append(path.trunk.timestep)

        empty = [draft.option.bits[0] for draft in self._drafts] + [path.bits[0]]
        granted = self._packets_bits(stream, [*(d.option.bits[-1] for d in self._drafts), 0.0])
        if sum(empty) > granted:
            raise TargetError(
                f"the target allows {self._budget(stream.header.num_frames):.0f} bytes so far, but "
                f"the stream takes {-granted / 8 + sum(empty) / 8:.0f} more before a single step "
                "is sent; raise the target"
            )
        share = granted / len(empty)
        grow(_FIRST_SCORED * share)
        scorer = self._scorer(path.trunk.gop)
        first = self._point(path, state_at(path.bits, _FIRST_SCORED * share), scorer)
        expected = SPARE * self._expected_bits(first, granted - share, share)
        # together the drafts must be able to take the budget, or the last GOP gets what is left
        room = granted - sum(draft.option.bits[-1] for draft in self._drafts)
        grow(min(max(expected, room, _REACH[0] * share), _REACH[1] * share))
        points = [first]
        if path.bits[-1] > first.bits:
            points.append(self._point(path, len(path.bits) - 1, scorer))
        option = Option(tuple(path.bits), fit_power_law(points))
        packet = path.trunk.packet()
        self._drafts.append(_Draft(packet, tuple(timesteps), tuple(probes), option, len(points)))

    def finish(self, path: Path[GopWalk], grid: list[int], stream: Stream) -> list[Cut]:
        """Cut all GOPs so that the file fits.

        Args:
            path: of the last GOP, as `add` left it.
            grid: of that path.
            stream: without packets; its header counts all frames.
        """
        drafts = self._drafts
        options = [draft.option for draft in drafts]
        largest = [option.bits[-1] for option in options]
        chosen = share_bits(options, self._packets_bits(stream, largest))
        cuts = [
            Cut(self._cut(stream.header, k, n), n, drafts[k].timesteps[n], drafts[k].num_scored)
            for k, n in enumerate(chosen[:-1])
        ]
        last = path.trunk.fork(chosen[-1])
        last.follow(replace(stream, packets=tuple(cut.packet for cut in cuts)))
        ahead = [timestep for timestep in grid if timestep < last.timestep]
        if ahead:
            budget = self._budget(stream.header.num_frames)
            stop_within_bytes(last, ahead, budget, last.num_file_bytes)
        scored = drafts[-1].num_scored
        return [*cuts, Cut(last.packet(), last.num_steps, last.timestep, scored)]

    def _packets_bits(self, stream: Stream, largest: list[float]) -> float:
        """Bits that the budget leaves for packets of at most these sizes."""
        sizes = [int(bits) // 8 for bits in largest]
        sections = stream_sections(replace(stream, packets=()))
        head = stream_bytes(stream.header, sections, sizes) - sum(sizes)
        return 8.0 * (self._budget(stream.header.num_frames) - head)

    def _expected_bits(self, first: RatePoint, before_bits: float, share: float) -> float:
        """What this GOP will get, as far as its first point and the other curves tell."""
        curves = [draft.option.curve for draft in self._drafts]
        if not curves:
            return share
        common = even_loss(curves, before_bits)
        exponent = sum(curve.exponent for curve in curves) / len(curves)
        mine = PowerLaw(first.loss / first.bits**exponent, exponent)
        return mine.bits(common)

    def _point(self, path: Path[GopWalk], num_steps: int, scorer: GopScorer) -> RatePoint:
        # by itself: which frames it will be fused with is not known yet
        score, _ = scorer.score(path.trunk.fork(num_steps), lambda score: False)
        return RatePoint(path.bits[num_steps], max(loss_of(self._metric, score), 1e-9))

    def _scorer(self, gop: Gop) -> GopScorer:
        return GopScorer(
            self._seams,
            Quality(self._metric, probe_frames=SCORED_FRAMES),
            gop,
            None,
            weights=self._weights,
            device=self._device,
            on_event=self._on_event,
        )

    def _cut(self, header: Header, gop: int, num_steps: int) -> bytes:
        """The packet of a draft's first steps."""
        draft = self._drafts[gop]
        codec = PacketCodec(header)
        whole = codec.decode(draft.packet, gop)
        samples = draft.probes[num_steps]
        cut = replace(whole, steps=whole.steps[:num_steps], drift_samples=samples)
        return codec.encode(cut, gop)
