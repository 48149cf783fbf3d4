"""Hand-made hostile streams, each with the one error that it must end in.

`python tests/attacks/attack_files.py FOLDER` writes them as files. The builder below does not use
the writer of freegvc, which refuses most of this.
"""

import sys
import zlib
from functools import cache
from pathlib import Path

from freegvc.errors import (
    ChecksumError,
    CorruptStreamError,
    NotAStreamError,
    TruncatedStreamError,
    UnsupportedStreamError,
)


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def crc(data, start=0):
    return zlib.crc32(data, start).to_bytes(4, "little")


def header(**changes):
    """A header's bytes; a change replaces the bytes of one field."""
    fields = {
        "width": varint(416),
        "height": varint(240),
        "frames": varint(6),
        "frame_rate": varint(24) + varint(1),
        "modes": b"\0",
        "options": b"\0",
        "more": b"",  # a second byte of options
        "unusual": b"",  # pixel aspect, colour, tile, refinement, VAE tile, .. as the options say
        "gop_length": varint(4),
        "overlap": varint(2),
        "fusion": varint(1) + b"\x40",
        "prior": varint(8) + b"analytic",
        "fingerprint": bytes(8),
        "start_timestep": varint(999),
        "silent_rule": varint(40),
        "key": varint(0),
    }
    assert not changes.keys() - fields.keys()
    return b"".join((fields | changes).values())


def divided(num_frames, last_advance):
    """A header of GOPs of 6 frames, 2 of them in common, with an advance of the last one."""
    return header(
        frames=varint(num_frames),
        gop_length=b"\6",
        options=b"\x80",
        more=b"\x04",
        unusual=last_advance,
    )


def packet(payload=b"", gop=0):
    return payload + crc(payload, zlib.crc32(gop.to_bytes(4, "little")))


PACKETS = (packet(b"", 0), packet(b"", 1))


def head(body, *, magic=b"FGVC\1", length=None):
    data = magic + (varint(len(body)) if length is None else length) + body
    return data + crc(data)


def stream(fields=None, packets=PACKETS, sections=(), *, index=None, table=None, **framing):
    """A whole file; sections are (tag, payload)."""
    if index is None:
        index = b"".join(varint(len(p)) for p in packets)
    if table is None:
        table = bytes((len(sections),)) + b"".join(
            bytes((tag,)) + varint(len(payload) + 4) for tag, payload in sections
        )
    body = (header() if fields is None else fields) + index + table
    parts = [payload + crc(payload) for _, payload in sections]
    return head(body, **framing) + b"".join(parts) + b"".join(packets)


def timestamps(raw):
    return varint(1) + varint(90) + zlib.compress(raw, 9)


def payload_of(steps, drift_samples=None):
    """A payload of steps given by their coded differences of jump and class, without seeds."""
    import constriction

    from freegvc import _range_coder as range_coder
    from freegvc._bitstream.payload import _KIND

    encoder = constriction.stream.queue.RangeEncoder()
    range_coder.encode_uint(encoder, 0)
    for jump, block_class in steps:
        encoder.encode(1, _KIND)
        range_coder.encode_residual(encoder, jump)
        range_coder.encode_residual(encoder, block_class)
    encoder.encode(0 if drift_samples is None else 3, _KIND)
    for value in drift_samples or b"":
        encoder.encode(value, constriction.stream.model.Uniform(256))
    return range_coder.shortest_bytes(encoder)


def side_values(count):
    """A payload that claims this many side values."""
    import constriction

    from freegvc import _range_coder as range_coder

    encoder = constriction.stream.queue.RangeEncoder()
    range_coder.encode_uint(encoder, count)
    return range_coder.shortest_bytes(encoder)


MANY = 1 << 20


@cache
def bomb():
    """A timestamps section of 300 kB that inflates to 320 MB of zeros."""
    deflate = zlib.compressobj(9)
    blocks = [deflate.compress(bytes(1 << 20)) for _ in range(320)]
    return varint(1) + varint(90) + b"".join((*blocks, deflate.flush()))


def prompt_bomb():
    """A prompt section of 60 kB that inflates to 64 MB."""
    return zlib.compress(bytes(64 << 20), 9)


# name: (builder, error, words of the message where another check could give the same error)

ATTACKS = {
    "empty": (lambda: b"", TruncatedStreamError),
    "magic_only": (lambda: b"FGVC", TruncatedStreamError),
    "other_magic": (lambda: b"RIFF" + stream()[4:], NotAStreamError),
    "version_2": (lambda: stream(magic=b"FGVC\2"), UnsupportedStreamError),
    "head_length_4_gb": (
        lambda: stream(length=varint((1 << 32) - 1)),
        CorruptStreamError,
        "head length",
    ),
    "head_length_8_mb": (lambda: stream(length=varint(1 << 23)), TruncatedStreamError),
    "head_length_not_minimal": (
        lambda: stream(length=b"\xbb\x80\x00"),
        CorruptStreamError,
        "shortest form",
    ),
    "head_crc": (lambda: stream().replace(b"analytic", b"analytik"), ChecksumError),
    "width_0": (lambda: stream(header(width=b"\0")), CorruptStreamError, "width is 0"),
    "width_2_32": (lambda: stream(header(width=varint((1 << 32) - 1))), CorruptStreamError),
    "width_not_minimal": (
        lambda: stream(header(width=b"\xa0\x83\x00")),
        CorruptStreamError,
        "shortest form",
    ),
    "frame_rate_0": (lambda: stream(header(frame_rate=b"\x18\0")), CorruptStreamError),
    "frame_rate_48_2": (lambda: stream(header(frame_rate=b"\x30\2")), CorruptStreamError),
    "overlap_3_of_4": (lambda: stream(header(overlap=b"\3")), CorruptStreamError, "GOP overlap"),
    "fusion_256_of_1": (lambda: stream(header(fusion=varint(256) + b"\x40")), CorruptStreamError),
    "prior_control_character": (
        lambda: stream(header(prior=b"\2a\n")),
        CorruptStreamError,
    ),
    "prior_longer_than_file": (lambda: stream(header(prior=b"\x7fa")), CorruptStreamError),
    "sampler_3": (lambda: stream(header(modes=b"\x18")), UnsupportedStreamError, "sampler id"),
    "coder_3": (lambda: stream(header(modes=b"\x60")), UnsupportedStreamError),
    "attention_5": (lambda: stream(header(options=b"\5")), UnsupportedStreamError, "attention id"),
    "more_options_8": (
        lambda: stream(header(options=b"\x80", more=b"\x08")),
        UnsupportedStreamError,
        "second byte of options is 8",
    ),
    "more_options_0": (
        lambda: stream(header(options=b"\x80", more=b"\0")),
        CorruptStreamError,
        "second byte of options is 0",
    ),
    "chained_without_overlap": (
        lambda: stream(header(options=b"\x80", more=b"\2", overlap=b"\0", fusion=b"\0")),
        CorruptStreamError,
        "overlap of chained GOPs is 0",
    ),
    "chained_with_gammas": (
        lambda: stream(header(options=b"\x80", more=b"\2")),
        CorruptStreamError,
        "number of gammas is 1",
    ),
    "last_advance_0": (
        lambda: stream(divided(7, b"\0")),
        CorruptStreamError,
        "advance of the last GOP is 0",
    ),
    "last_advance_as_usual": (
        lambda: stream(divided(7, b"\4")),
        CorruptStreamError,
        "advance of the last GOP is 4; it must be in 2..3",
    ),
    "last_advance_below_overlap": (
        lambda: stream(divided(7, b"\1")),
        CorruptStreamError,
        "advance of the last GOP is 1; it must be in 2..3",
    ),
    "last_advance_without_rest": (
        lambda: stream(divided(10, b"\2")),
        CorruptStreamError,
        "must be left out",
    ),
    "last_advance_of_a_single_gop": (
        lambda: stream(divided(6, b"\2")),
        CorruptStreamError,
        "must be left out",
    ),
    "last_advance_4097": (
        lambda: stream(divided(7, varint(4097))),
        CorruptStreamError,
        "advance of the last GOP is 4097",
    ),
    "no_vae_tiles_spelt_out": (
        lambda: stream(header(options=b"\x80", more=b"\1", unusual=b"\0\0\0")),
        CorruptStreamError,
        "VAE tile",
    ),
    "vae_tile_height_0": (
        lambda: stream(header(options=b"\x80", more=b"\1", unusual=b"\0\x3c\0")),
        CorruptStreamError,
        "VAE tile height",
    ),
    "vae_tile_width_16385": (
        lambda: stream(
            header(options=b"\x80", more=b"\1", unusual=b"\x3c" + varint(16385) + b"\0")
        ),
        CorruptStreamError,
        "VAE tile width",
    ),
    "vae_tile_overlap_of_all": (
        lambda: stream(header(options=b"\x80", more=b"\1", unusual=b"\x3c\x5a\x3c")),
        CorruptStreamError,
        "VAE tile overlap",
    ),
    "pixel_aspect_spelt_out": (
        lambda: stream(header(options=b"\x08", unusual=b"\1\1")),
        CorruptStreamError,
        "must be left out",
    ),
    "colour_spelt_out": (
        lambda: stream(header(options=b"\x10", unusual=b"\1\1\1")),
        CorruptStreamError,
        "must be left out",
    ),
    "no_tiles_spelt_out": (
        lambda: stream(header(options=b"\x20", unusual=b"\0\0\0")),
        CorruptStreamError,
        "must be left out",
    ),
    "tile_height_0": (
        lambda: stream(header(options=b"\x20", unusual=b"\0\x3c\0")),
        CorruptStreamError,
        "tile height",
    ),
    "tile_width_16385": (
        lambda: stream(header(options=b"\x20", unusual=b"\x3c" + varint(16385) + b"\0")),
        CorruptStreamError,
        "tile width",
    ),
    "tile_overlap_of_all": (
        lambda: stream(header(options=b"\x20", unusual=b"\x3c\x5a\x3c")),
        CorruptStreamError,
        "tile overlap",
    ),
    "refinement_0_spelt_out": (
        lambda: stream(header(options=b"\x40", unusual=b"\0")),
        CorruptStreamError,
        "must be left out",
    ),
    "refinement_beyond_start": (
        lambda: stream(header(options=b"\x40", unusual=varint(1000))),
        CorruptStreamError,
        "refinement timestep",
    ),
    "silent_steps_0": (
        lambda: stream(header(silent_rule=varint(0))),
        CorruptStreamError,
        "silent rule is 0",
    ),
    "silent_rate_0": (
        lambda: stream(header(silent_rule=varint(1))),
        CorruptStreamError,
        "silent rule is 1",
    ),
    "silent_steps_1001": (
        lambda: stream(header(silent_rule=varint(2002))),
        CorruptStreamError,
        "silent rule is 2002",
    ),
    "silent_rate_1001": (
        lambda: stream(header(silent_rule=varint(2003))),
        CorruptStreamError,
        "silent rule is 2003",
    ),
    "gops_2_24": (
        lambda: stream(
            header(
                frames=varint(1 << 24),
                gop_length=b"\1",
                overlap=b"\0",
                fusion=b"\0",
            )
        ),
        CorruptStreamError,
        "number of GOPs",
    ),
    "gops_2_20_no_index": (
        lambda: stream(header(frames=varint(MANY), gop_length=b"\1", overlap=b"\0", fusion=b"\0")),
        CorruptStreamError,
        "GOPs, but only",
    ),
    "gops_2_18_no_packets": (
        lambda: stream(
            header(frames=varint(MANY >> 2), gop_length=b"\1", overlap=b"\0", fusion=b"\0"),
            (),
            index=b"\4" * (MANY >> 2),
        ),
        TruncatedStreamError,
    ),
    "index_packet_3_bytes": (lambda: stream(index=b"\4\3"), CorruptStreamError),
    "index_beyond_file": (lambda: stream(index=b"\4\5"), TruncatedStreamError),
    "index_packet_4_gb": (
        lambda: stream(index=b"\4" + varint((1 << 32) - 1)),
        TruncatedStreamError,
    ),
    "index_shifted": (
        lambda: stream(packets=(packet(b"abc"), PACKETS[1]), index=b"\6\5"),
        ChecksumError,
    ),
    "trailing_byte": (lambda: stream() + b"\0", CorruptStreamError, "appended"),
    "left_over_in_head": (lambda: stream(table=b"\0\0"), CorruptStreamError, "left over"),
    "packets_swapped": (lambda: stream(packets=PACKETS[::-1]), ChecksumError),
    "sections_9": (
        lambda: stream(sections=[(128 + k, b"") for k in range(9)]),
        CorruptStreamError,
        "number of sections",
    ),
    "section_unknown": (lambda: stream(sections=[(4, b"")]), UnsupportedStreamError),
    "section_twice": (
        lambda: stream(sections=[(2, b"a"), (2, b"b")]),
        CorruptStreamError,
        "tags must rise",
    ),
    "section_4_gb": (
        lambda: stream(table=b"\1\2" + varint((1 << 32) - 1)),
        TruncatedStreamError,
    ),
    "section_crc": (
        lambda: stream(sections=[(2, b"audio")]).replace(b"audio", b"Audio"),
        ChecksumError,
    ),
    "gop_of_too_many_pixels": (
        lambda: stream(
            header(
                width=varint(16384),
                height=varint(16384),
                frames=varint(9),
                gop_length=varint(9),
            )
        ),
        CorruptStreamError,
        "pixels of a GOP",
    ),
    "last_gop_of_too_many_pixels": (
        lambda: stream(
            header(
                width=varint(16384),
                height=varint(16384),
                frames=varint(9),
                gop_length=varint(7),
                overlap=b"\2",
            ),
            PACKETS[:1],
        ),
        CorruptStreamError,
        "pixels of a GOP",
    ),
    "timestamps_bomb": (lambda: stream(sections=[(1, bomb())]), CorruptStreamError, "holds more"),
    "timestamps_bomb_2_20_frames": (
        lambda: stream(
            header(frames=varint(MANY), gop_length=varint(4096), overlap=b"\0", fusion=b"\0"),
            tuple(packet(b"", gop) for gop in range(256)),
            sections=[(1, bomb())],
        ),
        CorruptStreamError,
        "holds more",
    ),
    "timestamps_2_24_frames": (
        lambda: stream(
            header(frames=varint(1 << 24), gop_length=varint(4096), overlap=b"\0", fusion=b"\0"),
            tuple(packet(b"", gop) for gop in range(4096)),
            sections=[(1, timestamps(b"\2" * (1 << 24)))],
        ),
        CorruptStreamError,
        "can have",
    ),
    "timestamps_not_zlib": (
        lambda: stream(sections=[(1, b"\1\1zlib")]),
        CorruptStreamError,
        "not a zlib",
    ),
    "timestamps_too_few": (
        lambda: stream(sections=[(1, timestamps(b"\0\2"))]),
        CorruptStreamError,
    ),
    "timestamps_too_many": (
        lambda: stream(sections=[(1, timestamps(b"\0\2" + bytes(6)))]),
        CorruptStreamError,
        "left over",
    ),
    "timestamps_stand_still": (
        lambda: stream(sections=[(1, timestamps(bytes(6)))]),
        CorruptStreamError,
        "must rise",
    ),
    "timestamps_end_before_the_last_frame": (
        lambda: stream(sections=[(1, timestamps(b"\0\2" + bytes(4) + b"\1"))]),
        CorruptStreamError,
        "the end of the last frame is 5, 0 after",
    ),
    "timestamps_trailing": (
        lambda: stream(sections=[(1, timestamps(b"\0\2" + bytes(4)) + b"\0")]),
        CorruptStreamError,
        "does not end",
    ),
    "prompt_bomb": (
        lambda: stream(sections=[(3, prompt_bomb())]),
        CorruptStreamError,
        "holds more",
    ),
    "prompt_8193_bytes": (
        lambda: stream(sections=[(3, zlib.compress(b"a" * 8193))]),
        CorruptStreamError,
        "holds more",
    ),
    "prompt_empty": (
        lambda: stream(sections=[(3, zlib.compress(b""))]),
        CorruptStreamError,
        "left out",
    ),
    "prompt_not_zlib": (
        lambda: stream(sections=[(3, b"a prompt")]),
        CorruptStreamError,
        "not a zlib",
    ),
    "prompt_cut_off": (
        lambda: stream(sections=[(3, zlib.compress(b"a prompt")[:-3])]),
        CorruptStreamError,
        "does not end",
    ),
    "prompt_trailing": (
        lambda: stream(sections=[(3, zlib.compress(b"a prompt") + b"\0")]),
        CorruptStreamError,
        "does not end",
    ),
    "prompt_surrogate": (
        lambda: stream(sections=[(3, zlib.compress(b"\xed\xa0\x80"))]),
        CorruptStreamError,
        "not UTF-8",
    ),
    "blocks_2_24": (
        lambda: stream(packets=(packet(payload_of([(0, 176 - 40)])), PACKETS[1])),
        CorruptStreamError,
        "more steps and blocks",
    ),
    "blocks_class_177": (
        lambda: stream(packets=(packet(payload_of([(0, 177 - 40)])), PACKETS[1])),
        CorruptStreamError,
        "class 177",
    ),
    "steps_20000_without_blocks": (
        lambda: stream(
            header(start_timestep=varint(65535)),
            (packet(payload_of([(1 - 2047, -40)] + [(0, -2)] * 20_000)), PACKETS[1]),
        ),
        CorruptStreamError,
        "more than 1024 steps",
    ),
    "jump_backwards": (
        lambda: stream(packets=(packet(payload_of([(-125, 0)])), PACKETS[1])),
        CorruptStreamError,
        "jumps by",
    ),
    "jump_below_0": (
        lambda: stream(packets=(packet(payload_of([(969, 0)])), PACKETS[1])),
        CorruptStreamError,
        "jumps by 1000 from timestep 999",
    ),
    "side_2_32": (
        lambda: stream(packets=(packet(side_values((1 << 32) - 1)), PACKETS[1])),
        CorruptStreamError,
        "side values",
    ),
    "no_encoder_writes": (
        lambda: stream(packets=(packet(b"\xff" * 8), PACKETS[1])),
        CorruptStreamError,
        "no encoder writes",
    ),
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (build, *_) in ATTACKS.items():
        (folder / f"{name}.fgvc").write_bytes(build())
