"""The header: everything that the decoder needs to know besides the packets."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import partial

from freegvc._bitstream import silent_rule
from freegvc._bitstream.fields import MAX_VARINT
from freegvc._channel.names import CODERS
from freegvc._video.gop_plan import GopPlan
from freegvc.errors import FreeGvcError, UsageError

# Positions are the ids on the wire: append, never reorder.
NUMERICS = (
    "float32",
    "float64",
    "bfloat16",
    "float16",
    "bfloat16-fp8",
    "float16-fp8",
    "bfloat16-int8",
    "float16-int8",
)
ATTENTIONS = ("auto", "math", "flash", "efficient", "cudnn")
SAMPLERS = ("ddim", "dpmpp2m")

MAX_SIDE = 16384
MAX_FRAMES = 1 << 24
MAX_GOPS = 1 << 20
MAX_GOP_LENGTH = 4096
MAX_GOP_PIXELS = 1 << 31  # 48 frames of 8K; a GOP is decoded in one piece of memory
MAX_GAMMAS = 256
GAMMA_ONE = 128  # gammas travel as integers over 128
MAX_TILE_SIDE = 16384
MAX_TIMESTEP = 65535
MAX_PRIOR_BYTES = 128
FINGERPRINT_BYTES = 8

BT709_LIMITED = (1, 1, 1, False)
UNTILED = (0, 0, 0)

_PRIOR = re.compile(rf"[A-Za-z0-9._/@-]{{1,{MAX_PRIOR_BYTES}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParameters:
    """What holds for a whole stream, and is known before its length is.

    docs/format.md gives the meaning and limits of each field.

    Args:
        width, height: of the source, in pixels.
        frame_rate: frames per second; nominal if the stream has timestamps.
        pixel_aspect: width over height of a pixel.
        colour: H.273 matrix, primaries and transfer, and whether the range is full.
        gop_length, overlap: l and m, in frames; `GopPlan` gives the frames of each GOP.
        chain: each GOP is coded given the decode of the one before.
        gammas: fusion weights of the newer GOP (paper, eq. 17) in 1/128: one for each overlap
            latent, or one for all; none if GOPs are chained.
        tile: height, width, overlap in latent samples; zeros if not tiled.
        vae_tile: the same of the tiles in which the VAE alone encodes and decodes.
        prior, fingerprint: name of the prior and 8 bytes over its weights.
        numerics: arithmetic in which the encoder ran the prior: its dtype, and after a hyphen how
            the weights are stored if otherwise.
        attention: the attention kernel that the encoder ran.
        start_timestep: the noisiest integer timestep.
        sampler: of the silent part, the deterministic end of the trajectory.
        silent_steps: model calls of the silent part, wherever a walk stops; 0 if they follow
            `silent_rate`.
        silent_rate: model calls of the silent part for 1,000 timesteps; 0 for a fixed number.
        refine_timestep: a noise level, as timestep, to which the prediction of the last coded state
            is noised again before that end; 0 for none. States noisier than it are left alone.
        coder: the channel coder of all packets.
        key: the stream's key for the counter-based generator.
    """

    width: int
    height: int
    frame_rate: Fraction
    gop_length: int
    overlap: int
    prior: str
    fingerprint: bytes
    start_timestep: int
    silent_steps: int = 0
    silent_rate: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colour: tuple[int, int, int, bool] = BT709_LIMITED
    chain: bool = False
    gammas: tuple[int, ...] = (64,)
    tile: tuple[int, int, int] = UNTILED
    vae_tile: tuple[int, int, int] = UNTILED
    numerics: str = "float32"
    attention: str = "auto"
    sampler: str = "ddim"
    refine_timestep: int = 0
    coder: str = "pfr"
    key: int = 0

    def validate(self, error: type[FreeGvcError] = UsageError) -> None:
        """Check every field against its limits.

        Args:
            error: what to raise; `decode_header` passes CorruptStreamError.
        """
        check = partial(_check, error)
        check("width", self.width, 1, MAX_SIDE)
        check("height", self.height, 1, MAX_SIDE)
        for name, ratio in (("frame rate", self.frame_rate), ("pixel aspect", self.pixel_aspect)):
            check(f"{name} numerator", ratio.numerator, 1, MAX_VARINT)
            check(f"{name} denominator", ratio.denominator, 1, MAX_VARINT)
        for name, code in zip(("matrix", "primaries", "transfer"), self.colour[:3], strict=True):
            check(f"colour {name}", code, 0, 255)
        check("full range flag", self.colour[3], 0, 1)
        check("GOP length", self.gop_length, 1, MAX_GOP_LENGTH)
        # with more than half, three GOPs would overlap at a frame
        check("GOP overlap", self.overlap, 0, self.gop_length // 2)
        check("overlap of chained GOPs", self.overlap, int(self.chain), self.gop_length // 2)
        is_fused = self.overlap and not self.chain
        low, high = (1, min(self.overlap, MAX_GAMMAS)) if is_fused else (0, 0)
        check("number of gammas", len(self.gammas), low, high)
        for gamma in self.gammas:
            check("gamma", gamma, 0, GAMMA_ONE)
        if not _PRIOR.fullmatch(self.prior):
            raise error(
                f"prior id is {self.prior!r}; it must be 1..{MAX_PRIOR_BYTES} characters "
                "of A-Z a-z 0-9 . _ / @ -"
            )
        check("fingerprint length", len(self.fingerprint), FINGERPRINT_BYTES, FINGERPRINT_BYTES)
        check("start timestep", self.start_timestep, 1, MAX_TIMESTEP)
        silent_rule.validate(self.silent_steps, self.silent_rate, error)
        check("refinement timestep", self.refine_timestep, 0, self.start_timestep)
        check("stream key", self.key, 0, MAX_VARINT)
        for name, word, words in (
            ("numerics", self.numerics, NUMERICS),
            ("attention", self.attention, ATTENTIONS),
            ("sampler", self.sampler, SAMPLERS),
            ("coder", self.coder, tuple(CODERS)),
        ):
            if word not in words:
                raise error(f"{name} is {word!r}; it must be one of {', '.join(words)}")
        for name, tile in (("tile", self.tile), ("VAE tile", self.vae_tile)):
            if tile != UNTILED:
                height, width, tile_overlap = tile
                check(f"{name} height", height, 1, MAX_TILE_SIDE)
                check(f"{name} width", width, 1, MAX_TILE_SIDE)
                check(f"{name} overlap", tile_overlap, 0, min(height, width) - 1)

    def silent_calls(self, stop_step: int) -> int:
        """Model calls of the silent part of a walk that stops at a timestep."""
        refines = self.refine_timestep > stop_step
        first = self.refine_timestep if refines else stop_step
        steps = silent_rule.num_steps(self.silent_steps, self.silent_rate, first)
        # each timestep is used once, so there are first + 1 of them at most
        return int(refines) + min(steps, first + 1)

    def header(self, num_frames: int, last_advance: int = 0) -> Header:
        """The header of a stream of that many frames; `last_advance` as for `GopPlan`."""
        return Header(
            **{field.name: getattr(self, field.name) for field in fields(StreamParameters)},
            num_frames=num_frames,
            last_advance=last_advance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Header(StreamParameters):
    """The header of a stream: its parameters and its length.

    Args:
        num_frames: of the source.
        last_advance: as for `GopPlan`: frames by which the last GOP follows the one before it, if
            that is unusual; else 0.
    """

    num_frames: int
    last_advance: int = 0

    @property
    def plan(self) -> GopPlan:
        """The frames of each GOP, unchecked."""
        return GopPlan(self.num_frames, self.gop_length, self.overlap, self.last_advance)

    @property
    def num_gops(self) -> int:
        """K."""
        return self.plan.num_gops

    def gop_frames(self, gop: int) -> range:
        """Frames of the source that a GOP covers; the last GOPs may have unusual lengths."""
        plan = self.plan
        if not 0 <= gop < plan.num_gops:
            raise UsageError(f"GOP {gop} does not exist; the stream has 0..{plan.num_gops - 1}")
        return plan.frames(gop)

    def validate(self, error: type[FreeGvcError] = UsageError) -> None:
        """Check every field against its limits; `error` as for `StreamParameters.validate`."""
        StreamParameters.validate(self, error)
        _check(error, "number of frames", self.num_frames, 1, MAX_FRAMES)
        plan = self.plan
        _check(error, "number of GOPs", plan.num_gops, 1, MAX_GOPS)
        if plan.last_advance:
            if not plan.has_short_rest:
                raise error(
                    f"advance of the last GOP is {plan.last_advance}, but it must be left out: "
                    f"{plan.num_frames} frames in GOPs of {plan.gop_length} with {plan.overlap} in "
                    "common leave no short rest"
                )
            low, high = max(plan.overlap, 1), plan.usual_advance - 1
            _check(error, "advance of the last GOP", plan.last_advance, low, high)
        pixels = self.width * self.height * plan.longest
        _check(error, "pixels of a GOP", pixels, 1, MAX_GOP_PIXELS)


def _check(error: type[FreeGvcError], name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise error(f"{name} is {value}; it must be in {low}..{high}")
