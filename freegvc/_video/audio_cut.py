"""The sound of a part of a video: whole packets, none of which is re-encoded."""

import io
from fractions import Fraction
from typing import Any

from freegvc._video.audio import PADDING_TAG, START_TAG, TICK_SECONDS
from freegvc._video.audio_section import open_audio, read_packets, start_seconds
from freegvc._video.audio_tracks import BIT_EXACT, copy_tags, num_samples
from freegvc._video.ffmpeg import reason_of
from freegvc.errors import UsageError


def cut_audio(blob: bytes, begin: Fraction, end: Fraction | None) -> bytes | None:
    """The packets of a blob that start in a part of the video.

    The first one starts less than the length of a packet after `begin`: a packet from before would
    need padding, which not every file format can express. The last one may be heard beyond `end`
    by as much. A part from 0 on keeps what is heard before the first picture.

    Args:
        blob: as `freegvc._video.audio.read_audio` returns it.
        begin, end: seconds from the first frame of the video; None for the end of the sound.

    Returns:
        A blob whose clock starts at `begin`; None if no packet starts there.

    Raises:
        UsageError: the blob is not a Matroska file, is damaged, or its tags are wrong.
    """
    import av

    with open_audio(blob) as source:
        try:
            return _cut(source, len(blob), begin, end)
        except (ValueError, OverflowError, OSError, av.error.FFmpegError) as error:
            raise UsageError(
                f"the audio cannot be cut ({reason_of(error)}): decode all of the video, or get "
                "the file again"
            ) from error


def _cut(source: Any, num_bytes: int, begin: Fraction, end: Fraction | None) -> bytes | None:
    offset = start_seconds(source)
    # The blob ticks in milliseconds: what starts at `begin` may seem to start a little before it.
    earliest = offset if begin == 0 else begin - TICK_SECONDS
    latest = None if end is None else end - TICK_SECONDS
    packets, whole, seen = [], set(), set()  # whole: tracks that keep their first packet
    for packet in read_packets(source, num_bytes):
        start, track = packet.pts * packet.time_base + offset, packet.stream_index
        if earliest <= start and (latest is None or start < latest):
            packets.append((start - begin, packet))
            if track not in seen:
                whole.add(track)
        seen.add(track)
    if not packets:
        return None
    return _mux(source, packets, whole, offset if begin == 0 else Fraction(0))


def _mux(
    source: Any, packets: list[tuple[Fraction, Any]], whole: set[int], early: Fraction
) -> bytes:
    import av

    blob = io.BytesIO()
    with av.open(blob, "w", format="matroska", options=BIT_EXACT) as output:
        if early:
            output.metadata[START_TAG] = str(early * 1000)
        copies = {}
        for index in sorted({packet.stream_index for _, packet in packets}):
            stream = source.streams[index]
            copies[index] = output.add_stream_from_template(stream)
            copy_tags(stream, copies[index])
            if index in whole and PADDING_TAG in stream.metadata:
                copies[index].metadata[PADDING_TAG] = stream.metadata[PADDING_TAG]
        for start, packet in packets:
            packet.duration = round(_length(packet) / TICK_SECONDS)
            packet.time_base = TICK_SECONDS
            packet.pts = packet.dts = max(round((start - early) / TICK_SECONDS), 0)
            packet.stream = copies[packet.stream_index]
            output.mux(packet)
    return blob.getvalue()


def _length(packet: Any) -> Fraction:
    """Seconds; the blob has rounded what it states of it."""
    samples = num_samples(packet.stream, packet)
    if samples is None:
        return Fraction((packet.duration or 0) * packet.time_base)
    return Fraction(samples, packet.stream.codec_context.sample_rate or 1)
