"""The header as bytes: the fields in their order on the wire (docs/format.md)."""

from __future__ import annotations

from fractions import Fraction

from freegvc._bitstream import silent_rule
from freegvc._bitstream.fields import FieldReader, encode_ratio, encode_varint
from freegvc._bitstream.header import (
    ATTENTIONS,
    BT709_LIMITED,
    FINGERPRINT_BYTES,
    MAX_GAMMAS,
    MAX_GOP_LENGTH,
    MAX_PRIOR_BYTES,
    NUMERICS,
    SAMPLERS,
    UNTILED,
    Header,
)
from freegvc._channel.names import CODERS
from freegvc.errors import CorruptStreamError, UnsupportedStreamError

# A head has to fit into 64 bytes. So ids and flags are packed into two bytes, and a field with its
# usual value is left out; its flag is 0 then.
_HAS_ASPECT, _HAS_COLOUR, _HAS_TILE, _HAS_REFINE, _HAS_MORE_OPTIONS = 8, 16, 32, 64, 128
# in a second byte of options, which is left out if it is 0
_HAS_VAE_TILE, _IS_CHAINED, _HAS_LAST_ADVANCE = 1, 2, 4
_KNOWN_MORE_OPTIONS = _HAS_VAE_TILE | _IS_CHAINED | _HAS_LAST_ADVANCE

_CODER_NAMES = tuple(sorted(CODERS, key=lambda name: CODERS[name].wire_id))


def encode_header(header: Header) -> bytes:
    """The header's fields as bytes.

    Raises:
        UsageError: a field is outside its limits.
    """
    header.validate()
    modes = (
        NUMERICS.index(header.numerics)
        | SAMPLERS.index(header.sampler) << 3
        | CODERS[header.coder].wire_id << 5
        | int(header.colour[3]) << 7
    )
    unusual = {
        _HAS_ASPECT: encode_ratio(header.pixel_aspect) if header.pixel_aspect != 1 else b"",
        _HAS_COLOUR: bytes(header.colour[:3]) if header.colour[:3] != BT709_LIMITED[:3] else b"",
        _HAS_TILE: _encode_tile(header.tile),
        _HAS_REFINE: encode_varint(header.refine_timestep) if header.refine_timestep else b"",
    }
    more = {
        _HAS_VAE_TILE: _encode_tile(header.vae_tile),
        _HAS_LAST_ADVANCE: encode_varint(header.last_advance) if header.last_advance else b"",
    }
    options = ATTENTIONS.index(header.attention) | sum(flag for flag in unusual if unusual[flag])
    more_options = sum(flag for flag in more if more[flag]) | (_IS_CHAINED * header.chain)
    if more_options:
        options |= _HAS_MORE_OPTIONS
    prior = header.prior.encode("ascii")
    return b"".join(
        (
            encode_varint(header.width),
            encode_varint(header.height),
            encode_varint(header.num_frames),
            encode_ratio(header.frame_rate),
            bytes((modes, options, more_options) if more_options else (modes, options)),
            *unusual.values(),
            *more.values(),
            encode_varint(header.gop_length),
            encode_varint(header.overlap),
            encode_varint(len(header.gammas)),
            bytes(header.gammas),
            encode_varint(len(prior)),
            prior,
            header.fingerprint,
            encode_varint(header.start_timestep),
            encode_varint(silent_rule.encode(header.silent_steps, header.silent_rate)),
            encode_varint(header.key),
        )
    )


def _encode_tile(tile: tuple[int, int, int]) -> bytes:
    return b"".join(map(encode_varint, tile)) if tile != UNTILED else b""


def _decode_tile(reader: FieldReader, name: str) -> tuple[int, int, int]:
    return (
        reader.varint(f"{name} height"),
        reader.varint(f"{name} width"),
        reader.varint(f"{name} overlap"),
    )


def _more_options(reader: FieldReader) -> int:
    """The second byte of options."""
    more_options = reader.u8("more options")
    if more_options & ~_KNOWN_MORE_OPTIONS:
        raise UnsupportedStreamError(
            f"head: the second byte of options is {more_options}; this release knows the bits of "
            f"{_KNOWN_MORE_OPTIONS} alone: use a newer freegvc"
        )
    if not more_options:
        raise CorruptStreamError(
            "head: the second byte of options is 0, which must be left out; get the file again"
        )
    return more_options


def _word(name: str, code: int, words: tuple[str, ...]) -> str:
    if code >= len(words):
        raise UnsupportedStreamError(
            f"{name} id is {code}; this release knows 0..{len(words) - 1}: use a newer freegvc"
        )
    return words[code]


def _unusual(options: int, flag: int, name: str, value: object, usual: object) -> None:
    """Check that a field which is not left out differs from its usual value."""
    if options & flag and value == usual:
        raise CorruptStreamError(
            f"head: {name} is {value}, which must be left out; get the file again"
        )


def decode_header(reader: FieldReader) -> Header:
    """Read the header's fields.

    Raises:
        CorruptStreamError: a field is outside its limits.
        UnsupportedStreamError: an id is unknown.
    """
    width, height = reader.varint("width"), reader.varint("height")
    num_frames = reader.varint("number of frames")
    frame_rate = reader.ratio("frame rate")
    modes, options = reader.raw(2, "modes and options")
    more_options = _more_options(reader) if options & _HAS_MORE_OPTIONS else 0
    pixel_aspect = reader.ratio("pixel aspect") if options & _HAS_ASPECT else Fraction(1)
    matrix, primaries, transfer, _ = BT709_LIMITED
    if options & _HAS_COLOUR:
        matrix, primaries, transfer = reader.raw(3, "colour")
    tile = _decode_tile(reader, "tile") if options & _HAS_TILE else UNTILED
    refine_timestep = reader.varint("refinement timestep") if options & _HAS_REFINE else 0
    vae_tile = _decode_tile(reader, "VAE tile") if more_options & _HAS_VAE_TILE else UNTILED
    last_advance = 0
    if more_options & _HAS_LAST_ADVANCE:
        last_advance = reader.varint("advance of the last GOP", 1, MAX_GOP_LENGTH)
    _unusual(options, _HAS_ASPECT, "pixel aspect", pixel_aspect, 1)
    _unusual(options, _HAS_COLOUR, "colour", (matrix, primaries, transfer), BT709_LIMITED[:3])
    _unusual(options, _HAS_TILE, "tile", tile, UNTILED)
    _unusual(options, _HAS_REFINE, "refinement timestep", refine_timestep, 0)
    _unusual(more_options, _HAS_VAE_TILE, "VAE tile", vae_tile, UNTILED)
    gop_length = reader.varint("GOP length", 1, MAX_GOP_LENGTH)
    overlap = reader.varint("GOP overlap", 0, MAX_GOP_LENGTH // 2)
    num_weights = reader.varint("number of gammas", 0, MAX_GAMMAS)
    gammas = tuple(reader.raw(num_weights, "gammas"))
    num_characters = reader.varint("length of the prior id", 1, MAX_PRIOR_BYTES)
    # decoding latin-1 cannot fail; validate() refuses characters that are not ASCII
    prior = reader.raw(num_characters, "prior id").decode("latin-1")
    fingerprint = reader.raw(FINGERPRINT_BYTES, "fingerprint")
    start_timestep = reader.varint("start timestep")
    silent_steps, silent_rate = silent_rule.decode(
        reader.varint("silent rule", silent_rule.LEAST, silent_rule.MOST)
    )
    header = Header(
        width=width,
        height=height,
        num_frames=num_frames,
        last_advance=last_advance,
        chain=bool(more_options & _IS_CHAINED),
        frame_rate=frame_rate,
        pixel_aspect=pixel_aspect,
        colour=(matrix, primaries, transfer, bool(modes >> 7)),
        gop_length=gop_length,
        overlap=overlap,
        gammas=gammas,
        tile=tile,
        vae_tile=vae_tile,
        prior=prior,
        fingerprint=fingerprint,
        start_timestep=start_timestep,
        silent_steps=silent_steps,
        silent_rate=silent_rate,
        key=reader.varint("stream key"),
        refine_timestep=refine_timestep,
        numerics=_word("numerics", modes & 7, NUMERICS),
        attention=_word("attention", options & 7, ATTENTIONS),
        sampler=_word("sampler", modes >> 3 & 3, SAMPLERS),
        coder=_word("coder", modes >> 5 & 3, _CODER_NAMES),
    )
    header.validate(CorruptStreamError)
    return header
