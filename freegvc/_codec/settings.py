"""What goes into a stream besides its target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from freegvc._bitstream.header import GAMMA_ONE, SAMPLERS, UNTILED, StreamParameters
from freegvc._control.effort import DEFAULT_EFFORT, EFFORTS, Effort
from freegvc._control.tuning import TUNINGS, Tuning
from freegvc._numbers import real_number, whole_number
from freegvc.errors import UsageError

if TYPE_CHECKING:
    import torch

    from freegvc._channel.coders import ChannelCoder
    from freegvc._trajectory import Pace, Silent
    from freegvc._video import FrameSource
    from freegvc.metrics.metric import Weights
    from freegvc.priors import Prior


GAMMA = 0.5
CONTEXT_LATENTS = 4  # known latents of a chained GOP beyond the usual overlap; measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a video is coded.

    Args:
        gop_length: l, frames per GOP; by default the prior's. It is an aim: the last GOP takes in
            what is left if that is less than half of the frames that a GOP brings, l - overlap. If
            the model does not take so many, they are divided between the last two.
        overlap: m, frames that neighbouring GOPs have in common; by default the prior's, or as many
            as fit shorter GOPs.
        chain: each GOP is coded given the decode of the one before. The overlap is known and costs
            nothing, and the model sees it: by default it has 4 latents more, and so has a GOP. GOPs
            can then be decoded only in order (docs/trajectory.md).
        gamma: fusion weight of the newer GOP, a number or a function of the overlap latent's
            index, in 0 .. 1 (paper, eq. 17).
        coder: "trellis", "pfr" (the paper's), or a coder on the prior's device.
        effort: "fast", "medium", "slow" or "best": model calls and search for fewer bits.
        first_step, growth: the sender's grid: its first step in sqrt(SNR), and the factor from each
            step to the next; by default those that the effort makes of the prior's.
        sampler: "ddim" or "dpmpp2m", for the silent part from the stop step to the clean latent.
        silent_steps: model calls of that part, wherever a GOP stops.
        silent_rate: model calls of that part for 1,000 timesteps, rounded up, at least one: a GOP
            that stops where little noise is left takes fewer. At most one of the two; by default
            the prior's, or L = 5 steps of "gnvc-vd".
        refine: partial-noise refinement: GOPs that stop at a less noisy timestep than this are
            noised to it again, and the silent part starts there. "gnvc-vd" is the noise of that
            paper, sigma = 0.3 of a flow-matching path.
        tune: "balanced" or "fidelity": each latent is moved to where it decodes to better scores
            at equal bits, which takes longer; the decoder does as always. Balanced are LPIPS,
            MS-SSIM and PSNR, fidelity the latter two. For priors that are `is_tunable`.
        tune_weights: folder of the safetensors of LPIPS, for "balanced"; by default as
            `freegvc.metrics` says.

    Raises:
        UsageError: an unknown word, a value of another type, or one outside its range. What depends
            on the video and the prior is refused by `compress`.
    """

    gop_length: int | None = None
    overlap: int | None = None
    chain: bool = False
    gamma: float | Callable[[int], float] = GAMMA
    coder: str | ChannelCoder = "trellis"
    effort: str = DEFAULT_EFFORT
    first_step: float | None = None
    growth: float | None = None
    sampler: str = "ddim"
    silent_steps: int | None = None
    silent_rate: int | None = None
    refine: str | int | None = None
    tune: str | None = None
    tune_weights: Weights = None

    def __post_init__(self) -> None:
        for name in ("gop_length", "overlap", "silent_steps", "silent_rate"):
            self._convert(name, whole_number)
        for name in ("first_step", "growth"):
            self._convert(name, real_number)
        if not isinstance(self.refine, str):
            self._convert("refine", whole_number)
        if not callable(self.gamma):
            self._convert("gamma", real_number)
        if self.chain not in (True, False):
            raise UsageError(f"chain is {self.chain!r}, but must be True or False")
        object.__setattr__(self, "chain", bool(self.chain))
        if not isinstance(self.coder, str) and not hasattr(self.coder, "encode"):
            raise UsageError(f"coder is {self.coder!r}, but must be a name or a channel coder")
        _check_word("effort", self.effort, EFFORTS)
        _check_word("sampler", self.sampler, SAMPLERS)
        if self.tune is not None:
            _check_word("tune", self.tune, TUNINGS)
        if self.first_step is not None and not 0.0 < self.first_step < math.inf:
            raise UsageError(f"first_step is {self.first_step}, but must be above 0 and finite")
        if self.growth is not None and not 1.0 <= self.growth < math.inf:
            raise UsageError(f"growth is {self.growth}, but must be at least 1 and finite")
        steps, rate = self.silent_steps, self.silent_rate
        if steps is not None and rate is not None:
            raise UsageError(
                f"silent_steps is {steps} and silent_rate is {rate}: give one of them, or neither "
                "for the prior's"
            )
        if rate is not None and rate < 1:
            raise UsageError(f"silent_rate is {rate}; it must be 1 or more")

    def _convert(self, name: str, number: Callable[[str, object], float]) -> None:
        """Make a field a number of Python's own, or leave it None."""
        value = getattr(self, name)
        if value is not None:
            object.__setattr__(self, name, number(name, value))

    def channel_coder(self, device: torch.device) -> ChannelCoder:
        """The channel coder; UsageError for an unknown name."""
        from freegvc._channel.coders import make_coder

        if not isinstance(self.coder, str):
            return self.coder
        return make_coder(self.coder, device, log2_states=self.chosen_effort.log2_states)

    @property
    def tuning(self) -> Tuning | None:
        """What `tune` stands for."""
        return None if self.tune is None else Tuning(self.tune, self.tune_weights)

    @property
    def chosen_effort(self) -> Effort:
        """What `effort` stands for."""
        return EFFORTS[self.effort]

    def pace(self, prior: Prior) -> Pace:
        """The pace of the walks."""
        from freegvc._trajectory import Pace

        own = Pace(prior.defaults.first_step, prior.defaults.growth)
        scaled = own.scaled(self.chosen_effort.step_scale)
        first_step = scaled.first_step if self.first_step is None else self.first_step
        growth = scaled.growth if self.growth is None else self.growth
        return Pace(first_step, growth)

    def parameters(self, source: FrameSource, prior: Prior, coder: str) -> StreamParameters:
        """The parameters of the stream that these settings make of a video.

        Args:
            source: the video.
            prior: a `TiledPrior` where frames are cut into tiles.
            coder: name of the channel coder.

        Raises:
            UsageError: a field is outside its limits, or the GOPs do not fit the prior's latent.
        """
        from freegvc._trajectory.chain import num_known
        from freegvc.priors.tiled import TiledPrior

        stride, preferred = prior.latent.temporal_stride, prior.defaults.overlap
        gop_length, overlap = self.gop_length, self.overlap
        context = CONTEXT_LATENTS * stride if self.chain else 0
        if gop_length is None:
            gop_length = prior.defaults.gop_length + context
            gop_length = min(gop_length, prior.defaults.max_gop_length or gop_length)
        if overlap is None:
            overlap = _default_overlap(gop_length, preferred + context, stride)
        if not 0 <= overlap <= gop_length // 2:
            raise UsageError(
                f"overlap is {overlap}, but must be in 0 .. {gop_length // 2}, half of gop_length"
            )
        if self.chain and self.gamma != GAMMA:
            raise UsageError(
                f"gamma is {self.gamma}, but chained GOPs share latents and blend none: leave out "
                "gamma or chain"
            )
        if self.chain and not num_known(prior.latent, overlap):
            raise UsageError(
                f"chained GOPs need at least one latent of {stride} frames in common, but overlap "
                f"is {overlap}: raise overlap and gop_length"
            )
        if overlap > 0 and (gop_length - overlap) % stride:
            raise UsageError(
                f"gop_length - overlap is {gop_length} - {overlap}, but prior {prior.name!r} has "
                f"one latent for {stride} frames; choose a difference that is a multiple of "
                f"{stride}"
            )
        if self.tuning:
            self.tuning.check(prior, source.height, source.width)
        silent = self._silent(prior)
        num_fused = prior.latent.overlap(gop_length, overlap).count
        tiles = (prior.tile, prior.vae_tile) if isinstance(prior, TiledPrior) else (None, None)
        parameters = StreamParameters(
            width=source.width,
            height=source.height,
            frame_rate=source.frame_rate,
            pixel_aspect=source.pixel_aspect,
            colour=astuple(source.colour),
            gop_length=gop_length,
            overlap=overlap,
            chain=self.chain,
            gammas=() if self.chain else _gammas(self.gamma, overlap, num_fused),
            tile=tiles[0] or UNTILED,
            vae_tile=tiles[1] or UNTILED,
            prior=prior.name,
            fingerprint=prior.fingerprint,
            numerics=prior.numerics,
            attention=prior.attention,
            start_timestep=prior.schedule.start,
            sampler=silent.sampler,
            silent_steps=silent.steps,
            silent_rate=silent.rate,
            refine_timestep=silent.refine_timestep,
            coder=coder,
        )
        parameters.validate()
        return parameters

    def _silent(self, prior: Prior) -> Silent:
        from freegvc._trajectory import GNVC_VD, GNVC_VD_STEPS, Silent, refine_timestep

        steps, rate = self.silent_steps, self.silent_rate
        if steps is None and rate is None:
            if self.refine == GNVC_VD:
                steps = GNVC_VD_STEPS
            else:
                steps, rate = prior.defaults.silent_steps, prior.defaults.silent_rate
                rate = 0 if steps else rate
        refine = refine_timestep(self.refine, prior.schedule)
        return Silent(self.sampler, steps or 0, refine, rate or 0)


def settings_of(settings: Settings | None) -> Settings:
    """What was given as `settings`, or the defaults; UsageError for anything else."""
    if settings is None:
        return Settings()
    if not isinstance(settings, Settings):
        raise UsageError(f"settings is {settings!r}, but must be a freegvc.Settings")
    return settings


def _check_word(name: str, word: object, words: Iterable[str]) -> None:
    if word not in [*words]:
        raise UsageError(f"{name} is {word!r}; choose one of {', '.join(words)}")


def _default_overlap(gop_length: int, preferred: int, stride: int) -> int:
    """The most frames up to the prior's own that GOPs of this length can share; 0 if none."""
    for overlap in range(min(preferred, gop_length // 2), 0, -1):
        if (gop_length - overlap) % stride == 0:
            return overlap
    return 0


def _gammas(
    gamma: float | Callable[[int], float], overlap: int, overlap_latents: int
) -> tuple[int, ...]:
    """One integer for each overlap latent; a single one if all are equal."""
    if overlap == 0:
        return ()
    values = [gamma(i) if callable(gamma) else gamma for i in range(max(overlap_latents, 1))]
    if not all(0.0 <= value <= 1.0 for value in values):
        raise UsageError(f"gamma is {values} for the latents of an overlap, but must lie in 0 .. 1")
    gammas = tuple(round(value * GAMMA_ONE) for value in values)
    return gammas[:1] if len(set(gammas)) == 1 else gammas
