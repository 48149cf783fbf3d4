"""Curves that others published, as results that stand beside measured ones in a report.

Two layouts are read: DCVC's logs and CompressAI's result files. Scores keep names that say what
they are of: "psnr" and "ms_ssim" are of RGB as ours are, "psnr_yuv" and "ms_ssim_yuv" of YUV
planes, and those are left out of reports, so that unlike curves are never compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.datasets import Sequence as Clip
from benchmarks.points import Point, SequenceResult
from benchmarks.report.curves import Curve
from freegvc.metrics import METRICS

RateCurve = list[tuple[float, dict[str, float]]]  # bpp and scores of each point, by rising bpp
_COMPRESSAI = {
    "psnr": "psnr",
    "psnr-rgb": "psnr",
    "psnr-yuv": "psnr_yuv",
    "ms-ssim": "ms_ssim",
    "ms-ssim-rgb": "ms_ssim",
}


class FileFormatError(ValueError):
    """A file is not what it should be; the message names the file and what is wrong in it."""


@dataclass(frozen=True)
class PublishedCodec:
    """The curves of one codec from one file.

    Attributes:
        label: its name in the report, which says that it was not measured here.
        results: of the sequences that were measured here too, from DCVC's logs.
        means: over the whole dataset, by metric, from files of CompressAI.
    """

    label: str
    results: tuple[SequenceResult, ...] = ()
    means: tuple[tuple[str, Curve], ...] = ()


def label_of(path: Path) -> str:
    """The name of a file's codec in a report."""
    return f"{path.stem} (published)"


def check_published(path: Path, dataset: str) -> None:
    """Make sure that a file can be read, before hours of encoding; errors as below.

    `read_published` checks afterwards that its sequences were measured, at the same length.
    """
    if "results" in _mapping(path, "top", _read_json(path)):
        read_compressai(path, pixels_per_second=1.0)
    else:
        read_dcvc(path, dataset)


def read_published(
    path: Path, dataset: str, clips: Sequence[Clip], measured: Sequence[SequenceResult]
) -> PublishedCodec:
    """A file in the layout of DCVC's logs or of CompressAI's results.

    Args:
        path: of the file; its stem names the codec.
        dataset: that was run here.
        clips: its sequences.
        measured: results on them, with the sizes that rates refer to.

    Raises:
        FileFormatError: neither layout, no such dataset or none of the sequences, or sequences of
            another length.
        OSError: it cannot be read.
    """
    label = label_of(path)
    sizes = {result.sequence: result for result in measured if result.has_finished}
    if "results" in _mapping(path, "top", _read_json(path)):
        rate = _only({r.width * r.height * Fraction(r.fps) for r in sizes.values()})
        mean = read_compressai(path, pixels_per_second=None if rate is None else float(rate))
        bpp = tuple(rate for rate, _ in mean)
        return PublishedCodec(
            label,
            means=tuple(
                (metric, Curve(label, bpp, tuple(scores[metric] for _, scores in mean)))
                for metric in METRICS
                if all(metric in scores for _, scores in mean)
            ),
        )
    num_frames = _only({result.num_frames for result in sizes.values()})
    curves = read_dcvc(path, dataset, num_frames=num_frames)
    results = []
    for name, points in curves.items():
        clip = next((clip for clip in clips if clip.goes_by(Path(name).stem)), None)
        if clip is not None and clip.name in sizes:
            results.append(_sequence_result(label, path, points, sizes[clip.name]))
    if not results:
        raise FileFormatError(
            f"{path} has none of the sequences that were measured; it has {', '.join(curves)}"
        )
    return PublishedCodec(label, tuple(results))


def _only(values: set[Any]) -> Any:
    """The value of all; None if they differ."""
    return values.pop() if len(values) == 1 else None


def _sequence_result(
    label: str, path: Path, curve: RateCurve, like: SequenceResult
) -> SequenceResult:
    """Bytes are rounded from bpp; scores that freegvc lacks, such as of YUV, are left out."""
    pixels = like.width * like.height * like.num_frames
    points = []
    for k, (bpp, scores) in enumerate(curve):
        ours: dict[str, list[float | None]] = {m: [s] for m, s in scores.items() if m in METRICS}
        points.append(Point(f"rate {k}", round(bpp * pixels / 8), math.nan, math.nan, ours))
    settings = {"published in": path.name}
    about: dict[str, Any] = {"codec": label, "settings": settings, "points": tuple(points)}
    return replace(like, **about, asked={}, provenance={})


def read_dcvc(path: Path, dataset: str, *, num_frames: int | None = None) -> dict[str, RateCurve]:
    """The curve of each sequence in a log of DCVC's `test_video.py`, or of one of its anchors.

    The file holds {dataset: {sequence: {rate: {"ave_all_frame_bpp", "ave_all_frame_psnr",
    "ave_all_frame_msssim", ...}}}}. Its averages are of RGB, but of YUV where it also has
    "ave_all_frame_psnr_y", which is of files that were coded as YUV 4:2:0.

    Args:
        path: of the file.
        dataset: which of its datasets; "hevc-b" is "HEVC_B" too.
        num_frames: if given, logs of sequences of another length are refused.

    Raises:
        FileFormatError: another layout, impossible numbers, or no such dataset.
        OSError: the file cannot be read.
    """
    content = _mapping(path, "top", _read_json(path))
    named = {name.lower().replace("_", "-"): name for name in content}
    found = named.get(dataset.lower().replace("_", "-"))
    if found is None:
        raise FileFormatError(f"{path} has no dataset {dataset!r}; it has {', '.join(content)}")
    curves: dict[str, RateCurve] = {}
    for sequence, rates in _mapping(path, found, content[found]).items():
        points = []
        for rate, log in _mapping(path, f"{dataset}, {sequence}", rates).items():
            place = f"{dataset}, {sequence}, {rate}"
            points.append(_dcvc_point(path, place, _mapping(path, place, log), num_frames))
        curves[sequence] = sorted(points, key=lambda point: point[0])
    return curves


def _dcvc_point(
    path: Path, place: str, log: Mapping[str, Any], num_frames: int | None
) -> tuple[float, dict[str, float]]:
    def number(key: str) -> float:
        if key not in log:
            raise FileFormatError(f"{path}, {place}: no {key}")
        return _number(path, f"{place}, {key}", log[key])

    if num_frames is not None:
        counted = int(number("i_frame_num") + number("p_frame_num"))
        if counted != num_frames:
            raise FileFormatError(f"{path}, {place} has {counted} frames, not {num_frames}")
    kind = "_yuv" if "ave_all_frame_psnr_y" in log else ""
    scores = {f"psnr{kind}": number("ave_all_frame_psnr")}
    # DCVC logs an MS-SSIM of 0 if it did not compute it
    if ms_ssim := number("ave_all_frame_msssim"):
        scores[f"ms_ssim{kind}"] = ms_ssim
    return _checked(path, place, number("ave_all_frame_bpp"), scores)


def read_compressai(path: Path, *, pixels_per_second: float | None = None) -> RateCurve:
    """The curve of a result file of CompressAI: averages over a dataset that it does not name.

    The file holds {"name", "description", "results": {"bpp": [...], "psnr": [...],
    "ms-ssim": [...], ...}}, each list over the rates; files of videos have "bitrate" in kbit/s in
    place of "bpp", and "psnr-rgb", "ms-ssim-rgb" and "psnr-yuv".

    Args:
        path: of the file.
        pixels_per_second: width times height times frames per second of the videos; only for
            files that have no bpp.

    Raises:
        FileFormatError: another layout, lists of different lengths, impossible numbers, or
            a bitrate without pixels_per_second.
        OSError: the file cannot be read.
    """
    content = _mapping(path, "top", _read_json(path))
    if "results" not in content:
        raise FileFormatError(f"{path} has no results; it has {', '.join(content)}")
    results = _mapping(path, "results", content["results"])
    key = "bpp" if "bpp" in results else "bitrate"
    if key not in results:
        raise FileFormatError(f"{path} has neither bpp nor bitrate")
    if key == "bitrate" and pixels_per_second is None:
        raise FileFormatError(f"{path} has bitrates and no bpp: give the pixels per second")
    per_pixel = 1.0 if key == "bpp" else 1000 / (pixels_per_second or math.nan)
    rates = [per_pixel * rate for rate in _column(path, key, results)]
    columns = {key: _column(path, key, results) for key in _COMPRESSAI if key in results}
    if not columns:
        raise FileFormatError(f"{path} has none of {', '.join(_COMPRESSAI)}")
    if len({_COMPRESSAI[key] for key in columns}) < len(columns):
        raise FileFormatError(f"{path} has one score under two names: {', '.join(columns)}")
    for key, column in columns.items():
        if len(column) != len(rates):
            raise FileFormatError(f"{path}: {key} has {len(column)} numbers for {len(rates)} rates")
    points = [
        _checked(path, f"rate {k}", bpp, {_COMPRESSAI[key]: c[k] for key, c in columns.items()})
        for k, bpp in enumerate(rates)
    ]
    return sorted(points, key=lambda point: point[0])


def _column(path: Path, key: str, results: Mapping[str, Any]) -> list[float]:
    content = results[key]
    if not isinstance(content, list) or not content:
        raise FileFormatError(f"{path}: {key} is not a list of numbers")
    return [_number(path, key, value) for value in content]


def _checked(
    path: Path, place: str, bpp: float, scores: dict[str, float]
) -> tuple[float, dict[str, float]]:
    """A point, if its numbers are possible."""
    if bpp <= 0:
        raise FileFormatError(f"{path}, {place}: {bpp:g} bpp")
    for metric, score in scores.items():
        highest = 1.0 if metric.startswith("ms_ssim") else math.inf
        if not 0 < score <= highest:
            hint = "; is it in decibel?" if score > highest else ""
            raise FileFormatError(f"{path}, {place}: {metric} is {score:g}{hint}")
    return bpp, scores


def _number(path: Path, place: str, content: Any) -> float:
    if isinstance(content, bool) or not isinstance(content, int | float):
        raise FileFormatError(f"{path}, {place}: {str(content)[:40]!r} is not a number")
    if not abs(content) < 1e300:  # such as 1e999
        raise FileFormatError(f"{path}, {place}: the number is too large")
    return float(content)


def _mapping(path: Path, place: str, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict) or not content:
        raise FileFormatError(f"{path}, {place}: not an object with names in it")
    return content


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is not usable JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
