from __future__ import annotations

import bjontegaard
import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator

from benchmarks.bjontegaard_delta import bd_metric, bd_rate
from benchmarks.rate_curve import Curve

RATES = (0.003, 0.006, 0.014, 0.03, 0.05)
LPIPS: Curve = tuple(zip(RATES, (0.42, 0.33, 0.24, 0.17, 0.13), strict=True))
BETTER: Curve = tuple(zip(RATES, (0.36, 0.28, 0.19, 0.15, 0.12), strict=True))
# Two rows of the spreadsheet of JCTVC-E137 (kbit/s, PSNR; BD-rate in per cent), as quoted with all
# digits in github.com/Netflix/vmaf, python/test/bd_rate_calculator_test.py. Spreadsheets of JCT-VC
# interpolate by PCHIP.
E137: tuple[tuple[Curve, Curve, float], ...] = (
    (
        ((108048.8736, 43.6471), (61279.976, 40.3953), (33905.6656, 37.247), (18883.6928, 34.2911)),
        (
            (108061.2784, 43.6768),
            (61299.9936, 40.4232),
            (33928.7472, 37.2761),
            (18910.912, 34.3147),
        ),
        -0.465215420752807,
    ),
    (
        ((40433.8848, 37.5761), (7622.7456, 35.3756), (2394.488, 33.8977), (1017.6184, 32.0603)),
        ((40370.12, 37.5982), (7587.0024, 35.4025), (2390.0944, 33.9194), (1017.0984, 32.0822)),
        -1.8779823450567612,
    ),
)
# Measured curves that the package's README works through (x265, kbit/s, PSNR).
X265: Curve = ((9487.76, 40.037), (4593.60, 38.615), (2486.44, 36.845), (1358.24, 34.851))
X265_SLOWER: Curve = ((9787.80, 40.121), (4469.00, 38.651), (2451.52, 36.970), (1356.24, 34.987))


def scaled(curve: Curve, rate: float = 1, score: float = 0) -> Curve:
    return [(bpp * rate, value + score) for bpp, value in curve]


def reference_bd_rate(anchor: Curve, test: Curve, low: float, high: float) -> float:
    """Per cent, over scores from low to high: Akima's splines as such, integrated exactly."""
    areas = []
    for curve in (anchor, test):
        by_score = np.array(sorted((score, np.log(bpp)) for bpp, score in curve))
        area = Akima1DInterpolator(by_score[:, 0], by_score[:, 1]).antiderivative()
        areas.append(float(area(high) - area(low)))
    return 100 * float(np.expm1((areas[1] - areas[0]) / (high - low)))


def reference_bd_metric(anchor: Curve, test: Curve, low: float, high: float) -> float:
    """Score, over bpp from low to high."""
    areas = []
    for curve in (anchor, test):
        by_rate = np.array(sorted((np.log(bpp), score) for bpp, score in curve))
        area = Akima1DInterpolator(by_rate[:, 0], by_rate[:, 1]).antiderivative()
        areas.append(float(area(np.log(high)) - area(np.log(low))))
    return float((areas[1] - areas[0]) / np.log(high / low))


@pytest.mark.parametrize(("anchor", "test", "published"), E137)
def test_published_numbers_of_jctvc_e137(anchor: Curve, test: Curve, published: float) -> None:
    found = bd_rate(anchor, test, higher_is_better=True, interpolation="pchip")
    assert found.value == pytest.approx(published, abs=1e-9)
    akima = bd_rate(anchor, test, higher_is_better=True)
    assert akima.value == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize(("anchor", "test"), [row[:2] for row in E137] + [(X265, X265_SLOWER)])
def test_agrees_with_the_package_where_nothing_is_left_out(anchor: Curve, test: Curve) -> None:
    columns = (*zip(*anchor, strict=True), *zip(*test, strict=True))
    rate = bjontegaard.bd_rate(*columns, method="akima")
    score = bjontegaard.bd_psnr(*columns, method="akima")
    assert bd_rate(anchor, test, higher_is_better=True).value == pytest.approx(rate, rel=1e-12)
    assert bd_metric(anchor, test, higher_is_better=True).value == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize("rate_range", [None, (0.0035, 0.035)])
def test_agrees_with_a_reference_of_its_own(rate_range: tuple[float, float] | None) -> None:
    rate = bd_rate(LPIPS, BETTER, higher_is_better=False, rate_range=rate_range)
    assert rate.overlap is not None
    assert rate.value == pytest.approx(
        reference_bd_rate(LPIPS, BETTER, rate.overlap.low, rate.overlap.high), rel=1e-4
    )
    score = bd_metric(LPIPS, BETTER, higher_is_better=False, rate_range=rate_range)
    low, high = rate_range or (0.003, 0.05)
    assert score.value == pytest.approx(reference_bd_metric(LPIPS, BETTER, low, high), rel=1e-4)
    assert rate.value is not None
    assert rate.value < 0
    assert score.value is not None
    assert score.value < 0


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize(("factor", "percent"), [(2.0, 100.0), (0.5, -50.0)])
def test_a_factor_in_rate_is_that_many_per_cent(
    higher_is_better: bool, factor: float, percent: float
) -> None:
    curve = X265 if higher_is_better else LPIPS
    found = bd_rate(curve, scaled(curve, rate=factor), higher_is_better=higher_is_better)
    assert found.value == pytest.approx(percent, rel=1e-12)
    assert found.overlap is not None
    assert found.overlap.fraction == 1
    scores = [score for _, score in curve]
    assert (found.overlap.low, found.overlap.high) == (min(scores), max(scores))
    assert found.remarks == ()


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_shift_in_score_is_the_bd_metric_with_its_sign(higher_is_better: bool) -> None:
    curve = X265 if higher_is_better else LPIPS
    found = bd_metric(curve, scaled(curve, score=-0.01), higher_is_better=higher_is_better)
    assert found.value == pytest.approx(-0.01, rel=1e-9)
    assert found.overlap is not None
    rates = [bpp for bpp, _ in curve]
    assert found.overlap.low == pytest.approx(min(rates))
    assert found.overlap.high == pytest.approx(max(rates))


def test_closed_form_over_a_range_of_rates() -> None:
    # score = 10 log10(rate) and 20 log10(rate): straight lines, which Akima's splines keep
    rates = (0.001, 0.01, 0.1, 1.0, 10.0)
    anchor = [(r, 10 * float(np.log10(r))) for r in rates]
    test = [(r, 20 * float(np.log10(r))) for r in rates]
    score = bd_metric(anchor, test, higher_is_better=True, rate_range=(0.1, 1.0))
    assert score.value == pytest.approx(-5)  # the mean of 10 x over x from -1 to 0
    rate = bd_rate(anchor, test, higher_is_better=True, rate_range=(0.1, 1.0))
    # scores from -10 to 0 and -20 to 0: log rate differs by -s/20, whose mean is 0.25
    assert rate.overlap is not None
    assert (rate.overlap.low, rate.overlap.high) == pytest.approx((-10, 0))
    assert rate.value == pytest.approx(100 * (10**0.25 - 1))


def test_a_range_counts_only_what_is_inside_it() -> None:
    # the same curve below 0.01 bpp, half the rate above: the upper part must not be seen
    lower = [(0.001, 40.0), (0.002, 35.0), (0.004, 30.0), (0.008, 25.0)]
    anchor = [*lower, (0.1, 15.0), (0.2, 12.0), (0.4, 10.0)]
    test = [*lower, (0.05, 15.0), (0.1, 12.0), (0.2, 10.0)]
    whole = bd_rate(anchor, test, higher_is_better=False)
    part = bd_rate(anchor, test, higher_is_better=False, rate_range=(0.001, 0.004))
    assert whole.value is not None
    assert whole.value < -10
    assert part.value == pytest.approx(0, abs=0.1)
    assert part.overlap is not None
    assert (part.overlap.low, part.overlap.high) == pytest.approx((30, 40))


def test_scores_apart_are_not_available_but_have_a_bd_metric() -> None:
    # as in the paper's Table I: "N/A / -0.0963"
    far = scaled(LPIPS, score=-0.4)
    rate = bd_rate(LPIPS, far, higher_is_better=False)
    assert rate.value is None
    assert rate.overlap is None
    assert rate.remarks == ("the scores do not overlap",)
    assert bd_metric(LPIPS, far, higher_is_better=False).value == pytest.approx(-0.4)


def test_rates_apart_are_not_available_but_have_a_bd_rate() -> None:
    far = scaled(LPIPS, rate=0.01)
    score = bd_metric(LPIPS, far, higher_is_better=False)
    assert (score.value, score.overlap) == (None, None)
    assert score.remarks == ("the rates do not overlap",)
    assert bd_rate(LPIPS, far, higher_is_better=False).value == pytest.approx(-99)


def test_a_sliver_of_overlap_is_not_available_and_its_size_is_reported() -> None:
    touching = scaled(LPIPS, score=-0.28)  # 0.01 of 0.29 in common
    found = bd_rate(LPIPS, touching, higher_is_better=False)
    assert found.value is None
    assert found.overlap is not None
    assert found.overlap.fraction == pytest.approx(0.01 / 0.29)
    assert (found.overlap.low, found.overlap.high) == pytest.approx((0.13, 0.14))
    assert found.remarks == ("the scores overlap by 3.4 % of the narrower curve, less than 10 %",)
    wider = scaled(LPIPS, score=-0.22)  # 0.07 of 0.29
    assert bd_rate(LPIPS, wider, higher_is_better=False, min_overlap=0.25).value is None
    assert bd_rate(LPIPS, wider, higher_is_better=False, min_overlap=0.20).value is not None


def test_a_range_that_hardly_touches_a_curve_is_not_available() -> None:
    # of the anchor 0.0299 to 0.03 bpp are in the range: all of that, and next to nothing
    anchor = [(0.0299 * 2**k, 30.0 + 3 * k) for k in range(4)]
    test = [(0.005 * 2**k, 26.0 + 3 * k) for k in range(5)]
    found = bd_rate(anchor, test, higher_is_better=True, rate_range=(0.003, 0.03))
    assert found.value is None
    assert "% of the narrower curve" in found.remarks[0]


def test_what_is_only_interpolated_is_not_available() -> None:
    anchor = [(0.001 * 10**k, 30.0 + 10 * k) for k in range(4)]
    test = [(0.002 * 10**k, 33.0 + 10 * k) for k in range(4)]
    found = bd_rate(anchor, test, higher_is_better=True, rate_range=(0.0018, 0.012))
    assert found.value is None
    assert found.remarks == ("2 points lie in the overlap, fewer than 3",)


def test_the_overlap_is_a_fraction_of_the_narrower_curve() -> None:
    narrow = [(0.004, 0.30), (0.005, 0.29), (0.006, 0.28), (0.007, 0.27)]
    found = bd_rate(LPIPS, narrow, higher_is_better=False)
    assert found.overlap is not None
    assert found.overlap.fraction == 1
    assert found.value is not None


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_points_that_get_worse_are_named_and_not_dropped(higher_is_better: bool) -> None:
    sign = 1 if higher_is_better else -1
    good = [(0.01, sign * 1.0), (0.02, sign * 2.0), (0.04, sign * 3.0), (0.08, sign * 4.0)]
    bad = [(0.01, sign * 1.0), (0.02, sign * 2.0), (0.03, sign * 1.5), (0.08, sign * 1.5)]
    rate = bd_rate(good, bad, higher_is_better=higher_is_better)
    assert rate.value is None
    assert rate.overlap is not None
    assert rate.remarks == (
        f"the tested curve does not get better from 0.02 to 0.03 bpp ({sign * 2} to {1.5 * sign})",
        "the tested curve does not get better from 0.03 to 0.08 bpp "
        f"({1.5 * sign} to {1.5 * sign})",
    )
    score = bd_metric(bad, good, higher_is_better=higher_is_better)
    assert score.value is not None
    assert len(score.remarks) == 2
    assert score.remarks[0].startswith("the anchor does not get better from 0.02 to 0.03 bpp")


def test_two_points_at_one_rate_are_named() -> None:
    doubled = [*LPIPS, (0.03, 0.16)]
    for compare in (bd_rate, bd_metric):
        found = compare(LPIPS, doubled, higher_is_better=False)
        assert found.value is None
        assert "the tested curve has two points at 0.03 bpp" in found.remarks


def test_too_few_points_are_not_available() -> None:
    for compare in (bd_rate, bd_metric):
        found = compare(LPIPS, LPIPS[:3], higher_is_better=False)
        assert found.value is None
        assert found.remarks == ("the tested curve has 3 points, fewer than 4",)
        few = compare(LPIPS, LPIPS[:3], higher_is_better=False, min_points=3)
        assert few.value == pytest.approx(0, abs=1)
        assert compare(LPIPS, [], higher_is_better=False).value is None


def test_a_range_that_a_curve_does_not_reach_is_not_available() -> None:
    for compare in (bd_rate, bd_metric):
        found = compare(LPIPS, BETTER, higher_is_better=False, rate_range=(0.1, 0.2))
        assert (found.value, found.overlap) == (None, None)
        assert found.remarks == ("a curve has no part in the range of rates",)


def test_the_order_of_points_does_not_matter() -> None:
    for compare in (bd_rate, bd_metric):
        forth = compare(LPIPS, BETTER, higher_is_better=False)
        assert compare(LPIPS[::-1], BETTER[::-1], higher_is_better=False) == forth


@pytest.mark.parametrize(
    "point", [(0.0, 0.5), (-1.0, 0.5), (0.1, float("nan")), (0.1, float("inf"))]
)
def test_impossible_points_are_refused(point: tuple[float, float]) -> None:
    for compare in (bd_rate, bd_metric):
        with pytest.raises(ValueError, match="the tested curve has"):
            compare(LPIPS, [*LPIPS, point], higher_is_better=False)


def test_an_empty_range_is_refused() -> None:
    for compare in (bd_rate, bd_metric):
        with pytest.raises(ValueError, match="is not a range of rates"):
            compare(LPIPS, BETTER, higher_is_better=False, rate_range=(0.03, 0.003))


@pytest.mark.parametrize(("knee", "falls_back"), [(34.0, False), (35.6, True), (35.9, True)])
def test_a_spline_that_leaves_the_measured_rates_is_replaced(knee, falls_back):
    """A curve that saturates: Akima's spline swings to rates that were never coded."""
    anchor = [(0.005, 30.0), (0.01, 32.0), (0.02, 34.0), (0.04, 36.0)]
    tested = [(0.005, 30.0), (0.01, knee), (0.02, (knee + 36) / 2), (0.04, 36.0)]
    delta = bd_rate(anchor, tested, higher_is_better=True)
    scores = np.linspace(30.0, 36.0, 6001)
    logs = [
        np.interp(scores, [q for _, q in c], np.log10([r for r, _ in c])) for c in (anchor, tested)
    ]
    assert delta.value >= 100 * (10 ** (logs[1] - logs[0]).min() - 1)
    assert any("pchip instead" in remark for remark in delta.remarks) == falls_back
    if falls_back:
        pchip = bd_rate(anchor, tested, higher_is_better=True, interpolation="pchip")
        assert delta.value == pytest.approx(pchip.value)


LONG: Curve = ((0.001, 0.60), (0.002, 0.50), *LPIPS)  # goes on below the other curve's scores


@pytest.mark.parametrize(("wobble", "num_left_out"), [(0.50, 2), (0.55, 0), (0.61, 1)])
def test_a_wobble_outside_the_overlap_does_not_matter(wobble: float, num_left_out: int) -> None:
    wobbling: Curve = (LONG[0], (0.0015, wobble), *LONG[1:])
    result = bd_rate(wobbling, BETTER, higher_is_better=False)
    assert result.value is not None
    assert result == bd_rate(wobbling[num_left_out:], BETTER, higher_is_better=False)
    opposite = bd_rate(BETTER, wobbling, higher_is_better=False)
    assert (1 + result.value / 100) * (1 + (opposite.value or 0) / 100) == pytest.approx(1)


def test_a_wobble_within_the_overlap_is_no_rate() -> None:
    wobbling: Curve = (*LONG[:4], (0.01, 0.34), *LONG[4:])
    result = bd_rate(wobbling, BETTER, higher_is_better=False)
    assert result.value is None
    assert "the anchor does not get better from 0.006 to 0.01 bpp (0.33 to 0.34)" in result.remarks
    assert bd_metric(wobbling, BETTER, higher_is_better=False).value is not None


def test_a_curve_that_comes_back_to_the_overlap_is_no_rate() -> None:
    back: Curve = ((0.0005, 0.2), *LONG)  # better at the lowest rate than at the next
    result = bd_rate(back, BETTER, higher_is_better=False)
    assert result.value is None
    assert "from 0.0005 to 0.001 bpp (0.2 to 0.6)" in result.remarks[0]
    cut = bd_rate(back, BETTER, higher_is_better=False, rate_range=(0.001, 0.05))
    assert cut == bd_rate(LONG, BETTER, higher_is_better=False, rate_range=(0.001, 0.05))


def test_what_is_left_of_a_curve_must_still_have_enough_points() -> None:
    short: Curve = ((0.001, 0.42), *LPIPS[:3])
    result = bd_rate(short, BETTER, higher_is_better=False)
    assert result.value is None
    assert result.remarks == ("the anchor has 3 points without 1 beyond a wobble, fewer than 4",)
    assert bd_rate(((0.001, 0.43), *short[1:]), BETTER, higher_is_better=False).value is not None


def test_the_metric_says_only_what_is_wrong_within_its_rates() -> None:
    early: Curve = ((0.0005, 0.59), *LONG)
    result = bd_metric(early, BETTER, higher_is_better=False)
    assert result.remarks == ()
    assert result.value == pytest.approx(bd_metric(LONG, BETTER, higher_is_better=False).value)
