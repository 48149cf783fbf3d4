"""Whole files: round trips, seeking, damage, truncation to lower rates."""

import io
from dataclasses import replace

import pytest
from bitstream_samples import USUAL, headers, packets, small_stream, usual_packet
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._bitstream import (
    Packet,
    PacketCodec,
    Stream,
    read_head,
    read_stream,
    truncate_stream,
    write_stream,
)
from freegvc._bitstream.head import AUDIO
from freegvc.errors import ChecksumError, NotAStreamError, StreamError, TargetError, UsageError


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_streams_come_back(data):
    header = data.draw(headers())
    packet = data.draw(packets(header.start_timestep, header.coder, max_steps=3))
    coded = tuple(PacketCodec(header).encode(packet, k) for k in range(header.num_gops))
    stream = Stream(
        header,
        coded,
        audio=data.draw(
            st.none() | st.binary(max_size=50).map(lambda rest: b"\x1aE\xdf\xa3" + rest)
        ),
        prompt=data.draw(st.none() | st.text(min_size=1, max_size=50)),
    )
    written = write_stream(stream)
    assert read_stream(written) == stream
    assert read_head(written).total_bytes == len(written)


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
def test_timestamps_audio_and_prompt_come_back(coder):
    stream = small_stream(coder)
    assert read_stream(write_stream(stream)) == stream


def test_a_gop_is_fetched_alone():
    stream = small_stream()
    data = write_stream(stream)

    class Counting(io.BytesIO):
        num_read = 0

        def read(self, size=-1):
            data = super().read(size)
            Counting.num_read += len(data)
            return data

    file = Counting(data)
    index = read_head(file)
    assert index.read_packet(file, 1) == stream.packets[1]
    assert index.read_section(file, AUDIO) == stream.audio
    assert index.read_section(file, 200) is None
    assert Counting.num_read < len(data) - len(stream.packets[0]) + 10
    with pytest.raises(UsageError):
        index.read_packet(file, 2)


def test_every_flipped_byte_is_found():
    data = write_stream(small_stream())
    for position in range(len(data)):
        for mask in (1, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[position] ^= mask
            with pytest.raises(StreamError):
                read_stream(bytes(damaged))


def test_every_truncation_is_found():
    data = write_stream(small_stream())
    for length in range(len(data)):
        with pytest.raises(StreamError):
            read_stream(data[:length])
        with pytest.raises(StreamError):
            read_head(data[:length])


def test_another_file_is_not_a_stream():
    with pytest.raises(NotAStreamError, match="another kind of file"):
        read_stream(b"RIFF....AVI ")


def test_packets_must_fit_their_header():
    stream = small_stream()
    with pytest.raises(UsageError, match="2 GOPs"):
        write_stream(replace(stream, packets=stream.packets[:1]))
    with pytest.raises(ChecksumError):
        write_stream(replace(stream, packets=stream.packets[::-1]))


def long_stream(coder="trellis"):
    """Two GOPs of about 1,200 bytes; the second stops earlier."""
    header = replace(USUAL, coder=coder)
    first, second = usual_packet(coder), usual_packet(coder, seed=1)
    first = replace(first, drift_samples=b"the last")
    second = Packet(second.side, second.steps[:12], b"of steps")
    codec = PacketCodec(header)
    coded = (codec.encode(first, gop=0), codec.encode(second, gop=1))
    return Stream(header, coded, audio=b"\x1aE\xdf\xa3audio", prompt="fog")


def decoded(stream):
    codec = PacketCodec(stream.header)
    return [codec.decode(packet, gop) for gop, packet in enumerate(stream.packets)]


@pytest.mark.parametrize("coder", ["pfr", "trellis"])
@pytest.mark.parametrize("stop_step", [0, 500, 736, 1000])
def test_truncation_at_a_step_keeps_the_noisier_steps(coder, stop_step):
    stream = long_stream(coder)
    cut = read_stream(write_stream(truncate_stream(stream, stop_step=stop_step)))
    for before, after in zip(decoded(stream), decoded(cut), strict=True):
        kept = tuple(step for step in before.steps if step.timestep >= stop_step)
        samples = before.drift_samples if len(kept) == len(before.steps) else None
        assert after == Packet(before.side, kept, samples)
    assert (cut.audio, cut.prompt) == (stream.audio, stream.prompt)


@given(st.integers(100, 3000))
@settings(max_examples=30, deadline=None)
def test_truncation_to_bytes_fills_the_budget(max_bytes):
    stream = long_stream()
    cut = truncate_stream(stream, max_bytes=max_bytes)
    assert len(write_stream(cut)) <= max_bytes
    counts = []
    for before, after in zip(decoded(stream), decoded(cut), strict=True):
        counts.append(len(after.steps))
        is_whole = counts[-1] == len(before.steps)
        samples = before.drift_samples if is_whole else None
        assert after == Packet(before.side, before.steps[: counts[-1]], samples)
    # the GOPs end at about the same step, and one more for any of them would not have fitted
    assert abs(min(counts[0], 12) - counts[1]) <= 1
    for gop, (before, count) in enumerate(zip(decoded(stream), counts, strict=True)):
        if count < len(before.steps):
            samples = before.drift_samples if count + 1 == len(before.steps) else None
            more = Packet(before.side, before.steps[: count + 1], samples)
            longer = list(cut.packets)
            longer[gop] = PacketCodec(stream.header).encode(more, gop)
            assert len(write_stream(replace(cut, packets=tuple(longer)))) > max_bytes


def test_truncation_that_is_not_needed_changes_nothing():
    stream = long_stream()
    assert truncate_stream(stream, max_bytes=len(write_stream(stream))) == stream


def test_truncation_says_what_cannot_be_reached():
    with pytest.raises(TargetError, match="without any step"):
        truncate_stream(long_stream(), max_bytes=60)
    for both in ({}, {"stop_step": 3, "max_bytes": 100}, {"stop_step": -1}):
        with pytest.raises(UsageError):
            truncate_stream(long_stream(), **both)
