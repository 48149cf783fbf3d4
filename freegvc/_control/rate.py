"""The controller of `Rate`: each GOP is walked far enough, then all are cut to one noise level.

The walks are drafts: what is kept of each is its packet and the size of every prefix. Cutting a
packet between two steps needs no model. The last GOP's walk is still there when the rest is known,
and fills the budget. No state is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from freegvc._control.budget import Budget
from freegvc._control.drafts import Draft, Foresight, bits_at_levels, samples_of
from freegvc._control.finished_gop import FinishedGop
from freegvc._control.sharing import ByLevel, Option, share_bits
from freegvc._control.stopping import next_timestep, stop_within_bytes
from freegvc.events import GopDone

if TYPE_CHECKING:
    from freegvc._control.gop_encoder import GopEncoder
    from freegvc._control.targets import Rate
    from freegvc._trajectory import Sender
    from freegvc._video import Gop

EARLY_SPARE = 1.15  # the same of a draft that is made before all others are known, over SPARE
SPARE = 1.1  # bits of the GOPs so far, at the level that a draft ends at, over what is granted


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
        self._foresight: Foresight | None = None  # of a GOP that is drafted early
        self._drafts: list[Draft] = []
        self._packets: list[bytes] = []

    def add(self, gop: Gop) -> FinishedGop:
        """Draft one GOP; a video that is a single GOP is coded right away.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        if gop.index == 0 and gop.is_last:
            finished = self._gops.finish(self.walk_alone(gop))
            self._packets.append(finished.packet)
            return finished
        walk = self._start(gop)
        draft = self._draft(walk, gop)
        self._drafts.append(draft)
        packet, done = draft.packet, draft.done
        if gop.is_last:
            packet, done = self._fill(walk, done)
            self._cut_all(packet, done)
        return FinishedGop(packet=packet, done=done, state=self._kept(draft))

    def foresight(self) -> Foresight:
        """What is known by now, for a GOP that is drafted elsewhere at the same time as others."""
        return Foresight(len(self._drafts), self._bits_at.copy())

    def add_early(self, gop: Gop, foresight: Foresight) -> FinishedGop:
        """Draft a GOP while those before it are being drafted, further than it is likely to need.

        Args:
            gop: any but the last.
            foresight: of the controller that will `settle` the draft.
        """
        self._foresight, self._bits_at = foresight, foresight.bits_at.copy()
        draft = self._draft(self._start(gop), gop)
        return FinishedGop(packet=draft.packet, done=draft.done, state=self._kept(draft))

    def settle(self, gop: Gop, finished: FinishedGop) -> FinishedGop | None:
        """Make of an early draft what `add` would have made, now that all GOPs before are known.

        Args:
            gop: the next one.
            finished: what `add_early` made of it.

        Returns:
            The draft, cut to the length that `add` gives it; None if it is too short.

        Raises:
            TargetError: as `add`.
        """
        bits, timesteps = finished.state["bits"], finished.state["timesteps"]
        self._gops.come_to(gop)
        wanted = SPARE * self._granted_bits(bits[0], gop)
        end = self._gops.grid()[-1]
        for n, timestep in enumerate(timesteps):
            if bits[n] + self._bits_at[timestep] >= wanted or timestep <= end:
                return self._shortened(finished, n)
        return None

    def _shortened(self, finished: FinishedGop, num_steps: int) -> FinishedGop:
        """A draft of the first steps alone."""
        state = {name: values[: num_steps + 1] for name, values in finished.state.items()}
        samples = samples_of(state)[-1]
        packet = self._cut_packet(finished.packet, finished.index, num_steps, samples)
        done = replace(
            finished.done,
            stop_step=state["timesteps"][-1],
            num_steps=num_steps,
            num_bytes=len(packet),
        )
        return FinishedGop(packet=packet, done=done, state=state)

    def restore(self, gop: Gop, finished: FinishedGop) -> None:
        """Take a GOP that an earlier run has drafted, or coded if it is the last or only one."""
        self._gops.pass_over(gop, finished)
        self._note_length(gop)
        if gop.index == 0 and gop.is_last:
            self._packets.append(finished.packet)
            self._gops.on_event(finished.done)
            return
        self._granted_bits(finished.state["bits"][0], gop)  # which may raise the default rate
        self._drafts.append(self._draft_of(finished))
        if gop.is_last:
            self._cut_all(finished.packet, finished.done)

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
        self._note_length(gop)
        return walk

    def _note_length(self, gop: Gop) -> None:
        if gop.is_last:
            self._budget.num_frames = self._gops.end_frame  # whatever was stated

    def finish(self) -> list[bytes]:
        """The packets of all GOPs."""
        return self._packets

    def _draft(self, walk: Sender, gop: Gop) -> Draft:
        """Walk a GOP as far as it may be needed, and remember what it can be cut to."""
        granted = self._granted_bits(walk.bits[0], gop)
        option, num_probes = self._explore(walk, gop, granted)
        packet = walk.packet()
        done = GopDone(
            gop.index,
            walk.timestep,
            walk.num_steps,
            len(packet),
            None,
            num_probes=num_probes,
            seconds=self._gops.seconds(),
            model_calls=walk.model_calls,
        )
        samples = tuple(walk.drift_samples)
        return Draft(packet, tuple(walk.timesteps), samples, option, done)

    def _kept(self, draft: Draft) -> dict[str, Any]:
        """What a journal keeps of a draft."""
        return draft.as_state()

    def _draft_of(self, finished: FinishedGop) -> Draft:
        """The draft of which that was kept."""
        return Draft.of(finished, self._option_of(finished.state))

    def _granted_bits(self, empty_bits: float, gop: Gop) -> float:
        """Bits for the packets of the GOPs so far, of which the newest has so many without steps.

        Raises:
            TargetError: the target is too small for the header and packets without steps.
        """
        drafted = [draft.option.bits for draft in self._drafts]
        empty = [bits[0] for bits in drafted] + [empty_bits]
        granted = self._packets_bits([*(bits[-1] for bits in drafted), 0.0])
        if self._foresight is not None:  # `settle` checks
            return max(granted, sum(empty))
        if sum(empty) > granted:
            self._budget.check([int(bits) // 8 for bits in empty], is_last=gop.is_last)
            # the frames to come will pay for the header
            granted = max(self._packets_bits([float(bits) for bits in empty]), sum(empty))
        return granted

    def _explore(self, walk: Sender, gop: Gop, granted: float) -> tuple[Option, int]:
        """Walk to the level that all GOPs so far could share, and a little further.

        Args:
            walk: of the GOP, at its start.
            gop: its frames.
            granted: bits for the packets of the GOPs so far.

        Returns:
            What the GOP can be cut to, and how many of its states were scored.
        """
        grid, wanted = self._gops.grid(), SPARE * granted
        if self._foresight is not None:
            wanted *= EARLY_SPARE
        while walk.bits[-1] + self._bits_before(walk, gop) < wanted:
            ahead = next_timestep(walk, grid)
            if ahead is None:
                break
            walk.extend(ahead)
        return self._by_level(tuple(walk.bits), tuple(walk.timesteps)), 0

    def _bits_before(self, walk: Sender, gop: Gop) -> float:
        """Bits of the GOPs before, if they stopped at the noise level where a walk stands."""
        known: float = self._bits_at[walk.timestep]
        if self._foresight is None:
            return known
        if self._foresight.num_gops == 0:
            return walk.bits[-1] * gop.index
        return known * gop.index / self._foresight.num_gops

    def _option_of(self, state: Mapping[str, Any]) -> Option:
        """What a GOP can be cut to of which that was kept; later GOPs take it into account."""
        return self._by_level(tuple(state["bits"]), tuple(state["timesteps"]))

    def _by_level(self, bits: tuple[float, ...], timesteps: tuple[int, ...]) -> ByLevel:
        self._bits_at += bits_at_levels(bits, timesteps, self._bits_at.size)
        return ByLevel(bits, timesteps)

    def _chosen(self) -> list[int]:
        """How many steps each GOP keeps so that the file fits."""
        granted = self._packets_bits([draft.option.bits[-1] for draft in self._drafts])
        return share_bits([draft.option for draft in self._drafts], granted)

    def _fill(self, last: Sender, done: GopDone) -> tuple[bytes, GopDone]:
        """Let the last GOP's walk take what the others leave; its packet, and what to say of it."""
        grid, chosen = self._gops.grid(), self._chosen()
        walk = last.fork(chosen[-1])
        if walk.timestep > grid[-1]:
            sizes = [len(self._cut(k, n)) for k, n in enumerate(chosen[:-1])]
            size, budget = self._gops.file_size(), self._budget.bytes_for(self._gops.end_frame)
            stop_within_bytes(walk, grid, budget, lambda: size([*sizes, walk.bits[-1] // 8]))
        packet = walk.packet()
        done = replace(done, stop_step=walk.timestep, num_steps=walk.num_steps)
        return packet, replace(done, num_bytes=len(packet), model_calls=walk.model_calls)

    def _cut_all(self, last_packet: bytes, last_done: GopDone) -> None:
        """Cut all drafts but the last, whose final packet is given."""
        for k, num_steps in enumerate(self._chosen()[:-1]):
            packet, draft = self._cut(k, num_steps), self._drafts[k]
            stop = draft.timesteps[num_steps]
            self._packets.append(packet)
            self._gops.on_event(
                replace(draft.done, stop_step=stop, num_steps=num_steps, num_bytes=len(packet))
            )
        self._packets.append(last_packet)
        self._gops.on_event(last_done)

    def _packets_bits(self, largest: list[float]) -> float:
        """Bits that the budget leaves for packets of at most these sizes in bits."""
        sizes = [int(bits) // 8 for bits in largest]
        head = self._gops.file_size()(sizes) - sum(sizes)
        return 8.0 * (self._budget.bytes_for(self._gops.end_frame) - head)

    def _cut(self, gop: int, num_steps: int) -> bytes:
        """The packet of a draft's first steps."""
        draft = self._drafts[gop]
        return self._cut_packet(draft.packet, gop, num_steps, draft.drift_samples[num_steps])

    def _cut_packet(self, packet: bytes, gop: int, num_steps: int, samples: bytes | None) -> bytes:
        packets = self._gops.packets
        whole = packets.decode(packet, gop)
        cut = replace(whole, steps=whole.steps[:num_steps], drift_samples=samples)
        return packets.encode(cut, gop)

    def _progress(self, walk: Sender, gop: Gop) -> float:
        whole = (
            self._budget.bytes_for(self._gops.end_frame) * len(gop.frames) / self._gops.end_frame
        )
        return walk.bits[-1] / 8 / whole
