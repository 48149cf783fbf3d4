"""The search for a quality, driven by curves instead of walks."""

import math
import random
import statistics

from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._control.search import (
    AtBits,
    AtLimit,
    AtTimestep,
    Goal,
    History,
    next_bits,
    search,
)
from freegvc._control.surrogate import RatePoint

START = 1000


class Gop:
    """loss = floor + a R^b with noise; bits grow as the timestep falls, up to an end."""

    def __init__(self, a=10.0, b=-0.35, floor=0.0, noise=0.0, most=1e7, scale=1.0, grain=1):
        self.a, self.b, self.floor, self.noise, self.most = a, b, floor, noise, most
        self.scale, self.grain = scale, grain
        self.asked = []

    def bits_at(self, timestep):
        return self.scale * 30.0 * (START - timestep) ** 1.5

    def loss(self, bits):
        jitter = random.Random(round(bits)).uniform(-1, 1) * self.noise
        return max(self.floor + self.a * bits**self.b + jitter, 0.0)

    def answer(self, request):
        self.asked.append(request)
        if isinstance(request, AtLimit):
            return RatePoint(0.0, self.floor)
        wanted = request.bits if isinstance(request, AtBits) else self.bits_at(request.timestep)
        bits = max(min(round(wanted / self.grain) * self.grain, self.most), 1.0)
        return RatePoint(bits, self.loss(bits))

    def timestep_of(self, bits):
        return START - round((bits / self.scale / 30.0) ** (1 / 1.5))


def around(wanted, tolerance=0.005):
    return Goal(wanted, max(wanted - tolerance, 0.0), wanted + tolerance)


def drive(gop, goal, history=None, max_probes=12, first_bits=5000.0):
    """The result, the points that it saw, and the history for the next GOP."""
    gop.asked.clear()
    searching = search(goal, first_bits=first_bits, max_probes=max_probes, history=history)
    points, answer = [], None
    while True:
        try:
            request = next(searching) if answer is None else searching.send(answer)
        except StopIteration as done:
            found = done.value
            break
        answer = gop.answer(request)
        if not isinstance(request, AtLimit):
            points.append(answer)
    best = points[found.best]
    at = gop.timestep_of(best.bits)
    after = History(tuple(points), best, at, found.floor, found.reached)
    assert len(gop.asked) <= max_probes
    return found, points, after


@settings(deadline=None)  # scipy is imported on the way
@given(
    a=st.floats(2.0, 60.0),
    b=st.floats(-0.8, -0.15),
    floor=st.floats(0.0, 0.2),
    wanted=st.floats(0.05, 0.8),
    noise=st.floats(0.0, 0.002),
)
def test_what_can_be_reached_is_reached(a, b, floor, wanted, noise):
    gop = Gop(a, b, floor, noise)
    if not gop.loss(gop.most) + 0.01 < wanted < gop.loss(200.0):
        return
    found, points, _ = drive(gop, around(wanted))
    assert found.reached
    assert abs(points[found.best].loss - wanted) <= 0.005


def test_seven_probes_without_history_and_three_with_it():
    """A video of 40 GOPs whose content changes by tens of percent from one to the next."""
    dice = random.Random(5)
    alone, taught = [], []
    for wanted in (0.15, 0.3, 0.5):
        history, a, scale = None, 20.0, 1.0
        for _ in range(40):
            a *= math.exp(dice.gauss(0.0, 0.1))
            scale *= math.exp(dice.gauss(0.0, 0.15))
            b = -0.4 + dice.gauss(0.0, 0.03)
            gop = Gop(a, b, floor=0.05, noise=0.001, scale=scale, most=1e9)
            found, _, after = drive(gop, around(wanted), history)
            assert found.reached
            if history:
                taught.append(len(gop.asked))
            history = after
            found, _, _ = drive(gop, around(wanted))
            assert found.reached
            alone.append(len(gop.asked))
    assert statistics.mean(taught) <= 3
    assert statistics.mean(alone) <= 7
    assert max(alone + taught) <= 12


def test_the_next_gop_begins_where_the_last_one_stopped():
    _, _, history = drive(Gop(), around(0.3))
    gop = Gop()
    found, points, _ = drive(gop, around(0.3), history)
    assert gop.asked == [AtTimestep(history.timestep)]
    assert found.reached
    assert len(points) == 1
    # a GOP of another size and quality, on a curve of the same exponent: its second probe hits
    drive(Gop(a=13.0, scale=1.7), around(0.3, 0.02), history)
    moved = Gop(a=13.0, scale=1.7)
    found, points, _ = drive(moved, around(0.3, 0.005), history)
    assert found.reached
    assert len(points) == 2


def test_samples_do_not_go_far_beyond_the_goal():
    for wanted in (0.1, 0.3, 0.6):
        gop = Gop()
        _, points, _ = drive(gop, around(wanted), first_bits=50.0)
        needed = ((wanted - 0.005) / gop.a) ** (1 / gop.b)
        assert max(p.bits for p in points) <= 4.1 * needed


def test_a_goal_beyond_the_limit_ends_near_the_limit_and_is_not_reached():
    gop = Gop(a=20.0, b=-0.6, floor=0.3, most=1e9)
    found, points, history = drive(gop, around(0.1))
    assert not found.reached
    assert AtLimit() in gop.asked
    assert 0.3 <= points[found.best].loss <= 0.31
    # what is within the tolerance of the limit is near enough: no bits are spent beyond
    assert points[found.best].bits <= 3 * (0.01 / 20.0) ** (1 / -0.6)
    again, points, _ = drive(gop, around(0.1), history)
    assert not again.reached
    assert 0.3 <= points[again.best].loss <= 0.31
    assert len(points) <= 3


def test_a_goal_just_above_the_limit_is_reached():
    gop = Gop(a=20.0, b=-0.6, floor=0.3, most=1e9)
    for wanted in (0.297, 0.3, 0.302):
        found, points, _ = drive(gop, around(wanted))
        assert found.reached
        assert abs(points[found.best].loss - wanted) <= 0.005


def test_a_walk_that_ends_too_soon_stops_at_its_end():
    gop = Gop(most=20_000.0)
    found, points, _ = drive(gop, around(0.05))
    assert not found.reached
    assert points[found.best].bits == 20_000.0
    assert len(gop.asked) <= 6


def test_a_goal_that_no_bits_already_surpass_stops_at_the_start():
    gop = Gop(a=0.2, b=-0.01)
    found, points, _ = drive(gop, around(0.9))
    assert not found.reached
    assert points[found.best].bits == min(p.bits for p in points)


def test_a_coarse_walk_stops_at_the_nearest_of_its_states():
    gop = Gop(grain=4000)
    found, points, _ = drive(gop, around(0.25, 0.0001))
    assert not found.reached
    needed = (0.25 / gop.a) ** (1 / gop.b)
    assert abs(points[found.best].bits - needed) <= 4000


@settings(deadline=None)
@given(
    st.lists(st.builds(RatePoint, st.floats(1.0, 1e6), st.floats(0.0, 1.0)), min_size=1, max_size=8)
)
def test_guesses_stay_where_something_can_be_found(points):
    """However little the points make sense, the next guess is inside the bracket or nearby."""
    goal = around(0.5)
    if any(goal.holds(p.loss) for p in points):
        return
    bits = next_bits(goal, points)
    short = max((p.bits for p in points if p.loss > 0.5), default=None)
    if bits is None:
        return
    if short is None:
        assert bits <= min(p.bits for p in points)
    else:
        assert short < bits <= 4 * max(p.bits for p in points)


def test_noise_that_breaks_the_order_does_not_break_the_search():
    for seed in range(20):
        gop = Gop(a=10 + seed, noise=0.02)
        found, points, _ = drive(gop, around(0.3))
        assert abs(points[found.best].loss - 0.3) <= (0.005 if found.reached else 0.03)
