"""python -m benchmarks gpu, with tiny models on the CPU: the same code at other sizes."""

import json

import pytest
import torch

from benchmarks import __main__
from benchmarks.doc_tables.gpu import gpu_channel, gpu_memory, gpu_runs
from benchmarks.gpu import command, measure
from benchmarks.gpu.random_models import FULL, TINY, write_model
from benchmarks.record import RESULTS
from freegvc._channel.pfr.coder import PfrCoder
from freegvc.errors import OutOfMemoryError
from freegvc.priors import load_prior


@pytest.fixture(autouse=True)
def fast_coder(monkeypatch):
    monkeypatch.setattr(measure.Settings, "channel_coder", lambda self, device: PfrCoder(10))


@pytest.mark.slow
def test_a_record_of_tiny_models(tmp_path, monkeypatch):
    options = ({"vae_tiles": "on"}, {"offload": "model"})
    monkeypatch.setattr(command, "OPTIONS", options)
    arguments = ("gpu", "--tiny", "--device", "cpu", "--bits", "1500", "--out", str(tmp_path))
    assert __main__.main(arguments) == 0
    record = json.loads((tmp_path / "gpu.json").read_text())
    assert record["settings"] == {"weights": "random", "tiny": True, "device": "cpu"}
    assert [row["log2_states"] for row in record["channel"]] == [12] * 4 + [14] * 4
    assert all(row["encode_ms"] > 0 < row["first_decode_ms"] for row in record["channel"])
    assert {"measured", "commit", "hardware", "versions"} < set(record)
    assert [(row["model"], row["options"]) for row in record["memory"]] == [
        (name, chosen) for name in TINY for chosen in options
    ]
    for row in record["memory"]:
        assert set(row["stages"]) == {"encode", "forward", "decode"}
        assert all(stage["seconds"] > 0 for stage in row["stages"].values())
    assert [row["model"] for row in record["runs"]] == list(TINY)
    for row in (*record["runs"], *record["speed"]):
        assert row["bits"] > 0
        assert row["encode_calls"] >= sum(row["steps"]) > 0
        assert row["decode_calls"] > sum(row["steps"])
        assert sum(row["decode_stages"].values()) <= row["decode_seconds"]
        assert sum(row["encode_stages"].values()) <= row["encode_seconds"]


@pytest.mark.parametrize("size", [*command.SIZES.values(), *command.SPEED_SIZES, (4, 32, 48)])
def test_frames_of_every_size_move(size):
    frames = measure.moving_frames(*size)
    assert frames.shape == (*size, 3)
    assert (frames[1, :-1, :-2] == frames[0, 1:, 2:]).all()


def test_the_committed_record_is_of_full_models_and_in_the_docs():
    record = json.loads((RESULTS / "gpu.json").read_text())
    assert record["settings"]["tiny"] is False
    peaks = {
        tuple(row["options"].values()): row["stages"]["decode"]["peak_mib"]
        for row in record["memory"]
        if row["model"] == "cogvideox-2b"
    }
    assert len(peaks) == len(command.OPTIONS)
    assert peaks["on",] < 11 * 1024 < peaks[()]
    assert f"{peaks['model', 'on']:,}" in gpu_memory().markdown()
    assert "| 14 | 500 | 7.7 | 0.4 |" in gpu_channel().markdown()
    assert "6.42 (4.27, 2.13)" in gpu_runs().markdown()


def test_a_row_says_that_memory_ran_out(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OutOfMemoryError("not enough memory on cuda")

    monkeypatch.setattr(command, "load_prior", fail)
    row = command._memory("cogvideox-2b", tmp_path, torch.device("cpu"), (8, 32, 48), {})
    assert row["out_of_memory"] == "not enough memory on cuda"


def test_full_configurations_are_those_of_the_models():
    """Parameters are counted on torch's meta device, where they take no memory."""
    import diffusers

    classes = (
        diffusers.CogVideoXTransformer3DModel,
        diffusers.WanTransformer3DModel,
    )
    counts = []
    for cls, (config, _) in zip(classes, FULL.values(), strict=True):
        with torch.device("meta"):
            counts.append(sum(p.numel() for p in cls(**config).parameters()) / 1e9)
    assert [round(count, 3) for count in counts] == [1.694, 1.419]


def test_written_models_load(tmp_path):
    prior = load_prior(str(write_model(tmp_path, "wan2.1-t2v-1.3b", TINY)))
    assert prior.name == "wan"
    measured = measure.stages(prior, 9, 32, 48)
    assert set(measured) == {"encode", "forward", "decode"}
    assert all(stage["seconds"] > 0 < stage["peak_mib"] for stage in measured.values())
