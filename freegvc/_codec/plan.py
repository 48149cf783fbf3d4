"""The plan of a run: everything that decides the bytes of a stream besides the frames, as JSON."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Any

from freegvc._bitstream.header import StreamParameters
from freegvc._control.targets import LikeFirstGop, Rate, Score, StopStep, Target
from freegvc.metrics import as_metric

if TYPE_CHECKING:
    from freegvc._control.gop_encoder import GopEncoder

Plan = Mapping[str, Any]


def shown(value: object) -> str:
    """A value of a plan for a message: a target as in Python, StopStep(timestep=800)."""
    if not isinstance(value, dict) or "kind" not in value:
        return repr(value)
    rest = ", ".join(f"{k}={shown(v)}" for k, v in value.items() if k != "kind" and v is not None)
    return f"{value['kind']}({rest})"


def make_plan(
    target: Target,
    gops: GopEncoder,
    coder: object,
    audio: bytes | None,
    part: range | None = None,
) -> Plan:
    """The plan of a run of `compress`.

    Two runs of one plan over the same frames give the same bytes on one machine. The device is left
    out: another one, or another release of torch, goes on with a stream that is as valid.

    Args:
        target: of the run.
        gops: which holds the prior, the stream's parameters, and the pace of the walks.
        coder: the channel coder.
        audio: what the stream carries.
        part: the GOPs to code; None for all.
    """
    from freegvc import __version__

    pace = gops.pace
    return {
        "release": __version__,
        **_plain(gops.parameters),
        "prompt": gops.prior.prompt,
        "target": _plain(target),
        "first_step": pace.first_step,
        "growth": pace.growth,
        "max_probes": gops.max_probes,
        "tune": gops.tuning and gops.tuning.name,
        "coder_options": _options_of(coder),
        "num_frames": gops.num_frames,
        "frame_seconds": gops.frame_seconds,
        "default_bpp": gops.prior.defaults.bpp,
        "audio": None if audio is None else hashlib.blake2b(audio, digest_size=16).hexdigest(),
        "gops": None if part is None else [part.start, part.stop],
    }


def parameters_of(plan: Plan) -> StreamParameters:
    """The parameters of the stream that a plan makes."""
    values = {field.name: plan[field.name] for field in fields(StreamParameters)}
    ratios = {name: Fraction(values[name]) for name in ("frame_rate", "pixel_aspect")}
    tuples = {name: tuple(values[name]) for name in ("colour", "gammas", "tile", "vae_tile")}
    fingerprint = bytes.fromhex(values["fingerprint"])
    return StreamParameters(**{**values, **ratios, **tuples, "fingerprint": fingerprint})


def _plain(value: Any) -> Any:
    """A value as JSON holds it; of a dataclass the fields that are not None."""
    match value:
        case None | bool() | int() | float() | str():
            plain: Any = value
        case Fraction():
            plain = str(value)
        case bytes():
            plain = value.hex()
        case tuple():
            plain = [_plain(part) for part in value]
        case PathLike():
            plain = os.fspath(value)
        case StreamParameters():
            plain = _plain_fields(value)
        case StopStep() | Rate() | Score() | LikeFirstGop():
            plain = {"kind": type(value).__name__, **_plain_fields(value)}
        case _:  # of a metric of the user's own nothing but its name can be compared
            plain = as_metric(value).name
    return plain


def _plain_fields(value: Any) -> dict[str, Any]:
    found = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return {name: part for name, part in found.items() if part is not None}


def _options_of(coder: object) -> dict[str, Any]:
    """What a coder was made with, as far as it is plain numbers."""
    return {
        name.lstrip("_"): value
        for name, value in sorted(getattr(coder, "__dict__", {}).items())
        if isinstance(value, bool | int | float | str)
    }
