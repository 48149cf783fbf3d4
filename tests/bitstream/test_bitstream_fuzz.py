"""Hostile bytes with valid CRCs: only typed errors, through the parsers behind the CRCs."""

import zlib

import pytest
from bitstream_samples import packet_codec, small_stream, usual_packet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freegvc._bitstream import read_head, read_stream, write_stream
from freegvc._bitstream.fields import encode_varint
from freegvc._bitstream.timestamps import decode_timestamps, encode_timestamps
from freegvc.errors import ChecksumError, StreamError

STREAM = {coder: write_stream(small_stream(coder)) for coder in ("pfr", "trellis")}
PAYLOADS = {
    coder: (
        packet_codec(coder).encode(usual_packet(coder), gop=0)[:-4],
        packet_codec(coder).encode(usual_packet(coder), gop=0)[:40],
    )
    for coder in ("pfr", "trellis")
}
SMALL = small_stream()
TICKS = encode_timestamps(SMALL.timestamps, SMALL.header.num_frames)


def crc(data, start=0):
    return zlib.crc32(data, start).to_bytes(4, "little")


@st.composite
def mutations(draw, original):
    """`original` with bytes changed, taken out, put in, or cut off."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.integers(0, 3))
        if kind == 0 and place < len(data):
            data[place] = draw(st.integers(0, 255))
        elif kind == 1:
            del data[place : place + draw(st.integers(1, 4))]
        elif kind == 2:
            data[place:place] = draw(st.binary(min_size=1, max_size=4))
        elif place:
            del data[place:]
    return bytes(data)


def attempt(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except StreamError as error:
        return error
    return None


def fuzz_stream(coder, body, rest):
    head = b"FGVC\x01" + encode_varint(len(body)) + body
    attempt(read_stream, head + crc(head) + rest)


def bodies(coder):
    index = read_head(STREAM[coder])
    body = STREAM[coder][6 : index.head_bytes - 4]
    return mutations(body) | st.binary(max_size=100)


def fuzz_packet(coder, payload):
    data = payload + crc(payload, zlib.crc32(bytes(4)))
    error = attempt(packet_codec(coder).decode, data, gop=0)
    assert not isinstance(error, ChecksumError)  # the parser behind the CRC was reached


def payloads(coder):
    return (
        st.sampled_from(PAYLOADS[coder]).flatmap(mutations)
        | st.binary(max_size=100)
        | st.binary(max_size=12).map(lambda start: start + bytes(200))
    )


def run(examples, strategy, target):
    def check(drawn):
        target(drawn)

    settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(given(strategy)(check))()


COUNTS = [400, pytest.param(10_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
@pytest.mark.parametrize("examples", COUNTS)
def test_hostile_heads(coder, examples):
    rest = STREAM[coder][read_head(STREAM[coder]).head_bytes :]
    run(examples, bodies(coder), lambda body: fuzz_stream(coder, body, rest))


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
@pytest.mark.parametrize("examples", COUNTS)
def test_hostile_packets(coder, examples):
    run(examples, payloads(coder), lambda payload: fuzz_packet(coder, payload))


@pytest.mark.parametrize("examples", COUNTS)
def test_hostile_timestamps(examples):
    inside = zlib.decompress(TICKS[2:])
    strategy = mutations(TICKS) | (mutations(inside) | st.binary(max_size=60)).map(
        lambda raw: TICKS[:2] + zlib.compress(raw)
    )
    run(examples, strategy, lambda data: attempt(decode_timestamps, data, 6))


@pytest.mark.parametrize("examples", COUNTS)
def test_hostile_files(examples):
    strategy = mutations(STREAM["pfr"]) | st.binary(max_size=100).map(lambda d: b"FGVC\x01" + d)
    run(examples, strategy, lambda data: attempt(read_stream, data))
