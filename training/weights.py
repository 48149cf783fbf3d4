"""Weights of freegvc-small as files: float16 safetensors, as the package has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from freegvc.priors.small.autoencoder import Autoencoder
from freegvc.priors.small.denoiser import Denoiser


def save_weights(model: nn.Module, path: Path) -> None:
    """Weights of a model as float16 safetensors."""
    state = {
        name: value.detach().cpu().half().contiguous() for name, value in model.state_dict().items()
    }
    replace(path, lambda temporary: save_file(state, temporary))


def replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under another name and move it into place, so that it is never half there."""
    temporary = path.with_name(path.name + ".new")
    write(temporary)
    temporary.replace(path)


def load_autoencoder(path: Path, device: str) -> Autoencoder:
    """The frozen autoencoder of a weights file."""
    model = Autoencoder()
    model.load_state_dict(load_file(path))
    model.eval().requires_grad_(False)
    return model.to(device).to(memory_format=torch.channels_last)


def load_denoiser(path: Path, device: str) -> Denoiser:
    """The frozen denoiser of a weights file."""
    model = Denoiser()
    model.load_state_dict(load_file(path))
    model.eval().requires_grad_(False)
    return model.to(device).to(memory_format=torch.channels_last)
