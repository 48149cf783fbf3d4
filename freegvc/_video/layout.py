"""What the bytes of a file say that FFmpeg does not pass on: where it ends, and its cropping."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

_EBML, _SEGMENT, _TRACKS, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0x1F43B675
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO = 0xAE, 0x83, 0xE0
_CROPS = (0x54CC, 0x54DD, 0x54BB, 0x54AA)  # left, right, top, bottom
_MP4_TYPES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"moof", b"pnot")
_SAMPLE_ENTRY_BYTES = 78  # of a video, before the boxes in it
_MAX_ELEMENTS = 100_000
_MAX_OFFSET = 1 << 62  # of what a size may claim; a file cannot be sought beyond 2^63
_MAX_LINE = 4096
_TS_SYNC, _TS_BYTES = b"G", 188  # a packet of an MPEG transport stream


class Crop(NamedTuple):
    """Columns and rows of a decoded picture that are not to be shown."""

    left: int
    right: int
    top: int
    bottom: int


class Element(NamedTuple):
    """An element of a file that is made of nested ones."""

    kind: int | bytes
    start: int  # of its payload
    end: int  # of its payload, as its head says; the end of its parent where that is open


def missing_bytes(path: Path) -> int:
    """How many bytes the file lacks at its end, as the heads of its outermost parts say.

    MP4 and its relatives, Matroska and WebM, MPEG-TS, AVI, WebP and y4m; 0 for others.

    Args:
        path: of a regular file.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        head = _read(file, 0, 12)
        if head[:4] == _EBML.to_bytes(4, "big"):
            elements = _ebml(file, 0, size)
        elif head[4:8] in _MP4_TYPES:
            elements = _boxes(file, 0, size)
        elif head[:1] == _TS_SYNC == _read(file, _TS_BYTES, 1):
            return -size % _TS_BYTES
        elif head[:4] == b"YUV4":
            return _missing_of_y4m(file, size)
        elif head[:4] == b"RIFF" and len(head) == 12:
            return max(8 + int(struct.unpack("<I", head[4:8])[0]) - size, 0)
        else:
            return 0
        return max((element.end - size for element in elements), default=0) or 0


def crop_of(path: Path, width: int, height: int) -> Crop | None:
    """How the container of a file wants its first video stream to be cropped.

    Matroska's PixelCrop and MP4's clean aperture; None where there is none, or it leaves nothing.

    Args:
        path: of a regular file.
        width, height: of the decoded pictures.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        head = _read(file, 0, 8)
        if head[:4] == _EBML.to_bytes(4, "big"):
            crop = _matroska_crop(file, size)
        elif head[4:8] in _MP4_TYPES:
            crop = _clean_aperture(file, size, width, height)
        else:
            return None
    if crop is None or not any(crop) or min(crop) < 0:
        return None
    fits = crop.left + crop.right < width and crop.top + crop.bottom < height
    return crop if fits else None


def _missing_of_y4m(file: BinaryIO, size: int) -> int:
    """How many bytes the last frame lacks; 0 if the samples are of an unusual kind."""
    file.seek(0)
    head = file.readline(_MAX_LINE).decode("latin-1")
    begin = file.tell()
    fields = {word[0]: word[1:] for word in head.split()[1:]}
    layout = re.match(r"(420|422|444|mono)", fields.get("C", "420"))
    if layout is None or not re.fullmatch(r"\d+ \d+", f"{fields.get('W')} {fields.get('H')}"):
        return 0
    if file.readline(_MAX_LINE) != b"FRAME\n":  # frames may have parameters of their own
        return 0
    width, height = int(fields["W"]), int(fields["H"])
    columns = width if layout[0] == "444" else -(-width // 2)
    rows = -(-height // 2) if layout[0] == "420" else height
    chroma = 0 if layout[0] == "mono" else 2 * columns * rows
    depth = re.search(r"(?:p|mono)(9|10|12|14|16)$", fields.get("C", ""))
    frame = len(b"FRAME\n") + (width * height + chroma) * (2 if depth else 1)
    return -(size - begin) % frame


def _matroska_crop(file: BinaryIO, size: int) -> Crop | None:
    for segment in _ebml(file, 0, size):
        if segment.kind != _SEGMENT:
            continue
        for part in _ebml(file, segment.start, min(segment.end, size)):
            if part.kind == _CLUSTER:
                return None
            if part.kind != _TRACKS:
                continue
            for track in _ebml(file, part.start, part.end):
                fields = {e.kind: e for e in _ebml(file, track.start, track.end)}
                kind = fields.get(_TRACK_TYPE)
                if track.kind == _TRACK_ENTRY and kind and _number(file, kind) == 1:
                    video = fields.get(_VIDEO)
                    inner = _ebml(file, video.start, video.end) if video else ()
                    values = {e.kind: _number(file, e) for e in inner if e.kind in _CROPS}
                    return Crop(*(values.get(kind, 0) for kind in _CROPS))
    return None


def _clean_aperture(file: BinaryIO, size: int, width: int, height: int) -> Crop | None:
    for track in _inside(file, Element(b"", 0, size), (b"moov", b"trak")):
        handlers = list(_inside(file, track, (b"mdia", b"hdlr")))
        if not handlers or _read(file, handlers[0].start + 8, 4) != b"vide":
            continue
        for table in _inside(file, track, (b"mdia", b"minf", b"stbl", b"stsd")):
            for entry in _boxes(file, table.start + 8, table.end):
                for box in _boxes(file, entry.start + _SAMPLE_ENTRY_BYTES, entry.end):
                    data = _read(file, box.start, 32)
                    if box.kind == b"clap" and len(data) == 32:
                        return _crop_to(data, width, height)
        return None
    return None


def _crop_to(data: bytes, width: int, height: int) -> Crop | None:
    """Width, height and the offset of the centre, each a fraction (ISO/IEC 14496-12, 12.1.4)."""
    values = struct.unpack(">IIIIiIiI", data)
    if 0 in values[1::2]:
        return None
    w, h, x, y = (Fraction(values[i], values[i + 1]) for i in (0, 2, 4, 6))
    left, top = int((width - w) / 2 + x), int((height - h) / 2 + y)
    return Crop(left, width - left - int(w), top, height - top - int(h))


def _inside(file: BinaryIO, outer: Element, names: tuple[bytes, ...]) -> Iterator[Element]:
    for box in _boxes(file, outer.start, outer.end):
        if box.kind == names[0]:
            if len(names) == 1:
                yield box
            else:
                yield from _inside(file, box, names[1:])


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Element]:
    """The boxes of an MP4 file between two offsets; the last may end later."""
    for _ in range(_MAX_ELEMENTS):
        head = _read(file, start, 16) if start + 8 <= end else b""
        if len(head) < 8:
            return
        length, payload = struct.unpack(">I", head[:4])[0], 8
        if length == 1 and len(head) == 16:
            length, payload = struct.unpack(">Q", head[8:])[0], 16
        elif length == 0:
            length = end - start
        if length < payload:
            return
        yield Element(head[4:8], start + payload, min(start + length, _MAX_OFFSET))
        start += length


def _ebml(file: BinaryIO, start: int, end: int) -> Iterator[Element]:
    """The elements of a Matroska file between two offsets; the last may end later."""
    for _ in range(_MAX_ELEMENTS):
        head = _read(file, start, 12) if start < end else b""
        kind_bytes = _vint_bytes(head)
        size_bytes = _vint_bytes(head[kind_bytes:])
        if not kind_bytes or not size_bytes:
            return
        kind = int.from_bytes(head[:kind_bytes], "big")
        size = int.from_bytes(head[kind_bytes : kind_bytes + size_bytes], "big")
        size &= (1 << 7 * size_bytes) - 1
        begin = start + kind_bytes + size_bytes
        is_open = size == (1 << 7 * size_bytes) - 1
        stop = max(end, begin) if is_open else begin + size
        yield Element(kind, begin, min(stop, _MAX_OFFSET))
        start = stop


def _vint_bytes(data: bytes) -> int:
    """Bytes of the number of variable length at the start; 0 if it is cut off or invalid."""
    length = 9 - data[0].bit_length() if data else 9
    return length if length <= min(8, len(data)) else 0


def _number(file: BinaryIO, element: Element) -> int:
    return int.from_bytes(_read(file, element.start, min(element.end - element.start, 8)), "big")


def _read(file: BinaryIO, offset: int, count: int) -> bytes:
    file.seek(offset)
    return file.read(count)
