"""Philox against its published vectors, and its four homes against each other."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._channel.counter import Address, Kind, words
from freegvc._channel.philox import philox
from freegvc._channel.uniforms import uniforms_of_row

UINT32 = st.integers(0, 2**32 - 1)
ADDRESSES = st.builds(
    Address, key=st.integers(0, 2**64 - 1), gop=UINT32, step=st.integers(0, 2**24 - 1)
)

# Random123, tests/kat_vectors, philox 4x32 10: counter, key, output
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "output"), KNOWN)
def test_philox_gives_the_published_words(counter, key, output):
    given_words = [int(word, 16) for word in (counter + " " + key).split()]
    expected = [int(word, 16) for word in output.split()]
    assert list(philox(*given_words)) == expected
    arrays = philox(*(np.array([word]) for word in given_words))
    assert [int(word[0]) for word in arrays] == expected


def test_words_are_addressed_as_specified():
    address = Address(key=0x299F31D0A4093822, gop=0x03707344, step=0x198A2E)
    position, row = np.array([0x243F6A88]), np.array([0x85A308D3])
    got = words(address, Kind.PERMUTATION, row, position)
    expected = philox(0x243F6A88, 0x85A308D3, 0x02198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
    assert [int(word[0]) for word in got] == list(expected)


@settings(max_examples=50, deadline=None)
@given(ADDRESSES, st.sampled_from(Kind), st.lists(st.tuples(UINT32, UINT32), min_size=1))
def test_numpy_torch_and_python_agree(address, kind, places):
    row, position = np.array(places, dtype=np.int64).T
    from_numpy = np.stack(words(address, kind, row, position))
    from_torch = torch.stack(words(address, kind, torch.tensor(row), torch.tensor(position)))
    assert np.array_equal(from_numpy, from_torch.numpy())
    scalars = address.scalars(kind)
    for (r, p), got in zip(places, from_numpy.T, strict=True):
        assert philox(p, r, *scalars) == tuple(got)


@settings(max_examples=20, deadline=None)
@given(ADDRESSES, st.sampled_from(Kind), UINT32)
def test_numba_agrees(address, kind, row):
    w = np.stack(words(address, kind, np.full(5, row), np.arange(5)), axis=1)
    expected = ((w[:, 0::2] << 20 | w[:, 1::2] >> 12) + 0.5) * 2.0**-52
    got = uniforms_of_row(address, kind, row, 9)
    assert np.array_equal(got, expected.ravel()[:9])
    assert ((got > 0) & (got < 1)).all()


def test_every_field_of_the_address_changes_the_words():
    base = (1, 2, 3, Kind.CODEBOOK, 4, 5)
    seen = set()
    for k in (None, 0, 1, 2, 3, 4, 5):
        key, gop, step, kind, row, position = (
            (Kind.SIGNS if i == 3 else value + 1) if i == k else value
            for i, value in enumerate(base)
        )
        got = words(Address(key, gop, step), kind, np.array([row]), np.array([position]))
        seen.add(tuple(int(word[0]) for word in got))
    assert len(seen) == 7


@pytest.mark.parametrize("wrong", [{"key": 2**64}, {"gop": -1}, {"step": 2**24}])
def test_an_address_outside_its_limits_is_refused(wrong):
    with pytest.raises(ValueError, match="must be in"):
        Address(**({"key": 0, "gop": 0, "step": 0} | wrong))
