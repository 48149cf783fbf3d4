"""Which law ties the score of a GOP to its rate? The paper's Fig. 5, on any prior.

LPIPS (AlexNet) at nine rates along the walk of one GOP, each cut from one stream, and how well the
paper's four laws and a power law above a floor fit them: R^2 of least squares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

from benchmarks.codecs.freegvc_codec import compress, decompress
from benchmarks.experiments.base import Experiment, Row
from benchmarks.frames import MAX_SIZE, Frames
from freegvc import Rate
from freegvc.metrics import lpips
from freegvc.priors import Prior

CLIPS = (
    *("carphone_qcif.mp4", "basketballpass", "foreman_cif_intra.264"),
    *("bikes.mp4", "pancake.mkv", "solidWhiteRight.mp4"),
)
GOP_LENGTH = 24
NUM_RATES = 9
Array = npt.NDArray[np.float64]

# each: the law and where its searches start; near b = 0 a power with a floor is a logarithm, from
# which a search does not come back
LAWS: dict[str, tuple[Callable[..., Array], tuple[tuple[float, ...], ...]]] = {
    "power": (lambda r, a, b: a * r**b, ((0.5, -0.2),)),
    "linear": (lambda r, a, b: a + b * r, ((0.8, -0.1),)),
    "logarithmic": (lambda r, a, b: a + b * np.log(r), ((0.5, -0.1),)),
    "exponential": (lambda r, a, b: a * np.exp(b * r), ((0.8, -0.1),)),
    "power and floor": (
        lambda r, a, b, c: c + a * r**b,
        ((0.5, -0.3, 0.2), (0.2, -0.5, 0.0), (0.1, -1.0, 0.1)),
    ),
}


def measure(name: str, frames: Frames, prior: Prior, bpp: tuple[float, float]) -> Iterator[Row]:
    """The points of one clip, and the fit of each law."""
    del name
    began = time.perf_counter()
    points = rate_points(frames, prior, tuple(np.geomspace(*bpp, NUM_RATES)))
    yield {
        "size": f"{frames.shape[2]}x{frames.shape[1]}",
        "points": [[round(rate, 5), round(score, 5)] for rate, score in points],
        "r_squared": {law: r_squared(law, points) for law in LAWS},
        "seconds": round(time.perf_counter() - began, 1),
    }


def rate_points(
    frames: Frames, prior: Prior, rates: tuple[float, ...]
) -> list[tuple[float, float]]:
    """(bits per pixel, LPIPS) of a GOP at each rate, all cut from one stream."""
    options = {"gop_length": len(frames), "overlap": 0}
    whole, _ = compress(frames, prior, Rate(bpp=rates[-1]), options)
    points: dict[bytes, tuple[float, float]] = {}
    for rate in rates:
        part = whole.truncate(bpp=rate)
        if part.data not in points:
            score = float(lpips(frames, decompress(part, prior)[0]).mean())
            points[part.data] = (part.gops[0].bits / frames[..., 0].size, score)
    return list(points.values())


def fitted(name: str, points: list[tuple[float, float]]) -> Callable[[Array], Array]:
    """A law with the numbers that fit best, as a function of bits per pixel."""
    law, starts = LAWS[name]
    rate, score = np.array(points).T
    unit = rate.mean()
    fits = [curve_fit(law, rate / unit, score, p0=start, maxfev=20_000)[0] for start in starts]
    numbers = min(fits, key=lambda fit: float(np.square(law(rate / unit, *fit) - score).sum()))
    return lambda bpp: law(bpp / unit, *numbers)


def r_squared(name: str, points: list[tuple[float, float]]) -> float:
    """Coefficient of determination of a law's least squares fit."""
    rate, score = np.array(points).T
    rest = score - fitted(name, points)(rate)
    return round(float(1.0 - rest @ rest / np.square(score - score.mean()).sum()), 4)


def summarise(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Mean R^2 of each law."""
    return {law: round(float(np.mean([row["r_squared"][law] for row in rows])), 4) for law in LAWS}


EXPERIMENT = Experiment(
    __doc__,
    measure,
    CLIPS,
    num_frames=GOP_LENGTH,
    settings={"metric": "lpips"},
    max_size=MAX_SIZE,
    summarise=summarise,
    options={
        "bpp": {
            "type": float,
            "nargs": 2,
            "default": (0.004, 0.3),
            "metavar": ("LOW", "HIGH"),
            "help": "range of rates (default: %(default)s)",
        }
    },
)
