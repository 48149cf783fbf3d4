"""Old and new weights on clips that neither was trained on: python -m training.compare OLD NEW.

Both code the middle of each clip at the same rates, with the code of today. The record goes to a
JSON file, from which `python -m benchmarks tables` makes the table of docs/small-prior.md.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import freegvc
from benchmarks.datasets import CLIPS, dataset_sequences
from benchmarks.frames import Frames, middle
from benchmarks.record import provenance, write_json
from freegvc.priors.small.prior import SmallPrior

RATES = (0.004, 0.008, 0.016, 0.03)  # bits per pixel
METRICS = ("lpips", "ms_ssim", "psnr", "cvvdp", "tof")
NUM_FRAMES, SIZE = 24, (176, 208)


def flicker_of(frames: Frames, decoded: Frames) -> float:
    """Mean absolute error of frame differences, in grey levels."""
    changes = [np.diff(each.astype(np.int16), axis=0) for each in (frames, decoded)]
    return float(np.abs(changes[0] - changes[1]).mean())


def curve_of(frames: Frames, prior: SmallPrior) -> list[dict[str, float | None]]:
    """The scores of a clip at all rates, cut from one stream."""
    metrics = [name for name in METRICS if name != "ms_ssim" or min(frames.shape[1:3]) > 160]
    whole = freegvc.compress(frames, target_bpp=RATES[-1], prior=prior)
    points = []
    for rate in RATES:
        cut = whole.truncate(bpp=rate)
        decoded = freegvc.decompress(cut, prior=prior).frames
        scores = freegvc.score(frames, decoded, metrics=metrics)
        means = {name: scores.mean(name) for name in metrics}
        point = {"bpp": cut.bpp, **means, "flicker": flicker_of(frames, decoded)}
        points.append({name: value and round(value, 5) for name, value in point.items()})
    return points


def compared(name: str, folders: list[Path]) -> dict[str, Any]:
    """The curves of one clip, in the order of the folders."""
    torch.set_num_threads(1)
    (sequence,) = (each for each in dataset_sequences("clips") if each.name == name)
    frames = middle(sequence.load(NUM_FRAMES, max_size=(240, 416))[0], SIZE)
    curves = [curve_of(frames, SmallPrior(folder=folder)) for folder in folders]
    print(name, *curves, sep="\n", flush=True)
    return {"clip": name, "curves": curves}


def main() -> None:
    """Write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs=2, metavar="FOLDER", help="of old, new weights")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json")
    args = parser.parse_args()
    names = [sequence.name for sequence in dataset_sequences("clips", CLIPS)]
    with ProcessPoolExecutor(args.processes) as pool:
        clips = list(pool.map(partial(compared, folders=args.folders), names))
    record = {
        **provenance(),
        "fingerprints": [SmallPrior(folder=folder).fingerprint.hex() for folder in args.folders],
        "frames": NUM_FRAMES,
        "size": f"{SIZE[1]}x{SIZE[0]}",
        "clips": clips,
    }
    write_json(args.out, record)


if __name__ == "__main__":
    main()
