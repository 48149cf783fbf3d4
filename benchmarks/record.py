"""What every benchmark result says about where it was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def is_answer(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a result that was kept answers what is asked now.

    Where the source is not there, any is the same: a report can be made again without the videos.
    """
    if asked["source"] is None:
        asked = {**asked, "source": kept.get("source")}
    return kept == asked


def cpu_name() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or "unknown"


def gpu_names() -> list[str]:
    """CUDA devices that torch sees."""
    import torch

    return [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]


def provenance() -> dict[str, Any]:
    """When, on what and with which code something is measured."""
    packages = ("freegvc", "torch", "numpy", "numba", "constriction", "av")
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "hardware": ", ".join([cpu_name(), f"{os.cpu_count()} cores", *gpu_names()]),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
    }


def commit() -> str:
    """The commit of this checkout, "-dirty" if files differ from it; "unknown" without git."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--match="],
            cwd=RESULTS.parent,
            capture_output=True,
            check=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def write_record(path: Path, result: dict[str, Any]) -> None:
    """Write a result as JSON with the hardware and the versions beside it."""
    record = {**provenance(), **result}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
