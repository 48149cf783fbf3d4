"""The channel on a CUDA device: the same bits as on the CPU."""

import warnings
from contextlib import contextmanager

import pytest
import torch

from freegvc._channel.backend.cpu import CpuBackend
from freegvc._channel.coders import make_coder
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import rho_of
from freegvc._channel.names import CODERS
from freegvc._channel.normals import noise
from freegvc._channel.trellis.coder import TrellisCoder

pytest.importorskip("triton", reason="Triton is not installed")
from freegvc._channel.backend import triton_noise, triton_trellis

pytestmark = pytest.mark.cuda

ADDRESSES = [Address(1, 0, 0), Address(0xFEDC_BA98_7654_3210, 2**32 - 1, 1023)]


def make_delta(dims, kl_bits):
    """float32 [dims] of that KL, on the CPU."""
    delta = torch.randn(dims, generator=torch.Generator().manual_seed(dims))
    return delta * rho_of(kl_bits) / delta.norm()


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("dims", [1, 7, 8, 1001, 100_003])
def test_noise_has_the_cpus_bits(address, dims):
    there = noise(address, Kind.START_NOISE, dims, "cuda")
    assert torch.equal(there.cpu(), noise(address, Kind.START_NOISE, dims))


@pytest.mark.parametrize("name", list(CODERS))
@pytest.mark.parametrize(("dims", "kl_bits"), [(64, 3.0), (5003, 40.0), (100_003, 600.0)])
def test_encode_and_decode_are_the_cpus(name, dims, kl_bits):
    delta = make_delta(dims, kl_bits)
    for address in ADDRESSES:
        shot, n = make_coder(name, "cuda").encode(delta.cuda(), address)
        assert shot == make_coder(name).encode(delta, address)[0]
        assert torch.equal(make_coder(name).decode(shot, dims, address), n.cpu())
        assert torch.equal(make_coder(name, "cuda").decode(shot, dims, address), n)


def test_a_step_waits_once_for_each_search_and_nearly_always_searches_once(monkeypatch):
    search, searches = TrellisCoder._search, []
    monkeypatch.setattr(
        TrellisCoder, "_search", lambda *given: (searches.append(1), search(*given))[1]
    )
    coder, dims = make_coder("trellis", "cuda"), 50_000
    steps = [(kl, Address(7, 0, step)) for kl in (90.0, 700.0) for step in range(10)]
    deltas = {kl: make_delta(dims, kl).cuda() for kl in (90.0, 700.0)}
    shots = [coder.encode(deltas[kl], address, kl)[0] for kl, address in steps]  # compiles
    searches.clear()
    with waits() as encoding:
        for kl, address in steps:
            coder.encode(deltas[kl], address, kl)
    with waits() as decoding:
        for shot, (_, address) in zip(shots, steps, strict=True):
            coder.decode(shot, dims, address)
    assert len(encoding) == len(searches) <= 1.2 * len(steps)
    assert not decoding


@contextmanager
def waits():
    """Messages of the waits for the device in the block."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        messages.clear()  # that the mode is a prototype
        try:
            yield messages
        finally:
            torch.cuda.set_sync_debug_mode(before)


def test_nothing_is_compiled_for_a_new_size_or_key():
    kernels = [
        triton_noise.fill_normals,
        triton_noise.deal,
        triton_noise.deliver,
        triton_trellis.best_paths,
        triton_trellis.seam_ranks,
        triton_trellis.word_totals,
    ]

    def variants():
        return [len(kernel.device_caches[torch.cuda.current_device()][0]) for kernel in kernels]

    def use(dims, kl_bits, address):
        coder = make_coder("trellis", "cuda")
        shot, _ = coder.encode(make_delta(dims, kl_bits).cuda(), address)
        coder.decode(shot, dims, address)

    for dims, kl_bits in ((40_000, 1700.0), (5000, 60.0), (512, 4.0)):  # segments, seams, words
        use(dims, kl_bits, ADDRESSES[0])
    before = variants()
    assert min(before) > 0
    for dims, kl_bits in ((16, 2.0), (50_001, 1900.0), (6007, 75.0), (1_000_003, 90.0)):
        for address in (*ADDRESSES, Address(2**31 - 1, 2**31, 16)):
            use(dims, kl_bits, address)
    assert variants() == before


def test_without_triton_only_products_run_on_the_device():
    delta, address = make_delta(5003, 60.0), ADDRESSES[0]
    coder = TrellisCoder(device="cuda", backend=CpuBackend(torch.device("cuda")))
    shot, n = coder.encode(delta.cuda(), address)
    assert shot == TrellisCoder().encode(delta, address)[0]
    assert torch.equal(n.cpu(), TrellisCoder().decode(shot, len(delta), address))


@pytest.mark.parametrize("log2_states", [8, 10, 12, 14, 16])
def test_every_number_of_states(log2_states):
    delta, address = make_delta(30_000, 300.0), ADDRESSES[1]
    shot, n = TrellisCoder(log2_states, "cuda").encode(delta.cuda(), address)
    expected, same = TrellisCoder(log2_states).encode(delta, address)
    assert shot == expected
    assert torch.equal(n.cpu(), same)
