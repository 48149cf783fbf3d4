"""The same walks through each channel coder: file bytes and scores at equal stop steps.

python -m benchmarks.coders ../shared/data/clips --only basketballpass foreman_cif_intra.264
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import freegvc
from benchmarks.frames import first_frames
from benchmarks.record import RESULTS, write_record
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr

STOP_STEPS = (860, 800)
CODERS = ("pfr", "trellis")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="videos and folders of images")
    parser.add_argument("--frames", type=int, default=48, help="frames of each clip")
    parser.add_argument("--only", nargs="+", required=True, help="names of clips")
    parser.add_argument("--out", type=Path, default=RESULTS / "coders.json")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in options.only:
        frames = first_frames(options.folder / name, options.frames)
        for stop in STOP_STEPS:
            for coder in CODERS:
                rows.append({"clip": name, "coder": coder} | measure(frames, stop, coder))
                print(rows[-1], flush=True)
    write_record(options.out, {"settings": {"frames": options.frames}, "rows": rows})


def measure(frames: np.ndarray, stop_step: int, coder: str) -> dict[str, Any]:
    """One clip, one stop step, one coder."""
    began = time.perf_counter()
    compressed = freegvc.compress(frames, stop_step=stop_step, coder=coder, prior="analytic")
    seconds = time.perf_counter() - began
    decoded = freegvc.decompress(compressed).frames
    large_enough = min(frames.shape[1:3]) >= MS_SSIM_MIN_SIZE
    return {
        "stop_step": stop_step,
        "bytes": compressed.num_bytes,
        "bpp": round(compressed.bpp, 5),
        "psnr_db": round(float(psnr(frames, decoded).mean()), 3),
        "ms_ssim": round(float(ms_ssim(frames, decoded).mean()), 5) if large_enough else None,
        "compress_seconds": round(seconds, 2),
    }


if __name__ == "__main__":
    main()
