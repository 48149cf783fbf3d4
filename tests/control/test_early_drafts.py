"""Drafts made before those ahead of them are known become what they would have been after them."""

import numpy as np
import pytest

from freegvc import Rate, Settings, Video, load_prior
from freegvc._codec.coding import prepare
from freegvc._control import rate
from freegvc._video import cut_gops, open_video
from freegvc.events import ignore

SETTINGS = Settings(gop_length=4, overlap=1, coder="pfr", effort="fast", first_step=1.0, growth=1.5)
BPP = 0.3


@pytest.fixture(scope="module")
def gops():
    """Six GOPs whose bits differ a lot."""
    rng = np.random.default_rng(0)
    t, y, x = np.mgrid[0:19, 0:32, 0:48]
    waves = [np.sin((x * (c + 1) + 2 * y + 4 * t) / 12 + c) for c in range(3)]
    noise = np.where(np.arange(19) // 5 % 2, 20, 2)[:, None, None, None]
    frames = 128 + 60 * np.stack(waves, -1) + rng.normal(size=(19, 32, 48, 3)) * noise
    return list(cut_gops(open_video(frames.clip(0, 255).round().astype(np.uint8)), 4, 1))


def controller(gops):
    """A new one, for the video of these GOPs."""
    height, width = gops[0].frames.shape[1:3]
    video = Video.from_array(np.zeros((19, height, width, 3), np.uint8), 25)
    source = open_video(video)
    made = prepare(source, Rate(bpp=BPP), SETTINGS, load_prior("analytic"), None, None, ignore)
    return made.controller


@pytest.fixture(scope="module")
def in_turn(gops):
    """Each GOP as it is drafted after all before it, and what was known before it."""
    one = controller(gops)
    known, finished = [], []
    for gop in gops[:-1]:
        known.append(one.foresight())
        finished.append(one.add(gop))
    return known, finished


def driver(gops, finished, count):
    """A controller that knows the first GOPs."""
    made = controller(gops)
    for k in range(count):
        made.restore(gops[k], finished[k])
    return made


@pytest.mark.parametrize(("gop", "num_known"), [(1, 0), (2, 0), (2, 1), (4, 2), (4, 4)])
def test_an_early_draft_settles_to_the_one_made_in_turn(gops, in_turn, gop, num_known):
    known, finished = in_turn
    early = controller(gops).add_early(gops[gop], known[num_known])
    settled = driver(gops, finished, gop).settle(gops[gop], early)
    assert settled is not None
    assert early.done.num_steps >= settled.done.num_steps
    assert settled.packet == finished[gop].packet
    for name, values in finished[gop].state.items():
        assert list(settled.state[name]) == list(values), name
    assert settled.done.stop_step == finished[gop].done.stop_step


def test_one_that_is_too_short_is_refused(gops, in_turn, monkeypatch):
    known, finished = in_turn
    monkeypatch.setattr(rate, "EARLY_SPARE", 0.2)
    early = controller(gops).add_early(gops[2], known[1])
    assert driver(gops, finished, 2).settle(gops[2], early) is None
