"""Table III: seconds per frame by stage, and bits per pixel, at the paper's stop steps.

python -m benchmarks.table3 --dataset clips --only basketballpass --out DIR

Stop steps are timesteps of the prior's own schedule, so those of two priors are not the same noise.
OUT gets one JSON for each prior and sequence, report.md and report.html. Killed and started again,
it goes on where it was.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.arguments import (
    check_metrics,
    clips_of,
    command_of,
    frames_of,
    max_size_of,
    parser_of,
)
from benchmarks.codecs.base import Frames
from benchmarks.codecs.freegvc_codec import loaded_prior
from benchmarks.record import is_answer, provenance
from benchmarks.report.stage_tables import write_stage_report
from benchmarks.stage_times import measure
from freegvc.atomic import atomic_path
from freegvc.priors import Prior

STOP_STEPS = (50, 100, 200, 300, 400, 500)  # of the paper's Table III
_WARM_UP_FRAMES = 8


def main() -> int:
    """Run from the command line; 1 if a sequence failed."""
    parser = parser_of(__doc__ or "")
    parser.add_argument("--stop-steps", nargs="+", type=int, default=list(STOP_STEPS))
    arguments = parser.parse_args()
    check_metrics(arguments)
    stops = arguments.stop_steps[::2] if arguments.quick else arguments.stop_steps
    records = []
    for clip in clips_of(arguments):
        for prior in arguments.prior:
            asked = {
                "dataset": arguments.dataset,
                "clip": clip.name,
                "source": clip.source,
                "prior": prior,
                "device": arguments.device,
                "num_frames": frames_of(arguments),
                "stop_steps": stops,
                "metrics": arguments.metrics,
            }
            name = f"{prior.replace('/', '.')}.json"
            path: Path = arguments.out / "table3" / clip.name / name
            record = _kept(path, asked)
            if record is None:
                try:
                    clip.check()
                    frames, _ = clip.load(asked["num_frames"], max_size=max_size_of(arguments))
                    model = loaded_prior(prior, arguments.device)
                    found = _measured(frames, model, stops, arguments.metrics)
                except Exception as error:  # whatever a prior dies of is its result
                    traceback.print_exc(file=sys.stderr)
                    found = {"error": f"{type(error).__name__}: {error}", "rows": []}
                record = {**provenance(), "asked": asked, **found}
                _write(path, record)
            records.append(record)
    write_stage_report(
        records,
        arguments.out,
        title=f"Seconds of each stage on {arguments.dataset}",
        command=command_of("benchmarks.table3"),
    )
    print(arguments.out / "report.html")
    return int(any(record["error"] for record in records))


def _measured(
    frames: Frames, prior: Prior, stops: Sequence[int], metrics: Sequence[str]
) -> dict[str, Any]:
    measure(prior, frames[:_WARM_UP_FRAMES], max(stops), ())
    _, height, width, _ = frames.shape
    return {
        "error": "",
        "size": f"{width}x{height}",
        "num_frames": len(frames),
        "rows": [measure(prior, frames, stop, metrics) for stop in stops],
    }


def _kept(path: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """A finished record of the same question."""
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record if is_answer(record["asked"], asked) and not record["error"] else None


def _write(path: Path, record: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
