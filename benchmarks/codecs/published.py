"""Rate curves that others published as JSON: DCVC's logs and CompressAI's result files.

Only the curves are read; nothing is coded. Their scores keep names that say what they are of:
"psnr" and "ms_ssim" are of RGB as ours are, "psnr_yuv" and "ms_ssim_yuv" of YUV planes weighted
6:1:1, so that no curve is held against another by accident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.strict_json import FileFormatError, read_json

RatePoint = tuple[float, dict[str, float]]  # bpp, and the score of each metric
RateCurve = list[RatePoint]  # by rising bpp
_COMPRESSAI = {
    "psnr": "psnr",
    "psnr-rgb": "psnr",
    "psnr-yuv": "psnr_yuv",
    "ms-ssim": "ms_ssim",
    "ms-ssim-rgb": "ms_ssim",
}


def read_dcvc(path: Path, dataset: str, *, num_frames: int | None = None) -> dict[str, RateCurve]:
    """Curves of a log of DCVC's `test_video.py`, or of one of its anchors.

    The file holds {dataset: {sequence: {rate: {"ave_all_frame_bpp", "ave_all_frame_psnr",
    "ave_all_frame_msssim", ...}}}}. Its averages are of RGB, but of YUV where it also has
    "ave_all_frame_psnr_y", which is of files that were coded as YUV 4:2:0.

    Args:
        path: of the file.
        dataset: which of its datasets; "hevc-b" is "HEVC_B" too.
        num_frames: if given, logs of sequences of another length are refused.

    Returns:
        The curve of each sequence.

    Raises:
        FileFormatError: another layout, numbers that cannot be, or no such dataset.
        OSError: the file cannot be read.
    """
    content = _mapping(path, "top", read_json(path))
    wanted = _plain(dataset)
    named = next((name for name in content if _plain(name) == wanted), None)
    if named is None:
        raise FileFormatError(f"{path} has no dataset {dataset!r}; it has {', '.join(content)}")
    logs = _mapping(path, named, content[named])
    return {
        sequence: _sorted(
            _dcvc_point(path, f"{dataset}, {sequence}, {rate}", log, num_frames)
            for rate, log in _mapping(path, f"{dataset}, {sequence}", rates).items()
        )
        for sequence, rates in logs.items()
    }


def read_compressai(path: Path, *, pixels_per_second: float | None = None) -> RateCurve:
    """The curve of a result file of CompressAI.

    The file holds {"name", "description", "results": {"bpp": [...], "psnr": [...],
    "ms-ssim": [...], ...}}, each list over the rates; files of videos have "bitrate" in kbit/s in
    place of "bpp", and "psnr-rgb", "ms-ssim-rgb" and "psnr-yuv". What else it lists, such as times
    and the scores of single planes, is not read.

    Args:
        path: of the file.
        pixels_per_second: width times height times frames per second of the videos; only for
            files that have no bpp.

    Returns:
        The one curve: the file holds averages over a dataset, and does not say over which.

    Raises:
        FileFormatError: another layout, lists of different lengths, numbers that cannot be, or
            a bitrate without pixels_per_second.
        OSError: the file cannot be read.
    """
    content = _mapping(path, "top", read_json(path))
    if "results" not in content:
        raise FileFormatError(f"{path} has no results; it has {', '.join(content)}")
    results = _mapping(path, "results", content["results"])
    rates = _compressai_rates(path, results, pixels_per_second)
    scores: dict[str, list[float]] = {}
    for key, metric in _COMPRESSAI.items():
        if key in results:
            if metric in scores:
                raise FileFormatError(f"{path} has {metric} under two names")
            scores[metric] = _column(path, key, results[key], len(rates))
    if not scores:
        raise FileFormatError(f"{path} has none of {', '.join(_COMPRESSAI)}")
    points = [
        _checked(path, f"rate {k}", bpp, {metric: column[k] for metric, column in scores.items()})
        for k, bpp in enumerate(rates)
    ]
    return _sorted(points)


def _plain(dataset: str) -> str:
    return dataset.lower().replace("_", "-")


def _dcvc_point(path: Path, place: str, content: Any, num_frames: int | None) -> RatePoint:
    log = _mapping(path, place, content)
    if num_frames is not None:
        counts = [log.get(key, 0) for key in ("i_frame_num", "p_frame_num")]
        counted = sum(int(_number(path, place, count)) for count in counts)
        if counted != num_frames:
            raise FileFormatError(
                f"{path}, {place} is of {counted} frames, and {num_frames} were asked for"
            )
    kind = "_yuv" if "ave_all_frame_psnr_y" in log else ""
    found = {}
    for key in ("ave_all_frame_bpp", "ave_all_frame_psnr", "ave_all_frame_msssim"):
        if key not in log:
            raise FileFormatError(f"{path}, {place}: no {key}")
        found[key] = _number(path, f"{place}, {key}", log[key])
    bpp, psnr, ms_ssim = found.values()
    # DCVC logs a MS-SSIM of 0 where it was not told to compute it
    scores = {f"psnr{kind}": psnr} | ({f"ms_ssim{kind}": ms_ssim} if ms_ssim else {})
    return _checked(path, place, bpp, scores)


def _compressai_rates(
    path: Path, results: Mapping[str, Any], pixels_per_second: float | None
) -> list[float]:
    """Bpp of each rate."""
    if "bpp" in results:
        return _column(path, "bpp", results["bpp"], None)
    if "bitrate" not in results:
        raise FileFormatError(f"{path} has neither bpp nor bitrate")
    if pixels_per_second is None:
        raise FileFormatError(f"{path} has bitrates and no bpp: give the pixels per second")
    kilobits = _column(path, "bitrate", results["bitrate"], None)
    return [1000 * rate / pixels_per_second for rate in kilobits]


def _column(path: Path, key: str, content: Any, length: int | None) -> list[float]:
    if not isinstance(content, list) or not content:
        raise FileFormatError(f"{path}: {key} is no list of numbers")
    if length is not None and len(content) != length:
        raise FileFormatError(f"{path}: {key} has {len(content)} numbers for {length} rates")
    return [_number(path, key, value) for value in content]


def _checked(path: Path, place: str, bpp: float, scores: dict[str, float]) -> RatePoint:
    """A point whose numbers can be."""
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
        raise FileFormatError(f"{path}, {place}: {str(content)[:40]!r} is no number")
    try:
        number = float(content)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):  # such as 1e999
        raise FileFormatError(f"{path}, {place}: the number is too large")
    return number


def _mapping(path: Path, place: str, content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict) or not content:
        raise FileFormatError(f"{path}, {place}: no object with names in it")
    return content


def _sorted(points: Iterable[RatePoint]) -> RateCurve:
    return sorted(points, key=lambda point: point[0])
