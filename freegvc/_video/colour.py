"""Colour: the meaning of a video's tags, and Y'CbCr <-> R'G'B' in our own arithmetic.

Code points are those of ITU-T H.273. The arithmetic is plain float32 NumPy, element by element,
so the same planes give the same RGB on every machine and with every version of FFmpeg.

Chroma samples are sited as MPEG-2 and H.264 do by default: horizontally on the even luma columns,
vertically half-way between two luma rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from freegvc._warn import warn
from freegvc.errors import ColourWarning, UnsupportedVideoError, VideoReadError

# Kr and Kb of the matrices that are linear in R'G'B' (H.273, table 4).
_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
_IDENTITY = 0
UNSPECIFIED = 2
WRITABLE_MATRICES = tuple(_LUMA_WEIGHTS)
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
_STRIP_ROWS = 32  # even; a strip of this many rows stays in the cache, which is twice as fast

Plane = npt.NDArray[np.integer[Any]]
_Float = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Colour:
    """The colour of a video's samples, in H.273 code points.

    Attributes:
        matrix: 0 identity (RGB), 1 BT.709, 4 FCC, 5 and 6 BT.601, 7 SMPTE 240M, 9 BT.2020.
        primaries, transfer: carried along as tags, never converted.
        full_range: luma uses 0..255 (in 8 bits) instead of 16..235.
    """

    matrix: int
    primaries: int
    transfer: int
    full_range: bool


BT709 = Colour(1, 1, 1, False)


def resolve(
    matrix: int,
    primaries: int,
    transfer: int,
    full_range: bool | None,
    *,
    name: str = "the video",
) -> Colour:
    """Turn the tags of a video, any of which may be unspecified, into a Colour.

    Unspecified tags become BT.709, limited range. BT.709 for an unspecified matrix is a guess that
    can be wrong, so there is a ColourWarning.

    Args:
        matrix, primaries, transfer: H.273 code points; 2 is unspecified.
        full_range: None if unspecified.
        name: of the video in messages.

    Raises:
        UnsupportedVideoError: PQ or HLG transfer, or an unknown matrix.
    """
    if transfer in _HIGH_DYNAMIC_RANGE:
        raise UnsupportedVideoError(
            f"{name} has {_HIGH_DYNAMIC_RANGE[transfer]} transfer (H.273 code {transfer}): only "
            "standard dynamic range is supported; convert to SDR first, for example with ffmpeg's "
            "zscale and tonemap filters"
        )
    if matrix == UNSPECIFIED:
        warn(
            f"{name} does not state its colour matrix: BT.709 is assumed; if colours look wrong, "
            'say which one it has, for example --matrix bt601 (matrix="bt601")',
            ColourWarning,
        )
        matrix = BT709.matrix
    if matrix != _IDENTITY and matrix not in _LUMA_WEIGHTS:
        known = ", ".join(map(str, [_IDENTITY, *_LUMA_WEIGHTS]))
        raise UnsupportedVideoError(
            f"{name} has colour matrix {matrix} (H.273), but only {known} are supported: convert "
            "it to BT.709 first"
        )
    return Colour(
        matrix,
        BT709.primaries if primaries in (0, UNSPECIFIED) else primaries,
        BT709.transfer if transfer in (0, UNSPECIFIED) else transfer,
        bool(full_range),
    )


def yuv_to_rgb(planes: tuple[Plane, ...], bit_depth: int, colour: Colour) -> npt.NDArray[np.uint8]:
    """Convert planes to full-range RGB; chroma is interpolated linearly.

    Args:
        planes: (Y,) for grey, or (Y, Cb, Cr), integers below 2**bit_depth. Y is [H, W]; chroma is
            [H or ceil(H/2), W or ceil(W/2)]. With matrix 0 the planes are (G, B, R).
        bit_depth: 8 or 10.
        colour: of the planes.

    Returns:
        uint8 [H, W, 3].

    Raises:
        UnsupportedVideoError: another bit depth.
        VideoReadError: the shapes of the planes do not fit each other.
    """
    _check_depth(bit_depth)
    y = planes[0]
    H, W = y.shape
    y_scale, y_offset, c_scale, c_offset = _levels(bit_depth, colour.full_range)
    if len(planes) == 1:
        grey = _quantise((y.astype(np.float32) - y_offset) * np.float32(255 / y_scale), 255)
        return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
    if len(planes) != 3 or planes[1].shape != planes[2].shape:
        raise VideoReadError(
            f"planes of shapes {[p.shape for p in planes]}: there must be Y alone, or Y and two "
            "chroma planes of one shape"
        )
    sub_y = _subsampling(H, planes[1].shape[0])
    sub_x = _subsampling(W, planes[1].shape[1])
    rgb = np.empty((H, W, 3), np.uint8)
    if colour.matrix == _IDENTITY:
        if (sub_y, sub_x) != (1, 1):
            raise VideoReadError("RGB planes (matrix 0) differ in size: they must be 4:4:4")
        for plane, channel in zip(planes, (1, 2, 0), strict=True):
            level = (plane.astype(np.float32) - y_offset) * np.float32(255 / y_scale)
            rgb[:, :, channel] = _quantise(level, 255)
        return rgb

    kr, kb = _LUMA_WEIGHTS[colour.matrix]
    kg = 1 - kr - kb
    unit = 255 / c_scale
    red_cr, blue_cb = np.float32(2 * (1 - kr) * unit), np.float32(2 * (1 - kb) * unit)
    green_cb = np.float32(-2 * (1 - kb) * kb / kg * unit)
    green_cr = np.float32(-2 * (1 - kr) * kr / kg * unit)
    for top in range(0, H, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, H)
        luma = (y[top:bottom].astype(np.float32) - y_offset) * np.float32(255 / y_scale)
        cb = _chroma_rows(planes[1], top, bottom, sub_y, c_offset)
        cr = _chroma_rows(planes[2], top, bottom, sub_y, c_offset)
        # The matrix is linear, so it goes before the horizontal interpolation: half the work.
        terms = (cr * red_cr, cb * green_cb + cr * green_cr, cb * blue_cb)
        for channel, term in enumerate(terms):
            for phase in range(sub_x):
                column = luma[:, phase::sub_x]
                here = term if phase == 0 else _between(term)
                rgb[top:bottom, phase::sub_x, channel] = _quantise(
                    column + here[:, : column.shape[1]], 255
                )
    return rgb


def rgb_to_yuv(
    rgb: npt.NDArray[np.uint8],
    colour: Colour,
    subsampling: tuple[int, int] = (2, 2),
    bit_depth: int = 8,
) -> tuple[Plane, Plane, Plane]:
    """Convert full-range RGB to planes.

    Args:
        rgb: uint8 [H, W, 3].
        colour: of the planes.
        subsampling: (horizontal, vertical) chroma factors: (2, 2), (2, 1) or (1, 1). Chroma sizes
            are rounded up; edges are repeated.
        bit_depth: 8 or 10.

    Returns:
        (Y, Cb, Cr), uint8, or uint16 if `bit_depth` is 10; Y is [H, W]. With matrix 0 the planes
        are (G, B, R), and the subsampling must be (1, 1).

    Raises:
        UnsupportedVideoError: another bit depth or subsampling.
    """
    _check_depth(bit_depth)
    sub_x, sub_y = subsampling
    if subsampling not in ((2, 2), (2, 1), (1, 1)) or (
        colour.matrix == _IDENTITY and subsampling != (1, 1)
    ):
        raise UnsupportedVideoError(
            f"chroma subsampling {subsampling} with matrix {colour.matrix}: it must be (2, 2), "
            "(2, 1) or (1, 1), and (1, 1) with matrix 0"
        )
    H, W, _ = rgb.shape
    y_scale, y_offset, c_scale, c_offset = _levels(bit_depth, colour.full_range)
    top_level = 2**bit_depth - 1
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    luma = np.empty((H, W), dtype)
    chroma = [np.empty((-(-H // sub_y), -(-W // sub_x)), dtype) for _ in range(2)]
    if colour.matrix == _IDENTITY:
        for plane, channel in zip((luma, *chroma), (1, 2, 0), strict=True):
            level = rgb[:, :, channel] * np.float32(y_scale / 255) + y_offset
            plane[...] = _quantise(level, top_level)
        return luma, chroma[0], chroma[1]

    kr, kb = _LUMA_WEIGHTS[colour.matrix]
    weights = np.array([kr, 1 - kr - kb, kb], np.float32) / np.float32(255)
    slopes = (np.float32(c_scale / (2 * (1 - kb))), np.float32(c_scale / (2 * (1 - kr))))
    for top in range(0, H, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, H)
        red, green, blue = (rgb[top:bottom, :, i].astype(np.float32) for i in range(3))
        grey = red * weights[0] + green * weights[1] + blue * weights[2]
        luma[top:bottom] = _quantise(grey * np.float32(y_scale) + y_offset, top_level)
        rows = slice(top // sub_y, -(-bottom // sub_y))
        for plane, primary, slope in zip(chroma, (blue, red), slopes, strict=True):
            difference = _shrink(primary * np.float32(1 / 255) - grey, sub_x, sub_y)
            plane[rows] = _quantise(difference * slope + c_offset, top_level)
    return luma, chroma[0], chroma[1]


def _levels(bit_depth: int, full_range: bool) -> tuple[float, np.float32, float, np.float32]:
    """Luma span and offset, chroma span and offset, in code values (H.273, 8.3)."""
    step = 2 ** (bit_depth - 8)
    if full_range:
        span = 2.0**bit_depth - 1
        return span, np.float32(0), span, np.float32(128 * step)
    return 219.0 * step, np.float32(16 * step), 224.0 * step, np.float32(128 * step)


def _check_depth(bit_depth: int) -> None:
    if bit_depth not in (8, 10):
        raise UnsupportedVideoError(
            f"{bit_depth} bits per sample: only 8 and 10 are supported; convert the video first"
        )


def _subsampling(luma_size: int, chroma_size: int) -> int:
    if chroma_size == luma_size:
        return 1
    if chroma_size == -(-luma_size // 2):
        return 2
    raise VideoReadError(
        f"a chroma plane measures {chroma_size} where luma measures {luma_size}: it must have the "
        "same size, or half of it rounded up"
    )


def _quantise(values: _Float, top_level: int) -> _Float:
    """Add a half and clip; the cast to an integer type on storing rounds. Works in place."""
    values += np.float32(0.5)
    return np.clip(values, np.float32(0), np.float32(top_level), out=values)


def _chroma_rows(plane: Plane, top: int, bottom: int, sub_y: int, offset: np.float32) -> _Float:
    """Chroma, centred on zero, at luma rows top..bottom (top is even)."""
    if sub_y == 1:
        return plane[top:bottom].astype(np.float32) - offset
    rows = np.arange(top // 2 - 1, (bottom + 1) // 2 + 1)
    source = plane[rows.clip(0, plane.shape[0] - 1)].astype(np.float32) - offset
    near = source[1:-1] * np.float32(0.75)
    source *= np.float32(0.25)
    result = np.empty((2 * near.shape[0], near.shape[1]), np.float32)
    np.add(near, source[:-2], out=result[0::2])
    np.add(near, source[2:], out=result[1::2])
    return result[: bottom - top]


def _between(values: _Float) -> _Float:
    """Half-way from each column to the next; the last column is repeated."""
    result = values.copy()
    result[:, :-1] += values[:, 1:]
    result[:, :-1] *= np.float32(0.5)
    return result


def _shrink(values: _Float, sub_x: int, sub_y: int) -> _Float:
    """Low-pass and subsample: [1 2 1]/4 on even columns, the mean of each two rows."""
    if sub_y == 2:
        if values.shape[0] % 2:
            values = np.concatenate([values, values[-1:]])
        values = (values[0::2] + values[1::2]) * np.float32(0.5)
    if sub_x == 2:
        even, odd = values[:, 0::2], values[:, 1::2]
        result = even * np.float32(2)
        result[:, : odd.shape[1]] += odd
        result[:, 1:] += odd[:, : result.shape[1] - 1]
        result[:, 0] += even[:, 0]
        if odd.shape[1] < even.shape[1]:
            result[:, -1] += even[:, -1]
        values = result * np.float32(0.25)
    return values
