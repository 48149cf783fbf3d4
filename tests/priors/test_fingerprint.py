"""Fingerprints of diffusers models: what changes them, and what does not."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from freegvc._diffusion.levels import NoiseSchedule
from freegvc.priors.diffusers.checkpoint import Checkpoint
from freegvc.priors.diffusers.fingerprint import config_digest, fingerprint
from tests.priors.tiny_checkpoints import write_cogvideox, write_wan21

WEIGHTS = "diffusion_pytorch_model.safetensors"
PROMPT = SimpleNamespace(identity=bytes(32))
SCHEDULE = NoiseSchedule.flow_matching(10)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEGVC_CACHE", str(tmp_path / "cache"))


def print_of(folder, **changes):
    arguments = {"prompt": PROMPT, "schedule": SCHEDULE} | changes
    return fingerprint(Checkpoint(folder), **arguments)


def test_shards_and_saving_again_change_nothing(tmp_path):
    whole = write_cogvideox(tmp_path / "whole")
    expected = print_of(whole)
    assert len(expected) == 8
    assert print_of(write_cogvideox(tmp_path / "sharded", sharded=True)) == expected
    tensors = load_file(whole / "vae" / WEIGHTS)
    backwards = dict(reversed(tensors.items()))
    save_file(backwards, whole / "vae" / WEIGHTS, {"format": "pt", "by": "another tool"})
    path = whole / "transformer" / "config.json"
    config = json.loads(path.read_text()) | {"_diffusers_version": "9.9", "_name_or_path": "x"}
    path.write_text(json.dumps(dict(reversed(config.items())), indent=7))
    assert print_of(whole) == expected


def test_everything_that_matters_changes_it(tmp_path):
    folder = write_cogvideox(tmp_path / "model")
    seen = {print_of(folder)}
    seen.add(print_of(folder, prompt=SimpleNamespace(identity=bytes(31) + b"\1")))
    seen.add(print_of(folder, schedule=NoiseSchedule.flow_matching(11)))
    seen.add(print_of(folder, version=2))
    seen.add(print_of(write_cogvideox(tmp_path / "other", seed=1)))
    seen.add(print_of(write_wan21(tmp_path / "wan")))
    for part in ("transformer", "vae"):
        path = folder / part / "config.json"
        config = json.loads(path.read_text())
        for change in ({"_class_name": "Other"}, {"norm_eps": 0.125}):
            path.write_text(json.dumps(config | change))
            seen.add(print_of(folder))
        path.write_text(json.dumps(config))
        tensors = load_file(folder / part / WEIGHTS)
        name = sorted(tensors)[3]
        tensors[name].view(torch.int32).reshape(-1)[-1] ^= 1
        save_file(tensors, folder / part / WEIGHTS)
        seen.add(print_of(folder))
    assert len(seen) == 12


def test_the_last_bits_of_float64_in_the_noise_table_do_not_matter(tmp_path):
    folder = write_cogvideox(tmp_path)
    other = NoiseSchedule.flow_matching(10)
    other.alpha = other.alpha * (1 + 2e-16)
    assert not np.array_equal(other.alpha, SCHEDULE.alpha)
    assert print_of(folder, schedule=other) == print_of(folder)


def test_config_digest_keeps_the_class_and_drops_the_other_notes():
    config = {"_class_name": "A", "heads": 2}
    assert config_digest(config) == config_digest({"heads": 2, "_class_name": "A", "_x": 1})
    assert config_digest(config) != config_digest({"_class_name": "B", "heads": 2})
    assert config_digest(config) != config_digest({"_class_name": "A", "heads": 3})
