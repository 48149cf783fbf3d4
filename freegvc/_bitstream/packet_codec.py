"""Packets to bytes and back."""

from __future__ import annotations

from typing import Protocol

from freegvc._bitstream.checksum import CRC_BYTES, packet_payload
from freegvc._bitstream.packet import Packet, PacketBits
from freegvc._bitstream.payload import PacketEncoder, choice_bits, decode_payload
from freegvc._channel.names import CODERS


class PacketContext(Protocol):
    """What packets depend on besides their own fields; a `Header` is one."""

    @property
    def start_timestep(self) -> int:
        """The noisiest integer timestep."""

    @property
    def coder(self) -> str:
        """Name of the channel coder."""


class PacketCodec:
    """Encodes and decodes the packets of one stream.

    Args:
        header: of the stream.
    """

    def __init__(self, header: PacketContext) -> None:
        self._start_timestep = header.start_timestep
        self._shot = CODERS[header.coder].shot

    def encoder(self, side: tuple[int, ...] = ()) -> PacketEncoder:
        """An encoder that builds a packet step by step.

        Args:
            side: the prior's integers for the GOP.

        Raises:
            UsageError: a side value is outside its limits.
        """
        return PacketEncoder(side, start_timestep=self._start_timestep, shot=self._shot)

    def encode(self, packet: Packet, gop: int) -> bytes:
        """The bytes of a packet with its CRC.

        Args:
            packet: what to send.
            gop: index of the GOP.

        Raises:
            UsageError: a value cannot be represented.
        """
        return self._encoder_of(packet).packet(gop, packet.drift_samples)

    def decode(self, data: bytes, gop: int) -> Packet:
        """The inverse of `encode`.

        Args:
            data: a packet with its CRC.
            gop: index of the GOP.

        Raises:
            StreamError: the packet is damaged or hostile.
        """
        payload = packet_payload(data, gop)
        return decode_payload(payload, start_timestep=self._start_timestep, shot=self._shot)

    def decode_with_bits(self, data: bytes, gop: int) -> tuple[Packet, PacketBits]:
        """Like `decode`, with how the bits of the packet are used."""
        packet = self.decode(data, gop)
        seed_bits = choice_bits(step.shot for step in packet.steps)
        # Seeds that end in zeros may take less than this, since the payload drops such zeros.
        payload_bits = 8 * (len(data) - CRC_BYTES)
        return packet, PacketBits(8 * len(data), min(seed_bits, float(payload_bits)))

    def bits(self, data: bytes, gop: int) -> PacketBits:
        """How the bits of an encoded packet are used; arguments and errors as for `decode`."""
        return self.decode_with_bits(data, gop)[1]

    def _encoder_of(self, packet: Packet) -> PacketEncoder:
        encoder = self.encoder(packet.side)
        for step in packet.steps:
            encoder.add(step)
        return encoder
