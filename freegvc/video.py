"""Reading and writing frames, and their colour."""

from freegvc._video import (
    BT709,
    Colour,
    FrameSource,
    FrameWriter,
    Video,
    load_video,
    open_video,
    open_writer,
    read_audio,
    rgb_to_yuv,
    yuv_to_rgb,
)

__all__ = [
    "BT709",
    "Colour",
    "FrameSource",
    "FrameWriter",
    "Video",
    "load_video",
    "open_video",
    "open_writer",
    "read_audio",
    "rgb_to_yuv",
    "yuv_to_rgb",
]
