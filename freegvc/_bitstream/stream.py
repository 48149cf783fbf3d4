"""The file: head, sections, packets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from freegvc._bitstream.checksum import crc32, packet_payload
from freegvc._bitstream.head import AUDIO, PROMPT, TIMESTAMPS, FileSize, encode_head, read_head
from freegvc._bitstream.header import Header
from freegvc._bitstream.prompt import decode_prompt, encode_prompt
from freegvc._bitstream.timestamps import Timestamps, decode_timestamps, encode_timestamps
from freegvc.errors import CorruptStreamError, UsageError

EBML_MAGIC = b"\x1aE\xdf\xa3"  # with which every Matroska file begins


@dataclass(frozen=True, slots=True)
class Stream:
    """The contents of a file.

    Args:
        header: the header.
        packets: one per GOP, as `PacketCodec.encode` returns them.
        timestamps: of a video with a variable frame rate, else None.
        audio: a Matroska file; None without audio.
        prompt: the text that conditions the prior; None for an empty one.
    """

    header: Header
    packets: tuple[bytes, ...]
    timestamps: Timestamps | None = None
    audio: bytes | None = None
    prompt: str | None = None


def stream_sections(stream: Stream) -> list[tuple[int, bytes]]:
    """Tag and bytes (payload and CRC-32) of each section of a stream."""
    payloads: list[tuple[int, bytes]] = []
    if stream.timestamps is not None:
        payloads.append(
            (TIMESTAMPS, encode_timestamps(stream.timestamps, stream.header.num_frames))
        )
    if stream.audio is not None:
        if not stream.audio.startswith(EBML_MAGIC):
            raise UsageError(
                f"the audio begins with {stream.audio[:8]!r}; it must be a Matroska file, which "
                f"begins with {EBML_MAGIC!r}"
            )
        payloads.append((AUDIO, stream.audio))
    if stream.prompt is not None:
        payloads.append((PROMPT, encode_prompt(stream.prompt)))
    return [(tag, payload + crc32(payload)) for tag, payload in payloads]


def stream_bytes(
    header: Header, sections: list[tuple[int, bytes]], packet_bytes: Iterable[int]
) -> int:
    """Bytes of a file.

    Args:
        header: the header.
        sections: as `stream_sections` returns them.
        packet_bytes: number of bytes of each packet.
    """
    return file_size(header, sections, packet_bytes).num_bytes


def file_size(
    header: Header, sections: list[tuple[int, bytes]], packet_bytes: Iterable[int]
) -> FileSize:
    """The same as `stream_bytes`, for packets that change."""
    return FileSize(header, [(tag, len(data)) for tag, data in sections], packet_bytes)


def write_stream(stream: Stream) -> bytes:
    """The bytes of a file.

    Raises:
        UsageError: a field is outside its limits.
        ChecksumError: a packet is damaged or belongs to another GOP.
    """
    if len(stream.packets) != stream.header.num_gops:
        raise UsageError(
            f"the stream has {len(stream.packets)} packets; its header says "
            f"{stream.header.num_gops} GOPs"
        )
    for gop, packet in enumerate(stream.packets):
        packet_payload(packet, gop)
    sections = stream_sections(stream)
    tags = [(tag, len(data)) for tag, data in sections]
    head = encode_head(stream.header, tags, map(len, stream.packets))
    return b"".join((head, *(data for _, data in sections), *stream.packets))


def read_stream(data: bytes) -> Stream:
    """Parse a file and check everything in it except the payloads of the packets.

    Unknown sections that may be skipped are checked and left out.

    Raises:
        StreamError: the file is damaged, hostile or not a stream.
    """
    index = read_head(data)
    payloads = {tag: index.read_section(data, tag) for tag in index.sections}
    ticks, prompt = payloads.get(TIMESTAMPS), payloads.get(PROMPT)
    audio = payloads.get(AUDIO)
    if audio is not None and not audio.startswith(EBML_MAGIC):
        raise CorruptStreamError(
            f"audio section: it begins with {audio[:8]!r}, so it is not a Matroska file, which "
            f"begins with {EBML_MAGIC!r}; get the file again"
        )
    packets = []
    for gop, part in enumerate(index.packets):
        packet = data[part.offset : part.offset + part.num_bytes]
        packet_payload(packet, gop)
        packets.append(packet)
    return Stream(
        index.header,
        tuple(packets),
        None if ticks is None else decode_timestamps(ticks, index.header.num_frames),
        audio,
        None if prompt is None else decode_prompt(prompt),
    )
