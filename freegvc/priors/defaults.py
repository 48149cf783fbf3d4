"""What a prior suggests to the encoder: rate, GOPs, the sender's grid, silent steps, tile size."""

from __future__ import annotations

from dataclasses import dataclass

# The denoising times of Table III of Free-GVC, in forward passes of CogVideoX-2B, are about 1 at a
# stop step of 50, 3 at 200, 4 at 300, and 6 at 500. This is the paper's rate; with freegvc's large
# models it was not measured.
SILENT_RATE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorDefaults:
    """The policy of a prior. None of it changes a prediction or the fingerprint.

    To change one value of a loaded prior:

        prior.defaults = dataclasses.replace(prior.defaults, native_size=(720, 1280))

    Attributes:
        bpp: bits per pixel of a file for which no target is given.
        gop_length: frames of a GOP, l in the paper.
        overlap: frames that neighbouring GOPs have in common, m; gop_length - overlap is a
            multiple of the latent's temporal stride.
        max_gop_length: most frames of a GOP that the model takes well; None for any number. The
            last GOP of a video is up to half of gop_length - overlap longer than the others.
        first_step: first step of the sender's grid in sqrt(SNR) = alpha / sigma.
        growth: factor from each step to the next. Finer steps save bits and cost model calls. With
            these values a walk takes 6 to 7 % more bits than a very fine one wherever it stops
            between SNR 0.1 and 6.3, where streams of learned priors stop (docs/trajectory.md).
        silent_rate: model calls of the silent part for 1,000 timesteps, rounded up, at least one.
        silent_steps: a fixed number of them instead.
        native_size: height and width in pixels above which frames are cut into tiles; None never
            cuts. A prior with a native size must have no side information.
    """

    bpp: float = 0.01
    gop_length: int = 48
    overlap: int = 4
    max_gop_length: int | None = None
    first_step: float = 0.025
    growth: float = 1.1
    silent_rate: int = SILENT_RATE
    silent_steps: int | None = None
    native_size: tuple[int, int] | None = None
