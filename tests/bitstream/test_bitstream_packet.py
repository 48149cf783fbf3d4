"""Packets: round trips, sizes, and the range coder against the words of docs/format.md."""

import re
from dataclasses import replace

import constriction
import numpy as np
import pytest
from bitstream_samples import packets, usual_packet
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc.bitstream import (
    Packet,
    PacketEncoder,
    Shot,
    Step,
    decode_packet,
    encode_packet,
    packet_bits,
    round_num_blocks,
)
from freegvc.bitstream.entropy import range_decoder, shortest_bytes, table
from freegvc.bitstream.shot import (
    MAX_BLOCK_CLASS,
    MAX_BLOCKS,
    block_class,
    blocks_of_class,
    finer_blocks,
)
from freegvc.errors import ChecksumError, CorruptStreamError, TruncatedStreamError, UsageError


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_packets_come_back(data):
    start = data.draw(st.integers(1, 65535))
    context = {
        "start_timestep": start,
        "coder": data.draw(st.sampled_from(("pfr", "trellis"))),
        "gop": data.draw(st.integers(0, 1 << 20)),
    }
    packet = data.draw(packets(start, context["coder"]))
    coded = encode_packet(packet, **context)
    assert decode_packet(coded, **context) == packet
    bits = packet_bits(coded, **context)
    assert bits.total_bits == 8 * len(coded)
    assert 0 <= bits.seed_bits <= bits.total_bits


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_a_usual_packet_has_at_most_24_bytes_of_overhead(coder):
    context = {"start_timestep": 999, "coder": coder, "gop": 3}
    coded = encode_packet(usual_packet(coder), **context)
    assert 1100 < len(coded) < 1500
    bits = packet_bits(coded, **context)
    assert bits.other_bits <= 8 * 24
    probed = encode_packet(replace(usual_packet(coder), probe=b"\x80" * 8), **context)
    assert len(probed) <= len(coded) + 9
    assert packet_bits(probed, **context).seed_bits == bits.seed_bits


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_the_encoder_knows_the_size_of_every_prefix(coder):
    packet = usual_packet(coder)
    context = {"start_timestep": 999, "coder": coder}
    encoder = PacketEncoder(packet.side, **context)
    for count in range(len(packet.steps) + 1):
        prefix = replace(packet, steps=packet.steps[:count])
        assert encoder.size_bytes() == len(encode_packet(prefix, **context, gop=0))
        if count < len(packet.steps):
            encoder.add(packet.steps[count])
    probed = replace(packet, probe=bytes(range(8)))
    assert encoder.size_bytes(probed.probe) == len(encode_packet(probed, **context, gop=0))


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_seeds_that_vanish_in_trailing_zeros_are_accepted(coder):
    mode = (16, 16) if coder == "pfr" else (12, 1)
    packet = Packet((), (Step(900, Shot(*mode, np.zeros(8 << 12, np.int64))),))
    context = {"start_timestep": 999, "coder": coder, "gop": 0}
    assert decode_packet(encode_packet(packet, **context), **context) == packet


def test_an_empty_packet_is_its_crc():
    context = {"start_timestep": 999, "coder": "pfr", "gop": 5}
    coded = encode_packet(Packet(), **context)
    assert len(coded) == 4
    assert decode_packet(coded, **context) == Packet()


def test_a_packet_belongs_to_its_gop():
    coded = encode_packet(usual_packet("pfr"), start_timestep=999, coder="pfr", gop=1)
    with pytest.raises(ChecksumError, match="GOP 2"):
        decode_packet(coded, start_timestep=999, coder="pfr", gop=2)
    with pytest.raises(TruncatedStreamError):
        decode_packet(coded[:3], start_timestep=999, coder="pfr", gop=1)


def test_equal_packets_are_equal():
    assert usual_packet("pfr") == usual_packet("pfr")
    assert usual_packet("pfr") != usual_packet("pfr", seed=1)
    assert Shot(8, 1, np.zeros(1, np.int64)) != Shot(10, 1, np.zeros(1, np.int64))
    assert Shot(8, 1, np.zeros(1, np.int64)) != 8


def step(timestep=500, mode=(12, 1), seeds=(0, 1)):
    return Step(timestep, Shot(*mode, np.array(seeds, dtype=np.int64)))


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
        ("trellis", Packet((), (step(mode=(7, 1)),))),
        ("trellis", Packet((), (step(mode=(12, 2)),))),
        ("trellis", Packet((), (step(seeds=(0, 2)),))),
        ("trellis", Packet((), (step(seeds=(0,) * 65),))),
        ("pfr", Packet((), (step(mode=(9, 1)),))),
        ("pfr", Packet((), (step(mode=(8, 25)),))),
        ("pfr", Packet((), (step(mode=(8, 1), seeds=(256,)),))),
        ("pfr", Packet((), (step(mode=(8, 1), seeds=(-1,)),))),
    ],
)
def test_packets_outside_their_limits_are_not_written(coder, packet):
    with pytest.raises(UsageError):
        encode_packet(packet, start_timestep=999, coder=coder, gop=0)


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
    packet = Packet((), (step(seeds=np.arange(blocks) % 2),))
    context = {"start_timestep": 999, "coder": "trellis", "gop": 0}
    assert decode_packet(encode_packet(packet, **context), **context) == packet
    with pytest.raises(UsageError, match="round_num_blocks"):
        encode_packet(packet, **context | {"coder": "pfr"})


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
        decode_packet(payload + crc, start_timestep=999, coder="pfr", gop=0)
