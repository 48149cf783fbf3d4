"""Numbers that a caller gives, of Python, NumPy or torch, as Python's own."""

from __future__ import annotations

import operator
from numbers import Real

from freegvc.errors import UsageError


def whole_number(name: str, value: object) -> int:
    """An integer.

    Args:
        name: of the argument, for the error.
        value: what was given for it.

    Raises:
        UsageError: it is no integer.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)  # type: ignore[arg-type]  # what has no index is refused
    except TypeError:
        raise UsageError(f"{name} is {value!r}, but must be a whole number") from None


def real_number(name: str, value: object) -> float:
    """A number; arguments and errors as those of `whole_number`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UsageError(f"{name} is {value!r}, but must be a number")
    return float(value)
