"""Generative video compression at ultra-low bitrates, with a video diffusion model as the prior.

    freegvc.compress("clip.mp4", target_bpp=0.02).save("clip.fgvc")
    video = freegvc.decompress("clip.fgvc")

What this module exports, `freegvc.errors`, `freegvc.events`, `freegvc.metrics`, `freegvc.priors`
and `freegvc.testing` are public. Importing it is light: torch and the codecs load when they are
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from freegvc.errors import (
    ChecksumError,
    ColourWarning,
    CorruptStreamError,
    DriftWarning,
    FreeGvcError,
    FreeGvcWarning,
    MetricUnavailableError,
    NotAStreamError,
    OutputExistsError,
    OutputWarning,
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
    from freegvc.codec.compressed import CompressedVideo, GopInfo
    from freegvc.codec.decoder import decode_frames, decompress
    from freegvc.codec.encoder import compress
    from freegvc.codec.score import score
    from freegvc.codec.settings import Settings
    from freegvc.control.targets import LikeFirstGop, Rate, Score, StopStep
    from freegvc.diffusion import NoiseSchedule
    from freegvc.events import (
        Event,
        GopDecoded,
        GopDone,
        GopStarted,
        ProbeDone,
        ProbeStarted,
        StepSent,
    )
    from freegvc.metrics import Metric
    from freegvc.priors import LatentSpec, Prior, PriorDefaults, load_prior
    from freegvc.video import Video, open_video

__version__ = "0.1.0"

__all__ = [
    "ChecksumError",
    "ColourWarning",
    "CompressedVideo",
    "CorruptStreamError",
    "DriftWarning",
    "Event",
    "FreeGvcError",
    "FreeGvcWarning",
    "GopDecoded",
    "GopDone",
    "GopInfo",
    "GopStarted",
    "LatentSpec",
    "LikeFirstGop",
    "Metric",
    "MetricUnavailableError",
    "NoiseSchedule",
    "NotAStreamError",
    "OutputExistsError",
    "OutputWarning",
    "Prior",
    "PriorDefaults",
    "PriorError",
    "PriorMismatchError",
    "PriorUnavailableError",
    "ProbeDone",
    "ProbeStarted",
    "Rate",
    "Score",
    "Settings",
    "StepSent",
    "StopStep",
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
    "open_video",
    "score",
]

_LAZY = {
    "CompressedVideo": "freegvc.codec.compressed",
    "Event": "freegvc.events",
    "GopDecoded": "freegvc.events",
    "GopDone": "freegvc.events",
    "GopInfo": "freegvc.codec.compressed",
    "GopStarted": "freegvc.events",
    "LatentSpec": "freegvc.priors",
    "LikeFirstGop": "freegvc.control.targets",
    "Metric": "freegvc.metrics",
    "NoiseSchedule": "freegvc.diffusion",
    "Prior": "freegvc.priors",
    "PriorDefaults": "freegvc.priors",
    "ProbeDone": "freegvc.events",
    "ProbeStarted": "freegvc.events",
    "Rate": "freegvc.control.targets",
    "Score": "freegvc.control.targets",
    "Settings": "freegvc.codec.settings",
    "StepSent": "freegvc.events",
    "StopStep": "freegvc.control.targets",
    "Video": "freegvc.video",
    "compress": "freegvc.codec.encoder",
    "decode_frames": "freegvc.codec.decoder",
    "decompress": "freegvc.codec.decoder",
    "load_prior": "freegvc.priors",
    "open_video": "freegvc.video",
    "score": "freegvc.codec.score",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'freegvc' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
