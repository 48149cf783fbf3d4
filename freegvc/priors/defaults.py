"""What a prior suggests to the encoder: GOPs, the sender's grid, silent steps, and tile size."""

from __future__ import annotations

from dataclasses import dataclass

# The sender's grid in sqrt(SNR) = alpha / sigma. The bits of a walk are an upper Riemann sum over
# SNR. With growing steps the excess stays near 7 % wherever the walk stops; uniform steps do well
# only for one stop step that is known beforehand. Measured in docs/trajectory.md.
FIRST_STEP = 0.1
STEP_GROWTH = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorDefaults:
    """The policy of a prior. None of it changes a prediction or the fingerprint.

    To change one value of a loaded prior:

        prior.defaults = dataclasses.replace(prior.defaults, native_size=(720, 1280))

    Attributes:
        gop_length: frames of a GOP, l in the paper.
        overlap: frames that neighbouring GOPs have in common, m; gop_length - overlap is a
            multiple of the latent's temporal stride.
        max_gop_length: most frames of a GOP that the model takes well; None for any number. The
            last GOP of a video is up to half of gop_length - overlap longer than the others.
        first_step: first step of the sender's grid in sqrt(SNR).
        step_growth: factor from each step to the next. Finer steps save bits and cost model calls.
        silent_steps: model calls of the silent part.
        native_size: height and width in pixels above which frames are cut into tiles; None never
            cuts. A prior with a native size must have no side information.
    """

    gop_length: int = 48
    overlap: int = 4
    max_gop_length: int | None = None
    first_step: float = FIRST_STEP
    step_growth: float = STEP_GROWTH
    silent_steps: int = 20
    native_size: tuple[int, int] | None = None
