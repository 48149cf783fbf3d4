"""Fits of the laws that tie a score to a rate."""

import json

import numpy as np
import pytest

from benchmarks.experiments.laws import fitted, r_squared
from benchmarks.record import RESULTS


@pytest.mark.parametrize("exponent", [-0.3, -0.7, -1.5])
@pytest.mark.parametrize("floor", [0.05, 0.12, 0.4])
def test_a_power_law_above_a_floor_is_found(exponent, floor):
    rates = np.geomspace(0.002, 0.06, 9)
    scores = floor + 0.1 * (rates / 0.01) ** exponent
    points = list(zip(rates, scores, strict=True))
    assert r_squared("power and floor", points) > 0.999
    between = np.array([0.005, 0.02])
    wanted = floor + 0.1 * (between / 0.01) ** exponent
    assert fitted("power and floor", points)(between) == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("folder", ["", "freegvc-small"])
def test_a_floor_never_fits_worse_than_none(folder):
    for row in json.loads((RESULTS / folder / "laws.json").read_text())["rows"]:
        power, with_floor = (r_squared(law, row["points"]) for law in ("power", "power and floor"))
        assert with_floor >= power - 1e-3, row["clip"]
