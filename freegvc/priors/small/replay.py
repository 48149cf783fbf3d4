"""Calls of the denoiser on a GPU as CUDA graphs.

A call launches about a thousand kernels. On latents of usual pictures the GPU needs less time for
them than the CPU takes to launch them one by one; a graph launches them all at once.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor

from freegvc.priors.small.denoiser import Denoiser

MAX_LATENTS = (
    1 << 15
)  # of a channel; above, the GPU is the slower one, and a graph keeps its memory
_MAX_GRAPHS = 4  # shapes that are kept
_WARM_UP_CALLS = 3


class Replay:
    """A denoiser whose calls of a shape are captured once and replayed.

    Args:
        denoiser: on any device; on a CPU it is called as it is.

    Attributes:
        denoiser: the same.
    """

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser
        self._graphs: OrderedDict[torch.Size, _Captured] = OrderedDict()

    def __call__(self, z: Tensor, timestep: int) -> Tensor:
        """v of noisy latents.

        Args:
            z: float [B, 16, T', h, w], of the denoiser's dtype and device.
            timestep: 0 .. 1000, of all of them.

        Returns:
            A tensor of z's shape and dtype.
        """
        if z.device.type != "cuda" or z[:, 0].numel() > MAX_LATENTS:
            return _call(self.denoiser, z, torch.full((len(z),), timestep, device=z.device))
        if z.shape in self._graphs:
            self._graphs.move_to_end(z.shape)
        else:
            while len(self._graphs) >= _MAX_GRAPHS:
                self._graphs.popitem(last=False)
            self._graphs[z.shape] = _Captured(self.denoiser, z)
        return self._graphs[z.shape](z, timestep)


class _Captured:
    """The kernels of one call, with the memory that they read and write."""

    def __init__(self, denoiser: Denoiser, z: Tensor) -> None:
        self._z = z.clone()
        self._timesteps = torch.zeros(len(z), dtype=torch.int64, device=z.device)
        with torch.cuda.device(z.device):
            # libraries set themselves up in the first calls, which cannot be captured
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP_CALLS):
                    _call(denoiser, self._z, self._timesteps)
            torch.cuda.current_stream().wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._v = _call(denoiser, self._z, self._timesteps)

    def __call__(self, z: Tensor, timestep: int) -> Tensor:
        self._z.copy_(z)
        self._timesteps.fill_(timestep)
        self._graph.replay()
        return self._v.clone()


def _call(denoiser: Denoiser, z: Tensor, timesteps: Tensor) -> Tensor:
    v: Tensor = denoiser(z, timesteps)
    return v
