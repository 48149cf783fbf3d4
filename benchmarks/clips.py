"""Real clips through the whole codec: does a rate target land, at what speed and quality?

python -m benchmarks.clips ../shared/data/clips --target-bpp 0.05 --frames 48
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import freegvc
from benchmarks.frames import first_frames
from benchmarks.record import RESULTS, write_record
from freegvc.metrics import MS_SSIM_MIN_SIZE, ms_ssim, psnr
from freegvc.video import BT709, open_video, rgb_to_yuv


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
    compressed = freegvc.compress(frames, target_bpp=target_bpp)
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
    import av

    height, width = (size - size % 2 for size in frames.shape[1:3])
    file = io.BytesIO()
    with av.open(file, "w", format="hevc") as container:
        stream = container.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(crf), "preset": "slow", "x265-params": "log-level=none"}
        context = stream.codec_context
        context.colorspace, context.color_range = 1, 1
        for index, rgb in enumerate(frames[:, :height, :width]):
            frame = av.VideoFrame(width, height, "yuv420p")
            frame.pts, frame.colorspace, frame.color_range = index, 1, 1
            for plane, samples in zip(frame.planes, rgb_to_yuv(rgb, BT709), strict=True):
                padded = np.zeros((plane.height, plane.line_size), np.uint8)
                padded[:, : plane.width] = samples
                plane.update(padded.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = file.getvalue()
    with tempfile.NamedTemporaryFile(suffix=".hevc") as saved:
        Path(saved.name).write_bytes(data)
        with open_video(saved.name) as source:
            decoded = np.stack(list(source))
    score = float(psnr(frames[:, :height, :width], decoded).mean())
    return {"crf": crf, "bytes": len(data), "psnr_db": round(score, 3)}


if __name__ == "__main__":
    main()
