"""Header fields that an output cannot hold end in a typed error, not in PyAV's or a KeyError."""

from dataclasses import replace
from fractions import Fraction

import pytest

import freegvc
from freegvc._bitstream import Timestamps, write_stream
from freegvc._cli.main import main

MOST = (1 << 32) - 1


@pytest.fixture(scope="module")
def coded(scene):
    return freegvc.compress(scene(3, 16, 16), stop_step=950, prior="analytic").stream


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("output", ["out.mkv", "out.mp4", "out.y4m", "out"])
@pytest.mark.parametrize(
    ("fields", "stamps"),
    [
        ({"frame_rate": Fraction(MOST)}, None),
        ({"frame_rate": Fraction(1, MOST)}, None),
        ({"frame_rate": Fraction(MOST, MOST - 2)}, None),
        ({"pixel_aspect": Fraction(MOST)}, None),
        ({"pixel_aspect": Fraction(MOST, MOST - 1)}, None),
        ({"colour": (200, 201, 202, True)}, None),
        ({"colour": (14, 255, 255, False)}, None),
        ({"colour": (0, 1, 1, False)}, None),
        ({}, Timestamps((0, 1, 1 << 53), Fraction(MOST))),
        ({}, Timestamps((-5, 1, 3), Fraction(1, 90))),
        ({}, Timestamps((0, 1, 1 << 53), Fraction(1, MOST))),
    ],
)
def test_extremes_of_what_the_output_is_told(coded, fields, stamps, output, tmp_path):
    path = tmp_path / "hostile.fgvc"
    header = replace(coded.header, **fields)
    path.write_bytes(write_stream(replace(coded, header=header, timestamps=stamps)))
    assert main(["decompress", str(path), str(tmp_path / output)]) in (0, 2)
