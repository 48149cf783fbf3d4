"""A model on disk in diffusers' layout. Every file is checked, and nothing is downloaded."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.weight_sets import PLAIN, find_weights, is_index
from freegvc.priors.weights import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

MAX_JSON_BYTES = 1 << 24
CONFIGS = {"scheduler": "scheduler_config.json", "tokenizer": "tokenizer_config.json"}
NAMED_TENSORS = 3  # an error names at most this many tensors
FETCH_AGAIN = "fetch the model again"


class Checkpoint:
    """A folder that a diffusers pipeline was saved to, or a snapshot of the Hugging Face hub.

    Args:
        folder: holds model_index.json and a folder for each component.

    Attributes:
        folder: as given.

    Raises:
        PriorUnavailableError: the folder or its model_index.json is missing or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise PriorUnavailableError(
                f"there is no folder {self.folder}; name a folder in diffusers' layout, or fetch "
                "a model with: freegvc priors fetch NAME"
            )
        self._index = _read_json(self.folder / "model_index.json")

    def has(self, subfolder: str) -> bool:
        """Whether the component has a folder, which may still lack files."""
        return (self.folder / subfolder).is_dir()

    def class_name(self, subfolder: str) -> str:
        """Name of the component's class, from model_index.json.

        Raises:
            PriorUnavailableError: the index does not name such a component.
        """
        entry = self._index.get(subfolder)
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)):
            raise PriorUnavailableError(
                f"{self.folder / 'model_index.json'} gives {entry!r} instead of a class for "
                f"{subfolder!r}: freegvc cannot use this model"
            )
        return entry[1]

    def config(self, subfolder: str) -> dict[str, Any]:
        """The component's configuration, read from its JSON file.

        Raises:
            PriorUnavailableError: the file is missing or damaged.
        """
        return _read_json(self.folder / subfolder / CONFIGS.get(subfolder, "config.json"))

    def weight_files(self, subfolder: str) -> list[Path]:
        """The safetensors files of a component: one file, or the shards that an index lists.

        A variant, such as `model.fp16.safetensors`, is used if there are no plain weights.

        Raises:
            PriorUnavailableError: there are none, some are missing, or it is not clear which ones
                are meant.
        """
        return self._weights(subfolder)[1]

    def _weights(self, subfolder: str) -> tuple[str, list[Path]]:
        """Variant and files of the weights to use."""
        folder = self.folder / subfolder
        names = _file_names(folder)
        variant, found = find_weights(names, str(folder))
        if not found:
            _refuse_pickles(folder, names)
            raise PriorUnavailableError(
                f"{folder} holds no weights (neither diffusion_pytorch_model nor "
                f"model.safetensors, whole or with an index): {FETCH_AGAIN}"
            )
        if len(found) > 1:
            raise PriorUnavailableError(
                f"{folder} holds more than one set of weights ({', '.join(found)}) "
                "and libraries differ in which one they load: remove all but one"
            )
        if not is_index(found[0]):
            return variant, [folder / found[0]]
        shards = _shards(folder / found[0])
        if missing := [p.name for p in shards if not p.is_file()]:
            raise PriorUnavailableError(
                f"{folder} lacks {', '.join(missing)} of its {len(shards)} shards: {FETCH_AGAIN}"
            )
        return variant, shards

    def load(self, subfolder: str, cls: Any, dtype: torch.dtype) -> Any:
        """Load a component onto the CPU, for inference only.

        Args:
            subfolder: such as "transformer", "vae" or "text_encoder".
            cls: its class in diffusers or transformers.
            dtype: of its parameters, except those that the class keeps in float32.

        Returns:
            The model in eval mode, without gradients.

        Raises:
            PriorUnavailableError: files are missing or damaged, or do not hold exactly the
                tensors that class and configuration require.
        """
        folder = self.folder / subfolder
        stated = self.class_name(subfolder)
        if stated != cls.__name__:
            raise PriorUnavailableError(
                f"{folder} holds a {stated} and not a {cls.__name__}: choose another model"
            )
        self.config(subfolder)
        variant, files = self._weights(subfolder)
        for file in files:
            read_header(file)
        from safetensors import SafetensorError

        try:
            with _no_progress_bars():
                model, info = cls.from_pretrained(
                    self.folder,
                    subfolder=subfolder,
                    dtype=dtype,
                    local_files_only=True,
                    use_safetensors=True,
                    variant=None if variant == PLAIN else variant,
                    output_loading_info=True,
                )
        # what these libraries raise for files that do not fit the class
        except (
            OSError,
            ValueError,
            RuntimeError,
            TypeError,
            LookupError,
            AttributeError,
            SafetensorError,
        ) as error:
            raise PriorUnavailableError(
                f"{folder} cannot be loaded as {cls.__name__}: {error}; if this is not for lack of "
                f"memory, "
                f"{FETCH_AGAIN}"
            ) from error
        for what, tensors in info.items():
            if tensors:
                raise PriorUnavailableError(
                    f"{folder} does not hold the weights of a {cls.__name__}: "
                    f"{what.replace('_', ' ')} {_some(tensors)}; {FETCH_AGAIN}"
                )
        if unfilled := [name for name, p in model.named_parameters() if p.is_meta]:
            raise PriorUnavailableError(
                f"{folder} left parameters without values: {_some(unfilled)}; {FETCH_AGAIN}"
            )
        return model.eval().requires_grad_(False)


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of bounded size."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise PriorUnavailableError(
                f"{path} has {path.stat().st_size} bytes; the limit is {MAX_JSON_BYTES}: "
                f"{FETCH_AGAIN}"
            )
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise PriorUnavailableError(
            f"{path} cannot be read: {error.strerror}; is this folder a model in diffusers' "
            f"layout? If it is, {FETCH_AGAIN}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise PriorUnavailableError(f"{path} is not JSON ({error}): {FETCH_AGAIN}") from error
    if not isinstance(content, dict):
        raise PriorUnavailableError(f"{path} holds no JSON object: {FETCH_AGAIN}")
    return content


def _file_names(folder: Path) -> list[str]:
    """Names of the files in a folder, which may be missing; a broken link is no file."""
    try:
        return sorted(f.name for f in folder.iterdir() if f.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise PriorUnavailableError(
            f"{folder} cannot be read ({error.strerror}): give this user the right to read it"
        ) from error


def _refuse_pickles(folder: Path, names: list[str]) -> None:
    """Name the pickles that a folder holds instead of safetensors."""
    if pickles := [name for name in names if name.endswith((".bin", ".pt", ".pth"))]:
        raise PriorUnavailableError(
            f"{folder} holds only {_some(pickles)}, which may run code when it is loaded and is "
            "not read: fetch or save the model as safetensors"
        )


def _shards(index: Path) -> list[Path]:
    """The files that a shard index lists, all in its own folder."""
    weight_map = _read_json(index).get("weight_map")
    names = weight_map.values() if isinstance(weight_map, dict) else ()
    if not names or not all(isinstance(n, str) and Path(n).name == n for n in names):
        raise PriorUnavailableError(
            f"{index} does not list files in its own folder under weight_map: {FETCH_AGAIN}"
        )
    return [index.with_name(name) for name in sorted(set(names))]


def _some(tensors: Any) -> str:
    """The first few names, and the number of the others."""
    names = sorted(str(t[0] if isinstance(t, tuple) else t) for t in tensors)
    more = len(names) - NAMED_TENSORS
    return ", ".join(names[:NAMED_TENSORS]) + (f" and {more} more" if more > 0 else "")


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Stop the libraries from drawing progress bars on the caller's stderr."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    shown = [m for m in (diffusers_logging, transformers_logging) if m.is_progress_bar_enabled()]
    for module in shown:
        module.disable_progress_bar()
    try:
        yield
    finally:
        for module in shown:
            module.enable_progress_bar()
