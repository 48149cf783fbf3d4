"""StageBytes: what each stage of a prior takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageBytes:
    """Estimated peak memory of the stages of a GOP, in bytes.

    Attributes:
        encode: the VAE's encoder, from frames to the latent.
        forward: one prediction.
        decode: the VAE's decoder, from the latent to frames.
    """

    encode: int
    forward: int
    decode: int
