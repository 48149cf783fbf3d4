"""Reading and writing frames, and their colour."""

from freegvc.video.audio import read_audio
from freegvc.video.colour import (
    BT709,
    Colour,
    resolve,
    rgb_to_yuv,
    yuv_to_rgb,
)
from freegvc.video.frame_source import FrameSource
from freegvc.video.frame_writer import FrameWriter
from freegvc.video.gops import Gop, cut_gops
from freegvc.video.source import load_video, open_video
from freegvc.video.video import Video
from freegvc.video.writer import open_writer

__all__ = [
    "BT709",
    "Colour",
    "FrameSource",
    "FrameWriter",
    "Gop",
    "Video",
    "cut_gops",
    "load_video",
    "open_video",
    "open_writer",
    "read_audio",
    "resolve",
    "rgb_to_yuv",
    "yuv_to_rgb",
]
