"""LPIPS v0.1 (Zhang et al. 2018) as a loss, on AlexNet or SqueezeNet, from safetensors files."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

WEIGHTS_FOLDER = Path("../shared/data/weights")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors of `path`.safetensors, or of the `path`.pt that a pack has in its place."""
    packed = path.with_name(path.name + ".pt")
    if packed.exists():
        state: dict[str, Tensor] = torch.load(packed, map_location="cpu", weights_only=True)
        return {name: value.float() for name, value in state.items()}
    from safetensors.torch import load_file

    stored: dict[str, Tensor] = load_file(path.with_name(path.name + ".safetensors"))
    return stored


class Fire(nn.Module):
    """SqueezeNet's module; names as in torchvision."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] to [N, 2 expand, H, W]."""
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


def _alexnet() -> tuple[nn.Sequential, list[int]]:
    features = nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip
    return features, [1, 4, 7, 9, 11]


def _squeezenet() -> tuple[nn.Sequential, list[int]]:
    features = nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(64, 16, 64), Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(128, 32, 128), Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip
    return features, [1, 4, 7, 9, 10, 11, 12]


class Lpips(nn.Module):
    """The distance of two batches of pictures.

    Args:
        network: "alex" or "squeeze".
        folder: where the weights are.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, network: str, folder: Path = WEIGHTS_FOLDER) -> None:
        super().__init__()
        self.features, self.taps = _alexnet() if network == "alex" else _squeezenet()
        name = {"alex": "alexnet_features", "squeeze": "squeezenet1_1_features"}[network]
        stored = read_weights(folder / name)
        self.features.load_state_dict(
            {key.removeprefix("features."): value for key, value in stored.items()}
        )
        heads = read_weights(folder / f"lpips_lin_{network}")
        self.heads = nn.ParameterList([nn.Parameter(heads[key].flatten()) for key in sorted(heads)])
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1))
        self.requires_grad_(False)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances [N] of pictures [N, 3, H, W] in [-1, 1]; gradients reach `y` only."""
        with torch.no_grad():
            references = self._taps(x)
        distance = torch.zeros(len(x), device=x.device)
        for a, b, head in zip(references, self._taps(y), self.heads, strict=True):
            distance = distance + _distance(_unit(a) - _unit(b), head)
        return distance

    def of_pairs(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Distances of pictures, and of how features change from a picture to the next.

        The second is zero where both videos stand still, and grows with flicker in either.

        Args:
            x: pairs of neighbouring frames [P, 2, 3, H, W] in [-1, 1].
            y: of the same shape; gradients reach it only.

        Returns:
            Two tensors [P].
        """
        with torch.no_grad():
            references = self._taps(x.flatten(0, 1))
        still = moving = torch.zeros(len(x), device=x.device)
        for a, b, head in zip(references, self._taps(y.flatten(0, 1)), self.heads, strict=True):
            errors = _unit(b) - _unit(a)
            still = still + _distance(errors, head).reshape(-1, 2).mean(1)
            moving = moving + _distance(errors[1::2] - errors[::2], head)
        return still, moving

    def _taps(self, x: Tensor) -> list[Tensor]:
        x = ((x - self.shift) / self.scale).contiguous(memory_format=torch.channels_last)
        taps = []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                taps.append(x)
        return taps


def _distance(difference: Tensor, head: Tensor) -> Tensor:
    return (difference.square() * head[:, None, None]).sum(1).mean((1, 2))


def _unit(features: Tensor) -> Tensor:
    features = features.float()
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)
