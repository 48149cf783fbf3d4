"""Does the picture show where one GOP ends and the next begins?

One stop step for all GOPs, overlaps of 0, 4 and 8 frames, and two fusion weights gamma(i) for the n
latents of the overlap: 0.5, and where n > 1 a ramp, (i + 1) / (n + 1). A prior that decodes a GOP
with context decodes each stream also without. Each clip is coded twice, the second time from half a
GOP on: what is at a boundary in one stream is inside a GOP in the other, so content cancels out.
Let s be the first frame that a GOP covers. Frame s + i, or the pair of frames (s + i, s + i + 1),
is at *place* i. The pair at place -1 crosses the boundary, the one at m - 1 leaves the overlap.
- *excess* of a place: its score minus that of the same frames in the other stream, where they are
  inner ones; a mean over boundaries.
- *near*: the mean excess of the crossing pair and of its two neighbours; for a score of frames,
  of the four frames in these pairs.
- *worst*: the largest excess of any place from two before these pairs to the end of the overlap,
  so that a jump that moved away from the crossing is found as well. It is the largest of 5 to 13
  noisy means, and so never small.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.codecs.freegvc_codec import compress, decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import MAX_SIZE, Frames
from freegvc import CompressedVideo, StopStep
from freegvc._bitstream import write_stream
from freegvc._bitstream.header import GAMMA_ONE
from freegvc.metrics import METRICS, check_metric
from freegvc.priors import Prior

CLIPS = ("carphone_qcif.mp4", "basketballpass", "pancake.mkv", "foreman_cif_intra.264")
GOP_LENGTH = 32  # half of what is new in a GOP is longer than any seam
SCORES = ("lpips", "tlp", "tof")
OVERLAPS = (0, 4, 8)
NEAR_PLACE, FIRST_PLACE = -2, -4
Excess = npt.NDArray[np.float64]  # [boundaries, places]


@dataclass(frozen=True)
class Decoded:
    """Frames of the clip from `first` on, and the boundaries in them, counted in the clip."""

    first: int
    frames: Frames
    boundaries: tuple[int, ...]


def gammas_of(prior: Prior, overlap: int) -> dict[str, tuple[int, ...]]:
    """Name of gamma(i) to the gammas of a header, in units of 1 / `GAMMA_ONE`."""
    count = prior.latent.overlap(GOP_LENGTH, overlap).count
    if not count:
        return {"none": ()}
    variants: dict[str, tuple[int, ...]] = {"0.5": (GAMMA_ONE // 2,)}
    if count > 1:
        variants["ramp"] = tuple(round(GAMMA_ONE * (i + 1) / (count + 1)) for i in range(count))
    return variants


def decoders_of(prior: Prior) -> dict[str, Prior]:
    """The prior, before it the same one without context if it has any, by what they do."""
    if not prior.latent.has_context:
        return {"none": prior}
    without = copy.copy(prior)
    without.latent = replace(prior.latent, has_context=False)
    return {"none": without, "one latent": prior}


def measure(name: str, frames: Frames, prior: Prior, stop_step: int) -> Iterator[Row]:
    """One row for each overlap, gamma and context."""
    del name
    check_metric("lpips")
    for overlap in OVERLAPS:
        began = time.perf_counter()
        starts = 0, (GOP_LENGTH - overlap) // 2
        options = {"gop_length": GOP_LENGTH, "overlap": overlap}
        coded = [compress(frames[s:], prior, StopStep(stop_step), options)[0] for s in starts]
        variants = itertools.product(gammas_of(prior, overlap).items(), decoders_of(prior).items())
        for (gamma, gammas), (context, decoder) in variants:
            one, other = (
                decode(compressed, decoder, gammas, start)
                for compressed, start in zip(coded, starts, strict=True)
            )
            yield {
                "size": f"{frames.shape[2]}x{frames.shape[1]}",
                "overlap": overlap,
                "gamma": gamma,
                "context": context,
                "boundaries": len(one.boundaries) + len(other.boundaries),
                "bpp": round(coded[0].bpp, 5),
                **{metric: figures(metric, frames, one, other, overlap) for metric in SCORES},
                "seconds": round(time.perf_counter() - began, 1),
            }


def decode(
    compressed: CompressedVideo, prior: Prior, gammas: tuple[int, ...], first: int
) -> Decoded:
    """The stream with other gammas, which are in the header alone, decoded."""
    header = replace(compressed.header, gammas=gammas)
    fused = CompressedVideo(write_stream(replace(compressed.stream, header=header)))
    frames, _ = decompress(fused, prior)
    starts = (header.plan.first_frame(gop) for gop in range(1, header.num_gops))
    return Decoded(first, frames, tuple(first + start for start in starts))


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
    """Scores at all places of the boundary before frame s, in either stream."""
    window = slice(s + FIRST_PLACE, s + max(overlap, 1) + 1)
    here = slice(window.start - decoded.first, window.stop - decoded.first)
    return METRICS[metric](frames[window], decoded.frames[here])


def near(metric: str, excess: Excess) -> Excess:
    """Mean excess near each crossing."""
    begin = NEAR_PLACE - FIRST_PLACE
    end = begin + (3 if METRICS[metric].is_temporal else 4)
    return np.asarray(excess[:, begin:end].mean(axis=1))


def summarise(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Excess over all boundaries of all clips, and its ratio to overlap 0 without context."""
    summary: list[dict[str, Any]] = []
    names = "overlap", "gamma", "context"
    for variant in dict.fromkeys(tuple(row[name] for name in names) for row in rows):
        found = [row for row in rows if tuple(row[name] for name in names) == variant]
        weights = [row["boundaries"] for row in found]
        entry: dict[str, Any] = {
            **dict(zip(names, variant, strict=True)),
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


EXPERIMENT = Experiment(
    __doc__,
    measure,
    CLIPS,
    num_frames=80,
    settings={"gop_length": GOP_LENGTH},
    max_size=MAX_SIZE,
    summarise=summarise,
    options={
        "stop_step": {
            "type": int,
            "default": 800,
            "help": "of all GOPs, a timestep of the prior's schedule (default: %(default)s, which "
            "fits analytic)",
        }
    },
)
