"""Bare streams that lack a container: their size is in their name, and VP9's packets are counted.

A container would hold this size. It is the same for all codecs, so no file's bytes include it. A
packet of VP9 does not state where it ends, so each follows its length as unsigned LEB128, as in
AV1: one or two bytes for each frame, where IVF takes 12, which at 0.002 bits per pixel is a
third of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.codecs.base import Frames


def sized_path(folder: Path, setting: str, frames: Frames, suffix: str) -> Path:
    """A file for frames, uint8 [T, H, W, 3], such as crf40_416x240.hevc."""
    _, height, width, _ = frames.shape
    return folder / f"{setting.replace(' ', '')}_{width}x{height}{suffix}"


def size_in_name(path: Path) -> tuple[int, int]:
    """Height and width.

    Raises:
        ValueError: the name was not made by `sized_path`.
    """
    match = re.search(r"_(\d+)x(\d+)$", path.stem)
    if match is None:
        raise ValueError(f"{path.name} does not end in a size such as _416x240: name it as before")
    return int(match[2]), int(match[1])


def join_packets(packets: Iterable[bytes]) -> bytes:
    """All packets in one byte string, each after its length."""
    return b"".join(_leb128(len(packet)) + packet for packet in packets)


def split_packets(data: bytes) -> Iterator[bytes]:
    """The packets of `join_packets`.

    Raises:
        ValueError: the data end within a packet or a length.
    """
    start = length = shift = 0
    while start < len(data):
        byte, start = data[start], start + 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if start + length > len(data):
                raise ValueError(f"{len(data)} bytes end within a packet of {length} bytes")
            yield data[start : start + length]
            start, length, shift = start + length, 0, 0
    if shift:
        raise ValueError(f"{len(data)} bytes end within the length of a packet")


def _leb128(number: int) -> bytes:
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + _leb128(high) if high else bytes([low])
