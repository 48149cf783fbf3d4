"""What every benchmark result says about where it was measured."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def cpu_name() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text().splitlines() if info.exists() else [])
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or "unknown"


def write_record(path: Path, result: dict[str, Any]) -> None:
    """Write a result as JSON with the hardware and the versions beside it."""
    packages = ("freegvc", "torch", "numpy", "numba", "constriction", "av")
    record = {
        "measured": datetime.now(UTC).date().isoformat(),
        "hardware": f"{cpu_name()}, {os.cpu_count()} cores",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        **result,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
