"""x264, x265, SVT-AV1 and VP9 through PyAV: bare streams, as small as each encoder makes them.

Settings are meant to be fair at 0.002 to 0.05 bits per pixel, where every byte besides the pictures
counts, and to give the same bytes on every run:

- one intra picture, the first: the conditions that the paper's baselines come from code 96 frames
  with intra period -1 (DCVC's test conditions); the paper itself names no period for them;
- "ra" has B pictures and the encoder's own hierarchy, "ld" codes pictures in the order in which
  they are shown. Both may look ahead. VP9 has "ld" alone: libvpx makes hidden pictures only in two
  passes, and PyAV does not pass on the statistics of the first;
- no text that describes the encoder (2 kB for x265, 0.7 kB for x264), no container, one picture
  at a time and no wavefront rows (a tenth of x265's bytes at these rates), x264 without AVX-512,
  with which its bytes vary from run to run;
- 4:2:0, 8 bits, BT.709, from RGB in the project's own arithmetic;
- slow presets, each with the tuning that has the better LPIPS on BasketballPass: x265 its default,
  x264 ssim, SVT-AV1 0 (visual quality). "x265-ra-ssim", "x264-ra-untuned" and "svtav1-ra-psnr" are
  the tunings that were not chosen; docs/benchmarks.md has the difference.

Where the coarsest quantiser is not coarse enough, "-half" and "-quarter" codecs code pictures of a
half or a quarter of width and height (area average) and enlarge what they decode (bicubic). At
416x240, 96 frames of BasketballPass, x265-ra begins at 0.0059, half at 0.0027, quarter at 0.0019.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded, Frames
from benchmarks.codecs.sized_files import join_packets, size_in_name, sized_path, split_packets
from benchmarks.frames import open_clip, pad_edges
from freegvc._video import BT709, rgb_to_yuv, yuv_to_rgb
from freegvc._video.planes import native_planes

# x265 corrupts memory on some smaller pictures unless its cutree is off
_MIN_CUTREE_SIZE = 64
_SMALL_X265 = "cutree=0"


@dataclass(frozen=True)
class Encoder:
    """An encoder of FFmpeg and its options.

    Attributes:
        library: FFmpeg's name of it.
        suffix: of its files.
        options: FFmpeg's options; "{rate}" in their values stands for the rate setting.
        rates: values of CRF, from coarse to fine.
    """

    library: str
    suffix: str
    options: Mapping[str, str]
    rates: tuple[int, ...]


def _x265(structure: str, **tuning: str) -> Encoder:
    params = "log-level=none:info=0:keyint=-1:scenecut=0:open-gop=0:frame-threads=1:wpp=0"
    return Encoder(
        "libx265",
        ".hevc",
        {"preset": "slower", **tuning, "crf": "{rate}", "x265-params": params + structure},
        (48, 44, 40, 36, 32, 28),
    )


def _x264(structure: str, **tuning: str) -> Encoder:
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    params = "keyint=infinite:scenecut=0" + (":asm=SSE4.2" if x86 else "") + structure
    options = {"preset": "veryslow", **tuning, "crf": "{rate}", "x264-params": params}
    return Encoder("libx264", ".h264", options, (48, 44, 40, 36, 32, 28))


def _svtav1(structure: str, tune: int = 0) -> Encoder:
    # FFmpeg's own crf ends at 63, the encoder's at 70
    params = f"crf={{rate}}:keyint=-1:scd=0:lp=1:tune={tune}{structure}"
    rates = (70, 66, 62, 58, 52, 46, 40)
    return Encoder("libsvtav1", ".obu", {"preset": "3", "svtav1-params": params}, rates)


def _vp9() -> Encoder:
    options = {"crf": "{rate}", "b": "0", "deadline": "good", "cpu-used": "1", "g": "9999"}
    return Encoder("libvpx-vp9", ".vp9", options, (63, 60, 56, 52, 48, 44, 40))


ENCODERS = {
    "x265-ra": _x265(""),
    "x265-ld": _x265(":bframes=0"),
    "x264-ra": _x264("", tune="ssim"),
    "x264-ld": _x264(":bframes=0", tune="ssim"),
    "svtav1-ra": _svtav1(""),
    "svtav1-ld": _svtav1(":pred-struct=1"),
    "vp9-ld": _vp9(),
    # the same encoders with the tuning that was not chosen
    "x265-ra-ssim": _x265("", tune="ssim"),
    "x264-ra-untuned": _x264(""),
    "svtav1-ra-psnr": _svtav1("", tune=1),
}


class PyavCodec(Codec):
    """An encoder of FFmpeg; FFmpeg's decoder reads its files.

    Args:
        label: for tables.
        encoder: the encoder and its options.
        shrink: factor by which width and height are divided before coding.
    """

    def __init__(self, label: str, encoder: Encoder, *, shrink: int = 1) -> None:
        self.label = label
        self._encoder, self._shrink = encoder, shrink
        self.settings = {
            "encoder": encoder.library,
            "options": dict(encoder.options),
            "crf": list(encoder.rates),
            "pixels": "yuv420p, BT.709, limited range",
            "coded size": f"1/{shrink} of width and height",
        }
        if encoder.library == "libx265":
            self.settings |= {f"sides below {_MIN_CUTREE_SIZE}": _SMALL_X265}

    def check(self) -> None:
        """Make sure that FFmpeg has the encoder."""
        import av

        try:
            av.codec.Codec(self._encoder.library, "w")
        except ValueError as error:
            raise CodecUnavailableError(
                f"FFmpeg was built without {self._encoder.library}: install PyAV's own wheel (pip "
                "install --only-binary av av)"
            ) from error

    def encode(self, frames: Frames, fps: Fraction, folder: Path) -> Sequence[Encoded]:
        began = time.perf_counter()
        pictures = [_picture(rgb, self._shrink) for rgb in frames]
        prepared = time.perf_counter() - began
        files = []
        for rate in self._encoder.rates:
            began = time.perf_counter()
            data = self._encode(pictures, fps, rate)
            path = sized_path(folder, f"crf {rate}", frames, self._encoder.suffix)
            path.write_bytes(data)
            seconds = prepared + time.perf_counter() - began
            files.append(Encoded(f"crf {rate}", path, seconds))
        return files

    def decode(self, encoded: Encoded) -> Frames:
        height, width = size_in_name(encoded.path)
        if encoded.path.suffix == ".vp9":
            decoded = _decode_vp9(encoded.path)
        else:
            with open_clip(encoded.path) as source:
                decoded = list(source)
        return np.stack([_enlarge(frame, self._shrink)[:height, :width] for frame in decoded])

    def _encode(self, pictures: Sequence[Frames], fps: Fraction, rate: int) -> bytes:
        import av

        context: Any = av.CodecContext.create(self._encoder.library, "w")
        rows, context.width = pictures[0].shape
        context.height = rows * 2 // 3
        context.pix_fmt = "yuv420p"
        context.framerate, context.time_base = fps, 1 / fps
        context.thread_count = 1
        context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1
        context.color_range = 1
        options = {name: text.format(rate=rate) for name, text in self._encoder.options.items()}
        if "x265-params" in options and min(context.width, context.height) < _MIN_CUTREE_SIZE:
            options["x265-params"] += f":{_SMALL_X265}"
        context.options = options
        os.environ.setdefault("SVT_LOG", "1")  # or SVT-AV1 writes its settings to stderr
        packets: list[bytes] = []
        with _own_scheduling():
            for index, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
                frame.pts = index
                packets += map(bytes, context.encode(frame))
            packets += map(bytes, context.encode(None))
        if self._encoder.suffix == ".vp9":
            return join_packets(packets)
        stream = b"".join(packets)
        return _without_sei(stream) if self._encoder.suffix == ".h264" else stream


@contextmanager
def _own_scheduling() -> Iterator[None]:
    """Undo the real-time priority that SVT-AV1 sets, and keeps, when root runs it."""
    if not hasattr(os, "sched_getscheduler"):  # macOS
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _picture(rgb: Frames, shrink: int) -> Frames:
    """One frame as the encoder takes it: Y, Cb and Cr one below the other, uint8 [3/2 H, W].

    Sides grow to whole chroma samples by repeating the edge.
    """
    import cv2

    rgb = pad_edges(rgb, 2 * shrink)
    height, width = rgb.shape[0] // shrink, rgb.shape[1] // shrink
    if shrink > 1:
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    planes = rgb_to_yuv(rgb, BT709)
    samples = np.concatenate([plane.reshape(-1) for plane in planes])
    return samples.astype(np.uint8).reshape(height * 3 // 2, width)


def _enlarge(frame: Frames, factor: int) -> Frames:
    import cv2

    if factor == 1:
        return frame
    height, width, _ = frame.shape
    size = (width * factor, height * factor)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _without_sei(stream: bytes) -> bytes:
    """An H.264 stream without SEI messages: x264 describes itself in one, and has no other here."""
    return re.sub(rb"\0\0\0?\x01\x06.*?(?=\0\0\0?\x01)", b"", stream, flags=re.DOTALL)


def _decode_vp9(path: Path) -> list[Frames]:
    import av

    context: Any = av.CodecContext.create("vp9", "r")
    packets = [av.Packet(data) for data in split_packets(path.read_bytes())]
    frames = [frame for packet in (*packets, None) for frame in context.decode(packet)]
    return [yuv_to_rgb(*native_planes(frame, path.name), BT709) for frame in frames]
