"""Lower rates from a finished stream: trailing steps are dropped, which needs no prior."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from freegvc._bitstream.head import FileSize
from freegvc._bitstream.packet import Packet
from freegvc._bitstream.packet_codec import PacketCodec
from freegvc._bitstream.stream import Stream, file_size, stream_bytes, stream_sections
from freegvc.errors import TargetError, UsageError


def truncate_stream(
    stream: Stream, *, stop_step: int | None = None, max_bytes: int | None = None
) -> Stream:
    """Drop trailing steps of all packets. Audio, timestamps and prompt are kept.

    A GOP that was coded given one that is cut now decodes to something else than its encoder saw.
    Its drift samples no longer measure drift, so they are dropped as those of a cut GOP are.

    Args:
        stream: as read.
        stop_step: keep the steps that end at this timestep or a noisier one.
        max_bytes: keep what fits into a file of this size. All GOPs end at about the same noise
            level: the lowest common stop step that fits is used, then each GOP in turn gets one
            more step if there is room for it.

    Raises:
        UsageError: neither or both of the two are given, or the stop step is negative.
        TargetError: the file is too large even without any steps.
        StreamError: a packet is damaged.
    """
    if stop_step is not None and max_bytes is None:
        return _cut_at_step(stream, stop_step)
    if max_bytes is not None and stop_step is None:
        return _cut_to_bytes(stream, max_bytes)
    raise UsageError("give either a stop step or a number of bytes to cut the stream to")


def least_bytes(stream: Stream) -> int:
    """Bytes of the file without a single step.

    Raises:
        StreamError: a packet is damaged.
    """
    codec = PacketCodec(stream.header)
    sizes = [
        codec.encoder(codec.decode(data, gop).side).num_bytes()
        for gop, data in enumerate(stream.packets)
    ]
    return stream_bytes(stream.header, stream_sections(stream), sizes)


def _cut_at_step(stream: Stream, stop_step: int) -> Stream:
    if stop_step < 0:
        raise UsageError(f"stop step is {stop_step}; it must be >= 0")
    codec = PacketCodec(stream.header)
    packets = []
    follows_cut = False
    for gop, data in enumerate(stream.packets):
        packet = codec.decode(data, gop)
        count = _num_kept(_stops(packet), stop_step)
        is_whole = count == len(packet.steps)
        follows_cut |= stream.header.chain and not is_whole
        packets.append(data if is_whole and not follows_cut else _cut(codec, packet, count, gop))
    return replace(stream, packets=tuple(packets))


def _cut_to_bytes(stream: Stream, max_bytes: int) -> Stream:
    codec = PacketCodec(stream.header)
    # No decoded packet is kept: one of a few bytes may hold a thousand blocks.
    cuts = [
        _cuts(codec, codec.decode(data, gop), len(data)) for gop, data in enumerate(stream.packets)
    ]
    packets = []
    follows_cut = False
    for gop, count in enumerate(_fit(stream, cuts, max_bytes)):
        data = stream.packets[gop]
        is_whole = count == len(cuts[gop].stops)
        follows_cut |= stream.header.chain and not is_whole
        packets.append(
            data
            if is_whole and not follows_cut
            else _cut(codec, codec.decode(data, gop), count, gop)
        )
    return replace(stream, packets=tuple(packets))


def _cut(codec: PacketCodec, packet: Packet, count: int, gop: int) -> bytes:
    """The bytes of the first steps of a packet."""
    return codec.encode(Packet(packet.side, packet.steps[:count]), gop)


def _stops(packet: Packet) -> list[int]:
    return [step.timestep for step in packet.steps]


def _num_kept(stops: Sequence[int], stop_step: int) -> int:
    """How many steps, whose timesteps are `stops`, end at `stop_step` or at a noisier one."""
    return bisect_left(stops, True, key=lambda stop: stop < stop_step)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """The timesteps of a packet's steps, and its number of bytes after 0, 1, .. all steps."""

    stops: list[int]
    sizes: list[int]


def _cuts(codec: PacketCodec, packet: Packet, num_bytes: int) -> _Cuts:
    """Where a packet of so many bytes may be cut."""
    encoder = codec.encoder(packet.side)
    sizes = [encoder.num_bytes()]
    for step in packet.steps:
        encoder.add(step)
        sizes.append(encoder.num_bytes())
    sizes[-1] = num_bytes
    return _Cuts(_stops(packet), sizes)


def _fit(stream: Stream, cuts: list[_Cuts], max_bytes: int) -> list[int]:
    """How many steps of each packet to keep."""
    sections = stream_sections(stream)

    def sized(kept: list[int]) -> FileSize:
        sizes = (cut.sizes[count] for cut, count in zip(cuts, kept, strict=True))
        return file_size(stream.header, sections, sizes)

    def kept_at(stop_step: int) -> list[int]:
        return [_num_kept(cut.stops, stop_step) for cut in cuts]

    none = sized([0] * len(cuts)).num_bytes
    if none > max_bytes:
        raise TargetError(
            f"the stream has {none} bytes even without any step; the target is {max_bytes}: "
            "drop the audio or allow more bytes"
        )
    stops = sorted({stop for cut in cuts for stop in cut.stops})
    lowest = bisect_left(stops, True, key=lambda stop: sized(kept_at(stop)).num_bytes <= max_bytes)
    kept = kept_at(stops[lowest]) if lowest < len(stops) else [0] * len(cuts)
    total = sized(kept)
    for gop, cut in enumerate(cuts):
        if kept[gop] == len(cut.stops):
            continue
        now, more = cut.sizes[kept[gop]], cut.sizes[kept[gop] + 1]
        total.change(now, more)
        if total.num_bytes <= max_bytes:
            kept[gop] += 1
        else:
            total.change(more, now)
    return kept
