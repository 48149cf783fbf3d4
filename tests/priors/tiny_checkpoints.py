"""Tiny random checkpoints of every family, in the layout that the hub serves.

They have the classes, compression ratios, noise schedules and file layout of the real models, and
weights that are random, cheap and lively: a prediction depends on the latent, the timestep and the
text, and latents and pixels have about the scale of a trained model's. A family takes under a
second and about a megabyte. No global random state is touched.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT_WIDTH = 32
HEADS, HEAD_DIM = 2, 16
SHARD_SIZE = "100KB"
WHOLE = "10GB"

WORDS = ("▁a", "▁cat", "▁dog", "▁in", "▁the", "▁rain", "▁city", "▁at", "▁night", "▁&", "▁", "s")


def write_cogvideox(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny CogVideoX-2B: sincos positions, v-prediction, zero terminal SNR, native 480x720."""
    return _write_cogvideox(folder, seed, sharded, snr_shift_scale=3.0, scaling_factor=1.15258426)


def write_cogvideox_5b(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny CogVideoX-5B: as 2B, with rotary positions and another schedule and VAE scale."""
    return _write_cogvideox(
        folder,
        seed,
        sharded,
        snr_shift_scale=1.0,
        scaling_factor=0.7,
        use_rotary_positional_embeddings=True,
    )


def write_cogvideox15(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny CogVideoX 1.5 5B: rotary positions, patches of two latents in time, 81 frames."""
    return _write_cogvideox(
        folder,
        seed,
        sharded,
        snr_shift_scale=1.0,
        scaling_factor=0.7,
        use_rotary_positional_embeddings=True,
        patch_size_t=2,
        patch_bias=False,
        sample_height=300,
        sample_width=300,
        sample_frames=81,
    )


def write_wan21(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny Wan 2.1 T2V: 16 channels, 4x8x8, flow_shift 3."""
    return _write_wan(folder, seed, sharded, "WanPipeline", flow_shift=3.0)


def write_wan22_ti2v(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny Wan 2.2 TI2V-5B: 48 channels, 4x16x16, residual VAE, a timestep per token."""
    vae = {
        "base_dim": 8,
        "decoder_base_dim": 8,
        "z_dim": 48,
        "is_residual": True,
        "patch_size": 2,
        "in_channels": 12,
        "out_channels": 12,
        "scale_factor_spatial": 16,
    }
    index = {"boundary_ratio": None, "expand_timesteps": True, "transformer_2": [None, None]}
    return _write_wan(folder, seed, sharded, "WanPipeline", flow_shift=5.0, vae=vae, index=index)


def write_skyreels(
    folder: Path, *, seed: int = 0, sharded: bool = False, inject_sample_info: bool = False
) -> Path:
    """A tiny SkyReels V2; `inject_sample_info` as in the diffusion forcing models."""
    name = "SkyReelsV2DiffusionForcingPipeline" if inject_sample_info else "SkyReelsV2Pipeline"
    more = {"inject_sample_info": inject_sample_info}
    return _write_wan(folder, seed, sharded, name, flow_shift=8.0, transformer=more)


def write_ltx(folder: Path, *, seed: int = 0, sharded: bool = False) -> Path:
    """A tiny LTX-Video 0.9: packed tokens, 8x32x32; 16 channels where the real one has 128."""
    from diffusers import (
        AutoencoderKLLTXVideo,
        FlowMatchEulerDiscreteScheduler,
        LTXVideoTransformer3DModel,
    )

    generator = torch.Generator().manual_seed(seed)
    transformer = _build(
        LTXVideoTransformer3DModel,
        generator,
        in_channels=16,
        out_channels=16,
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_DIM,
        cross_attention_dim=HEADS * HEAD_DIM,
        num_layers=2,
        caption_channels=TEXT_WIDTH,
    )
    vae = _build(
        AutoencoderKLLTXVideo,
        generator,
        latent_channels=16,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1, 1),
    )
    vae.latents_mean.copy_(0.1 * torch.randn(16, generator=generator))
    vae.latents_std.copy_(0.5 + 0.3 * torch.rand(16, generator=generator))
    scheduler = FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )
    _save(folder, "LTXPipeline", transformer, vae, scheduler, _t5(generator), sharded=sharded)
    return folder


WRITERS: dict[str, Callable[..., Path]] = {
    "cogvideox": write_cogvideox,
    "cogvideox-5b": write_cogvideox_5b,
    "cogvideox-1.5": write_cogvideox15,
    "wan2.1": write_wan21,
    "wan2.2-ti2v": write_wan22_ti2v,
    "skyreels": write_skyreels,
    "ltx": write_ltx,
}


def _write_cogvideox(
    folder: Path,
    seed: int,
    sharded: bool,
    *,
    snr_shift_scale: float,
    scaling_factor: float,
    **transformer_config: Any,
) -> Path:
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXTransformer3DModel,
    )

    generator = torch.Generator().manual_seed(seed)
    transformer = _build(
        CogVideoXTransformer3DModel,
        generator,
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_DIM,
        num_layers=2,
        text_embed_dim=TEXT_WIDTH,
        time_embed_dim=HEAD_DIM,
        **transformer_config,
    )
    vae = _build(
        AutoencoderKLCogVideoX,
        generator,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=2,
        scaling_factor=scaling_factor,
    )
    scheduler = CogVideoXDDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        snr_shift_scale=snr_shift_scale,
        clip_sample=False,
        set_alpha_to_one=True,
        timestep_spacing="trailing",
    )
    _save(folder, "CogVideoXPipeline", transformer, vae, scheduler, _t5(generator), sharded=sharded)
    return folder


def _write_wan(
    folder: Path,
    seed: int,
    sharded: bool,
    pipeline: str,
    *,
    flow_shift: float,
    transformer: dict[str, Any] | None = None,
    vae: dict[str, Any] | None = None,
    index: dict[str, Any] | None = None,
) -> Path:
    from diffusers import (
        AutoencoderKLWan,
        SkyReelsV2Transformer3DModel,
        UniPCMultistepScheduler,
        WanTransformer3DModel,
    )

    generator = torch.Generator().manual_seed(seed)
    vae_config: dict[str, Any] = {
        "base_dim": 8,
        "z_dim": 16,
        "dim_mult": [1, 1, 1, 1],
        "num_res_blocks": 1,
    }
    vae_config |= vae or {}
    channels = vae_config["z_dim"]
    vae_model = _build(
        AutoencoderKLWan,
        generator,
        latents_mean=(0.1 * torch.randn(channels, generator=generator)).tolist(),
        latents_std=(0.5 + 0.3 * torch.rand(channels, generator=generator)).tolist(),
        **vae_config,
    )
    is_wan = pipeline == "WanPipeline"
    transformer_model = _build(
        WanTransformer3DModel if is_wan else SkyReelsV2Transformer3DModel,
        generator,
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_DIM,
        in_channels=channels,
        out_channels=channels,
        text_dim=TEXT_WIDTH,
        freq_dim=HEAD_DIM,
        ffn_dim=64,
        num_layers=2,
        **(transformer or {}),
    )
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=flow_shift,
        num_train_timesteps=1000,
    )
    text_encoder = _t5(generator, multilingual=True)
    _save(
        folder,
        pipeline,
        transformer_model,
        vae_model,
        scheduler,
        text_encoder,
        sharded=sharded,
        index=index,
    )
    return folder


def _build(cls: Any, generator: torch.Generator, **config: Any) -> Any:
    """A model of a diffusers or transformers class, in eval mode, with lively random weights."""
    with torch.random.fork_rng(devices=[]):  # its own initialisation draws from the global state
        model = cls(**config)
    randomise(model, generator)
    return model.eval()


def randomise(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Overwrite every parameter so that signals keep their scale and no layer is zero.

    Libraries initialise modulations and output layers with zeros, and then a prediction depends
    on neither text nor timestep, and a test of them tests nothing.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            last = name.rsplit(".", 1)[-1]
            if last == "gamma" or (last == "weight" and parameter.ndim == 1):
                parameter.copy_(1.0 + 0.1 * noise)
            elif last == "bias" or parameter.ndim == 1:
                parameter.copy_(0.1 * noise)
            elif last == "scale_shift_table":
                parameter.copy_(0.3 * noise)
            else:
                fan_in = math.prod(parameter.shape[1:])
                parameter.copy_(noise / math.sqrt(fan_in))
            if name.startswith("decoder.conv_out."):
                parameter.mul_(0.5)  # pixels with a standard deviation of about 0.3 in -1 .. 1


def _t5(generator: torch.Generator, *, multilingual: bool = False) -> Any:
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    config, cls = (UMT5Config, UMT5EncoderModel) if multilingual else (T5Config, T5EncoderModel)
    return _build(
        cls,
        generator,
        config=config(
            vocab_size=64,
            d_model=TEXT_WIDTH,
            d_kv=8,
            d_ff=48,
            num_layers=1,
            num_heads=2,
            dropout_rate=0.0,
            tie_word_embeddings=False,
        ),
    )


def _tokenizer() -> Any:
    from transformers import T5TokenizerFast

    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), *((word, -2.0) for word in WORDS)]
    vocab += [(chr(ord("a") + i), -5.0) for i in range(26)]
    return T5TokenizerFast(vocab=vocab, extra_ids=0, model_max_length=512)


def _save(
    folder: Path,
    pipeline: str,
    transformer: Any,
    vae: Any,
    scheduler: Any,
    text_encoder: Any,
    *,
    sharded: bool,
    index: dict[str, Any] | None = None,
) -> None:
    """Write the components and a model_index.json, as a pipeline's save_pretrained does.

    The pipeline classes are not used: importing them takes longer than everything else here.
    """
    import diffusers

    tokenizer = _tokenizer()
    transformer.save_pretrained(
        folder / "transformer", max_shard_size=SHARD_SIZE if sharded else WHOLE
    )
    vae.save_pretrained(folder / "vae")
    scheduler.save_pretrained(folder / "scheduler")
    text_encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    components = {
        "scheduler": ["diffusers", type(scheduler).__name__],
        "text_encoder": ["transformers", type(text_encoder).__name__],
        "tokenizer": ["transformers", type(tokenizer).__name__],
        "transformer": ["diffusers", type(transformer).__name__],
        "vae": ["diffusers", type(vae).__name__],
    }
    fields = {"_class_name": pipeline, "_diffusers_version": diffusers.__version__, **components}
    (folder / "model_index.json").write_text(json.dumps(fields | (index or {}), indent=2))
