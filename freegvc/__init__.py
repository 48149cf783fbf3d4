"""Generative video compression at ultra-low bitrates, with a video diffusion model as the prior.

    freegvc.compress("clip.mp4", target_bpp=0.02).save("clip.fgvc")
    video = freegvc.decompress("clip.fgvc")

What this module exports, `freegvc.errors`, `freegvc.events`, `freegvc.metrics`, `freegvc.priors`,
`freegvc.testing` and `freegvc.video` are public. Importing it is light: torch and the codecs load
when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from freegvc.errors import (
    AudioWarning,
    ChecksumError,
    ClusterError,
    ColourWarning,
    CorruptStreamError,
    DriftWarning,
    FreeGvcError,
    FreeGvcWarning,
    InputWarning,
    JournalError,
    JournalMismatchError,
    LargeStreamError,
    LargeStreamWarning,
    LeftoverWarning,
    MetricUnavailableError,
    NotAStreamError,
    OutOfMemoryError,
    OutputExistsError,
    OutputWarning,
    PriorError,
    PriorMismatchError,
    PriorUnavailableError,
    StreamError,
    StudyError,
    StudyMismatchError,
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
    from freegvc._codec.compressed import CompressedVideo, GopInfo
    from freegvc._codec.decoder import decode_frames, decompress
    from freegvc._codec.encoder import compress, compress_file
    from freegvc._codec.frame_reader import FrameReader
    from freegvc._codec.parts import compress_part, merge
    from freegvc._codec.score import score
    from freegvc._codec.settings import Settings
    from freegvc._codec.sweep import SweepPoint, sweep
    from freegvc._control.targets import LikeFirstGop, Rate, Score, StopStep
    from freegvc._diffusion import NoiseSchedule
    from freegvc._video import Video, open_video
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
    from freegvc.priors import LatentSpec, Prior, PriorDefaults, StageBytes, load_prior

__version__ = "0.1.0"

__all__ = [
    "AudioWarning",
    "ChecksumError",
    "ClusterError",
    "ColourWarning",
    "CompressedVideo",
    "CorruptStreamError",
    "DriftWarning",
    "Event",
    "FrameReader",
    "FreeGvcError",
    "FreeGvcWarning",
    "GopDecoded",
    "GopDone",
    "GopInfo",
    "GopStarted",
    "InputWarning",
    "JournalError",
    "JournalMismatchError",
    "LargeStreamError",
    "LargeStreamWarning",
    "LatentSpec",
    "LeftoverWarning",
    "LikeFirstGop",
    "Metric",
    "MetricUnavailableError",
    "NoiseSchedule",
    "NotAStreamError",
    "OutOfMemoryError",
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
    "StageBytes",
    "StepSent",
    "StopStep",
    "StreamError",
    "StudyError",
    "StudyMismatchError",
    "SweepPoint",
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
    "compress_file",
    "compress_part",
    "decode_frames",
    "decompress",
    "load_prior",
    "merge",
    "open_video",
    "score",
    "sweep",
]

_LAZY = {
    "CompressedVideo": "freegvc._codec.compressed",
    "Event": "freegvc.events",
    "FrameReader": "freegvc._codec.frame_reader",
    "GopDecoded": "freegvc.events",
    "GopDone": "freegvc.events",
    "GopInfo": "freegvc._codec.compressed",
    "GopStarted": "freegvc.events",
    "LatentSpec": "freegvc.priors",
    "LikeFirstGop": "freegvc._control.targets",
    "Metric": "freegvc.metrics",
    "NoiseSchedule": "freegvc._diffusion",
    "Prior": "freegvc.priors",
    "PriorDefaults": "freegvc.priors",
    "ProbeDone": "freegvc.events",
    "ProbeStarted": "freegvc.events",
    "Rate": "freegvc._control.targets",
    "Score": "freegvc._control.targets",
    "Settings": "freegvc._codec.settings",
    "StageBytes": "freegvc.priors",
    "StepSent": "freegvc.events",
    "StopStep": "freegvc._control.targets",
    "SweepPoint": "freegvc._codec.sweep",
    "Video": "freegvc._video",
    "compress": "freegvc._codec.encoder",
    "compress_file": "freegvc._codec.encoder",
    "compress_part": "freegvc._codec.parts",
    "decode_frames": "freegvc._codec.decoder",
    "decompress": "freegvc._codec.decoder",
    "load_prior": "freegvc.priors",
    "merge": "freegvc._codec.parts",
    "open_video": "freegvc._video",
    "score": "freegvc._codec.score",
    "sweep": "freegvc._codec.sweep",
}


_PUBLIC_MODULES = ("cluster", "errors", "events", "metrics", "priors", "testing", "video")


def __getattr__(name: str) -> object:
    if name in _PUBLIC_MODULES:
        return import_module(f"freegvc.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'freegvc' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return __all__
