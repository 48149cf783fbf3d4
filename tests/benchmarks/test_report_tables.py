from __future__ import annotations

import pytest

from benchmarks.datasets import dataset_names
from benchmarks.report.curves import Curve, CurveSet
from benchmarks.report.deltas import bd_overview, bd_rules, bd_table
from benchmarks.report.document import Table
from benchmarks.report.published import PRIOR, measured_datasets, not_measured_table
from benchmarks.report.result_tables import (
    failures_table,
    provenance_table,
    rates_table,
    settings_table,
)
from tests.benchmarks.report_results import PROVENANCE, make_result

RATES, SCORES = (0.01, 0.02, 0.04, 0.08), (30.0, 32.0, 34.0, 36.0)
ANCHOR = Curve("x265", RATES, SCORES)
HALF = Curve("half", tuple(rate / 2 for rate in RATES), SCORES)
FAR = Curve("far", RATES, tuple(score + 40 for score in SCORES))


def test_rates_table_repeats_the_results() -> None:
    table = rates_table([make_result(), make_result("x264", error="broken")], ["lpips", "psnr"])
    assert table.title == "bikes: 320x200, 2 frames, 25/1 fps"
    assert table.header == (
        *("codec", "setting", "bytes", "bpp", "LPIPS ↓", "PSNR dB ↑"),
        *("encode s", "decode s"),
    )
    assert table.rows[0] == (
        *("x265-ra", "crf 50", "400", "0.02500", "0.9100", "15.00"),
        *("1.2", "0.5"),
    )
    assert len(table.rows) == 8
    assert table.notes == ("x264: failed: broken",)


def test_rates_table_has_a_dash_where_there_is_no_score() -> None:
    assert rates_table([make_result()], ["dists"]).rows[0][4] == "-"


def test_failures_are_named_with_their_error() -> None:
    results = [
        make_result("x264", "a"),
        make_result("x264", "b", points=(), error="ValueError: truncated\nat byte 7"),
        make_result("x265", "b", points=()),
    ]
    table = failures_table(results)
    assert table is not None
    assert table.rows == (
        ("clips", "a", "x265", "not run"),
        ("clips", "b", "x264", "failed: ValueError: truncated\nat byte 7"),
        ("clips", "b", "x265", "has no points and no error"),
    )
    assert failures_table([make_result()]) is None


def test_settings_are_given_once_and_differences_say_where() -> None:
    results = [
        make_result("x265", "a", settings={"preset": "slow", "x": {"bframes": 4, "open": True}}),
        make_result("x265", "b", settings={"preset": "slow", "x": {"bframes": 5, "open": True}}),
    ]
    assert settings_table(results).rows == (
        ("x265", "preset", "slow"),
        ("x265", "x bframes", "4 (on clips/a)"),
        ("x265", "x bframes", "5 (on clips/b)"),
        ("x265", "x open", "true"),
    )


def test_provenance_counts_where_results_differ() -> None:
    results = [make_result("a"), make_result("b", provenance={**PROVENANCE, "commit": "fff"})]
    assert provenance_table(results).rows == (
        ("measured", "2026-01-02"),
        ("commit", "0123abc (1 of 2 results)"),
        ("commit", "fff (1 of 2 results)"),
        ("versions numpy", "9.9.9"),
    )


def test_table_refuses_a_row_of_another_length() -> None:
    with pytest.raises(ValueError, match="another length"):
        Table("t", ("a", "b"), (("1",),))


def test_bd_table_has_delta_and_overlaps() -> None:
    table = bd_table("t", [CurveSet("clips/a", (HALF, ANCHOR))], "x265", "psnr", None)
    row = table.rows[0]
    assert len(table.rows) == 1
    assert row[:4] == ("clips/a", "half", "-50.00 %", "+2.00 dB")
    assert row[4:6] == ("30.00 to 36.00", "0.0100 to 0.0400")


def test_bd_table_says_why_there_is_no_rate() -> None:
    table = bd_table("t", [CurveSet("clips/a", (FAR, ANCHOR))], "x265", "psnr", None)
    assert table.rows[0][2] == "N/A"
    assert table.rows[0][4] == "none"
    assert "overlap" in table.rows[0][6]


def test_bd_table_without_an_anchor_is_not_available() -> None:
    table = bd_table("t", [CurveSet("clips/a", (HALF,))], "x265", "psnr", None)
    assert table.rows[0][2:4] == ("N/A", "N/A")
    assert table.rows[0][6] == "x265 has no curve here"


def test_bd_table_is_over_the_range_of_rates() -> None:
    table = bd_table("t", [CurveSet("a", (HALF, ANCHOR))], "x265", "psnr", (0.015, 0.03))
    assert table.rows[0][5] == "0.0150 to 0.0300"
    assert "0.015 to 0.03 bpp" in bd_rules((0.015, 0.03))


def test_bd_overview_says_why_there_is_no_rate() -> None:
    means = {"psnr": [CurveSet("clips/a", (FAR, ANCHOR))]}
    row = bd_overview(means, ["far"], "x265", None).rows[0]
    assert row[2] == "N/A / +40.00 dB\nthe scores do not overlap"


def test_bd_overview_has_a_column_for_every_codec_but_the_anchor() -> None:
    means = {"psnr": [CurveSet("clips/a", (HALF, ANCHOR))]}
    table = bd_overview(means, ["half", "hm", "x265"], "x265", None)
    assert table.header == ("sequences", "metric", "half", "hm")
    assert table.rows == (
        ("clips/a", "PSNR", "-50.00 % / +2.00 dB\n30.00 to 36.00", "N/A\nno curve here"),
    )


def test_what_was_not_run_has_its_command() -> None:
    settings = {"prior": PRIOR}
    results = [
        make_result("a", dataset="hevc-b", settings=settings),
        *(make_result("a", str(k), dataset="hevc-e", settings=settings) for k in range(3)),
        make_result("a", dataset="hevc-c", settings=settings, error="no memory"),
        make_result("a", dataset="uvg", settings={"prior": "freegvc-small"}),
    ]
    rows = {
        row[0]: row[1:] for row in not_measured_table("Table I", measured_datasets(results)).rows
    }
    assert rows["Table I, HEVC B"][0] == "1 of 5 sequences above"
    assert rows["Table I, HEVC E"][0] == "measured above"
    common = "--dataset hevc-c --root ROOT --prior cogvideox-2b --metrics"
    assert rows["Table I, HEVC C"] == (
        "not measured here",
        f"python -m benchmarks table1 {common} ms_ssim lpips dists fid --device cuda --out OUT",
    )
    assert rows["Table III, HEVC C"] == (
        "not measured here",
        f"python -m benchmarks table3 {common} ms_ssim dists --device cuda --out OUT",
    )
    assert rows["Table I, UVG"][0] == "not measured here"
    assert len(rows) == 8


def test_datasets_of_the_commands_exist() -> None:
    rows = not_measured_table("Table I", {}).rows
    named = {row[2].split("--dataset ")[1].split()[0] for row in rows}
    assert named <= set(dataset_names())


@pytest.mark.parametrize(
    ("table", "dataset", "name"),
    [("Table II", "hevc-d", "Table II, HEVC D"), ("Table III", "hevc-c", "Table III, HEVC C")],
)
def test_a_report_of_another_table_says_that_it_was_measured(
    table: str, dataset: str, name: str
) -> None:
    rows = {row[0]: row[1] for row in not_measured_table(table, {dataset: 4}).rows}
    assert {key for key, said in rows.items() if said == "measured above"} == {name}
