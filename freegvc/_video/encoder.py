"""H.264 and H.265 in .mp4 and .mkv, through PyAV."""

import errno
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np

from freegvc._video.audio_feed import AudioFeed
from freegvc._video.audio_tracks import BIT_EXACT
from freegvc._video.colour import Plane, rgb_to_yuv
from freegvc._video.ffmpeg import ffmpeg_name, reason_of
from freegvc._video.frame_source import Frame
from freegvc._video.frame_writer import FrameWriter, OutputSpec
from freegvc.errors import FreeGvcError, UsageError

# Near-lossless: the worst of the first 12 frames of BasketballPass, bikes and Vid4 walk scores
# 49.8 dB (x264) and 49.1 dB (x265) luma PSNR.
_DEFAULT_CRF = {"x264": 4, "x265": 4}
_PRESET = "fast"
_FINEST_CLOCK = 1_000_000  # most ticks per second that mp4 and both encoders accept
_USUAL_CLOCK = 90_000


class EncodedWriter(FrameWriter):
    """Encodes each frame when it is written; audio is interleaved.

    Args:
        spec: what is written.
        container: FFmpeg's name of the format, "mp4" or "matroska".
        codec: "x264" or "x265".
        crf: 0 (best) to 51; None for near-lossless.
    """

    _container: Any = None
    _audio: AudioFeed | None = None

    def __init__(self, spec: OutputSpec, container: str, codec: str, crf: int | None) -> None:
        super().__init__(spec)
        self._container_format = container
        self._codec = codec
        self._crf = _DEFAULT_CRF[codec] if crf is None else crf
        self._pixel_format = "yuv420p" if spec.subsampling == (2, 2) else "yuv444p"
        self._clock = _clock(spec)

    def _open(self, temporary: Path) -> None:
        import av

        spec = self._spec
        try:
            self._container = av.open(
                ffmpeg_name(temporary), "w", format=self._container_format, options=BIT_EXACT
            )
            stream = self._container.add_stream(f"lib{self._codec}", rate=spec.frame_rate)
            stream.width, stream.height = spec.width, spec.height
            stream.pix_fmt = self._pixel_format
            stream.options = {"crf": str(self._crf), "preset": _PRESET}
            context = stream.codec_context
            context.time_base = self._clock
            context.sample_aspect_ratio = spec.pixel_aspect
            context.colorspace = spec.colour.matrix
            context.color_primaries = spec.colour.primaries
            context.color_trc = spec.colour.transfer
            context.color_range = 2 if spec.colour.full_range else 1
            if self._codec == "x264" and platform.machine() in ("x86_64", "AMD64"):
                # With AVX-512, x264 writes other bytes from run to run. It does not check names
                # against the processor; all that run Python's wheels have this one.
                stream.options |= {"x264-params": "asm=SSE4.2"}
            if self._codec == "x265":
                # x265 corrupts memory on some pictures below 64 pixels unless its cutree is off
                cutree = ":cutree=0" if min(spec.width, spec.height) < 64 else ""
                stream.options |= {"x265-params": f"log-level=none{cutree}"}
                if self._container_format == "mp4":
                    context.codec_tag = "hvc1"  # the only tag that Apple's players accept
            if self._container_format == "mp4" and spec.last_frame_seconds is not None:
                # MP4 adds up durations in the order of decoding, which is now that of showing
                context.max_b_frames = 0
            context.open()
            self._stream = stream
            if spec.audio is not None:
                self._audio = AudioFeed(spec.audio, self._container, self._clock)
        except FreeGvcError:
            raise
        except (ValueError, OverflowError, OSError, av.error.FFmpegError) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise UsageError(
                f"{self._codec} cannot write {spec.width}x{spec.height} at {spec.frame_rate} fps "
                f"to {spec.path}: {reason_of(error)}; write .y4m or a folder of PNG files instead"
            ) from error

    def _write(self, frame: Frame, index: int) -> None:
        import av

        spec = self._spec
        planes = rgb_to_yuv(frame, spec.colour, spec.subsampling)
        picture = av.VideoFrame(spec.width, spec.height, self._pixel_format)
        for plane, values in zip(picture.planes, planes, strict=True):
            _fill(plane, values)
        stamps = spec.timestamps
        seconds = index / spec.frame_rate if stamps is None else stamps[index]
        lead = Fraction(0) if self._audio is None else self._audio.lead
        try:
            picture.pts = round((seconds + lead) / self._clock)
            picture.time_base = self._clock
        except OverflowError as error:
            raise UsageError(
                f"frame {index} is shown at {float(seconds):g} s, which {spec.path} cannot say in "
                f"units of {self._clock} s: write .y4m or a folder of PNG files instead"
            ) from error
        self._last_pts = picture.pts
        with self._our_errors():
            if self._audio is not None:
                self._audio.feed(seconds)
            self._container.mux(self._stream.encode(picture))

    def _finish(self) -> None:
        with self._our_errors():
            packets = self._stream.encode(None)
            self._set_end(packets)
            self._container.mux(packets)
            if self._audio is not None:
                self._audio.feed(None)
                self._audio.close()
            self._container.close()

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        """Raise PyAV's errors as UsageError; those of the system, as of a full disk, stay."""
        from av.error import FFmpegError

        try:
            yield
        except FreeGvcError:
            raise
        except (ValueError, OverflowError, FFmpegError) as error:
            if isinstance(error, OSError):
                raise
            raise UsageError(
                f"{self._spec.path} cannot hold these frames, timestamps or sound: "
                f"{reason_of(error)}; write .y4m or a folder of PNG files instead"
            ) from error

    def _set_end(self, packets: list[Any]) -> None:
        """Let the last frame end when it has to, and no other one later."""
        last_seconds = self._spec.last_frame_seconds
        if last_seconds is None or not packets:
            return
        end = (self._last_pts + max(round(last_seconds / self._clock), 1)) * self._clock
        for packet in packets:
            rest = round(end / packet.time_base) - packet.pts
            is_last = packet.pts * packet.time_base == self._last_pts * self._clock
            packet.duration = rest if is_last else min(packet.duration, rest)

    def _abort(self) -> None:
        import av

        if self._audio is not None:
            self._audio.close()
        if self._container is not None:
            # The file is deleted anyway, and the first error is the one to report.
            with suppress(ValueError, OSError, av.error.FFmpegError):
                self._container.close()


def _clock(spec: OutputSpec) -> Fraction:
    """Seconds per tick: one frame, or a clock that holds the timestamps exactly if possible."""
    if spec.timestamps is None and spec.last_frame_seconds is None:
        return 1 / spec.frame_rate
    stamps = [1 / spec.frame_rate] if spec.timestamps is None else list(spec.timestamps)
    ticks = lcm(*(seconds.denominator for seconds in [*stamps, spec.last_frame_seconds or 0]))
    if ticks > _FINEST_CLOCK:
        ticks = _USUAL_CLOCK
    return Fraction(1, ticks * -(-1000 // ticks))  # some players fail with ticks above 1 ms


def _fill(plane: Any, values: Plane) -> None:
    rows, columns = values.shape
    padded = np.zeros((rows, plane.line_size), np.uint8)
    padded[:, :columns] = values
    plane.update(padded)
