"""How large a page may become, and which of its clips are exact."""

from __future__ import annotations

from collections.abc import Sequence

from freegvc._page.clip import PageClip, Pixels, decode_clip, encode_clip
from freegvc.errors import UsageError

MAX_EXACT_BYTES = 11_000_000  # of all clips; the page then has 15 MB at most
MAX_PAGE_BYTES = 200_000_000  # of all clips; browsers hold a page in memory several times


def fitted(clips: Sequence[PageClip], pixels: Pixels | None) -> list[PageClip]:
    """The clips as a page takes them: all exact, or all close.

    Args:
        clips: exact ones, or, if close ones will do, either.
        pixels: of the page; None for exact clips if they are small, and close ones if not.

    Raises:
        UsageError: the page would be too large.
    """
    if pixels is None:
        pixels = "exact" if sum(clip.num_bytes for clip in clips) <= MAX_EXACT_BYTES else "close"
    if pixels == "close":
        clips = [
            clip if clip.pixels == "close" else encode_clip(decode_clip(clip), pixels="close")
            for clip in clips
        ]
    check_page_bytes(sum(clip.num_bytes for clip in clips), clips[0].num_frames, pixels)
    return list(clips)


def check_page_bytes(
    num_bytes: int, num_frames: int, pixels: Pixels, *, are_exact: bool = False
) -> None:
    """Refuse clips that no browser would take.

    Args:
        num_bytes: of all clips.
        num_frames: of each.
        pixels: of the page.
        are_exact: the bytes are those of exact clips, of which close ones take half at most.

    Raises:
        UsageError: they are too large; the message names the limit and what to do.
    """
    if are_exact and pixels == "close":
        num_bytes //= 2
    if num_bytes > MAX_PAGE_BYTES:
        fit = num_frames * MAX_PAGE_BYTES // num_bytes
        raise UsageError(
            f"{num_frames} frames take {num_bytes / 1e6:.0f} MB in a page, but at most "
            f"{MAX_PAGE_BYTES / 1e6:.0f} MB can be opened: take about {fit} of them with --frames"
            + (", or --pixels close" if pixels == "exact" else "")
        )
