"""Hostile streams through everything that reads them: typed errors, bounded time and memory.

`pytest -m slow tests/fuzz` runs 20,000 through the parsers and 500 through a whole decode. For
more, or another start:

    FREEGVC_FUZZ_RUNS=100000 FREEGVC_FUZZ_SEED=1 pytest -n 0 -m slow tests/fuzz
"""

import os
import resource
import time
import warnings

import pytest

import freegvc
from freegvc._bitstream import write_stream
from freegvc._cli.pages import stream_page
from freegvc.errors import FreeGvcError, FreeGvcWarning, StreamError, TargetError
from tests.attacks.attack_files import varint
from tests.fuzz.streams import Maker

SEED = int(os.environ.get("FREEGVC_FUZZ_SEED", "0"))
RUNS = int(os.environ.get("FREEGVC_FUZZ_RUNS", "20000"))
DECODES = int(os.environ.get("FREEGVC_FUZZ_DECODES", "500"))
MAX_SECONDS, MAX_MEMORY_BYTES = 2.0, 512 << 20
WHOLE_SIZE = 32, 48


@pytest.fixture(scope="module")
def corpus(scene):
    """Fields of a header of the analytic prior, and payloads of both coders."""
    height, width = WHOLE_SIZE
    payloads = []
    for coder in ("pfr", "trellis"):
        settings = freegvc.Settings(gop_length=4, overlap=2, coder=coder)
        coded = freegvc.compress(
            scene(6, height, width), stop_step=700, prior="analytic", settings=settings
        )
        payloads += [data[:-4] for data in coded.stream.packets]
    header = coded.header
    assert write_stream(coded.stream) == coded.data
    fields = {
        "width": varint(width),
        "height": varint(height),
        "frames": varint(6),
        "frame_rate": varint(24) + varint(1),
        "modes": b"\0",
        "options": b"\0",
        "unusual": b"",
        "gop_length": varint(4),
        "overlap": varint(2),
        "fusion": varint(1) + b"\x40",
        "prior": varint(8) + b"analytic",
        "fingerprint": header.fingerprint,
        "start_timestep": varint(header.start_timestep),
        "silent_steps": varint(1),
        "key": varint(0),
    }
    return fields, payloads


class Budget:
    """Time of the processor in one run, and what it adds to the peak of memory."""

    def __init__(self, seed):
        self._seed = seed

    def __enter__(self):
        self._began = time.process_time()
        self._peak = _peak_bytes()

    def __exit__(self, kind, error, trace):
        seconds = time.process_time() - self._began
        memory = _peak_bytes() - self._peak
        assert seconds < MAX_SECONDS, f"seed {self._seed} took {seconds:.1f} s"
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
        data = Maker(seed, *corpus)()
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
    num_decoded = 0
    for seed in range(first, first + runs):
        data = Maker(seed, *corpus)()
        with Budget(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore", FreeGvcWarning)
            try:
                freegvc.decompress(data)
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
    assert fuzz_decoder(corpus, SEED, runs) >= runs // 50
