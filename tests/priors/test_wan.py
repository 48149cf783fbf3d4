"""Wan and SkyReels V2 as priors against diffusers' pipelines, in float32."""

import json
import re

import numpy as np
import pytest
import torch

from freegvc.errors import PriorUnavailableError
from freegvc.priors.loading import load_prior
from tests.priors.pipelines import flow_x0, grey_levels_apart, relative_error, run
from tests.priors.tiny_checkpoints import WRITERS, write_skyreels, write_wan21

PIPELINES = {
    "wan2.1": "WanPipeline",
    "wan2.2-ti2v": "WanPipeline",
    "skyreels": "SkyReelsV2Pipeline",
    "skyreels-df": "SkyReelsV2DiffusionForcingPipeline",
}


@pytest.fixture(scope="module", params=PIPELINES)
def model(request, tmp_path_factory):
    import diffusers

    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "skyreels-df":
        write_skyreels(folder, inject_sample_info=True)
    else:
        WRITERS[request.param](folder)
    return folder, getattr(diffusers, PIPELINES[request.param]).from_pretrained(folder)


def start(pipeline, num_latents, height, width):
    """Pure noise, [C, T', h', w']."""
    generator = torch.Generator().manual_seed(num_latents)
    channels = pipeline.transformer.config.in_channels
    return torch.randn(channels, num_latents, height, width, generator=generator)


def run_pipeline(pipeline, z, prompt="", **options):
    stride = pipeline.vae.config.scale_factor_spatial
    shape = (4 * (z.shape[1] - 1) + 1, stride * z.shape[2], stride * z.shape[3])
    if "Forcing" in type(pipeline).__name__:  # it fails on given latents, and draws its own
        generator = torch.Generator().manual_seed(1)
        return run(pipeline, None, shape, prompt, generator=generator, **options)
    return run(pipeline, z[None], shape, prompt, **options)


@pytest.mark.parametrize("swappable", [False, True])
@pytest.mark.parametrize("prompt", ["", "a cat in the rain"])
def test_predictions_are_the_pipelines(model, prompt, swappable):
    """Also with as many latents as channels, where swapped axes would go unseen by shapes."""
    folder, pipeline = model
    prior = load_prior(str(folder), prompt=prompt)
    num_latents = prior.latent.channels if swappable else 3
    calls = run_pipeline(pipeline, start(pipeline, num_latents, 4, 6), prompt).calls
    assert len(calls) == 4
    for t, inputs, output in calls:
        found = prior.predict_x0(inputs[0], t, ())
        # a timestep per token or frame in the pipeline, one for all here: last bits apart
        assert relative_error(found, flow_x0(output[0], t, inputs[0])) < 3e-6


def test_unipc_calls_the_same_thing_the_prediction(model):
    """The models' own scheduler truncates its timesteps; its noise levels are up to 1/1000 off."""
    from diffusers import UniPCMultistepScheduler

    folder, pipeline = model
    prior = load_prior(str(folder))
    t, inputs, output = run_pipeline(pipeline, start(pipeline, 2, 4, 4)).calls[2]
    scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps[2] == t
    scheduler.set_begin_index(2)
    scheduler.step(output, t, inputs)
    expected, sigma = scheduler.model_outputs[-1][0], float(scheduler.sigmas[2])
    assert 0.0 <= sigma - t / 1000 < 1e-3
    found = prior.predict_x0(inputs[0], t, ())
    assert relative_error(found - (sigma - t / 1000) * output[0], expected) < 3e-6


def test_decoded_frames_are_the_pipelines(model):
    folder, pipeline = model
    prior = load_prior(str(folder))
    result = run_pipeline(pipeline, start(pipeline, 3, 4, 6), decoded=True)
    stride = prior.latent.spatial_stride
    frames = prior.decode_latent(result.latent[0], 4 * stride, 6 * stride)
    assert frames.shape == (9, 4 * stride, 6 * stride, 3)
    assert grey_levels_apart(frames, result.video) <= (1, 1e-4)


def test_a_latent_is_the_normalised_mode_of_the_vae(model):
    folder, pipeline = model
    prior, vae = load_prior(str(folder)), pipeline.vae
    frames = np.random.default_rng(0).integers(0, 256, (5, 64, 96, 3), dtype=np.uint8)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None] / 127.5 - 1.0
    with torch.no_grad():
        mode = vae.encode(pixels).latent_dist.mode()[0].double().numpy()
    mean, std = np.array(vae.config.latents_mean), np.array(vae.config.latents_std)
    expected = (mode - mean[:, None, None, None]) / std[:, None, None, None]
    assert relative_error(prior.encode_frames(frames), torch.from_numpy(expected)) < 1e-6


def test_the_vae_stays_in_float32(model):
    prior = load_prior(str(model[0]), dtype="bfloat16")
    assert prior.vae.dtype == torch.float32
    assert prior.transformer.dtype == torch.bfloat16


def test_the_frame_rate_for_skyreels_is_fixed_at_24(tmp_path):
    """Its table has two rows, for 16 frames per second and for others; the second is used."""
    prior = load_prior(str(write_skyreels(tmp_path, inject_sample_info=True)))
    z = torch.randn(16, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    before = prior.predict_x0(z, 500, ())
    with torch.no_grad():
        prior.transformer.fps_embedding.weight[0] += 1.0
        assert torch.equal(prior.predict_x0(z, 500, ()), before)
        prior.transformer.fps_embedding.weight[1] += 1.0
        assert not torch.equal(prior.predict_x0(z, 500, ()), before)


@pytest.mark.parametrize(
    ("name", "size", "channels", "stride"),
    [
        ("wan2.1", (480, 832), 16, 8),
        ("wan2.2-ti2v", (704, 1280), 48, 16),
        ("skyreels", (544, 960), 16, 8),
    ],
)
def test_geometry(tmp_path, name, size, channels, stride):
    prior = load_prior(str(WRITERS[name](tmp_path)))
    assert prior.defaults.native_size == size
    assert prior.latent.channels == channels
    assert prior.latent.spatial_stride == stride
    assert prior.latent.padded_size(1, 1) == (2 * stride, 2 * stride)
    assert [prior.latent.num_padded_frames(n) for n in (1, 2, 5, 16, 49)] == [1, 5, 5, 17, 49]


def edit(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("key", "value"), [("prediction_type", "epsilon"), ("use_flow_sigmas", False)]
)
def test_a_scheduler_of_another_kind_is_refused(tmp_path, key, value):
    folder = write_wan21(tmp_path)
    edit(folder / "scheduler" / "scheduler_config.json", **{key: value})
    with pytest.raises(PriorUnavailableError, match=f"{key} is {re.escape(repr(value))}"):
        load_prior(str(folder))


def test_the_other_scheduler_of_flow_matching_is_accepted(tmp_path):
    from diffusers import FlowMatchEulerDiscreteScheduler

    folder = write_wan21(tmp_path)
    expected = load_prior(str(folder)).schedule
    FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(folder / "scheduler")
    found = load_prior(str(folder)).schedule
    assert np.array_equal(found.sigma, expected.sigma)
    assert np.array_equal(found.alpha, expected.alpha)


def test_two_transformers_are_refused(tmp_path):
    folder = write_wan21(tmp_path)
    edit(folder / "model_index.json", transformer_2=["diffusers", "WanTransformer3DModel"])
    with pytest.raises(PriorUnavailableError, match="two transformers"):
        load_prior(str(folder))


def test_an_image_to_video_model_is_refused(tmp_path):
    folder = write_wan21(tmp_path)
    edit(folder / "transformer" / "config.json", in_channels=36)
    with pytest.raises(PriorUnavailableError, match="36 channels, but its VAE makes 16"):
        load_prior(str(folder))
