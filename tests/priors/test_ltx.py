"""LTX-Video as a prior against diffusers' pipelines, in float32."""

import json

import numpy as np
import pytest
import torch

from freegvc.errors import PriorUnavailableError
from freegvc.priors.loading import load_prior
from tests.priors.pipelines import flow_x0, grey_levels_apart, relative_error, run
from tests.priors.tiny_checkpoints import randomise, write_ltx


def write_ltx095(folder):
    """LTX-Video 0.9.5: another VAE, whose decoder takes a timestep, and causal positions."""
    from diffusers import AutoencoderKLLTXVideo

    write_ltx(folder)
    with torch.random.fork_rng(devices=[]):
        vae = AutoencoderKLLTXVideo(
            latent_channels=16,
            block_out_channels=(8, 8, 8, 16, 32),
            down_block_types=("LTXVideo095DownBlock3D",) * 4,
            decoder_block_out_channels=(8, 16, 32),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, True),
            decoder_spatio_temporal_scaling=(True, True, True),
            decoder_inject_noise=(False, False, False, False),
            downsample_type=("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
            upsample_residual=(True, True, True),
            upsample_factor=(2, 2, 2),
            timestep_conditioning=True,
            spatial_compression_ratio=32,
            temporal_compression_ratio=8,
        )
    generator = torch.Generator().manual_seed(1)
    randomise(vae, generator)
    with torch.no_grad():
        vae.decoder.timestep_scale_multiplier.fill_(1000.0)
    vae.latents_mean.copy_(0.1 * torch.randn(16, generator=generator))
    vae.latents_std.copy_(0.5 + 0.3 * torch.rand(16, generator=generator))
    vae.save_pretrained(folder / "vae")
    return folder


VERSIONS = {"0.9": (write_ltx, "LTXPipeline"), "0.9.5": (write_ltx095, "LTXConditionPipeline")}


@pytest.fixture(scope="module", params=VERSIONS)
def model(request, tmp_path_factory):
    import diffusers

    write, name = VERSIONS[request.param]
    folder = write(tmp_path_factory.mktemp("ltx"))
    pipeline = getattr(diffusers, name).from_pretrained(folder)
    # without the shift that makes the first one's timesteps fractions
    pipeline.scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    return folder, pipeline


def start(num_latents, height, width):
    """Pure noise, [C, T', h', w']."""
    generator = torch.Generator().manual_seed(num_latents)
    return torch.randn(16, num_latents, height, width, generator=generator)


def run_pipeline(pipeline, prior, z, prompt="", **options):
    """Run it, and unpack what it has as tokens."""
    _, t, h, w = z.shape
    is_packed = type(pipeline).__name__ == "LTXPipeline"  # the other one packs for itself
    latents = pipeline._pack_latents(z[None]) if is_packed else z[None]
    options["max_sequence_length"] = 128
    if not is_packed:  # its own timesteps are not integers
        options["timesteps"] = [1000.0, 750.0, 500.0, 250.0]
        # and it hides the padding from the text encoder, which the prior does for no LTX-Video
        prompt = None
        options["prompt_embeds"] = prior.embedding
        options["prompt_attention_mask"] = prior._prompt.mask[None]
    result = run(pipeline, latents, (8 * (t - 1) + 1, 32 * h, 32 * w), prompt, **options)
    unpack = [pipeline._unpack_latents(x, t, h, w) for _, *pair in result.calls for x in pair]
    steps = [step for step, *_ in result.calls]
    result.calls = list(zip(steps, unpack[::2], unpack[1::2], strict=True))
    result.latent = pipeline._unpack_latents(result.latent, t, h, w)
    return result


@pytest.mark.parametrize("shape", [(3, 2, 4), (16, 3, 2)], ids=str)
@pytest.mark.parametrize("prompt", ["", "a cat in the rain"])
def test_predictions_are_the_pipelines(model, shape, prompt, **options):
    """Also with as many latents as channels, where swapped axes would go unseen by shapes."""
    folder, pipeline = model
    prior = load_prior(str(folder), prompt=prompt)
    calls = run_pipeline(pipeline, prior, start(*shape), prompt).calls
    assert len(calls) == 4
    for t, inputs, output in calls:
        found = prior.predict_x0(inputs[0], t, ())
        assert relative_error(found, flow_x0(output[0], t, inputs[0])) < 2e-6


def test_decoded_frames_are_the_pipelines(model):
    folder, pipeline = model
    prior = load_prior(str(folder))
    result = run_pipeline(pipeline, prior, start(3, 2, 4), decoded=True)
    frames = prior.decode_latent(result.latent[0], 64, 128)
    assert frames.shape == (17, 64, 128, 3)
    assert grey_levels_apart(frames, result.video) <= (1, 1e-4)


def test_decoding_draws_no_noise(model):
    prior = load_prior(str(model[0]))
    latent = start(2, 2, 2)
    state = torch.get_rng_state()
    frames = prior.decode_latent(latent, 64, 64)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(prior.decode_latent(latent, 64, 64), frames)


def test_a_latent_is_the_normalised_mode_of_the_vae(model):
    folder, pipeline = model
    prior, vae = load_prior(str(folder)), pipeline.vae
    frames = np.random.default_rng(0).integers(0, 256, (9, 64, 96, 3), dtype=np.uint8)
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2)[None] / 127.5 - 1.0
    with torch.no_grad():
        mode = vae.encode(pixels).latent_dist.mode()
    expected = pipeline._normalize_latents(
        mode, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
    )
    assert relative_error(prior.encode_frames(frames), expected[0]) < 1e-6


def test_a_scaling_factor_is_applied_as_the_pipeline_does(tmp_path):
    from diffusers import LTXPipeline

    folder = write_ltx(tmp_path)
    edit(folder / "vae" / "config.json", scaling_factor=1.7)
    prior, z = load_prior(str(folder)), start(2, 2, 2)[None]
    vae = prior.vae
    raw = LTXPipeline._denormalize_latents(z, vae.latents_mean, vae.latents_std, 1.7)
    with torch.no_grad():
        assert relative_error(prior.run_decoder(z), vae.decode(raw).sample) < 1e-6


def test_padding_of_the_text_is_masked(model):
    """Rows of the embedding behind the prompt do not reach the prediction, rows of it do."""
    prior = load_prior(str(model[0]), prompt="a cat in the rain")
    z = start(2, 2, 2)
    before = prior.predict_x0(z, 500, ())
    prior.embedding[:, 100:] += 1.0
    assert torch.equal(prior.predict_x0(z, 500, ()), before)
    prior.embedding[:, 0] += 1.0
    assert not torch.equal(prior.predict_x0(z, 500, ()), before)


def test_geometry(model):
    prior = load_prior(str(model[0]))
    assert prior.defaults.native_size == (512, 704)
    assert prior.latent.shape(49, 512, 704) == (16, 7, 16, 22)
    assert [prior.latent.num_padded_frames(n) for n in (1, 2, 9, 48, 49)] == [1, 9, 9, 49, 49]


def edit(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_decoder_with_noise_of_its_own_is_refused(tmp_path):
    folder = write_ltx(tmp_path)
    edit(folder / "vae" / "config.json", decoder_inject_noise=[False, True, True, True])
    with pytest.raises(PriorUnavailableError, match="random noise while it decodes"):
        load_prior(str(folder))


def test_a_vae_of_another_model_is_refused(tmp_path):
    folder = write_ltx(tmp_path)
    edit(folder / "vae" / "config.json", latent_channels=128)
    with pytest.raises(PriorUnavailableError, match="16 channels, but its VAE makes 128"):
        load_prior(str(folder))


def test_another_scheduler_is_refused(tmp_path):
    folder = write_ltx(tmp_path)
    edit(folder / "scheduler" / "scheduler_config.json", _class_name="DDIMScheduler")
    with pytest.raises(PriorUnavailableError, match="the scheduler is a DDIMScheduler"):
        load_prior(str(folder))
