"""Which frames each GOP covers: one rule in integers, for encoder and decoder.

All GOPs have the usual length but the last ones. A last GOP that would bring less than half of the
usual number of new frames costs more than it shows, so the GOP before it takes these frames in. If
that makes it longer than the model takes, its frames are divided between two GOPs instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class GopPlan:
    """The GOPs of a video.

    Args:
        num_frames: F, of the video.
        gop_length, overlap: l and m, in frames; GOPs usually follow each other after l - m.
        last_advance: frames by which the last GOP follows the one before it, if its frames are
            divided; 0 if they are not.
    """

    num_frames: int
    gop_length: int
    overlap: int
    last_advance: int = 0

    @property
    def usual_advance(self) -> int:
        """l - m: new frames of a usual GOP."""
        return self.gop_length - self.overlap

    @property
    def rest(self) -> int:
        """Frames that are left if as many usual GOPs as fit cover the first ones."""
        return max(self.num_frames - self.gop_length, 0) % self.usual_advance

    @property
    def has_short_rest(self) -> bool:
        """Whether a GOP of its own for the rest would bring too few frames."""
        return 0 < 2 * self.rest < self.usual_advance

    @property
    def num_gops(self) -> int:
        """K."""
        after_first = max(self.num_frames - self.gop_length, 0)
        usual = 1 + after_first // self.usual_advance
        takes_rest = not self.rest or (self.has_short_rest and not self.last_advance)
        return usual if takes_rest else usual + 1

    @property
    def longest(self) -> int:
        """Frames of the longest GOP."""
        return max(len(self.frames(0)), len(self.frames(self.num_gops - 1)))

    @property
    def num_coded(self) -> int:
        """Frames of all GOPs together, those of an overlap in both; l K of the paper's eq. 18."""
        return self.num_frames + (self.num_gops - 1) * self.overlap

    def first_frame(self, gop: int) -> int:
        """The first frame that a GOP covers."""
        if self.last_advance and gop == self.num_gops - 1:
            return (gop - 1) * self.usual_advance + self.last_advance
        return gop * self.usual_advance

    def advance(self, gop: int) -> int:
        """Frames from the first one of a GOP to that of the next; in the last GOP, all of them."""
        is_last = gop == self.num_gops - 1
        end = self.num_frames if is_last else self.first_frame(gop + 1)
        return end - self.first_frame(gop)

    def frames(self, gop: int) -> range:
        """The frames that a GOP covers."""
        first, is_last = self.first_frame(gop), gop == self.num_gops - 1
        return range(first, first + self.advance(gop) + (0 if is_last else self.overlap))


def plan_gops(
    num_frames: int, gop_length: int, overlap: int, *, longest: int | None = None, stride: int = 1
) -> GopPlan:
    """The GOPs that an encoder makes of a video.

    Args:
        num_frames: of the video, or of all of it that is left.
        gop_length, overlap: as for `GopPlan`.
        longest: frames that the model takes in one GOP, at least `gop_length`; None for no limit.
        stride: frames of a latent; a GOP follows the one before after a multiple of it.
    """
    plan = GopPlan(num_frames, gop_length, overlap)
    if longest is None or plan.longest <= max(longest, gop_length):
        return plan
    new_frames = plan.longest - overlap
    advance = (new_frames + stride) // (2 * stride) * stride
    # a GOP that is hardly longer than its overlap cannot be divided
    divides = max(overlap, 1) <= advance < plan.usual_advance
    return replace(plan, last_advance=advance) if divides else plan
