"""check_prior: a test for packages that contain a prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from freegvc._bitstream.header import ATTENTIONS, FINGERPRINT_BYTES, MAX_TIMESTEP, NUMERICS
from freegvc._bitstream.silent_rule import MAX_RATE, MAX_STEPS
from freegvc.errors import CorruptStreamError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from freegvc.priors import Prior

SIZES = ((1, 48, 64), (9, 50, 70), (12, 64, 48))  # frames, height, width: odd ones too


def check_prior(prior: Prior, *, sizes: tuple[tuple[int, int, int], ...] = SIZES) -> None:
    """Check that a prior does what `freegvc.priors.Prior` requires.

    Encodes, predicts and decodes small moving pictures, and runs one through the whole codec.

    Args:
        prior: any prior.
        sizes: frames, height and width of the pictures, for models that need larger ones.

    Raises:
        AssertionError: a requirement is not met; the message says which.
    """
    before = _random_states()
    _check_attributes(prior)
    for num_frames, height, width in sizes:
        frames = moving_picture(num_frames, height, width)
        latent = _check_encoder(prior, frames)
        _check_predictions(prior, latent)
        _check_side(prior, latent)
        _check_decoder(prior, latent, frames)
        _check_tuning(prior, latent, frames)
    _check_round_trip(prior, moving_picture(*sizes[-1]))
    _require(
        before == _random_states(),
        "the prior used a global random generator; encoder and decoder would disagree",
    )


def moving_picture(num_frames: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Coloured waves that move: uint8 [T, H, W, 3]."""
    t, y, x = np.meshgrid(
        np.arange(num_frames), np.arange(height), np.arange(width), indexing="ij", sparse=True
    )
    waves = [np.sin((x * (c + 1) + y * (3 - c)) / 17.0 + t * (c + 1) / 5.0) for c in range(3)]
    frames: npt.NDArray[np.uint8] = np.round(127.5 + 100.0 * np.stack(waves, -1)).astype(np.uint8)
    return frames


def _random_states() -> tuple[bytes, str]:
    import torch

    state = torch.get_rng_state().numpy().tobytes()
    return state, repr(np.random.get_state(legacy=False))  # noqa: NPY002


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _check_attributes(prior: Prior) -> None:
    fingerprint = prior.fingerprint
    _require(
        isinstance(fingerprint, bytes) and len(fingerprint) == FINGERPRINT_BYTES,
        f"fingerprint is {fingerprint!r}; it must be {FINGERPRINT_BYTES} bytes",
    )
    _require(fingerprint == prior.fingerprint, "the fingerprint differs from one read to the next")
    start = prior.schedule.start
    _require(start <= MAX_TIMESTEP, f"the schedule starts at {start}; at most {MAX_TIMESTEP}")
    defaults, stride = prior.defaults, prior.latent.temporal_stride
    length, overlap = defaults.gop_length, defaults.overlap
    _require(
        0 <= overlap <= length // 2 and (length - overlap) % stride == 0,
        f"gop_length {length} and overlap {overlap} do not fit a latent of {stride} frames: "
        "overlap is at most half of gop_length, and their difference a multiple of "
        f"{stride}",
    )
    _require(
        not (prior.latent.has_context and prior.latent.is_causal),
        "a causal latent has context, but its decoder begins with a latent of one frame: leave out "
        "has_context",
    )
    most = defaults.max_gop_length
    _require(
        most is None or most >= length,
        f"max_gop_length is {most}; it must be at least gop_length, {length}",
    )
    _require(defaults.bpp > 0.0, f"bpp is {defaults.bpp}; it must be above 0")
    _require(
        defaults.first_step > 0.0 and defaults.growth >= 1.0,
        f"first_step is {defaults.first_step} and growth {defaults.growth}; they must "
        "be above 0 and at least 1",
    )
    steps, rate = defaults.silent_steps, defaults.silent_rate
    _require(
        steps is None or 1 <= steps <= MAX_STEPS,
        f"silent_steps is {steps}; it must be None or in 1..{MAX_STEPS}",
    )
    _require(1 <= rate <= MAX_RATE, f"silent_rate is {rate}; it must be in 1..{MAX_RATE}")
    _require(prior.numerics in NUMERICS, f"numerics is {prior.numerics!r}; one of {NUMERICS}")
    _require(
        prior.attention in ATTENTIONS, f"attention is {prior.attention!r}; one of {ATTENTIONS}"
    )


def _check_tensor(what: str, tensor: Tensor, shape: tuple[int, ...], prior: Prior) -> None:
    import torch

    _require(tuple(tensor.shape) == shape, f"{what} has shape {tuple(tensor.shape)}, not {shape}")
    _require(tensor.dtype == torch.float32, f"{what} is {tensor.dtype}; it must be torch.float32")
    _require(
        tensor.device.type == prior.device.type, f"{what} is on {tensor.device}, not {prior.device}"
    )
    _require(bool(torch.isfinite(tensor).all()), f"{what} is not finite everywhere")


def _check_encoder(prior: Prior, frames: npt.NDArray[np.uint8]) -> Tensor:
    latent = prior.encode_frames(frames)
    size = frames.shape[:3]
    _check_tensor(f"encode_frames of {size}", latent, prior.latent.shape(*size), prior)
    again = prior.encode_frames(frames)
    _require(bool((latent == again).all()), f"encode_frames of {size} differs from call to call")
    return latent


def _check_predictions(prior: Prior, latent: Tensor) -> None:
    shape = tuple(latent.shape)
    side = prior.fit(latent)
    for timestep in (prior.schedule.start, prior.schedule.start // 2, 0):
        level = prior.schedule.level(timestep)
        z = level.alpha * latent + level.sigma * latent.flip(-1)
        kept = z.clone()
        x0_hat = prior.predict_x0(z, timestep, side)
        what = f"predict_x0 of {shape} at timestep {timestep}"
        _check_tensor(what, x0_hat, shape, prior)
        _require(bool((z == kept).all()), f"{what} wrote into its argument")
        again = prior.predict_x0(z, timestep, side)
        _require(bool((x0_hat == again).all()), f"{what} differs from call to call")
        if prior.defaults.native_size is None:
            continue
        _require(
            not side,
            "a prior with a native_size must have no side values: its frames are cut into tiles",
        )
        tiles = prior.predict_tiles(z.expand(2, *shape), timestep)
        _check_tensor(f"predict_tiles at timestep {timestep}", tiles, (2, *shape), prior)
        error = float((tiles - x0_hat).abs().max())
        scale = float(x0_hat.abs().max()) + 1e-6
        _require(error < 0.1 * scale, f"{what} and predict_tiles differ by {error:.3g}")


def _check_side(prior: Prior, latent: Tensor) -> None:
    side = prior.fit(latent)
    channels, t, h, w = latent.shape
    shape = (channels, t, h, w)
    _require(
        all(isinstance(value, int) and 0 <= value <= 255 for value in side),
        f"fit gave {side}; side values are integers in 0 .. 255",
    )
    _require(
        len(side) == prior.side_count(shape),
        f"fit gave {len(side)} side values, but side_count says {prior.side_count(shape)}",
    )
    try:
        prior.check_side((*side, 0), shape)
    except CorruptStreamError:
        return
    raise AssertionError("check_side accepts one value too many")


def _check_decoder(prior: Prior, latent: Tensor, frames: npt.NDArray[np.uint8]) -> None:
    import torch

    num_frames, height, width, _ = frames.shape
    spec = prior.latent
    length = spec.num_padded_frames(num_frames)
    _check_frames("decode_latent", prior.decode_latent(latent, height, width), length, frames)
    if spec.has_context:
        decoded = prior.decode_latent(torch.cat([latent[:, :1], latent], 1), height, width)
        length += spec.temporal_stride
        _check_frames("decode_latent with context", decoded, length, frames)


def _check_frames(
    what: str, decoded: npt.NDArray[np.uint8], length: int, frames: npt.NDArray[np.uint8]
) -> None:
    shape = (length, *frames.shape[1:])
    _require(
        decoded.shape == shape and decoded.dtype == np.uint8,
        f"{what} gave {decoded.dtype} {decoded.shape}; it must be uint8 {shape}",
    )


def _check_tuning(prior: Prior, latent: Tensor, frames: npt.NDArray[np.uint8]) -> None:
    if not prior.is_tunable:
        return
    kept = latent.clone()
    tuned = prior.tuned(latent, frames, lambda seen, decoded: (seen - decoded).square().mean())
    _check_tensor("tuned", tuned, tuple(latent.shape), prior)
    _require(bool((latent == kept).all()), "tuned wrote into its argument")


def _check_round_trip(prior: Prior, frames: npt.NDArray[np.uint8]) -> None:
    import freegvc

    stop_step = prior.schedule.noisiest_with(1.0)
    stream = freegvc.compress(frames, stop_step=stop_step, prior=prior)
    decoded = freegvc.decompress(stream.data, prior=prior).frames
    again = freegvc.decompress(stream.data, prior=prior).frames
    _require(decoded.shape == frames.shape, f"{frames.shape} came back as {decoded.shape}")
    _require(bool((decoded == again).all()), "two decodes of one stream differ")
