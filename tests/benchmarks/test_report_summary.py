"""Medians, means and wins of Bjontegaard deltas over sequences."""

import pytest

from benchmarks.bjontegaard_delta import Delta
from benchmarks.report.curves import curves_by_sequence
from benchmarks.report.deltas import Deltas, deltas_of
from benchmarks.report.summary import BETTER, NOT_COMPARABLE, WORSE, bd_summary, judged, summary
from tests.benchmarks.report_results import make_result

NONE = Delta(None, None)


def deltas(rate=None, score=None, metric="lpips"):
    return Deltas(metric, Delta(rate, None), Delta(score, None))


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (deltas(-3.0, 0.1), BETTER),  # the rate decides where there is one
        (deltas(3.0, -0.1), WORSE),
        (deltas(None, -0.1), BETTER),
        (deltas(None, 0.1), WORSE),
        (deltas(None, 0.1, "psnr"), BETTER),
        (deltas(), NOT_COMPARABLE),
        (None, NOT_COMPARABLE),
    ],
)
def test_who_is_better_on_a_sequence(one, verdict):
    assert judged(one) == verdict


def test_one_bad_sequence_moves_the_mean_and_not_the_median():
    rates = (-40.0, -27.0, -27.0, 98.0)
    about = summary([*(deltas(rate) for rate in rates), deltas(None, 0.1), None])
    assert about.rates == rates
    assert (about.median, about.mean, about.wins) == ("-27.0 %", "+1.0 %", "3 of 5")
    assert about.not_comparable == 1
    assert summary([deltas(None, -0.2)]).median == "N/A"
    assert summary([]).wins == "0 of 0"


def test_the_table_has_a_row_for_each_codec_but_the_anchor():
    results = [
        make_result(codec, name, loss=loss)
        for codec, loss in (("x265-ra", 1.0), ("good", 0.8), ("bad", 1.1))
        for name in ("bikes", "street")
    ]
    sets = {"lpips": curves_by_sequence(results, "lpips")}
    table = bd_summary(sets, ["bad", "good", "x265-ra"], "x265-ra", None)
    assert [row[:2] for row in table.rows] == [("LPIPS", "bad"), ("LPIPS", "good")]
    values = [deltas_of(c, "x265-ra", "lpips", None)["good"].rate.value for c in sets["lpips"]]
    assert values[0] == values[1] < 0
    assert table.rows[1][2:] == (f"{values[0]:+.1f} %", f"{values[0]:+.1f} %", "2", "2 of 2")
    assert table.rows[0][5] == "0 of 2"
