"""What is shown of a decoded GOP: its latent fused with the one before, decoded, and cut.

The decoder shows frames with it and the encoder scores them with it, so that they are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from freegvc._bitstream.header import GAMMA_ONE
from freegvc._trajectory.chain import num_known
from freegvc._trajectory.fusion import fuse

if TYPE_CHECKING:
    from torch import Tensor

    from freegvc._bitstream.header import StreamParameters
    from freegvc.priors import Prior


class Seams:
    """The joints between the GOPs of a stream.

    Args:
        parameters: of the stream; its header will do.
        prior: of the stream.
    """

    def __init__(self, parameters: StreamParameters, prior: Prior) -> None:
        self._prior, self._spec = prior, prior.latent
        self._size = parameters.height, parameters.width
        self._overlap_frames = parameters.overlap
        self._is_chained = parameters.chain
        self._overlap = prior.latent.overlap(parameters.gop_length, parameters.overlap)
        # a causal GOP takes over after its first frame
        self._lead = self._overlap.first_frame - (parameters.gop_length - parameters.overlap)
        gammas = [gamma / GAMMA_ONE for gamma in parameters.gammas]
        self._gammas = gammas * self._overlap.count if len(gammas) == 1 else gammas

    def shown(self, gop: int, advance: int, *, is_last: bool) -> range:
        """The frames of a GOP that are shown, counted from its first one.

        The GOP before is shown up to where this one takes over: at its first or second frame, or
        after the overlap if GOPs are chained.

        Args:
            gop: its index.
            advance: frames from its first one to that of the next GOP; in the last GOP, all.
            is_last: no GOP follows.
        """
        lead = self._overlap_frames if self._is_chained else self._lead
        return range(lead if gop else 0, advance if is_last else advance + lead)

    def tail(self, latent: Tensor, advance: int) -> Tensor:
        """The latents of a GOP that the next one is fused with, before fusion themselves.

        If GOPs are chained, those that the next one knows. A causal GOP begins with a latent of
        one frame, which no GOP before has, so the shared frames are decoded and encoded again.

        Args:
            latent: clean, float32 [C, T', h', w'].
            advance: as for `shown`.

        Returns:
            float32 [C, m', h', w']; of no use in the last GOP.
        """
        if self._is_chained and self._spec.is_causal:
            shared = slice(advance, advance + self._overlap_frames)
            frames = self._prior.decode_latent(latent, *self._size)[shared]
            return self._prior.encode_frames(frames)[:, : num_known(self._spec, len(frames))]
        overlap = self._spec.overlap(advance + self._overlap_frames, self._overlap_frames)
        return latent[:, overlap.first_before : overlap.first_before + overlap.count]

    def frames(self, latent: Tensor, tail: Tensor | None, shown: range) -> npt.NDArray[np.uint8]:
        """The frames that a GOP shows.

        Args:
            latent: clean, float32 [C, T', h', w'].
            tail: `tail` of the GOP before; None for the first GOP.
            shown: as `shown` gives it.

        Returns:
            uint8 [len(shown), H, W, 3].
        """
        if tail is not None and self._overlap.count and not self._is_chained:
            latent = fuse(tail, latent, self._gammas, self._overlap.first_after)
        return self._prior.decode_latent(latent, *self._size)[shown.start : shown.stop]
