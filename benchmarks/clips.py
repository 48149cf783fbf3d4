"""Real clips through the whole codec: does a rate target land, at what speed and quality?

python -m benchmarks.clips ../shared/data/clips --target-bpp 0.05 --frames 48
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import freegvc
from benchmarks.codecs.pyav import ENCODERS, PyavCodec
from benchmarks.frames import first_frames
from benchmarks.record import RESULTS, write_record
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="videos and folders of images")
    parser.add_argument("--target-bpp", type=float, default=0.05)
    parser.add_argument("--frames", type=int, default=48, help="frames of each clip")
    parser.add_argument("--only", nargs="*", help="names of clips; default: all")
    parser.add_argument("--out", type=Path, default=RESULTS / "clips.json")
    options = parser.parse_args()
    rows = []
    for path in sorted(options.folder.iterdir()):
        if options.only is None or path.name in options.only:
            rows.append(measure(path, options.target_bpp, options.frames))
            print(rows[-1], flush=True)
            settings = {"target_bpp": options.target_bpp, "frames": options.frames}
            write_record(options.out, {"settings": settings, "clips": rows})


def measure(path: Path, target_bpp: float, num_frames: int) -> dict[str, Any]:
    """Compress and decompress the first frames of one clip."""
    frames = first_frames(path, num_frames)
    began = time.perf_counter()
    compressed = freegvc.compress(frames, target_bpp=target_bpp, prior="analytic")
    encoded = time.perf_counter()
    decoded = freegvc.decompress(compressed).frames
    finished = time.perf_counter()
    seed_bits = sum(gop.seed_bits for gop in compressed.gops)
    large_enough = min(frames.shape[1:3]) >= MS_SSIM_MIN_SIZE
    return {
        "clip": path.name,
        "size": f"{frames.shape[2]}x{frames.shape[1]}",
        "frames": len(frames),
        "bytes": compressed.num_bytes,
        "bpp": round(compressed.bpp, 6),
        "share_of_target": round(compressed.bpp / target_bpp, 4),
        "overhead_share": round(1.0 - seed_bits / (8 * compressed.num_bytes), 4),
        "steps": [gop.num_steps for gop in compressed.gops],
        "stop_steps": [gop.stop_step for gop in compressed.gops],
        "x265_slow": x265_within(frames, compressed.num_bytes),
        "psnr_db": round(float(psnr(frames, decoded).mean()), 3),
        "ms_ssim": round(float(ms_ssim(frames, decoded).mean()), 5) if large_enough else None,
        "compress_seconds": round(encoded - began, 2),
        "decompress_seconds": round(finished - encoded, 2),
    }


def x265_within(frames: np.ndarray, max_bytes: int) -> dict[str, Any]:
    """The lowest CRF of x265 (slow, 4:2:0) whose bare stream takes at most `max_bytes`.

    Bytes are those of the raw .hevc file, with no container; PSNR is of its decode.
    """
    low, high = 10, 51  # high is known to fit, or nothing does
    best = _x265(frames, high)
    while high - low > 1:
        middle = (low + high) // 2
        trial = _x265(frames, middle)
        if trial["bytes"] <= max_bytes:
            high, best = middle, trial
        else:
            low = middle
    return best


def _x265(frames: np.ndarray, crf: int) -> dict[str, Any]:
    encoder = ENCODERS["x265-ra"]
    slow = replace(encoder, options={**encoder.options, "preset": "slow"}, rates=(crf,))
    codec = PyavCodec("x265-slow", slow)
    with tempfile.TemporaryDirectory() as folder:
        (encoded,) = codec.encode(frames, Fraction(25), Path(folder))
        score = float(psnr(frames, codec.decode(encoded)).mean())
        num_bytes = encoded.path.stat().st_size
    return {"crf": crf, "bytes": num_bytes, "psnr_db": round(score, 3)}


if __name__ == "__main__":
    main()
