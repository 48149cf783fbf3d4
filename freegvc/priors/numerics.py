"""The arithmetic of a model by name: its dtype, and how its weights are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from freegvc._bitstream.header import NUMERICS
from freegvc.errors import UsageError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Numerics:
    """The arithmetic of a prior.

    Attributes:
        dtype_name: what the model computes in: "float32", "float64", "bfloat16" or "float16".
        storage: how the transformer's weights are stored: "" in the same dtype, "fp8" (Hugging
            Face's layerwise casting) or "int8" (torchao, weights only).
    """

    dtype_name: str
    storage: str = ""

    @classmethod
    def parse(cls, name: str) -> Numerics:
        """From a name as users and streams spell it, such as "bfloat16-int8".

        Raises:
            UsageError: the name is unknown.
        """
        name = name.removeprefix("torch.")
        if name not in NUMERICS:
            raise UsageError(f"dtype {name!r} is not one of {', '.join(NUMERICS)}")
        dtype_name, _, storage = name.partition("-")
        return cls(dtype_name, storage)

    @property
    def name(self) -> str:
        """The name in the stream."""
        return f"{self.dtype_name}-{self.storage}" if self.storage else self.dtype_name

    @property
    def dtype(self) -> torch.dtype:
        """What the model computes in."""
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype_name)
        return dtype
