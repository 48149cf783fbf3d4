"""Clips of a page: frames as VP9, which browsers decode to the same bits.

A frame has three planes,

    exact   G, R - G + 128 and B - G + 128, modulo 256, coded without loss: each sample comes back
    close   Y, Co, Cg of 8 bits, coded at a quality at which no difference is seen

and no browser must convert them, as each does it in its own way: Firefox gives a page RGB only, of
luma that it takes to lie in 16 .. 235. So the planes stand one below the other in the luma of one
picture with grey chroma, cut to that range, and below them stands what was cut off, plus 128. RGB
still tells all of that luma apart. The page adds up and makes colours itself, with integers
(`static/colour.js`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from freegvc.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

Pixels = Literal["exact", "close"]

CODEC = "vp09.00.51.08"  # for WebCodecs: VP9, profile 0, 8 bits
# Frames from a key frame to the next: what a page decodes at once. Groups of 8, 12 and 24 frames of
# two real clips took the same bytes within 2 %.
GROUP_LENGTH = 8
_CLOSE_CRF = 4
_DARKEST, _BRIGHTEST = 16, 235  # of luma in limited range
_COMMON = {"cpu-used": "5", "deadline": "good", "lag-in-frames": "0", "threads": "1"}
_OPTIONS: dict[Pixels, dict[str, str]] = {
    "exact": {"lossless": "1"},
    "close": {"crf": str(_CLOSE_CRF), "b": "0", "qmin": "0"},
}


@dataclass(frozen=True, slots=True)
class PageClip:
    """A clip as a page holds it.

    Attributes:
        width, height: of each frame.
        pixels: "exact" if each sample comes back, else "close".
        packets: one for each frame, in order. Every `GROUP_LENGTH`-th is a key frame.
        max_error: largest difference of a sample after decoding; 0 if exact.
    """

    width: int
    height: int
    pixels: Pixels
    packets: tuple[bytes, ...]
    max_error: int

    @property
    def num_frames(self) -> int:
        """Number of frames."""
        return len(self.packets)

    @property
    def num_bytes(self) -> int:
        """Bytes of all packets; the page takes a third more, as base64."""
        return sum(map(len, self.packets))


class ClipEncoder:
    """Encodes a clip frame by frame; memory holds the packets.

    Args:
        pixels: whether every sample must come back, or a close one will do.
    """

    def __init__(self, pixels: Pixels = "exact") -> None:
        self.pixels = pixels
        self.num_bytes = 0
        self._packets: list[bytes] = []
        self._max_error = 0
        self._height = self._width = 0
        self._encoder: Any = None
        self._decoder: Any = None

    def write(self, frame: Frame) -> None:
        """Add a frame, uint8 [H, W, 3], of the size of the first."""
        import av
        import numpy as np

        if self._encoder is None:
            self._height, self._width, _ = frame.shape
            self._encoder = _encoder(self._height, self._width, self.pixels)
            self._decoder = av.CodecContext.create("libvpx-vp9", "r")
        picture = av.VideoFrame.from_ndarray(_picture(frame, self.pixels), format="yuv420p")
        picture.pts = len(self._packets)
        (packet,) = self._encoder.encode(picture)  # nothing is delayed
        self._packets.append(bytes(packet))
        self.num_bytes += packet.size
        if self.pixels == "close":
            (decoded,) = self._decoder.decode(packet)
            shown = _frame(decoded, self._height, self._width, self.pixels)
            error = np.abs(shown - frame.astype(np.int16))
            self._max_error = max(self._max_error, int(error.max()))

    def finish(self) -> PageClip:
        """The clip of all frames.

        Raises:
            UsageError: there is none.
        """
        if self._encoder is None:
            raise UsageError("a clip of a page needs at least one frame, but there is none")
        packets = tuple(self._packets)
        return PageClip(self._width, self._height, self.pixels, packets, self._max_error)


def encode_clip(frames: Iterable[Frame], *, pixels: Pixels = "exact") -> PageClip:
    """Encode frames for a page.

    Args:
        frames: at least one, uint8 [H, W, 3], all of one size.
        pixels: whether every sample must come back, or a close one will do.

    Raises:
        UsageError: there is no frame.
    """
    encoder = ClipEncoder(pixels)
    for frame in frames:
        encoder.write(frame)
    return encoder.finish()


def decode_clip(clip: PageClip) -> Iterator[Frame]:
    """The frames of a clip, uint8 [H, W, 3], as a page shows them."""
    import av
    import numpy as np

    decoder = av.CodecContext.create("libvpx-vp9", "r")
    for packet in clip.packets:
        for decoded in decoder.decode(av.Packet(packet)):
            yield _frame(decoded, clip.height, clip.width, clip.pixels).astype(np.uint8)


def _encoder(height: int, width: int, pixels: Pixels) -> Any:
    import av

    encoder: Any = av.CodecContext.create("libvpx-vp9", "w")
    encoder.width, encoder.height = width + width % 2, 6 * height  # even: chroma has half of it
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)  # a page has its own clock
    encoder.gop_size = GROUP_LENGTH
    encoder.options = {**_COMMON, **_OPTIONS[pixels]}
    return encoder


def _picture(frame: Frame, pixels: Pixels) -> Frame:
    """What is coded for a frame [H, W, 3]: the luma [6 H, W], and grey chroma below it."""
    import numpy as np

    red, green, blue = (frame[..., channel].astype(np.int16) for channel in range(3))
    if pixels == "exact":
        planes = (green, (red - green + 128) & 255, (blue - green + 128) & 255)
    else:
        planes = (
            (red + 2 * green + blue + 2) >> 2,
            ((red - blue + 1) >> 1) + 128,
            ((2 * green - red - blue + 2) >> 2) + 128,
        )
    values = np.concatenate(planes).clip(0, 255)
    inside = values.clip(_DARKEST, _BRIGHTEST)
    luma = np.concatenate([inside, values - inside + 128]).astype(np.uint8)
    luma = np.pad(luma, ((0, 0), (0, luma.shape[1] % 2)), mode="edge")
    chroma = np.full((luma.shape[0] // 2, luma.shape[1]), 128, np.uint8)
    return np.concatenate([luma, chroma])


def _frame(decoded: Any, height: int, width: int, pixels: Pixels) -> NDArray[np.int16]:
    """A frame [H, W, 3] of a picture of PyAV; `static/colour.js` does the same."""
    import numpy as np

    luma = decoded.to_ndarray()[: 6 * height, :width].astype(np.int16)
    inside, rest = luma.reshape(2, 3, height, width)
    first, second, third = inside + rest - 128
    if pixels == "exact":
        return np.stack([second + first - 128, first, third + first - 128], axis=-1) & 255
    co, cg = second - 128, third - 128
    between = first - cg
    return np.stack([between + co, first + cg, between - co], axis=-1).clip(0, 255)
