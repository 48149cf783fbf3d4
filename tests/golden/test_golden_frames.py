"""Streams that an earlier commit wrote with the two built-in priors keep their pictures.

`decoded.npz` holds the means of 8x8 pixels of the frames, in sixteenths of a grey level: other
processors and thread counts differ by less than that. Commit 5f2871f decoded those of the analytic
prior; those of freegvc-small are of the commit that trained its encoder and decoder together.
"""

import numpy as np
import pytest
from golden_streams import FOLDER

import freegvc


@pytest.mark.parametrize("prior", ["analytic", "freegvc-small"])
def test_old_streams_decode_to_the_same_frames(prior):
    frames = freegvc.decompress(FOLDER / f"{prior}.fgvc").frames.astype(np.float64)
    t, height, width, _ = frames.shape
    means = frames.reshape(t, height // 8, 8, width // 8, 8, 3).mean((2, 4))
    with np.load(FOLDER / "decoded.npz") as expected:
        assert np.abs(means - expected[prior] / 16.0).max() < 0.5
