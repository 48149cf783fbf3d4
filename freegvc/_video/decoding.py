"""The frames that FFmpeg decodes from one stream, and what was lost on the way."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from freegvc.errors import UnsupportedVideoError

# Codecs of which every packet gives one frame. Others have hidden frames, or several in a packet.
_ONE_TO_ONE = frozenset(
    ("h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg", "vp9", "av1", "libdav1d", "ffv1")
)
_DAMAGE_REACHES = 64  # packets after a damaged one in which the decoder may fail because of it


class Decoding:
    """Decodes one video stream, and counts.

    Args:
        container, stream: of av, opened for reading.
        name: of the video in messages.
        deinterlace: None refuses interlaced frames, True deinterlaces them, False takes them as
            they are.

    Attributes:
        num_frames: that are shown, so far.
        pts: of each of them, in ticks of the stream.
        lacks_pts: whether a frame had none.
        last_duration: of the last frame so far in ticks, or None.
    """

    def __init__(self, container: Any, stream: Any, name: str, deinterlace: bool | None) -> None:
        self.pts = array("q")
        self.lacks_pts = False
        self.last_duration: int | None = None
        self._stream = stream
        self._name = name
        self._deinterlace = deinterlace
        self._filter: _Deinterlacer | None = None
        self._demuxed = container.demux(stream)
        self._ready: deque[Any] = deque()
        self._packet_pts = array("q")
        self.num_frames = 0
        self._num_packets = self._num_discarded = 0
        self._num_corrupt_packets = self._num_corrupt_frames = self._last_corrupt = 0
        self._ended = self._interlaced = False

    def next_frame(self) -> Any:
        """The next frame that is shown; None after the last one.

        Raises:
            OSError, ValueError: the stream cannot be decoded, as av raises it.
            UnsupportedVideoError: interlaced frames.
        """
        while not self._ready:
            if self._ended:
                return None
            self._ready.extend(self._decode_more())
        return self._ready.popleft()

    def losses(self) -> list[str]:
        """What was lost, after the last frame: each a clause with numbers."""
        lost = []
        begin = min(self.pts, default=0)
        # the first one that is decoded may be shown after others
        at_start = sum(pts < begin for pts in self._packet_pts) if not self.lacks_pts else 0
        if at_start:
            lost.append(
                f"the first {at_start} of {self._num_packets} frames cannot be decoded: it does "
                "not begin at a key frame, or its beginning is damaged"
            )
        missing = self._num_packets - self.num_frames - at_start
        one_to_one = self._stream.codec_context.name in _ONE_TO_ONE and not self._interlaced
        if one_to_one and missing > 0:
            lost.append(f"{missing} of {self._num_packets} frames cannot be decoded")
        damaged = max(self._num_corrupt_packets, self._num_corrupt_frames)
        if damaged:
            verb = "is" if damaged == 1 else "are"
            lost.append(
                f"{damaged} of {self._num_packets} frames {verb} damaged, the last of them near "
                f"frame {max(self._last_corrupt, 0)}"
            )
        return lost + self._early_end()

    def _early_end(self) -> list[str]:
        """Whether frames are missing at the end, by what the head of the container says."""
        stated, duration = self._stream.frames, self._stream.duration
        there = self._num_packets + self._num_discarded
        if not stated or not duration or there >= stated or not self.pts:
            return []
        tick = Fraction(self._stream.time_base)
        begin, end = self._stream.start_time or 0, max(self.pts)
        period = duration / stated
        if end + 2.5 * period >= begin + duration:  # an edit list cuts frames off
            return []
        return [
            f"it states {stated} frames and {float(duration * tick):.6g} s, but only "
            f"{self.num_frames} are there, which end after "
            f"{float((end - begin + period) * tick):.6g} s"
        ]

    def _decode_more(self) -> list[Any]:
        packet = next(self._demuxed, None)
        if packet is None:
            self._ended = True
            return self._flush()
        if packet.size:
            if packet.is_discard:
                self._num_discarded += 1
            else:
                self._num_packets += 1
                if packet.pts is not None:
                    self._packet_pts.append(packet.pts)
            if packet.is_corrupt:
                self._num_corrupt_packets += 1
                self._last_corrupt = self._num_packets - 1
        frames: list[Any] = []
        for frame in self._decode(packet):
            frames += self._take(frame)
        return frames

    def _decode(self, packet: Any) -> list[Any]:
        import av

        near = self._num_packets - self._last_corrupt <= _DAMAGE_REACHES
        near = near and self._num_corrupt_packets > 0
        try:
            return list(packet.decode())
        except EOFError:
            return []
        except (OSError, ValueError, av.error.FFmpegError):
            if not near:
                raise
        # the decoder reports a damaged packet late: what it still holds comes after the error
        try:
            return [] if packet.size else list(packet.decode())
        except (OSError, ValueError, av.error.FFmpegError):
            return []

    def _take(self, frame: Any) -> list[Any]:
        """Count a frame, and deinterlace it if that is asked for."""
        if frame.is_corrupt:
            self._num_corrupt_frames += 1
            self._last_corrupt = max(self._last_corrupt, self.num_frames)
        if frame.pts is None:
            self.lacks_pts = True
        else:
            self.pts.append(frame.pts)
        self.last_duration = frame.duration or None
        index, self.num_frames = self.num_frames, self.num_frames + 1
        if frame.interlaced_frame and self._deinterlace is None:
            raise UnsupportedVideoError(
                f"{self._name} is interlaced at frame {index}: choose --deinterlace "
                "(deinterlace=True), or --no-deinterlace if its frames are whole pictures after all"
            )
        self._interlaced = self._interlaced or frame.interlaced_frame
        if self._interlaced and self._deinterlace:
            self._filter = self._filter or _Deinterlacer(frame)
            return self._filter.push(frame)
        return [frame]

    def _flush(self) -> list[Any]:
        return self._filter.push(None) if self._filter else []


class _Deinterlacer:
    """FFmpeg's bwdif: one frame for each frame; frames that are not interlaced pass."""

    def __init__(self, frame: Any) -> None:
        import av

        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 1000),
        )
        field_filter = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = self._graph.add("buffersink")
        source.link_to(field_filter)
        field_filter.link_to(sink)
        self._graph.configure()

    def push(self, frame: Any) -> list[Any]:
        """Frames that are complete now; None flushes."""
        self._graph.push(frame)
        return list(self._pull())

    def _pull(self) -> Iterator[Any]:
        import av

        while True:
            try:
                yield self._graph.pull()
            except (BlockingIOError, EOFError, av.error.BlockingIOError, av.error.EOFError):
                return
