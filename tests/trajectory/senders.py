"""Senders and their packets, without a stream around them."""

from types import SimpleNamespace

from freegvc._bitstream import PacketCodec
from freegvc._trajectory import Sender

PACKETS = PacketCodec(SimpleNamespace(start_timestep=1000, coder="pfr"))


def make_sender(prior, latent, coder, *, key=0, gop=0):
    """A sender of PFR packets."""
    return Sender(prior, latent, coder, PACKETS, key=key, gop=gop)


def packet_of(sender):
    """What a decoder reads."""
    return PACKETS.decode(sender.packet(), sender.gop)
