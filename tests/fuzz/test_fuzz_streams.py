"""Hostile streams through everything that reads them: typed errors, bounded time and memory.

`pytest -m slow tests/fuzz` sends 20,000 through the parsers and 500 through a whole decode, half of
them of each of two priors. More of them, or others:

    FREEGVC_FUZZ_RUNS=100000 FREEGVC_FUZZ_SEED=1 pytest -n 0 -m slow tests/fuzz
"""

import os
import resource
import runpy
import time
import warnings
from pathlib import Path

import pytest

import freegvc
from freegvc._cli.pages import stream_page
from freegvc.errors import FreeGvcError, FreeGvcWarning, StreamError, TargetError
from freegvc.priors import load_prior
from tests.attacks.attack_files import varint
from tests.fuzz.streams import Maker

SEED = int(os.environ.get("FREEGVC_FUZZ_SEED", "0"))
RUNS = int(os.environ.get("FREEGVC_FUZZ_RUNS", "10000"))
DECODES = int(os.environ.get("FREEGVC_FUZZ_DECODES", "250"))
MAX_SECONDS, MAX_MEMORY_BYTES = 2.0, 512 << 20
# of a decode, on top: a tenth of what docs/format.md says of a prior that is slower than both here
SECONDS_PER_BYTE = 0.01
WHOLE_SIZE = 32, 48


@pytest.fixture(scope="module", params=["analytic", "field"])
def corpus(request, scene):
    """A prior, the fields of a header of it, and payloads of both coders."""
    return make_corpus(request.param, scene)


def make_prior(name):
    """A prior with side information, and one without, which takes tiles and any GOP."""
    if name == "analytic":
        return load_prior(name)
    path = Path(__file__).parents[2] / "examples" / "custom_prior.py"
    return runpy.run_path(str(path))["load"]()


def make_corpus(name, scene):
    height, width = WHOLE_SIZE
    prior, payloads = make_prior(name), []
    for coder in ("pfr", "trellis"):
        settings = freegvc.Settings(gop_length=4, overlap=0, coder=coder)
        coded = freegvc.compress(
            scene(8, height, width), stop_step=700, prior=prior, settings=settings
        )
        payloads.append([data[:-4] for data in coded.stream.packets])
    fields = {
        "width": varint(width),
        "height": varint(height),
        "frames": varint(8),
        "frame_rate": varint(24) + varint(1),
        "modes": b"\0",
        "options": b"\0",
        "more": b"",
        "unusual": b"",
        "gop_length": varint(4),
        "overlap": varint(0),
        "fusion": varint(0),
        "prior": varint(len(name)) + name.encode(),
        "fingerprint": prior.fingerprint,
        "start_timestep": varint(coded.header.start_timestep),
        "silent_rule": varint(2 * 1),
        "key": varint(0),
    }
    return prior, fields, payloads


class Budget:
    """Time of the processor in one run, and what it adds to the peak of memory."""

    def __init__(self, seed, max_seconds=MAX_SECONDS):
        self._seed, self._max_seconds = seed, max_seconds

    def __enter__(self):
        self._began = time.process_time()
        self._peak = _peak_bytes()

    def __exit__(self, kind, error, trace):
        seconds = time.process_time() - self._began
        memory = _peak_bytes() - self._peak
        assert seconds < self._max_seconds, f"seed {self._seed} took {seconds:.1f} s"
        assert memory < MAX_MEMORY_BYTES, f"seed {self._seed} took {memory >> 20} MB"


def _peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read(data):
    """What info, verify and truncate do."""
    opened = freegvc.CompressedVideo(data)
    stream_page("hostile", opened)
    opened.truncate(stop_step=opened.header.start_timestep // 2)
    opened.truncate(num_bytes=len(data))
    return opened


def fuzz_parser(corpus, first, runs):
    """How many of so many streams were read without an error."""
    num_read = 0
    for seed in range(first, first + runs):
        data = Maker(seed, *corpus[1:])()
        with Budget(seed):
            try:
                read(data)
                num_read += 1
            except (StreamError, TargetError):  # the latter where no step is left to drop
                pass
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
    return num_read


def fuzz_decoder(corpus, first, runs):
    num_decoded, (prior, fields, payloads) = 0, corpus
    for seed in range(first, first + runs):
        data = Maker(seed, fields, payloads, is_gentle=True)()
        with Budget(seed, MAX_SECONDS + SECONDS_PER_BYTE * len(data)), warnings.catch_warnings():
            warnings.simplefilter("ignore", FreeGvcWarning)
            try:
                freegvc.decompress(data, prior=prior)
                num_decoded += 1
            except FreeGvcError:
                pass
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
    return num_decoded


@pytest.mark.parametrize("runs", [300, pytest.param(RUNS, marks=pytest.mark.slow)])
def test_parsers(corpus, runs):
    assert fuzz_parser(corpus, SEED, runs) > runs // 20


@pytest.mark.parametrize("runs", [20, pytest.param(DECODES, marks=pytest.mark.slow)])
def test_a_whole_decode(corpus, runs):
    assert fuzz_decoder(corpus, SEED, runs) >= runs // 10
