"""What a user says about the colour of a file, in place of tags that are missing or wrong."""

from dataclasses import dataclass
from difflib import get_close_matches

from freegvc.errors import UsageError

# H.273 code points by the names that users know
MATRICES = {"bt709": 1, "bt601": 6, "bt2020": 9, "fcc": 4, "smpte240m": 7}
RANGES = {"limited": False, "full": True}


@dataclass(frozen=True, slots=True)
class StatedColour:
    """The matrix and the range that a user has stated; None where the file's own count.

    Attributes:
        matrix: an H.273 code point.
        full_range: luma uses all code values.
    """

    matrix: int | None = None
    full_range: bool | None = None


AS_TAGGED = StatedColour()


def parse_stated_colour(matrix: str | None, colour_range: str | None) -> StatedColour:
    """The colour that the arguments of `open_video` state.

    Args:
        matrix: a key of `MATRICES`, or None.
        colour_range: a key of `RANGES`, or None.

    Raises:
        UsageError: another name.
    """
    for what, value, names in (
        ("matrix", matrix, tuple(MATRICES)),
        ("colour range", colour_range, tuple(RANGES)),
    ):
        if value is not None and value not in names:
            close = get_close_matches(str(value).lower(), names, n=1)
            guess = f" (did you mean {close[0]}?)" if close else ""
            raise UsageError(
                f"the {what} is {value!r}{guess}, but must be one of {', '.join(names)}"
            )
    return StatedColour(
        None if matrix is None else MATRICES[matrix],
        None if colour_range is None else RANGES[colour_range],
    )
