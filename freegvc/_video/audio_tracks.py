"""What audio tracks say about themselves, and what an output can take of it."""

import io
import re
import struct
from fractions import Fraction
from typing import Any

# No random identifiers and no version string: the same packets give the same bytes.
BIT_EXACT = {"fflags": "+bitexact"}


def check_holds(stream: Any, packet: Any, container: str) -> str | None:
    """Whether a container can hold an audio stream.

    Args:
        stream: an av stream of an opened input.
        packet: one of its packets, which stays as it is.
        container: FFmpeg's name of the format, "mp4" or "matroska".

    Returns:
        None if it can, else what FFmpeg says.
    """
    import av

    try:
        with av.open(io.BytesIO(), "w", format=container, options=BIT_EXACT) as scratch:
            copy = scratch.add_stream_from_template(stream)
            first = av.Packet(bytes(packet))
            first.pts = first.dts = 0
            first.time_base = packet.time_base
            first.stream = copy
            scratch.mux(first)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        return str(error)
    return None


def codec_name(stream: Any, container: Any) -> str:
    """A codec as FFmpeg names it, or the four characters that the file names it by."""
    import av

    if stream.codec_context is not None:
        return str(stream.codec_context.codec.canonical_name)
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)  # what `dumps_format` collects
    try:
        description = container.dumps_format()
    finally:
        av.logging.set_level(level)
    found = re.search(rf"Stream #0:{stream.index}\b.*Audio: none \((\w+) /", description)
    return found[1] if found else "unknown to FFmpeg"


def copy_tags(source: Any, copy: Any) -> None:
    """Give a copied stream the language, title and flags (default, forced, ...) of its source."""
    language = source.metadata.get("language", "und")
    if language != "und":
        copy.metadata["language"] = language
    title = source.metadata.get("title") or source.metadata.get("name")  # the latter in mp4
    if title:
        # FFmpeg writes the first to mp4 as well, but most players show the second
        copy.metadata.update(title=title, handler_name=title)
    copy.disposition = source.disposition


def num_samples(stream: Any, packet: Any) -> int | None:
    """Samples per channel in a packet, where its size or the codec tells them exactly."""
    context = stream.codec_context
    codec = context.codec.canonical_name
    if codec == "opus":
        return _opus_samples(bytes(packet), context.sample_rate)
    pcm = re.fullmatch(r"pcm_[suf](\d+)(le|be)?", codec)
    if pcm and context.channels:
        return int(packet.size // (context.channels * int(pcm[1]) // 8))
    return context.frame_size or None


def _opus_samples(data: bytes, rate: int) -> int:
    """RFC 6716, section 3.1: the first byte names the length of a frame and their number."""
    config, code = data[0] >> 3, data[0] & 3
    if config < 12:
        microseconds = (10000, 20000, 40000, 60000)[config & 3]
    elif config < 16:
        microseconds = (10000, 20000)[config & 1]
    else:
        microseconds = (2500, 5000, 10000, 20000)[config & 3]
    frames = (1, 2, 2, data[1] & 63 if len(data) > 1 else 0)[code]
    return frames * microseconds * rate // 1_000_000


def stated_end(stream: Any) -> Fraction | None:
    """Seconds of the file's clock at which a track ends, as Matroska files state it."""
    text = stream.metadata.get("DURATION", "")
    found = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,9})?)\0*", text, re.ASCII)
    return found and Fraction(found[3]) + 60 * int(found[2]) + 3600 * int(found[1])


def skipped_samples(packet: Any) -> tuple[int, int]:
    """Samples that a decoder has to drop at the start and at the end of a packet."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    start, end = struct.unpack_from("<II", bytes(packet.get_sidedata("skip_samples")))
    return start, end
