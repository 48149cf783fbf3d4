"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever it stands. In a callback of compiled code, such as those of
a just-in-time compiler, nobody can receive it, and it is dropped. So it is raised once more at the
next event.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heeding_interrupts() -> Iterator[Callable[[], None]]:
    """Gives a function that raises KeyboardInterrupt if SIGINT has come within the block."""
    is_interrupted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        raise KeyboardInterrupt

    def check() -> None:
        if is_interrupted:
            raise KeyboardInterrupt

    # only the main thread may set handlers, and whoever ignores SIGINT (nohup) keeps ignoring it
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, note)
    try:
        yield check
        check()
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
