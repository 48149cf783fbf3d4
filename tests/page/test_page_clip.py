"""Clips of pages: what comes back, and where one can seek."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._page.clip import GROUP_LENGTH, decode_clip, encode_clip
from freegvc.errors import UsageError


@settings(max_examples=12, deadline=None)
@given(
    num_frames=st.integers(1, 2 * GROUP_LENGTH + 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_an_exact_clip_comes_back_bit_for_bit(num_frames, height, width, seed):
    shape = (num_frames, height, width, 3)
    frames = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    clip = encode_clip(frames)
    assert (clip.width, clip.height, clip.num_frames) == (width, height, num_frames)
    assert clip.max_error == 0
    np.testing.assert_array_equal(np.stack(list(decode_clip(clip))), frames)


def test_a_close_clip_is_smaller_and_states_its_largest_error(scene):
    frames = scene(10, 96, 128)
    exact, close = encode_clip(frames), encode_clip(frames, pixels="close")
    error = np.abs(np.stack(list(decode_clip(close))).astype(int) - frames)
    assert close.max_error == error.max() <= 16
    assert (error**2).mean() < 255**2 / 10**4.2  # 42 dB
    assert close.num_bytes < 0.7 * exact.num_bytes


def test_extreme_colours_come_back():
    corners = np.array(np.meshgrid([0, 255], [0, 255], [0, 255])).reshape(3, -1).T
    frames = np.kron(
        corners.astype(np.uint8).reshape(1, 2, 4, 3), np.ones((1, 16, 16, 1), np.uint8)
    )
    for pixels, tolerance in (("exact", 0), ("close", 6)):
        (decoded,) = decode_clip(encode_clip(frames, pixels=pixels))
        assert np.abs(decoded.astype(int) - frames[0]).max() <= tolerance


def test_each_group_is_decoded_alone(scene):
    frames = scene(3 * GROUP_LENGTH, 32, 48)
    clip = encode_clip(frames)
    for first in (GROUP_LENGTH, 2 * GROUP_LENGTH):
        part = type(clip)(clip.width, clip.height, "exact", clip.packets[first:], 0)
        np.testing.assert_array_equal(np.stack(list(decode_clip(part))), frames[first:])


def test_equal_frames_make_equal_bytes(scene):
    frames = scene(5, 32, 48)
    assert encode_clip(frames, pixels="close") == encode_clip(iter(frames), pixels="close")


def test_a_clip_without_frames_is_refused():
    with pytest.raises(UsageError, match="at least one frame"):
        encode_clip([])
