"""Integers in constriction's range coder, with tables of integer frequencies.

The coder has a state of 64 bits, words of 32 bits and frequencies of 24 bits. A decoder reads
zeros beyond the end of its words. For words that no encoder writes, constriction raises
AssertionError; `decoding` turns it into CorruptStreamError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import constriction
import numpy as np

from freegvc.errors import CorruptStreamError

PRECISION_BITS = 24
"""The frequencies of a table sum to 2^24."""

_models = constriction.stream.model
_CHUNK_BITS = 16

# Frequencies in 1/1024 of the bit lengths 0..32 of a zigzag difference. They are fitted to the
# jumps and numbers of blocks of walks at all efforts, on the schedules of all families.
_RESIDUAL_WEIGHTS = (266, 226, 224, 104, 62, 42, 34, 20, 12, 8, 4, *[1] * 22)
# Those of the bit lengths of a count, in 1/64: a half for 0, since most priors have no side values.
_COUNT_WEIGHTS = (32, *[1] * 32)


def table(frequencies: Sequence[int] | np.ndarray) -> Any:
    """A constriction model with exactly these frequencies.

    constriction gives each of the n symbols 1 and divides the other 2^24 - n in proportion to the
    cumulative sums of its floats. Given the frequencies minus 1, those sums are exact integers and
    the factor is 1, so the result is the same on every machine.

    Args:
        frequencies: integers, each at least 1, sum 2^24.

    Raises:
        ValueError: the sum is not 2^24.
    """
    total = int(np.sum(frequencies))
    if total != 1 << PRECISION_BITS:
        raise ValueError(f"the frequencies sum to {total}; the sum must be 2^{PRECISION_BITS}")
    return _models.Categorical(np.asarray(frequencies, dtype=np.float64) - 1, perfect=False)


_COUNT = table(tuple(weight << (PRECISION_BITS - 6) for weight in _COUNT_WEIGHTS))
_RESIDUAL = table(tuple(weight << (PRECISION_BITS - 10) for weight in _RESIDUAL_WEIGHTS))
_BITS = (None, *(_models.Uniform(1 << bits) for bits in range(1, _CHUNK_BITS + 1)))


def zigzag(value: int) -> int:
    """Map 0, -1, 1, -2, 2 .. to 0, 1, 2, 3, 4 .."""
    return 2 * value if value >= 0 else -2 * value - 1


def unzigzag(value: int) -> int:
    """The inverse of `zigzag`."""
    return value >> 1 if value % 2 == 0 else -(value >> 1) - 1


def encode_bits(encoder: Any, value: int, count: int) -> None:
    """Append the low `count` bits of a number; all values are equally likely."""
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
    """Append a number below 2^32; 0 takes a bit."""
    _encode_integer(encoder, value, _COUNT)


def decode_uint(decoder: Any) -> int:
    """The inverse of `encode_uint`."""
    return _decode_integer(decoder, _COUNT)


def encode_residual(encoder: Any, value: int) -> None:
    """Append a signed difference; small ones take fewer bits."""
    _encode_integer(encoder, zigzag(value), _RESIDUAL)


def decode_residual(decoder: Any) -> int:
    """The inverse of `encode_residual`."""
    return unzigzag(_decode_integer(decoder, _RESIDUAL))


def used_bits(encoder: Any) -> float:
    """Information in an encoder so far, in fractional bits."""
    position, (_, span) = encoder.pos()
    return float(32 * position + 64 - np.log2(float(span)))


def shortest_bytes(encoder: Any) -> bytes:
    """The shortest bytes that, followed by zeros, decode to the encoder's symbols.

    The coder's state is an interval of numbers, and any number inside it decodes. constriction
    picks one that ends at a whole word; this picks the one with the most trailing zero bytes, on
    average two bytes shorter. Big endian, so that the last bytes are the least significant.
    """
    if encoder.is_empty():
        return b""
    position, (lower, span) = encoder.pos()
    words = encoder.get_compressed()
    num_bytes = 4 * (position + 2)
    sealed = words.astype(">u4").tobytes().ljust(num_bytes, b"\0")
    point = int.from_bytes(sealed, "big")
    # constriction's number lies in [low, high), and `lower` is the low 64 bits of `low`
    low = point - (point - lower) % (1 << 64)
    high = low + span
    if low == 0:
        return b""
    # a multiple of 2^z lies in [low, high) if and only if (low - 1) >> z and (high - 1) >> z differ
    zeros = ((low - 1) ^ (high - 1)).bit_length() - 1
    zeros -= zeros % 8
    best = -(-low >> zeros) << zeros
    return bytes(best.to_bytes(num_bytes, "big").rstrip(b"\0"))


def range_decoder(data: bytes) -> Any:
    """A decoder of what `shortest_bytes` returned."""
    padded = data + bytes(-len(data) % 4)
    return constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))


@contextmanager
def decoding() -> Iterator[None]:
    """Raise CorruptStreamError where constriction finds words that no encoder writes.

    constriction reports them with AssertionError, so that is what has to be caught here.
    """
    try:
        yield
    except AssertionError as error:
        raise CorruptStreamError(
            f"a packet holds bytes that no encoder writes ({error}); get the file again"
        ) from error
