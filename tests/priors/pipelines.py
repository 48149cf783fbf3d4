"""What diffusers' own pipelines do, step by step: the oracle of the adapters."""

import logging
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Run:
    """A run of a pipeline without guidance.

    Attributes:
        calls: timestep, input and output of the transformer at every step, as the pipeline has
            them.
        latent: the latent after the last step, as the pipeline has it.
        video: float [T, 3, H, W] in 0 .. 1, what it decodes that latent to, if asked.
    """

    calls: list[tuple[int, Tensor, Tensor]] = field(default_factory=list)
    latent: Tensor | None = None
    video: Tensor | None = None


def run(pipeline, latents, shape, prompt="", *, decoded=False, **options):
    """Run a pipeline from given latents, in its own layout, with its own text encoder.

    Args:
        shape: frames, height and width in pixels that the latents stand for.
        decoded: fill in `video`, which takes longer than all the rest.
    """
    logging.getLogger("diffusers").setLevel(logging.ERROR)
    pipeline.set_progress_bar_config(disable=True)
    result = Run()

    def record_call(module, args, named, output):
        del module, args
        timestep = named["timestep"].unique()
        assert len(timestep) == 1
        assert float(timestep) == int(timestep)
        result.calls.append((int(timestep), named["hidden_states"], output[0]))

    def record_latent(pipe, step, timestep, tensors):
        del pipe, step, timestep
        result.latent = tensors["latents"]
        return {}

    hook = pipeline.transformer.register_forward_hook(record_call, with_kwargs=True)
    frames, height, width = shape
    video = pipeline(
        prompt=prompt,
        latents=latents,
        num_frames=frames,
        height=height,
        width=width,
        num_inference_steps=4,
        guidance_scale=1.0,
        callback_on_step_end=record_latent,
        callback_on_step_end_tensor_inputs=["latents"],
        output_type="pt" if decoded else "latent",
        **options,
    ).frames
    hook.remove()
    if decoded:
        result.video = video[0]
    return result


def flow_x0(velocity, timestep, z):
    """Where one Euler step of diffusers' flow matching leads from a timestep to no noise."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=[timestep / 1000.0])
    assert float(scheduler.timesteps[0]) == timestep
    return scheduler.step(velocity, scheduler.timesteps[0], z).prev_sample


def relative_error(found, expected):
    """Root mean squared error over the root mean square of what is expected."""
    return float((found - expected).square().mean().sqrt() / expected.square().mean().sqrt())


def grey_levels_apart(frames, video):
    """Largest difference, and share of samples that differ, of uint8 frames and a pipeline's."""
    expected = (video.permute(0, 2, 3, 1) * 255.0).round().to(torch.int64)
    difference = (torch.from_numpy(frames).to(torch.int64) - expected).abs()
    return int(difference.max()), float((difference > 0).double().mean())
