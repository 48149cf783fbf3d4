"""The fingerprint of a diffusers model: eight bytes over everything its predictions depend on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from freegvc._bitstream.header import FINGERPRINT_BYTES
from freegvc.priors.weights import canonical_json, weights_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from freegvc._diffusion.levels import NoiseSchedule
    from freegvc.priors.diffusers.checkpoint import Checkpoint
    from freegvc.priors.diffusers.prompt import Prompt


def fingerprint(
    checkpoint: Checkpoint, prompt: Prompt, schedule: NoiseSchedule, *, version: int = 1
) -> bytes:
    """The fingerprint that the stream stores.

    Args:
        checkpoint: the model's folder; weights and configs of transformer and VAE are hashed.
        prompt: its identity is hashed.
        schedule: the noise levels, hashed in float32, because libraries that compute them differ
            in the last bits of float64.
        version: of the adapter; raise it when the same weights predict something else.

    Returns:
        Eight bytes.

    Raises:
        PriorUnavailableError: a file is missing or damaged.
    """
    whole = hashlib.sha256(f"freegvc prior {version}\n".encode())
    for subfolder in ("transformer", "vae"):
        config = checkpoint.config(subfolder)
        whole.update(config_digest(config))
        whole.update(weights_digest(checkpoint.weight_files(subfolder)))
    whole.update(hashlib.sha256(prompt.identity).digest())
    for table in (schedule.alpha, schedule.sigma):
        whole.update(table.astype("<f4").tobytes())
    return whole.digest()[:FINGERPRINT_BYTES]


def config_digest(config: Mapping[str, Any]) -> bytes:
    """SHA-256 of a config.json: all keys but those that begin with "_", and `_class_name`."""
    kept = {k: v for k, v in config.items() if k == "_class_name" or not k.startswith("_")}
    return hashlib.sha256(canonical_json(kept)).digest()
