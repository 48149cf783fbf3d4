"""The .fgvc format, version 1, as docs/format.md specifies it."""

from freegvc.bitstream.head import Part, StreamIndex, read_head
from freegvc.bitstream.header import Header
from freegvc.bitstream.packet import PacketBits, decode_packet, encode_packet, packet_bits
from freegvc.bitstream.payload import Packet, PacketEncoder
from freegvc.bitstream.shot import Shot, Step, round_num_blocks
from freegvc.bitstream.stream import Stream, read_stream, write_stream
from freegvc.bitstream.timestamps import Timestamps
from freegvc.bitstream.truncate import truncate_stream

__all__ = [
    "Header",
    "Packet",
    "PacketBits",
    "PacketEncoder",
    "Part",
    "Shot",
    "Step",
    "Stream",
    "StreamIndex",
    "Timestamps",
    "decode_packet",
    "encode_packet",
    "packet_bits",
    "read_head",
    "read_stream",
    "round_num_blocks",
    "truncate_stream",
    "write_stream",
]
