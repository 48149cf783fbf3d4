"""What FID needs of the features of many patches, so that the patches of many videos can be pooled.

A set is its number of patches, the mean of their features, and the scatter around it. Two sets
together have exactly the sums of these, so the FID of a dataset needs no frames once its videos
were scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from freegvc.errors import UsageError


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """Of a set of patches.

    Attributes:
        num_patches: how many.
        patch_side: of each, in pixels.
        mean: of the features, float64 [D].
        scatter: sum over patches of (x - mean) (x - mean)^T, float64 [D, D].
    """

    num_patches: int
    patch_side: int
    mean: npt.NDArray[np.float64]
    scatter: npt.NDArray[np.float64]

    def save(self, path: Path) -> None:
        """Write them; a killed run leaves no partial file. The scatter is rounded to float32.

        Args:
            path: an .npz file, 8.4 MB with Inception's 2048 features; its folder is made.
        """
        from freegvc._atomic import atomic_path

        upper = self.scatter[np.triu_indices(len(self.mean))].astype(np.float32)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, overwrite=True) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                num_patches=self.num_patches,
                patch_side=self.patch_side,
                mean=self.mean,
                upper=upper,
            )

    @classmethod
    def load(cls, path: Path) -> FeatureStatistics:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is no such file.
            OSError: it cannot be read.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                mean, upper = stored["mean"], stored["upper"]
                counts = int(stored["num_patches"]), int(stored["patch_side"])
        except (KeyError, EOFError, BadZipFile) as error:
            raise ValueError(f"{path} holds no statistics of features ({error})") from error
        scatter = np.zeros((len(mean), len(mean)))
        scatter[np.triu_indices(len(mean))] = upper
        return cls(*counts, mean, scatter + np.triu(scatter, 1).T)


def pooled(sets: Sequence[FeatureStatistics]) -> FeatureStatistics:
    """All patches of several sets as one set.

    Raises:
        UsageError: there is no set, or patches of two sizes.
    """
    sides = {one.patch_side for one in sets}
    if len(sides) != 1:
        raise UsageError(f"patches of one size can be pooled, not of {sorted(sides)}")
    count = sum(one.num_patches for one in sets)
    mean = np.sum([one.num_patches * one.mean for one in sets], axis=0) / count
    scatter = np.zeros_like(sets[0].scatter)
    for one in sets:
        gap = one.mean - mean
        scatter += one.scatter + one.num_patches * np.outer(gap, gap)
    return FeatureStatistics(count, sides.pop(), mean, scatter)


def frechet_distance(reference: FeatureStatistics, distorted: FeatureStatistics) -> float:
    """FID: |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Heusel et al. 2017), in float64.

    The trace of the root is that of (S1^(1/2) S2 S1^(1/2))^(1/2), which is symmetric.

    Raises:
        UsageError: a set has fewer than two patches.
    """
    if min(reference.num_patches, distorted.num_patches) < 2:
        raise UsageError("FID needs two patches or more in each set: score more frames")
    first, second = (one.scatter / (one.num_patches - 1) for one in (reference, distorted))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    product = root @ second @ root
    shared = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0)).sum()
    gap = reference.mean - distorted.mean
    distance = gap @ gap + np.trace(first) + np.trace(second) - 2 * shared
    return max(float(distance), 0.0)  # rounding can make it negative for equal sets
