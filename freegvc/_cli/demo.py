"""demo: compress a scene, decode it in another process, and show the result."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._atomic import atomic_path, check_output
from freegvc._cli.pages import facts
from freegvc._cli.parser import add_force
from freegvc._cli.paths import file_bytes, refuse_standard, say
from freegvc._cli.progress import show_progress
from freegvc.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._video import Video
    from freegvc.metrics.scoring import Frame, Scores

DEFAULT_FOLDER = "freegvc-demo"
TARGET_BPP = 0.02
STREAM, VIDEO, SHEET, ORIGINAL = "demo.fgvc", "demo.mp4", "contact-sheet.png", "original.mp4"


def declare_demo(parser: argparse.ArgumentParser) -> None:
    """An input and an output folder, both optional."""
    parser.add_argument(
        "--input", type=Path, metavar="FILE", help="a whole video (default: a generated scene)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path(DEFAULT_FOLDER),
        help="folder for the results (default: %(default)s)",
    )
    add_force(parser)
    parser.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.out
    refuse_standard(folder, "--out")
    refuse_standard(arguments.input, "--input")
    names = [STREAM, VIDEO, SHEET] + ([] if arguments.input else [ORIGINAL])
    _check_folder(folder, names, force=arguments.force)
    seconds: dict[str, float] = {}
    # all files or none: they are made in a hidden folder and moved together
    with tempfile.TemporaryDirectory(
        prefix=".freegvc-demo.", dir=folder.resolve().parent
    ) as hidden:
        made = Path(hidden)
        source, source_bytes, what = _source(arguments.input, made / ORIGINAL, seconds)
        compressed = _compress(source, made / STREAM, seconds)
        with _timed(seconds, "decompress"):
            code = _decompress_elsewhere(made)
        if code:
            return code
        with _timed(seconds, "score"):
            scores, pairs = _compare(source, made / VIDEO, compressed.header.num_frames)
        _draw(made / SHEET, pairs, compressed, source_bytes, scores)
        folder.mkdir(exist_ok=True)
        with ExitStack() as places:  # the folder may be on another disk, which may be full
            for name in names:
                place = atomic_path(folder / name, overwrite=arguments.force)
                shutil.move(made / name, places.enter_context(place))
    print(_page(folder, compressed, source_bytes, what, scores, seconds))
    return 0


def _check_folder(folder: Path, names: list[str], *, force: bool) -> None:
    """Refuse, before any work, a folder that cannot or must not be written."""
    if not folder.resolve().parent.is_dir():
        raise UsageError(f"{folder.parent} is not a folder, so {folder.name} cannot be made there")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder")
    existing = [name for name in names if (folder / name).exists()]
    if existing and not force:
        raise OutputExistsError(
            f"{folder / existing[0]} exists: choose another folder with --out, or use --force"
        )
    if folder.is_dir():
        for name in names:
            check_output(folder / name, overwrite=force)


def _source(
    path: Path | None, original: Path, seconds: dict[str, float]
) -> tuple[Path | Video, int, str]:
    """The video to compress, its size in bytes, and what these bytes are."""
    if path is not None:
        from freegvc._video import open_video

        open_video(path).close()  # so that an unreadable file is the first error
        say(f"demo: all of {path} at {TARGET_BPP} bpp")
        return path, file_bytes(path), "the file"
    import numpy as np

    from freegvc._cli.scene import FRAME_RATE, render_scene
    from freegvc._video import Video

    with _timed(seconds, "draw the scene"):
        video = Video(np.stack(list(render_scene())), Fraction(FRAME_RATE))
        video.save(original)
    return video, video.frames.size // 2, "raw 8-bit 4:2:0"  # 1.5 of 3 samples a pixel


def _compress(source: Path | Video, path: Path, seconds: dict[str, float]) -> CompressedVideo:
    from freegvc._codec.encoder import compress

    with _timed(seconds, "compress"), show_progress("compress", None) as on_event:
        compressed = compress(source, target_bpp=TARGET_BPP, on_event=on_event)
    compressed.save(path)
    return compressed


def _decompress_elsewhere(folder: Path) -> int:
    """Decode in a new process, which has only the file.

    Returns:
        Its exit code.
    """
    package = Path(__file__).resolve().parents[2]  # the same freegvc as this one
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "freegvc", "decompress", STREAM, VIDEO]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, check=False, cwd=folder, env=environment).returncode


def _compare(
    source: Path | Video, decoded: Path, num_frames: int
) -> tuple[Scores, dict[int, tuple[Frame, Frame]]]:
    """Score the decoded file against the source, and keep a few frames of both."""
    from freegvc._cli.contact_sheet import sheet_indices
    from freegvc._video import open_video
    from freegvc.metrics.scoring import score_frames

    wanted = set(sheet_indices(num_frames))
    pairs: dict[int, tuple[Any, Any]] = {}

    def keep(index: int, reference: Frame, distorted: Frame) -> None:
        if index in wanted:
            pairs[index] = (reference, distorted)

    with open_video(source) as references, open_video(decoded) as frames:
        return score_frames(references, frames, keep), pairs


def _draw(
    path: Path,
    pairs: dict[int, tuple[Frame, Frame]],
    compressed: CompressedVideo,
    source_bytes: int,
    scores: Scores,
) -> None:
    from freegvc._cli.contact_sheet import save_contact_sheet

    header = compressed.header
    save_contact_sheet(
        path,
        pairs,
        title=f"freegvc  ·  {header.width}x{header.height}, {header.num_frames} frames  ·  "
        f"prior {header.prior}",
        captions=(
            f"original, {source_bytes:,} bytes",
            f"decoded from {compressed.num_bytes:,} bytes, {compressed.bpp:.4f} bpp, "
            f"{scores.mean('psnr'):.1f} dB",
        ),
    )


def _page(
    folder: Path,
    compressed: CompressedVideo,
    source_bytes: int,
    what: str,
    scores: Scores,
    seconds: dict[str, float],
) -> str:
    return facts(
        [
            ("picture", f"{scores.width}x{scores.height}, {scores.num_frames} frames"),
            ("source", f"{source_bytes} bytes ({what})"),
            ("bytes", str(compressed.num_bytes)),
            ("rate", f"{compressed.bpp:.5f} bpp"),
            ("ratio", f"1 : {source_bytes / compressed.num_bytes:.0f}"),
            ("PSNR", scores.describe("psnr")),
            ("MS-SSIM", scores.describe("ms_ssim")),
            *((stage, f"{value:.1f} s") for stage, value in seconds.items()),
            ("results", f"{folder}/"),
        ]
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - began
