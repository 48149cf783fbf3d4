"""Entry of the command `freegvc`: arguments in, exit code out.

Exit codes: 0 done; 1 the machine failed (disk full, no permission) or a bug; 2 usage; 3 input
video; 4 stream; 5 prior or metric; 6 target not reachable; 129, 130, 143 ended by SIGHUP, SIGINT,
SIGTERM; 141 the pipe on stdout was closed.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any

from freegvc import __version__
from freegvc._cli.parser import CommandParser, PrintCompletion
from freegvc._cli.paths import printable
from freegvc._cli.warning_lines import warnings_as_lines
from freegvc.errors import FreeGvcError

# by concern, name: (module that declares it, what it does)
GROUPS = {
    "coding, with a prior": {
        "compress": ("compress", "compress a video into a .fgvc file"),
        "decompress": ("decompress", "turn a .fgvc file back into a video"),
        "thumbnail": ("thumbnail", "decode single frames of a .fgvc file into a .png file"),
    },
    ".fgvc files, without any model": {
        "info": ("streams", "show what a .fgvc file holds"),
        "verify": ("streams", "check that a .fgvc file is complete and undamaged"),
        "truncate": ("streams", "make a smaller .fgvc file from a larger one"),
        "merge": ("parts", "join the parts of compress --gops into one .fgvc file"),
    },
    "quality": {
        "score": ("score", "compare a video or a .fgvc file with its original"),
        "view": ("view", "make a page that plays versions of a video in step, with their scores"),
        "sweep": ("sweep", "score several rates, all cut from one stream"),
        "strip": ("strip", "show one frame at growing rates, all cut from one stream"),
        "study": ("study", "a user study: build its page, analyse its votes"),
    },
    "setup": {
        "priors": ("priors", "list, show and fetch the priors, and exchange embeddings"),
        "demo": ("demo", "compress, decode and show a short scene"),
        "doctor": ("doctor", "check what works on this machine"),
    },
}
_USAGE = {  # where listing every option would fill the page
    "compress": "freegvc compress INPUT OUTPUT [a target] [options]\n"
    "       freegvc compress INPUT... --out-dir DIR [a target] [options]",
    "decompress": "freegvc decompress INPUT OUTPUT [options]\n"
    "       freegvc decompress INPUT... --out-dir DIR [options]",
    "score": "freegvc score REFERENCE DISTORTED [options]",
    "view": "freegvc view SOURCE VERSION... [--out FILE.html] [options]",
    "sweep": "freegvc sweep INPUT --rates X,X,... [options]",
    "strip": "freegvc strip INPUT OUTPUT.png [--frame N] [--rates X,X,...] [options]",
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}

# An OSError with one of these codes is a failure of the machine, not a bug: no traceback.
_MACHINE_ERRORS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EFBIG}
    | {errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP}  # the folder of an output is removed
)
_INTERRUPTED = 128 + 2  # as a shell reports a program that SIGINT ended
_PIPE_CLOSED = 128 + 13  # the same for SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 (one for each kind of end)
    """Run one command.

    Args:
        argv: arguments without the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    _replace_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may hold what its encoding does not
        sys.stdout.reconfigure(errors="backslashreplace")
    arguments = argparse.Namespace()
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        if words[:1] == ["help"]:  # as many programs take it
            words = [*words[1:2], "--help"]
        arguments = _parser().parse_args(words)
        with _signals_as_exceptions(), warnings_as_lines():
            code: int = arguments.run(arguments)
        sys.stdout.flush()  # so that a closed pipe raises here
        return code
    except SystemExit as leaving:  # argparse: --help, --version and its own errors
        return leaving.code if isinstance(leaving.code, int) else 1
    except FreeGvcError as error:
        _tell_failed(arguments, type(error).__name__, str(error), error.exit_code)
        return _fail(str(error), error.exit_code)
    except Ended as ended:
        message, code = f"ended by {ended.signal.name}", 128 + ended.signal
        _tell_failed(arguments, "ended", message, code)
        return _fail(message, code)
    except KeyboardInterrupt:
        _tell_failed(arguments, "interrupted", "interrupted", _INTERRUPTED)
        return _fail("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return _PIPE_CLOSED
    except OSError as error:
        fault = None if error.filename else _output_fault()
        if fault is None and error.errno not in _MACHINE_ERRORS:
            raise
        _drop_output()
        where = f"{error.filename}: " if error.filename else ""
        message = f"{where}{error.strerror}" if fault is None else f"standard output: {fault}"
        _tell_failed(arguments, "OSError", message, 1)
        return _fail(message, 1)


class Ended(BaseException):
    """A signal asks the process to end. Like KeyboardInterrupt, it is no Exception."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack, so that temporary files go away as on Ctrl-C."""
    numbers = [
        number
        for name in ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP, and nohup ignores it
        if (number := getattr(signal, name, None)) and signal.getsignal(number) is signal.SIG_DFL
    ]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # only the main thread may set handlers

    received: list[int] = []

    def end(number: int, frame: object) -> None:
        received.append(number)
        for each in numbers:  # a second signal, as `timeout` sends it, must not stop the cleaning
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    try:
        for number in numbers:
            signal.signal(number, end)
        yield
    except BaseException as error:
        # an import that is cut off may raise an error of its own in place of Ended, as numpy's does
        if received and not isinstance(error, Ended):
            raise Ended(received[0]) from error
        raise
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _replace_closed_streams() -> None:
    """Open standard streams that are closed, as by `2>&-`, which Python has none for.

    A file that is opened later would get the number of one, and what a library prints on stderr
    would go into it. Input and output cannot be used by the file in their place; what would be said
    on stderr is dropped.
    """
    for name, mode in (("stdin", "w"), ("stdout", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def _output_fault() -> str | None:
    """What keeps standard output from being written; None where it is not at fault."""
    if not sys.stdout.writable():
        return "it is closed, and this command prints there"
    try:
        sys.stdout.flush()  # what could not be written is still waiting
    except OSError as error:
        return error.strerror
    return None


def _drop_output() -> None:
    """Send to the null device what Python still holds of stdout and writes when it exits."""
    with suppress(OSError, ValueError):  # tests replace stdout by what has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="freegvc",
        description="Generative video compression at ultra-low bitrates.",
        epilog=_command_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"freegvc {__version__}")
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        help="print the completion of this shell (needs freegvc[completion])",
    )
    # argparse cannot group commands: the epilog lists them
    commands = parser.add_subparsers(metavar="COMMAND", required=True, help="one of those below")
    for name, (module, summary) in COMMANDS.items():
        commands.add_parser(
            name,
            description=summary[0].upper() + summary[1:] + ".",
            declare=partial(_declare, module, name),
            usage=_USAGE.get(name),
        )
    return parser


def _command_list() -> str:
    """All commands by concern, for the help page."""
    width = max(map(len, COMMANDS))
    lines = []
    for title, group in GROUPS.items():
        lines.append(f"{title}:")
        lines += [f"  {name:<{width}}  {summary}" for name, (_, summary) in group.items()]
        lines.append("")
    return "\n".join([*lines, "Details: freegvc COMMAND --help"])


def _declare(module: str, name: str, parser: argparse.ArgumentParser) -> None:
    declare: Callable[[Any], None] = getattr(
        import_module(f"freegvc._cli.{module}"), f"declare_{name}"
    )
    declare(parser)


def _tell_failed(arguments: argparse.Namespace, error: str, message: str, code: int) -> None:
    from freegvc._cli.progress import tell_failed

    tell_failed(arguments, error, message, code)


def _fail(message: str, code: int) -> int:
    one_line = printable(" ".join(message.split()))
    print(f"freegvc: error: {one_line}", file=sys.stderr)
    return code
