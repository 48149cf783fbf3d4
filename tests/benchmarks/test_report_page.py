from __future__ import annotations

import random
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmarks.points import SequenceResult
from benchmarks.report.document import Code, Details, Document, Section, Table, Text, escape, render
from benchmarks.report.study_report import write_report
from tests.benchmarks.report_results import make_result, save_png

HOSTILE = '</title><script src="//x.y/z"></script><img src=x onerror="a()"> | `a` *b* $1$ &amp;'
_VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """What a browser would load, the tags, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.places: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action", "poster"):
                self.places.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def results() -> list[SequenceResult]:
    return [
        *(
            make_result(codec, name, loss=loss)
            for codec, loss in (("x264-ra", 1.1), ("x265-ra", 1.0), ("freegvc-small", 0.8))
            for name in ("bikes", "street")
        ),
        make_result("x264-ra", "broken", points=(), error="ValueError: file is too short"),
        make_result("x265-ra", "broken"),
        make_result("freegvc-small", "broken", loss=0.8),
    ]


def write(out: Path, found: Sequence[SequenceResult], **changes: object) -> Path:
    keywords: dict[str, object] = {
        "anchor": "x265-ra",
        "pictures": {"Worst frames": save_png(out.parent / "a picture.png")},
        "title": "Clips",
        "command": "python -m benchmarks table1 --dataset clips",
        "rate_range": (0.002, 0.05),
        "paper_table": "Table I",
    }
    write_report(found, out, **{**keywords, **changes})  # type: ignore[arg-type]
    return out


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report") / "out", results())


def test_report_writes_its_files_and_no_others(report: Path) -> None:
    names = sorted(path.name for path in report.iterdir())
    assert names == [
        *("rd_lpips.png", "rd_lpips_sequences.png", "rd_psnr.png", "rd_psnr_sequences.png"),
        *("report.html", "report.md"),
    ]


def test_page_has_no_external_resources(report: Path) -> None:
    page = Page((report / "report.html").read_text())
    assert not page.open
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "embed"})
    assert page.places
    for place in page.places:
        assert place.startswith(("#", "data:image/png;base64,"))
        if place.startswith("#"):
            assert place[1:] in page.ids
    assert len(page.ids) == len(set(page.ids))
    raw = (report / "report.html").read_text()
    assert "@import" not in raw
    assert raw.count("url(") == raw.count("url(#")


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_report_says_what_was_measured(report: Path, name: str) -> None:
    text = (report / name).read_text()
    if name.endswith("html"):
        text = Page(text).text
    for said in ("0.02500", "0.9100", "15.00", "file is too short", "not finished by x264-ra"):
        assert said in text
    for said in ("python -m benchmarks table1", "preset", "0123abc", "9.9.9", "2026-01-02"):
        assert said in text


def test_published_numbers_stand_in_a_section_of_their_own(report: Path) -> None:
    text = (report / "report.md").read_text()
    measured, published = text.split("## Published numbers\n")
    published = published.split("\n## ")[0]
    assert "not measured here" in published
    assert "Table I" in published
    assert "DCVC-RT" in published
    assert "DCVC-RT" not in measured


def test_markdown_names_plots_and_pictures_that_exist(report: Path) -> None:
    text = (report / "report.md").read_text()
    places = [part.split(")")[0] for part in text.split("](")[1:]]
    assert places == [
        *("rd_psnr.png", "rd_psnr_sequences.png", "rd_lpips.png", "rd_lpips_sequences.png"),
        "../a%20picture.png",
    ]


def test_same_results_give_the_same_bytes_in_any_order(report: Path, tmp_path: Path) -> None:
    shuffled = results()
    random.Random(5).shuffle(shuffled)
    again = write(tmp_path / "out", shuffled)
    for path in report.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    found = [
        make_result(HOSTILE, HOSTILE, dataset=HOSTILE, settings={HOSTILE: HOSTILE}),
        make_result("b", HOSTILE, dataset=HOSTILE, points=(), error=HOSTILE),
    ]
    pictures = {HOSTILE: save_png(tmp_path / "p.png")}
    out = write(
        tmp_path / "out", found, anchor=HOSTILE, title=HOSTILE, command=HOSTILE, pictures=pictures
    )
    page = Page((out / "report.html").read_text())
    assert "script" not in page.tags
    assert not page.handlers
    assert all(place.startswith(("#", "data:image/png")) for place in page.places)
    assert HOSTILE in page.text
    outside_code = (out / "report.md").read_text().split("```")
    for text in outside_code[::2]:
        assert "<script" not in text.replace("\\<", "")
        assert "<img" not in text.replace("\\<", "")


def test_all_failed_is_a_report_too(tmp_path: Path) -> None:
    found = [make_result("x265-ra", points=(), error="no memory")]
    out = write(tmp_path / "out", found, pictures={})
    assert "no memory" in (out / "report.md").read_text()
    assert not list(out.glob("*.png"))


def test_results_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for found, anchor, message in (
        ([], "x265-ra", "no results"),
        ([make_result()], "vvc", "anchor 'vvc'"),
        ([make_result(), make_result()], "x265-ra", "two results of x265-ra"),
        ([make_result("a"), make_result("b", width=64)], "a", r"\(64, 200, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            write(out, found, anchor=anchor)
    assert not out.exists()


def test_failed_report_leaves_the_older_one(tmp_path: Path) -> None:
    out = write(tmp_path / "out", [make_result()])
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (tmp_path / "no.png").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"no\.png is not a PNG"):
        write(out, [make_result(loss=0.5)], pictures={"x": tmp_path / "no.png"})
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a|b", "a\\|b"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# head\n\nnext", "\\# head next"),
        ("a_b <i> &lt; x*y", "a\\_b \\<i\\> \\&lt; x\\*y"),
    ],
)
def test_markdown_escapes(text: str, markdown: str) -> None:
    assert escape(text) == markdown


def test_markdown_code_survives_its_own_fence(tmp_path: Path) -> None:
    document = Document("t", (Section("s", (Code("a\n```\nb"),)),))
    assert "````\na\n```\nb\n````" in render(document, "report.md", tmp_path)


def test_details_are_folded_in_html_and_headed_in_markdown(tmp_path: Path) -> None:
    table = Table("t|t", ("h",), (("c|d",),), ("n",))
    document = Document("t", (Section("s", (Details("more", (Text("x"), table)),)),))
    markdown = "### more\n\nx\n\n**t\\|t**\n\n| h |\n| --- |\n| c\\|d |\n\nn"
    assert markdown in render(document, "report.md", tmp_path)
    assert "<details><summary>more</summary>\n<p>x</p>" in render(document, "report.html", tmp_path)


def test_sequences_without_a_common_codec_are_reported_each(tmp_path: Path) -> None:
    found = [make_result("x265-ra", "bikes"), make_result("x264-ra", "street")]
    text = (write(tmp_path / "out", found) / "report.md").read_text()
    assert "clips, mean of 0 sequences | LPIPS | N/A no curve here" in text
    assert "clips/street | x264-ra | N/A | N/A | none | none | x265-ra has no curve here" in text
    assert "Not in the averages of clips: bikes, not finished by x264-ra." in text
