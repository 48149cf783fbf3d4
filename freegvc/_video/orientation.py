"""Pictures as they are to be shown: cropped and upright."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from freegvc._video.frame_source import Frame
from freegvc._video.layout import Crop
from freegvc.errors import UnsupportedVideoError


class Orientation(NamedTuple):
    """What makes a picture upright, in this order."""

    transpose: bool = False
    flip_columns: bool = False
    flip_rows: bool = False


# EXIF tag 0x0112
EXIF_ORIENTATIONS = {
    2: Orientation(flip_columns=True),
    3: Orientation(flip_columns=True, flip_rows=True),
    4: Orientation(flip_rows=True),
    5: Orientation(transpose=True),
    6: Orientation(transpose=True, flip_columns=True),
    7: Orientation(transpose=True, flip_columns=True, flip_rows=True),
    8: Orientation(transpose=True, flip_rows=True),
}
# Counter-clockwise, as FFmpeg counts.
_ROTATIONS = {
    0: Orientation(),
    90: Orientation(transpose=True, flip_rows=True),
    180: Orientation(flip_columns=True, flip_rows=True),
    270: Orientation(transpose=True, flip_columns=True),
}


def orientation_of(frame: Any, path: Path) -> Orientation:
    """What the display matrix of an av.VideoFrame asks for.

    Raises:
        UnsupportedVideoError: a rotation that is not a multiple of 90 degrees.
    """
    try:
        matrix = next((bytes(d) for d in frame.side_data if d.type.name == "DISPLAYMATRIX"), None)
    except (ValueError, KeyError):  # PyAV does not know all kinds of side data, such as EXIF
        matrix = None
        if frame.rotation % 360 in _ROTATIONS:
            return _ROTATIONS[frame.rotation % 360]
    else:
        if matrix is None:
            return Orientation()
    if matrix is not None:
        # Rows (a b u) (c d v) (x y w): a point moves to (a x + c y, b x + d y).
        values = np.frombuffer(matrix, np.int32)
        a, b, c, d = (int(values[i]) for i in (0, 1, 3, 4))
        if b == c == 0 and a and d:
            return Orientation(False, a < 0, d < 0)
        if a == d == 0 and b and c:
            return Orientation(True, c < 0, b < 0)
    raise UnsupportedVideoError(
        f"{path} is rotated by {frame.rotation} degrees for display, which is not a multiple of "
        "90: rotate it first"
    )


def upright(frame: Frame, orientation: Orientation, crop: Crop | None = None) -> Frame:
    """A picture without the columns and rows of `crop`, then turned.

    Args:
        frame: uint8 [height, width, 3] as decoded.
        orientation: what makes it upright.
        crop: in the decoded picture.
    """
    if crop is not None:
        height, width, _ = frame.shape
        frame = frame[crop.top : height - crop.bottom, crop.left : width - crop.right]
    if orientation.transpose:
        frame = frame.swapaxes(0, 1)
    if orientation.flip_columns:
        frame = frame[:, ::-1]
    if orientation.flip_rows:
        frame = frame[::-1]
    return np.ascontiguousarray(frame)
