"""score: a video or a stream against its original."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.cli.pages import facts
from freegvc.cli.parser import add_raw_video_options
from freegvc.cli.paths import file_bytes

if TYPE_CHECKING:
    from freegvc.cli.scoring import Frame, Scores
    from freegvc.codec import CompressedVideo


def declare_score(parser: argparse.ArgumentParser) -> None:
    """Two files, and how to print."""
    parser.add_argument("reference", type=Path, help="the original: any video that compress takes")
    parser.add_argument("distorted", type=Path, help="any video, or a .fgvc file, which is decoded")
    parser.add_argument("--json", action="store_true", help="with the scores of each frame")
    add_raw_video_options(parser, "a video")
    parser.set_defaults(run=_score)


def _score(arguments: argparse.Namespace) -> int:
    from freegvc.cli.scoring import score_frames
    from freegvc.video import open_video

    reference, distorted = arguments.reference, arguments.distorted
    options = {name: getattr(arguments, name) for name in ("size", "fps", "pix_fmt")}
    # options for neither go to the reference, whose reader says that they do not fit
    are_raw = [path.suffix.lower() == ".yuv" for path in (reference, distorted)]
    first = options if are_raw[0] or not are_raw[1] else {}
    with (
        open_video(reference, **first) as references,
        _open_distorted(distorted, options if are_raw[1] else {}) as (frames, compressed),
    ):
        scores = score_frames(references, frames)
    num_bytes, audio_bytes = file_bytes(distorted), None
    bpp = 8.0 * num_bytes / scores.num_pixels
    if compressed is not None:
        bpp, audio_bytes = compressed.bpp, compressed.audio_bytes
    if arguments.json:
        print(json.dumps(_document(scores, num_bytes, audio_bytes, bpp), indent=2, allow_nan=False))
    else:
        print(_page(arguments, scores, num_bytes, audio_bytes, bpp))
    return 0


@contextmanager
def _open_distorted(
    path: Path, options: dict[str, Any]
) -> Iterator[tuple[Iterator[Frame], CompressedVideo | None]]:
    """Frames of a video or of a stream, and the stream."""
    if path.suffix.lower() == ".fgvc":
        from freegvc.cli.progress import show_progress
        from freegvc.codec import CompressedVideo, decode_frames

        compressed = CompressedVideo.open(path)
        with show_progress("score", None) as on_event:
            yield decode_frames(compressed, on_event=on_event), compressed
    else:
        from freegvc.video import open_video

        with open_video(path, **options) as source:
            yield iter(source), None


def _document(
    scores: Scores, num_bytes: int, audio_bytes: int | None, bpp: float
) -> dict[str, object]:
    return {
        "width": scores.width,
        "height": scores.height,
        "num_frames": scores.num_frames,
        "num_bytes": num_bytes,
        "audio_bytes": audio_bytes,
        "bpp": bpp,
        **{
            name: {"mean": scores.mean(name), "min": scores.worst(name), "per_frame": values}
            for name, values in scores.per_frame.items()
        },
    }


def _page(
    arguments: argparse.Namespace,
    scores: Scores,
    num_bytes: int,
    audio_bytes: int | None,
    bpp: float,
) -> str:
    what = "sound, if any, counted"
    if audio_bytes is not None:
        what = f"audio ({audio_bytes} bytes) aside" if audio_bytes else "no audio"
    return facts(
        [
            ("reference", str(arguments.reference)),
            ("distorted", str(arguments.distorted)),
            ("frames", f"{scores.num_frames}, {scores.width}x{scores.height}"),
            ("bytes", str(num_bytes)),
            ("rate", f"{bpp:.5g} bpp, {what}"),
            ("PSNR", scores.describe("psnr")),
            ("MS-SSIM", scores.describe("ms_ssim")),
        ]
    )
