"""What is shown of a decoded GOP: its latent joined to the one before, decoded, and cut.

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
        advance = parameters.gop_length - parameters.overlap
        # a latent that is padded does not end where the next GOP begins
        is_whole = advance % self._spec.temporal_stride == 0
        self._context = int(self._spec.has_context and is_whole)  # latents
        # a causal GOP takes over after its first frame, one with context before it
        self._lead = parameters.overlap if self._is_chained else self._overlap.first_frame - advance
        self._lead -= self._context * self._spec.temporal_stride // 2
        gammas = [gamma / GAMMA_ONE for gamma in parameters.gammas]
        self._gammas = gammas * self._overlap.count if len(gammas) == 1 else gammas

    def shown(self, gop: int, advance: int, *, is_last: bool) -> range:
        """The frames of a GOP that are shown, counted from its first one.

        The GOP before is shown up to where this one takes over: at its first or second frame, or
        after the overlap if GOPs are chained. With context it takes over a little earlier, and its
        first frames have numbers below 0 if GOPs are not chained.

        Args:
            gop: its index.
            advance: frames from its first one to that of the next GOP; in the last GOP, all.
            is_last: no GOP follows.
        """
        return range(self._lead if gop else 0, advance if is_last else advance + self._lead)

    @property
    def need_tails(self) -> bool:
        """Whether a GOP is shown with what the GOP before leaves to it."""
        return bool(self._overlap_frames or self._context)

    @property
    def num_early(self) -> int:
        """Frames before its first one that a GOP shows."""
        return max(-self._lead, 0)

    def tail(self, latent: Tensor, advance: int) -> Tensor:
        """The latents of a GOP that the next one is joined to, before fusion themselves.

        First those of the context, then those that are fused. If GOPs are chained, those that the
        next one knows, which are its context too. A causal GOP begins with a latent of one frame,
        which no GOP before has, so the shared frames are decoded and encoded again.

        Args:
            latent: clean, float32 [C, T', h', w'].
            advance: as for `shown`.

        Returns:
            float32 [C, context + m', h', w']; of no use in the last GOP.
        """
        if self._is_chained and self._spec.is_causal:
            shared = slice(advance, advance + self._overlap_frames)
            frames = self._prior.decode_latent(latent, *self._size)[shared]
            return self._prior.encode_frames(frames)[:, : num_known(self._spec, len(frames))]
        overlap = self._spec.overlap(advance + self._overlap_frames, self._overlap_frames)
        first, count = overlap.first_before, overlap.count
        return latent[:, first - (0 if self._is_chained else self._context) : first + count]

    def frames(self, latent: Tensor, tail: Tensor | None, shown: range) -> npt.NDArray[np.uint8]:
        """The frames that a GOP shows.

        Args:
            latent: clean, float32 [C, T', h', w'].
            tail: `tail` of the GOP before; None for the first GOP.
            shown: as `shown` gives it, without numbers below 0 if there is no tail.

        Returns:
            uint8 [len(shown), H, W, 3].
        """
        import torch

        before = 0  # frames
        if tail is not None and not self._is_chained:
            context, shared = tail[:, : self._context], tail[:, self._context :]
            if self._overlap.count:
                latent = fuse(shared, latent, self._gammas, self._overlap.first_after)
            latent = torch.cat([context, latent], 1)
            before = self._context * self._spec.temporal_stride
        frames = self._prior.decode_latent(latent, *self._size)
        return frames[before + shown.start : before + shown.stop]
