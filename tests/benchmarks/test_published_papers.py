"""The transcribed numbers against the papers' own arithmetic and, where it is, their text."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.published import FOLDER, Number, Paper, load_published, read_paper
from benchmarks.published_tables import comparison_tables, paper_tables
from benchmarks.report.document import Document
from benchmarks.report.markdown import render_markdown
from benchmarks.report.not_measured import published_section
from benchmarks.strict_json import FileFormatError

TEXTS = Path(__file__).parents[3] / "shared" / "papers"
FREE_GVC, GLVC, GNVC_VD, VIDEO_VAE = PAPERS = load_published()
SIX = ("hevc-b", "hevc-c", "hevc-d", "hevc-e", "uvg", "mcl-jcv")
CODECS = ("HEVC", "VVC", "DCVC-FM", "DCVC-RT", "GLC-Video", "Free-GVC")


def pick(paper: Paper, table: str, **wanted: str) -> list[Number]:
    return [
        number
        for number in paper.table(table).numbers
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
    numbers = FREE_GVC.table("Table I").numbers
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
    list(zip(PAPERS, ("free-gvc", "glvc", "gnvc-vd", "video-vae-codec"), strict=True)),
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
    assert [paper.key for paper in PAPERS] == ["free-gvc", "glvc", "gnvc-vd", "video-vae"]
    for paper in PAPERS:
        assert paper.comparable
        assert paper.not_comparable
    # GNVC-VD's LPIPS is of another network, and the others do not say of which
    assert not pick(GNVC_VD, "Table 3", metric="lpips")
    assert not pick(GLVC, "Table 4", metric="lpips")


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
    text = render_markdown(Document("Report", (section,)), Path())
    assert "None was measured here" in text
    assert "| Free-GVC | Free-GVC | DCVC-RT | Table I | -95.32 |" in text
    for paper in PAPERS:
        assert f"\n### {paper.system}\n\n{paper.citation}." in text


GOOD = FOLDER / "glvc.json"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("key",), 1, "key is not as it should be"),
        (("protocol", "colour"), "", "colour is not as it should be"),
        (("comparable",), "all", "comparable is not"),
        (("tables",), {}, "tables is not"),
        (("tables", 1, "number"), "Table 1", "tables is not"),
        (("tables", 0, "subject"), "thing", "subject is not"),
        (("tables", 0, "groups", 0, "metric"), "vmaf", "metric 'vmaf'"),
        (("tables", 0, "groups", 0, "quantity"), "BD", "quantity 'BD'"),
        (("tables", 0, "groups", 0, "unit"), "", "unit"),
        (("tables", 0, "groups", 0, "anchor"), None, "anchor"),
        (("tables", 0, "groups", 0, "values"), {"kodak": {"GLVC": 1}}, "dataset 'kodak'"),
        (("tables", 0, "groups", 0, "values"), {"uvg": {}}, "uvg is not"),
        (("tables", 0, "groups", 0, "values"), {"uvg": {"GLVC": "1"}}, "GLVC is not"),
        (("tables", 0, "groups", 0, "values"), {"uvg": {"GLVC": True}}, "GLVC is not"),
        (("tables", 0, "groups", 0, "values"), {"uvg": {"GLVC": [1]}}, "GLVC is not"),
        (("tables", 3, "groups", 0, "values"), {"uvg": {"GLVC": None}}, "no note explains"),
        (("tables", 0, "extra"), 1, "extra"),
    ],
)
def test_malformed_papers_are_refused(
    tmp_path: Path, place: tuple[str | int, ...], value: Any, message: str
) -> None:
    content = json.loads(GOOD.read_text(encoding="utf-8"))
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path = tmp_path / "paper.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileFormatError, match=re.escape(message)) as error:
        read_paper(path)
    assert str(path) in str(error.value)


def test_a_number_twice_is_refused(tmp_path: Path) -> None:
    content = json.loads(GOOD.read_text(encoding="utf-8"))
    content["tables"][0]["groups"] *= 2
    (tmp_path / "paper.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileFormatError, match="a number twice"):
        read_paper(tmp_path / "paper.json")


def test_what_could_not_be_read_is_said_so(tmp_path: Path) -> None:
    content = json.loads(GOOD.read_text(encoding="utf-8"))
    content["tables"][0]["groups"][0]["values"]["hevc-b"]["final model"] = None
    (tmp_path / "paper.json").write_text(json.dumps(content), encoding="utf-8")
    paper = read_paper(tmp_path / "paper.json")
    assert paper.table("Table 1").numbers[0].absent == "illegible"
    assert "illegible" in paper_tables(paper)[0].rows[0]


def test_a_folder_without_the_paper_itself_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    text = GOOD.read_text(encoding="utf-8")
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError, match="free-gvc among them"):
        load_published(tmp_path)
    for name in ("b.json", "c.json"):
        free = (FOLDER / "free_gvc.json").read_text(encoding="utf-8")
        (tmp_path / name).write_text(free, encoding="utf-8")
    with pytest.raises(FileFormatError, match="each paper once"):
        load_published(tmp_path)


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="Table IX"):
        FREE_GVC.table("Table IX")
