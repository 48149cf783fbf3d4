"""One HTML file of scripts, styles, data and clips. It works from `file://` and loads nothing.

The scripts are JavaScript modules. An import map in the page gives each as a data: address under
its name, so that `import {Player} from "player"` needs no server and no build step. The page's
Content-Security-Policy forbids every request to a network.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from freegvc._page.clip import CODEC, GROUP_LENGTH, PageClip

STATIC = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^(?:import|export) [^;"]*from "([\w-]+)";$', re.MULTILINE)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)


def assemble(
    page: Path,
    *,
    title: str,
    data: Mapping[str, object],
    clips: Sequence[PageClip],
    has_scripts_beside: bool = False,
) -> Iterator[str]:
    """The parts of a page, to be written one after the other as UTF-8.

    Args:
        page: a path without suffix: .html is the content of the body, .css and, after it, _*.css
            are its styles, .js the module that runs. The modules that it imports stand beside it or
            in `STATIC`.
        title: of the page, any text.
        data: for the script, as JSON; `pageData` of the module `embedded` gives it back.
        clips: for the script; `embeddedClips` of the module `embedded` gives them back.
        has_scripts_beside: whether the page may run scripts that stand beside it, as clips do that
            are too large for one file.
    """
    policy = _POLICY.replace("data:;", "data: file: 'self';") if has_scripts_beside else _POLICY
    yield (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n"
    )
    own = [page.with_suffix(".css"), *sorted(page.parent.glob(f"{page.name}_*.css"))]
    for styles in (STATIC / "page.css", *own):
        yield f"<style>\n{styles.read_text(encoding='utf-8')}</style>\n"
    yield f'<script type="importmap">{_import_map(page.with_suffix(".js"))}</script>\n'
    yield f"</head>\n<body>\n{page.with_suffix('.html').read_text(encoding='utf-8')}"
    content = {**data, "clips": [described(clip) for clip in clips]}
    yield f'<script type="application/json" id="page-data">{script_json(content)}</script>\n'
    for index, clip in enumerate(clips):
        packets = base64.b64encode(b"".join(clip.packets)).decode("ascii")
        yield f'<script type="application/octet-stream" id="clip-{index}">{packets}</script>\n'
    yield f'<script type="module">import "{page.name}";</script>\n</body>\n</html>\n'


def script_json(data: object) -> str:
    """JSON that can stand in a script element: nothing in it ends the element or opens a comment.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def described(clip: PageClip) -> dict[str, object]:
    """What the module `embedded` needs to take a clip's packets apart."""
    return {
        "width": clip.width,
        "height": clip.height,
        "pixels": clip.pixels,
        "maxError": clip.max_error,
        "codec": CODEC,
        "groupLength": GROUP_LENGTH,
        "sizes": [len(packet) for packet in clip.packets],
    }


def _import_map(main: Path) -> str:
    """The main module and all that it needs, by name."""
    sources: dict[str, str] = {}
    waiting = [main]
    while waiting:
        path = waiting.pop()
        source = path.read_text(encoding="utf-8")
        sources[path.stem] = source
        for name in _IMPORT.findall(source):
            if name not in sources:
                beside = main.with_name(f"{name}.js")
                waiting.append(beside if beside.exists() else STATIC / f"{name}.js")
    addresses = {
        name: "data:text/javascript;base64," + base64.b64encode(source.encode()).decode("ascii")
        for name, source in sorted(sources.items())
    }
    return script_json({"imports": addresses})
