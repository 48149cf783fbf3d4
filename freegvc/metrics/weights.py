"""Weights of the networks behind the perceptual metrics: a folder, torch's cache, or a download.

They are looked for in this order:
1. `<folder>/<name>_features.safetensors` where a folder is given, as an argument or in the
   environment variable FREEGVC_METRIC_WEIGHTS; tensors are named as torchvision names them
   (features.0.weight), with or without the prefix `features.`;
2. torch's ordinary cache, `<torch.hub.get_dir()>/checkpoints`, which torchvision fills;
3. the address from which torchvision itself downloads, into that cache.
Without a network connection the third fails within seconds. The linear heads of LPIPS and the
weights alpha and beta of DISTS come with torchmetrics.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc.errors import MetricUnavailableError

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_VARIABLE = "FREEGVC_METRIC_WEIGHTS"
_CONNECT_SECONDS = 5.0  # after which there is no network


@dataclass(frozen=True, slots=True)
class WeightFile:
    """Weights of one network.

    Attributes:
        net: name in messages.
        file_name: in the folder of safetensors.
        url: where torchvision (torch-fidelity for the inception network) downloads it.
        mebibytes: size of that download.
    """

    net: str
    file_name: str
    url: str
    mebibytes: int

    @property
    def cache_name(self) -> str:
        """Name in torch's cache."""
        return self.url.rpartition("/")[2]


_TORCHVISION = "https://download.pytorch.org/models"
ALEXNET = WeightFile(
    "AlexNet", "alexnet_features.safetensors", f"{_TORCHVISION}/alexnet-owt-7be5be79.pth", 234
)
VGG16 = WeightFile("VGG16", "vgg16_features.safetensors", f"{_TORCHVISION}/vgg16-397923af.pth", 528)
SQUEEZENET = WeightFile(
    "SqueezeNet",
    "squeezenet1_1_features.safetensors",
    f"{_TORCHVISION}/squeezenet1_1-b8a52dc0.pth",
    5,
)
INCEPTION = WeightFile(
    "Inception",
    "inception_2015_12_05.safetensors",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth",
    92,
)

# what may take the place of a metric whose weights are missing, and the weights that each needs
_OTHERS = {"psnr": None, "ms_ssim": None, "lpips": ALEXNET, "dists": VGG16}


def weights_folder(argument: str | PathLike[str] | None = None) -> Path | None:
    """The folder of safetensors: the argument, else FREEGVC_METRIC_WEIGHTS, else None.

    Args:
        argument: as users pass it.

    Raises:
        MetricUnavailableError: no such folder exists.
    """
    named = argument or os.environ.get(WEIGHTS_VARIABLE)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        source = "as given" if argument else f"from {WEIGHTS_VARIABLE}"
        raise MetricUnavailableError(
            f"the folder of metric weights, {folder} ({source}), does not exist: name "
            f"the folder that holds files such as {ALEXNET.file_name}"
        )
    return folder.resolve()


def locate(weights: WeightFile, folder: Path | None) -> Path | None:
    """Where the weights are on this machine; None if they would have to be downloaded.

    Args:
        weights: the file to look for.
        folder: as `weights_folder` returns it.
    """
    import torch

    places = [folder / weights.file_name] if folder else []
    places.append(Path(torch.hub.get_dir()) / "checkpoints" / weights.cache_name)
    return next((place for place in places if place.is_file()), None)


def load_weights(weights: WeightFile, folder: Path | None) -> dict[str, Tensor]:
    """Tensors by torchvision's names without the prefix `features.`, such as "0.weight".

    A file that is neither in the folder nor in torch's cache is downloaded into that cache.

    Args:
        weights: the file to load.
        folder: as `weights_folder` returns it.

    Raises:
        MetricUnavailableError: the download failed, or the file cannot be read.
    """
    place = locate(weights, folder)
    tensors = _download(weights, folder) if place is None else _read(place)
    features = {k.removeprefix("features."): v for k, v in tensors.items() if "features." in k}
    return features or tensors


def missing_message(weights: WeightFile, folder: Path | None, reason: str) -> str:
    """What is missing, what to fetch, where to put it, and which metrics work without it."""
    import torch

    cache = Path(torch.hub.get_dir()) / "checkpoints"
    works = [
        name
        for name, needed in _OTHERS.items()
        if needed is None or locate(needed, folder) is not None
    ]
    return (
        f"the weights of {weights.net} are not on this machine ({reason}): fetch {weights.url} "
        f"({weights.mebibytes} MiB) into {cache}, or put {weights.file_name} into the folder that "
        f"--metric-weights or {WEIGHTS_VARIABLE} names (now {folder or 'none'}); "
        f"{', '.join(works)} work without them"
    )


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors or a torch file."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    # torch.load has no error of its own: a damaged file raises any of these
    damaged = (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError)

    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Tensor] = load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except (*damaged, pickle.UnpicklingError) as error:
        raise MetricUnavailableError(
            f"{path} cannot be read as weights ({type(error).__name__}: {error}): delete it and "
            "fetch it again"
        ) from None
    return tensors


def _download(weights: WeightFile, folder: Path | None) -> dict[str, Tensor]:
    """Let torch fetch the file as torchvision does, after a quick check that the host answers."""
    import torch

    try:
        # torch sets no time limit, and some firewalls drop packets silently
        request = urllib.request.Request(weights.url, method="HEAD")
        with urllib.request.urlopen(request, timeout=_CONNECT_SECONDS):
            pass
        tensors: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            weights.url, map_location="cpu", check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: a wrong hash
        reason = getattr(error, "reason", error)
        message = missing_message(weights, folder, f"the download failed: {reason}")
        raise MetricUnavailableError(message) from None  # it says all that the three errors say
    return tensors
