"""The controller of `Rate`: each GOP is walked far enough, then all are cut to one noise level.

The walks are drafts: what is kept of each is its packet and the size of every prefix. Cutting a
packet between two steps needs no model. The last GOP's walk is still there when the rest is known,
and fills the budget. No state is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from freegvc._control.budget import Budget
from freegvc._control.sharing import ByLevel, Option, share_bits
from freegvc._control.stopping import next_timestep, stop_within_bytes
from freegvc.events import GopDone

if TYPE_CHECKING:
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate
    from freegvc._trajectory import Sender
    from freegvc._video import Gop

SPARE = 1.1  # bits of the GOPs so far, at the level that a draft ends at, over what is granted


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is kept of a walk.

    Attributes:
        packet: of all its steps.
        timesteps, drift_samples: of its states after 0, 1, ... steps.
        option: what it can be cut to.
        num_probes: states that were scored.
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
        target: the rate.
        gops: of the stream.

    Raises:
        UsageError: a number of bytes for a video of unknown length.
    """

    def __init__(self, target: Rate, gops: GopEncoder) -> None:
        self._gops = gops
        self._budget = Budget(target, gops)
        # of the drafts so far, if each were cut at a timestep
        self._bits_at = np.zeros(gops.parameters.start_timestep + 1)
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
        drafted = [draft.option.bits for draft in self._drafts]
        empty = [bits[0] for bits in drafted] + [walk.bits[0]]
        granted = self._packets_bits([*(bits[-1] for bits in drafted), 0.0])
        if sum(empty) > granted:
            self._budget.check([int(bits) // 8 for bits in empty], is_last=gop.is_last)
            # the frames to come will pay for the header
            granted = max(self._packets_bits([float(bits) for bits in empty]), sum(empty))
        option, num_probes = self._explore(walk, gop, granted)
        return _Draft(
            packet=walk.packet(),
            timesteps=tuple(walk.timesteps),
            drift_samples=tuple(walk.drift_samples),
            option=option,
            num_probes=num_probes,
            seconds=self._gops.seconds(),
            model_calls=walk.model_calls,
        )

    def _explore(self, walk: Sender, gop: Gop, granted: float) -> tuple[Option, int]:
        """Walk to the level that all GOPs so far could share, and a little further.

        Args:
            walk: of the GOP, at its start.
            gop: its frames.
            granted: bits for the packets of the GOPs so far.

        Returns:
            What the GOP can be cut to, and how many of its states were scored.
        """
        del gop
        grid = self._gops.grid()
        while walk.bits[-1] + self._bits_at[walk.timestep] < SPARE * granted:
            ahead = next_timestep(walk, grid)
            if ahead is None:
                break
            walk.extend(ahead)
        timesteps, bits = tuple(walk.timesteps), tuple(walk.bits)
        levels = np.arange(self._bits_at.size)
        self._bits_at += np.interp(levels, timesteps[::-1], bits[::-1])
        return ByLevel(bits, timesteps), 0

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
        drafts[-1] = replace(drafts[-1], model_calls=walk.model_calls)
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
