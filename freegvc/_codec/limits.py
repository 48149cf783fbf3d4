"""How much memory and work a stream may ask for, in proportion to its bytes.

A header of 50 bytes can describe hours of video. The model can imagine all of it, so nothing in the
format forbids it, but a decoder of untrusted files should not begin. `docs/format.md` states these
limits under "What a decoder should refuse". They lie far above the streams of the paper's rates:
0.002 bits per pixel are 4,000 pixels a byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc._bitstream.checksum import CRC_BYTES
from freegvc.errors import LargeStreamError

if TYPE_CHECKING:
    from freegvc._bitstream import Header
    from freegvc._codec.compressed import CompressedVideo

# of one GOP, which is held in memory: 64 frames of 1080p, and 0.00012 bits per pixel
FREE_GOP_PIXELS, GOP_PIXELS_PER_BYTE = 1 << 27, 1 << 16
# of a video that is decoded into memory as a whole
FREE_VIDEO_PIXELS, VIDEO_PIXELS_PER_BYTE = 1 << 29, 1 << 18
# pixels that the model sees, summed over all its calls: 128 calls for that GOP
FREE_WORK, WORK_PER_BYTE = 1 << 34, 1 << 22
LEAST_PIXELS = 1 << 18  # of a GOP in that sum, since no call of a model is free: 64 times 64x64
PADDED_TO = 32  # pixels of a side, the most that a model asks for
# tiles that overlap by all but one sample multiply the work by thousands
MAX_TILE_REDUNDANCY = 16


def check_limits(stream: CompressedVideo, *, in_memory: bool = False) -> None:
    """Refuse a stream that asks for far more than its bytes explain.

    Only the payloads of packets count as bytes here. A pixel counts 1 in each call of the model.

    Args:
        stream: as read.
        in_memory: the whole video will be held in memory.

    Raises:
        LargeStreamError: names the value, the limit, and how to decode nevertheless.
        StreamError: a packet is damaged.
    """
    header = stream.header
    num_bytes = sum(map(len, stream.stream.packets)) - CRC_BYTES * header.num_gops
    frame = _frame_pixels(header)
    size = f"{header.width}x{header.height}"
    longest = header.plan.longest
    _check(
        f"GOPs of {longest} frames of {size} have",
        frame * longest,
        FREE_GOP_PIXELS + GOP_PIXELS_PER_BYTE * num_bytes,
        "pixels",
        num_bytes,
    )
    if in_memory:
        _check(
            f"a video of {header.num_frames} frames of {size} has",
            frame * header.num_frames,
            FREE_VIDEO_PIXELS + VIDEO_PIXELS_PER_BYTE * num_bytes,
            "pixels",
            num_bytes,
            " (or take decode_frames or the command line, which hold one GOP in memory)",
        )
    most = FREE_WORK + WORK_PER_BYTE * num_bytes
    work = 0
    for gop in range(header.num_gops):
        steps = stream.packet(gop).steps
        stop_step = steps[-1].timestep if steps else header.start_timestep
        calls = len(steps) + header.silent_calls(stop_step)
        work += calls * _gop_pixels(header, gop)
        what = f"{gop + 1} of {header.num_gops} GOPs of {size}, the last with {calls} calls, need"
        _check(what, work, most, "pixels in all calls of the model", num_bytes)


def check_tile_redundancy(tile: tuple[int, int, int], tile_samples: int, samples: int) -> None:
    """Refuse tiles that make the model see every latent sample many times.

    Args:
        tile: height, width and overlap of the tiles.
        tile_samples: of all tiles of a frame.
        samples: of a frame's latent.

    Raises:
        LargeStreamError: the tiles have too many samples in all.
    """
    if tile_samples > MAX_TILE_REDUNDANCY * samples:
        height, width, overlap = tile
        raise LargeStreamError(
            f"tiles of {height}x{width} latents with {overlap} of overlap have {tile_samples} "
            f"samples for a frame of {samples}; the limit is {MAX_TILE_REDUNDANCY} times as many: "
            f"{_ADVICE}"
        )


_ADVICE = "if you trust the file, decode it with --allow-large (allow_large=True)"


def _gop_pixels(header: Header, gop: int) -> int:
    return max(len(header.gop_frames(gop)) * _frame_pixels(header), LEAST_PIXELS)


def _frame_pixels(header: Header) -> int:
    """Pixels of a frame as the model sees it."""
    height, width = (-(-side // PADDED_TO) * PADDED_TO for side in (header.height, header.width))
    return height * width


def _check(what: str, value: int, limit: int, unit: str, num_bytes: int, advice: str = "") -> None:
    if value > limit:
        raise LargeStreamError(
            f"{what} {value} {unit}, but {num_bytes} bytes of payload justify at most {limit}: "
            f"{_ADVICE}{advice}"
        )
