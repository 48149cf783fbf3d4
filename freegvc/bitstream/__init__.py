"""The .fgvc format, version 1, as docs/format.md specifies it."""

from freegvc.bitstream.header import Header
from freegvc.bitstream.packet import (
    Packet,
    PacketBits,
    PacketEncoder,
    decode_packet,
    encode_packet,
    packet_bits,
)
from freegvc.bitstream.shot import Shot, Step, round_num_blocks
from freegvc.bitstream.stream import (
    Part,
    Stream,
    StreamIndex,
    read_head,
    read_stream,
    write_stream,
)
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
