"""Reading and writing frames, and their colour."""

from freegvc._video.audio import read_audio
from freegvc._video.colour import (
    BT709,
    Colour,
    resolve,
    rgb_to_yuv,
    yuv_to_rgb,
)
from freegvc._video.frame_source import FrameSource
from freegvc._video.frame_writer import FrameWriter
from freegvc._video.gops import Gop, cut_gops
from freegvc._video.source import load_video, open_video
from freegvc._video.video import Video
from freegvc._video.writer import is_folder, open_writer

__all__ = [
    "BT709",
    "Colour",
    "FrameSource",
    "FrameWriter",
    "Gop",
    "Video",
    "cut_gops",
    "is_folder",
    "load_video",
    "open_video",
    "open_writer",
    "read_audio",
    "resolve",
    "rgb_to_yuv",
    "yuv_to_rgb",
]
