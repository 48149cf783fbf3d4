"""doctor: what works on this machine, by trying it."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc import __version__
from freegvc._cli.pages import facts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from freegvc.metrics import Metric

_PACKAGES = (
    *("numpy", "torch", "diffusers", "transformers", "torchmetrics", "numba"),
    *("constriction", "av", "pillow", "tqdm"),
)
_SIDE, _FRAMES = 64, 3


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: of the part that was tried.
        ok: whether it works.
        essential: whether the codec needs it.
        detail: what was seen, or why it does not work.
    """

    name: str
    ok: bool
    essential: bool
    detail: str


def declare_doctor(parser: argparse.ArgumentParser) -> None:
    """The form of the output."""
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    versions = {"freegvc": __version__, "python": platform.python_version(), **_versions()}
    machine = _machine()
    checks = _checks()
    healthy = all(check.ok for check in checks if check.essential)
    if arguments.json:
        report = {
            "ok": healthy,
            "versions": versions,
            "machine": machine,
            "checks": [asdict(check) for check in checks],
        }
        print(json.dumps(report, indent=2, allow_nan=False))
        return 0 if healthy else 1
    rows = [(name, version or "not installed") for name, version in versions.items()]
    rows += [(name, str(value)) for name, value in machine.items()]
    print(facts(rows) + "\n")
    print(facts([(c.name, f"{_verdict(c)}  {c.detail}") for c in checks]))
    print("\nfreegvc works here" if healthy else "\nfreegvc does not work here: see FAIL above")
    return 0 if healthy else 1


def _verdict(check: Check) -> str:
    if check.ok:
        return "ok  "
    return "FAIL" if check.essential else "no  "


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _machine() -> dict[str, object]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "platform": platform.platform(),
        "cpus": usable,
        "free_memory_gib": _free_memory_gib(),
        "free_disk_gib": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
    }


def _free_memory_gib() -> float | None:
    """Memory available to programs; None where the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
    return round(kib / 2**20, 1)


def _checks() -> list[Check]:
    from freegvc.priors.loading import BUILT_IN, installed_priors

    checks = [_try("torch", _torch), _try("cuda", _cuda, essential=False)]
    for name in (*BUILT_IN, *installed_priors()):
        essential = name in BUILT_IN  # the others come from other packages
        checks.append(_try(f"prior {name}", partial(_round_trip, name), essential=essential))
    checks.append(_try("fetched models", _fetched_models, essential=False))
    checks += _metrics()
    checks.append(_try("write x264, read", partial(_encoder, "x264")))
    checks.append(_try("write x265, read", partial(_encoder, "x265"), essential=False))
    return checks


def _try(name: str, work: Callable[[], str], *, essential: bool = True) -> Check:
    try:
        return Check(name, True, essential, work())
    except Exception as error:  # any failure is a finding
        reason = " ".join(str(error).split()) or "no reason given"
        return Check(name, False, essential, f"{type(error).__name__}: {reason}")


def _torch() -> str:
    import torch

    return f"{torch.get_num_threads()} threads"


def _metrics() -> list[Check]:
    """Metrics that need nothing are tried; of the others, what they need is looked for."""
    from freegvc.metrics import METRICS, SCORES

    always = [metric for metric in METRICS.values() if metric.prepare is None]
    checks = [_try(f"metric {metric.name}", partial(_metric, metric)) for metric in always]
    for status in (scale.status() for scale in SCORES.values() if scale.prepare is not None):
        checks.append(Check(f"metric {status.name}", status.available, False, status.detail))
    return checks


def _metric(metric: Metric) -> str:
    frames = _picture(max(_SIDE, metric.min_side))
    score = metric(frames, frames // 2).mean()
    return f"{metric.format(score)}, needs no files"


def _fetched_models() -> str:
    """Names only, because running a model takes gigabytes."""
    from freegvc.errors import PriorUnavailableError
    from freegvc.priors.diffusers.catalogue import KNOWN_MODELS
    from freegvc.priors.diffusers.hub_cache import find_folder

    here = [model.name for model in KNOWN_MODELS if find_folder(model.hub_id)]
    if not here:
        raise PriorUnavailableError(
            f"none of the {len(KNOWN_MODELS)} known models is on this machine: see freegvc priors "
            "list"
        )
    return ", ".join(here)


def _cuda() -> str:
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("no CUDA device, or a torch without CUDA")
    count = torch.cuda.device_count()
    return ", ".join(f"cuda:{k} {torch.cuda.get_device_name(k)}" for k in range(count))


def _round_trip(prior: str) -> str:
    """Compress and decompress a few small frames."""
    from freegvc._codec.decoder import decompress
    from freegvc._codec.encoder import compress
    from freegvc.metrics import psnr

    frames = _picture(_SIDE)
    compressed = compress(frames, prior=prior, stop_step=700)
    decoded = decompress(compressed).frames
    score = psnr(frames, decoded).mean()
    return f"coded {len(frames)} frames in {compressed.num_bytes} bytes, {score:.1f} dB"


def _encoder(codec: str) -> str:
    """Write a file and read it again."""
    from freegvc._video import load_video, open_writer
    from freegvc.metrics import psnr

    frames = _picture(_SIDE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.mp4"
        with open_writer(path, width=_SIDE, height=_SIDE, frame_rate=25, codec=codec) as writer:
            for frame in frames:
                writer.write(frame)
        read = load_video(path).frames
        return f"{len(read)} frames, {psnr(frames, read).mean():.1f} dB"


def _picture(side: int) -> npt.NDArray[np.uint8]:
    """A few frames of moving waves."""
    import numpy as np

    t, y, x = np.mgrid[0:_FRAMES, 0:side, 0:side]
    waves = [np.sin((x + 2 * y) / 9.0 + t / 2.0 + channel) for channel in range(3)]
    return (128.0 + 90.0 * np.stack(waves, axis=-1)).astype(np.uint8)
