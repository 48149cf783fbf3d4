"""freegvc's warnings as single lines on stderr."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from freegvc._cli.paths import printable
from freegvc.errors import FreeGvcWarning


@contextmanager
def warnings_as_lines(about: str = "") -> Iterator[None]:
    """Show freegvc's own warnings as one line each, whatever filters are set.

    Args:
        about: what stands before each of them, such as the name of a file.
    """
    with warnings.catch_warnings():
        usual = warnings.showwarning
        said: set[str] = set()  # a video may be opened for more than one pass

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, FreeGvcWarning):
                if str(message) in said:
                    return
                said.add(str(message))
                print(f"freegvc: warning: {printable(f'{about}{message}')}", file=sys.stderr)
            else:
                usual(message, category, *rest, **more)

        # the documented hook of the module
        warnings.showwarning = show
        warnings.simplefilter("always", FreeGvcWarning)
        yield
