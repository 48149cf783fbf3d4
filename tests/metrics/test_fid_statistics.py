"""Statistics of features: sets pooled are the set of all patches, and the distance is FID's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc.errors import UsageError
from freegvc.metrics import PatchFid
from freegvc.metrics.fid_statistics import FeatureStatistics, frechet_distance, pooled
from tests.metrics.test_fid import Features, formula


def statistics(features, side=64):
    mean = features.mean(axis=0)
    return FeatureStatistics(len(features), side, mean, (features - mean).T @ (features - mean))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_pooled_sets_are_the_set_of_all(sizes, seed):
    generator = np.random.default_rng(seed)
    parts = [generator.normal(generator.normal(), 1, (size, 4)) for size in sizes]
    together, expected = pooled([*map(statistics, parts)]), statistics(np.concatenate(parts))
    assert together.num_patches == sum(sizes)
    np.testing.assert_allclose(together.mean, expected.mean, atol=1e-12)
    np.testing.assert_allclose(together.scatter, expected.scatter, atol=1e-9)


def test_the_distance_is_the_formula_and_zero_for_equal_sets():
    generator = np.random.default_rng(1)
    a, b = generator.normal(0, 1, (200, 5)), generator.normal(0.3, 1.4, (150, 5))
    assert frechet_distance(statistics(a), statistics(b)) == pytest.approx(formula(a, b))
    assert frechet_distance(statistics(a), statistics(a)) == pytest.approx(0.0, abs=1e-9)
    few = statistics(a[:3])  # a singular covariance
    assert frechet_distance(few, statistics(b)) > 0
    with pytest.raises(UsageError, match="two patches or more"):
        frechet_distance(statistics(a[:1]), statistics(b))


def test_statistics_of_a_video_give_its_fid_and_survive_the_disk(texture, noisy, tmp_path):
    frames = texture(6, 96, 130, (1, 0))
    fid = PatchFid(96, 130, network=Features())
    fid.update(frames[:4], noisy(frames[:4], 30))
    fid.update(frames[4:], noisy(frames[4:], 30))
    reference, distorted = fid.statistics()
    assert reference.num_patches == fid.num_patches
    assert reference.patch_side == 64
    assert frechet_distance(reference, distorted) == pytest.approx(fid.compute(), rel=1e-4)
    path = tmp_path / "folder" / "a.npz"
    distorted.save(path)
    stored = FeatureStatistics.load(path)
    assert (stored.num_patches, stored.patch_side) == (distorted.num_patches, 64)
    np.testing.assert_array_equal(stored.mean, distorted.mean)
    np.testing.assert_allclose(stored.scatter, distorted.scatter, rtol=1e-6)
    assert (stored.scatter == stored.scatter.T).all()
    expected = frechet_distance(reference, distorted)
    assert frechet_distance(reference, stored) == pytest.approx(expected, rel=1e-4)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="holds no statistics"):
        FeatureStatistics.load(path)


def test_patches_of_two_sizes_are_not_pooled():
    features = np.ones((3, 2))
    with pytest.raises(UsageError, match=r"not of \[64, 256\]"):
        pooled([statistics(features), statistics(features, 256)])
