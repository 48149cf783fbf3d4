"""How much memory and work a stream may ask for, in proportion to its bytes.

A header of 50 bytes can describe hours of video. The model can imagine all of it, so nothing in the
format forbids it, but a decoder of untrusted files should not begin. `docs/format.md` states these
limits under "What a decoder should refuse", with the time and memory they stand for. They lie
above the streams of the paper's rates: 0.002 bits per pixel are 4,000 pixels a byte.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from freegvc._bitstream.checksum import CRC_BYTES
from freegvc._warn import warn
from freegvc.errors import LargeStreamError, LargeStreamWarning

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo, GopInfo
    from freegvc.priors.tiles import TileGrid

# of one GOP, which is held in memory: 78 frames of 416x240, and 0.0005 bits per pixel
FREE_GOP_PIXELS, GOP_PIXELS_PER_BYTE = 1 << 23, 1 << 14
# of a video that is decoded into memory as a whole
FREE_VIDEO_PIXELS, VIDEO_PIXELS_PER_BYTE = 1 << 26, 1 << 14
# pixels that the model sees, summed over its calls: 8 calls for 48 frames of 416x240, and 131 calls
# at 0.002 bits per pixel
FREE_WORK, WORK_PER_BYTE = 5 << 23, 1 << 19
# turning the latent into frames takes freegvc-small as long as 4 calls
DECODING_CALLS = 4
LEAST_PIXELS = 1 << 17  # of a GOP or tile in that sum, since no call of a model is free
FRAMES_PADDED_TO, SIDES_PADDED_TO = 4, 32  # the most that a model asks for
MAX_ASPECT = 4  # beyond it the shorter side counts as longer: transforms cost the square of a side


def check_limits(
    stream: CompressedVideo, *, in_memory: bool = False, frames: range | None = None
) -> None:
    """Refuse a stream that asks for far more than its bytes explain.

    Only the payloads of packets count as bytes here. A pixel counts 1 in each call of the model.

    Args:
        stream: as read.
        in_memory: the whole video will be held in memory, or all of `frames`.
        frames: which ones will be decoded; None for all.

    Raises:
        LargeStreamError: names the value, the limit, and how to decode nevertheless.
        StreamError: a packet is damaged.
    """
    header = stream.header
    num_bytes = _payload_bytes(stream)
    size = f"{header.width}x{header.height}"
    longest = header.plan.longest
    _check(
        f"GOPs of {longest} frames of {size} have",
        _pixels(longest, header.height, header.width),
        FREE_GOP_PIXELS + GOP_PIXELS_PER_BYTE * num_bytes,
        "pixels",
        num_bytes,
    )
    if in_memory:
        num_frames = header.num_frames if frames is None else len(frames)
        _check(
            f"a video of {num_frames} frames of {size} has",
            header.height * header.width * num_frames,
            FREE_VIDEO_PIXELS + VIDEO_PIXELS_PER_BYTE * num_bytes,
            "pixels",
            num_bytes,
            " (or take decode_frames or the command line, which hold one GOP in memory)",
        )
    _check_work(stream, 1, header.height, header.width, frames)


def check_tiles(
    stream: CompressedVideo, grid: TileGrid, spatial_stride: int, frames: range | None = None
) -> None:
    """Refuse tiles that are too small or overlap too much for the bytes of the stream.

    Args:
        stream: `check_limits` has passed it, which knows nothing of tiles.
        grid: the tiles of a frame's latent.
        spatial_stride: pixels per latent sample in height and width.
        frames: as for `check_limits`.

    Raises:
        LargeStreamError: as for `check_limits`.
    """
    height, width = grid.tile_height * spatial_stride, grid.tile_width * spatial_stride
    _check_work(stream, len(grid.corners), height, width, frames)


@contextmanager
def refusal_as_warning() -> Iterator[None]:
    """Say of a stream that is written what a decoder would say of it later."""
    try:
        yield
    except LargeStreamError as error:
        warn(
            f"decoders refuse this stream by default, as they would a hostile one: {error}",
            LargeStreamWarning,
        )


_ADVICE = "if you trust the file, decode it with --allow-large (allow_large=True)"


def _check_work(
    stream: CompressedVideo, num_tiles: int, height: int, width: int, frames: range | None
) -> None:
    """Refuse more work than the bytes justify; the tiles of a frame have this size in pixels."""
    header = stream.header
    num_bytes = _payload_bytes(stream)

    most = FREE_WORK + WORK_PER_BYTE * num_bytes
    tiles = f", {num_tiles} tiles a frame," if num_tiles > 1 else ""
    size = f"{header.width}x{header.height}"
    work = 0
    for gop in _gops_needed(stream, frames):
        pixels = max(_pixels(gop.num_frames, height, width), LEAST_PIXELS)
        calls = gop.num_steps + header.silent_calls(gop.stop_step) + DECODING_CALLS
        work += calls * num_tiles * pixels
        what = f"{gop.index + 1} of {header.num_gops} GOPs of {size}{tiles} with {calls} calls need"
        _check(what, work, most, "pixels in all calls of the model", num_bytes)


def _gops_needed(stream: CompressedVideo, frames: range | None) -> Iterable[GopInfo]:
    """The GOPs whose walks decoding some frames replays, or a few more; all for None.

    Some models decode a GOP together with its neighbours. The header does not say which.
    """
    if frames is None:
        return stream.gops
    header = stream.header
    every = range(header.num_gops)
    first = bisect_right(every, frames.start, key=lambda gop: header.gop_frames(gop).stop - 1)
    stop = bisect_left(every, frames.stop, key=header.plan.first_frame)
    needed = range(0 if header.chain else max(first - 1, 0), min(stop + 1, header.num_gops))
    return map(stream.gop, needed)


def _payload_bytes(stream: CompressedVideo) -> int:
    return sum(map(len, stream.stream.packets)) - CRC_BYTES * stream.header.num_gops


def _pixels(num_frames: int, height: int, width: int) -> int:
    """Pixels of so many frames as the model sees them."""
    long, short = max(height, width), min(height, width)
    short = max(short, -(-long // MAX_ASPECT))
    return (
        _padded(num_frames, FRAMES_PADDED_TO)
        * _padded(long, SIDES_PADDED_TO)
        * _padded(short, SIDES_PADDED_TO)
    )


def _padded(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _check(what: str, value: int, limit: int, unit: str, num_bytes: int, advice: str = "") -> None:
    if value > limit:
        raise LargeStreamError(
            f"{what} {value} {unit}, but {num_bytes} bytes of payload justify at most {limit}: "
            f"{_ADVICE}{advice}"
        )
