"""Decompression on workers: the frames of one process, in order."""

import os
import signal
from fractions import Fraction

import numpy as np
import pytest

import freegvc
from benchmarks.codecs.freegvc_codec import FreeGvcCodec
from freegvc import GopDecoded, Settings, cluster
from freegvc.errors import PriorUnavailableError, StreamError, UsageError

pytestmark = pytest.mark.xdist_group("ray")

QUICK = {"coder": "pfr", "effort": "fast", "first_step": 1.0, "growth": 1.5}
KINDS = {
    "gops": ("analytic", Settings(gop_length=4, overlap=1, **QUICK)),
    "chain": ("analytic", Settings(gop_length=8, overlap=2, chain=True, **QUICK)),
    # each GOP is decoded with the last latent of the one before
    "context": ("freegvc-small", Settings(gop_length=8, overlap=0, **QUICK)),
}


@pytest.fixture(scope="module")
def streams(clip):
    return {
        name: freegvc.compress(clip, stop_step=850, prior=prior, settings=settings)
        for name, (prior, settings) in KINDS.items()
    }


@pytest.fixture
def stream(streams):
    return streams["gops"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_are_those_of_one_process(workers, one_thread, streams, kind):
    stream = streams[kind]
    said = {"here": [], "there": []}
    here = freegvc.decompress(stream, on_event=said["here"].append)
    there = cluster.decompress(stream, workers=workers, on_event=said["there"].append)
    assert np.array_equal(here.frames, there.frames)
    shown = [
        [
            (e.gop, e.first_frame, e.num_frames, e.drift_sigma)
            for e in events
            if hasattr(e, "drift_sigma")
        ]
        for events in said.values()
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == stream.header.num_gops


def test_a_reader_that_stops_early_leaves_the_workers_free(workers, stream):
    frames = cluster.decode_frames(stream, workers=workers)
    first = [next(frames) for _ in range(5)]
    frames.close()
    assert workers.num_calls == 0
    whole = cluster.decompress(stream, workers=workers).frames
    assert np.array_equal(whole[:5], first)


def test_a_worker_killed_while_it_decodes(workers, one_thread, stream):
    victim, killed = workers.pids()[0], []

    def kill(event):
        if isinstance(event, GopDecoded) and not killed:
            killed.append(os.kill(victim, signal.SIGKILL))

    here = freegvc.decompress(stream)
    there = cluster.decompress(stream, workers=workers, on_event=kill)
    assert np.array_equal(here.frames, there.frames)


def test_a_stream_is_scored(workers, one_thread, clip, stream):
    here = freegvc.score(clip, stream, metrics="psnr")
    there = cluster.score(clip, stream, workers=workers, metrics="psnr")
    assert there.per_frame == here.per_frame
    with pytest.raises(UsageError, match=r"no \.fgvc stream"):
        cluster.score(clip, clip, workers=workers)


def test_what_cannot_be_decoded_is_refused_at_the_call(workers, stream):
    with pytest.raises(StreamError):
        cluster.decode_frames(stream.data[:-2], workers=workers)
    with pytest.raises(PriorUnavailableError, match="nowhere"):
        cluster.decode_frames(stream, workers=workers, prior="nowhere")
    with pytest.raises(UsageError, match="prior_options"):
        cluster.decode_frames(stream, workers=workers, prior=freegvc.load_prior("analytic"))


def test_a_codec_of_the_benchmarks_makes_the_same_files_on_workers(
    workers, one_thread, clip, tmp_path
):
    decoded = []
    for folder, options in (("here", {}), ("there", {"workers": workers})):
        codec = FreeGvcCodec("analytic", (0.1, 0.3), gop_length=4, overlap=1, **QUICK, **options)
        codec.check()
        (tmp_path / folder).mkdir()
        files = codec.encode(clip.frames, Fraction(25), tmp_path / folder)
        decoded.append([(file.path.read_bytes(), codec.decode(file)) for file in files])
        assert files[-1].stages["walk"] > 0
    for (data, frames), (same, others) in zip(*decoded, strict=True):
        assert data == same
        assert np.array_equal(frames, others)
