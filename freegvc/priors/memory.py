"""What is chosen by the free memory of a GPU: the VAE's tiles, and how many tiles at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from freegvc.errors import UsageError
from freegvc.priors.tiles import Tile, TileGrid, vae_tiles

if TYPE_CHECKING:
    import torch

    from freegvc.priors.base import Prior

VAE_TILES = ("auto", "on", "off")
MOST_PIECES = 4  # of a side; with more, most of the work is overlap
USABLE = 0.9  # of the free memory: estimates, and how well torch fills it, are not exact


def check_memory_options(vae_tiles: str, batch_tiles: int | None) -> None:
    """Refuse unknown values.

    Raises:
        UsageError: `vae_tiles` is not one of `VAE_TILES`, or `batch_tiles` is below 1.
    """
    if vae_tiles not in VAE_TILES:
        raise UsageError(f"vae_tiles is {vae_tiles!r}; it must be one of {', '.join(VAE_TILES)}")
    if batch_tiles is not None and batch_tiles < 1:
        raise UsageError(f"batch_tiles is {batch_tiles}; it must be at least 1")


def free_bytes(device: torch.device) -> int | None:
    """What can still be allocated on a GPU, torch's own cache included; None on other devices."""
    if device.type != "cuda":
        return None
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + cached)


def choose_vae_tile(
    prior: Prior, num_frames: int, size: tuple[int, int], tile: Tile | None
) -> Tile | None:
    """The tiles of the VAE by the prior's `vae_tiles` and the free memory.

    Args:
        prior: not tiled.
        num_frames: of a GOP.
        size: height and width of the frames in pixels.
        tile: the tiles in which model and VAE run otherwise; None if they take the whole frame.

    Returns:
        The largest that fit; None if the VAE needs no tiles of its own.
    """
    if prior.vae_tiles == "off":
        return None
    free = free_bytes(prior.device)
    fewest = 2 if prior.vae_tiles == "on" else 1
    stride = prior.latent.spatial_stride
    for pieces in range(fewest, MOST_PIECES + 1):
        found = vae_tiles(prior.latent, size, tile, pieces)
        stages = prior.stage_bytes(num_frames, found[0] * stride, found[1] * stride)
        if free is None or stages is None:  # nothing to choose by
            break
        if max(stages.encode, stages.decode) <= USABLE * free:
            break
    sides = prior.latent.shape(1, *size)[2:]
    is_cut = pieces > 1 and (found[0] < sides[0] or found[1] < sides[1])
    return found if is_cut else None


def fitting_batch(prior: Prior, num_latents: int, grid: TileGrid) -> int:
    """How many tiles of a latent fit into the free memory of a GPU at once; 1 elsewhere.

    Args:
        prior: not tiled.
        num_latents: T' of the latent.
        grid: its tiles.

    Returns:
        At least 1. All batches of a latent are about equally large.
    """
    free = free_bytes(prior.device)
    spec, num_tiles = prior.latent, len(grid.corners)
    stages = prior.stage_bytes(
        num_latents * spec.temporal_stride,
        grid.tile_height * spec.spatial_stride,
        grid.tile_width * spec.spatial_stride,
    )
    if free is None or stages is None:
        return 1
    most = max(int(USABLE * free) // max(stages.forward, 1), 1)
    num_batches = -(-num_tiles // most)
    return -(-num_tiles // num_batches)
