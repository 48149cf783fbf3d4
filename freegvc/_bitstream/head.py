"""The head of a file: header, index of the packets, table of the sections."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from freegvc._bitstream.checksum import CRC_BYTES, check_crc, crc32, packet_payload
from freegvc._bitstream.fields import FieldReader, encode_varint, varint_bytes
from freegvc._bitstream.header import Header
from freegvc._bitstream.header_codec import decode_header, encode_header
from freegvc._own_files import RECORDS_MAGIC, STREAM_MAGIC
from freegvc.errors import (
    CorruptStreamError,
    NotAStreamError,
    TruncatedStreamError,
    UnsupportedStreamError,
)

MAGIC = STREAM_MAGIC
VERSION = 1
MAX_HEAD_BYTES = 1 << 23
MAX_SECTIONS = 8
TIMESTAMPS, AUDIO, PROMPT = 1, 2, 3
FIRST_OPTIONAL_TAG = 128


@dataclass(frozen=True, slots=True)
class Part:
    """The place of a section or a packet in the file; both end with a CRC-32."""

    offset: int
    num_bytes: int


@dataclass(frozen=True, slots=True)
class StreamIndex:
    """The head of a stream: enough to fetch any GOP alone.

    Args:
        header: the header.
        head_bytes: bytes before the first section: magic, version, length, header, index, section
            table and CRC.
        sections: by tag.
        packets: one per GOP.
    """

    header: Header
    head_bytes: int
    sections: dict[int, Part]
    packets: tuple[Part, ...]

    @property
    def section_bytes(self) -> int:
        """Bytes of all sections."""
        return sum(part.num_bytes for part in self.sections.values())

    @property
    def packet_bytes(self) -> int:
        """Bytes of all packets."""
        return sum(part.num_bytes for part in self.packets)

    @property
    def total_bytes(self) -> int:
        """Bytes of the file."""
        return self.head_bytes + self.section_bytes + self.packet_bytes

    def read_packet(self, source: bytes | BinaryIO, gop: int) -> bytes:
        """Fetch the packet of one GOP with its CRC, which is checked."""
        self.header.gop_frames(gop)  # checks the index
        data = _read_part(_as_file(source), self.packets[gop], f"the packet of GOP {gop}")
        packet_payload(data, gop)
        return data

    def read_section(self, source: bytes | BinaryIO, tag: int) -> bytes | None:
        """Fetch the payload of one section; None if the stream has none with this tag."""
        if tag not in self.sections:
            return None
        data = _read_part(_as_file(source), self.sections[tag], f"section {tag}")
        payload, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
        check_crc(payload, crc, f"section {tag}")
        return payload


def _as_file(source: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes | bytearray | memoryview) else source


def _read_exactly(file: BinaryIO, count: int, what: str) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise TruncatedStreamError(
            f"the file ends after {len(data)} of the {count} bytes of {what}; get the file again"
        )
    return data


def _read_part(file: BinaryIO, part: Part, what: str) -> bytes:
    file.seek(part.offset)
    return _read_exactly(file, part.num_bytes, what)


def encode_head(header: Header, sections: list[tuple[int, int]], packets: Iterable[int]) -> bytes:
    """The head of a file.

    Args:
        header: the header.
        sections: tag and number of bytes of each section.
        packets: number of bytes of each packet.
    """
    body = _encode_body(header, sections, packets)
    head = MAGIC + bytes((VERSION,)) + encode_varint(len(body)) + body
    return head + crc32(head)


def _encode_body(header: Header, sections: list[tuple[int, int]], packets: Iterable[int]) -> bytes:
    fields = [encode_header(header), *map(encode_varint, packets), encode_varint(len(sections))]
    for tag, num_bytes in sections:
        fields += [bytes((tag,)), encode_varint(num_bytes)]
    return b"".join(fields)


class FileSize:
    """Bytes of a file whose packets change, without encoding its head for every change.

    Args:
        header: the header.
        sections: tag and number of bytes of each section.
        packets: number of bytes of each packet.
    """

    def __init__(
        self, header: Header, sections: list[tuple[int, int]], packets: Iterable[int]
    ) -> None:
        sizes = list(packets)
        self._body = len(_encode_body(header, sections, sizes))
        self._rest = sum(size for _, size in sections) + sum(sizes)

    @property
    def num_bytes(self) -> int:
        """Bytes of the file."""
        head = len(MAGIC) + 1 + varint_bytes(self._body) + self._body + CRC_BYTES
        return head + self._rest

    def change(self, before: int, after: int) -> None:
        """A packet of `before` bytes now has `after` bytes."""
        self._body += varint_bytes(after) - varint_bytes(before)
        self._rest += after - before


def read_head(source: bytes | BinaryIO) -> StreamIndex:
    """Read header and index, and check the length of the file against them.

    Args:
        source: the file's bytes, or a seekable file.

    Raises:
        StreamError: the head is damaged, hostile or missing, or the file too short or too long.
    """
    file = _as_file(source)
    actual = file.seek(0, io.SEEK_END)
    file.seek(0)
    body, head_bytes = _read_body(file)
    reader = FieldReader(body, "head")
    header = decode_header(reader)
    if header.num_gops > reader.remaining:
        raise CorruptStreamError(
            f"the header says {header.num_gops} GOPs, but only {reader.remaining} bytes are left "
            "for the index; get the file again"
        )
    if actual < head_bytes + CRC_BYTES * header.num_gops:
        raise TruncatedStreamError(
            f"the file has {actual} bytes, too few for the {header.num_gops} packets that its "
            "header says; get the file again"
        )
    sizes = [reader.varint("packet length", CRC_BYTES) for _ in range(header.num_gops)]
    tags: list[int] = []
    section_sizes: list[int] = []
    for _ in range(reader.varint("number of sections", 0, MAX_SECTIONS)):
        tags.append(_section_tag(reader, tags))
        section_sizes.append(reader.varint("section length", CRC_BYTES))
    reader.done()

    end = head_bytes + sum(section_sizes) + sum(sizes)
    if actual < end:
        raise TruncatedStreamError(
            f"the file has {actual} bytes, but its index says {end}; get the file again"
        )
    if actual > end:
        raise CorruptStreamError(
            f"the file has {actual} bytes, but its index says {end}: something was appended"
        )
    parts: list[Part] = []
    offset = head_bytes
    for size in section_sizes + sizes:
        parts.append(Part(offset, size))
        offset += size
    sections = dict(zip(tags, parts[: len(tags)], strict=True))
    return StreamIndex(header, head_bytes, sections, tuple(parts[len(tags) :]))


def _read_body(file: BinaryIO) -> tuple[bytes, int]:
    """The bytes between the head's length and its CRC, checked, and the size of the whole head."""
    prefix = file.read(len(MAGIC) + 1 + 5)  # 5: the longest varint
    if prefix[: len(MAGIC)] == RECORDS_MAGIC:
        raise NotAStreamError(
            "the file is a part of a video or the journal of a run, and no stream: join parts with "
            "freegvc merge; --resume goes on with a run that did not end"
        )
    if prefix[: len(MAGIC)] != MAGIC[: len(prefix)]:
        raise NotAStreamError(
            f"the file begins with {prefix[: len(MAGIC)]!r}; a freegvc stream begins with "
            f"{MAGIC!r}: this is another kind of file"
        )
    if len(prefix) <= len(MAGIC) + 1:
        raise TruncatedStreamError(
            f"the file has {len(prefix)} bytes and ends inside the head; get the file again"
        )
    if prefix[len(MAGIC)] != VERSION:
        raise UnsupportedStreamError(
            f"the stream has version {prefix[len(MAGIC)]}; this release reads {VERSION}: use a "
            "newer freegvc"
        )
    reader = FieldReader(prefix, "head")
    reader.position = len(MAGIC) + 1
    length = reader.varint("head length", 0, MAX_HEAD_BYTES)
    file.seek(reader.position)
    body = _read_exactly(file, length, "the head")
    crc = _read_exactly(file, CRC_BYTES, "the CRC-32 of the head")
    check_crc(prefix[: reader.position] + body, crc, "the head")
    return body, reader.position + length + CRC_BYTES


def _section_tag(reader: FieldReader, before: list[int]) -> int:
    tag = reader.u8("section tag")
    if before and tag <= before[-1]:
        raise CorruptStreamError(
            f"section tag {tag} follows {before[-1]}; tags must rise, so that no tag appears "
            "twice; get the file again"
        )
    if tag not in (TIMESTAMPS, AUDIO, PROMPT) and tag < FIRST_OPTIONAL_TAG:
        raise UnsupportedStreamError(
            f"section tag {tag} is unknown; only {FIRST_OPTIONAL_TAG} and above may be skipped: "
            "use a newer freegvc"
        )
    return tag
