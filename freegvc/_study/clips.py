"""The clips of a page: decoded, and all put through one encoder, so that none is told by its own.

The paper re-encodes the PNG frames of every codec with x265 at CRF 10, at 20 frames per second.
Not every browser decodes H.265, so the page holds what x265's file decodes to, as close VP9.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc._page.clip import PageClip, encode_clip
from freegvc._video import open_video, open_writer
from freegvc.errors import StudyError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

CRF = 10
_POOR_SHRINK, _POOR_HOLD = 8, 4  # a side of a poor picture, and frames that it stays


def study_clip(frames: Iterable[Frame], *, frame_rate: Fraction, is_lossless: bool) -> PageClip:
    """A clip for the page.

    Args:
        frames: uint8 [H, W, 3].
        frame_rate: frames per second, for x265.
        is_lossless: keep every sample of the frames, without x265.

    Raises:
        UsageError: x265 cannot encode frames of this size, or there are none.
    """
    if is_lossless:
        return encode_clip(frames)
    with _through_x265(frames, frame_rate) as decoded:
        return encode_clip(decoded, pixels="close")


@contextmanager
def _through_x265(frames: Iterable[Frame], frame_rate: Fraction) -> Iterator[Iterable[Frame]]:
    """The frames after x265 at CRF 10."""
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        yield ()
        return
    height, width = first.shape[:2]
    with tempfile.TemporaryDirectory(prefix="freegvc-study-") as folder:
        path = Path(folder) / "clip.mkv"
        writing = open_writer(
            path, width=width, height=height, frame_rate=frame_rate, codec="x265", crf=CRF
        )
        with ExitStack() as stack:
            try:
                writer = stack.enter_context(writing)
            except UsageError as error:
                raise UsageError(
                    f"x265 cannot encode {width}x{height} at {float(frame_rate):g} fps: take "
                    "larger videos, or --lossless, which goes without x265"
                ) from error
            for frame in chain((first,), iterator):
                writer.write(frame)
        with open_video(path) as source:
            yield source


def poor(frames: Iterable[Frame]) -> Iterator[Frame]:
    """A version that is far worse in every respect: an eighth of the detail, and it stutters."""
    import cv2
    import numpy as np

    for index, frame in enumerate(frames):
        if index % _POOR_HOLD == 0:
            height, width = frame.shape[:2]
            small = (max(1, width // _POOR_SHRINK), max(1, height // _POOR_SHRINK))
            shrunk = cv2.resize(frame, small, interpolation=cv2.INTER_AREA)
            grown = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)
            shown = grown.astype(np.uint8, copy=False)
        yield shown


def check_like(clip: PageClip, reference: PageClip, path: Path, reference_path: Path) -> None:
    """Refuse a version that cannot play in step with its reference.

    Raises:
        StudyError: its size or number of frames differs.
    """
    found = (clip.width, clip.height, clip.num_frames)
    wanted = (reference.width, reference.height, reference.num_frames)
    if found != wanted:
        raise StudyError(
            f"{path} has {found[0]}x{found[1]} pixels and {found[2]} frames, but its reference "
            f"{reference_path} has {wanted[0]}x{wanted[1]} and {wanted[2]}: make them alike"
        )
