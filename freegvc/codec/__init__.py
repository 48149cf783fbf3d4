"""Compress and decompress as a story."""

from freegvc.codec.compressed import CompressedVideo, GopInfo
from freegvc.codec.decoder import decode_frames, decode_gop, decompress
from freegvc.codec.encoder import compress
from freegvc.codec.events import (
    Event,
    GopDecoded,
    GopDone,
    GopStarted,
    ProbeDone,
    ProbeStarted,
    StepSent,
)

__all__ = [
    "CompressedVideo",
    "Event",
    "GopDecoded",
    "GopDone",
    "GopInfo",
    "GopStarted",
    "ProbeDone",
    "ProbeStarted",
    "StepSent",
    "compress",
    "decode_frames",
    "decode_gop",
    "decompress",
]
