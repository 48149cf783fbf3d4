"""Entry of the command `freegvc`: arguments in, exit code out.

Exit codes: 0 done; 1 the machine failed (disk full, no permission) or a bug; 2 usage; 3 input
video; 4 stream; 5 prior or metric; 6 target not reachable; 130 interrupted; 141 the reader of
stdout left.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from freegvc import __version__
from freegvc.cli.parser import CommandParser
from freegvc.errors import FreeGvcError, FreeGvcWarning

# name: (module that declares it, what it does)
COMMANDS = {
    "compress": ("coding", "compress a video into a .fgvc file"),
    "decompress": ("coding", "turn a .fgvc file back into a video"),
    "info": ("streams", "show what a .fgvc file holds"),
    "verify": ("streams", "check that a .fgvc file is whole"),
    "truncate": ("streams", "make a smaller .fgvc file of one, without any model"),
    "score": ("score", "compare a video or a .fgvc file with its original"),
    "priors": ("priors", "list, fetch and show the priors"),
    "demo": ("demo", "compress, decode and show a short scene"),
    "doctor": ("doctor", "check what works on this machine"),
}

# An OSError of these kinds is the machine's answer, not a bug: no traceback.
_MACHINE_ERRORS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG}
)
_INTERRUPTED = 128 + 2  # as a shell reports a program that SIGINT ended
_READER_LEFT = 128 + 13  # the same for SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    try:
        arguments = _parser().parse_args(argv)
        with _warnings_as_lines():
            code: int = arguments.run(arguments)
        sys.stdout.flush()  # so that a reader who left is noticed here
        return code
    except SystemExit as leaving:  # argparse: --help, --version and its own errors
        return leaving.code if isinstance(leaving.code, int) else 1
    except FreeGvcError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        # Python flushes stdout once more when it exits; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_LEFT
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror}", 1)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="freegvc",
        description="Generative video compression at ultra-low bitrates.",
        epilog="freegvc COMMAND --help says more.",
    )
    parser.add_argument("--version", action="version", version=f"freegvc {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            declare=partial(_declare, module, name),
        )
    return parser


def _declare(module: str, name: str, parser: argparse.ArgumentParser) -> None:
    declare: Callable[[Any], None] = getattr(
        import_module(f"freegvc.cli.{module}"), f"declare_{name}"
    )
    declare(parser)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show freegvc's own warnings as one line each, whatever filters are set."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if issubclass(category, FreeGvcWarning):
                print(f"freegvc: warning: {message}", file=sys.stderr)
            else:
                usual(message, category, *rest, **more)

        # the documented hook of the module
        warnings.showwarning = show
        warnings.simplefilter("always", FreeGvcWarning)
        yield


def _fail(message: str, code: int) -> int:
    one_line = " ".join(message.split())
    print(f"freegvc: error: {one_line}", file=sys.stderr)
    return code
