"""--ray: the workers of a cluster in place of this process."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from freegvc._cli.paths import say
from freegvc.errors import UsageError

if TYPE_CHECKING:
    from freegvc.cluster import Workers

LOCAL = "local"  # as in freegvc.cluster.connection, whose import would take 0.15 s of every start
_ADDRESS = re.compile(r"auto|local|[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


def add_ray(parser: argparse.ArgumentParser) -> None:
    """Which cluster, and what of it a worker takes."""
    group = parser.add_argument_group("on workers (freegvc[cluster])")
    group.add_argument(
        "--ray",
        nargs="?",
        const=LOCAL,
        metavar="ADDRESS",
        type=_address,
        help="run on the workers of a Ray cluster, host:port or auto; without an address, of this "
        "machine",
    )
    group.add_argument(
        "--ray-workers",
        type=int,
        metavar="N",
        help="how many (default: as many as there are GPUs, or CPU cores)",
    )
    group.add_argument(
        "--ray-gpus",
        type=float,
        metavar="X",
        help="GPUs of each, such as 0.25 for a small prior (default: 1 with --device cuda, else 0)",
    )
    group.add_argument(
        "--ray-cpus", type=int, metavar="N", help="CPU cores and threads of each (default: 1)"
    )


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not auto, local or host:port; put a file's name before --ray"
        )
    return text


@contextmanager
def ray_workers(arguments: argparse.Namespace) -> Iterator[Workers | None]:
    """The workers that the options ask for, or None without --ray.

    Raises:
        UsageError: Ray is not installed, or an option is given without --ray.
        ClusterError: there is no such cluster.
    """
    if arguments.ray is None:
        for name in ("ray_workers", "ray_gpus", "ray_cpus"):
            if getattr(arguments, name) is not None:
                raise UsageError(f"--{name.replace('_', '-')} is of --ray: add it, or leave both")
        yield None
        return
    from freegvc.cluster import Workers

    gpus = arguments.ray_gpus
    if gpus is None:
        gpus = 1.0 if arguments.device.startswith("cuda") else 0.0
    with Workers(
        arguments.ray,
        num_workers=arguments.ray_workers,
        gpus=gpus,
        cpus=1 if arguments.ray_cpus is None else arguments.ray_cpus,
    ) as workers:
        each = f"{workers.gpus:g} GPUs and {workers.cpus} CPU cores each"
        say(f"Ray: {workers.num_workers} workers, {each}")
        yield workers


def without_device(options: dict[str, Any]) -> dict[str, Any]:
    """The keywords of `load_prior` for workers, which know their device."""
    return {name: value for name, value in options.items() if name != "device"}
