"""The .fgvc format, version 1, as docs/format.md specifies it."""

from freegvc.bitstream.head import Part, StreamIndex, read_head
from freegvc.bitstream.header import Header
from freegvc.bitstream.packet import Packet, PacketBits, Step
from freegvc.bitstream.packet_codec import PacketCodec
from freegvc.bitstream.payload import PacketEncoder
from freegvc.bitstream.stream import Stream, read_stream, write_stream
from freegvc.bitstream.timestamps import Timestamps
from freegvc.bitstream.truncate import truncate_stream

__all__ = [
    "Header",
    "Packet",
    "PacketBits",
    "PacketCodec",
    "PacketEncoder",
    "Part",
    "Step",
    "Stream",
    "StreamIndex",
    "Timestamps",
    "read_head",
    "read_stream",
    "truncate_stream",
    "write_stream",
]
