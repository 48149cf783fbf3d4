"""Warnings point at the line that called freegvc, from any depth."""

import inspect
import warnings

import numpy as np
import pytest

import freegvc
from freegvc import Score, Settings
from freegvc.errors import DriftWarning, InputWarning, TargetWarning
from freegvc.priors.analytic import AnalyticPrior


class Drifting(AnalyticPrior):
    """Its predictions are off by a constant."""

    def predict_x0(self, z, timestep, side):
        return super().predict_x0(z, timestep, side) + 0.1


def here(offset):
    """File and line of the caller, some lines further on."""
    frame = inspect.currentframe().f_back
    return frame.f_code.co_filename, frame.f_lineno + offset


def places(caught):
    return [(warning.filename, warning.lineno) for warning in caught]


@pytest.fixture
def stream(scene):
    settings = Settings(gop_length=6, overlap=2)
    return freegvc.compress(scene(10, 48, 64), stop_step=775, prior="analytic", settings=settings)


def test_a_missed_target_and_drift_point_at_the_user(scene, stream):
    line = here(2)
    with pytest.warns(TargetWarning) as caught:
        freegvc.compress(scene(4, 48, 64), Score("psnr", 80.0), prior="analytic")
    assert places(caught) == [line]
    line = here(2)
    with pytest.warns(DriftWarning) as caught:
        freegvc.decompress(stream, prior=Drifting())
    assert places(caught) == [line]
    line = here(2)
    with pytest.warns(DriftWarning) as caught:
        list(freegvc.decode_frames(stream, prior=Drifting()))
    assert places(caught) == [line]


def test_a_rate_of_a_sweep_points_at_the_user(stream):
    line = here(2)
    with pytest.warns(TargetWarning) as caught:
        freegvc.sweep(stream, rates=[1e-3, 0.02, 5.0])
    assert places(caught) == [line, line]


def test_damage_that_a_with_block_meets_points_at_the_user(tmp_path):
    path = tmp_path / "half.y4m"
    freegvc.Video.from_array(np.zeros((3, 16, 16, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-9])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = here(1)
        with freegvc.open_video(path) as opened:
            list(opened)
    assert line in places(w for w in caught if w.category is InputWarning)
