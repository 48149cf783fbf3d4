"""Lower rates from a finished stream: trailing steps are dropped, which needs no prior."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from freegvc._bitstream.packet import Packet
from freegvc._bitstream.packet_codec import PacketCodec
from freegvc._bitstream.stream import Stream, stream_bytes, stream_sections
from freegvc.errors import TargetError, UsageError


def truncate_stream(
    stream: Stream, *, stop_step: int | None = None, max_bytes: int | None = None
) -> Stream:
    """Drop trailing steps of all packets. Audio, timestamps and prompt are kept.

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


def _cut_at_step(stream: Stream, stop_step: int) -> Stream:
    if stop_step < 0:
        raise UsageError(f"stop step is {stop_step}; it must be >= 0")
    codec = PacketCodec(stream.header)
    packets = [codec.decode(data, gop) for gop, data in enumerate(stream.packets)]
    return _with_steps(stream, codec, packets, [_num_kept(p, stop_step) for p in packets])


def _cut_to_bytes(stream: Stream, max_bytes: int) -> Stream:
    codec = PacketCodec(stream.header)
    packets = [codec.decode(data, gop) for gop, data in enumerate(stream.packets)]
    cuts = [_Cuts(packet, _prefix_bytes(codec, packet)) for packet in packets]
    return _with_steps(stream, codec, packets, _fit(stream, cuts, max_bytes))


def _with_steps(
    stream: Stream, codec: PacketCodec, packets: Sequence[Packet], counts: Sequence[int]
) -> Stream:
    """The stream with this many steps of each packet."""
    cut = [
        packet if count == len(packet.steps) else Packet(packet.side, packet.steps[:count])
        for packet, count in zip(packets, counts, strict=True)
    ]
    return replace(
        stream, packets=tuple(codec.encode(packet, gop) for gop, packet in enumerate(cut))
    )


def _num_kept(packet: Packet, stop_step: int) -> int:
    """How many steps end at `stop_step` or at a noisier timestep."""
    return bisect_left(packet.steps, True, key=lambda step: step.timestep < stop_step)


@dataclass(frozen=True, slots=True)
class _Cuts:
    """A packet, and its number of bytes after 0, 1, .. all steps."""

    packet: Packet
    sizes: tuple[int, ...]


def _prefix_bytes(codec: PacketCodec, packet: Packet) -> tuple[int, ...]:
    """Bytes of the packet after 0, 1, .. all steps."""
    encoder = codec.encoder(packet.side)
    sizes = [encoder.num_bytes()]
    for step in packet.steps:
        encoder.add(step)
        sizes.append(encoder.num_bytes())
    sizes[-1] = encoder.num_bytes(packet.drift_samples)
    return tuple(sizes)


def _fit(stream: Stream, cuts: list[_Cuts], max_bytes: int) -> list[int]:
    """How many steps of each packet to keep."""
    sections = stream_sections(stream)

    def size(kept: list[int]) -> int:
        sizes = (cut.sizes[count] for cut, count in zip(cuts, kept, strict=True))
        return stream_bytes(stream.header, sections, sizes)

    def kept_at(stop_step: int) -> list[int]:
        return [_num_kept(cut.packet, stop_step) for cut in cuts]

    none = size([0] * len(cuts))
    if none > max_bytes:
        raise TargetError(
            f"the stream has {none} bytes even without any step; the target is {max_bytes}: "
            "drop the audio or allow more bytes"
        )
    stops = sorted({step.timestep for cut in cuts for step in cut.packet.steps})
    lowest = bisect_left(stops, True, key=lambda stop: size(kept_at(stop)) <= max_bytes)
    kept = kept_at(stops[lowest]) if lowest < len(stops) else [0] * len(cuts)
    total = size(kept)
    for gop, cut in enumerate(cuts):
        if kept[gop] == len(cut.packet.steps):
            continue
        if total + cut.sizes[kept[gop] + 1] - cut.sizes[kept[gop]] > max_bytes:
            continue
        kept[gop] += 1
        more = size(kept)
        if more > max_bytes:
            kept[gop] -= 1
        else:
            total = more
    return kept
