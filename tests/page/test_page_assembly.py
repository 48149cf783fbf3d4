"""One HTML file: hostile text stays text, and every module is found."""

import base64
import json
import re

import numpy as np
import pytest

from freegvc._page.assembly import STATIC, assemble, script_json
from freegvc._page.clip import encode_clip

HOSTILE = "</script><!--<img src=x onerror=alert(1)>&amp;\u2028\"'"


@pytest.fixture
def page(tmp_path):
    (tmp_path / "small.html").write_text("<main></main>\n", encoding="utf-8")
    (tmp_path / "small.css").write_text("main {}\n", encoding="utf-8")
    (tmp_path / "small.js").write_text(
        'import {Player} from "player";\nimport {\n  one,\n} from "beside";\n', encoding="utf-8"
    )
    (tmp_path / "beside.js").write_text("export const one = 1;\n", encoding="utf-8")
    return tmp_path / "small"


def test_hostile_text_stays_text(page):
    clip = encode_clip(np.zeros((1, 8, 8, 3), np.uint8))
    html = "".join(assemble(page, title=HOSTILE, data={"name": HOSTILE}, clips=[clip]))
    assert "<img" not in html
    assert html.count("<script") == html.count("</script>") == 4
    assert "<!--" not in html
    data = re.search(r'id="page-data">(.*)</script>', html)[1]
    assert json.loads(data)["name"] == HOSTILE


def test_the_modules_that_a_page_imports_are_all_there(page):
    html = "".join(assemble(page, title="", data={}, clips=[]))
    imports = json.loads(re.search(r'importmap">(.*)</script>', html)[1])["imports"]
    assert set(imports) == {"small", "beside", "player"}
    source = imports["player"].partition("base64,")[2]
    assert base64.b64decode(source) == (STATIC / "player.js").read_bytes()


def test_further_styles_follow_the_page_s_own(page):
    page.with_name("small_b.css").write_text("b {}\n", encoding="utf-8")
    page.with_name("smaller.css").write_text("other {}\n", encoding="utf-8")
    html = "".join(assemble(page, title="", data={}, clips=[]))
    assert "main {}" in html.partition("b {}")[0]
    assert "other {}" not in html


def test_a_page_names_no_address_of_a_network():
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text, file


def test_a_number_that_json_lacks_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        script_json({"score": float("nan")})
