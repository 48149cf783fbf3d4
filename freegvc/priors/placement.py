"""Where a model's weights live: quantised storage, offloading, compilation."""

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
    compiled: bool = False,
) -> None:
    """Put a transformer and a VAE of diffusers where they run, in place.

    Args:
        transformer, vae: models on the CPU, in the dtype that they compute in.
        device: where they compute.
        storage: "", "fp8" or "int8": how the transformer keeps its weights.
        offload: "none" keeps both on `device`; "model" moves in the one that is called and the
            other out; "group" moves single layers, slowest and smallest.
        compiled: compile the transformer with torch.compile at its first call.

    Raises:
        UsageError: unknown `offload`.
        PriorUnavailableError: int8 without torchao.
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
    if compiled:
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
    """Each model's hook sends the other one back to the CPU before its own moves in."""
    from accelerate import cpu_offload_with_hook

    _, leave_transformer = cpu_offload_with_hook(transformer, device)
    _, leave_vae = cpu_offload_with_hook(vae, device, prev_module_hook=leave_transformer)
    leave_transformer.hook.prev_module_hook = leave_vae
