"""Memory and seams of tiles: 1920x1080 in tiles of 480p against one 480p frame. Linux only.

MODEL is a folder of a CogVideoX in diffusers' layout; without it, a tiny one with random weights
is made. Each measurement has a process of its own; a smooth ramp is encoded, predicted from, and
decoded.

memory  peak resident memory of each stage, above what the loaded model takes; frames count.
seams   of the decoded ramp, first frame, over all pairs of neighbouring tiles, in grey levels:
        without_window  what the tiles differ by where one of them begins or ends, mean along it
        edge            that times the tile's window there: the jump that is left
        edge_pixel      the same for the single pixel where it is largest
        slope           the steepest step from pixel to pixel inside an overlap: what the tiles
                        differ by on average there, times the largest step of the window
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.experiments.base import Measurement
from benchmarks.peak_memory import peak_mib, resident_mib, restart_peak
from freegvc.priors import load_prior
from freegvc.priors.latent import Frames
from freegvc.priors.tiled import TiledPrior
from freegvc.priors.tiles import TileGrid, plan_tiles, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from freegvc.priors import Prior

NUM_FRAMES = 9
LARGE = (1080, 1920)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--measure", choices=("one tile", "tiled"), help=argparse.SUPPRESS)


def records(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The record of one tile and of many; none from the process that measures one of them."""
    if options.measure:
        print(json.dumps(measure(load_prior(str(options.model)), options.measure == "tiled")))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or _write_tiny(Path(folder))
        rows = [_in_process(model, name) for name in ("one tile", "tiled")]
    print(json.dumps(rows, indent=1))
    name = options.model.name if options.model else "tiny CogVideoX, random"
    yield {"settings": {"model": name}, "rows": rows}


def measure(prior: Prior, is_tiled: bool) -> dict[str, Any]:
    """Peak of each stage in MiB above the loaded model, seconds, and seams of the decoded ramp."""
    assert prior.defaults.native_size is not None
    height, width = LARGE if is_tiled else prior.defaults.native_size
    tile = plan_tiles(prior.latent, prior.defaults.native_size, height, width)
    tiled = TiledPrior(prior, tile) if tile else prior
    first_frames = _keep_first_frames(prior)
    base = resident_mib()
    frames = ramp(NUM_FRAMES, height, width)
    peaks, seconds = {}, {}

    def stage(name: str, run: Callable[[], Any]) -> Any:
        restart_peak()
        start = time.perf_counter()
        result = run()
        seconds[name] = round(time.perf_counter() - start, 1)
        peaks[name] = peak_mib() - base
        return result

    latent = stage("encode", lambda: tiled.encode_frames(frames))
    stage("predict", lambda: tiled.predict_x0(latent, prior.schedule.start // 2, ()))
    stage("decode", lambda: tiled.decode_latent(latent, height, width))
    result = {
        "size": [height, width, NUM_FRAMES],
        "model_mib": base,
        "peak_mib": max(peaks.values()),
        "peaks_mib": peaks,
        "seconds": seconds,
    }
    if tile:
        grid = TileGrid.covering(latent.shape[2], latent.shape[3], tile)
        result |= measure_seams(first_frames, grid, prior.latent.spatial_stride)
    return result


def measure_seams(first_frames: list[Frames], grid: TileGrid, d: int) -> dict[str, Any]:
    """What is left of the differences between neighbouring tiles, in grey levels."""
    height, width = grid.tile_height * d, grid.tile_width * d
    tiles = dict(zip(grid.corners, (f.astype(float) for f in first_frames), strict=True))
    seams: list[dict[str, float]] = []
    for row in grid.rows:
        line = [tiles[row, column] for column in grid.columns]
        seams += _seams(line, [column * d for column in grid.columns], width)
    for column in grid.columns:
        line = [tiles[row, column].swapaxes(0, 1) for row in grid.rows]
        seams += _seams(line, [row * d for row in grid.rows], height)
    worst = {name: round(max(seam[name] for seam in seams), 4) for name in seams[0]}
    return {"tiles": len(tiles), "seams": worst}


def ramp(num_frames: int, height: int, width: int) -> Frames:
    """Grey levels that rise slowly to the right and downwards; uint8 [T, H, W, 3]."""
    levels = 64 + 64 * np.linspace(0, 1, height)[:, None] + 64 * np.linspace(0, 1, width)
    picture = np.rint(levels).astype(np.uint8)[None, :, :, None]
    return np.repeat(np.repeat(picture, 3, axis=3), num_frames, axis=0)


def _seams(tiles: list[Any], starts: list[int], size: int) -> list[dict[str, float]]:
    """Seams between neighbours in a line of tiles, each [along the seam, across it, 3]."""
    window = windows(starts, size).astype(float)
    seams = []
    for k, stride in enumerate(np.diff(starts)):
        difference = tiles[k + 1][:, : size - stride] - tiles[k][:, stride:]
        # the next tile begins at the first column of the overlap, this one ends at its last
        ends = ((difference[:, 0], window[k + 1][0]), (difference[:, -1], window[k][-1]))
        steepest = np.abs(np.diff(window[k + 1][: size - stride])).max()
        seams.append(
            {
                "without_window": max(np.abs(end.mean(axis=0)).max() for end, _ in ends),
                "edge": max(np.abs(end.mean(axis=0)).max() * factor for end, factor in ends),
                "edge_pixel": max(np.abs(end).max() * factor for end, factor in ends),
                "slope": np.abs(difference.mean(axis=(0, 1))).max() * steepest,
            }
        )
    return seams


def _keep_first_frames(prior: Prior) -> list[Frames]:
    """The first frame of everything that the prior decodes from now on."""
    kept, decode = [], prior.decode_latent

    def decode_and_keep(latent: Tensor, height: int, width: int) -> Frames:
        frames = decode(latent, height, width)
        kept.append(frames[0].copy())
        return frames

    vars(prior)["decode_latent"] = decode_and_keep
    return kept


def _write_tiny(folder: Path) -> Path:
    from tests.priors.tiny_checkpoints import write_cogvideox

    return write_cogvideox(folder)


def _in_process(model: Path, name: str) -> Any:
    command = [sys.executable, "-m", "benchmarks", "tiles", str(model), "--measure", name]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


EXPERIMENT = Measurement(__doc__, add_arguments, records)
