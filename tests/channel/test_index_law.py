"""Seeds to bits and back, and the integer tables behind it."""

import hashlib

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc import _range_coder as range_coder
from freegvc._channel.pfr.index_law import (
    LOG2_CANDIDATES,
    MAX_AIM_BITS,
    _law,
    buckets,
    cost_bits,
    decode_seeds,
    encode_seeds,
    frequencies,
)
from freegvc.errors import CorruptStreamError

RangeDecoder = constriction.stream.queue.RangeDecoder
RangeEncoder = constriction.stream.queue.RangeEncoder


def coded(bits, aim_bits, seeds):
    encoder = RangeEncoder()
    encode_seeds(encoder, bits, aim_bits, seeds)
    return encoder.get_compressed()


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(LOG2_CANDIDATES), st.integers(1, MAX_AIM_BITS))
def test_seeds_come_back(data, bits, aim_bits):
    last = (1 << bits) - 1
    seed = st.integers(0, last) | st.sampled_from([0, 1, 6, 7, 8, last - 1, last])
    seeds = np.array(data.draw(st.lists(seed, max_size=60)), dtype=np.int64)
    words = coded(bits, aim_bits, seeds)
    got = decode_seeds(RangeDecoder(words), bits, aim_bits, len(seeds))
    assert got.dtype == np.int64
    assert np.array_equal(got, seeds)


@pytest.mark.parametrize("bits", LOG2_CANDIDATES)
def test_every_seed_comes_back(bits):
    seeds = np.arange(1 << bits)
    words = coded(bits, 12, seeds)
    assert np.array_equal(decode_seeds(RangeDecoder(words), bits, 12, len(seeds)), seeds)


def test_shots_share_one_coder():
    encoder = RangeEncoder()
    shots = [(16, 16, [5, 65535, 0]), (8, 1, []), (8, 24, [255]), (12, 7, [4095, 100])]
    for bits, aim_bits, seeds in shots:
        encode_seeds(encoder, bits, aim_bits, np.array(seeds, dtype=np.int64))
    decoder = RangeDecoder(encoder.get_compressed())
    for bits, aim_bits, seeds in shots:
        assert decode_seeds(decoder, bits, aim_bits, len(seeds)).tolist() == seeds


def test_golden_words():
    seeds = np.array([0, 1, 2, 3, 6, 7, 8, 100, 1000, 4095, 32767, 32768, 65534, 65535])
    assert coded(16, 16, seeds).tolist() == [
        2550474,
        3041169181,
        1592149245,
        2138446604,
        2835369182,
    ]


def test_golden_tables():
    digest = hashlib.sha256()
    for bits in LOG2_CANDIDATES:
        for aim_bits in range(1, MAX_AIM_BITS + 1):
            digest.update(_law(bits, aim_bits).frequencies.astype("<i8").tobytes())
    assert digest.hexdigest() == "ea82050fcf20c5ef486cd4f9fd29eeaa048d3746fc05c09729139aaea280e12f"


@pytest.mark.parametrize("bits", LOG2_CANDIDATES)
def test_buckets_tile_the_alphabet(bits):
    starts, rest_bits = buckets(bits)
    assert starts[0] == 1
    assert np.array_equal(starts[:-1] + (1 << rest_bits[:-1]), starts[1:])
    assert starts[-1] == 1 << bits


@pytest.mark.parametrize("bits", LOG2_CANDIDATES)
@pytest.mark.parametrize("exponent", [500, 1000, 1800])
def test_the_law_is_zipf(bits, exponent):
    counts = frequencies(bits, exponent)
    assert counts.sum() == 1 << 24
    assert counts.min() >= 1
    starts, _ = buckets(bits)
    mass = np.arange(1, (1 << bits) + 1) ** (-exponent / 1000)
    exact = np.add.reduceat(mass, starts - 1) / mass.sum() * (1 << 24)
    assert np.abs(counts - exact).max() < 2 + 2e-3 * exact.max()


@pytest.mark.parametrize(("bits", "aim_bits"), [(16, 16), (16, 1), (8, 24), (12, 9)])
def test_constriction_uses_exactly_our_table(bits, aim_bits):
    # a first word w decodes to the symbol whose interval holds its top 24 bits
    law = _law(bits, aim_bits)
    ends = np.cumsum(law.frequencies)
    for symbol, (end, count) in enumerate(zip(ends, law.frequencies, strict=True)):
        for point in (end - count, end - 1):
            words = np.array([int(point) << 8 | 0x80, 0], dtype=np.uint32)
            assert RangeDecoder(words).decode(law.model) == symbol


def test_cost_is_what_the_coder_writes():
    rng = np.random.default_rng(0)
    seeds = (2 ** (16 * rng.random(5000))).astype(np.int64) - 1
    assert 32 * len(coded(16, 16, seeds)) == pytest.approx(cost_bits(16, 16, seeds), abs=64)


@pytest.mark.parametrize(("bits", "aim_bits"), [(9, 4), (18, 4), (16, 0), (16, 25)])
def test_unknown_laws_are_refused(bits, aim_bits):
    with pytest.raises(CorruptStreamError, match=r"must be (in|one of)"):
        decode_seeds(RangeDecoder(np.zeros(2, np.uint32)), bits, aim_bits, 1)


@pytest.mark.parametrize("seed", [-1, 256])
def test_seeds_outside_the_alphabet_are_refused(seed):
    with pytest.raises(ValueError, match="must be in"):
        coded(8, 8, np.array([seed]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=8), st.integers(0, 50))
def test_any_words_decode_in_range_or_raise(words, count):
    decoder = RangeDecoder(np.array(words, dtype=np.uint32))
    try:
        with range_coder.decoding():
            seeds = decode_seeds(decoder, 10, 9, count)
    except CorruptStreamError:
        return
    assert len(seeds) == count
    assert ((seeds >= 0) & (seeds < 1024)).all()
