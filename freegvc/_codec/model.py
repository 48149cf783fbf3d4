"""The prior that codes a video: loaded, checked against the stream, and cut into tiles."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc._bitstream.header import UNTILED
from freegvc._codec.limits import check_tiles
from freegvc.errors import CorruptStreamError, PriorMismatchError, UsageError

if TYPE_CHECKING:
    from freegvc._bitstream import Header
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.priors import Prior
    from freegvc.priors.tiled import TiledPrior
    from freegvc.priors.tiles import Tile, TileGrid

# of a frame, each a call of the model at every step: 16384 x 16384 in 480p is 1058
MAX_TILES = 4096


def prior_to_encode(
    prior: str | PathLike[str] | Prior,
    device: str | None,
    *,
    height: int,
    width: int,
    gop_length: int | None = None,
) -> Prior:
    """The prior for a video of this size, tiled if it is larger than the model was made for.

    Args:
        prior, device: as for `compress`.
        height, width: in pixels.
        gop_length: frames of a GOP, by which the VAE's tiles are chosen; None: the prior's own.

    Raises:
        PriorError: the prior cannot be loaded.
        UsageError: a device for a prior that is loaded already, or too many tiles.
    """
    from freegvc.priors import load_prior
    from freegvc.priors.memory import choose_vae_tile
    from freegvc.priors.tiled import TiledPrior
    from freegvc.priors.tiles import plan_tiles

    model = (
        load_prior(prior, device=device or "cpu")
        if isinstance(prior, str | PathLike)
        else _loaded(prior, device)
    )
    if not isinstance(model, TiledPrior):
        num_frames = gop_length or model.defaults.gop_length
        tile = plan_tiles(model.latent, model.defaults.native_size, height, width)
        vae_tile = choose_vae_tile(model, num_frames, (height, width), tile)
        model = TiledPrior(model, tile, vae_tile) if tile or vae_tile else model
    if isinstance(model, TiledPrior):
        _check_tiles(model, height, width)
    return model


def prior_to_decode(
    stream: CompressedVideo,
    prior: str | PathLike[str] | Prior | None,
    device: str | None,
    *,
    allow_large: bool = False,
    frames: range | None = None,
) -> Prior:
    """The prior of a stream, with its tiles.

    Args:
        stream: its header gives what the other arguments leave open.
        prior, device, allow_large: as for `decompress`.
        frames: which ones will be decoded; None for all.

    Raises:
        PriorError: the prior cannot be loaded, or is not the encoder's.
        CorruptStreamError: the model does not take the header's tiles, GOPs or timesteps.
        LargeStreamError: the tiles are too small, or overlap too much.
        UsageError: a device for a prior that is loaded already.
    """
    header = stream.header
    model = (
        load_prior_of(stream, prior, device=device)
        if prior is None or isinstance(prior, str | PathLike)
        else _loaded(prior, device)
    )
    if model.fingerprint != header.fingerprint:
        where = model.former.get(header.fingerprint)
        raise PriorMismatchError(
            f"the stream was written with prior {header.prior!r}, fingerprint "
            f"{header.fingerprint.hex()}, but {model.name!r} here has fingerprint "
            f"{model.fingerprint.hex()}; decode with "
            + (where or "the encoder's weights, prompt and release")
        )
    model = with_tiles_of(header, model)
    _check_geometry(header, model)
    if not allow_large:
        check_tiled_work(stream, model, frames)
    return model


def load_prior_of(
    stream: CompressedVideo, name: str | PathLike[str] | None = None, **options: Any
) -> Prior:
    """Load the prior that a stream names, or another one that the user names.

    Args:
        stream: states the arithmetic, the attention kernel and the prompt of its encoder.
        name: what `load_prior` takes instead of the stream's name, such as the folder of a model.
            Only a user may name a folder.
        **options: keywords of `load_prior`; those of the stream apply where they are None or
            left out.

    Raises:
        PriorError: the prior cannot be loaded.
    """
    from freegvc.priors import load_prior
    from freegvc.priors.loading import load_prior_by_name

    header = stream.header
    stated = {"dtype": header.numerics, "attention": header.attention}
    said = {option: value for option, value in options.items() if value is not None}
    chosen = {"prompt": stream.prompt or "", **stated, **said}
    if name is None:
        return load_prior_by_name(header.prior, **chosen)
    return load_prior(name, **chosen)


def with_tiles_of(header: Header, prior: Prior) -> Prior:
    """The prior with the header's tiles in place of its own.

    The VAE's tiles are those of the header too, unless the prior was loaded with other ones.

    Raises:
        CorruptStreamError: the model does not take the header's tiles, or they are too many.
    """
    from freegvc.priors.memory import choose_vae_tile
    from freegvc.priors.tiled import TiledPrior

    whole = prior.wrapped if isinstance(prior, TiledPrior) else prior
    tile = None if header.tile == UNTILED else header.tile
    vae_tile = None if header.vae_tile == UNTILED else header.vae_tile
    if whole.vae_tiles == "off":
        vae_tile = None
    elif whole.vae_tiles == "on" and vae_tile is None:
        size = header.height, header.width
        vae_tile = choose_vae_tile(whole, header.gop_length, size, tile)
    if tile is None and vae_tile is None:
        return whole
    try:
        tiled = TiledPrior(whole, tile, vae_tile)
        _check_tiles(tiled, header.height, header.width)
    except UsageError as error:
        raise CorruptStreamError(f"the stream's tiles do not fit its prior: {error}") from error
    return tiled


def _check_tiles(prior: TiledPrior, height: int, width: int) -> None:
    """Refuse what would take days, such as tiles of one sample."""
    for tile, grid in _grids(prior, height, width):
        if len(grid.corners) > MAX_TILES:
            raise UsageError(
                f"frames of {width}x{height} would be cut into {len(grid.corners)} tiles of "
                f"{tile[1]}x{tile[0]} latent samples; the limit is {MAX_TILES}: take larger ones"
            )


def check_tiled_work(stream: CompressedVideo, prior: Prior, frames: range | None = None) -> None:
    """Refuse a stream whose tiles make the model work more than its bytes justify.

    Raises:
        LargeStreamError: as for `freegvc._codec.limits.check_tiles`.
    """
    from freegvc.priors.tiled import TiledPrior

    if isinstance(prior, TiledPrior):
        for _, grid in _grids(prior, stream.header.height, stream.header.width):
            check_tiles(stream, grid, prior.latent.spatial_stride, frames)


def _grids(prior: TiledPrior, height: int, width: int) -> Iterator[tuple[Tile, TileGrid]]:
    """The tiles of the model and those of its VAE, as far as there are any."""
    from freegvc.priors.tiles import TileGrid

    _, _, rows, columns = prior.latent.shape(1, height, width)
    for tile in (prior.tile, prior.vae_tile):
        if tile is not None:
            yield tile, TileGrid.covering(rows, columns, tile)


def _check_geometry(header: Header, prior: Prior) -> None:
    """Refuse what no encoder with this prior writes, before anything is decoded."""
    from freegvc._trajectory.chain import num_known

    if header.start_timestep != prior.schedule.start:
        raise CorruptStreamError(
            f"the stream starts at timestep {header.start_timestep}, but prior {prior.name!r} at "
            f"{prior.schedule.start}; get the file again"
        )
    stride, plan = prior.latent.temporal_stride, header.plan
    if plan.num_gops == 1:
        return
    # without an overlap GOPs may have any length, which is padded to whole latents
    are_padded = not header.overlap and plan.usual_advance % stride
    advances = (plan.usual_advance, plan.advance(plan.num_gops - 2))
    for advance in () if are_padded else advances:
        if advance % stride:
            raise CorruptStreamError(
                f"GOPs of {header.gop_length} frames follow each other after {advance}, but prior "
                f"{prior.name!r} needs a multiple of {stride}; get the file again"
            )
    if header.chain and not num_known(prior.latent, header.overlap):
        raise CorruptStreamError(
            f"GOPs are chained by {header.overlap} frames, less than a latent of {stride}; get the "
            "file again"
        )
    count = prior.latent.overlap(header.gop_length, header.overlap).count
    if len(header.gammas) not in (0, 1, count):
        raise CorruptStreamError(
            f"the stream has {len(header.gammas)} gammas for an overlap of {count} latents; there "
            "must be one, or one for each; get the file again"
        )


def _loaded(prior: Prior, device: str | None) -> Prior:
    """A loaded prior, which stays where it is."""
    from freegvc.priors import Prior

    if not isinstance(prior, Prior):
        raise UsageError(f"prior is {prior!r}, but must be a name, a folder or a loaded prior")
    if device is not None:
        raise UsageError(
            f"device={device!r} was given with prior {prior.name!r}, which is loaded already: give "
            "it to load_prior"
        )
    return prior
