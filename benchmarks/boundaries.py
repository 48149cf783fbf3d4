"""Does the picture show where one GOP ends and the next begins?

FREEGVC_METRIC_WEIGHTS=../shared/data/weights python -m benchmarks.boundaries ../shared/data/clips

One stop step for all GOPs, the analytic prior, overlaps of 0, 4 and 8 frames, and two weights
gamma(i) for the latents that two GOPs share. Each clip is coded twice, the second time from half a
GOP on: what is at a boundary in one stream is inside a GOP in the other, so content cancels out.
Let s be the first frame that a GOP shows. Frame s + i, or the pair of frames (s + i, s + i + 1), is
at *place* i. The pair at place -1 crosses the boundary, the one at m - 1 leaves the shared frames.
- *excess* of a place: its score minus that of the same frames in the other stream, where they are
  inner ones; a mean over boundaries.
- *near*: the mean excess of the crossing pair and of its two neighbours; for a score of frames,
  of the four frames in these pairs.
- *worst*: the largest excess of any place from there to the end of the shared frames, so that a
  jump cannot hide by moving away from the crossing. It is the largest of 3 to 11 noisy means, and
  so never small.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import freegvc
from benchmarks.frames import first_frames, middle
from benchmarks.record import RESULTS, write_record
from freegvc.bitstream import write_stream
from freegvc.codec import CompressedVideo, Event, GopDecoded
from freegvc.metrics import METRICS, check_metric

CLIPS = ("carphone_qcif.mp4", "basketballpass", "pancake.mkv", "foreman_cif_intra.264")
NUM_FRAMES = 80
GOP_LENGTH = 32  # half of what is new in a GOP is longer than any seam
STOP_STEP = 800
SCORES = ("lpips", "tlp", "tof")
# by overlap and the name of gamma(i): fusion weights in 1 / 128
VARIANTS: dict[tuple[int, str], tuple[int, ...]] = {
    (0, "none"): (),
    (4, "0.5"): (64,),
    (4, "ramp"): tuple(round(128 * (i + 1) / 5) for i in range(4)),
    (8, "0.5"): (64,),
    (8, "ramp"): tuple(round(128 * (i + 1) / 9) for i in range(8)),
}
FIRST_PLACE = -2
Frames = npt.NDArray[np.uint8]
Excess = npt.NDArray[np.float64]  # [boundaries, places]


@dataclass(frozen=True)
class Decoded:
    """Frames of the clip from `first` on, and the boundaries in them, counted in the clip."""

    first: int
    frames: Frames
    boundaries: tuple[int, ...]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="videos and folders of images")
    parser.add_argument("--only", nargs="*", default=CLIPS, help="names of clips")
    parser.add_argument("--frames", type=int, default=NUM_FRAMES, help="frames of each clip")
    parser.add_argument("--out", type=Path, default=RESULTS / "boundaries.json")
    options = parser.parse_args()
    check_metric("lpips")
    settings = {
        "prior": "analytic",
        "gop_length": GOP_LENGTH,
        "stop_step": STOP_STEP,
        "frames": options.frames,
    }
    rows: list[dict[str, Any]] = []
    for name in options.only:
        frames = middle(first_frames(options.folder / name, options.frames))
        for row in measure(name, frames):
            rows.append(row)
            print(row, flush=True)
        record = {"settings": settings, "summary": summarise(rows), "rows": rows}
        write_record(options.out, record)


def measure(name: str, frames: Frames) -> Iterator[dict[str, Any]]:
    """One clip with every overlap and gamma."""
    for overlap in sorted({overlap for overlap, _ in VARIANTS}):
        began = time.perf_counter()
        starts = 0, (GOP_LENGTH - overlap) // 2
        coded = [
            freegvc.compress(
                frames[start:],
                prior="analytic",
                stop_step=STOP_STEP,
                gop_length=GOP_LENGTH,
                overlap=overlap,
            )
            for start in starts
        ]
        for gamma in (gamma for m, gamma in VARIANTS if m == overlap):
            weights = VARIANTS[overlap, gamma]
            one, other = (
                decode(compressed, weights, start)
                for compressed, start in zip(coded, starts, strict=True)
            )
            yield {
                "clip": name,
                "size": f"{frames.shape[2]}x{frames.shape[1]}",
                "overlap": overlap,
                "gamma": gamma,
                "boundaries": len(one.boundaries) + len(other.boundaries),
                "bpp": round(coded[0].bpp, 5),
                **{metric: figures(metric, frames, one, other, overlap) for metric in SCORES},
                "seconds": round(time.perf_counter() - began, 1),
            }


def decode(compressed: CompressedVideo, weights: tuple[int, ...], first: int) -> Decoded:
    """The stream with other fusion weights, which are in the header alone, decoded."""
    header = replace(compressed.header, fusion_weights=weights)
    fused = CompressedVideo(write_stream(replace(compressed.stream, header=header)))
    heard: list[Event] = []
    frames = freegvc.decompress(fused, on_event=heard.append).frames
    shown = [first + event.first_frame for event in heard if isinstance(event, GopDecoded)]
    return Decoded(first, frames, tuple(shown[1:]))


def figures(
    metric: str, frames: Frames, one: Decoded, other: Decoded, overlap: int
) -> dict[str, Any]:
    """Excess of one metric, and its inner mean, at all boundaries of two streams of a clip."""
    scores = [
        (
            at_boundary(metric, frames, here, s, overlap),
            at_boundary(metric, frames, there, s, overlap),
        )
        for here, there in ((one, other), (other, one))
        for s in here.boundaries
    ]
    seam, inner = np.array(scores).swapaxes(0, 1)
    excess = seam - inner
    return {
        "inner": round(float(inner.mean()), 5),
        "near": [round(float(value), 5) for value in near(metric, excess)],
        "places": [round(float(value), 5) for value in excess.mean(axis=0)],
    }


def at_boundary(metric: str, frames: Frames, decoded: Decoded, s: int, overlap: int) -> Excess:
    """Scores at all places of the boundary before frame s, whichever stream that is one of."""
    window = slice(s + FIRST_PLACE, s + max(overlap, 1) + 1)
    here = slice(window.start - decoded.first, window.stop - decoded.first)
    return METRICS[metric](frames[window], decoded.frames[here])


def near(metric: str, excess: Excess) -> Excess:
    """Mean excess near each crossing."""
    num_places = 3 if METRICS[metric].is_temporal else 4
    return np.asarray(excess[:, :num_places].mean(axis=1))


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Excess over all boundaries of all clips, and its ratio to that of overlap 0."""
    summary: list[dict[str, Any]] = []
    for overlap, gamma in VARIANTS:
        found = [row for row in rows if (row["overlap"], row["gamma"]) == (overlap, gamma)]
        weights = [row["boundaries"] for row in found]
        entry: dict[str, Any] = {
            "overlap": overlap,
            "gamma": gamma,
            "boundaries": sum(weights),
            "bpp": round(float(np.mean([row["bpp"] for row in found])), 5),
        }
        for metric in SCORES:
            every = np.array([value for row in found for value in row[metric]["near"]])
            places = np.average([row[metric]["places"] for row in found], axis=0, weights=weights)
            figures = {
                "inner": float(np.average([r[metric]["inner"] for r in found], weights=weights)),
                "near": float(every.mean()),
                "near_standard_error": float(every.std(ddof=1) / len(every) ** 0.5),
                "worst": float(places.max()),
            }
            without = summary[0][metric] if summary else figures
            for what in ("near", "worst"):
                figures[f"{what}_ratio"] = figures[what] / without[what]
            entry[metric] = {what: round(value, 5) for what, value in figures.items()}
        summary.append(entry)
    return summary


if __name__ == "__main__":
    main()
