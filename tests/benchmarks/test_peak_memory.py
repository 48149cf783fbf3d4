import numpy as np
import pytest

from benchmarks import peak_memory
from benchmarks.peak_memory import peak_mib, resident_mib, restart_peak


def test_the_peak_is_of_what_came_after_the_restart() -> None:
    before = resident_mib()
    np.ones(200 << 17)  # 200 MiB, freed at once
    assert peak_mib() >= before + 190
    restart_peak()
    np.ones(50 << 17)
    assert before + 45 <= peak_mib() < before + 150


def test_a_system_without_proc_tells_the_peak_of_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setattr(peak_memory, "_STATUS", tmp_path / "status")
    monkeypatch.setattr(peak_memory, "_CLEAR_REFS", tmp_path / "clear_refs")
    restart_peak()
    assert not list(tmp_path.iterdir())
    assert peak_mib() >= 0
