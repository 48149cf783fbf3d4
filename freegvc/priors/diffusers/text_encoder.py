"""Run a text encoder in float32 in little memory.

The weights keep the dtype that they are stored in. They are mapped from the file, so the system
reads their pages as they are used and drops them when memory is short. Each block of layers is
raised to float32 while it runs, which gives exactly the bits of a model that is float32 as a whole:
T5-XXL takes 2 GB in this way (6 GB if it is stored in float16, because transformers raises a part
of such a model when it loads it), and 19 GB as a whole.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError
from freegvc.priors.weights import read_header, weights_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from freegvc.priors.diffusers.checkpoint import Checkpoint

TEXT_ENCODERS = ("T5EncoderModel", "UMT5EncoderModel")
PROCESS_BYTES = 1 << 30  # of Python, torch and transformers

# settings that change a T5's output, read from the loaded config, which has the defaults too
T5_SETTINGS = (
    "d_kv",
    "feed_forward_proj",
    "layer_norm_epsilon",
    "num_heads",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
)


def check_class(name: str, where: str) -> None:
    """Refuse a text encoder of another kind.

    Raises:
        PriorUnavailableError: the class is not one of TEXT_ENCODERS.
    """
    if name not in TEXT_ENCODERS:
        raise PriorUnavailableError(
            f"the text encoder in {where} is a {name}; freegvc supports only "
            f"{' and '.join(TEXT_ENCODERS)}"
        )


def ram_bytes(config: Mapping[str, Any]) -> int:
    """Memory that a text encoder takes when it runs: one block in float32, and the process.

    Args:
        config: of a T5, as in its config.json.

    Raises:
        PriorUnavailableError: the config lacks a size.
    """
    keys = ("d_model", "d_ff", "d_kv", "num_heads", "num_layers")
    sizes = [config.get(key) for key in keys]
    if not all(type(size) is int and size > 0 for size in sizes):
        raise PriorUnavailableError(
            f"the config of the text encoder gives {', '.join(keys)} as {sizes}, which are no "
            "sizes of a T5: choose another model"
        )
    d_model, d_ff, d_kv, num_heads, num_layers = (int(size) for size in sizes if size is not None)
    num_bytes = PROCESS_BYTES + 4 * (4 * d_model * d_kv * num_heads + 3 * d_model * d_ff)
    if "float16" in (config.get("dtype"), config.get("torch_dtype")):
        num_bytes += 4 * num_layers * d_model * d_ff  # transformers keeps these layers in float32
    return num_bytes


def run_text_encoder(checkpoint: Checkpoint, ids: list[int]) -> tuple[Tensor, str]:
    """The last hidden state of the tokens, and the text encoder's identity.

    Args:
        checkpoint: the model's folder, with a text_encoder/.
        ids: the tokens, with padding if the encoder is to read it.

    Returns:
        float32 [len(ids), width] on the CPU, and a digest in hex over class, settings and weights.

    Raises:
        PriorUnavailableError: the text encoder is damaged or of another kind.
    """
    import torch
    import transformers

    name = checkpoint.class_name("text_encoder")
    check_class(name, str(checkpoint.folder))
    cls = getattr(transformers, name)
    model = checkpoint.load("text_encoder", cls, _stored_dtype(checkpoint))
    _raise_to_float32(model)
    with torch.no_grad():
        rows: Tensor = model(torch.tensor([ids])).last_hidden_state[0]
    settings = {key: getattr(model.config, key) for key in T5_SETTINGS}
    identity = hashlib.sha256(json.dumps([name, settings]).encode())
    identity.update(weights_digest(checkpoint.weight_files("text_encoder")))
    return rows, identity.hexdigest()


def _stored_dtype(checkpoint: Checkpoint) -> torch.dtype:
    """What all weights are stored in; float32 if they differ, which holds every value exactly."""
    import torch

    files = checkpoint.weight_files("text_encoder")
    stored = {entry.dtype for file in files for entry in read_header(file).values()}
    dtypes = {"F16": torch.float16, "BF16": torch.bfloat16}
    return dtypes.get(stored.pop(), torch.float32) if len(stored) == 1 else torch.float32


def _raise_to_float32(model: Any) -> None:
    """Make a T5 compute in float32, one block at a time."""
    kept: dict[Any, list[tuple[Tensor, Tensor]]] = {}

    def raise_dtype(module: Any, _: Any) -> None:
        kept[module] = [(parameter, parameter.data) for parameter in module.parameters()]
        for parameter, data in kept[module]:
            parameter.data = data.float()

    def restore(module: Any, *_: Any) -> None:
        for parameter, data in kept.pop(module):
            parameter.data = data

    for module in (*model.encoder.block, model.encoder.final_layer_norm):
        module.register_forward_pre_hook(raise_dtype)
        module.register_forward_hook(restore)
    model.encoder.embed_tokens.register_forward_hook(lambda *call: call[-1].float())
