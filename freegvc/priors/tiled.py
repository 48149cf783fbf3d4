"""TiledPrior: run a prior on frames larger than it was made for, in the memory of one tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError
from freegvc.priors.base import Distance, Prior
from freegvc.priors.latent import Frames
from freegvc.priors.memory import fitting_batch
from freegvc.priors.tiles import Tile, TileGrid, windows

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def _of_wrapped(name: str) -> Any:
    """An attribute of the wrapped prior, read at each access."""
    return property(lambda self: getattr(self.wrapped, name))


class TiledPrior(Prior):
    """A prior that runs on overlapping tiles and returns whole latents and whole frames.

    The tiles are merged under Gaussian windows: predictions and encoded latents sample by sample,
    decoded frames pixel by pixel. Frames that fit into one tile go to the wrapped prior unchanged.
    All attributes of `Prior` are those of the wrapped prior.

    Args:
        wrapped: a prior without side information.
        tile: height, width and least overlap of the tiles, in latent samples; None for predictions
            of the whole latent.
        vae_tile: the same for encoding and decoding, where the VAE needs other tiles; None: `tile`.

    Raises:
        UsageError: the prior has side information, or tiles of this shape do not fit the model.
    """

    numerics = _of_wrapped("numerics")
    fingerprint = _of_wrapped("fingerprint")

    def __init__(self, wrapped: Prior, tile: Tile | None, vae_tile: Tile | None = None) -> None:
        for each in (tile, vae_tile):
            if each is not None:
                _check_tile(wrapped, each)
        self.wrapped = wrapped
        self.tile = tile
        self.vae_tile = vae_tile
        self._batches: dict[Sequence[int], int] = {}

    def predict_x0(self, z: Tensor, timestep: int, side: tuple[int, ...]) -> Tensor:
        import torch

        grid = _grid(z.shape, self.tile)
        if len(grid.corners) == 1:
            return self.wrapped.predict_x0(z, timestep, side)

        def predictions() -> Iterator[Tensor]:
            batch = self.batch_tiles or self._batch(z.shape, grid)
            for first in range(0, len(grid.corners), batch):
                corners = grid.corners[first : first + batch]
                tiles = torch.stack([_cut(z, grid, *corner) for corner in corners])
                yield from self.wrapped.predict_tiles(tiles, timestep)

        return _merge(predictions(), grid, tuple(z.shape), z.device)

    def encode_frames(self, frames: Frames) -> Tensor:
        shape = self.latent.shape(*frames.shape[:3])
        grid = _grid(shape, self.vae_tile or self.tile)
        if len(grid.corners) == 1:
            return self.wrapped.encode_frames(frames)
        d = self.latent.spatial_stride
        height, width = grid.tile_height * d, grid.tile_width * d

        def latents() -> Iterator[Tensor]:
            for row, column in grid.corners:
                # at the border the slice may be shorter than a tile; the prior pads it
                top, left = row * d, column * d
                yield self.wrapped.encode_frames(frames[:, top : top + height, left : left + width])

        return _merge(latents(), grid, shape, self.device)

    def tuned(self, latent: Tensor, frames: Frames, distance: Distance) -> Tensor:
        return self.wrapped.tuned(latent, frames, distance)

    def decode_latent(self, latent: Tensor, height: int, width: int) -> Frames:
        grid = _grid(latent.shape, self.vae_tile or self.tile)
        if len(grid.corners) == 1:
            return self.wrapped.decode_latent(latent, height, width)
        d = self.latent.spatial_stride
        tile_height, tile_width = grid.tile_height * d, grid.tile_width * d
        tops = [row * d for row in grid.rows]
        lefts = [column * d for column in grid.columns]
        across, down = windows(lefts, tile_width), windows(tops, tile_height)
        ends = [*tops[1:], tops[-1] + tile_height]  # the rows above are final
        frames: Frames = np.empty(0, np.uint8)
        strip: npt.NDArray[np.float32] = np.empty(0, np.float32)
        for row, top, end, vertical in zip(grid.rows, tops, ends, down, strict=True):
            for column, left, horizontal in zip(grid.columns, lefts, across, strict=True):
                tile = self.wrapped.decode_latent(
                    _cut(latent, grid, row, column), tile_height, tile_width
                )
                if not frames.size:
                    num_frames = len(tile)
                    frames = np.empty((num_frames, height, width, 3), np.uint8)
                    strip = np.zeros((num_frames, tile_height, lefts[-1] + tile_width, 3), "f4")
                window = vertical[:, None, None] * horizontal[:, None]
                for t, pixels in enumerate(tile):
                    strip[t, :, left : left + tile_width] += window * pixels
            _finish(strip, end - top, frames[:, top:end])
        return frames

    def _batch(self, shape: Sequence[int], grid: TileGrid) -> int:
        """How many tiles of a latent to predict at once; stays the same for a shape."""
        if shape not in self._batches:
            self._batches[shape] = fitting_batch(self.wrapped, shape[1], grid)
        return self._batches[shape]


for _name in Prior.__annotations__:  # all of them, so that no default of the base shows through
    setattr(TiledPrior, _name, _of_wrapped(_name))


def _check_tile(prior: Prior, tile: Tile) -> None:
    height, width, overlap = tile
    spec = prior.latent
    multiple = max(spec.pixel_multiple // spec.spatial_stride, 1)
    if min(height, width) < 1 or height % multiple or width % multiple:
        raise UsageError(
            f"tiles are {height}x{width} latent samples, but prior {prior.name!r} needs "
            f"positive multiples of {multiple}"
        )
    if not 0 <= overlap < min(height, width):
        raise UsageError(
            f"tiles of {height}x{width} latent samples overlap by {overlap}; it must be in "
            f"0..{min(height, width) - 1}: choose larger tiles"
        )
    if prior.side_count(spec.shape(1, height * multiple, width * multiple)):
        raise UsageError(
            f"prior {prior.name!r} sends side information for each GOP, which cannot be cut "
            "into tiles; use it untiled"
        )


def _grid(shape: Sequence[int], tile: Tile | None) -> TileGrid:
    height, width = shape[-2:]
    return TileGrid.covering(height, width, tile or (height, width, 0))


def _cut(latent: Tensor, grid: TileGrid, row: int, column: int) -> Tensor:
    return latent[..., row : row + grid.tile_height, column : column + grid.tile_width]


def _merge(
    tiles: Iterator[Tensor],
    grid: TileGrid,
    shape: tuple[int, ...],
    device: torch.device,
) -> Tensor:
    """Sum of tiles [C, T', tile_height, tile_width] under their windows, float32 of `shape`."""
    import torch

    down = torch.from_numpy(windows(grid.rows, grid.tile_height)).to(device)
    across = torch.from_numpy(windows(grid.columns, grid.tile_width)).to(device)
    weights = (row[:, None] * column for row in down for column in across)
    merged = torch.zeros(shape, device=device)
    for corner, weight, tile in zip(grid.corners, weights, tiles, strict=True):
        _cut(merged, grid, *corner).add_(tile * weight)
    return merged


def _finish(strip: npt.NDArray[np.float32], num_rows: int, frames: npt.NDArray[np.uint8]) -> None:
    """Round the first rows of a strip of sums into the picture and move the other rows up.

    Works in place and frame by frame: a temporary copy of the whole strip would double its memory.

    Args:
        strip: [T, tile height, padded width, 3] sums of weighted grey levels.
        num_rows: how many rows are final.
        frames: uint8 [T, up to num_rows, width, 3], the rows of the picture to fill.
    """
    _, height, width, _ = frames.shape
    for sums, picture in zip(strip, frames, strict=True):
        picture[:] = np.rint(sums[:height, :width])
        sums[: len(sums) - num_rows] = sums[num_rows:]
        sums[len(sums) - num_rows :] = 0
