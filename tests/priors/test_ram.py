"""Free memory: of the machine, and of the control groups around the process."""

import psutil
import pytest

from freegvc.priors.diffusers import ram
from freegvc.priors.diffusers.ram import free_ram_bytes

MB = 10**6


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A process in the group /outer/inner."""
    monkeypatch.setattr(ram, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(ram, "OWN_CGROUP", tmp_path / "own")
    (tmp_path / "own").write_text("0::/outer/inner\n")

    def write(group, limit, used=0, of_files=0):
        folder = tmp_path / "cgroup" / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used}\n")
        (folder / "memory.stat").write_text(f"anon 5\ninactive_file {of_files}\n")

    return write


def test_without_a_limit_it_is_the_machines(groups):
    groups("outer/inner", "max")
    assert free_ram_bytes() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


def test_the_tightest_group_counts_and_copies_of_files_are_free(groups):
    groups("outer/inner", 90 * MB)
    groups("outer", 100 * MB, used=60 * MB, of_files=30 * MB)
    assert free_ram_bytes() == 70 * MB
    groups("outer/inner", 90 * MB, used=80 * MB)
    assert free_ram_bytes() == 10 * MB
    groups("outer/inner", 90 * MB, used=91 * MB)
    assert free_ram_bytes() == 0


def test_a_system_without_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(ram, "OWN_CGROUP", tmp_path / "none")
    assert free_ram_bytes() > 0
