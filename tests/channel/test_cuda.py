"""The channel on a CUDA device: the same bits as on the CPU."""

import pytest
import torch

from freegvc._channel.coders import make_coder
from freegvc._channel.counter import Address, Kind
from freegvc._channel.delta import rho_of
from freegvc._channel.names import CODERS
from freegvc._channel.normals import noise

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
