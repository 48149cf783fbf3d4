"""The keywords of `compress` and `decompress`: which ones are targets, and where others went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from freegvc._control.targets import Target, TargetKeywords, target_of
from freegvc.errors import UsageError

_SCORE = 'target=freegvc.Score("lpips", 0.3, {0}=...)'
_SETTINGS = "settings=freegvc.Settings({0}=...)"
_LOAD = "prior=freegvc.load_prior(NAME, {0}=...)"
_OPEN = "freegvc.open_video(path, {0}=...), whose result can be given as the video"
_MODEL = {
    **dict.fromkeys(("dtype", "attention", "prompt", "offload", "compile"), _LOAD),
    **dict.fromkeys(("vae_tiles", "batch_tiles"), _LOAD),
    "compiled": "prior=freegvc.load_prior(NAME, compile=...)",
}
_CODING = {
    "metric": "target=freegvc.LikeFirstGop(metric=...), or freegvc.Rate(bpp=..., even=...)",
    "even": "target=freegvc.Rate(bpp=..., even=...)",
    "metric_weights": 'target=freegvc.Score("lpips", 0.3, weights=...), or '
    "settings=freegvc.Settings(tune_weights=...)",
    **dict.fromkeys(("pooling", "tolerance", "max_probes", "probe_frames", "strict"), _SCORE),
    **dict.fromkeys(("gop_length", "overlap", "gamma", "coder"), _SETTINGS),
    **dict.fromkeys(("effort", "first_step", "growth"), _SETTINGS),
    **dict.fromkeys(("sampler", "silent_steps", "silent_rate", "refine"), _SETTINGS),
    **dict.fromkeys(("tune", "tune_weights"), _SETTINGS),
    **dict.fromkeys(("size", "fps", "pix_fmt", "matrix", "colour_range"), _OPEN),
}
_MOVED = {"compress": _MODEL | _CODING, "decompress": _MODEL, "decode_frames": _MODEL}


def refuse_moved(function: str, keywords: Mapping[str, Any]) -> None:
    """Refuse keywords that a function does not have, naming the place where they are now.

    Raises:
        UsageError: a keyword that has moved.
        TypeError: a keyword that never was one.
    """
    for name in keywords:
        place = _MOVED[function].get(name)
        if place is not None:
            raise UsageError(f"{function} does not take {name}: use {place.format(name)}")
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


def one_target(target: Target | None, keywords: Mapping[str, Any]) -> Target:
    """The target that the arguments of `compress` name.

    Raises:
        UsageError: more than one target, or what is not a target.
        TypeError: an unknown keyword.
    """
    known = TargetKeywords.__annotations__
    refuse_moved("compress", {name: keywords[name] for name in keywords if name not in known})
    if target is None:
        return target_of(keywords)
    given = [name for name, value in keywords.items() if value is not None]
    if given:
        raise UsageError(f"give one target: target={target!r} or {', '.join(given)}")
    if type(target) not in get_args(Target):
        raise UsageError(
            f"target is {target!r}, but must be a freegvc.StopStep, Rate, Score or LikeFirstGop"
        )
    return target
