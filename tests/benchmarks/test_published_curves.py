"""Importing curves from files in the layouts of DCVC and CompressAI."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bjontegaard_delta import bd_rate
from benchmarks.datasets import Sequence as Clip
from benchmarks.published_curves import (
    FileFormatError,
    RateCurve,
    read_compressai,
    read_dcvc,
    read_published,
)
from tests.benchmarks.report_results import make_result

# two sequences and four rates, in the layout of DCVC's test_video.py; rates are named by index
BPP = {"a.yuv": (0.02, 0.04, 0.08, 0.16), "b.yuv": (0.04, 0.08, 0.16, 0.32)}
PSNR = {"a.yuv": (30.0, 32.0, 34.0, 36.0), "b.yuv": (28.0, 30.0, 32.0, 34.0)}


def dcvc_log(bpp: float, psnr: float, *, yuv: bool = False) -> dict[str, Any]:
    log: dict[str, Any] = {
        "frame_pixel_num": 2073600,
        "i_frame_num": 1,
        "p_frame_num": 95,
        "ave_i_frame_bpp": 1.5,
        "ave_i_frame_psnr": 40.0,
        "ave_i_frame_msssim": 0.99,
        "frame_bpp": [1.5, 0.1],
        "frame_type": [0, 1],
        "test_time": 12.5,
        "ave_p_frame_bpp": 0.01,
        "ave_p_frame_psnr": 35.0,
        "ave_p_frame_msssim": 0.97,
        "ave_all_frame_bpp": bpp,
        "ave_all_frame_psnr": psnr,
        "ave_all_frame_msssim": 0.9 + psnr / 1000,
    }
    if yuv:
        log |= {"ave_all_frame_psnr_y": psnr - 1, "ave_all_frame_psnr_u": psnr + 3}
    return log


def dcvc_content(*, yuv: bool = False) -> dict[str, Any]:
    return {
        "HEVC_B": {
            sequence: {
                f"{k:03d}": dcvc_log(BPP[sequence][k], PSNR[sequence][k], yuv=yuv)
                for k in (3, 1, 0, 2)
            }
            for sequence in BPP
        }
    }


def compressai_content(**results: Any) -> dict[str, Any]:
    found = {
        "psnr": [27.7, 29.4, 31.1, 33.0],
        "ms-ssim": [0.918, 0.943, 0.961, 0.975],
        "bpp": [0.124, 0.198, 0.307, 0.461],
        "encoding_time": [0.7, 0.7, 0.7, 0.8],
    } | results
    kept = {key: value for key, value in found.items() if value is not None}
    return {"name": "mbt2018-mean", "description": "Inference (ans)", "results": kept}


def psnr_of(points: RateCurve) -> list[tuple[float, float]]:
    return [(bpp, scores["psnr"]) for bpp, scores in points]


def written(folder: Path, content: Any) -> Path:
    path = folder / "published.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_dcvc_sequences(tmp_path: Path) -> None:
    curves = read_dcvc(written(tmp_path, dcvc_content()), "HEVC_B")
    assert list(curves) == ["a.yuv", "b.yuv"]
    assert psnr_of(curves["a.yuv"]) == list(zip(BPP["a.yuv"], PSNR["a.yuv"], strict=True))
    assert curves["b.yuv"][0] == (0.04, {"psnr": 28.0, "ms_ssim": pytest.approx(0.928)})


def test_dcvc_curves_are_anchors_of_a_bd_rate(tmp_path: Path) -> None:
    curves = read_dcvc(written(tmp_path, dcvc_content()), "HEVC_B")
    anchor = psnr_of(curves["a.yuv"])
    half = [(bpp / 2, score) for bpp, score in anchor]
    assert bd_rate(anchor, half, higher_is_better=True).value == pytest.approx(-50)


def test_scores_of_yuv_do_not_go_by_the_names_of_ours(tmp_path: Path) -> None:
    curves = read_dcvc(written(tmp_path, dcvc_content(yuv=True)), "HEVC_B")
    assert set(curves["a.yuv"][0][1]) == {"psnr_yuv", "ms_ssim_yuv"}


def test_a_ms_ssim_that_was_not_computed_is_left_out(tmp_path: Path) -> None:
    content = dcvc_content()
    for rates in content["HEVC_B"].values():
        for log in rates.values():
            log["ave_all_frame_msssim"] = 0
    curves = read_dcvc(written(tmp_path, content), "HEVC_B")
    assert {name for points in curves.values() for _, scores in points for name in scores} == {
        "psnr"
    }


def test_compressai_image_results(tmp_path: Path) -> None:
    content = compressai_content()
    for values in content["results"].values():
        values.reverse()
    curves = read_compressai(written(tmp_path, content))
    assert curves[0] == (0.124, {"psnr": 27.7, "ms_ssim": 0.918})
    assert [bpp for bpp, _ in curves] == [0.124, 0.198, 0.307, 0.461]


def test_compressai_video_results(tmp_path: Path) -> None:
    # as results/video/UVG-1080p: kbit/s of 1080p at 120 frames per second
    content = {
        "name": "VTM-v15.0-lowdelay",
        "description": "VTM reference software, version 15.0",
        "results": {
            "qp": [37, 42],
            "bitrate": [1379.0738, 625.7481],
            "psnr-rgb": [33.19583, 31.32102],
            "ms-ssim-rgb": [0.934045, 0.906625],
            "psnr-y": [35.67177, 33.30569],
            "psnr-yuv": [37.12765, 35.17558],
        },
    }
    path = written(tmp_path, content)
    (low, scores), (high, _) = read_compressai(path, pixels_per_second=1920 * 1080 * 120)
    assert scores == {"psnr": 31.32102, "psnr_yuv": 35.17558, "ms_ssim": 0.906625}
    assert low == pytest.approx(0.00251474, rel=1e-5)
    assert high == pytest.approx(0.00554219, rel=1e-5)
    with pytest.raises(FileFormatError, match="give the pixels per second"):
        read_compressai(path)


def change(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return content


LOG = ("HEVC_B", "a.yuv", "001")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("HEVC_B",), None, "not an object with names in it"),
        (("HEVC_B",), [], "HEVC_B: not an object"),
        (("HEVC_B", "a.yuv"), {}, "a.yuv: not an object"),
        (LOG, 3, "001: not an object"),
        ((*LOG, "ave_all_frame_bpp"), None, "no ave_all_frame_bpp"),
        ((*LOG, "ave_all_frame_bpp"), 0, "0 bpp"),
        ((*LOG, "ave_all_frame_bpp"), -0.1, "-0.1 bpp"),
        ((*LOG, "ave_all_frame_psnr"), "36", "'36' is not a number"),
        ((*LOG, "ave_all_frame_psnr"), True, "'True' is not a number"),
        ((*LOG, "ave_all_frame_psnr"), 0, "psnr is 0"),
        ((*LOG, "ave_all_frame_msssim"), 17.2, "ms_ssim is 17.2; is it in decibel"),
        ((*LOG, "ave_all_frame_psnr"), 10**400, "too large"),
    ],
)
def test_malformed_dcvc_files_are_refused(
    tmp_path: Path, place: tuple[Any, ...], value: Any, message: str
) -> None:
    path = written(tmp_path, change(dcvc_content(), place, value))
    with pytest.raises(FileFormatError, match=message) as error:
        read_dcvc(path, "HEVC_B")
    assert str(path) in str(error.value)


def test_a_dataset_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no dataset 'UVG'; it has HEVC_B"):
        read_dcvc(written(tmp_path, dcvc_content()), "UVG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"qp": [37, 32], "bpp": [0.01, 0.02]}, "has no results; it has qp, bpp"),
        ({"results": []}, "results: not an object"),
        (compressai_content(bpp=None), "neither bpp nor bitrate"),
        (compressai_content(bpp=[]), "bpp is not a list"),
        (compressai_content(bpp="0.1"), "bpp is not a list"),
        (compressai_content(psnr=[30.0]), "psnr has 1 numbers for 4 rates"),
        (compressai_content(psnr=[30.0, 31.0, "x", 33.0]), "'x' is not a number"),
        (compressai_content(bpp=[0.1, 0.2, 0.0, 0.4]), "rate 2: 0 bpp"),
        (compressai_content(**{"ms-ssim": [9.1, 11.0, 13.0, 15.0]}), "is it in decibel"),
        (
            compressai_content(**{"psnr-rgb": [27.7, 29.4, 31.1, 33.0]}),
            "one score under two names",
        ),
        (compressai_content(psnr=None, **{"ms-ssim": None}), "has none of psnr"),
    ],
)
def test_malformed_compressai_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(FileFormatError, match=message) as error:
        read_compressai(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not usable JSON"),
        ("{", "not usable JSON"),
        ("[1, 2]", "not an object"),
        ('{"results": {"bpp": [NaN], "psnr": [30]}}', "NaN is not a number"),
        ('{"results": {"bpp": [Infinity], "psnr": [30]}}', "Infinity is not a number"),
        ('{"results": {"bpp": [1e999], "psnr": [30]}}', "too large"),
        ("[" * 100_000, "not usable JSON"),
        ('{"results": ' + "9" * 5000 + "}", "not usable JSON"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read_compressai(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "published.json"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(FileFormatError, match="not usable JSON"):
        read_dcvc(path, "UVG")


def test_dcvc_logs_of_another_length_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, dcvc_content())
    assert read_dcvc(path, "hevc-b", num_frames=96)
    with pytest.raises(FileFormatError, match="has 96 frames, not 48"):
        read_dcvc(path, "HEVC_B", num_frames=48)


MEASURED = [make_result("x265-ra", name, dataset="hevc-b") for name in ("a", "c")]
CLIPS = [Clip("hevc-b", name, (), also=also) for name, also in (("A1", ("a",)), ("c", ()))]


def of_measured_length(content: dict[str, Any]) -> dict[str, Any]:
    for rates in content["HEVC_B"].values():
        for log in rates.values():
            log |= {"i_frame_num": 1, "p_frame_num": MEASURED[0].num_frames - 1}
    return content


def test_published_sequences_stand_beside_those_that_were_measured(tmp_path: Path) -> None:
    measured = [replace(MEASURED[0], sequence="A1"), MEASURED[1]]
    path = written(tmp_path, of_measured_length(dcvc_content()))
    found = read_published(path, "hevc-b", CLIPS, measured)
    (result,) = found.results  # b was not measured, c is not in the file
    assert (result.sequence, result.codec) == ("A1", "published (published)")
    assert [result.bpp(point) for point in result.points] == pytest.approx(BPP["a.yuv"], rel=1e-3)
    assert [point.score("psnr") for point in result.points] == list(PSNR["a.yuv"])
    assert not found.means


def test_published_means_are_curves(tmp_path: Path) -> None:
    found = read_published(written(tmp_path, compressai_content()), "hevc-b", CLIPS, MEASURED)
    curves = dict(found.means)
    assert list(curves) == ["psnr", "ms_ssim"]
    assert curves["psnr"].bpp == (0.124, 0.198, 0.307, 0.461)
    assert curves["ms_ssim"].scores[-1] == 0.975
    assert not found.results


def test_bitrates_of_videos_become_bits_per_pixel(tmp_path: Path) -> None:
    content = compressai_content(bpp=None, bitrate=[10.0, 20.0, 40.0, 80.0])
    found = read_published(written(tmp_path, content), "hevc-b", CLIPS, MEASURED)
    like = MEASURED[0]
    first = 10_000 / (like.width * like.height * Fraction(like.fps))
    assert dict(found.means)["psnr"].bpp[0] == pytest.approx(float(first))


def test_a_file_of_other_sequences_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, of_measured_length(dcvc_content()))
    with pytest.raises(FileFormatError, match="none of the sequences"):
        read_published(path, "hevc-b", CLIPS[1:], MEASURED[1:])
