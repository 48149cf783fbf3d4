"""The state of a training run on disk: written atomically, resumed by the same command."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from freegvc.priors.small.autoencoder import Autoencoder
from freegvc.priors.small.denoiser import Denoiser

Item = TypeVar("Item")
Model = TypeVar("Model", bound=nn.Module)


class Run(Generic[Model]):
    """A model in training with its optimizer, its moving average and its step.

    All random choices of a step are made by generators keyed by (seed, step), so the step is the
    whole state of the data: a resumed run sees what an uninterrupted one would have seen.

    Args:
        folder: where `checkpoint.pt`, `weights.safetensors` and `log.jsonl` are.
        model: the model to train, already on its device.
        learning_rate: after a warm-up of `warmup` steps.
        average: decay of the moving average of the weights.
        warmup: steps.
    """

    def __init__(
        self,
        folder: Path,
        model: Model,
        learning_rate: float,
        *,
        average: float = 0.999,
        warmup: int = 200,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.model = model
        self.averaged: Model = copy.deepcopy(model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), learning_rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        self.learning_rate, self.average, self.warmup = learning_rate, average, warmup
        self.step = self.since = 0
        self.seconds = 0.0
        self._started = time.monotonic()
        path = folder / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, map_location="cpu", weights_only=True)
            model.load_state_dict(state["model"])
            self.averaged.load_state_dict(state["averaged"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]
        elif (folder / "weights.safetensors").exists():
            # only the weights were carried here: the optimizer warms up again
            weights = load_file(folder / "weights.safetensors")
            model.load_state_dict(weights)
            self.averaged.load_state_dict(weights)
            self.step = self.since = int(json.loads((folder / "step.json").read_text())["step"])

    @property
    def elapsed(self) -> float:
        """Seconds of training, over all sessions."""
        return self.seconds + time.monotonic() - self._started

    def update(self, loss: torch.Tensor) -> None:
        """One optimizer step."""
        rate = self.learning_rate * min(1.0, (self.step - self.since + 1) / self.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.average, self.step / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.averaged.parameters()), list(self.model.parameters()), 1.0 - keep
            )

    def save(self, *, weights_only: bool = False) -> None:
        """Write the checkpoint, unless `weights_only`, and the averaged weights as float16."""
        if not weights_only:
            state = {
                "model": self.model.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "seconds": self.elapsed,
            }
            replace(self.folder / "checkpoint.pt", lambda path: torch.save(state, path))
        save_weights(self.averaged, self.folder / "weights.safetensors")
        text = json.dumps({"step": self.step, "seconds": round(self.elapsed)})
        replace(self.folder / "step.json", lambda path: path.write_text(text))

    def log(self, **values: Any) -> None:
        """Append one line to `log.jsonl` and print it."""
        line = {"step": self.step, "minutes": round(self.elapsed / 60, 2)}
        for name, value in values.items():
            line[name] = round(float(value), 5)
        text = json.dumps(line)
        print(text, flush=True)
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(text + "\n")


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


def prefetch(make: Callable[[int], Item], start: int, workers: int) -> Iterator[Item]:
    """make(start), make(start + 1), ... in order, computed ahead in threads."""
    with ThreadPoolExecutor(workers) as pool:
        pending: list[Future[Item]] = [
            pool.submit(make, step) for step in range(start, start + 2 * workers)
        ]
        try:
            while True:
                item = pending.pop(0).result()
                start += 1
                pending.append(pool.submit(make, start + 2 * workers - 1))
                yield item
        finally:
            for future in pending:
                future.cancel()


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
