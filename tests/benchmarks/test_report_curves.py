from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from benchmarks.report.curves import (
    Curve,
    CurveSet,
    average_curves,
    curve_of,
    curves_by_sequence,
    metrics_of,
)
from benchmarks.report.plots import draw_curves
from tests.benchmarks.report_results import make_result

PIXELS = 320 * 200 * 2


def test_curve_has_rates_of_the_files_and_means_over_frames() -> None:
    curve = curve_of(make_result(), "lpips")
    assert curve is not None
    assert curve.bpp == tuple(8 * size / PIXELS for size in (400, 800, 1600, 3200))
    assert curve.scores == pytest.approx((0.91, 0.81, 0.71, 0.61))


@pytest.mark.parametrize("changes", [{"error": "broken"}, {"points": ()}])
def test_failed_result_has_no_curve(changes: dict[str, object]) -> None:
    assert curve_of(make_result(**changes), "lpips") is None


def test_metric_that_no_point_has_gives_no_curve() -> None:
    assert curve_of(make_result(), "dists") is None


def test_average_is_over_points_of_one_index() -> None:
    results = [
        make_result(sequence="a", sizes=(400, 800)),
        make_result(sequence="b", sizes=(800, 3200)),
    ]
    average = average_curves(results, "lpips")
    (curve,) = average.mean.curves
    assert curve.bpp == pytest.approx((8 * 600 / PIXELS, 8 * 2000 / PIXELS))
    assert curve.scores == pytest.approx(((0.91 + 0.81) / 2, (0.81 + 0.61) / 2))
    assert average.sequences == ("a", "b")
    assert average.mean.title == "clips, mean of 2 sequences"
    assert not average.left_out


def test_average_leaves_out_a_sequence_that_one_codec_did_not_finish() -> None:
    results = [make_result(codec, name) for codec in ("x264", "x265") for name in ("a", "b", "c")]
    results[1] = make_result("x264", "b", error="truncated", points=())
    del results[5]  # x265 has not run c
    average = average_curves(results, "lpips")
    assert average.sequences == ("a",)
    assert average.mean.title == "clips/a"
    assert average.left_out == {"b": "not finished by x264", "c": "not finished by x265"}


def test_sequence_that_failed_everywhere_is_left_out() -> None:
    failed = [make_result(codec, "b", error="no such file") for codec in ("x264", "x265")]
    average = average_curves([make_result("x264", "a"), make_result("x265", "a"), *failed], "psnr")
    assert average.left_out == {"b": "not finished by any codec"}


def test_codec_that_finished_nothing_keeps_no_sequence_out() -> None:
    results = [make_result("x265", "a"), make_result("hm", "a", error="no binary", points=())]
    average = average_curves(results, "lpips")
    assert average.sequences == ("a",)
    assert average.left_out == {"hm": "finished no sequence"}


def test_codec_with_other_numbers_of_points_is_not_averaged() -> None:
    results = [
        make_result("x264", "a"),
        make_result("x264", "b"),
        make_result("x265", "a"),
        make_result("x265", "b", sizes=(400, 800, 1600)),
    ]
    average = average_curves(results, "lpips")
    assert [curve.codec for curve in average.mean.curves] == ["x264"]
    assert average.left_out == {"x265": "has 3 or 4 points, by sequence"}


def test_average_of_two_datasets_is_refused() -> None:
    with pytest.raises(ValueError, match="too many values"):
        average_curves([make_result(), make_result(dataset="uvg")], "lpips")


def test_curves_by_sequence_are_sorted() -> None:
    results = [make_result(c, s) for c, s in (("x265", "b"), ("x264", "b"), ("x265", "a"))]
    sets = curves_by_sequence(results, "psnr")
    assert [(s.title, [c.codec for c in s.curves]) for s in sets] == [
        ("clips/a", ["x265"]),
        ("clips/b", ["x264", "x265"]),
    ]


def test_metrics_are_those_with_scores_and_known() -> None:
    assert metrics_of([make_result()]) == ["psnr", "lpips"]
    point = make_result().points[0]
    strange = make_result(points=(type(point)(**{**vars(point), "per_frame": {"nix": [1.0]}}),))
    with pytest.raises(ValueError, match="nix"):
        metrics_of([strange])


def test_codec_looks_the_same_in_every_plot() -> None:
    def colours(codecs: tuple[str, ...]) -> set[tuple[int, ...]]:
        shown = tuple(Curve(codec, (0.01, 0.02), (30.0, 31.0)) for codec in codecs)
        png = draw_curves([("psnr", CurveSet("$t$", shown))], ["a", "b", "c"], None)
        pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).reshape(-1, 3)
        found, counts = np.unique(pixels, axis=0, return_counts=True)
        strong = found[(counts > 100) & (np.ptp(found.astype(int), axis=1) > 60)]
        return {tuple(colour) for colour in strong.tolist()}

    assert len(colours(("a", "b", "c"))) == 3
    assert colours(("b",)) < colours(("a", "b", "c"))
    assert colours(("b",)).isdisjoint(colours(("a", "c")))


def test_png_has_all_panels() -> None:
    curve = Curve("a", (0.01, 0.02), (30.0, 31.0))
    sizes = [
        Image.open(BytesIO(draw_curves([("psnr", CurveSet("t", (curve,)))] * n, ["a"], None))).size
        for n in (1, 2, 3)
    ]
    assert sizes[1][0] == 2 * sizes[0][0]
    assert sizes[2][1] > 1.8 * sizes[1][1]
    with pytest.raises(ValueError, match="nothing to plot"):
        draw_curves([], ["a"], None)
