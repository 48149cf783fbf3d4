"""The .fgvc format, version 1, as docs/format.md specifies it."""

from freegvc._bitstream.head import Part, StreamIndex, read_head
from freegvc._bitstream.header import Header
from freegvc._bitstream.packet import Packet, PacketBits, Step
from freegvc._bitstream.packet_codec import PacketCodec
from freegvc._bitstream.payload import PacketEncoder
from freegvc._bitstream.stream import Stream, read_stream, write_stream
from freegvc._bitstream.timestamps import Timestamps
from freegvc._bitstream.truncate import least_bytes, truncate_stream

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
    "least_bytes",
    "read_head",
    "read_stream",
    "truncate_stream",
    "write_stream",
]
