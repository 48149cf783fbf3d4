"""Packets: round trips, sizes, and the range coder against the words of docs/format.md."""

import re
import time
from dataclasses import replace

import constriction
import numpy as np
import pytest
from bitstream_samples import packet_codec, packets, usual_packet
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc import _range_coder as range_coder
from freegvc._bitstream import Packet, Step
from freegvc._bitstream.checksum import packet_crc
from freegvc._bitstream.payload import _KIND
from freegvc._channel.names import CODERS
from freegvc._channel.num_blocks import (
    MAX_BLOCK_CLASS,
    MAX_BLOCKS,
    block_class,
    blocks_of_class,
    finer_blocks,
    round_num_blocks,
)
from freegvc._channel.pfr.shot import PfrShot
from freegvc._channel.trellis.shot import TrellisShot
from freegvc._range_coder import range_decoder, shortest_bytes, table
from freegvc.errors import ChecksumError, CorruptStreamError, TruncatedStreamError, UsageError


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_packets_come_back(data):
    start = data.draw(st.integers(1, 65535))
    coder, gop = data.draw(st.sampled_from(tuple(CODERS))), data.draw(st.integers(0, 1 << 20))
    packet = data.draw(packets(start, coder))
    codec = packet_codec(coder, start)
    coded = codec.encode(packet, gop)
    assert codec.decode(coded, gop) == packet
    bits = codec.bits(coded, gop)
    assert codec.decode_with_bits(coded, gop) == (packet, bits)
    assert bits.total_bits == 8 * len(coded)
    assert 0 <= bits.seed_bits <= bits.total_bits


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_a_usual_packet_has_at_most_22_bytes_of_overhead(coder):
    codec = packet_codec(coder)
    coded = codec.encode(usual_packet(coder), gop=3)
    assert 1100 < len(coded) < 1500
    bits = codec.bits(coded, gop=3)
    assert bits.other_bits <= 8 * 22
    sampled = codec.encode(replace(usual_packet(coder), drift_samples=b"\x80" * 8), gop=3)
    assert len(sampled) <= len(coded) + 9
    assert codec.bits(sampled, gop=3).seed_bits == bits.seed_bits


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_the_encoder_knows_the_size_of_every_prefix(coder):
    packet, codec = usual_packet(coder), packet_codec(coder)
    encoder = codec.encoder(packet.side)
    for count in range(len(packet.steps) + 1):
        prefix = replace(packet, steps=packet.steps[:count])
        assert encoder.num_bytes() == len(codec.encode(prefix, gop=0))
        if count < len(packet.steps):
            encoder.add(packet.steps[count])
    sampled = replace(packet, drift_samples=bytes(range(8)))
    assert encoder.num_bytes(sampled.drift_samples) == len(codec.encode(sampled, gop=0))
    assert encoder.packet(0, sampled.drift_samples) == codec.encode(sampled, gop=0)


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_a_copy_of_an_encoder_goes_its_own_way(coder):
    packet, other, codec = usual_packet(coder), usual_packet(coder, seed=1), packet_codec(coder)
    encoder = codec.encoder()
    for step in packet.steps[:5]:
        encoder.add(step)
    fork = encoder.copy()
    for step in other.steps[5:]:
        fork.add(step)
    for step in packet.steps[5:]:
        encoder.add(step)
    mixed = replace(packet, steps=packet.steps[:5] + other.steps[5:])
    assert encoder.packet(0) == codec.encode(packet, gop=0)
    assert fork.packet(0) == codec.encode(mixed, gop=0)


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_seeds_that_vanish_in_trailing_zeros_are_accepted(coder):
    zeros, codec = np.zeros(8 << 12, np.int64), packet_codec(coder)
    shot = {"pfr": PfrShot(16, 16, zeros), "trellis": TrellisShot(12, zeros)}[coder]
    packet = Packet((), (Step(900, shot),))
    assert codec.decode(codec.encode(packet, gop=0), gop=0) == packet


def test_an_empty_packet_is_its_crc():
    codec = packet_codec("pfr")
    coded = codec.encode(Packet(), gop=5)
    assert len(coded) == 4
    assert codec.decode(coded, gop=5) == Packet()


def test_a_packet_belongs_to_its_gop():
    codec = packet_codec("pfr")
    coded = codec.encode(usual_packet("pfr"), gop=1)
    with pytest.raises(ChecksumError, match="GOP 2"):
        codec.decode(coded, gop=2)
    with pytest.raises(TruncatedStreamError):
        codec.decode(coded[:3], gop=1)


def test_equal_packets_are_equal():
    assert usual_packet("pfr") == usual_packet("pfr")
    assert usual_packet("pfr") != usual_packet("pfr", seed=1)
    zero = np.zeros(1, np.int64)
    assert PfrShot(8, 1, zero) != PfrShot(10, 1, zero)
    assert PfrShot(8, 1, zero) != TrellisShot(8, zero)
    assert PfrShot(8, 1, zero) != 8


def step(timestep=500, log2_states=12, bits=(0, 1)):
    return Step(timestep, TrellisShot(log2_states, np.array(bits, dtype=np.int64)))


def pfr_step(log2_candidates, aim_bits, seeds=(0, 1)):
    return Step(500, PfrShot(log2_candidates, aim_bits, np.array(seeds, dtype=np.int64)))


@pytest.mark.parametrize(
    ("coder", "packet"),
    [
        ("trellis", Packet((256,))),
        ("trellis", Packet((-1,))),
        ("trellis", Packet((0,) * 4097)),
        ("trellis", Packet((), (), b"seven b")),
        ("trellis", Packet((), (), b"and nine.")),
        ("trellis", Packet((), (step(999),))),
        ("trellis", Packet((), (step(-1),))),
        ("trellis", Packet((), (step(500), step(500)))),
        ("trellis", Packet((), (step(log2_states=7),))),
        ("trellis", Packet((), (step(bits=(0, 2)),))),
        ("trellis", Packet((), (step(bits=(0,) * 65),))),
        ("trellis", Packet((), (pfr_step(12, 1),))),
        ("pfr", Packet((), (pfr_step(9, 1),))),
        ("pfr", Packet((), (pfr_step(8, 25),))),
        ("pfr", Packet((), (pfr_step(8, 1, seeds=(256,)),))),
        ("pfr", Packet((), (pfr_step(8, 1, seeds=(-1,)),))),
        ("pfr", Packet((), (step(),))),
    ],
)
def test_packets_outside_their_limits_are_not_written(coder, packet):
    with pytest.raises(UsageError):
        packet_codec(coder).encode(packet, gop=0)


def test_zeros_at_the_end_take_little_time():
    """Half a megabyte of them; a hostile packet of a few bytes may claim a thousand blocks."""
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(5, table((1 << 20,) * 16))
    encoder.encode(np.zeros(1 << 18, np.int32), constriction.stream.model.Uniform(1 << 16))
    began = time.process_time()
    assert len(shortest_bytes(encoder)) < 8
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("coder", "mode"),
    [("trellis", (7, 1)), ("trellis", (12, 2)), ("pfr", (9, 1)), ("pfr", (8, 25))],
)
def test_modes_outside_their_limits_are_not_read(coder, mode):
    encoder, shot = constriction.stream.queue.RangeEncoder(), CODERS[coder].shot
    range_coder.encode_uint(encoder, 0)
    encoder.encode(2, _KIND)  # a step in a new mode
    for value, first in zip(mode, shot.FIRST_MODE, strict=True):
        range_coder.encode_residual(encoder, value - first)
    payload = shortest_bytes(encoder)
    with pytest.raises(CorruptStreamError, match=f"{mode[0]} and .*{mode[1]}.* must be"):
        packet_codec(coder).decode(payload + packet_crc(payload, 0), gop=0)


def test_numbers_of_blocks_are_classes():
    counts = [blocks_of_class(q) for q in range(MAX_BLOCK_CLASS + 1)]
    assert counts == sorted(set(counts))
    assert counts[-1] == MAX_BLOCKS
    assert [block_class(count) for count in counts] == list(range(MAX_BLOCK_CLASS + 1))
    with pytest.raises(UsageError, match="round_num_blocks"):
        block_class(17)


def test_the_trellis_has_two_mantissa_bits_more():
    counts = []
    for q in range(MAX_BLOCK_CLASS + 1):
        bits, unit = finer_blocks(q, 5)
        counts += [blocks_of_class(q) + unit * finer for finer in range(1 << bits)]
        assert {block_class(count, 5) for count in counts[-1 << bits :] if q < 176} <= {q}
    counts = counts[:-3]  # beyond MAX_BLOCKS
    assert counts == sorted(set(counts))
    assert counts[:65] == list(range(65))
    assert counts[-1] == MAX_BLOCKS
    assert all(round_num_blocks(count, 5) == count for count in counts)
    steps = np.diff(counts)[64:] / counts[64:-1]
    assert steps.max() <= 1 / 32


@pytest.mark.parametrize("blocks", [63, 66, 1984, 2016])
def test_finer_numbers_of_blocks_come_back(blocks):
    packet, codec = Packet((), (step(bits=np.arange(blocks) % 2),)), packet_codec("trellis")
    assert codec.decode(codec.encode(packet, gop=0), gop=0) == packet
    with pytest.raises(UsageError, match="round_num_blocks"):
        packet_codec("pfr").encode(Packet((), (pfr_step(12, 1, np.arange(blocks) % 2),)), gop=0)


@given(st.integers(-5, MAX_BLOCKS + 5))
def test_rounding_finds_the_nearest_number_of_blocks(number):
    counts = [blocks_of_class(q) for q in range(MAX_BLOCK_CLASS + 1)]
    rounded = round_num_blocks(number)
    assert rounded in counts
    assert abs(rounded - number) == min(abs(count - number) for count in counts)


class Decoder:
    """The range decoder of docs/format.md, word for word."""

    def __init__(self, data):
        self.data, self.position = data, 8
        self.point = int.from_bytes(data[:8].ljust(8, b"\0"), "big")
        self.range = (1 << 64) - 1

    def decode(self, frequencies):
        scale = self.range >> 24
        cumulated = np.cumsum([0, *frequencies])
        symbol = int(np.searchsorted(cumulated, self.point // scale, side="right")) - 1
        self.point -= scale * int(cumulated[symbol])
        self.range = scale * int(frequencies[symbol])
        if self.range < 1 << 32:
            word = self.data[self.position : self.position + 4].ljust(4, b"\0")
            self.position += 4
            self.point = (self.point << 32) + int.from_bytes(word, "big")
            self.range <<= 32
        return symbol


TABLES = [
    (1 << 19, 13 << 20, 2 << 20, 1 << 19),
    (1, (1 << 24) - 1),
    ((1 << 24) - 1, 1),
    (1 << 23,) * 2,
]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=200))
def test_the_range_coder_is_the_one_of_the_specification(choices):
    encoder = constriction.stream.queue.RangeEncoder()
    models = [table(frequencies) for frequencies in TABLES]
    for which, symbol in choices:
        encoder.encode(symbol, models[which])
    coded = shortest_bytes(encoder)
    assert not coded.endswith(b"\0")
    ours, theirs = Decoder(coded), range_decoder(coded)
    for which, symbol in choices:
        assert ours.decode(TABLES[which]) == symbol
        assert theirs.decode(models[which]) == symbol


def test_bytes_that_no_encoder_writes_are_corrupt():
    import zlib

    payload = b"\xff" * 16
    crc = zlib.crc32(bytes(4) + payload).to_bytes(4, "little")
    with pytest.raises(CorruptStreamError, match=re.escape("no encoder writes")):
        packet_codec("pfr").decode(payload + crc, gop=0)
