"""What is wrong with an input and can be lived with: a warning, or an error on request."""

from pathlib import Path

from freegvc._warn import warn
from freegvc.errors import InputWarning, VideoReadError


def warn_or_refuse(path: Path, what: str, *, strict: bool) -> None:
    """Say what is wrong with the input.

    Args:
        path: of the input.
        what: the rest of the sentence.
        strict: whether to refuse it.

    Raises:
        VideoReadError: if `strict`.
    """
    if strict:
        raise VideoReadError(f"{path} {what}; strict input was asked for (--strict-input)")
    warn(f"{path} {what}", InputWarning)
