"""How drafts become packets of one rate, on walks whose bits and losses have formulas."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from freegvc._bitstream.header import StreamParameters
from freegvc._control.even_rate import EvenRateController
from freegvc._control.finished_gop import FinishedGop
from freegvc._control.rate import RateController
from freegvc._control.surrogate import RatePoint
from freegvc._control.targets import Rate
from freegvc._video import Gop
from freegvc.errors import TargetError
from freegvc.events import GopDone
from freegvc.metrics import as_metric
from tests.control.walks import GRID, FakeWalk

HEAD_BYTES = 70


class Draft(FakeWalk):
    """A walk with a packet; `hardness` scales its loss at any number of bits."""

    def __init__(self, gop, hardness, timesteps=(1000,)):
        super().__init__(surprise=1.01)
        self.gop, self.hardness, self.timesteps = gop, hardness, list(timesteps)
        self.model_calls = 0

    def fork(self, num_steps):
        return Draft(self.gop, self.hardness, self.timesteps[: num_steps + 1])

    @property
    def drift_samples(self):
        return [None, *(bytes([self.gop] * 8) for _ in self.timesteps[1:])]

    def packet(self):
        return bytes(self.bits[-1] // 8)


class FakeGops:
    """Stands for `GopEncoder`."""

    def __init__(self, hardnesses, num_frames):
        self.hardnesses, self.num_frames = hardnesses, num_frames
        self.parameters = StreamParameters(
            width=64,
            height=32,
            frame_rate=Fraction(25),
            gop_length=8,
            overlap=0,
            gammas=(),
            prior="formulas",
            fingerprint=bytes(8),
            start_timestep=1000,
            silent_steps=1,
        )
        self.prior = SimpleNamespace(device="cpu")
        self.end_frame = 0
        self.frame_seconds = Fraction(1, 25)
        self.heard = []
        self.on_event = self.heard.append
        self.walks = []

    def start(self, gop, progress):
        self.end_frame = gop.first_frame + len(gop.frames)
        assert 0.0 <= progress(Draft(gop.index, 1.0)) <= 1.0
        self.walks.append(Draft(gop.index, self.hardnesses[gop.index]))
        return self.walks[-1]

    def finish(self, walk):
        packet = walk.packet()
        done = GopDone(walk.gop, walk.timestep, walk.num_steps, len(packet), None)
        return FinishedGop(packet=packet, done=done)

    def num_gops(self, num_frames):
        return -(-num_frames // 8)

    def file_size(self):
        return lambda sizes: HEAD_BYTES + sum(sizes)

    def grid(self):
        return GRID

    def seconds(self):
        return {}


class ByLength:
    """Packets are cut by their length."""

    def _cut(self, gop, num_steps):
        return bytes(int(self._drafts[gop].option.bits[num_steps]) // 8)


class LevelController(ByLength, RateController):
    pass


class EvenController(ByLength, EvenRateController):
    """Without pictures: points come from a formula."""

    def _scorer(self, gop):
        return None

    def _point(self, walk, num_steps, scorer):
        bits = walk.bits[num_steps]
        return RatePoint(bits, walk.hardness * bits**-0.4)


def code(hardnesses, num_bytes, gops=None, even="psnr"):
    """The packets of GOPs of 8 frames, and what they were made with."""
    frames = np.zeros((8, 2, 2, 3), np.uint8)
    gops = gops or FakeGops(hardnesses, 8 * len(hardnesses))
    target = Rate(num_bytes=num_bytes, even=even)
    controller = (
        LevelController(target, gops)
        if even is None
        else EvenController(target, as_metric(even), gops)
    )
    for index in range(len(hardnesses)):
        controller.add(Gop(index, 8 * index, frames, 8, is_last=index == len(hardnesses) - 1))
    return controller.finish(), gops


@pytest.mark.parametrize("even", [None, "psnr"])
@pytest.mark.parametrize("num_bytes", [2_000, 10_000, 50_000])
def test_the_file_takes_the_budget_and_not_more(num_bytes, even):
    packets, gops = code([1.0, 1.0, 1.0, 1.0], num_bytes, even=even)
    total = HEAD_BYTES + sum(map(len, packets))
    assert 0.96 * num_bytes <= total <= num_bytes
    done = [event for event in gops.heard if isinstance(event, GopDone)]
    assert [event.num_bytes for event in done] == [len(packet) for packet in packets]
    assert [event.gop for event in done] == [0, 1, 2, 3]


def test_a_harder_gop_gets_more_bytes_wherever_it_stands():
    for hardest in range(4):
        hardnesses = [1.0] * 4
        hardnesses[hardest] = 2.0
        packets, _ = code(hardnesses, 20_000)
        sizes = [len(packet) for packet in packets]
        assert max(range(4), key=sizes.__getitem__) == hardest


def test_no_walk_goes_far_beyond_what_its_gop_gets():
    packets, gops = code([1.0] * 5, 20_000)
    for walk, packet in zip(gops.walks, packets, strict=True):
        assert walk.bits[-1] / 8 <= 4.2 * len(packet)


def test_a_hard_gop_is_walked_at_most_two_and_a_half_times_an_equal_part():
    _, gops = code([0.2, 5.0, 0.2, 0.2], 20_000)
    part_bits = 8 * 20_000 / 4
    hard = gops.walks[1]
    assert 2 * part_bits < hard.bits[-1]
    assert hard.bits[-2] < 2.5 * part_bits  # the last step may go beyond


def test_a_budget_below_the_empty_packets_is_refused_before_any_step():
    gops = FakeGops([1.0, 1.0], 16)
    with pytest.raises(TargetError, match="before a single step"):
        code([1.0, 1.0], 150, gops)
    assert [walk.num_extends for walk in gops.walks] == [0]


def test_a_single_gop_is_walked_into_the_budget():
    packets, gops = code([1.0], 5_000)
    assert 0.96 * 5_000 <= HEAD_BYTES + len(packets[0]) <= 5_000
    assert gops.walks[0].timestep < 1000


def test_at_one_level_walks_go_little_further_than_they_are_used():
    packets, gops = code([1.0] * 8, 20_000, even=None)
    for walk, packet in zip(gops.walks[:-1], packets[:-1], strict=True):
        assert len(packet) * 8 in walk.bits
        assert walk.num_steps - walk.bits.index(len(packet) * 8) <= 1
