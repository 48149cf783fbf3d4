"""What is shown of a decoded GOP: its latent fused with the one before, decoded, and cut.

The decoder shows frames with it and the encoder scores them with it, so that they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc.codec.first_header import FUSION_ONE

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc.bitstream import Header
    from freegvc.priors import Prior


class Seams:
    """The joints between the GOPs of a stream.

    Args:
        header: of the stream; its number of frames does not matter.
        prior: of the stream.
    """

    def __init__(self, header: Header, prior: Prior) -> None:
        self._prior = prior
        self._size = header.height, header.width
        self._advance = header.gop_length - header.overlap
        self._shared = prior.latent.overlap(header.gop_length, header.overlap)
        weights = [w / FUSION_ONE for w in header.fusion_weights]
        self._weights = weights * self._shared.count if len(weights) == 1 else weights

    def shown(self, gop: int, num_frames: int, *, is_last: bool) -> range:
        """The frames of a GOP that are shown, counted from its first one.

        The GOP before is shown up to where this one takes over.

        Args:
            gop: its index.
            num_frames: how many frames it covers.
            is_last: no GOP follows.
        """
        first = 0 if gop == 0 else self._shared.first_frame - self._advance
        return range(first, num_frames if is_last else self._shared.first_frame)

    def tail(self, latent: Tensor) -> Tensor:
        """The latents of a GOP that the next one is fused with, before fusion themselves.

        Args:
            latent: clean, float32 [C, T', h', w'].

        Returns:
            float32 [C, m', h', w'].
        """
        first = self._shared.first_before
        return latent[:, first : first + self._shared.count]

    def frames(self, latent: Tensor, tail: Tensor | None, shown: range) -> npt.NDArray[np.uint8]:
        """The frames that a GOP shows.

        Args:
            latent: clean, float32 [C, T', h', w'].
            tail: `tail` of the GOP before; None for the first GOP.
            shown: as `shown` gives it.

        Returns:
            uint8 [len(shown), H, W, 3].
        """
        from freegvc.trajectory import fuse

        if tail is not None and self._shared.count:
            latent = fuse(tail, latent, self._weights, self._shared.first_after)
        return self._prior.decode_latent(latent, *self._size)[shown.start : shown.stop]
