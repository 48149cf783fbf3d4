"""Integers under a range coder: every table is one of integers, none is computed from floats.

constriction's range coder has a state of 64 bits, words of 32 and frequencies of 24. It reads
zeros beyond the end of its words, and raises AssertionError for words that no encoder writes.
"""

from __future__ import annotations

from typing import Any

import constriction
import numpy as np

from freegvc.bitstream.fields import unzigzag, zigzag
from freegvc.errors import CorruptStreamError

_models = constriction.stream.model
_PRECISION = 24
_CHUNK_BITS = 16

# in 1/1024, of the bit lengths 0..32 of a zigzagged difference; fitted to grids of timesteps that
# are even in sqrt(SNR), and to numbers of blocks that fall with 15 % of noise
_RESIDUAL_WEIGHTS = (150, 115, 220, 230, 100, 60, 48, 34, 20, 14, 8, 3, 2, *[1] * 20)


def table(frequencies: tuple[int, ...]) -> Any:
    """A model whose table is exactly `frequencies`: each at least 1, sum 2^24.

    constriction gives each of n symbols 1 and shares out the other 2^24 - n in proportion to the
    cumulated floats. Of the frequencies less 1 these are exact integers and the factor is 1.
    """
    assert sum(frequencies) == 1 << _PRECISION
    return _models.Categorical(np.array(frequencies, dtype=np.float64) - 1, perfect=False)


_LENGTH = _models.Uniform(33)
_RESIDUAL = table(tuple(weight << (_PRECISION - 10) for weight in _RESIDUAL_WEIGHTS))
_BITS = (None, *(_models.Uniform(1 << bits) for bits in range(1, _CHUNK_BITS + 1)))


def encode_bits(encoder: Any, value: int, count: int) -> None:
    """The low `count` bits of a number, all equally likely."""
    while count > 0:
        now = min(count, _CHUNK_BITS)
        encoder.encode(value & ((1 << now) - 1), _BITS[now])
        value >>= now
        count -= now


def decode_bits(decoder: Any, count: int) -> int:
    """The inverse of `encode_bits`."""
    value = shift = 0
    while count > 0:
        now = min(count, _CHUNK_BITS)
        value |= int(decoder.decode(_BITS[now])) << shift
        shift += now
        count -= now
    return value


def _encode_integer(encoder: Any, value: int, model: Any) -> None:
    length = value.bit_length()
    encoder.encode(length, model)
    encode_bits(encoder, value, length - 1)  # the top bit is known to be 1


def _decode_integer(decoder: Any, model: Any) -> int:
    length = int(decoder.decode(model))
    return decode_bits(decoder, length - 1) | (1 << length >> 1)


def encode_uint(encoder: Any, value: int) -> None:
    """A number of which nothing is known: its bit length 0..32 is uniform."""
    _encode_integer(encoder, value, _LENGTH)


def decode_uint(decoder: Any) -> int:
    """The inverse of `encode_uint`."""
    return _decode_integer(decoder, _LENGTH)


def encode_residual(encoder: Any, value: int) -> None:
    """A signed difference, small ones preferred."""
    _encode_integer(encoder, zigzag(value), _RESIDUAL)


def decode_residual(decoder: Any) -> int:
    """The inverse of `encode_residual`."""
    return unzigzag(_decode_integer(decoder, _RESIDUAL))


def used_bits(encoder: Any) -> float:
    """Information that went into an encoder so far, in fractional bits."""
    position, (_, span) = encoder.pos()
    return float(32 * position + 64 - np.log2(float(span)))


def shortest_bytes(encoder: Any) -> bytes:
    """The shortest bytes that decode, continued with zeros, to what the encoder holds.

    The coder's state is an interval of numbers; constriction seals it at a whole word, on average
    two bytes too late. Big endian, so that the last bytes are the least significant.
    """
    if encoder.is_empty():
        return b""
    position, (lower, span) = encoder.pos()
    words = encoder.get_compressed()
    num_bytes = 4 * (position + 2)
    sealed = words.astype(">u4").tobytes().ljust(num_bytes, b"\0")
    point = int.from_bytes(sealed, "big")
    # the sealed number lies in [low, high), and the 64 low bits of `low` are known
    low = point - (point - lower) % (1 << 64)
    high = low + span
    zeros = 8 * ((span.bit_length() - 1) // 8)
    best = -(-low >> zeros) << zeros
    while zeros < 8 * num_bytes:
        zeros += 8
        shorter = -(-low >> zeros) << zeros
        if shorter >= high:
            break
        best = shorter
    return bytes(best.to_bytes(num_bytes, "big").rstrip(b"\0"))


def range_decoder(data: bytes) -> Any:
    """A decoder of `shortest_bytes`."""
    padded = data + bytes(-len(data) % 4)
    return constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))


def corrupt_payload(error: AssertionError) -> CorruptStreamError:
    """What to raise when constriction finds words that no encoder writes."""
    return CorruptStreamError(
        f"a packet holds bytes that no encoder writes ({error}); get the file again"
    )
