"""Audio of an input, copied packet by packet and never re-encoded.

A blob is a Matroska file that holds audio tracks alone. Its clock starts at the first video
frame. Matroska cannot express audio that starts earlier, so all of it is moved later, and the tag
START_MS of the file holds the true (negative) start in milliseconds, as a ratio. A track's tag
PADDING_SAMPLES counts the samples at its start that are not to be heard: what the encoder put in
front, or what an edit list cuts off.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

from freegvc._video.audio_tracks import (
    BIT_EXACT,
    check_holds,
    codec_name,
    copy_tags,
    num_samples,
    skipped_samples,
    stated_end,
)
from freegvc._video.ffmpeg import ffmpeg_name, is_cover, reason_of
from freegvc._warn import warn
from freegvc.errors import AudioWarning, UnsupportedVideoError, VideoReadError

START_TAG = "START_MS"
PADDING_TAG = "PADDING_SAMPLES"
# Clocks that tick in milliseconds round to within this.
TICK_SECONDS = Fraction(1, 1000)
_LARGEST_JITTER_SECONDS = Fraction(1, 2)  # a clock that goes back by more has been set anew
_SKIP_SAMPLES = 11  # AV_PKT_DATA_SKIP_SAMPLES
_SKIP_LAYOUT = "<IIBB"  # samples to skip at the start and at the end, and two reasons


@dataclass
class _Track:
    """Packets of one audio stream, and the seconds at which each starts."""

    stream: Any
    packets: list[Any] = field(default_factory=list)
    starts: list[Fraction] = field(default_factory=list)
    lengths: list[Fraction] = field(default_factory=list)
    padding: int = 0  # samples


def read_audio(path: str | PathLike[str], begin: Fraction | None = None) -> bytes | None:
    """Copy the audio tracks of a file into a Matroska blob.

    Args:
        path: of a file that FFmpeg reads; folders and .yuv files have no audio.
        begin: seconds of the file's clock at which the first frame is shown; None for the start
            that the file states for its video.

    Returns:
        The bytes of the Matroska file; None if there is no audio. A track whose codec Matroska
        cannot hold is left out, with an AudioWarning.

    Raises:
        VideoReadError: the file cannot be read.
        UnsupportedVideoError: Matroska can hold none of the tracks.
    """
    import av

    if Path(path).is_dir() or Path(path).suffix.lower() == ".yuv":
        return None
    try:
        with av.open(ffmpeg_name(path), metadata_errors="ignore") as container:
            streams = list(container.streams.audio)
            if not streams:
                return None
            if begin is None:
                begin = _video_start(container)
            tracks = {s.index: _Track(s) for s in streams}
            for packet in container.demux(streams):
                if packet.size:
                    tracks[packet.stream_index].packets.append(packet)
            carried = _carried(list(tracks.values()), container, str(path))
            if not carried:
                return None
            for track in carried:
                _set_times(track, begin)
            return _mux(carried)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise VideoReadError(f"the audio of {path} cannot be copied: {reason_of(error)}") from error


def _video_start(container: Any) -> Fraction:
    for stream in container.streams.video:
        if not is_cover(stream) and stream.start_time is not None:
            return Fraction(stream.start_time * stream.time_base)
    return Fraction(0)


def _carried(tracks: Sequence[_Track], container: Any, path: str) -> list[_Track]:
    """The tracks that have packets and that Matroska holds; warns about the others."""
    carried, left_out = [], []
    for track in tracks:
        stream = track.stream
        if stream.codec_context is None or (
            track.packets and check_holds(stream, track.packets[0], "matroska") is not None
        ):
            left_out.append(f"track {stream.index} ({codec_name(stream, container)})")
        elif track.packets:
            carried.append(track)
    if left_out and not carried:
        raise UnsupportedVideoError(
            f"the audio of {path} cannot be carried, since Matroska cannot hold its codec: "
            f"{', '.join(left_out)}; leave it out with --audio drop, or convert it first, for "
            "example to FLAC"
        )
    if left_out:
        warn(
            f"{path}: Matroska cannot hold the codec of {', '.join(left_out)}: left out; the "
            f"other {len(carried)} audio {'track is' if len(carried) == 1 else 'tracks are'} "
            "carried",
            AudioWarning,
        )
    return carried


def _set_times(track: _Track, begin: Fraction) -> None:
    """Fill in `starts` (from the first frame on), `lengths` and `padding`.

    A packet without a timestamp follows the one before it. Where the clock goes back, as in
    concatenated files, the sound continues.
    """
    rate = track.stream.codec_context.sample_rate or 1
    shift = -begin
    end = Fraction(0)
    previous: Fraction | None = None
    length = Fraction(0)
    for packet in track.packets:
        stamp = packet.dts if packet.pts is None else packet.pts
        start = end if stamp is None else stamp * packet.time_base + shift
        if previous is not None and start < previous:
            if end - start > _LARGEST_JITTER_SECONDS:
                shift += end - start
            start = end
        samples = num_samples(track.stream, packet)
        if samples is not None:
            length = Fraction(samples, rate)
        elif packet.duration:
            length = Fraction(packet.duration * packet.time_base)
        elif previous is not None and not track.lengths[-1]:
            track.lengths[-1] = length = start - previous
        track.starts.append(start)
        track.lengths.append(length)
        previous, end = start, start + length
    if samples is None and not packet.duration:
        stated = stated_end(track.stream)
        if stated is not None and stated + shift > start:
            track.lengths[-1] = stated + shift - start

    track.padding = skipped_samples(track.packets[0])[0]
    if not track.padding:
        for packet, length in zip(track.packets, track.lengths, strict=True):
            if not packet.is_discard:
                break
            track.padding += round(length * rate)
    # A clock of milliseconds has rounded the time before zero that the padding takes.
    rounding = track.starts[0] + Fraction(track.padding, rate)
    if track.padding and abs(rounding) <= TICK_SECONDS:
        track.starts = [start - rounding for start in track.starts]
    _drop_hidden(track, rate)
    _mark_end(track, rate)


def _drop_hidden(track: _Track, rate: int) -> None:
    """Drop packets that an edit list hides, but the last of them, which decoders start from.

    Opus states its padding in its own header, which the packets have to match.
    """
    if track.stream.codec_context.codec.canonical_name == "opus":
        return
    hidden = Fraction(track.padding, rate)
    count = 0
    for length in track.lengths[:-2]:
        next_is_hidden = length + track.lengths[count + 1] <= hidden
        if not length or not next_is_hidden or not track.packets[count].is_discard:
            break
        hidden -= length
        count += 1
    if count:
        track.padding = round(hidden * rate)
        for values in (track.packets, track.starts, track.lengths):
            del values[:count]


def _mark_end(track: _Track, rate: int) -> None:
    """Keep what mp4 says by a shorter last packet: the samples at its end are not to be heard."""
    import av

    last = track.packets[-1]
    is_exact = last.time_base == Fraction(1, rate)
    if not is_exact or not last.duration or last.has_sidedata("skip_samples"):
        return
    excess = round(track.lengths[-1] * rate) - last.duration
    if excess > 0:
        side_data: Any = av.packet.PacketSideData  # its types do not tell of its arguments
        marks = side_data(_SKIP_SAMPLES, struct.calcsize(_SKIP_LAYOUT))
        marks.update(struct.pack(_SKIP_LAYOUT, 0, excess, 0, 0))
        last.set_sidedata(marks)


def _mux(tracks: Sequence[_Track]) -> bytes:
    import av

    early = min(Fraction(0), *(track.starts[0] for track in tracks))
    blob = io.BytesIO()
    with av.open(blob, "w", format="matroska", options=BIT_EXACT) as output:
        if early:
            output.metadata[START_TAG] = str(early * 1000)
        copies = []
        for track in tracks:
            copies.append(output.add_stream_from_template(track.stream))
            copy_tags(track.stream, copies[-1])
            if track.padding:
                copies[-1].metadata[PADDING_TAG] = str(track.padding)
        for start, number, packet, length in _in_order(tracks):
            packet.time_base = TICK_SECONDS
            packet.pts = packet.dts = round((start - early) / TICK_SECONDS)
            packet.duration = round(length / TICK_SECONDS)
            packet.stream = copies[number]
            output.mux(packet)
    return blob.getvalue()


def _in_order(tracks: Sequence[_Track]) -> Iterator[tuple[Fraction, int, Any, Fraction]]:
    """(start, number of the track, packet, length) by start."""
    entries = [
        (start, number, packet, length)
        for number, track in enumerate(tracks)
        for start, packet, length in zip(track.starts, track.packets, track.lengths, strict=True)
    ]
    yield from sorted(entries, key=lambda entry: entry[:2])
