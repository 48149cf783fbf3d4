"""freegvc as one of the codecs that benchmarks compare, and calls of freegvc for all benchmarks."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import freegvc
from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded, Frames
from freegvc import CompressedVideo, Event, GopDecoded, GopDone, Settings
from freegvc._control.targets import Target
from freegvc.errors import PriorError, TargetError, UsageError
from freegvc.priors import Prior, load_prior

if TYPE_CHECKING:
    from freegvc.cluster import Workers


@functools.lru_cache(maxsize=2)  # more large models do not fit into memory
def loaded_prior(name: str, device: str, **options: str) -> Prior:
    """A prior, loaded once for all codecs that use it in turn; arguments as of `load_prior`.

    Raises:
        PriorError: it cannot be loaded.
        UsageError: it does not have an option.
    """
    return load_prior(name, device=device, **options)  # type: ignore[arg-type]


def compress(
    frames: Frames,
    prior: Prior,
    target: Target,
    options: Mapping[str, Any] | None = None,
    fps: Fraction | None = None,
) -> tuple[CompressedVideo, list[GopDone]]:
    """The stream of some frames, and the last event of each GOP.

    Args:
        frames: uint8 [T, H, W, 3].
        prior: the model.
        target: what to aim at.
        options: fields of `freegvc.Settings`, such as coder and overlap.
        fps: frames per second.
    """
    heard: list[Event] = []
    compressed = freegvc.compress(
        freegvc.open_video(frames, fps=fps),
        target,
        settings=Settings(**(options or {})),
        prior=prior,
        on_event=heard.append,
    )
    return compressed, [event for event in heard if isinstance(event, GopDone)]


def decompress(compressed: CompressedVideo | Path, prior: Prior) -> tuple[Frames, list[GopDecoded]]:
    """Frames of a stream, uint8 [T, H, W, 3], and the event of each GOP."""
    heard: list[Event] = []
    video = freegvc.decompress(compressed, prior=prior, on_event=heard.append)
    return video.frames, [event for event in heard if isinstance(event, GopDecoded)]


class FreeGvcCodec(Codec):
    """`freegvc.compress` at the highest of several rates, and the lower ones cut from that file.

    Cutting is `freegvc truncate`: steps are coded in order, so a file of a lower rate is a prefix
    of the walk, and one walk gives all rates. Each rate has the time of that walk.

    Args:
        prior: a name that `load_prior` takes.
        rates_bpp: upper bounds in bits per pixel; those below the size of a header are left out.
        label: for tables; by default the prior's name.
        device: where the prior runs.
        workers: of a Ray cluster, which then run the prior; the files are the same.
        prior_options: keywords of `load_prior` other than the device, such as dtype.
        options: fields of `freegvc.Settings`, such as coder, overlap, gamma, gop_length.
    """

    def __init__(
        self,
        prior: str,
        rates_bpp: Sequence[float],
        *,
        label: str | None = None,
        device: str = "cpu",
        workers: Workers | None = None,
        prior_options: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        self.label = label or prior.replace("/", ".")
        self.rates_bpp = sorted(rates_bpp)
        self._prior_name, self._device, self._options = prior, device, options
        self._prior_options = dict(prior_options or {})
        self._workers = workers
        self.settings = {
            "codec": f"freegvc {freegvc.__version__}",
            "prior": prior,
            "device": device,
            "rates_bpp": self.rates_bpp,
            "encode seconds": "of the walk to the highest rate, from which the others are cut",
            **({} if workers is None else {"workers": workers.num_workers}),
            **self._prior_options,
            **{name: str(value) for name, value in options.items()},
        }

    def check(self) -> None:
        """Load the prior; its fingerprint becomes one of the settings."""
        try:
            prior = self.prior
        except (PriorError, UsageError) as error:
            raise CodecUnavailableError(str(error)) from error
        self.settings = {**self.settings, "fingerprint": prior.fingerprint.hex()}

    @property
    def prior(self) -> Prior:
        """The prior, loaded once."""
        return loaded_prior(self._prior_name, self._device, **self._prior_options)

    def encode(self, frames: Frames, fps: Fraction, folder: Path) -> list[Encoded]:
        began = time.perf_counter()
        target = freegvc.Rate(bpp=self.rates_bpp[-1])
        whole, gops = self._compress(frames, target, fps)
        seconds = time.perf_counter() - began
        stages = {
            "encode frames": sum(gop.seconds["frames"] for gop in gops),
            "walk": sum(gop.seconds["walk"] for gop in gops),
        }
        files: dict[int, Encoded] = {}
        for rate in self.rates_bpp:
            try:
                part = whole.truncate(bpp=rate)
            except TargetError:
                continue  # a tiny video, whose header alone takes more
            if sum(gop.num_steps for gop in part.gops) and part.num_bytes not in files:
                path = part.save(folder / f"{rate:g}bpp.fgvc", overwrite=True)
                setting = f"at most {rate:g} bpp"
                seeds = sum(gop.seed_bits for gop in part.gops) / 8
                details = {"seed_bytes": round(seeds, 1)}
                files[part.num_bytes] = Encoded(setting, path, seconds, dict(stages), details)
        return list(files.values())

    def decode(self, encoded: Encoded) -> Frames:
        if self._workers is None:
            return decompress(encoded.path, self.prior)[0]
        from freegvc import cluster

        return cluster.decompress(
            encoded.path,
            workers=self._workers,
            prior=self._prior_name,
            prior_options=self._prior_options,
        ).frames

    def _compress(
        self, frames: Frames, target: Target, fps: Fraction
    ) -> tuple[CompressedVideo, list[GopDone]]:
        """As `compress`, here or on the workers."""
        if self._workers is None:
            return compress(frames, self.prior, target, self._options, fps)
        from freegvc import cluster

        heard: list[Event] = []
        compressed = cluster.compress(
            freegvc.open_video(frames, fps=fps),
            target,
            workers=self._workers,
            settings=Settings(**self._options),
            prior=self._prior_name,
            prior_options=self._prior_options,
            on_event=heard.append,
        )
        return compressed, [event for event in heard if isinstance(event, GopDone)]
