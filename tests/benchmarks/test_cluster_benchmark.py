"""python -m benchmarks cluster: the simulation has the limits that it must have."""

import json
from importlib.util import find_spec

import pytest

from benchmarks import __main__
from benchmarks.doc_tables.cluster import TABLES
from benchmarks.experiments.cluster_scale import Costs, busy_share, simulated_seconds


@pytest.mark.parametrize("num_workers", [1, 2, 8, 1000])
def test_a_driver_that_costs_nothing_keeps_all_busy(num_workers):
    assert simulated_seconds(Costs(3.0, 0.0), num_workers, 5 * num_workers) == pytest.approx(15.0)
    assert busy_share(Costs(3.0, 0.0), num_workers) == pytest.approx(1.0)


def test_a_driver_that_costs_more_than_a_share_of_the_task_is_the_limit():
    costs = Costs(task=4.0, driver=0.5)  # enough for eight
    assert busy_share(costs, 4) > 0.95
    assert simulated_seconds(costs, 100, 1000) == pytest.approx(1000 * 0.5 + 4.0)
    assert busy_share(costs, 80, gops_each=100) == pytest.approx(0.1, rel=0.02)
    shares = [busy_share(costs, n) for n in (1, 4, 8, 16, 64)]
    assert shares == sorted(shares, reverse=True)


def test_one_worker_is_never_idle_but_for_the_first_gop():
    assert simulated_seconds(Costs(2.0, 0.25), 1, 10) == pytest.approx(0.25 + 20.0)


@pytest.mark.parametrize("name", TABLES)
def test_the_committed_record_has_the_form_of_the_tables(name):
    table = TABLES[name]()
    assert table.rows
    assert all(len(row) == len(table.header) for row in table.rows)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.skipif(find_spec("ray") is None, reason="pip install 'freegvc[cluster]'")
def test_a_small_record(tmp_path):
    arguments = ("cluster", "--gops", "2", "--memory-gops", "4", "--out", str(tmp_path))
    assert __main__.main(arguments) == 0
    record = json.loads((tmp_path / "cluster.json").read_text())
    assert [row["num_workers"] for row in record["speed"]] == [0, 1, 2] * 2
    # workers change no byte
    assert len({(row["prior"], row["num_bytes"]) for row in record["speed"]}) == 2
    assert record["memory"][0]["peak_mib"] > 0
    assert all(seconds > 0 for seconds in record["driver"].values())
    assert all(0 < row["busy"] <= 1 for row in record["scale"])
