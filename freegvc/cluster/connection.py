"""The connection to a Ray cluster, or a Ray of our own on this machine."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from freegvc.errors import ClusterError, UsageError

LOCAL = "local"  # an address that starts Ray on this machine
_WAIT_SECONDS = 5.0  # for an answer of a cluster


def check_ray() -> None:
    """Refuse to go on without Ray.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec("ray") is None:
        raise UsageError("this needs Ray: pip install 'freegvc[cluster]'")


def connect(address: str) -> tuple[Any, bool]:
    """Ray, and whether it was connected, or started without dashboard and logs, by this call."""
    import ray

    if ray.is_initialized():
        return ray, False
    _check_answers(address)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        quiet["include_dashboard"] = False
    with _own_signals(), _no_usage_statistics():
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ClusterError(f"no Ray cluster at {address}: {first_line(error)}") from error
    return ray, True


def _check_answers(address: str) -> None:
    """Refuse at once an address where nothing answers; Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon:  # auto, or local
        return
    try:
        if not 0 < int(port) < 2**16:  # the C library takes it modulo 2^16
            raise ValueError(f"the port is {port}, but must be in 1 to 65535")
        socket.create_connection((host.strip("[]"), int(port)), _WAIT_SECONDS).close()
    except (OSError, ValueError) as error:  # nothing answers, or the port is no number
        raise ClusterError(
            f"no Ray cluster at {address}: {first_line(error)}; start one (ray start --head), or "
            "leave the address out to use this machine"
        ) from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the handler of SIGTERM, which Ray replaces by one that knows no clean-up of ours."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


@contextmanager
def _no_usage_statistics() -> Iterator[None]:
    """Ray reads this from the environment alone."""
    name = "RAY_USAGE_STATS_ENABLED"
    before = os.environ.get(name)
    os.environ[name] = "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def first_line(error: Exception) -> str:
    """What an error of Ray says first; the rest is long."""
    return str(error).strip().partition("\n")[0]
