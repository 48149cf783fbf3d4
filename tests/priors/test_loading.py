"""From a name to a prior: built in, installed by another package, in a folder, or known."""

import importlib.util
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import freegvc
from freegvc.errors import PriorUnavailableError, UsageError
from freegvc.priors import LatentSpec, PriorDefaults, known_priors, load_prior
from freegvc.priors.numerics import Numerics
from freegvc.testing import check_prior
from tests.priors.tiny_checkpoints import write_cogvideox, write_wan21

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def custom():
    """The module examples/custom_prior.py."""
    spec = importlib.util.spec_from_file_location("custom_prior", EXAMPLES / "custom_prior.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package on the path that declares priors by entry points."""

    def install(**points):
        info = tmp_path / "other-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[freegvc.priors]", *lines]))
        (tmp_path / "other_priors.py").write_text(
            (EXAMPLES / "custom_prior.py").read_text()
            + "\ndef nothing(device, dtype):\n    return 7\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_the_custom_prior_is_short_and_keeps_its_promises(custom):
    assert len((EXAMPLES / "custom_prior.py").read_text().splitlines()) < 80
    check_prior(custom.load())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"fingerprint": b"short"}, "fingerprint"),
        ({"defaults": PriorDefaults(gop_length=47)}, "gop_length 47"),
        ({"defaults": PriorDefaults(max_gop_length=47)}, "max_gop_length is 47"),
        ({"defaults": PriorDefaults(silent_steps=0)}, "silent_steps"),
        ({"latent": LatentSpec(3, 1, 8, is_causal=True, has_context=True)}, "leave out has_con"),
        ({"attention": "sharp"}, "attention"),
        ({"encode_frames": lambda s, f: torch.rand(s.latent.shape(*f.shape[:3]))}, "call to call"),
        ({"encode_frames": lambda s, f: torch.zeros(3, 1, 1, 1)}, "shape"),
        ({"predict_x0": lambda s, z, t, side: z.double()}, "float64"),
        ({"predict_x0": lambda s, z, t, side: z.add_(1.0)}, "wrote into its argument"),
        ({"predict_x0": lambda s, z, t, side: z / 0.0}, "not finite"),
        ({"fit": lambda s, latent: (300,)}, "0 .. 255"),
        ({"fit": lambda s, latent: (3,)}, "side_count"),
        ({"check_side": lambda s, side, shape: None}, "one value too many"),
        ({"decode_latent": lambda s, x, h, w: np.zeros((1, h, w, 3), "f4")}, "float32"),
        (
            {
                "defaults": PriorDefaults(native_size=(16, 16)),
                "predict_tiles": lambda s, z, t: z * 9.0,
            },
            "predict_tiles",
        ),
    ],
)
def test_the_conformance_check_finds(custom, broken, message):
    broken_class = type("Broken", (custom.FieldPrior,), broken)
    with pytest.raises(AssertionError, match=message):
        check_prior(broken_class())


def test_the_conformance_check_decodes_with_context(custom):
    class Fixed(custom.FieldPrior):
        latent = replace(custom.FieldPrior.latent, has_context=True)

        def decode_latent(self, latent, height, width):
            most = self.latent.shape(12, height, width)[1]
            return super().decode_latent(latent[:, :most], height, width)

    with pytest.raises(AssertionError, match="decode_latent with context gave"):
        check_prior(Fixed(), sizes=((12, 48, 64),))


def test_the_conformance_check_finds_a_global_generator(custom):
    class Drawing(custom.FieldPrior):
        def decode_latent(self, latent, height, width):
            torch.rand(1)
            return super().decode_latent(latent, height, width)

    with pytest.raises(AssertionError, match="global random generator"):
        check_prior(Drawing())


def test_another_package_brings_a_prior_by_name(installed, scene):
    installed(field="other_priors:load")
    assert "field" in known_priors()
    stream = freegvc.compress(scene(5, 32, 48), prior="field", stop_step=700)
    assert stream.header.prior == "field"
    assert freegvc.decompress(stream).num_frames == 5
    assert load_prior("field", dtype="float64").dtype == torch.float64


def test_a_package_that_brings_something_else(installed):
    installed(other="other_priors:nothing", mine="other_priors:load")
    with pytest.raises(PriorUnavailableError, match=r"entry point 'other'.*gave 7"):
        load_prior("other")
    with pytest.raises(PriorUnavailableError, match="which is not a Prior of that name"):
        load_prior("mine")


@pytest.mark.parametrize("option", [{"prompt": "a"}, {"attention": "math"}, {"offload": "group"}])
def test_options_that_a_prior_does_not_have(option):
    (name,) = option
    with pytest.raises(UsageError, match=f"of a diffusers model: leave out {name}$"):
        load_prior("analytic", **option)
    with pytest.raises(UsageError, match="without -fp8 or -int8"):
        load_prior("analytic", dtype="bfloat16-fp8")


def test_unknown_words():
    with pytest.raises(PriorUnavailableError, match=r"no prior is called 'magic'.*cogvideox-2b"):
        load_prior("magic")
    with pytest.raises(UsageError, match=r"dtype 'float8' is not one of .*bfloat16-int8"):
        load_prior(dtype="float8")
    with pytest.raises(UsageError, match=r"attention is 'sharp'.*math"):
        load_prior(attention="sharp")
    with pytest.raises(PriorUnavailableError, match="'warp' cannot be used: it must be cpu, cuda"):
        load_prior(device="warp")


def test_a_path_is_a_folder(tmp_path):
    folder = write_wan21(tmp_path / "wan")
    assert load_prior(folder).fingerprint == load_prior(str(folder)).fingerprint
    with pytest.raises(PriorUnavailableError, match="there is no folder analytic"):
        load_prior(Path("analytic"))


@pytest.mark.parametrize(
    "name", ["./missing", "../missing", "/no/such", "a/b/c", "missing/", "~/x"]
)
def test_a_path_of_nothing_is_called_a_folder_that_is_missing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PriorUnavailableError, match=r"there is no folder .*diffusers' layout"):
        load_prior(name)
    with pytest.raises(PriorUnavailableError, match=r"there is no folder .*diffusers' layout"):
        load_prior(Path(name))


def test_what_may_be_a_folder_or_a_model_is_called_both(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(PriorUnavailableError, match="no folder models/mine, and a model models/mi"):
        load_prior("models/mine")


@pytest.mark.parametrize("name", ["cogvideox2b", "CogVideoX-2B", "cogvideox-2"])
def test_a_misspelt_name_gets_a_suggestion(name):
    with pytest.raises(PriorUnavailableError, match=r"did you mean cogvideox-2b\?"):
        load_prior(name)


def test_a_known_model_that_is_not_here(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for name in ("cogvideox-2b", "zai-org/CogVideoX-2b", "someone/cogvideox-finetuned"):
        with pytest.raises(PriorUnavailableError, match=f"freegvc priors fetch {name}"):
            load_prior(name)


def test_a_hub_id_and_its_old_one_are_the_same_prior(tmp_path, monkeypatch):
    """A snapshot in the layout of the Hugging Face cache, as `freegvc priors fetch` leaves it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--zai-org--CogVideoX-2b"
    write_cogvideox(repository / "snapshots" / "0123abcd", sharded=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abcd")
    names = ("cogvideox-2b", "zai-org/CogVideoX-2b", "thudm/cogvideox-2b")
    priors = [load_prior(name) for name in names]
    assert {prior.name for prior in priors} == {"cogvideox-2b"}
    assert len({prior.fingerprint for prior in priors}) == 1


def test_the_default_dtype_is_what_the_model_was_made_for(tmp_path):
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.cogvideox import CogVideoXPrior
    from freegvc.priors.diffusers.wan import WanPrior

    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    cogvideox = Checkpoint(write_cogvideox(tmp_path / "cogvideox"))
    wan = Checkpoint(write_wan21(tmp_path / "wan"))
    assert CogVideoXPrior.default_numerics(cogvideox, cuda) == Numerics("float16")
    assert WanPrior.default_numerics(wan, cuda) == Numerics("bfloat16")
    assert CogVideoXPrior.default_numerics(cogvideox, cpu) == Numerics("float32")
    assert load_prior(str(tmp_path / "wan")).dtype == torch.float32


def test_numerics_are_spelt_one_way():
    for name in ("float32", "bfloat16-int8", "float16-fp8"):
        assert Numerics.parse(name).name == name
    assert Numerics.parse("torch.bfloat16") == Numerics("bfloat16")
    assert Numerics.parse("float16-fp8").dtype == torch.float16


@pytest.mark.parametrize("kernel", ["cudnn", "efficient"])
def test_an_attention_kernel_that_the_device_lacks(kernel, tmp_path):
    prior = load_prior(str(write_wan21(tmp_path / "wan")), attention=kernel)
    z = torch.zeros(prior.latent.shape(1, 16, 16))
    with pytest.raises(PriorUnavailableError, match=f"'{kernel}' does not run on cpu"):
        prior.predict_x0(z, 500, ())


@pytest.mark.slow
def test_a_compiled_transformer_predicts_the_same(tmp_path):
    folder = str(write_wan21(tmp_path / "wan"))
    z = torch.linspace(-2.0, 2.0, 16 * 2 * 4 * 6).reshape(16, 2, 4, 6)
    expected = load_prior(folder).predict_x0(z, 500, ())
    compiled = load_prior(folder, compile=True).predict_x0(z, 500, ())
    torch.testing.assert_close(compiled, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("arguments", [["swap_prior.py", "--help"], ["swap_prior.py"]])
def test_examples_say_how_they_are_used(arguments):
    command = [sys.executable, str(EXAMPLES / arguments[0]), *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (0 if "--help" in arguments else 2)
    assert "usage:" in done.stdout + done.stderr


def test_the_examples_run_on_a_tiny_model(tmp_path, scene, monkeypatch, capsys):
    def run(example, *arguments):
        """In this process, whose kernels are compiled already."""
        monkeypatch.setattr(sys, "argv", [example, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / example), run_name="__main__")
        return capsys.readouterr().out

    folder = write_cogvideox(tmp_path / "model")
    clip = tmp_path / "clip.mkv"
    freegvc.Video.from_array(scene(8, 32, 48)).save(clip)
    stream, back = tmp_path / "clip.fgvc", tmp_path / "back.mkv"
    command = ["compress_with_cogvideox.py", clip, stream, back, "--prior", folder]
    run(*command, "--device", "cpu", "--target-bpp", "0.5")
    assert freegvc.CompressedVideo.open(stream).header.prior == "cogvideox"
    assert back.stat().st_size > 0
    table = run("swap_prior.py", clip, "analytic", folder, "--target-bpp", "0.5")
    assert [line.split()[0] for line in table.splitlines()] == ["prior", "analytic", str(folder)]


def test_the_native_size_can_be_chosen_and_is_checked(scene):
    prior = load_prior("freegvc-small", native_size=(32, 48))
    assert prior.defaults.native_size == (32, 48)
    assert load_prior("freegvc-small").defaults.native_size == (480, 832)
    stream = freegvc.compress(scene(1, 32, 64), prior=prior, stop_step=900)
    assert stream.header.tile == (4, 6, 1)
    for wrong in ((0, 48), (16385, 48)):
        with pytest.raises(UsageError, match=r"native_size is .* in 1\.\.16384"):
            load_prior("freegvc-small", native_size=wrong)
