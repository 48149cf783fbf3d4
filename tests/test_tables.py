"""Tables in README and docs say what the committed results say."""

import pytest

from benchmarks.doc_tables.clips import MEASURED, SMALL, load_results
from benchmarks.tables import PAGES, PICTURES, ROOT, redraw, update


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_results(page):
    assert not update(ROOT / page, write=False), "run: python -m benchmarks tables"


def test_a_stale_table_is_noticed_and_mended(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: grid -->\nold\n<!-- end -->\nafter\n")
    assert update(page, write=False)
    assert "old" in page.read_text()
    assert update(page, write=True)
    assert "| grid in sqrt(SNR) |" in page.read_text()
    assert page.read_text().endswith("<!-- end -->\nafter\n")
    assert not update(page, write=False)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_show_the_results(name):
    assert not redraw(name, write=False), "run: python -m benchmarks tables"


def test_a_stale_picture_is_noticed_and_drawn_again(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.tables.ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    name = "docs/clips.png"
    (tmp_path / name).write_bytes((ROOT / "docs/demo.png").read_bytes())
    assert redraw(name, write=False)
    assert redraw(name, write=True)
    assert not redraw(name, write=False)


def test_every_clip_has_every_codec_metric_and_enough_rates():
    results = load_results()
    assert len(results) >= 12
    for sequence, codecs in results.items():
        assert set(codecs) >= {SMALL, "analytic", "x265-ra", "x264-ra", "svtav1-ra", "vp9-ld"}
        for result in codecs.values():
            assert not result.error, (sequence, result.codec)
            assert len(result.points) >= 4, (sequence, result.codec)
            for point in result.points:
                missing = [m for m in MEASURED if point.score(m) is None]
                assert not missing or min(result.width, result.height) < 176, missing
