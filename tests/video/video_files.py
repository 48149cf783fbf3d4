"""Small files that the tests of the video room read."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def textured(frames=6, height=48, width=64, seed=0):
    """Smooth moving colour with some texture: uint8 [T, H, W, 3]."""
    rng = np.random.default_rng(seed)
    t, y, x = np.mgrid[0:frames, 0:height, 0:width]
    waves = [np.sin((x * (c + 1) + y * 2 + t * 5) / 11 + c) for c in range(3)]
    video = 128 + 90 * np.stack(waves, axis=-1) + rng.normal(0, 2, (frames, height, width, 3))
    return video.round().clip(0, 255).astype(np.uint8)


def psnr(a, b):
    error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-12))


def av_frame(planes, pixel_format):
    """An av.VideoFrame of these planes (arrays; interleaved ones as 2-D)."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, values in zip(frame.planes, planes, strict=True):
        lines = np.zeros((plane.height, plane.line_size), np.uint8)
        data = np.ascontiguousarray(values).view(np.uint8)
        lines[:, : data.shape[1]] = data
        plane.update(lines)
    return frame


def write_ffv1(path: Path, frames, tags=(1, 1, 1, 1), rate=25, pts=None, rotation=None):
    """Losslessly store av.VideoFrames; tags are (matrix, primaries, transfer, range)."""
    first = frames[0]
    codec = "ffv1" if path.suffix == ".mkv" else "libx264"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = first.width, first.height
        stream.pix_fmt = first.format.name
        if codec == "libx264":
            stream.options = {"crf": "4"}
        context = stream.codec_context
        context.time_base = Fraction(1, 1000) if pts else 1 / Fraction(rate)
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = tags
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index, frame in enumerate(frames):
            frame.pts = pts[index] if pts else index
            frame.time_base = context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_audio_file(path: Path, codec="aac", seconds=1):
    """A file with a tone and no pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48000)
        stream.layout = "stereo"
        samples = (np.sin(np.arange(48000 * seconds) / 20) * 0.3).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate = 48000
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def audio_packets(file):
    """(bytes, seconds) of each audio packet."""
    with av.open(file) as container:
        return [
            (bytes(packet), float(packet.pts * packet.time_base))
            for packet in container.demux(container.streams.audio)
            if packet.size
        ]


def write_h264(
    path: Path,
    video,
    *,
    rate=25,
    clock=None,
    pts=None,
    shift=0,
    colour=(1, 2, 2, 0),
    options=None,
    **codec,
):
    """Encode frames, uint8 [T, H, W, 3]; `pts` in ms; `shift` moves all packets by frames.

    `options` are those of the container, `codec` those of x264.
    """
    suffixes = {".ts": "mpegts"}
    base = Fraction(1, 1000) if pts else clock or 1 / Fraction(rate)
    with av.open(
        str(path), "w", format=suffixes.get(path.suffix), options=options or {}
    ) as container:
        coding = {"crf": "4", **{name: str(value) for name, value in codec.items()}}
        stream = container.add_stream("libx264", rate=rate, options=coding)
        stream.width, stream.height, stream.pix_fmt = video.shape[2], video.shape[1], "yuv420p"
        context = stream.codec_context
        context.time_base = base
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = colour
        packets = []
        for index, frame in enumerate(video):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace=1)
            picture.pts = pts[index] if pts else round(index / Fraction(rate) / base)
            picture.time_base = base
            packets += stream.encode(picture)
        for packet in packets + stream.encode(None):
            moved = round(shift / Fraction(rate) / packet.time_base)
            packet.pts += moved
            packet.dts += moved
            container.mux(packet)
    return path
