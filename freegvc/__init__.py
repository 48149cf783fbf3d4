"""Generative video compression at ultra-low bitrates, with a video diffusion model as the prior.

    freegvc.compress("clip.mp4", target_bpp=0.02).save("clip.fgvc")
    video = freegvc.decompress("clip.fgvc")

Importing this package is light: torch and the codecs load when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from freegvc.errors import (
    ChecksumError,
    CorruptStreamError,
    DriftWarning,
    FreeGvcError,
    FreeGvcWarning,
    MetricUnavailableError,
    NotAStreamError,
    OutputExistsError,
    PriorError,
    PriorMismatchError,
    PriorUnavailableError,
    StreamError,
    TargetError,
    TargetWarning,
    TruncatedStreamError,
    UnsupportedStreamError,
    UnsupportedVideoError,
    UsageError,
    VideoError,
    VideoReadError,
)

if TYPE_CHECKING:
    from freegvc.codec import CompressedVideo, compress, decode_frames, decompress
    from freegvc.priors import load_prior
    from freegvc.video import Video

__version__ = "0.1.0"

__all__ = [
    "ChecksumError",
    "CompressedVideo",
    "CorruptStreamError",
    "DriftWarning",
    "FreeGvcError",
    "FreeGvcWarning",
    "MetricUnavailableError",
    "NotAStreamError",
    "OutputExistsError",
    "PriorError",
    "PriorMismatchError",
    "PriorUnavailableError",
    "StreamError",
    "TargetError",
    "TargetWarning",
    "TruncatedStreamError",
    "UnsupportedStreamError",
    "UnsupportedVideoError",
    "UsageError",
    "Video",
    "VideoError",
    "VideoReadError",
    "__version__",
    "compress",
    "decode_frames",
    "decompress",
    "load_prior",
]

_LAZY = {
    "CompressedVideo": "freegvc.codec",
    "Video": "freegvc.video",
    "compress": "freegvc.codec",
    "decode_frames": "freegvc.codec",
    "decompress": "freegvc.codec",
    "load_prior": "freegvc.priors",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'freegvc' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
