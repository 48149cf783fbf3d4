"""What `import freegvc` promises."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import freegvc
from freegvc import errors
from freegvc._control.targets import TargetKeywords

FRAMES = np.zeros((2, 16, 24, 3), np.uint8)


def test_all_is_sorted_complete_and_true():
    assert freegvc.__all__ == sorted(freegvc.__all__)
    assert set(dir(freegvc)) == set(freegvc.__all__)
    for name in freegvc.__all__:
        assert getattr(freegvc, name) is not None
    raised = {n for n, c in vars(errors).items() if inspect.isclass(c)}
    assert raised <= set(freegvc.__all__)


def test_every_exception_and_warning_is_in_the_drawn_tree():
    for name, item in vars(errors).items():
        if inspect.isclass(item):
            assert name in errors.__doc__
            assert issubclass(item, errors.FreeGvcError | errors.FreeGvcWarning)


def test_import_is_light():
    code = (
        "import sys, freegvc; freegvc.CompressedVideo;"
        "print([m for m in ('torch', 'numba', 'av', 'torchmetrics') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_compress_has_a_small_face():
    parameters = inspect.signature(freegvc.compress).parameters.values()
    named = [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    assert len(named) <= 8
    documented = freegvc.compress.__doc__
    assert all(f"{name}:" in documented or f"{name}," in documented for name in named)
    assert all(name in documented for name in TargetKeywords.__annotations__)


@pytest.mark.parametrize(
    ("keyword", "place"),
    [
        ("gop_length", "Settings(gop_length=...)"),
        ("coder", "Settings(coder=...)"),
        ("silent_steps", "Settings(silent_steps=...)"),
        ("tolerance", 'Score("lpips", 0.3, tolerance=...)'),
        ("metric", "LikeFirstGop(metric=...)"),
        ("metric_weights", "weights=..."),
        ("dtype", "load_prior(NAME, dtype=...)"),
        ("compiled", "load_prior(NAME, compile=...)"),
        ("prompt", "load_prior(NAME, prompt=...)"),
        ("fps", "open_video(path, fps=...)"),
    ],
)
def test_a_keyword_that_moved_names_its_new_place(keyword, place):
    with pytest.raises(errors.UsageError) as refused:
        freegvc.compress(FRAMES, **{keyword: 1})
    assert keyword in str(refused.value)
    assert place in str(refused.value)


def test_a_keyword_that_never_was_is_a_type_error():
    with pytest.raises(TypeError, match="target_bbp"):
        freegvc.compress(FRAMES, target_bbp=0.02)
    with pytest.raises(TypeError, match="fast"):
        freegvc.decompress(b"", fast=True)
    with pytest.raises(errors.UsageError, match=r"load_prior\(NAME, dtype"):
        freegvc.decompress(b"", dtype="float16")


def test_one_target_at_a_time():
    with pytest.raises(errors.UsageError, match="give one target"):
        freegvc.compress(FRAMES, target_bpp=0.1, stop_step=3)
    with pytest.raises(errors.UsageError, match="give one target"):
        freegvc.compress(FRAMES, freegvc.StopStep(3), target_bpp=0.1)
    with pytest.raises(errors.UsageError, match="first-gop"):
        freegvc.compress(FRAMES, "first-gop")


def test_progress_is_shown_on_stderr_alone(capsys):
    compressed = freegvc.compress(FRAMES, stop_step=900, prior="analytic", progress=True)
    freegvc.decompress(compressed, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "compress" in shown.err
    assert "decompress" in shown.err
    freegvc.compress(FRAMES, stop_step=900, prior="analytic")
    assert capsys.readouterr().err == ""
