"""Varints, the header, the timestamps."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from bitstream_samples import USUAL, headers, packet_codec, usual_packet
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._bitstream import Timestamps
from freegvc._bitstream.fields import FieldReader, encode_varint
from freegvc._bitstream.head import encode_head
from freegvc._bitstream.header_codec import decode_header, encode_header
from freegvc._bitstream.prompt import decode_prompt, encode_prompt
from freegvc._bitstream.timestamps import decode_timestamps, encode_timestamps
from freegvc._range_coder import unzigzag, zigzag
from freegvc.errors import CorruptStreamError, UnsupportedStreamError, UsageError


@given(st.integers(0, (1 << 63) - 1))
def test_varints_come_back(value):
    reader = FieldReader(encode_varint(value), "test")
    assert reader.varint("value", 0, (1 << 63) - 1) == value
    reader.done()


@given(st.integers(-(1 << 40), 1 << 40))
def test_zigzag_comes_back(value):
    assert zigzag(value) >= 0
    assert unzigzag(zigzag(value)) == value


@pytest.mark.parametrize("data", ["8000", "ff00", "808080808000", "ffffffff1f", "80", ""])
def test_other_spellings_of_varints_are_refused(data):
    with pytest.raises(CorruptStreamError):
        FieldReader(bytes.fromhex(data), "test").varint("value")


@given(headers())
@settings(max_examples=200, deadline=None)
def test_headers_come_back(header):
    reader = FieldReader(encode_header(header), "head")
    assert decode_header(reader) == header
    assert reader.remaining == 0


@pytest.mark.parametrize(("rate", "num_gops"), [(Fraction(24000, 1001), 2), (Fraction(25), 4)])
def test_a_usual_head_fits_into_64_bytes(rate, num_gops):
    """Tiles, a short name for the prior, and an index of packets of more than 127 bytes."""
    header = replace(USUAL, num_frames=4 + 44 * num_gops, frame_rate=rate)
    assert header.num_gops == num_gops
    data = packet_codec("trellis").encode(usual_packet("trellis"), gop=0)
    assert len(encode_head(header, [], [len(data)] * num_gops)) <= 64


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": 16385},
        {"num_frames": 0},
        {"num_frames": (1 << 24) + 1},
        {"num_frames": 1 << 21, "gop_length": 1, "overlap": 0, "gammas": ()},
        {"frame_rate": Fraction(0)},
        {"pixel_aspect": Fraction(1, 1 << 32)},
        {"colour": (256, 1, 1, False)},
        {"gop_length": 4097},
        {"width": 16384, "height": 16384},
        {"overlap": 25},
        {"overlap": 0},
        {"gammas": ()},
        {"gammas": (1,) * 5},
        {"gammas": (129,)},
        {"prior": ""},
        {"prior": "p" * 129},
        {"prior": "a b"},
        {"prior": "ä"},
        {"prior": "a\n"},
        {"fingerprint": b"1234567"},
        {"start_timestep": 0},
        {"start_timestep": 65536},
        {"silent_steps": 0},
        {"silent_steps": 1001},
        {"silent_steps": -1},
        {"silent_steps": 0, "silent_rate": -1},
        {"silent_steps": 0, "silent_rate": 1001},
        {"silent_rate": 12},  # besides the steps
        {"key": 1 << 32},
        {"key": -1},
        {"numerics": "int8"},
        {"sampler": "euler"},
        {"coder": "huffman"},
        {"attention": "sdpa"},
        {"tile": (0, 60, 0)},
        {"tile": (60, 0, 0)},
        {"tile": (60, 90, 60)},
        {"tile": (60, 90, -1)},
        {"tile": (16385, 90, 8)},
        {"vae_tile": (0, 60, 0)},
        {"vae_tile": (60, 90, 60)},
        {"vae_tile": (60, 16385, 8)},
        {"refine_timestep": -1},
        {"refine_timestep": 1000},
    ],
)
def test_headers_outside_their_limits_are_not_written(change):
    with pytest.raises(UsageError):
        encode_header(replace(USUAL, **change))


def test_unknown_ids_are_unsupported():
    data = bytearray(encode_header(USUAL))
    modes = data.index(2 | 1 << 3 | 1 << 5)
    for bits in (3 << 3, 3 << 5, 7 << 8):
        with pytest.raises(UnsupportedStreamError, match="this release knows"):
            decode_header(
                FieldReader(
                    data[:modes]
                    + bytes((data[modes] | bits & 255, data[modes + 1] | bits >> 8))
                    + data[modes + 2 :],
                    "head",
                )
            )


def test_gops_cover_every_frame_once():
    for num_frames in range(1, 60):
        for gop_length, overlap in ((1, 0), (4, 0), (4, 2), (7, 3), (48, 4)):
            header = replace(USUAL, num_frames=num_frames, gop_length=gop_length, overlap=overlap)
            frames = [header.gop_frames(k) for k in range(header.num_gops)]
            assert {f for gop in frames for f in gop} == set(range(num_frames))
            assert all(b.start == a.start + gop_length - overlap for a, b in pairwise(frames))
            assert all(len(f) == gop_length for f in frames[:-1])
            assert len(frames[-1]) > (overlap if len(frames) > 1 else 0)
            with pytest.raises(UsageError):
                header.gop_frames(header.num_gops)


@given(
    st.lists(st.integers(1, 1 << 40), min_size=1, max_size=50),
    st.integers(-(1 << 40), 1 << 40),
    st.builds(Fraction, st.integers(1, 1 << 31), st.integers(1, 1 << 31)),
    st.one_of(st.none(), st.integers(1, 1 << 40)),
)
def test_timestamps_come_back(steps, first, time_base, last):
    ticks = tuple(first + sum(steps[:k]) for k in range(len(steps)))
    stamps = Timestamps(ticks, time_base, None if last is None else ticks[-1] + last)
    assert decode_timestamps(encode_timestamps(stamps, len(ticks)), len(ticks)) == stamps


@given(st.text(min_size=1, max_size=2000))
def test_prompts_come_back(prompt):
    assert decode_prompt(encode_prompt(prompt)) == prompt


def test_prompts_have_limits():
    assert decode_prompt(encode_prompt("é" * 4096)) == "é" * 4096
    for prompt in ("", "é" * 4097, "\ud800"):
        with pytest.raises(UsageError):
            encode_prompt(prompt)


@pytest.mark.parametrize("ticks", [(0,), (0, 0, 1), (2, 1, 3), (0, 1, 1 << 54)])
def test_timestamps_outside_their_limits_are_not_written(ticks):
    with pytest.raises(UsageError):
        encode_timestamps(Timestamps(ticks, Fraction(1, 90)), 3)


@pytest.mark.parametrize("end", [2, 1, -1, 1 << 54])
def test_an_end_outside_its_limits_is_not_written(end):
    with pytest.raises(UsageError, match="the end of the last frame"):
        encode_timestamps(Timestamps((0, 1, 2), Fraction(1, 90), end), 3)
