"""Frame rates and picture sizes as users write them."""

from fractions import Fraction
from numbers import Integral, Real
from typing import Any

from freegvc.errors import UsageError

Rate = int | float | str | Fraction

HIGHEST_RATE = 1000
MAX_SIDE = 65535


def exact(name: str, number: Any) -> Fraction:
    """A number as an exact fraction; floats count as the decimals that they print as.

    Args:
        name: of the argument, for the error.
        number: 25, 29.97, "30000/1001" or a Fraction.

    Raises:
        UsageError: it is no number.
    """
    try:
        if isinstance(number, Integral):  # of NumPy too
            return Fraction(int(number))
        is_float = isinstance(number, Real) and not isinstance(number, Fraction)
        return Fraction(str(number) if is_float else number)
    except (ValueError, ZeroDivisionError, TypeError, OverflowError):
        raise UsageError(
            f"{name} is {number!r}, but must be a number, such as 25, 0.04 or a Fraction"
        ) from None


def parse_rate(rate: Rate) -> Fraction:
    """Frames per second as an exact fraction.

    Args:
        rate: 25, 29.97, "30000/1001" or a Fraction. Decimals are exact: 29.97 is 2997/100; write
            "30000/1001" for NTSC.

    Raises:
        UsageError: not a number in (0, 1000].
    """
    try:
        value = exact("frame rate", rate)
    except UsageError:
        value = Fraction(0)
    if not 0 < value <= HIGHEST_RATE:
        raise UsageError(
            f"frame rate {rate!r}: it must be above 0 and at most {HIGHEST_RATE} frames per "
            'second, for example 25, 29.97 or "30000/1001"'
        )
    return value


def parse_size(size: str | tuple[int, int]) -> tuple[int, int]:
    """Width and height in pixels.

    Args:
        size: "416x240" or (416, 240).

    Returns:
        (width, height), each from 1 to 65535.

    Raises:
        UsageError: anything else.
    """
    parts = size.lower().split("x") if isinstance(size, str) else list(size)
    try:
        width, height = (int(part) for part in parts)
    except (ValueError, TypeError):
        width = height = 0
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise UsageError(
            f"size {size!r}: write WIDTHxHEIGHT, for example 416x240, each from 1 to {MAX_SIDE}"
        )
    return width, height
