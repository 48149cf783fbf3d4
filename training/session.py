"""One training session: a model, its optimizer and average, and a clock that ends it well."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)

WARMUP = 200  # steps
LOG_STEPS = 50
LOG = "log.jsonl"
SAVE_SECONDS = 45.0
AVERAGE = 0.996  # decay of the moving average of the weights
PART_BYTES = 14_000_000  # of a file of weights
SLOW = 0.3  # of the learning rate
LAST = 0.01  # of the learning rate, at the end of a session


class Session(Generic[Model]):
    """Trains until its seconds are over; the learning rate falls with the clock, not the steps.

    What is kept are the averaged weights as float16, small enough to be carried from machine to
    machine. A later session continues from them, and warms its optimizer up again.

    Args:
        model: on its device.
        folder: where its weights and log.jsonl are kept; weights that are there are the start.
        name: of the weights' files and of its lines in the log.
        learning_rate: the largest.
        seconds: from now to the end.
        slow: parameters that take SLOW of the learning rate, as they have been trained long.
    """

    def __init__(
        self,
        model: Model,
        folder: Path,
        name: str,
        learning_rate: float,
        seconds: float,
        slow: Iterable[nn.Parameter] = (),
    ) -> None:
        self.step = load(model, folder, name) or 0
        self.first = self.step
        self.model, self.folder, self.name = model, folder, name
        self.averaged: Model = copy.deepcopy(model).requires_grad_(False)
        self.averaged.eval()
        self.peak, self.seconds = learning_rate, seconds
        device = next(model.parameters()).device
        shares = dict.fromkeys(model.parameters(), 1.0)
        shares |= dict.fromkeys(slow, SLOW)
        self.optimizer = torch.optim.AdamW(
            [{"params": [parameter], "share": share} for parameter, share in shares.items()],
            learning_rate,
            betas=(0.9, 0.99),
            weight_decay=0.0,
            fused=device.type == "cuda",
        )
        self.sums: dict[str, list[Tensor]] = {}
        self.began = self.saved = time.monotonic()
        self._keep_good()

    @property
    def is_over(self) -> bool:
        """Whether the seconds are over."""
        return time.monotonic() - self.began >= self.seconds

    @property
    def learning_rate(self) -> float:
        """A cosine from the peak to LAST of it, over the seconds, after WARMUP steps."""
        done = min((time.monotonic() - self.began) / self.seconds, 1.0)
        cosine = LAST + (1 - LAST) * 0.5 * (1 + math.cos(math.pi * done))
        return self.peak * cosine * min(1.0, (self.step - self.first + 1) / WARMUP)

    def update(self, loss: Tensor, parts: dict[str, Tensor]) -> None:
        """One optimizer step; logs and saves when it is time."""
        rate = self.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        done = self.step - self.first
        keep = min(AVERAGE, done / (done + 10))
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.averaged.parameters()), list(self.model.parameters()), 1.0 - keep
            )
        for name, value in {"loss": loss, **parts}.items():
            self.sums.setdefault(name, []).append(value.detach())
        if self.step % LOG_STEPS == 0:
            self._log(rate)
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write the averaged weights."""
        save(self.averaged, self.folder, self.name, self.step)
        self.saved = time.monotonic()

    def _log(self, rate: float) -> None:
        means = {name: float(torch.stack(v).mean()) for name, v in self.sums.items()}
        self.sums.clear()
        if not math.isfinite(means["loss"]):
            self._back_to_good()
        else:
            self._keep_good()
        seconds = round(time.monotonic() - self.began, 1)
        line: dict[str, Any] = {"step": self.step, "seconds": seconds, "rate": round(rate, 7)}
        line |= {name: round(mean, 5) for name, mean in means.items()}
        append(self.folder / LOG, {"model": self.name, **line})

    def _keep_good(self) -> None:
        models = (self.model, self.averaged)
        self.good = [[p.detach().clone() for p in m.parameters()] for m in models]

    def _back_to_good(self) -> None:
        """After a loss that is no number: the last weights that had one, at half the rate."""
        self.peak /= 2
        self.optimizer.state.clear()
        with torch.no_grad():
            for model, values in zip((self.model, self.averaged), self.good, strict=True):
                for parameter, value in zip(model.parameters(), values, strict=True):
                    parameter.copy_(value)


def append(log: Path, line: dict[str, Any]) -> None:
    """One line of JSON, printed as well."""
    text = json.dumps(line)
    print(text, flush=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def save(model: nn.Module, folder: Path, name: str, step: int) -> None:
    """Weights as float16, and their step, in `name`-1.pt and so on of at most PART_BYTES."""
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for key, value in model.state_dict().items():
        weights = value.detach().cpu().half()
        size += weights.nbytes
        if size > PART_BYTES:
            parts.append({})
            size = weights.nbytes
        parts[-1][key] = weights
    for number, state in enumerate(parts, 1):
        path = folder / f"{name}-{number}.pt"
        temporary = path.with_name(path.name + ".new")  # so that no file is ever half there
        torch.save({"step": step, "parts": len(parts), "state": state}, temporary)
        temporary.replace(path)


def load(model: nn.Module, folder: Path, name: str) -> int | None:
    """Fill a model from `save`'s files; its step, or None if there are none.

    Raises:
        ValueError: the files are not of one `save`.
    """
    paths = sorted(folder.glob(f"{name}-*.pt"))
    stored = [torch.load(path, map_location="cpu", weights_only=True) for path in paths]
    if not stored:
        return None
    kinds = {(part["step"], part["parts"]) for part in stored}
    if kinds != {(stored[0]["step"], len(stored))}:
        raise ValueError(
            f"{folder}/{name}-*.pt are not of one save: (step, number of files) is "
            f"{sorted(kinds)} in {len(stored)} files; copy all files of one run"
        )
    state = {key: value.float() for part in stored for key, value in part["state"].items()}
    model.load_state_dict(state)
    step: int = stored[0]["step"]
    return step
