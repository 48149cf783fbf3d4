"""CogVideoX as a prior against CogVideoXPipeline, in float32."""

import json
import re

import numpy as np
import pytest
import torch

from freegvc.errors import PriorUnavailableError
from freegvc.priors.loading import load_prior
from tests.priors.pipelines import grey_levels_apart, relative_error, run
from tests.priors.tiny_checkpoints import WRITERS


@pytest.fixture(scope="module", params=["cogvideox", "cogvideox-5b", "cogvideox-1.5"])
def folder(request, tmp_path_factory):
    return WRITERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def pipeline(folder):
    from diffusers import CogVideoXPipeline

    return CogVideoXPipeline.from_pretrained(folder)


def start(num_latents, height, width):
    """A latent of pure noise, [C, T', h', w']."""
    generator = torch.Generator().manual_seed(num_latents)
    return torch.randn(16, num_latents, height, width, generator=generator)


def run_pipeline(pipeline, z, prompt="", **options):
    shape = (4 * (z.shape[1] - 1) + 1, 8 * z.shape[2], 8 * z.shape[3])
    return run(pipeline, z.transpose(0, 1)[None], shape, prompt, **options)


# 16 latents as there are 16 channels: swapped axes would go unseen by every check of shapes
@pytest.mark.parametrize("shape", [(4, 6, 8), (16, 4, 2)], ids=str)
@pytest.mark.parametrize("prompt", ["", "a cat in the rain"])
def test_predictions_are_the_pipelines(folder, pipeline, shape, prompt, **options):
    prior = load_prior(str(folder), prompt=prompt)
    calls = run_pipeline(pipeline, start(*shape), prompt).calls
    assert [t for t, *_ in calls] == [999, 749, 499, 249]
    for t, inputs, output in calls:
        expected = pipeline.scheduler.step(output, t, inputs).pred_original_sample
        found = prior.predict_x0(inputs[0].transpose(0, 1), t, ())
        assert relative_error(found, expected[0].transpose(0, 1)) < 2e-6


def test_at_the_last_timestep_the_prediction_is_minus_the_velocity(folder, pipeline):
    """alpha is 0 there, so the formula must not divide by it."""
    z = start(4, 4, 4)
    t, _, output = run_pipeline(pipeline, z).calls[0]
    assert t == 999
    found = load_prior(str(folder)).predict_x0(z, 999, ())
    assert relative_error(found, -output[0].transpose(0, 1)) < 2e-6


def test_decoded_frames_are_the_pipelines(folder, pipeline):
    prior = load_prior(str(folder))
    result = run_pipeline(pipeline, start(4, 6, 8), decoded=True)
    frames = prior.decode_latent(result.latent[0].transpose(0, 1), 48, 64)
    assert frames.shape == (16, 48, 64, 3)
    assert grey_levels_apart(frames, result.video) <= (1, 1e-4)


def test_a_latent_is_the_scaled_mode_of_the_vae(folder, pipeline):
    prior = load_prior(str(folder))
    frames = np.random.default_rng(0).integers(0, 256, (8, 32, 48, 3), dtype=np.uint8)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None] / 127.5 - 1.0
    with torch.no_grad():
        mode = pipeline.vae.encode(pixels).latent_dist.mode()
    expected = pipeline.vae_scaling_factor_image * mode[0]
    assert relative_error(prior.encode_frames(frames), expected) < 1e-6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prediction_type", "epsilon"),
        ("rescale_betas_zero_snr", False),
        ("beta_schedule", "linear"),
    ],
)
def test_a_scheduler_of_another_kind_is_refused(tmp_path, key, value):
    folder = WRITERS["cogvideox"](tmp_path)
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(PriorUnavailableError, match=f"{key} is {re.escape(repr(value))}"):
        load_prior(str(folder))


def test_an_image_to_video_model_is_refused(tmp_path):
    folder = WRITERS["cogvideox"](tmp_path)
    path = folder / "transformer" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"in_channels": 32}))
    with pytest.raises(PriorUnavailableError, match="32 channels, but its VAE makes 16"):
        load_prior(str(folder))


@pytest.mark.parametrize(
    ("name", "size"),
    [("cogvideox", (480, 720)), ("cogvideox-5b", (480, 720)), ("cogvideox-1.5", (768, 1360))],
)
def test_native_sizes(tmp_path, name, size):
    assert load_prior(str(WRITERS[name](tmp_path))).defaults.native_size == size


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("cogvideox", "float16"), ("cogvideox-5b", "bfloat16"), ("cogvideox-1.5", "bfloat16")],
)
def test_default_arithmetic_is_what_the_model_was_made_for(tmp_path, name, dtype):
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.cogvideox import CogVideoXPrior

    checkpoint = Checkpoint(WRITERS[name](tmp_path))
    assert CogVideoXPrior.default_numerics(checkpoint, torch.device("cuda")).name == dtype
    assert CogVideoXPrior.default_numerics(checkpoint, torch.device("cpu")).name == "float32"
