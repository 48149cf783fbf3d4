"""The whole codec under every family of models, on tiny random checkpoints in the real layout."""

import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

import freegvc
from freegvc._bitstream import read_stream
from freegvc._channel.trellis.coder import TrellisCoder
from freegvc.errors import PriorMismatchError, PriorUnavailableError, UsageError
from freegvc.metrics import psnr
from freegvc.testing import check_prior
from tests.codec.coding import compress
from tests.priors.tiny_checkpoints import WRITERS

SHARDED = ("cogvideox", "wan2.1", "ltx")  # the others keep their weights in one file
LENGTH, HEIGHT, WIDTH = 33, 50, 70
GOPS = {(4, False): (16, 4), (4, True): (17, 5), (8, True): (25, 9)}  # by stride and is_causal


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    top = tmp_path_factory.mktemp("models")
    return {name: write(top / name, sharded=name in SHARDED) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def coder():
    return TrellisCoder(log2_states=8)  # the fastest; decoders need not know


@pytest.fixture(scope="module")
def streams(folders, coder, scene, tmp_path_factory):
    """A stream of two GOPs for each family, and what this process decodes from it."""
    top = tmp_path_factory.mktemp("streams")
    made = {}
    for name, folder in folders.items():
        prior = freegvc.load_prior(str(folder))
        length, overlap = GOPS[prior.latent.temporal_stride, prior.latent.is_causal]
        compressed = compress(
            scene(LENGTH, HEIGHT, WIDTH),
            prior=prior,
            coder=coder,
            stop_step=prior.schedule.noisiest_with(0.3),
            gop_length=length,
            overlap=overlap,
            silent_steps=3,
        )
        assert compressed.header.num_gops >= 2
        path = compressed.save(top / f"{name}.fgvc")
        made[name] = path, freegvc.decompress(path, prior=prior).frames
    return made


def test_a_fresh_process_decodes_every_family_bit_for_bit(folders, streams, tmp_path):
    """One process for all of them: to import diffusers takes longer than to decode."""
    code = (
        "import sys, numpy, freegvc\n"
        "for i in range(1, len(sys.argv), 3):\n"
        "    stream, folder, out = sys.argv[i : i + 3]\n"
        "    numpy.save(out, freegvc.decompress(stream, prior=folder).frames)\n"
    )
    arguments = [
        str(part)
        for name, (path, _) in streams.items()
        for part in (path, folders[name], tmp_path / f"{name}.npy")
    ]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    for name, (_, frames) in streams.items():
        assert frames.shape == (LENGTH, HEIGHT, WIDTH, 3), name
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), frames), name


@pytest.mark.parametrize("name", WRITERS)
def test_a_bfloat16_decoder_reads_the_same_and_drifts_a_little(name, folders, streams):
    """Law 1: another dtype, attention kernel and batch changes the picture, never the parse."""
    path, frames = streams[name]
    other = freegvc.load_prior(str(folders[name]), dtype="bfloat16", attention="math")
    other.batch_tiles = 3
    drifts = []

    def on_event(event):
        drifts.append(getattr(event, "drift_sigma", None))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", freegvc.DriftWarning)
        drifted = freegvc.decompress(path, prior=other, on_event=on_event).frames
    drifts = [drift for drift in drifts if drift is not None]
    assert len(drifts) == read_stream(path.read_bytes()).header.num_gops
    assert max(drifts) < 0.5  # a drift below 1/16 sigma may not show at all
    assert not np.array_equal(frames, drifted)
    assert psnr(frames, drifted).mean() > 35.0


@pytest.mark.parametrize("name", WRITERS)
def test_every_family_keeps_the_promises_of_a_prior(name, folders):
    check_prior(freegvc.load_prior(str(folders[name])), sizes=((1, 32, 48), (9, 50, 70)))


@pytest.mark.parametrize("num_frames", [1, 2, 8, 9, 17])
@pytest.mark.parametrize("name", ["cogvideox", "wan2.1", "ltx"])
def test_no_frame_is_lost(name, num_frames, folders, coder, scene):
    prior = freegvc.load_prior(str(folders[name]))
    frames = scene(num_frames, 33, 47)
    stream = compress(frames, prior=prior, coder=coder, stop_step=900, silent_steps=1)
    assert freegvc.decompress(stream, prior=prior).frames.shape == frames.shape


def test_frames_above_the_native_size_are_cut_into_tiles(folders, coder, scene):
    prior = freegvc.load_prior(str(folders["wan2.1"]))
    prior.defaults = replace(prior.defaults, native_size=(48, 64))
    frames = scene(5, 80, 112)
    stream = compress(frames, prior=prior, coder=coder, stop_step=700, silent_steps=2)
    assert stream.header.tile == (6, 8, 2)
    decoded = freegvc.decompress(stream, prior=prior).frames
    prior.batch_tiles = 4
    batched = freegvc.decompress(stream, prior=prior).frames
    assert psnr(decoded, batched).min() > 50.0
    assert decoded.shape == frames.shape


def test_a_folder_has_to_be_named_when_decoding(streams, folders):
    path, _ = streams["wan2.1"]
    with pytest.raises(PriorUnavailableError, match=r"family of models.*--prior FOLDER"):
        freegvc.decompress(path)
    with pytest.raises(PriorMismatchError) as error:
        freegvc.decompress(path, prior=folders["skyreels"])
    here = freegvc.load_prior(str(folders["skyreels"])).fingerprint.hex()
    there = freegvc.load_prior(str(folders["wan2.1"])).fingerprint.hex()
    assert here in str(error.value)
    assert there in str(error.value)


def test_a_prompt_travels_in_the_stream(folders, coder, scene):
    folder = str(folders["cogvideox"])
    frames = scene(8, 32, 48)
    options = {"coder": coder, "stop_step": 800, "silent_steps": 1}
    prior = freegvc.load_prior(folder, prompt="a dog in the rain")
    stream = compress(frames, prior=prior, **options)
    without = compress(frames, prior=folder, **options)
    assert stream.prompt == "a dog in the rain"
    assert stream.header.fingerprint != without.header.fingerprint
    decoded = freegvc.decompress(stream.data, prior=folder).frames
    assert np.array_equal(decoded, freegvc.decompress(stream, prior=prior).frames)
    with pytest.raises(PriorMismatchError):
        freegvc.decompress(stream, prior=freegvc.load_prior(folder))


def test_a_device_for_a_loaded_prior_is_refused(folders, scene):
    prior = freegvc.load_prior(str(folders["ltx"]))
    with pytest.raises(UsageError, match=r"device='cpu'.*load_prior"):
        compress(scene(1, 32, 32), prior=prior, device="cpu")


def test_storage_is_part_of_the_stream(folders, coder, scene):
    """int8 weights are a named arithmetic: the decoder loads them in the same way by default."""
    folder = str(folders["cogvideox"])
    prior = freegvc.load_prior(folder, dtype="bfloat16-fp8")
    stream = compress(scene(8, 32, 48), prior=prior, coder=coder, stop_step=800)
    assert stream.header.numerics == "bfloat16-fp8"
    drifts = []
    freegvc.decompress(
        stream, prior=folder, on_event=lambda e: drifts.append(getattr(e, "drift_sigma", None))
    )
    assert [drift for drift in drifts if drift is not None] == [0.0]
    assert torch.get_default_dtype() == torch.float32
