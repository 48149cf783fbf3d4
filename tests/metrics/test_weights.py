"""Where weights are looked for, and what is said when they are nowhere."""

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from freegvc.errors import MetricUnavailableError, UsageError
from freegvc.metrics import (
    METRIC_NAMES,
    METRICS,
    SCORES,
    WEIGHTS_VARIABLE,
    check_metric,
    metric_status,
)
from freegvc.metrics.weights import ALEXNET, INCEPTION, SQUEEZENET, VGG16, load_weights, locate

FRAMES = np.zeros((2, 64, 64, 3), np.uint8)


def cache():
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_addresses_are_torchvisions():
    assert models.AlexNet_Weights.DEFAULT.url == ALEXNET.url
    assert models.VGG16_Weights.DEFAULT.url == VGG16.url
    assert models.SqueezeNet1_1_Weights.DEFAULT.url == SQUEEZENET.url


def test_the_address_of_inception_is_torch_fidelitys():
    engine = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    assert INCEPTION.url == engine.URL_INCEPTION_V3


def test_folder_then_variable_then_cache(random_states, random_weights, tmp_path, monkeypatch):
    state = random_states["squeezenet1_1"]
    marked = {f"features.{k}": v + 1 for k, v in state.items()}
    marked["classifier.1.weight"] = torch.zeros(3)
    torch.save(marked, cache() / SQUEEZENET.cache_name)
    key = "0.weight"
    loaded = load_weights(SQUEEZENET, None)
    assert set(loaded) == set(state)  # features only, without their prefix
    assert torch.equal(loaded[key], state[key] + 1)
    assert torch.equal(load_weights(SQUEEZENET, random_weights)[key], state[key])
    frames = np.random.default_rng(0).integers(0, 255, (2, 2, 40, 40, 3), dtype=np.uint8)
    metric = METRICS["lpips_squeeze"]
    from_cache, from_folder = metric(*frames), metric(*frames, weights=random_weights)
    assert (from_cache != from_folder).all()
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(random_weights))
    assert (metric(*frames) == from_folder).all()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert (metric(*frames, weights=empty) == from_cache).all()  # the argument wins


def test_names_without_the_prefix_do_as_well(random_states, tmp_path):
    save_file(random_states["alexnet"], tmp_path / ALEXNET.file_name)
    assert set(load_weights(ALEXNET, tmp_path)) == set(random_states["alexnet"])


@pytest.mark.parametrize(
    ("name", "weights"),
    [("lpips", ALEXNET), ("lpips_vgg", VGG16), ("lpips_squeeze", SQUEEZENET), ("dists", VGG16)],
)
def test_missing_weights_are_a_quick_error_that_tells_the_way_out(name, weights):
    began = time.perf_counter()
    with pytest.raises(MetricUnavailableError) as caught:
        check_metric(name)
    assert time.perf_counter() - began < 5
    assert caught.value.exit_code == 5
    message = str(caught.value)
    for part in (
        weights.url,
        weights.file_name,
        str(Path(torch.hub.get_dir()) / "checkpoints"),
        WEIGHTS_VARIABLE,
        "no network in tests",
        "psnr, ms_ssim work without",
    ):
        assert part in message
    with pytest.raises(MetricUnavailableError):
        METRICS[name](FRAMES, FRAMES)
    assert metric_status(name).available is False


def test_targets_that_work_are_named(random_weights, tmp_path, random_states):
    save_file(random_states["alexnet"], tmp_path / ALEXNET.file_name)
    with pytest.raises(MetricUnavailableError, match="ms_ssim, lpips work without"):
        check_metric("dists", weights=tmp_path)
    check_metric("lpips", weights=tmp_path)
    check_metric("dists", weights=random_weights)
    assert metric_status("dists", weights=random_weights).available


def test_a_download_goes_into_torchs_cache(monkeypatch, random_states):
    """torch fetches; that it fetches the right thing to the right place is what is tested."""
    calls = []

    class Answer:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    def fetch(url, **options):
        calls.append((url, options))
        return {f"features.{k}": v for k, v in random_states["alexnet"].items()}

    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: Answer())
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    assert metric_status("lpips").available is False  # a status never downloads
    assert calls == []
    check_metric("lpips")
    assert [url for url, _ in calls] == [ALEXNET.url]
    assert calls[0][1]["check_hash"]


def test_a_broken_download_is_typed(monkeypatch):
    def answer(*args, **kwargs):
        raise urllib.error.HTTPError(ALEXNET.url, 403, "Forbidden", None, None)

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    with pytest.raises(MetricUnavailableError, match="Forbidden"):
        check_metric("lpips")


@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 torn"])
def test_damaged_files(content, tmp_path):
    (tmp_path / ALEXNET.file_name).write_bytes(content)
    with pytest.raises(MetricUnavailableError, match=f"{ALEXNET.file_name} cannot be read"):
        check_metric("lpips", weights=tmp_path)
    (cache() / SQUEEZENET.cache_name).write_bytes(content)
    with pytest.raises(MetricUnavailableError, match="fetch it again"):
        check_metric("lpips_squeeze")


def test_weights_that_do_not_fit(random_states, tmp_path):
    state = dict(random_states["alexnet"])
    state["8.weight"] = state["8.weight"][:5].clone()
    save_file(state, tmp_path / ALEXNET.file_name)
    with pytest.raises(MetricUnavailableError, match=r"features.8.weight is \(5, 384, 3, 3\)"):
        check_metric("lpips", weights=tmp_path)
    del state["8.weight"]
    save_file(state, tmp_path / ALEXNET.file_name)
    with pytest.raises(MetricUnavailableError, match=r"features.8.weight is None"):
        check_metric("lpips", weights=tmp_path)


def test_a_folder_that_is_none(tmp_path, monkeypatch):
    with pytest.raises(MetricUnavailableError, match="nowhere"):
        check_metric("lpips", weights=tmp_path / "nowhere")
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "gone"))
    assert WEIGHTS_VARIABLE in metric_status("lpips").detail
    check_metric("psnr")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    for name in ("tof", "warp_error"):
        with pytest.raises(MetricUnavailableError, match="opencv-python-headless"):
            check_metric(name)
        assert not metric_status(name).available
    monkeypatch.setattr("freegvc.metrics.perceptual.find_spec", lambda name: None)
    with pytest.raises(MetricUnavailableError, match="pip install torchvision"):
        check_metric("lpips")
    monkeypatch.setattr("freegvc.metrics.fid.find_spec", lambda name: None)
    with pytest.raises(MetricUnavailableError, match="pip install torch-fidelity"):
        check_metric("fid")


def test_sizes_and_names_are_checked_first():
    with pytest.raises(UsageError, match="no metric 'nix'; there are psnr, "):
        check_metric("nix")
    with pytest.raises(UsageError, match="no metric 'nix'"):
        metric_status("nix")
    for name in METRIC_NAMES:
        if SCORES[name].min_side > 8:
            with pytest.raises(UsageError, match="these are 100x8"):
                check_metric(name, size=(8, 100))
    check_metric("ms_ssim", size=(176, 200))


def test_locate_looks_at_files_only(tmp_path):
    assert locate(ALEXNET, tmp_path) is None
    (tmp_path / ALEXNET.file_name).mkdir()
    assert locate(ALEXNET, tmp_path) is None
