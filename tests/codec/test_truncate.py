"""CompressedVideo.truncate: each kind of target, and values that mean nothing."""

import math
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from freegvc import CompressedVideo
from freegvc._bitstream import truncate_stream, write_stream
from freegvc.errors import TargetError, UsageError

GOLDEN = Path(__file__).parents[1] / "golden" / "trellis.fgvc"


@pytest.fixture(scope="module")
def whole():
    return CompressedVideo.open(GOLDEN)


def test_all_rates_are_the_same_number_of_bytes(whole):
    h = whole.header
    limit = (whole.num_bytes - whole.audio_bytes) * 2 // 3
    cut = whole.truncate(num_bytes=limit)
    allowed = limit + whole.audio_bytes
    assert cut.data == write_stream(truncate_stream(whole.stream, max_bytes=allowed))
    assert cut.num_bytes <= allowed < whole.num_bytes
    exact = limit + 0.5  # half a byte more, so that rounding does not matter
    bpp = 8 * exact / (h.num_frames * h.width * h.height)
    kbps = 8 * exact / 1000 / float(h.num_frames / h.frame_rate)
    assert whole.truncate(bpp=bpp).data == whole.truncate(kbps=kbps).data == cut.data


def test_a_stop_step(whole):
    stop = sorted({gop.stop_step for gop in whole.gops})[-1] + 1
    cut = whole.truncate(stop_step=stop)
    assert cut.num_bytes < whole.num_bytes
    assert all(gop.stop_step >= stop for gop in cut.gops)
    assert whole.truncate(stop_step=0).data == whole.data


def test_the_stream_itself_stays_as_it_was(whole):
    before = bytes(whole.data)
    whole.truncate(num_bytes=whole.num_bytes - 1)
    assert whole.data == before


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "give one of stop_step, bpp, kbps and num_bytes, not none"),
        ({"bpp": 0.1, "kbps": 3}, "not bpp and kbps"),
        ({"bpp": 0.0}, "bpp is 0.0, but must be above 0"),
        ({"kbps": -1}, "kbps is -1"),
        ({"kbps": math.inf}, "kbps is inf"),
        ({"bpp": math.nan}, "bpp is nan"),
        ({"num_bytes": -5}, "num_bytes is -5"),
        ({"stop_step": -1}, "stop step is -1"),
    ],
)
def test_values_are_checked(whole, targets, message):
    with pytest.raises(UsageError, match=message):
        whole.truncate(**targets)


@pytest.mark.parametrize("name", ["trellis", "pfr", "freegvc-small"])
def test_the_rate_of_a_stream_is_enough_for_it(name):
    whole = CompressedVideo.open(GOLDEN.with_name(f"{name}.fgvc"))
    kbps = 8 * (whole.num_bytes - whole.audio_bytes) / 1000 / whole.duration_seconds
    assert whole.truncate(bpp=whole.bpp).data == whole.data
    assert whole.truncate(kbps=kbps * (1 + 1e-15)).data == whole.data
    assert whole.truncate(bpp=1e308).data == whole.data


@given(share=st.floats(0.2, 1.2))
def test_a_rate_in_bpp_is_never_exceeded_and_a_cut_is_stable(whole, share):
    bpp = share * whole.bpp
    try:
        cut = whole.truncate(bpp=bpp)
    except TargetError:
        assume(False)
    assert cut.bpp <= bpp
    assert cut.truncate(bpp=cut.bpp).data == cut.data == whole.truncate(bpp=cut.bpp).data


@pytest.mark.parametrize("unit", ["bpp", "kbps", "num_bytes"])
def test_the_smallest_size_is_named_in_the_unit_of_the_target(whole, unit):
    with pytest.raises(TargetError, match=f"{unit} is 1e-05, but the stream takes") as error:
        whole.truncate(**{unit: 1e-5})
    needed = float(str(error.value).rpartition(" ")[2])
    empty = whole.truncate(**{unit: needed})
    assert not any(gop.num_steps for gop in empty.gops)
    with pytest.raises(TargetError):
        whole.truncate(**{unit: 0.99 * needed})
