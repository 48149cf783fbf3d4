"""Whether a .yuv or .y4m file is whole, from its size and header alone."""

from __future__ import annotations

from pathlib import Path

_LONGEST_HEADER = 1024


class DatasetError(Exception):
    """A dataset or one of its sequences cannot be used; the message says what to do."""


def check_raw_file(path: Path, width: int, height: int, num_frames: int) -> None:
    """Make sure that a file holds at least this many frames of 8-bit 4:2:0, all of them whole.

    Twice as many or more means another size of frames, or two bytes for each sample.

    Raises:
        DatasetError: the file cannot be read, has another number of bytes, or its header states
            another size, chroma or depth.
    """
    frame_bytes, header_bytes = width * height * 3 // 2, 0
    try:
        num_bytes = path.stat().st_size
        if path.suffix.lower() == ".y4m":
            header_bytes = _header_bytes(path, f"{width}x{height}")
            frame_bytes += len(b"FRAME\n")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    found, rest = divmod(num_bytes - header_bytes, frame_bytes)
    if rest or not num_frames <= found < 2 * num_frames:
        raise DatasetError(
            f"{path} has {num_bytes} bytes, which are {found} frames of {width}x{height} in 8-bit "
            f"4:2:0 and {rest} bytes more; it should have {num_frames} frames, "
            f"{header_bytes + num_frames * frame_bytes} bytes: get the file again"
        )


def _header_bytes(path: Path, size: str) -> int:
    """Length of the first line of a .y4m file, after a check of what it states."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEADER)
    words = line.decode("latin-1").split()
    if not line.endswith(b"\n") or words[:1] != ["YUV4MPEG2"]:
        raise DatasetError(f"{path} does not begin as a YUV4MPEG2 file: get the file again")
    tags = {word[0]: word[1:] for word in words[1:]}
    found, chroma = f"{tags.get('W')}x{tags.get('H')}", tags.get("C", "420")
    if found != size or not chroma.startswith("420") or chroma.startswith("420p1"):
        raise DatasetError(
            f"{path} states {found} with chroma {chroma}, not {size} in 8-bit 4:2:0: get the file "
            "again"
        )
    return len(line)
