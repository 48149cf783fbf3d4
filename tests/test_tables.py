"""Tables in README and docs say what the committed results say."""

import pytest

from benchmarks.tables import PAGES, ROOT, TABLES, update


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_results(page):
    assert not update(ROOT / page, write=False), "run: python -m benchmarks.tables"


def test_a_stale_table_is_noticed_and_mended(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- table: grid -->\nold\n<!-- end -->\nafter\n")
    assert update(page, write=False)
    assert "old" in page.read_text()
    assert update(page, write=True)
    assert TABLES["grid"]() in page.read_text()
    assert page.read_text().endswith("<!-- end -->\nafter\n")
    assert not update(page, write=False)
