"""What `import freegvc` promises."""

import inspect
import subprocess
import sys

import freegvc
from freegvc import errors


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
