"""Tiles are the header's: a decoder that loads the plain prior cuts the same ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import freegvc
from freegvc._bitstream import write_stream
from freegvc._codec.decoder import decode_gop
from freegvc._diffusion import NoiseSchedule
from freegvc.errors import CorruptStreamError, UsageError
from freegvc.priors import LatentSpec, Prior, PriorDefaults
from freegvc.priors.tiled import TiledPrior
from tests.codec.coding import compress


class MeanPrior(Prior):
    """Means of 8x8 pixels; its prediction leans towards the mean of all that it sees."""

    name = "mean-test-double"
    latent = LatentSpec(channels=3, temporal_stride=1, spatial_stride=8)
    schedule = NoiseSchedule.flow_matching(1000)
    defaults = PriorDefaults(silent_steps=2)
    device = torch.device("cpu")
    dtype = torch.float32
    fingerprint = b"12345678"

    def predict_x0(self, z, timestep, side):
        level = self.schedule.level(timestep)
        x0 = z * level.alpha / (level.alpha**2 + level.sigma**2)
        return 0.8 * x0 + 0.2 * x0.mean(dim=(2, 3), keepdim=True)

    def encode_frames(self, frames):
        padded = torch.from_numpy(self.latent.pad(frames)).float().permute(3, 0, 1, 2) / 127.5 - 1
        return torch.nn.functional.avg_pool2d(padded, 8)

    def decode_latent(self, latent, height, width):
        grey = ((latent + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 3, 0)
        return grey.numpy().repeat(8, 1).repeat(8, 2)[:, :height, :width]


@pytest.fixture
def tiled(scene):
    return compress(
        scene(5, 64, 96),
        stop_step=500,
        prior=TiledPrior(MeanPrior(), (4, 6, 2)),
        gop_length=4,
        overlap=2,
    )


def test_a_plain_prior_decodes_with_the_streams_tiles(tiled):
    assert tiled.header.tile == (4, 6, 2)
    mine = TiledPrior(MeanPrior(), (4, 6, 2))
    expected = freegvc.decompress(tiled, prior=mine).frames
    for other in (MeanPrior(), TiledPrior(MeanPrior(), (8, 8, 4))):
        assert np.array_equal(freegvc.decompress(tiled, prior=other).frames, expected)
        assert torch.equal(decode_gop(tiled, other, 1), decode_gop(tiled, mine, 1))


def test_too_many_tiles_are_refused(tiled, scene):
    header = replace(tiled.header, width=2048, height=2048, tile=(4, 4, 3))
    hostile = freegvc.CompressedVideo(write_stream(replace(tiled.stream, header=header)))
    with pytest.raises(CorruptStreamError, match="2048x2048 would be cut into 64009 tiles of 4x4"):
        freegvc.decompress(hostile, prior=MeanPrior(), allow_large=True)
    with pytest.raises(UsageError, match="the limit is 4096"):
        compress(scene(1, 528, 528), stop_step=500, prior=TiledPrior(MeanPrior(), (2, 2, 1)))


def test_tiles_matter_and_an_untiled_stream_has_none(tiled):
    header = replace(tiled.header, tile=(0, 0, 0))
    whole = freegvc.CompressedVideo(write_stream(replace(tiled.stream, header=header)))
    frames = freegvc.decompress(whole, prior=TiledPrior(MeanPrior(), (4, 6, 2))).frames
    assert np.array_equal(freegvc.decompress(whole, prior=MeanPrior()).frames, frames)
    assert not np.array_equal(freegvc.decompress(tiled, prior=MeanPrior()).frames, frames)
