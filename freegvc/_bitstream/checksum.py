"""The CRC-32 at the end of a head, a section and a packet."""

from __future__ import annotations

import zlib

from freegvc.errors import ChecksumError, TruncatedStreamError

CRC_BYTES = 4


def crc32(data: bytes) -> bytes:
    """The CRC-32 of a head or a section as 4 bytes, little endian."""
    return zlib.crc32(data).to_bytes(CRC_BYTES, "little")


def check_crc(data: bytes, crc: bytes, what: str) -> None:
    """Compare the CRC-32 of a head or a section.

    Args:
        data: the bytes without their CRC.
        crc: the CRC from the file.
        what: names the bytes in the message.

    Raises:
        ChecksumError: the CRC does not match.
    """
    if crc32(data) != crc:
        raise ChecksumError(
            f"the CRC-32 of {what} is {crc.hex()}, but its {len(data)} bytes have "
            f"{crc32(data).hex()}: it is damaged; get the file again"
        )


def packet_crc(payload: bytes, gop: int) -> bytes:
    """The CRC-32 of a packet, 4 bytes; it includes the GOP's index, so swapped packets are found.

    Args:
        payload: of the packet.
        gop: index of the GOP.
    """
    start = zlib.crc32(gop.to_bytes(4, "little"))
    return zlib.crc32(payload, start).to_bytes(CRC_BYTES, "little")


def packet_payload(data: bytes, gop: int) -> bytes:
    """Check the CRC of a packet and remove it.

    Args:
        data: a packet.
        gop: index of its GOP.

    Returns:
        The payload.

    Raises:
        TruncatedStreamError: the packet is shorter than a CRC.
        ChecksumError: the CRC does not match.
    """
    if len(data) < CRC_BYTES:
        raise TruncatedStreamError(
            f"the packet of GOP {gop} has {len(data)} bytes; it needs {CRC_BYTES} for its CRC-32"
        )
    payload, crc = data[:-CRC_BYTES], data[-CRC_BYTES:]
    expected = packet_crc(payload, gop)
    if expected != crc:
        raise ChecksumError(
            f"the CRC-32 of the packet of GOP {gop} is {crc.hex()}, but its {len(payload)} bytes "
            f"have {expected.hex()}: it is damaged or belongs to another GOP; get the file again"
        )
    return payload
