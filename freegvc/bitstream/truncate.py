"""Lower rates from a finished stream, without the prior: trailing steps are dropped."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

from freegvc.bitstream.packet import decode_packet, encode_packet
from freegvc.bitstream.payload import Packet, PacketEncoder
from freegvc.bitstream.stream import Stream, stream_bytes, stream_sections
from freegvc.errors import TargetError, UsageError


@dataclass(frozen=True, slots=True)
class _Cuts:
    """A packet and its bytes after 0, 1, .. all steps."""

    packet: Packet
    sizes: tuple[int, ...]

    def kept(self, stop_step: int) -> int:
        """How many steps end at `stop_step` or noisier."""
        return bisect_left(self.packet.steps, True, key=lambda step: step.timestep < stop_step)

    def cut(self, num_steps: int) -> Packet:
        """The packet after this many steps; its probe holds only after all of them."""
        if num_steps == len(self.packet.steps):
            return self.packet
        return Packet(self.packet.side, self.packet.steps[:num_steps])


def truncate_stream(
    stream: Stream, *, stop_step: int | None = None, max_bytes: int | None = None
) -> Stream:
    """Drop trailing steps of all packets. Audio, timestamps and prompt are kept.

    Args:
        stream: as read.
        stop_step: keep the steps that end at this timestep or a noisier one.
        max_bytes: keep what fits into a file of this size, with all GOPs at about the same noise
            level: the lowest common stop step that fits, then one step more for the GOPs for
            which there is room, from the first on.

    Raises:
        UsageError: not exactly one of the two was given, or it is negative.
        TargetError: the file is too big even with no steps at all.
        StreamError: a packet is damaged.
    """
    if (stop_step is None) == (max_bytes is None):
        raise UsageError("give either a stop step or a number of bytes to cut the stream to")
    if stop_step is not None:
        if stop_step < 0:
            raise UsageError(f"stop step is {stop_step}; it must be >= 0")
        cuts = [_Cuts(_decode(stream, gop), ()) for gop in range(len(stream.packets))]
        kept = [cut.kept(stop_step) for cut in cuts]
    else:
        assert max_bytes is not None
        cuts = [_measure(stream, gop) for gop in range(len(stream.packets))]
        kept = _fit(stream, cuts, max_bytes)
    return replace(
        stream,
        packets=tuple(
            encode_packet(
                cut.cut(count),
                start_timestep=stream.header.start_timestep,
                coder=stream.header.coder,
                gop=gop,
            )
            for gop, (cut, count) in enumerate(zip(cuts, kept, strict=True))
        ),
    )


def _decode(stream: Stream, gop: int) -> Packet:
    header = stream.header
    return decode_packet(
        stream.packets[gop], start_timestep=header.start_timestep, coder=header.coder, gop=gop
    )


def _measure(stream: Stream, gop: int) -> _Cuts:
    header, packet = stream.header, _decode(stream, gop)
    encoder = PacketEncoder(packet.side, start_timestep=header.start_timestep, coder=header.coder)
    sizes = [encoder.size_bytes()]
    for step in packet.steps:
        encoder.add(step)
        sizes.append(encoder.size_bytes())
    sizes[-1] = encoder.size_bytes(packet.probe)
    return _Cuts(packet, tuple(sizes))


def _fit(stream: Stream, cuts: list[_Cuts], max_bytes: int) -> list[int]:
    """How many steps of each packet to keep."""
    sections = stream_sections(stream)

    def size(kept: list[int]) -> int:
        sizes = (cut.sizes[count] for cut, count in zip(cuts, kept, strict=True))
        return stream_bytes(stream.header, sections, sizes)

    def kept_at(stop_step: int) -> list[int]:
        return [cut.kept(stop_step) for cut in cuts]

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
