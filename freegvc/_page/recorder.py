"""Both videos of a comparison, encoded for a page while they are scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc._page.clip import ClipEncoder, PageClip

if TYPE_CHECKING:
    from freegvc._page.clip import Frame

MAX_RECORDED_BYTES = 60_000_000  # of both, exact: they are held in memory


class PairRecorder:
    """Called with each pair of frames, as `on_pair` of `score_frames` is; keeps the first of them.

    Attributes:
        num_frames: that the clips hold.
        num_seen: that were given; more than `num_frames` where the limit was met.
    """

    def __init__(self) -> None:
        self.num_frames = self.num_seen = 0
        self._encoders = (ClipEncoder(), ClipEncoder())

    def __call__(self, index: int, a: Frame, b: Frame) -> None:
        """Take the next pair, uint8 [H, W, 3] each."""
        self.num_seen = index + 1
        num_bytes = sum(encoder.num_bytes for encoder in self._encoders)
        if self.num_frames < index or num_bytes > MAX_RECORDED_BYTES:
            return
        for encoder, frame in zip(self._encoders, (a, b), strict=True):
            encoder.write(frame)
        self.num_frames = index + 1

    def finish(self) -> tuple[PageClip, PageClip]:
        """The clips, of equal length."""
        first, second = self._encoders
        return first.finish(), second.finish()

    @property
    def remark(self) -> str:
        """What the reader must know where frames were left out."""
        if self.num_frames == self.num_seen:
            return ""
        return f"The page has the first {self.num_frames} of {self.num_seen} frames."
