"""The byte-level fields of the head and the sections: bytes, varints, ratios, zlib streams."""

from __future__ import annotations

import zlib
from fractions import Fraction

from freegvc.errors import CorruptStreamError

MAX_VARINT = (1 << 32) - 1


def encode_varint(value: int) -> bytes:
    """LEB128: seven bits per byte, low bits first; the high bit is set if more bytes follow."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_bytes(value: int) -> int:
    """Bytes of `encode_varint`."""
    return max(-(-value.bit_length() // 7), 1)


class FieldReader:
    """Reads fields one after the other; a field beyond the end is an error.

    Args:
        data: all bytes of the fields.
        what: names the bytes in messages.

    Attributes:
        position: bytes read so far.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self.position = 0

    @property
    def remaining(self) -> int:
        """Bytes that have not been read."""
        return len(self._data) - self.position

    def raw(self, count: int, name: str) -> bytes:
        """The next `count` bytes."""
        if count > self.remaining:
            raise CorruptStreamError(
                f"{self._what}: {name} needs {count} bytes, but only {self.remaining} are left; "
                "get the file again"
            )
        self.position += count
        return self._data[self.position - count : self.position]

    def u8(self, name: str) -> int:
        """One byte."""
        return self.raw(1, name)[0]

    def varint(self, name: str, low: int = 0, high: int = MAX_VARINT) -> int:
        """A varint in low..high, in its shortest form."""
        limit = high.bit_length()
        value = shift = 0
        while True:
            byte = self.u8(name)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift >= max(limit, 1):  # the next byte could only be zero or exceed the limit
                raise CorruptStreamError(
                    f"{self._what}: {name} has too many bytes for its limit {high}; "
                    "get the file again"
                )
        if byte == 0 and shift:
            raise CorruptStreamError(
                f"{self._what}: {name} = {value} is not written in its shortest form; "
                "get the file again"
            )
        if not low <= value <= high:
            raise CorruptStreamError(
                f"{self._what}: {name} is {value}; it must be in {low}..{high}; get the file again"
            )
        return value

    def ratio(self, name: str) -> Fraction:
        """Two varints >= 1 in lowest terms."""
        numerator = self.varint(f"{name} numerator", 1)
        denominator = self.varint(f"{name} denominator", 1)
        value = Fraction(numerator, denominator)
        if value.denominator != denominator:
            raise CorruptStreamError(
                f"{self._what}: {name} {numerator}/{denominator} is not in lowest terms; "
                "get the file again"
            )
        return value

    def done(self) -> None:
        """Check that all bytes have been read."""
        if self.remaining:
            raise CorruptStreamError(
                f"{self._what}: {self.remaining} bytes are left over after the last field; "
                "get the file again"
            )


def encode_ratio(value: Fraction) -> bytes:
    """The inverse of `FieldReader.ratio`."""
    return encode_varint(value.numerator) + encode_varint(value.denominator)


def inflate(data: bytes, limit: int, what: str) -> bytes:
    """Decompress one zlib stream; at most `limit` + 1 bytes of it are held in memory.

    Args:
        data: the zlib stream and nothing else.
        limit: most bytes that it may decompress to.
        what: names the bytes in messages.

    Raises:
        CorruptStreamError: not a zlib stream, cut off, followed by anything, or too long.
    """
    inflater = zlib.decompressobj()
    try:
        # one byte more than allowed, so that a stream which is too long does not look complete
        raw = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        raise CorruptStreamError(f"{what}: not a zlib stream ({error})") from error
    if not inflater.eof or inflater.unused_data or len(raw) > limit:
        raise CorruptStreamError(
            f"{what}: the zlib stream does not end with the section, or holds more than the limit "
            f"of {limit} bytes; get the file again"
        )
    return raw
