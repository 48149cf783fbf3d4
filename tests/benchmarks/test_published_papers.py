"""The transcribed numbers against the papers' own arithmetic and, where it is, their text."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.published import (
    DATASETS,
    FOLDER,
    ILLEGIBLE,
    METRICS,
    PROTOCOL,
    Number,
    Paper,
    PublishedTable,
    load_published,
)
from benchmarks.report.document import Document, render
from benchmarks.report.published import comparison_tables, paper_tables, published_section

TEXTS = Path(__file__).parents[3] / "shared" / "papers"
FREE_GVC, DIFFVC_RT, GLVC, GNVC_VD, GVCC, VIDEO_VAE = PAPERS = load_published()
SIX = ("hevc-b", "hevc-c", "hevc-d", "hevc-e", "uvg", "mcl-jcv")
CODECS = ("HEVC", "VVC", "DCVC-FM", "DCVC-RT", "GLC-Video", "Free-GVC")


def table_of(paper: Paper, number: str) -> PublishedTable:
    (table,) = [table for table in paper.tables if table.number == number]
    return table


def pick(paper: Paper, table: str, **wanted: str) -> list[Number]:
    return [
        number
        for number in table_of(paper, table).numbers
        if all(getattr(number, name) == value for name, value in wanted.items())
    ]


def values(paper: Paper, table: str, **wanted: str) -> list[float]:
    found = [number.value for number in pick(paper, table, **wanted)]
    assert found
    return [value for value in found if value is not None]


def text_of(name: str) -> str:
    path = TEXTS / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"the papers' texts are not here: {path}")
    return path.read_text(encoding="utf-8")


def test_table_1_is_whole() -> None:
    numbers = table_of(FREE_GVC, "Table I").numbers
    assert len(numbers) == 6 * 4 * 6 * 2
    assert {number.anchor for number in numbers} == {"DCVC-RT"}
    assert Counter(number.subject for number in numbers) == dict.fromkeys(CODECS, 48)
    assert Counter(number.dataset for number in numbers) == dict.fromkeys(SIX, 48)
    missing = [number for number in numbers if number.value is None]
    assert all(number.absent == "N/A" and number.subject == "GLC-Video" for number in missing)
    assert Counter(number.metric for number in missing) == {"ms_ssim": 6, "fid": 2}
    assert {number.quantity for number in missing} == {"BD-rate"}
    assert not any(values(FREE_GVC, "Table I", subject="DCVC-RT"))


def test_averages_that_the_papers_print() -> None:
    ours = values(FREE_GVC, "Table I", subject="Free-GVC", metric="dists", quantity="BD-rate")
    assert np.mean(ours) == pytest.approx(values(FREE_GVC, "Abstract")[0], abs=0.005)
    for codec, metric, printed in (  # Appendix A.3
        ("GLVC", "dists", -91.5),
        ("GLVC", "lpips_unsaid", -89.4),
        ("PLVC", "dists", -66.6),
        ("GLC-Video", "dists", -71.7),
    ):
        mean = np.mean(values(GLVC, "Table 4", subject=codec, metric=metric))
        assert mean == pytest.approx(printed, abs=0.05)


def test_gnvc_vd_averages_of_table_5_are_those_of_its_sequences_and_of_table_2() -> None:
    for metric, digits in (("bpp", 1e-4), ("e_warp_raft", 0.011), ("clip_f", 1.1e-3)):
        for codec in ("HEVC", "VVC", "DCVC-FM", "DCVC-RT", "GLC-Video", "GNVC-VD"):
            rows = pick(GNVC_VD, "Table 5", metric=metric, subject=codec)
            each = [n.value for n in rows if n.dataset != "hevc-b" and n.value is not None]
            (average,) = (n.value for n in rows if n.dataset == "hevc-b")
            assert len(each) == 5
            assert average == pytest.approx(np.mean(each), abs=digits), (codec, metric)
            if metric != "bpp":
                (short,) = values(GNVC_VD, "Table 2", metric=metric, subject=codec)
                assert average == pytest.approx(short, abs=0.08 if metric != "clip_f" else 0)


def test_speeds_of_table_3_are_the_inverse_of_its_seconds() -> None:
    for stages, speed in (
        (("vae_encoding", "encoder_diffusion", "encoder_channel_coding"), "encoding_speed"),
        (
            (*("decoder_diffusion", "decoder_channel_coding", "decoder_denoising"), "vae_decoding"),
            "decoding_speed",
        ),
    ):
        for step in (50, 100, 200, 300, 400, 500):
            name = f"timestep {step}"
            seconds = [values(FREE_GVC, "Table III", metric=s, subject=name)[0] for s in stages]
            (fps,) = values(FREE_GVC, "Table III", metric=speed, subject=name)
            assert 1 / sum(seconds) == pytest.approx(fps, rel=0.01)


def test_parameters_of_gnvc_vd_add_up() -> None:
    *parts, total = values(GNVC_VD, "Table 6")
    assert sum(parts) == pytest.approx(total)


def test_bd_rates_and_bd_metrics_agree_in_direction() -> None:
    # fewer bits at equal score goes with a better score at equal rate, but for curves that cross
    crossing = set()
    for rate in pick(FREE_GVC, "Table I", quantity="BD-rate"):
        same = {"subject": rate.subject, "dataset": rate.dataset, "metric": rate.metric}
        (score,) = values(FREE_GVC, "Table I", quantity="BD-metric", **same)
        better = score if rate.metric == "ms_ssim" else -score
        if rate.value is not None and rate.value * better > 0:
            crossing.add((rate.subject, rate.dataset, rate.metric))
    assert crossing == set()


def test_table_1_is_the_text_of_the_paper() -> None:
    lines = text_of("free-gvc").split("\n")
    start = next(k for k, line in enumerate(lines) if line.startswith("HEVC B\tMS-SSIM"))
    names = {"MS-SSIM": "ms_ssim", "LPIPS": "lpips", "DISTS": "dists", "FID": "fid"}
    for k, line in enumerate(lines[start : start + 24]):
        dataset, metric, *cells = line.split("\t")
        assert bool(dataset) == (k % 4 == 0)
        same = {"dataset": SIX[k // 4], "metric": names[metric.split()[0]]}
        rates = pick(FREE_GVC, "Table I", quantity="BD-rate", **same)
        scores = pick(FREE_GVC, "Table I", quantity="BD-metric", **same)
        printed = [cell.split(" / ") for cell in cells]
        assert [n.absent or n.value for n in rates] == [
            rate if rate == "N/A" else float(rate) for rate, _ in printed
        ]
        assert [n.value for n in scores] == [float(score) for _, score in printed]


@pytest.mark.parametrize(
    ("paper", "name"),
    [
        (FREE_GVC, "free-gvc"),
        (GLVC, "glvc"),
        (GNVC_VD, "gnvc-vd"),
        (VIDEO_VAE, "video-vae-codec"),
    ],
)
def test_every_number_stands_in_the_text_of_its_paper(paper: Paper, name: str) -> None:
    text = re.sub(r"</?[a-z]+>|\*", "", text_of(name)).replace("−", "-")
    printed = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)}
    for table in paper.tables:
        for number in table.numbers:
            if number.value is not None:
                # where a text saves 94.7 %, the BD-rate is -94.7
                told = {number.value} if "Table" in table.number else {-number.value}
                assert printed & told, (table.number, number)


def test_papers_say_their_protocol() -> None:
    keys = [paper.key for paper in PAPERS]
    assert keys == ["free-gvc", "diffvc-rt", "glvc", "gnvc-vd", "gvcc", "video-vae"]
    for paper in PAPERS:
        assert paper.comparable
        assert paper.not_comparable
    # GNVC-VD's LPIPS is of another network, and the others do not name theirs
    assert not pick(GNVC_VD, "Table 3", metric="lpips")
    assert not pick(GLVC, "Table 4", metric="lpips")


def test_what_was_read_from_an_abstract_alone_says_so() -> None:
    abstract = (
        "DiffVC-RT achieves 80.1% bitrate savings in terms of LPIPS over VTM-17.0 on HEVC dataset "
        "with real-time encoding and decoding speeds of 206 / 30 fps for 720p videos"
    )
    for number in table_of(DIFFVC_RT, "Abstract").numbers:
        assert f"{abs(number.value or 0):g}" in abstract
    assert pick(DIFFVC_RT, "Abstract", quantity="BD-rate")[0].anchor == "VTM-17.0"
    assert GVCC.tables == ()
    for paper in (DIFFVC_RT, GVCC):
        assert "read from its abstract alone" in paper.citation


def test_comparison_tables_hold_every_bd_rate_of_a_codec_once() -> None:
    tables = comparison_tables(PAPERS)
    cells = [cell for table in tables for row in table.rows for cell in row[4:] if cell]
    numbers = [
        number
        for paper in PAPERS
        for table in paper.tables
        for number in table.numbers
        if table.subject == "codec" and number.quantity == "BD-rate"
    ]
    assert len(cells) == len(numbers)
    dists = tables[0]
    assert dists.header[:5] == ("codec", "paper", "anchor", "where", "HEVC B")
    assert ("Free-GVC", "Free-GVC", "DCVC-RT", "Table I", "-95.32", "-95.26") in {
        row[:6] for row in dists.rows
    }
    assert ("GLVC", "GLVC", "DCVC-RT", "Section 5.2") in {row[:4] for row in dists.rows}
    assert any("printed so" in note for note in dists.notes)


def test_papers_tables_repeat_the_paper() -> None:
    table = paper_tables(FREE_GVC)[0]
    assert table.header == ("dataset", "metric", "quantity", "anchor", *CODECS)
    assert len(table.rows) == 48
    assert table.rows[0] == (
        *("HEVC B", "MS-SSIM", "BD-rate, %", "DCVC-RT"),
        *("+102.24", "+32.74", "+8.24", "0", "N/A", "+50.47"),
    )
    assert [row[0] for row in table.rows[:9]] == ["HEVC B"] * 8 + ["HEVC C"]


def test_a_report_says_that_nothing_of_papers_was_measured_here() -> None:
    section = published_section("Table I", {})
    text = render(Document("Report", (section,)), "report.md", Path())
    assert "None was measured here" in text
    assert "| Free-GVC | Free-GVC | DCVC-RT | Table I | -95.32 |" in text
    for paper in PAPERS:
        assert f"\n### {paper.system}\n\n{paper.citation}." in text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_files_hold_what_they_should_and_no_number_twice(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert sorted(content["protocol"]) == sorted(PROTOCOL)
    assert len({table["number"] for table in content["tables"]}) == len(content["tables"])
    for group in (group for table in content["tables"] for group in table["groups"]):
        assert group["metric"] in METRICS
        assert group["quantity"] in ("BD-rate", "BD-metric", "value")
        assert (group["quantity"] == "BD-rate") == (group["unit"] == "%")
        assert (group["quantity"] == "value") == (group["anchor"] is None)
        for dataset, values in group["values"].items():
            assert dataset.split("/")[0] in DATASETS
            assert all(v in (None, "N/A", "-") or type(v) in (int, float) for v in values.values())
    (paper,) = (paper for paper in PAPERS if paper.key == content["key"])
    for table in paper.tables:
        known = {(n.subject, n.dataset, n.metric, n.quantity, n.anchor) for n in table.numbers}
        assert len(known) == len(table.numbers)
        # a note says why a number could not be read
        assert table.notes or ILLEGIBLE not in {number.absent for number in table.numbers}
