"""The priors that come with the package, and facts about them that need no model library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuiltInPrior:
    """A prior of this package.

    Attributes:
        name: what `load_prior` and streams call it.
        module: below `freegvc.priors`.
        class_name: the class in that module.
        licence: of its weights, an SPDX identifier.
        dtype: what it computes in by default.
        native_size: height and width in pixels above which frames are cut into tiles, or None.
        num_parameters: number of trained parameters.
        files_bytes: size of its weights in the package.
    """

    name: str
    module: str
    class_name: str
    licence: str
    dtype: str
    native_size: tuple[int, int] | None
    num_parameters: int
    files_bytes: int

    @property
    def weights_bytes(self) -> int:
        """Memory of the weights in float32."""
        return 4 * self.num_parameters


BUILT_IN_PRIORS = (
    BuiltInPrior(
        name="freegvc-small",
        module="small.prior",
        class_name="SmallPrior",
        licence="Apache-2.0",
        dtype="float32",
        native_size=(480, 832),
        num_parameters=12_411_872,
        files_bytes=24_845_642,
    ),
    BuiltInPrior(
        name="analytic",
        module="analytic",
        class_name="AnalyticPrior",
        licence="Apache-2.0",
        dtype="float32",
        native_size=None,
        num_parameters=0,
        files_bytes=0,
    ),
)
