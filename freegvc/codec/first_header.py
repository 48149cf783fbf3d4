"""The header of a stream that is about to be written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import TYPE_CHECKING

from freegvc.bitstream import Header
from freegvc.bitstream.header import UNTILED
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc.priors import Prior
    from freegvc.trajectory import Silent
    from freegvc.video import FrameSource

FUSION_ONE = 128  # fusion weights travel as integers over 128


def first_header(
    source: FrameSource,
    prior: Prior,
    silent: Silent,
    *,
    coder: str,
    gops: tuple[int, int],
    gamma: float | Callable[[int], float],
) -> Header:
    """The header with all that is known before the last frame was read.

    Args:
        source: the video.
        prior: a `TiledPrior` where frames are cut into tiles.
        silent: as `silent_part` made it.
        coder: name of the channel coder.
        gops: frames of a GOP and of its overlap.
        gamma: fusion weight, as for `compress`.

    Raises:
        UsageError: a field is outside its limits, or the GOPs do not fit the prior's latent.
    """
    from freegvc.priors.tiled import TiledPrior

    gop_length, overlap = gops
    stride = prior.latent.temporal_stride
    if (gop_length - overlap) % stride:
        raise UsageError(
            f"gop_length - overlap is {gop_length} - {overlap}, but prior {prior.name!r} has one "
            f"latent for {stride} frames; choose a difference that is a multiple of {stride}"
        )
    header = Header(
        width=source.width,
        height=source.height,
        num_frames=1,
        frame_rate=source.frame_rate,
        pixel_aspect=source.pixel_aspect,
        colour=astuple(source.colour),
        gop_length=gop_length,
        overlap=overlap,
        fusion_weights=_fusion_weights(
            gamma, overlap, prior.latent.overlap(gop_length, overlap).count
        ),
        tile=prior.tile if isinstance(prior, TiledPrior) else UNTILED,
        prior=prior.name,
        fingerprint=prior.fingerprint,
        numerics=prior.numerics,
        attention=prior.attention,
        start_timestep=prior.schedule.start,
        sampler=silent.sampler,
        silent_steps=silent.num_steps,
        refine_timestep=silent.refine_timestep,
        coder=coder,
        key=0,
    )
    header.validate()
    return header


def silent_part(
    prior: Prior, sampler: str, silent_steps: int | None, refine: str | int | None
) -> Silent:
    """The silent part that a user asks for; arguments as for `compress`.

    Raises:
        UsageError: the refinement is not one; the header checks the rest.
    """
    from freegvc.trajectory import GNVC_VD, GNVC_VD_STEPS, Silent, refine_timestep

    if silent_steps is None:
        silent_steps = GNVC_VD_STEPS if refine == GNVC_VD else prior.defaults.silent_steps
    return Silent(sampler, silent_steps, refine_timestep(refine, prior.schedule))


def _fusion_weights(
    gamma: float | Callable[[int], float], overlap: int, shared_latents: int
) -> tuple[int, ...]:
    """One integer for each shared latent; a single one where they are all the same."""
    if overlap == 0:
        return ()
    values = [gamma(i) if callable(gamma) else gamma for i in range(max(shared_latents, 1))]
    if not all(0.0 <= value <= 1.0 for value in values):
        raise UsageError(f"gamma gave {values}, but fusion weights lie in 0 .. 1")
    weights = tuple(round(value * FUSION_ONE) for value in values)
    return weights[:1] if len(set(weights)) == 1 else weights
