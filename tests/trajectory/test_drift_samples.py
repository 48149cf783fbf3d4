"""Drift samples: no drift from the same state, true to small drifts, and sound for any float."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.pfr.coder import PfrCoder
from freegvc._trajectory import receive
from freegvc._trajectory.drift import drift_samples_of, drift_sigma, sampled_positions
from freegvc.priors.analytic import AnalyticPrior
from tests.trajectory.senders import make_sender, packet_of

SHAPE = (6, 4, 4, 6)
HERE = Address(key=3, gop=1, step=4)

floats = st.floats(width=32)


@given(st.lists(floats, min_size=1, max_size=40), st.floats(1e-3, 1.0))
def test_a_state_does_not_drift_from_itself(values, sigma):
    z = torch.tensor(values)
    samples = drift_samples_of(z, sigma, HERE)
    assert len(samples) == 8
    chosen = [values[position] for position in sampled_positions(HERE, len(values))]
    lost = sum(not abs(16 * value / sigma) < 2**24 for value in chosen)
    assert drift_sigma(z, sigma, HERE, samples) == 8.0 * math.sqrt(lost / 8)


@given(st.floats(-7.9, 7.9), st.floats(1e-3, 1.0), st.integers(0, (1 << 24) - 1))
def test_drift_is_measured_in_sigma(drift, sigma, step):
    """All latents off by the same: what is read is right to the quantiser's two halves."""
    address = Address(key=3, gop=1, step=step)
    z = torch.randn(200, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
    samples = drift_samples_of(z, sigma, address)
    read = drift_sigma(z + drift * sigma, sigma, address, samples)
    assert abs(read - abs(drift)) <= 1 / 16 + 1e-9


def test_a_foreign_state_reads_far_above_any_limit():
    """Differences are uniform over -8 .. 8 then: rms 4.6, less than 2 for one in hundreds."""
    generator = torch.Generator().manual_seed(0)
    read = []
    for step in range(300):
        address = Address(key=3, gop=1, step=step)
        here, there = (1000 * torch.randn(50, generator=generator) for _ in range(2))
        read.append(drift_sigma(there, 1.0, address, drift_samples_of(here, 1.0, address)))
    assert np.quantile(read, 0.01) > 2.0
    assert max(read) <= 8.0


def test_positions_come_from_the_counter_alone():
    dims = 1_000_003
    drawn = words(HERE, Kind.DRIFT_SAMPLES, np.zeros(2, np.int64), np.arange(2))
    expected = [int(w) * dims // 2**32 for four in drawn for w in four]
    assert sampled_positions(HERE, dims) == expected
    assert len(set(expected)) == 8
    assert all(0 <= p < dims for p in expected)
    largest = (1 << 31) - 1
    assert all(0 <= p < largest for p in sampled_positions(HERE, largest))
    for other in (Address(4, 1, 4), Address(3, 2, 4), Address(3, 1, 5)):
        assert sampled_positions(other, dims) != expected


@pytest.fixture
def sender():
    latent = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1)) * 0.1 + 0.25
    return make_sender(AnalyticPrior(), latent, PfrCoder(log2_candidates=10), key=5, gop=2)


def test_only_a_packet_with_steps_has_drift_samples(sender):
    assert packet_of(sender).drift_samples is None
    sender.extend(900)
    first = packet_of(sender).drift_samples
    sender.extend(850)
    assert packet_of(sender).drift_samples != first
    sender.rewind(1)
    assert packet_of(sender).drift_samples == first


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 3e38])
def test_a_model_that_predicts_nan_is_reported_and_breaks_nothing(sender, monkeypatch, value):
    sender.extend(900)
    packet = packet_of(sender)
    monkeypatch.setattr(
        AnalyticPrior, "predict_x0", lambda self, z, timestep, side: torch.full_like(z, value)
    )
    received = receive(AnalyticPrior(), packet, PfrCoder(log2_candidates=10), SHAPE, key=5, gop=2)
    assert received.drift_sigma == 8.0


def test_a_packet_without_drift_samples_reports_no_drift(sender):
    sender.extend(900)
    cut = replace(packet_of(sender), drift_samples=None)
    received = receive(AnalyticPrior(), cut, PfrCoder(log2_candidates=10), SHAPE, key=5, gop=2)
    assert received.drift_sigma is None
