"""What all controllers share: GOPs become walks, walks become packets, and packets a file size."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from freegvc import events
from freegvc._bitstream import PacketCodec, Stream, Timestamps
from freegvc._bitstream.stream import stream_bytes, stream_sections
from freegvc._bitstream.timestamps import MAX_TIMESTAMPS
from freegvc._control.finished_gop import FinishedGop, tail_array, tail_tensor
from freegvc._control.tuning import Tuning
from freegvc._trajectory import Pace, Seams, Sender, Silent, grid_to
from freegvc._video.gop_plan import plan_gops
from freegvc._warn import warn
from freegvc.errors import OutputWarning

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream.header import Header, StreamParameters
    from freegvc._channel.coders import ChannelCoder
    from freegvc._video import Gop
    from freegvc.priors import Prior

Progress = Callable[[Sender], float]


class GopEncoder:
    """Starts the walk of each GOP and ends it with a packet.

    Args:
        prior, coder, parameters: of the stream.
        num_frames: of the whole video, as far as known.
        on_event: called with each event.
        pace: of the walks.
        max_probes: how many states of a GOP a target may decode that does not say.
        frame_seconds: how long a frame is shown on average; None for 1/frame rate.
        tuning: what latents are tuned for, or None.

    Attributes:
        prior, parameters, num_frames, on_event, pace, max_probes, frame_seconds, tuning: as given.
        packets: codec of the stream's packets.
        seams, silent: of the stream.
        end_frame: frames of the video up to the end of the current GOP.
    """

    def __init__(
        self,
        prior: Prior,
        coder: ChannelCoder,
        parameters: StreamParameters,
        num_frames: int | None,
        on_event: events.OnEvent,
        pace: Pace,
        max_probes: int,
        frame_seconds: float | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self.frame_seconds = frame_seconds or float(1 / parameters.frame_rate)
        self.prior = prior
        self.parameters = parameters
        self.num_frames = num_frames
        self.on_event = on_event
        self.packets = PacketCodec(parameters)
        self.seams = Seams(parameters, prior)
        self.silent = Silent.of(parameters)
        self.max_probes = max_probes
        self.tuning = tuning
        self._coder = coder
        self.pace = pace
        self.end_frame = self._first_frame = self._last_advance = 0
        self._ticks: Timestamps | None = None
        self._advance, self._is_last = 0, False
        self._known: Tensor | None = None  # latents of the next GOP, if they are chained
        self._frames_seconds = self._walk_began = 0.0

    def grid(self, stop_step: int = 0) -> list[int]:
        """Timesteps of a walk to `stop_step`."""
        return grid_to(self.prior.schedule, stop_step, self.pace)

    def start(self, gop: Gop, progress: Progress) -> Sender:
        """Encode the frames of a GOP; its walk stands at the noisiest level.

        Args:
            gop: the next one.
            progress: how far a walk has gone towards its target, 0 .. 1; for display only.

        Raises:
            UsageError: the video has become too long for a stream.
        """
        self.come_to(gop)
        known = None if self.num_frames is None else self.num_gops(max(self.num_frames, 1))
        self.on_event(events.GopStarted(gop.index, known, len(gop.frames)))
        began = time.perf_counter()
        latent = self.prior.encode_frames(gop.frames)
        if self.tuning:
            distance = self.tuning.distance(self.prior.device)
            latent = self.prior.tuned(latent, gop.frames, distance)
        self._walk_began = time.perf_counter()
        self._frames_seconds = self._walk_began - began

        def on_step(walk: Sender) -> None:
            done = min(max(progress(walk), 0.0), 1.0)
            self.on_event(
                events.StepSent(gop.index, walk.num_steps, walk.timestep, walk.kl_bits[-1], done)
            )

        return Sender(
            self.prior,
            latent,
            self._coder,
            self.packets,
            key=self.parameters.key,
            gop=gop.index,
            known=self._known,
            on_step=on_step,
        )

    def pass_over(self, gop: Gop, finished: FinishedGop) -> None:
        """Go on behind a GOP that an earlier run has finished.

        Args:
            gop: the next one.
            finished: the same, as `finish` has made it.
        """
        self.come_to(gop)
        if self.parameters.chain:
            self._known = tail_tensor(finished.tail, self.prior.device)

    def follow(self, first_frame: int) -> None:
        """Say where the GOP before the next one begins, if it is coded elsewhere.

        Args:
            first_frame: index of its first frame in the video.
        """
        self._first_frame = first_frame

    def come_to(self, gop: Gop) -> None:
        """Take note of the next GOP: where the video ends if it is the last.

        Raises:
            UsageError: the video has become too long for a stream.
        """
        self.end_frame = gop.first_frame + len(gop.frames)
        self._ticks = self._ticks_of(gop)
        self._last_advance = self._unusual_advance(gop)
        self._first_frame = gop.first_frame
        self._advance, self._is_last = gop.advance, gop.is_last
        self.header().validate()

    def seconds(self) -> dict[str, float]:
        """Time that the current GOP has taken so far, by stage."""
        return {"frames": self._frames_seconds, "walk": time.perf_counter() - self._walk_began}

    def finish(
        self,
        walk: Sender,
        *,
        latent: Tensor | None = None,
        score: float | None = None,
        reached: bool | None = None,
        num_probes: int = 0,
        probe_seconds: float = 0.0,
    ) -> FinishedGop:
        """End the current GOP where its walk stands.

        Args:
            walk: of that GOP.
            latent: what `walk.reconstruct` gave, if it was called.
            score, reached, num_probes: as in `freegvc.events.GopDone`.
            probe_seconds: how long the probes took.

        Returns:
            The packet, and what was said of it; its tail if GOPs are chained, or the latent was
            given, and another GOP follows.
        """
        packet = walk.packet()
        tail = None
        if not self._is_last:
            if latent is None and self.parameters.chain:
                latent = walk.reconstruct(self.silent)
            if latent is not None:
                tail = self.seams.tail(latent, self._advance)
        self._known = tail if self.parameters.chain else None
        seconds = self.seconds() | ({"probes": probe_seconds} if num_probes else {})
        done = events.GopDone(
            walk.gop,
            walk.timestep,
            walk.num_steps,
            len(packet),
            score,
            reached,
            num_probes,
            seconds,
            walk.model_calls,
        )
        self.on_event(done)
        return FinishedGop(packet=packet, done=done, tail=tail_array(tail))

    def header(self) -> Header:
        """The header if the video ends with the current GOP."""
        return self.parameters.header(self.end_frame, self._last_advance)

    def num_gops(self, num_frames: int) -> int:
        """How many GOPs a video of that many frames becomes."""
        plan = plan_gops(
            num_frames,
            self.parameters.gop_length,
            self.parameters.overlap,
            longest=self.prior.defaults.max_gop_length,
            stride=self.prior.latent.temporal_stride,
        )
        return plan.num_gops

    def stream(self, packets: Sequence[bytes]) -> Stream:
        """The stream of these packets if the video ends with the current GOP; without audio."""
        return Stream(self.header(), tuple(packets), self._ticks, prompt=self.prior.prompt or None)

    def file_size(self) -> Callable[[Sequence[int]], int]:
        """What turns packet sizes into a file size, if the video ends with the current GOP.

        Returns:
            A function from the bytes of each packet to the bytes of the file without audio.
        """
        stream = self.stream(())
        sections = stream_sections(stream)
        return lambda packet_bytes: stream_bytes(stream.header, sections, packet_bytes)

    def _ticks_of(self, gop: Gop) -> Timestamps | None:
        stamps, last_seconds = gop.timestamps, gop.last_frame_seconds
        if stamps is None and last_seconds is None:
            return None
        if stamps is None:
            if last_seconds is not None and self.end_frame > MAX_TIMESTAMPS:
                warn(
                    f"the last frame is shown as long as the others, not {float(last_seconds):g} "
                    f"s: a video of more than {MAX_TIMESTAMPS} frames cannot say it",
                    OutputWarning,
                )
                return None
            rate = self.parameters.frame_rate
            stamps = tuple(index / rate for index in range(self.end_frame))
        return _ticks(stamps, last_seconds)

    def _unusual_advance(self, gop: Gop) -> int:
        """By how many frames the last GOP follows the one before it; 0 for as many as usual."""
        advance = gop.first_frame - self._first_frame
        usual = self.parameters.gop_length - self.parameters.overlap
        return advance if gop.is_last and gop.index and advance != usual else 0


def _ticks(timestamps: Sequence[Fraction], last_seconds: Fraction | None) -> Timestamps:
    """Seconds as integer ticks of the coarsest clock that holds them all."""
    ends = [] if last_seconds is None else [timestamps[-1] + last_seconds]
    clock = math.lcm(*(seconds.denominator for seconds in [*timestamps, *ends]))
    ticks = [int(seconds * clock) for seconds in [*timestamps, *ends]]
    end = ticks.pop() if ends else None
    return Timestamps(tuple(ticks), Fraction(1, clock), end)
