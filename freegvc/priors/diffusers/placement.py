"""Where and how a model's weights are stored: quantisation, offloading, compilation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError, UsageError

if TYPE_CHECKING:
    import torch

OFFLOADS = ("none", "model", "group")


def place(
    transformer: Any,
    vae: Any,
    *,
    device: torch.device,
    storage: str = "",
    offload: str = "none",
    compile: bool = False,
) -> None:
    """Put a transformer and a VAE of diffusers onto their device, in place.

    Args:
        transformer, vae: models on the CPU, in the dtype that they compute in.
        device: where they compute.
        storage: how the transformer's weights are stored: "", "fp8" or "int8".
        offload: "none" keeps both on `device`; "model" keeps only the one that was called last;
            "group" moves single layers, which is slowest and takes the least memory.
        compile: compile the transformer with torch.compile at its first call.

    Raises:
        UsageError: `offload` is unknown.
        PriorUnavailableError: `storage` is "int8" and torchao is not installed.
    """
    if offload not in OFFLOADS:
        raise UsageError(f"offload is {offload!r}; it must be one of {', '.join(OFFLOADS)}")
    if storage == "fp8":
        transformer.enable_layerwise_casting(compute_dtype=transformer.dtype)
    elif storage == "int8":
        _to_int8(transformer)
    if offload == "none":
        transformer.to(device)
        vae.to(device)
    elif offload == "model":
        _offload_models(transformer, vae, device)
    else:
        for model in (transformer, vae):
            model.enable_group_offload(
                onload_device=device, offload_type="leaf_level", use_stream=device.type == "cuda"
            )
    if compile:
        transformer.compile()


def _to_int8(transformer: Any) -> None:
    try:
        from torchao.quantization import Int8WeightOnlyConfig, quantize_
    except ImportError as error:
        raise PriorUnavailableError(
            'int8 weights need torchao: pip install "freegvc[int8]", or choose a "-fp8" dtype'
        ) from error
    quantize_(transformer, Int8WeightOnlyConfig())


def _offload_models(transformer: Any, vae: Any, device: torch.device) -> None:
    """Hook both models so that a call of one first moves the other back to the CPU."""
    from accelerate import cpu_offload_with_hook

    _, leave_transformer = cpu_offload_with_hook(transformer, device)
    _, leave_vae = cpu_offload_with_hook(vae, device, prev_module_hook=leave_transformer)
    leave_transformer.hook.prev_module_hook = leave_vae
