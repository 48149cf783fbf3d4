"""What is chosen by free memory. A GPU's free memory is given: there is none here."""

from types import SimpleNamespace

import pytest
import torch

from freegvc.errors import UsageError
from freegvc.priors import StageBytes, load_prior, memory
from freegvc.priors.diffusers.cogvideox import CogVideoXPrior
from freegvc.priors.diffusers.wan import WanPrior
from freegvc.priors.latent import LatentSpec
from freegvc.priors.memory import choose_vae_tile, fitting_batch, free_bytes
from freegvc.priors.tiled import TiledPrior
from freegvc.priors.tiles import TileGrid
from tests.priors.test_tiled import STRIDED, ToyPrior, latent_of

MIB = 1 << 20


class CountedPrior(ToyPrior):
    """Takes a byte for each pixel of a frame to encode, two to decode, and one to predict."""

    def stage_bytes(self, num_frames, height, width):
        return StageBytes(height * width, height * width, 2 * height * width)


@pytest.fixture
def free(monkeypatch):
    """Sets the free memory of the device."""

    def set_free(num_bytes):
        monkeypatch.setattr(memory, "free_bytes", lambda device: num_bytes)

    return set_free


@pytest.mark.parametrize(
    ("num_bytes", "expected"),
    [
        (None, None),  # a CPU
        (1 << 20, None),
        (2 * 160 * 240 / 0.9 + 1, None),
        (2 * 160 * 240 / 0.9 - 1, (24, 34, 6)),
        (2 * 96 * 136, (16, 24, 4)),
        (1, (14, 18, 3)),  # the smallest tiles there are: it may fail, and then says why
    ],
)
def test_auto_takes_the_largest_tiles_that_fit(free, num_bytes, expected):
    free(num_bytes)
    assert choose_vae_tile(CountedPrior(STRIDED), 8, (160, 240), None) == expected


def test_on_and_off_decide_whatever_is_free(free):
    prior = CountedPrior(STRIDED)
    free(1 << 40)
    prior.vae_tiles = "on"
    assert choose_vae_tile(prior, 8, (160, 240), None) == (24, 34, 6)
    free(1)
    prior.vae_tiles = "off"
    assert choose_vae_tile(prior, 8, (160, 240), None) is None
    prior.vae_tiles = "on"
    assert choose_vae_tile(prior, 8, (8, 8), None) is None  # there is nothing to cut


def test_without_estimates_auto_changes_nothing(free):
    free(1)
    prior = ToyPrior(STRIDED)
    assert choose_vae_tile(prior, 8, (160, 240), None) is None
    assert fitting_batch(prior, 2, TileGrid.covering(40, 60, (20, 20, 4))) == 1


def test_tiles_at_once_fill_the_free_memory(free):
    """Nine tiles of 80x80 pixels, in batches of about equal size."""
    prior = CountedPrior(STRIDED)
    z = latent_of(3, 2, 52, 52)
    for num_bytes, batches in (
        (None, [1] * 9),
        (1, [1] * 9),
        (8 * 80 * 80 / 0.9 + 1, [5, 4]),
        (1 << 30, [9]),
    ):
        free(num_bytes)
        prior.batches.clear()
        tiled = TiledPrior(prior, (20, 20, 4))
        tiled.predict_x0(z, 300, ())
        assert [shape[0] for shape in prior.batches] == batches
    prior.batch_tiles = 4
    prior.batches.clear()
    TiledPrior(prior, (20, 20, 4)).predict_x0(z, 300, ())
    assert [shape[0] for shape in prior.batches] == [4, 4, 1]


def test_a_batch_stays_the_same_while_memory_fills(free):
    """A compiled model would be compiled again for each other batch."""
    prior = CountedPrior(STRIDED)
    tiled = TiledPrior(prior, (20, 20, 4))
    z = latent_of(3, 2, 52, 52)
    for num_bytes in (1 << 30, 1):
        free(num_bytes)
        prior.batches.clear()
        tiled.predict_x0(z, 300, ())
        assert [shape[0] for shape in prior.batches] == [9]


def full_size(cls, vae_dtype, latent, heads, width):
    """An adapter with the sizes of a full model, without its weights."""
    prior = object.__new__(cls)
    prior.latent, prior.vae_dtype, prior.dtype = latent, vae_dtype, torch.float16
    config = SimpleNamespace(num_attention_heads=heads, attention_head_dim=width // heads)
    prior.transformer = SimpleNamespace(config=config)
    prior._offload = "none"
    return prior


@pytest.mark.parametrize(
    ("prior", "size", "measured"),
    [
        # MiB above the weights on one H200 at commit 5f2871f: encode, forward, decode
        (
            full_size(
                CogVideoXPrior,
                torch.float16,
                LatentSpec(16, 4, 8, frame_multiple=8, pixel_multiple=16),
                30,
                1920,
            ),
            (48, 480, 720),
            (7935, 723, 14908),
        ),
        (
            full_size(
                WanPrior,
                torch.float32,
                LatentSpec(16, 4, 8, is_causal=True, pixel_multiple=16),
                12,
                1536,
            ),
            (49, 480, 832),
            (6833, 970, 8841),
        ),
    ],
    ids=["cogvideox-2b", "wan2.1-1.3b"],
)
def test_estimates_are_what_was_measured_or_a_little_more(prior, size, measured):
    stages = prior.stage_bytes(*size)
    for estimate, value in zip(
        (stages.encode, stages.forward, stages.decode), measured, strict=True
    ):
        assert 1.0 <= estimate / MIB / value < 1.45


def test_cogvideox_2b_decodes_in_tiles_on_12_gb_and_whole_on_24(free):
    """The figures of docs/gpu.md: 3,996 MiB of weights, 18,922 MiB at the peak of the decoder."""
    prior = full_size(
        CogVideoXPrior,
        torch.float16,
        LatentSpec(16, 4, 8, frame_multiple=8, pixel_multiple=16),
        30,
        1920,
    )
    prior.device = torch.device("cpu")
    free((11_500 - 3_996) * MIB)
    assert choose_vae_tile(prior, 48, (480, 720), None) == (34, 50, 8)
    free((23_500 - 3_996) * MIB)
    assert choose_vae_tile(prior, 48, (480, 720), None) is None


def test_offloaded_weights_count(tmp_path):
    from tests.priors.tiny_checkpoints import write_cogvideox

    folder = write_cogvideox(tmp_path)
    plain, offloaded = (
        load_prior(str(folder), offload=offload).stage_bytes(8, 32, 48)
        for offload in ("none", "model")
    )
    vae = (folder / "vae" / "diffusion_pytorch_model.safetensors").stat().st_size
    assert abs(offloaded.decode - plain.decode - vae) < 0.1 * vae  # names in the file
    assert offloaded.encode - plain.encode == offloaded.decode - plain.decode
    assert offloaded.forward > plain.forward


def test_the_cpu_has_no_limit():
    assert free_bytes(torch.device("cpu")) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vae_tiles": "yes"}, "vae_tiles is 'yes'; it must be one of auto, on, off"),
        ({"batch_tiles": 0}, "batch_tiles is 0; it must be at least 1"),
    ],
)
def test_unknown_values(options, message):
    with pytest.raises(UsageError, match=message):
        load_prior(**options)


def test_a_loaded_prior_has_its_options():
    prior = load_prior("freegvc-small", vae_tiles="on", batch_tiles=3)
    assert (prior.vae_tiles, prior.batch_tiles) == ("on", 3)
    assert (load_prior().vae_tiles, load_prior().batch_tiles) == ("auto", None)


def test_the_small_prior_fits_its_measured_peaks():
    """Of 416x240x48, in MiB: encode 369 above 45 of weights on one H200; decode 390 on a CPU.

    The decoder before took 310 on that CPU, and 436 - 45 on the H200. A thirteenth latent is there
    in GOPs that follow another.
    """
    stages = load_prior().stage_bytes(48, 240, 416)
    assert 0.95 < stages.encode / MIB / (369 - 45) < 1.1
    assert 0.95 < stages.decode / MIB / (390 / 310 * (436 - 45) * 13 / 12) < 1.1
