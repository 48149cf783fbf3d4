"""Every hostile file ends in its own typed error, and takes little memory to get there."""

import tracemalloc
import zlib
from fractions import Fraction

import pytest
from attack_files import ATTACKS, PACKETS, header, packet, payload_of, stream, varint

from freegvc._bitstream import PacketCodec, read_stream

MAX_MEMORY_BYTES = 256 << 20


def read_all(data):
    opened = read_stream(data)
    codec = PacketCodec(opened.header)
    for gop, coded in enumerate(opened.packets):
        codec.decode(coded, gop)


def test_the_builder_builds_valid_streams():
    read_all(stream())
    read_all(
        stream(
            sections=[(2, b"\x1aE\xdf\xa3audio"), (3, zlib.compress(b"fog")), (200, b"a remark")]
        )
    )
    unusual = b"\x10\x0f" + b"\6\5\1" + b"\x3c\x5a\x0f" + varint(300) + b"\x22\x32\x08"
    opened = read_stream(stream(header(options=b"\xfc", more=b"\1", unusual=unusual)))
    assert opened.header.pixel_aspect == Fraction(16, 15)
    assert opened.header.colour == (6, 5, 1, False)
    assert opened.header.tile == (60, 90, 15)
    assert opened.header.vae_tile == (34, 50, 8)
    assert opened.header.refine_timestep == 300
    assert opened.header.attention == "cudnn"


def test_drift_samples_that_are_cut_off_end_in_zeros():
    """Zeros follow beyond the end of a payload: the samples are wrong, and the parse is whole."""
    whole = payload_of([(0, -40)], drift_samples=bytes(range(129, 137)))
    for length in range(len(whole) - 5, len(whole)):
        data = packet(whole[:length])
        opened = read_stream(stream(packets=(data, PACKETS[1])))
        assert (opened.header.start_timestep, opened.header.coder) == (999, "pfr")
        cut = PacketCodec(opened.header).decode(data, gop=0)
        assert len(cut.steps) == 1
        assert cut.drift_samples[:2] == b"\x81\x82"
        assert len(cut.drift_samples) == 8


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_in_its_error(name):
    build, error, *words = ATTACKS[name]
    data = build()
    tracemalloc.start()
    try:
        with pytest.raises(error, match=words[0] if words else None) as caught:
            read_all(data)
        assert caught.type is error
        assert len(str(caught.value)) > 30
        assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY_BYTES
    finally:
        tracemalloc.stop()
