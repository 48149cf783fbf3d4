"""A digest over the frames of a video as they are read: what shows that an input is another one.

Names, sizes and times of files do not show it, and arrays and pipes have none. The frames are read
again in any case, and hashing them takes a thousandth of the time that coding them takes. A GOP
that is kept is used only if every frame up to its end is what it was, so the finished stream is
that of the input of the last run even if its frames beyond are new.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from freegvc._video import Gop


class InputDigest:
    """BLAKE2b over all frames up to the first one of the next GOP."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, gop: Gop) -> str:
        """The digest after the next GOP's own frames; the overlap belongs to the next GOP.

        Args:
            gop: the GOPs of a video, one after the other from the first.

        Returns:
            32 hexadecimal digits, which also tell how long the GOP is and whether it is the last.
        """
        self._hash.update(np.ascontiguousarray(gop.frames[: gop.advance]).data)
        so_far = self._hash.copy()
        so_far.update(f"{len(gop.frames)} {gop.is_last}".encode())
        return so_far.hexdigest()
