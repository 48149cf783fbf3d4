"""The codecs that benchmarks compare with, by name."""

from __future__ import annotations

from pathlib import Path

from benchmarks.codecs.base import Codec
from benchmarks.codecs.external import TOOLS, ExternalCodec, ExternalTool
from benchmarks.codecs.pyav import ENCODERS, PyavCodec

_SHRINK = {"": 1, "-half": 2, "-quarter": 4}
_EXTERNAL = "external:"


def codec_names() -> tuple[str, ...]:
    """Names that `make_codec` takes, other than external:FILE.json."""
    return (
        *(label + suffix for suffix in _SHRINK for label in ENCODERS),
        *(tool.label for tool in TOOLS),
    )


def make_codec(name: str) -> Codec:
    """A codec by its name. Its `check` tests whether it runs on this machine.

    Args:
        name: of `codec_names()`, or "external:FILE.json" with a file as `ExternalTool` describes.

    Raises:
        ValueError: the name is unknown, or the file does not describe a codec.
    """
    if name.startswith(_EXTERNAL):
        return ExternalCodec(ExternalTool.read(Path(name.removeprefix(_EXTERNAL))))
    for tool in TOOLS:
        if tool.label == name:
            return ExternalCodec(tool)
    for suffix, shrink in _SHRINK.items():
        encoder = ENCODERS.get(name.removesuffix(suffix))
        if encoder is not None:
            return PyavCodec(name, encoder, shrink=shrink)
    raise ValueError(
        f"codec {name!r}: the names are {', '.join(codec_names())} and {_EXTERNAL}FILE.json"
    )
