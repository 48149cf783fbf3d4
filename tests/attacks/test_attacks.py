"""Every hostile file ends in its own typed error, and takes little memory to get there."""

import tracemalloc

import pytest
from attack_files import ATTACKS, stream

from freegvc.bitstream import decode_packet, read_stream

MAX_MEMORY_BYTES = 256 << 20


def read_all(data):
    opened = read_stream(data)
    for gop, packet in enumerate(opened.packets):
        decode_packet(
            packet,
            start_timestep=opened.header.start_timestep,
            coder=opened.header.coder,
            gop=gop,
        )


def test_the_builder_builds_valid_streams():
    read_all(stream())
    read_all(stream(sections=[(2, b"audio"), (200, b"a remark")]))


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_in_its_error(name):
    build, error, *words = ATTACKS[name]
    data = build()
    tracemalloc.start()
    try:
        if error is None:
            read_all(data)
        else:
            with pytest.raises(error, match=words[0] if words else None) as caught:
                read_all(data)
            assert caught.type is error
            assert len(str(caught.value)) > 30
        assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY_BYTES
    finally:
        tracemalloc.stop()
