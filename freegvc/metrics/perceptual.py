"""LPIPS and DISTS of each frame, computed by torchmetrics' own networks.

LPIPS (Zhang et al. 2018, version 0.1) on AlexNet, VGG16 or SqueezeNet features; DISTS (Ding et
al. 2020) on VGG16. Input as in `freegvc.metrics.frames`: full resolution, never resized.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from freegvc.errors import MetricUnavailableError
from freegvc.metrics.frames import Frames, Scores, check_pair, check_side, unit_batches
from freegvc.metrics.weights import (
    ALEXNET,
    SQUEEZENET,
    VGG16,
    WeightFile,
    load_weights,
    weights_folder,
)

if TYPE_CHECKING:
    from os import PathLike

    from torch import nn

# by net: weights, and the smallest side for which every feature map has a sample
LPIPS_NETS = {"alex": (ALEXNET, 31), "vgg": (VGG16, 16), "squeeze": (SQUEEZENET, 17)}
DISTS_MIN_SIDE = 32  # below it the deepest maps have a single sample and thus no variance

# stages of DISTS in torchvision's VGG16: each but the first begins in place of a max pooling
_DISTS_STAGES = (0, 4, 9, 16, 23, 30)
_DISTS_CHANNELS = (3, 64, 128, 256, 512, 512)


def lpips(
    reference: Frames,
    distorted: Frames,
    *,
    net: str = "alex",
    weights: str | PathLike[str] | None = None,
    device: str = "cpu",
) -> Scores:
    """LPIPS of each frame; 0 for equal frames, larger is worse.

    Args:
        reference, distorted: uint8 [T, H, W, 3].
        net: "alex", "vgg" or "squeeze".
        weights: folder of safetensors; by default FREEGVC_METRIC_WEIGHTS, then torch's cache.
        device: where the network runs, in float32.

    Returns:
        float64 [T].

    Raises:
        UsageError: the shapes differ, or the frames are smaller than `LPIPS_NETS[net][1]`.
        MetricUnavailableError: the backbone's weights can be neither found nor downloaded.
    """
    check_pair(reference, distorted)
    check_side(f"LPIPS ({net})", reference.shape[1], reference.shape[2], LPIPS_NETS[net][1])
    network = lpips_network(net, weights_folder(weights), device)
    return _score(network, reference, distorted, device, normalize=True)


def dists(
    reference: Frames,
    distorted: Frames,
    *,
    weights: str | PathLike[str] | None = None,
    device: str = "cpu",
) -> Scores:
    """DISTS of each frame; 0 for equal frames, larger is worse.

    Arguments, result and errors as for `lpips`; sides of at least `DISTS_MIN_SIDE` pixels.
    """
    check_pair(reference, distorted)
    check_side("DISTS", reference.shape[1], reference.shape[2], DISTS_MIN_SIDE)
    network = dists_network(weights_folder(weights), device)
    return _score(network, reference, distorted, device)


@lru_cache(maxsize=4)
def lpips_network(net: str, folder: Path | None, device: str) -> nn.Module:
    """torchmetrics' LPIPS with the backbone's weights; cached, because a search uses it often.

    Args:
        net: "alex", "vgg" or "squeeze".
        folder: as `weights_folder` returns it.
        device: where the network is placed.

    Raises:
        MetricUnavailableError: the weights can be neither found nor downloaded, or do not fit.
    """
    import torch
    from torchmetrics.functional.image.lpips import _NoTrainLpips

    _check_torchvision()
    backbone, _ = LPIPS_NETS[net]
    state = load_weights(backbone, folder)
    with torch.random.fork_rng(devices=[]):  # it draws random weights, which are replaced below
        network = _NoTrainLpips(net=net, pnet_rand=True)  # type: ignore[arg-type]
    _fill(network.net, state, backbone)
    placed: nn.Module = network.to(device)
    return placed


@lru_cache(maxsize=2)
def dists_network(folder: Path | None, device: str) -> nn.Module:
    """torchmetrics' DISTS with VGG16's weights; cached, because a search uses it often.

    Args:
        folder: as `weights_folder` returns it.
        device: where the network is placed.

    Raises:
        MetricUnavailableError: the weights can be neither found nor downloaded, or do not fit.
    """
    import torch

    _check_torchvision()
    state = load_weights(VGG16, folder)
    with torch.random.fork_rng(devices=[]):
        network = _dists_without_weights()
    _fill(network, state, VGG16)
    return network.to(device)


def _check_torchvision() -> None:
    """torchmetrics builds its backbones with torchvision."""
    if find_spec("torchvision") is None:
        raise MetricUnavailableError("LPIPS and DISTS need torchvision: pip install torchvision")


def _dists_without_weights() -> nn.Module:
    """`DISTSNetwork` built as torchmetrics builds it, which always downloads VGG16."""
    import torch
    from torch import nn
    from torchmetrics.functional.image import dists as engine

    features = engine.vgg16(weights=None, init_weights=False).features  # type: ignore[attr-defined]

    class Network(engine.DISTSNetwork):
        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.chns = list(_DISTS_CHANNELS)
            for k in range(5):
                first, last = _DISTS_STAGES[k : k + 2]
                stage = nn.Sequential()
                if k:
                    pool = engine.L2pooling(channels=_DISTS_CHANNELS[k])
                    stage.add_module(str(first), pool)
                for i in range(first + bool(k), last):
                    stage.add_module(str(i), features[i])
                self.add_module(f"stage{k + 1}", stage)
            for name, values in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
                self.register_buffer(name, torch.tensor(values).view(1, -1, 1, 1))
            heads = torch.load(engine._PATH_WEIGHT_DISTS, weights_only=True)
            for name in ("alpha", "beta"):
                self.register_parameter(name, nn.Parameter(heads[name]))
            self.requires_grad_(False).eval()

    return Network()


# torchmetrics cuts a backbone into parts but keeps torchvision's indices: slice2.3.weight
_PART = re.compile(r"(?:slices\.\d+|slice\d+|stage\d+)\.(?P<name>.+)")


def _fill(network: nn.Module, state: dict[str, Any], weights: WeightFile) -> None:
    """Put a backbone's weights into the parts that torchmetrics made of it."""
    import torch

    with torch.no_grad():
        for key, parameter in network.named_parameters():
            part = _PART.fullmatch(key)
            if part is None:
                continue  # a head, which torchmetrics has loaded
            found = state.get(part["name"])
            if found is None or found.shape != parameter.shape:
                shape = None if found is None else tuple(found.shape)
                raise MetricUnavailableError(
                    f"the weights of {weights.net} do not fit: features.{part['name']} is {shape} "
                    f"but must be {tuple(parameter.shape)}; fetch {weights.url}"
                )
            parameter.copy_(found)


def _score(
    network: nn.Module, reference: Frames, distorted: Frames, device: str, **options: bool
) -> Scores:
    import torch

    scores = [np.zeros(0)]
    with torch.inference_mode(), _exact_products(device):
        for a, b in unit_batches(reference, distorted, device):
            scores.append(network(a, b, **options).reshape(-1).double().cpu().numpy())
    return np.concatenate(scores)


@contextmanager
def _exact_products(device: str) -> Iterator[None]:
    """Convolutions in true float32: a GPU's TF32 would move a score by more than 1e-6."""
    import torch

    if torch.device(device).type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield
