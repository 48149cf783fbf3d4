"""Models with random weights in diffusers' layout: speed and memory do not depend on the values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

TOKENS = ("<pad>", "</s>", "<unk>", "▁a")

# Configurations that differ from the defaults of diffusers' classes, which are those of
# CogVideoX-2B; a model is (transformer, VAE).
FULL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cogvideox-2b": ({}, {}),
    "wan2.1-t2v-1.3b": ({"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}, {}),
}
TINY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cogvideox-2b": (
        {
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "num_layers": 1,
            "text_embed_dim": 32,
            "time_embed_dim": 16,
        },
        {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 2},
    ),
    "wan2.1-t2v-1.3b": (
        {
            "num_attention_heads": 2,
            "attention_head_dim": 16,
            "num_layers": 1,
            "text_dim": 32,
            "freq_dim": 16,
            "ffn_dim": 64,
        },
        {"base_dim": 8, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1},
    ),
}
DTYPES = {"cogvideox-2b": torch.float16, "wan2.1-t2v-1.3b": torch.bfloat16}


def write_model(
    folder: Path, name: str, configs: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = FULL
) -> Path:
    """Write a model as its pipeline's `save_pretrained` would.

    Args:
        folder: to write into.
        name: of the model, a key of `configs`.
        configs: changes of the defaults of the transformer's and the VAE's class.

    Returns:
        The folder.
    """
    import diffusers

    transformer_config, vae_config = configs[name]
    if name.startswith("cogvideox"):
        classes = ("CogVideoXTransformer3DModel", "AutoencoderKLCogVideoX")
        pipeline, width_key = "CogVideoXPipeline", "text_embed_dim"
        scheduler: Any = diffusers.CogVideoXDDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            prediction_type="v_prediction",
            rescale_betas_zero_snr=True,
            snr_shift_scale=3.0,
            clip_sample=False,
            timestep_spacing="trailing",
        )
    else:
        classes = ("WanTransformer3DModel", "AutoencoderKLWan")
        pipeline, width_key = "WanPipeline", "text_dim"
        scheduler = diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        )
    # 1.7 billion random weights take half a minute on a CPU
    with torch.random.fork_rng(), torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        torch.manual_seed(0)
        transformer = getattr(diffusers, classes[0])(**transformer_config).to(DTYPES[name])
        vae = getattr(diffusers, classes[1])(**vae_config)
        width = transformer.config[width_key]
        text_encoder = _text_encoder(width, multilingual=pipeline == "WanPipeline")
    transformer.save_pretrained(folder / "transformer")
    vae.save_pretrained(folder / "vae")
    scheduler.save_pretrained(folder / "scheduler")
    text_encoder.save_pretrained(folder / "text_encoder")
    _tokenizer().save_pretrained(folder / "tokenizer")
    components = {
        "scheduler": ["diffusers", type(scheduler).__name__],
        "text_encoder": ["transformers", type(text_encoder).__name__],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", classes[0]],
        "vae": ["diffusers", classes[1]],
    }
    index = {"_class_name": pipeline, "_diffusers_version": diffusers.__version__, **components}
    (folder / "model_index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    return folder


def _text_encoder(width: int, *, multilingual: bool) -> Any:
    """One small layer of the right width: it makes the empty prompt's embedding once."""
    from transformers import T5Config, T5EncoderModel, UMT5Config, UMT5EncoderModel

    kinds: tuple[Any, Any] = (
        (UMT5Config, UMT5EncoderModel) if multilingual else (T5Config, T5EncoderModel)
    )
    config, model = kinds
    sizes = {"vocab_size": 64, "d_model": width, "d_kv": 8, "d_ff": 16, "num_layers": 1}
    return model(config(**sizes, num_heads=2, tie_word_embeddings=False)).eval()


def _tokenizer() -> Any:
    from transformers import T5TokenizerFast

    vocab = [(token, -float(k)) for k, token in enumerate(TOKENS)]
    return T5TokenizerFast(vocab=vocab, extra_ids=0, model_max_length=512)
