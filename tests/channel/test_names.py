"""The table of channel coders: what headers, packets and `make_coder` know of each."""

import subprocess
import sys

import pytest

from freegvc._channel.coders import make_coder
from freegvc._channel.names import CODERS
from freegvc.errors import UsageError


@pytest.mark.parametrize("name", CODERS)
def test_a_coder_is_made_by_its_name(name):
    assert make_coder(name).name == name


def test_wire_ids_do_not_change():
    assert {name: entry.wire_id for name, entry in CODERS.items()} == {"pfr": 0, "trellis": 1}


def test_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match="choose one of pfr, trellis"):
        make_coder("turbo")


def test_the_wire_form_needs_neither_torch_nor_numba():
    code = (
        "import sys, freegvc._channel.names, freegvc._bitstream;"
        "print([m for m in ('torch', 'numba', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
