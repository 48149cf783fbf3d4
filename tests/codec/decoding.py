"""Decoding, with which frames each GOP shows."""

import freegvc
from freegvc.codec import GopDecoded


def decoded_gops(compressed, **keywords):
    """The decoded frames, and which of them each GOP shows."""
    heard = []
    frames = freegvc.decompress(compressed, **keywords, on_event=heard.append).frames
    done = [e for e in heard if isinstance(e, GopDecoded)]
    shown = [slice(e.first_frame, e.first_frame + e.num_frames) for e in done]
    assert sum(e.num_frames for e in done) == len(frames)
    return frames, shown
