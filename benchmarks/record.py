"""JSON records of benchmarks, each with when and on what it was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from freegvc._atomic import atomic_path

RESULTS = Path(__file__).parent / "results"  # what is committed


def provenance() -> dict[str, Any]:
    """When, on what and with which code something is measured."""
    import torch

    gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    packages = (
        *("freegvc", "torch", "numpy", "numba", "constriction", "av"),
        *("triton", "diffusers", "transformers"),
    )
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "hardware": ", ".join([_cpu_name(), f"{os.cpu_count()} cores", *gpus]),
        "versions": {
            "python": platform.python_version(),
            **{name: found for name in packages if (found := _version(name))},
        },
    }


def _version(package: str) -> str | None:
    """None if it is not installed: some commands need less than others."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """The commit of this checkout, "-dirty" if files differ from it; "unknown" without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--match="]
    try:
        done = subprocess.run(
            command, cwd=RESULTS.parent, capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def write_json(path: Path, content: Mapping[str, Any], indent: int | None = 1) -> None:
    """Write a file that appears whole or not at all, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, overwrite=True) as temporary:
        text = json.dumps(content, indent=indent, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
