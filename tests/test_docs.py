"""README, the documentation site and the project files hold what they promise."""

import inspect
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import freegvc
from freegvc import errors

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PROSE = [
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *sorted(DOCS.rglob("*.md")),
]
MAX_COLUMNS = 100

_GENERATED = re.compile(r"<!-- table: \w+ -->.*?<!-- end -->", re.DOTALL)
_ENTRY = re.compile(r"^::: (freegvc[\w.]*)$", re.MULTILINE)
_MARKED = re.compile(r"^<!-- ci: (\w+) -->\n```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"`((?:benchmarks|docs|examples|freegvc|tests|training)/[\w/.-]+)`")
_NAMES = re.compile(r"\bfreegvc\.([A-Za-z_]\w*)")


def reference_pages():
    return "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))


def entries():
    return set(_ENTRY.findall(reference_pages()))


def readme_blocks(name):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [body for mark, _, body in _MARKED.findall(text) if mark == name]


@pytest.mark.parametrize("name", freegvc.__all__)
def test_every_public_name_is_in_the_reference(name):
    assert {f"freegvc.{name}", f"freegvc.errors.{name}"} & entries()


def test_every_error_and_warning_is_in_the_reference():
    for name, item in vars(errors).items():
        if inspect.isclass(item):
            assert f"freegvc.errors.{name}" in entries()


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_short(page):
    text = _GENERATED.sub("", page.read_text(encoding="utf-8"))
    long = [
        line for line in text.splitlines() if len(line) > MAX_COLUMNS and not line.startswith("|")
    ]
    assert not long


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_the_docs_uses_public_names(page):
    for block in _PYTHON.findall(page.read_text(encoding="utf-8")):
        compile(block, str(page), "exec")
        for name in _NAMES.findall(block):
            assert name in {
                *freegvc.__all__,
                "cluster",
                "errors",
                "events",
                "metrics",
                "priors",
                "testing",
                "video",
            }


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page):
    for name in _FILE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


def test_readme_marks_its_blocks():
    assert (
        len(readme_blocks("demo")) == len(readme_blocks("test")) == len(readme_blocks("use")) == 1
    )
    assert readme_blocks("python")


@pytest.fixture(scope="module")
def after_the_demo(tmp_path_factory, scene):
    """A folder as the README's install and demo leave it, with a smaller scene."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "freegvc-demo").mkdir()
    freegvc.Video.from_array(scene(24, 176, 192), 25).save(folder / "freegvc-demo/original.mp4")
    activate = folder / ".venv/bin/activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH={Path(sys.executable).parent}:$PATH\n", encoding="utf-8")
    return folder


@pytest.fixture
def environment():
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.slow
def test_readme_can_be_pasted_in_order(after_the_demo, environment):
    def run(*command):
        subprocess.run(command, cwd=after_the_demo, env=environment, check=True, timeout=600)

    run("bash", "-euc", readme_blocks("use")[0])
    for block in readme_blocks("python"):
        run(sys.executable, "-c", block)


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="pip install 'freegvc[docs]'")
def test_the_site_builds_strictly_and_loads_nothing(tmp_path, environment):
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**environment, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    for page in tmp_path.rglob("*.html"):
        loads = re.findall(
            r"<(?:script|img|iframe)[^>]*\bsrc=\"?https?:|<link[^>]*stylesheet[^>]*href=\"?https?:",
            page.read_text(encoding="utf-8"),
        )
        assert not loads, page
