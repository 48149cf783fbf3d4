"""Data, resuming and the arithmetic of bits; no real training."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from freegvc import Video
from freegvc._diffusion import NoiseSchedule, ddim, silent_timesteps
from freegvc.priors.small.denoiser import schedule
from training.data import Clips, camera_move, held, normalise, prefetch
from training.latents import Latents, encode_variant, varied
from training.noise_levels import HIGH_U, LOW_SHARE, LOW_U, timesteps_at, timesteps_of
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.silent_outputs import HIGH_U as STOP_HIGH_U
from training.silent_outputs import LEVELS, SilentOutputs, made, seen
from training.silent_outputs import LOW_U as STOP_LOW_U
from training.silent_part import SILENT_STEPS
from training.validate import STOP_ROOTS, bits_of_walk


def moving_clips() -> Clips:
    rng = np.random.default_rng(0)
    shapes = [(20, 64, 80), (50, 72, 64)]
    return Clips(shapes, [rng.integers(0, 256, (*s, 3), np.uint8) for s in shapes])


@pytest.mark.parametrize("length", [8, 32])
def test_batches_depend_on_the_generator_alone(length: int) -> None:
    clips = moving_clips()
    first, again, other = (
        clips.batch(np.random.default_rng(key), 12, length, (32, 48)) for key in (3, 3, 4)
    )
    assert first.shape == (12, length, 3, 32, 48)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_camera_that_does_not_move_shows_the_frame() -> None:
    class Still:
        def normal(self, mean: float, spread: float, size: int | None = None) -> object:
            del mean, spread
            return 0.0 if size is None else np.zeros(size)

        def uniform(self, low: float, high: float) -> float:
            return (low + high) / 2 if low < 0 else high

    frame = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    moved = camera_move(frame, Still(), 4, (20, 30))  # type: ignore[arg-type]
    assert np.abs(moved.astype(int) - frame[10:30, 15:45]).max() <= 1


def test_a_held_clip_moves_inside_an_ellipse_alone() -> None:
    (clip, _) = moving_clips().clips
    moving = []
    for key in range(40):
        frames = held(clip, np.random.default_rng(key))
        if np.abs(frames.astype(int) - frames[0]).max() < 20:  # noise alone
            moving.append(0.0)
            continue
        still = (np.abs(np.diff(frames.astype(int), axis=0)).max((0, 3)) < 20).mean()
        assert frames.shape == clip.shape
        moving.append(1 - float(still))
    assert sum(share == 0 for share in moving) / 40 == pytest.approx(1 / 3, abs=0.25)
    assert 0.3 < max(moving) <= 0.7


def keyed(step: int) -> torch.Generator:
    return torch.Generator().manual_seed(step)


def test_batches_loaded_ahead_come_in_order() -> None:
    batches = prefetch(lambda step: torch.randn(3, generator=keyed(step)), 4, 2)
    for step in range(4, 12):
        assert torch.equal(next(batches), torch.randn(3, generator=keyed(step)))


def test_most_timesteps_train_low_rates() -> None:
    timesteps = timesteps_at(4096, torch.Generator().manual_seed(0))
    alpha, sigma = schedule()
    u = -2 * torch.log(sigma[timesteps])
    expected = LOW_SHARE + (1 - LOW_SHARE) * LOW_U / HIGH_U
    assert float((u < LOW_U).double().mean()) == pytest.approx(expected, abs=0.01)
    assert float(u.max()) == pytest.approx(HIGH_U, abs=0.5)
    assert int(timesteps.min()) >= 1
    assert torch.equal(alpha[timesteps] > 0, timesteps < 1000)


def test_bits_of_a_prior_that_predicts_zero() -> None:
    """With x0_hat = 0 the sum telescopes to SNR / 2 |y|^2 / ln 2 at every stop."""
    alpha, sigma = schedule()
    levels = NoiseSchedule(alpha.numpy(), sigma.numpy())
    latent = torch.randn(1, 16, 2, 3, 4, generator=keyed(0))
    rows = bits_of_walk(latent, levels, lambda z, _: torch.zeros_like(z))
    for row, root in zip(rows, STOP_ROOTS, strict=True):
        snr = levels.snr(levels.noisiest_with(root**2))
        energy = float(latent.double().square().sum())
        assert row["bpp"] * (2 * 4 * 3 * 8 * 4 * 8) == pytest.approx(
            snr / 2 * energy / np.log(2), abs=0.04
        )


@pytest.mark.skipif(not WEIGHTS_FOLDER.exists(), reason="the weights are not in this checkout")
def test_lpips_is_the_published_one() -> None:
    lpips = Lpips("alex")
    reference, p0, p1 = (
        normalise(
            torch.from_numpy(np.array(Image.open(WEIGHTS_FOLDER / name).convert("RGB")))
        ).permute(2, 0, 1)[None]
        for name in ("ex_ref.png", "ex_p0.png", "ex_p1.png")
    )
    assert float(lpips(reference, p0)) == pytest.approx(0.72188, abs=1e-4)
    assert float(lpips(reference, p1)) == pytest.approx(0.13757, abs=1e-4)


class Averager:
    """An encoder whose latent is the mean of its own 4 x 8 x 8 block, 16 times."""

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        blocks = video.mean(2).unflatten(1, (-1, 4)).unflatten(3, (-1, 8)).unflatten(5, (-1, 8))
        return blocks.mean((2, 4, 6))[:, None].expand(-1, 16, -1, -1, -1)


def cached(clips: Clips, variants: int) -> Latents:
    model = Averager()
    return Latents(
        [
            latent
            for variant in range(variants)
            for _, latent in sorted(encode_variant(model, clips, variant, 1).items())  # type: ignore[arg-type]
        ]
    )


def large_clips() -> Clips:
    rng = np.random.default_rng(0)
    shapes = [(48, 168, 176), (52, 176, 168)]
    return Clips(shapes, [rng.integers(0, 256, (*s, 3), np.uint8) for s in shapes])


def test_variants_differ_and_the_first_is_the_clip_itself() -> None:
    clips = large_clips()
    assert np.array_equal(varied(clips, 1, 0), clips.clips[1])
    one, again, other = varied(clips, 1, 1), varied(clips, 1, 1), varied(clips, 1, 2)
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)
    latents = cached(clips, 2)
    assert len(latents.clips) == 4
    assert latents.clips[0].shape == (16, 12, 21, 22)
    batch = latents.batch(np.random.default_rng(0), 3, (12, 30, 16))
    assert batch.shape[:3] == (3, 16, 12)
    assert batch.shape[3] <= 22  # no clip has 30 rows: the crop is as large as all of them allow
    assert batch.shape[4] == 16


class Blurred:
    """A denoiser whose v pulls towards zero, more at noisier timesteps."""

    def __call__(self, z: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z) * (0.3 + timesteps[:, None, None, None, None] / 1000)

    def parameters(self) -> Iterator[torch.Tensor]:
        yield torch.zeros(())


def test_pictures_and_latents_of_a_decoder_batch_are_of_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = large_clips()
    for number in range(4):
        frames = seen(clips, number)
        save_file(made(Averager(), Blurred(), frames, number), tmp_path / f"{number}.safetensors")  # type: ignore[arg-type]
    outputs = SilentOutputs.open(tmp_path)
    monkeypatch.setattr("training.silent_outputs.CLEAN_SHARE", 1.0)
    latent, shown = outputs.batch(5, 3, (4, 12, 14))
    assert latent.shape == (3, 16, 4, 12, 14)
    assert shown.shape == (3, 16, 3, 96, 112)
    torch.testing.assert_close(Averager().encode(normalise(shown)), latent, rtol=0, atol=1e-3)
    monkeypatch.setattr("training.silent_outputs.CLEAN_SHARE", 0.0)
    assert not torch.allclose(outputs.batch(5, 3, (4, 12, 14))[0], latent, atol=1e-2)


def test_some_clips_of_the_decoder_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = large_clips()
    monkeypatch.setattr("training.silent_outputs.VARIED_SHARE", 0.0)
    for share, is_still in ((1.0, True), (0.0, False)):
        monkeypatch.setattr("training.silent_outputs.STILL_SHARE", share)
        frames = seen(clips, 1)
        assert frames.shape == (48, 176, 168, 3)
        assert (frames == frames[:1]).all() == is_still


def test_the_decoder_is_given_what_the_silent_part_makes() -> None:
    clips = large_clips()
    frames = seen(clips, 0)
    latent = Averager().encode(normalise(torch.from_numpy(frames).permute(0, 3, 1, 2)[None]))[0]
    ends = made(Averager(), Blurred(), frames, 7)["latents"]  # type: ignore[arg-type]
    torch.testing.assert_close(ends[0], latent.half())
    alpha, sigma = schedule()
    levels = NoiseSchedule(alpha.numpy(), sigma.numpy())
    generator = keyed(7)
    share = torch.rand(LEVELS, generator=generator)
    stops = timesteps_of(STOP_LOW_U + (STOP_HIGH_U - STOP_LOW_U) * share)
    noise = torch.randn((LEVELS, *latent.shape), generator=generator)
    for k, stop in enumerate(stops.tolist()):

        def predict_x0(z: torch.Tensor, timestep: int) -> torch.Tensor:
            level = levels.level(timestep)
            v = Blurred()(z[None], torch.tensor([timestep]))[0]
            return level.alpha * z - level.sigma * v

        level = levels.level(stop)
        z = level.alpha * latent + level.sigma * noise[k]
        steps = silent_timesteps(stop, SILENT_STEPS)
        expected = ddim(z, steps, levels, predict_x0)
        torch.testing.assert_close(ends[1 + k].float(), expected, rtol=0, atol=3e-3)


def test_a_cache_of_other_clips_is_not_taken(tmp_path: Path) -> None:
    videos, cache = tmp_path / "videos", tmp_path / "cache"
    videos.mkdir()
    for name, length in (("a", 3), ("b", 4)):
        frames = np.full((length, 32, 48, 3), 90, np.uint8)
        Video.from_array(frames).save(videos / f"{name}.mp4")
    assert Clips.open(videos, cache).shapes == [(3, 32, 48), (4, 32, 48)]
    assert Clips.open(videos, cache).clips[1].shape == (4, 32, 48, 3)
    (videos / "b.mp4").unlink()
    with pytest.raises(ValueError, match="holds 2 clips, not the 1 of"):
        Clips.open(videos, cache)
