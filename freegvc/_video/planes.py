"""Planes of decoded frames, in the sample format of the decoder."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from freegvc._video.colour import Plane
from freegvc.errors import UnsupportedVideoError

_PLANAR_YUV = re.compile(r"yuva?j?(420|422|440|444)p(10le)?")
_GREY = ("gray", "gray10le")
_PLANAR_RGB = re.compile(r"gbra?p(10le)?")
_INTERLEAVED_CHROMA = ("nv12", "p010le")
# Formats without a matrix that do not call themselves RGB.
_PALETTES = ("pal8", "monob", "monow")


def is_rgb(pixel_format: Any) -> bool:
    """Whether frames of this av.VideoFormat hold RGB, so that no matrix applies."""
    return bool(pixel_format.is_rgb) or pixel_format.name in _PALETTES


def is_grey(pixel_format: Any) -> bool:
    """Whether frames of this av.VideoFormat hold luma alone, so that no matrix applies."""
    return str(pixel_format.name).startswith(("gray", "ya"))


def native_planes(frame: Any, name: str) -> tuple[tuple[Plane, ...], int]:
    """Planes of a frame, and their bits per sample.

    Planar Y'CbCr, grey, planar RGB, nv12 and p010 are used as they are. FFmpeg first converts all
    other formats into the nearest of these, at 4:4:4 and with the same matrix and range. Alpha is
    dropped.

    Args:
        frame: av.VideoFrame of H x W pixels.
        name: of the video in messages.

    Returns:
        (Y,), (Y, Cb, Cr) or (G, B, R), unsigned integers [rows, columns], and 8 or 10. The planes
        may point into the frame.

    Raises:
        UnsupportedVideoError: samples have neither 8 nor 10 bits; palettes and bitmaps count as 8.
    """
    pixel_format = frame.format
    label = pixel_format.name
    bits = max(component.bits for component in pixel_format.components)
    if label in _PALETTES or bits < 8:
        bits = 8
    if bits not in (8, 10):
        raise UnsupportedVideoError(
            f"{name} has {bits} bits per sample ({label}): only 8 and 10 are supported; convert "
            "it first, for example with ffmpeg -pix_fmt yuv420p10le"
        )
    dtype = "<u2" if bits == 10 else "u1"
    if _PLANAR_YUV.fullmatch(label) or _PLANAR_RGB.fullmatch(label):
        return tuple(_plane(frame.planes[i], dtype) for i in range(3)), bits
    if label in _GREY:
        return (_plane(frame.planes[0], dtype),), bits
    if label in _INTERLEAVED_CHROMA:
        luma, pairs = _plane(frame.planes[0], dtype), _plane(frame.planes[1], dtype, 2)
        planes = (luma, pairs[:, 0::2], pairs[:, 1::2])
        # p010 keeps its ten bits at the top of the word.
        return (planes if bits == 8 else tuple(plane >> 6 for plane in planes)), bits
    if is_grey(pixel_format):
        target = "gray" if bits == 8 else "gray10le"
    elif is_rgb(pixel_format):
        target = "gbrp" if bits == 8 else "gbrp10le"
    else:
        target = "yuv444p" if bits == 8 else "yuv444p10le"
    same = {f"{side}_{tag}": getattr(frame, tag) for side in ("src", "dst") for tag in _TAGS}
    return native_planes(frame.reformat(format=target, **same), name)


_TAGS = ("colorspace", "color_range")


def _plane(plane: Any, dtype: str, samples_per_pixel: int = 1) -> npt.NDArray[np.integer[Any]]:
    """One plane without the padding at the end of its lines."""
    lines = np.frombuffer(plane, np.dtype(dtype)).reshape(plane.height, -1)
    return lines[:, : plane.width * samples_per_pixel]
