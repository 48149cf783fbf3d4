"""The packet of one GOP: a payload and a CRC-32."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from freegvc.bitstream import entropy
from freegvc.bitstream.fields import CRC_BYTES
from freegvc.bitstream.payload import Packet, PacketEncoder, decode_payload
from freegvc.errors import ChecksumError, TruncatedStreamError


@dataclass(frozen=True, slots=True)
class PacketBits:
    """Where the bits of a packet go."""

    total_bits: int
    seed_bits: float

    @property
    def other_bits(self) -> float:
        """Side information, steps, probe, the unused rest of the last byte and the CRC."""
        return self.total_bits - self.seed_bits


def _crc(gop: int, payload: bytes) -> bytes:
    # with the index of the GOP, so that swapped packets are found
    return zlib.crc32(payload, zlib.crc32(gop.to_bytes(4, "little"))).to_bytes(4, "little")


def encode_packet(packet: Packet, *, start_timestep: int, coder: str, gop: int) -> bytes:
    """The bytes of a packet with its CRC.

    Args:
        packet: what to send.
        start_timestep, coder: of the header.
        gop: index of the GOP.

    Raises:
        UsageError: a value cannot be represented.
    """
    encoder = PacketEncoder(packet.side, start_timestep=start_timestep, coder=coder)
    for step in packet.steps:
        encoder.add(step)
    payload = encoder.payload(packet.probe)
    return payload + _crc(gop, payload)


def packet_payload(data: bytes, *, gop: int) -> bytes:
    """Check the CRC of a packet and take it off.

    Raises:
        TruncatedStreamError: there are fewer bytes than a CRC has.
        ChecksumError: the CRC does not match.
    """
    if len(data) < CRC_BYTES:
        raise TruncatedStreamError(
            f"the packet of GOP {gop} has {len(data)} bytes; it needs {CRC_BYTES} for its CRC-32"
        )
    payload = data[:-CRC_BYTES]
    if _crc(gop, payload) != data[-CRC_BYTES:]:
        raise ChecksumError(
            f"the CRC-32 of the packet of GOP {gop} is {data[-CRC_BYTES:].hex()}, but its "
            f"{len(payload)} bytes have {_crc(gop, payload).hex()}: it is damaged or belongs to "
            "another GOP; get the file again"
        )
    return payload


def decode_packet(data: bytes, *, start_timestep: int, coder: str, gop: int) -> Packet:
    """The inverse of `encode_packet`.

    Raises:
        StreamError: the packet is damaged or hostile.
    """
    payload = packet_payload(data, gop=gop)
    try:
        return decode_payload(payload, start_timestep, coder)
    except AssertionError as error:
        raise entropy.corrupt_payload(error) from error


def packet_bits(data: bytes, *, start_timestep: int, coder: str, gop: int) -> PacketBits:
    """How many bits of an encoded packet are seeds, and how many everything else."""
    packet = decode_packet(data, start_timestep=start_timestep, coder=coder, gop=gop)
    encoder = PacketEncoder(packet.side, start_timestep=start_timestep, coder=coder)
    for step in packet.steps:
        encoder.add(step)
    # seeds that end in zeros may be dropped, and then take less than their tables charge
    payload_bits = 8 * (len(data) - CRC_BYTES)
    return PacketBits(8 * len(data), min(encoder.seed_bits, float(payload_bits)))
