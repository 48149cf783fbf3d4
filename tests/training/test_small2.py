"""The second generation's networks, loss, session, validation and pack; no real training."""

import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from freegvc._diffusion import NoiseSchedule, ddim, silent_timesteps
from training.denoising_loss import denoising_loss
from training.noise_levels import LOW_SHARE, LOW_U, timesteps_at
from training.pack import segments
from training.perceptual import WEIGHTS_FOLDER, Lpips
from training.picture_loss import pairs_of
from training.scores import PHASES, scores
from training.session import PART_BYTES, Session, load, save
from training.silent_part import SILENT_STEPS, silent_part
from training.small2.autoencoder import Autoencoder, OverTime
from training.small2.clips import DeviceClips
from training.small2.denoiser import Denoiser, schedule
from training.small2.train import start_at_principal_components
from training.small2.validation import SNRS, priced, walked


def keyed(key: int) -> torch.Generator:
    return torch.Generator().manual_seed(key)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=keyed(0))


def small_autoencoder() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(8, 8, 16, 16)


def test_a_convolution_over_time_is_a_3d_convolution() -> None:
    layer = OverTime(5)
    x = noise(2 * 6, 5, 3, 4)
    clips = x.reshape(2, 6, 5, 3, 4).transpose(1, 2)
    weight = layer.conv.weight.reshape(5, 5, 3, 1, 1)
    expected = F.conv3d(clips, weight, layer.conv.bias, padding=(1, 0, 0))
    torch.testing.assert_close(layer(x, 6), expected.transpose(1, 2).flatten(0, 1))


def test_the_autoencoder_is_not_causal_and_alike_in_training_and_use() -> None:
    model = small_autoencoder()
    video = noise(1, 12, 3, 16, 24)
    latent = model.encode(video)
    assert latent.shape == (1, 24, 6, 2, 3)
    copy = model.train().decode(latent)
    assert copy.shape == video.shape
    with torch.no_grad():
        torch.testing.assert_close(model.eval().decode(latent), copy)
        latent[:, :, 4] += 1  # a later latent changes an earlier frame
        assert not torch.allclose(model.decode(latent)[:, 6], copy[:, 6])


def test_training_starts_at_a_block_transform() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:160, :160] / 9
    frames = [np.sin(x + rng.uniform(0, 6)) + np.cos(y + t / 3) for t in range(20)]
    clip = (np.stack(frames)[..., None] * 40 + [100, 120, 140]).astype(np.uint8)
    model = small_autoencoder().eval()
    start_at_principal_components(model, DeviceClips([torch.from_numpy(clip)]), 3)
    with torch.no_grad():
        video = torch.from_numpy(clip).permute(0, 3, 1, 2)[None] / 127.5 - 1
        error = (model.decode(model.encode(video)) - video).square().mean()
    assert float(error) < 0.01 * float(video.var())


@pytest.mark.parametrize("latents", [1, 5, 6])
def test_the_denoiser_takes_any_length_and_size(latents: int) -> None:
    z = noise(2, 24, latents, 5, 6)
    with torch.no_grad():
        v = Denoiser((32, 32, 32), 2)(z, torch.tensor([3, 900]))
    assert v.shape == z.shape


def test_most_draws_train_low_rates() -> None:
    timesteps = timesteps_at(4096, keyed(0))
    u = -2 * torch.log(schedule()[1][timesteps])
    assert float((u < LOW_U).double().mean()) == pytest.approx(LOW_SHARE + 0.25 * 2 / 7, abs=0.01)


class Shrinks(nn.Module):
    """The denoiser that predicts `share` of the noisy latent: optimal for white latents at 1."""

    def __init__(self, *, blind: bool) -> None:
        super().__init__()
        self.blind = blind

    def forward(self, z: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        alpha, sigma = (table[timestep].float()[:, None, None, None, None] for table in schedule())
        return alpha * z / sigma if self.blind else torch.zeros_like(z)


def test_the_loss_of_the_best_guess_about_white_latents_is_one() -> None:
    """v has unit variance and is independent of z when latents are white."""
    latent = noise(64, 24, 2, 4, 4)
    levels = tuple(table.float() for table in schedule())
    loss, parts = denoising_loss(Shrinks(blind=False), latent, 1, levels, 128)  # type: ignore[arg-type]
    assert float(loss) == pytest.approx(1, abs=0.02)
    assert float(parts["bpp_low"]) == pytest.approx(24 / 128 / math.log(2), rel=0.03)


def test_the_silent_part_is_the_codecs_ddim() -> None:
    torch.manual_seed(0)
    model = Denoiser((32, 32, 32), 2).requires_grad_(False)
    nn.init.normal_(model.leave.weight, std=0.05)
    alpha, sigma = schedule()
    levels = NoiseSchedule(alpha.numpy(), sigma.numpy())
    z, stops = noise(2, 24, 2, 4, 4), [700, 431]
    made = silent_part(model, z, torch.tensor(stops), (alpha.float(), sigma.float()))

    def predict_x0(z: torch.Tensor, step: int) -> torch.Tensor:
        level = levels.level(step)
        return level.alpha * z - level.sigma * model(z[None], torch.tensor([step]))[0]

    for k, stop in enumerate(stops):
        expected = ddim(z[k], silent_timesteps(stop, SILENT_STEPS), levels, predict_x0)
        torch.testing.assert_close(made[k], expected, atol=1e-4, rtol=1e-4)


class Identity:
    """A codec whose latents are given; it decodes to grey."""

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        return video

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        length, height, width = latent.shape[2:]
        return torch.zeros(1, 2 * length, 3, 8 * height, 8 * width)


def test_walked_bits_of_a_blind_denoiser_telescope() -> None:
    """With x0_hat = 0 the sum is SNR / 2 |y|^2 / ln 2 at every stop."""
    latent = noise(1, 24, 2, 3, 4)
    costs, pictures = walked(Identity(), Shrinks(blind=True), latent)  # type: ignore[arg-type]
    energy = float(latent.double().square().sum())
    for snr in SNRS:
        bits, mse = costs[snr]
        assert bits == pytest.approx(snr / 2 * energy / math.log(2), rel=0.02)
        assert mse == pytest.approx(energy / latent.numel(), rel=1e-4)
        assert pictures[snr].shape == (4, 3, 24, 32)


def test_gaussian_bits_know_white_latents_and_redundant_ones() -> None:
    white = noise(1, 2, 24, 40, 40)
    held = white[:, :, ::2].repeat_interleave(2, 2)  # each pair of latents alike
    for latent, dimensions, power in ((white, 2 * 24, 1), (held, 2 * 12, 2)):
        for snr, bpp, _ in priced(Identity(), latent, 48):
            bits = dimensions * 40 * 40 / 2 * math.log2(1 + power * snr)
            # moments of few samples know a little too much
            assert bpp * 48 * 320 * 320 == pytest.approx(bits, rel=0.03)


def test_flicker_is_zero_for_a_constant_error_and_phases_are_apart() -> None:
    frames = torch.randint(0, 200, (8, 3, 64, 64), generator=keyed(1), dtype=torch.uint8)
    lpips = lambda a, b: torch.zeros(len(a))  # noqa: E731
    assert scores(lpips, frames, frames + 9)["flicker"] == 0  # type: ignore[arg-type]
    worse = frames.clone()
    worse[1::PHASES] += 20
    row = scores(lpips, frames, worse)  # type: ignore[arg-type]
    assert row["flicker"] > 5
    assert np.argmin(row["psnr_db_by_phase"]) == 1


def test_pairs_are_of_one_latent_and_of_two_in_turn() -> None:
    numbers = torch.arange(16.0)[None, :, None]
    assert pairs_of(numbers, 0, 1)[:2].flatten(1).tolist() == [[2, 3], [6, 7]]
    assert pairs_of(numbers, 1, 0)[:2].flatten(1).tolist() == [[1, 2], [5, 6]]


@pytest.mark.skipif(not WEIGHTS_FOLDER.exists(), reason="the weights are not in this checkout")
@pytest.mark.parametrize("network", ["alex", "squeeze"])
def test_perceptual_change_sees_flicker_alone(network: str) -> None:
    lpips = Lpips(network)
    frame, wrong = noise(2, 1, 3, 64, 64), noise(1, 3, 64, 64)
    held = frame.expand(-1, 2, -1, -1, -1)
    still, moving = lpips.of_pairs(held, held + 0.1 * wrong)
    torch.testing.assert_close(still, lpips(frame[:, 0], frame[:, 0] + 0.1 * wrong))
    assert float(moving.abs().max()) == 0
    flickering = torch.stack([frame[:, 0], frame[:, 0] + 0.1 * wrong], 1)
    still, moving = lpips.of_pairs(held, flickering)
    torch.testing.assert_close(moving, 2 * still)
    assert float(moving.min()) > 0


def moving_clips() -> DeviceClips:
    shapes = [(20, 64, 80, 3), (50, 72, 64, 3)]
    return DeviceClips(
        [torch.randint(0, 256, s, generator=keyed(0), dtype=torch.uint8) for s in shapes]
    )


def test_samples_depend_on_the_key_alone_and_some_stand_still() -> None:
    clips = moving_clips()
    first, again, other = (clips.batch((1, key), 40, 16, 48) for key in (3, 3, 4))
    assert first.shape == (40, 16, 3, 48, 48)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    stills = [sample for sample in first if torch.equal(sample[:1].expand_as(sample), sample)]
    assert 1 <= len(stills) <= 10


def test_captions_stand_still_over_what_moves() -> None:
    clips = moving_clips()
    frames = clips.clips[0].permute(0, 3, 1, 2)[:, :, :64, :64]
    captioned = clips._captioned(frames, np.random.default_rng(0)).round().byte()
    kept = (captioned == frames).flatten(1).float().mean()
    assert 0.3 < kept < 0.95
    still = (captioned == captioned[:1]).all(0).float().mean()
    assert still > 0.05 > (frames == frames[:1]).all(0).float().mean()


def train(folder: Path, steps: int, *, spoil: bool = False) -> Session[nn.Linear]:
    torch.manual_seed(0)
    session = Session(nn.Linear(3, 1), folder, "line", 0.1, 3600.0)
    for _ in range(steps):
        batch = torch.randn(5, 3, generator=keyed(session.step))
        loss = (session.model(batch) - batch.sum(1, keepdim=True)).square().mean()
        session.update(loss * math.nan if spoil else loss, {})
    session.save()
    return session


def test_a_later_session_starts_from_the_average(tmp_path: Path) -> None:
    first = train(tmp_path, 7)
    later = Session(nn.Linear(3, 1), tmp_path, "line", 0.1, 3600.0)
    assert later.step == 7
    torch.testing.assert_close(later.model.weight, first.averaged.weight, atol=1e-3, rtol=1e-3)


def test_the_rate_falls_with_the_clock(tmp_path: Path) -> None:
    session = train(tmp_path, 200)
    session.began = time.monotonic() - 1800
    assert session.learning_rate == pytest.approx(0.1 * 0.505, rel=0.01)
    session.began = time.monotonic() - 3600
    assert session.is_over
    assert session.learning_rate == pytest.approx(0.001, rel=0.01)


def test_a_loss_that_is_no_number_is_undone(tmp_path: Path) -> None:
    good = train(tmp_path, 100)
    session = train(tmp_path, 50, spoil=True)
    assert torch.isfinite(session.model.weight).all()
    torch.testing.assert_close(session.model.weight, good.averaged.weight, atol=1e-3, rtol=1e-3)
    assert session.peak == 0.05


def test_weights_are_kept_in_files_small_enough_to_carry(tmp_path: Path) -> None:
    model = nn.Sequential(*[nn.Linear(1500, 2000) for _ in range(4)])
    save(model, tmp_path, "large", 5)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) == 2
    assert max(path.stat().st_size for path in paths) < PART_BYTES + 10_000
    copy = nn.Sequential(*[nn.Linear(1500, 2000) for _ in range(4)])
    assert load(copy, tmp_path, "large") == 5
    assert torch.equal(copy[3].weight, model[3].weight.half().float())
    paths[0].unlink()
    with pytest.raises(ValueError, match="not of one save"):
        load(copy, tmp_path, "large")


def test_every_video_has_a_segment_before_one_has_two(tmp_path: Path) -> None:
    lines = ["file\trepo\tpath"]
    for file, path in (("0_0", "a"), ("0_1", "a"), ("1_0", "b"), ("0_2", "a")):
        (tmp_path / f"{file}.mp4").write_bytes(bytes(10))
        lines.append(f"train/{file}.mp4\trepo\t{path}")
    (tmp_path / "MANIFEST.tsv").write_text("\n".join(lines))
    assert [p.stem for p in segments(tmp_path, 35)] == ["0_0", "1_0", "0_1"]
    assert [p.stem for p in segments(tmp_path, 29)] == ["0_0", "1_0"]
    with pytest.raises(ValueError, match="no room"):
        segments(tmp_path, 19)


BARE = """
import sys
class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Bare())
import training.__main__, training.small2.run
"""
ABSENT = {"av", "constriction", "diffusers", "freegvc", "numba", "PIL", "safetensors", "scipy"}


def test_training_elsewhere_needs_torch_numpy_and_opencv_alone() -> None:
    code = BARE.format(absent=ABSENT)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)
