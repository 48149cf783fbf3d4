"""Where tiles lie on the latent grid, and the windows under which they are merged.

The geometry is in integers, so that encoder and decoder cut alike; only the windows are floats.

All windows are Gaussians of one sigma, normalised to add up to 1. The log-ratio of two Gaussians
whose centres are `stride` apart is linear in the position; across the tiles' overlap it goes from
-overlap * stride / (2 sigma^2) to the opposite. A tile's weight is therefore a logistic curve, and
at the tile's border it jumps from 0 to about exp(-overlap * stride / (2 sigma^2)). With

    sigma^2 = overlap * stride / 12

the jump is e^-6: 0.25 % of the difference between the tiles, for every overlap. If the overlap is
a quarter of the tile, sigma is an eighth of the tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from freegvc.priors.latent import LatentSpec

Tile = tuple[int, int, int]  # height, width, overlap in latent samples
Windows = npt.NDArray[np.float32]

OVERLAP_PARTS = 4  # the overlap is a quarter of the tile's smaller side
# A side up to a fifth above the native one is not cut: two tiles of 720 pixels over 832 would
# overlap by 84 % and take twice the calls. The positions of all families, sinusoidal or rotary, are
# defined for any grid. What a larger one costs was not measured with pretrained weights.
_MOST_OVER_NATIVE = 6, 5


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Tiles of one shape that cover a latent.

    Attributes:
        tile_height, tile_width: shape of every tile, in latent samples.
        rows, columns: first rows and first columns of the tiles; each pair of them is a tile. Both
            begin at 0, and the last tile ends where the latent does.
    """

    tile_height: int
    tile_width: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def covering(cls, height: int, width: int, tile: Tile) -> TileGrid:
        """The fewest tiles that cover height x width samples, evenly spaced.

        Args:
            height, width: size of the latent in samples.
            tile: height and width of a tile, at most those of the latent, and the least overlap
                of neighbouring tiles.
        """
        tile_height, tile_width, overlap = tile
        return cls(
            min(tile_height, height),
            min(tile_width, width),
            _starts(height, tile_height, overlap),
            _starts(width, tile_width, overlap),
        )

    @property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """First row and column of each tile, row by row."""
        return tuple((row, column) for row in self.rows for column in self.columns)


def plan_tiles(
    spec: LatentSpec, native_size: tuple[int, int] | None, height: int, width: int
) -> Tile | None:
    """The tiles that frames are cut into by default.

    Args:
        spec: geometry of the latent.
        native_size: height and width in pixels. A side up to a fifth above is not cut; None never
            cuts.
        height, width: of the frames, in pixels.

    Returns:
        In latent samples: height and width of a tile, and as overlap a quarter of the smaller one.
        Where a side is cut, the tile's is the largest that the model takes within `native_size`.
        None if the frames fit uncut.
    """
    if native_size is None:
        return None
    most, over = _MOST_OVER_NATIVE
    multiple = spec.pixel_multiple or spec.spatial_stride
    sides = []
    padded = spec.padded_size(height, width)
    for size, native in zip(padded, native_size, strict=True):
        fits = over * size <= most * native
        sides.append(max(size, native // multiple * multiple) if fits else native)
    if all(size <= side for size, side in zip(padded, sides, strict=True)):
        return None
    tile_height, tile_width = (
        max(side // multiple, 1) * multiple // spec.spatial_stride for side in sides
    )
    return tile_height, tile_width, -(-min(tile_height, tile_width) // OVERLAP_PARTS)


def vae_tiles(spec: LatentSpec, size: tuple[int, int], tile: Tile | None, pieces: int) -> Tile:
    """Tiles for the VAE alone, which cut each side of what it takes whole into `pieces`.

    Args:
        spec: geometry of the latent.
        size: height and width of the frames in pixels.
        tile: the tiles in which the model and the VAE run otherwise; None if they take the frame.
        pieces: at least 1.

    Returns:
        In latent samples: height and width, the least that the model's padding allows, and as
        overlap a quarter of the smaller one.
    """
    sides = spec.shape(1, *size)[2:]
    if tile is not None:
        sides = min(sides[0], tile[0]), min(sides[1], tile[1])
    step = max(spec.pixel_multiple // spec.spatial_stride, 1)

    def overlap_of(side: int) -> int:
        return min(max(side // OVERLAP_PARTS, 1), side - 1)

    short = step
    while pieces * short - (pieces - 1) * overlap_of(short) < min(sides):
        short += step
    overlap = overlap_of(short)
    height, width = (
        -(-(side + (pieces - 1) * overlap) // (pieces * step)) * step for side in sides
    )
    return max(height, short), max(width, short), overlap


def windows(starts: Sequence[int], tile: int) -> Windows:
    """Windows of the tiles along one axis; at every sample they add up to 1.

    Args:
        starts: first sample of each tile, increasing from 0, without gaps between the tiles.
        tile: length of every tile in samples.

    Returns:
        float32 [number of tiles, tile].
    """
    if len(starts) == 1:
        return np.ones((1, tile), dtype=np.float32)
    stride = max(after - before for before, after in pairwise(starts))
    variance = max(tile - stride, 1) * stride / 12
    # relative to the largest at each sample, because far from all centres the Gaussians underflow
    logs = -((np.arange(tile) - (tile - 1) / 2) ** 2) / (2 * variance)
    covers = [slice(start, start + tile) for start in starts]
    largest = np.full(starts[-1] + tile, -np.inf)
    for cover in covers:
        largest[cover] = np.maximum(largest[cover], logs)
    total = np.zeros_like(largest)
    for cover in covers:
        total[cover] += np.exp(logs - largest[cover])
    normalised = [np.exp(logs - largest[cover]) / total[cover] for cover in covers]
    return np.array(normalised, dtype=np.float32)


def _starts(size: int, tile: int, overlap: int) -> tuple[int, ...]:
    """First samples of tiles that cover 0 .. size - 1 and overlap by at least `overlap`."""
    last = max(size - tile, 0)
    strides = -(-last // (tile - overlap))
    return tuple(last * i // strides for i in range(strides + 1)) if strides else (0,)
