"""Too little memory ends in an error that names what takes less."""

import numpy as np
import pytest
import torch

import freegvc
from freegvc._cli.main import main
from freegvc.errors import OutOfMemoryError, PriorError
from freegvc.priors.out_of_memory import out_of_memory_named
from tests.codec.coding import compress
from tests.codec.test_tiled_streams import MeanPrior
from tests.priors.tiny_checkpoints import write_cogvideox

CUDA = (
    "CUDA out of memory. Tried to allocate 2.53 GiB. GPU 0 has a total capacity of 11.60 GiB of "
    "which 1.22 GiB is free. If reserved but unallocated memory is large try setting ..."
)


class FullPrior(MeanPrior):
    """Raises an error at a stage of a GOP."""

    failing = ""
    error: BaseException = torch.OutOfMemoryError(CUDA)

    def _stage(self, name):
        if name == self.failing:
            raise self.error

    def predict_x0(self, z, timestep, side):
        self._stage("predict")
        return super().predict_x0(z, timestep, side)

    def encode_frames(self, frames):
        self._stage("encode")
        return super().encode_frames(frames)

    def decode_latent(self, latent, height, width):
        self._stage("decode")
        return super().decode_latent(latent, height, width)


def really(allocate):
    """The error of an allocation that fails on this machine."""
    try:
        allocate()
    except (MemoryError, RuntimeError) as error:
        return error
    raise AssertionError("the machine has it")


@pytest.mark.parametrize("stage", ["encode", "predict"])
def test_compress_names_options(scene, stage):
    prior = FullPrior()
    prior.failing = stage
    with pytest.raises(OutOfMemoryError) as caught:
        compress(scene(4, 32, 48), prior=prior, stop_step=500)
    message = str(caught.value)
    assert message.startswith(
        "not enough memory on cpu to compress with prior 'mean-test-double' (tried to allocate "
        "2.53 GiB): load the prior with --vae-tiles on (in Python vae_tiles='on'), or make GOPs "
        "shorter (--gop-length)"
    )
    assert isinstance(caught.value.__cause__, torch.OutOfMemoryError)
    assert isinstance(caught.value, PriorError)


@pytest.mark.parametrize("stage", ["predict", "decode"])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(CUDA),
        really(lambda: torch.empty(1 << 60)),
        really(lambda: np.empty(1 << 60, np.uint8)),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: out of memory"),
    ],
    ids=["cuda", "torch-cpu", "numpy", "cudnn", "driver"],
)
def test_decompress_names_options(scene, stage, error):
    stream = compress(scene(4, 32, 48), prior=MeanPrior(), stop_step=500)
    prior = FullPrior()
    prior.failing, prior.error = stage, error
    with pytest.raises(OutOfMemoryError, match=r"to decompress .*--vae-tiles on.*--device cpu"):
        freegvc.decompress(stream, prior=prior)


def test_other_errors_stay_what_they_are(scene):
    prior = FullPrior()
    prior.failing, prior.error = "encode", RuntimeError("shapes differ")
    with pytest.raises(RuntimeError, match="shapes differ"):
        compress(scene(4, 32, 48), prior=prior, stop_step=500)


def test_what_is_on_is_not_named(scene):
    prior = FullPrior()
    prior.failing, prior.vae_tiles = "encode", "on"
    with pytest.raises(OutOfMemoryError) as caught:
        compress(scene(4, 64, 96), prior=prior, stop_step=500)
    assert "--vae-tiles" not in str(caught.value)
    assert "--batch-tiles" not in str(caught.value)


def test_batches_of_tiles_are_named(scene):
    prior = FullPrior()
    prior.failing, prior.batch_tiles = "predict", 4
    prior.defaults = freegvc.PriorDefaults(native_size=(32, 48), silent_steps=2)
    with pytest.raises(OutOfMemoryError, match=r"--batch-tiles 1 \(in Python .*batch_tiles=1\)"):
        compress(scene(4, 64, 96), prior=prior, stop_step=500)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, "--vae-tiles on and --offload model and --dtype bfloat16 "),
        ({"dtype": "bfloat16"}, "--vae-tiles on and --offload model and --dtype bfloat16-fp8 "),
        (
            {"dtype": "bfloat16-fp8", "offload": "model", "vae_tiles": "on"},
            "--offload group ",
        ),
        ({"dtype": "bfloat16-fp8", "offload": "group", "vae_tiles": "on"}, ""),
    ],
)
def test_a_model_of_diffusers(tmp_path, scene, options, advice, monkeypatch):
    prior = freegvc.load_prior(str(write_cogvideox(tmp_path)), **options)

    def fail(pixels):
        raise torch.OutOfMemoryError(CUDA)

    monkeypatch.setattr(prior, "run_encoder", fail)
    with pytest.raises(OutOfMemoryError) as caught:
        compress(scene(8, 64, 96), prior=prior, stop_step=900)
    message = str(caught.value)
    assert f"load the prior with {advice}(in Python" in message or not advice
    assert ("load the prior with" in message) == bool(advice)


def test_a_model_that_cannot_be_loaded(tmp_path, capsys, monkeypatch):
    """The message of the command line, and its exit code."""
    from freegvc.priors.diffusers import prior as module

    def fail(*models, **options):
        raise torch.OutOfMemoryError(CUDA)

    monkeypatch.setattr(module, "place", fail)
    folder = write_cogvideox(tmp_path / "model")
    clip = tmp_path / "clip.y4m"
    freegvc.Video(np.zeros((8, 32, 48, 3), np.uint8), 25).save(clip)
    code = main(["compress", str(clip), str(tmp_path / "out.fgvc"), "--prior", str(folder)])
    message = capsys.readouterr().err
    assert code == 5
    assert "not enough memory on cpu to load prior 'cogvideox' (tried to allocate 2.53" in message
    assert "--offload model and --dtype bfloat16 " in message
    assert not (tmp_path / "out.fgvc").exists()


def test_nothing_happens_without_a_failure():
    def never():
        raise AssertionError

    with out_of_memory_named("wait", "cpu", never, "nothing"):
        pass
