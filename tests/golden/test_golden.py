"""Streams that must keep their bytes, and zlib sections that must keep their meaning."""

from fractions import Fraction

import pytest
from golden_streams import FOLDER, STREAMS, build

from freegvc._bitstream import PacketCodec, Timestamps, read_stream, write_stream
from freegvc._bitstream.prompt import decode_prompt
from freegvc._bitstream.timestamps import decode_timestamps

CHANGED = (
    "the bytes of a fixed stream differ: this is a change of the bitstream, old files will not "
    "decode. If it is meant: say so under 'Bitstream' in CHANGELOG.md and in docs/format.md, "
    "then run python tests/golden/golden_streams.py"
)


@pytest.mark.parametrize("name", STREAMS)
def test_the_writer_keeps_its_bytes(name):
    assert write_stream(build(name)) == (FOLDER / f"{name}.fgvc").read_bytes(), CHANGED


@pytest.mark.parametrize("name", STREAMS)
def test_the_reader_understands_old_files(name):
    stream = read_stream((FOLDER / f"{name}.fgvc").read_bytes())
    expected = build(name)
    assert stream.header == expected.header, CHANGED
    assert stream.audio == expected.audio, CHANGED
    codec = PacketCodec(stream.header)
    for gop in range(2):
        old = codec.decode(stream.packets[gop], gop)
        assert old == codec.decode(expected.packets[gop], gop), CHANGED


def test_the_reader_understands_old_timestamps():
    # only read: the bytes that zlib writes are not the same in all its versions
    section = bytes.fromhex("015a78da6360636264d20100005f0038")
    expected = Timestamps((0, 3, 7, 10, 14, 40), Fraction(1, 90))
    assert decode_timestamps(section, 6) == expected, CHANGED
    section = bytes.fromhex("015a78da6360636264d279c10c0002a20123")
    expected = Timestamps((0, 3, 7, 10, 14, 40), Fraction(1, 90), 310)
    assert decode_timestamps(section, 6) == expected, CHANGED


def test_the_reader_understands_old_prompts():
    section = bytes.fromhex("78da4b2a2acd4d5538bc4021e751c3ccc4d2a45400447d07c3")
    assert decode_prompt(section) == "brume à l’aube", CHANGED
