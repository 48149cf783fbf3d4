"""The argument parser: a command declares its arguments only when it is the one that runs.

So `freegvc --help` does not load the codec, from whose signatures the commands read defaults.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from freegvc._cli.paths import STANDARD
from freegvc.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """A parser whose arguments are declared on first use.

    Args:
        declare: adds the arguments; called once with this parser before it parses.
        **kwargs: as for ArgumentParser.
    """

    def __init__(
        self, *, declare: Callable[[argparse.ArgumentParser], None] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(allow_abbrev=False, **kwargs)
        self._declare = declare
        self._takes_names = False
        self._words: Sequence[str] = ()

    def declare_now(self) -> None:
        """Declare the arguments, if that was not done yet."""
        if self._declare is not None:
            declare, self._declare = self._declare, None
            declare(self)

    def parse_known_args(  # type: ignore[override]  # the stubs overload it by the namespace's type
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
        **kwargs: Any,
    ) -> tuple[argparse.Namespace, list[str]]:
        self.declare_now()
        args = self._words = sys.argv[1:] if args is None else args
        if self._subparsers is not None and args:  # argparse would miss the command first
            word = args[0].partition("=")[0]
            if word.startswith("-") and word not in self._option_string_actions:
                self.error(f"there is no option {word}{self._guess(word)}")
        result: tuple[argparse.Namespace, list[str]] = super().parse_known_args(
            args, namespace, **kwargs
        )
        if self._subparsers is not None:
            return result
        arguments, words = result
        # here, so that messages name this command
        options = words[: words.index("--")] if "--" in words else words
        unknown = [word for word in options if word.startswith("-") and word != STANDARD]
        if unknown:
            self.error(f"there is no option {unknown[0]}{self._guess(unknown[0])}")
        if self._takes_names:
            self._name_files(arguments, [word for word in words if word != "--"])
        elif words:
            self.error(f"unrecognized arguments: {' '.join(words)}")
        self._refuse_empty(arguments)
        return arguments, []

    def add_names(self, source: str, output: str, folder: Any) -> None:
        """INPUT and OUTPUT, or any number of inputs with --out-dir.

        `input` and `output` of the arguments are None in the second case, `inputs` and `out_dir` in
        the first.

        Args:
            source, output: help of the two.
            folder: the group that --out-dir goes to.
        """
        self._takes_names = True
        self.add_argument("input", help=source)
        self.add_argument("output", nargs="?", help=output)
        folder.add_argument(
            "--out-dir",
            metavar="DIR",
            help="take several inputs, and write each to a file of its name in this folder; "
            "those that are whole already are left out, without --force",
        )

    def _name_files(self, arguments: argparse.Namespace, words: Sequence[str]) -> None:
        """Tell inputs from the output: argparse takes the names between two options only."""
        first_two = [arguments.input, arguments.output]
        names = [name for name in [*first_two, *words] if name is not None]
        arguments.inputs = None
        if arguments.out_dir is not None:
            arguments.inputs, arguments.input, arguments.output = names, None, None
        elif len(names) == 1:
            self.error("the following arguments are required: output")
        elif len(names) > 2:
            self.error(
                f"{len(names)} names were given, but one input and one output are taken: several "
                "inputs need --out-dir DIR"
            )
        else:
            arguments.input, arguments.output = names

    def _refuse_empty(self, arguments: argparse.Namespace) -> None:
        """A name without characters would be the current folder."""
        for dest in [a.dest for a in self._actions if not a.option_strings] + ["inputs"]:
            given = getattr(arguments, dest, None)
            if "" in (given if isinstance(given, list) else [given]):
                self.error(f"the name of {dest} is empty: is a variable of the shell unset?")

    def _guess(self, word: str) -> str:
        known = list(self._option_string_actions)
        close = get_close_matches(word.partition("=")[0], known, n=1)
        return f" (did you mean {close[0]}?)" if close else ""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is None or value in choices:
            return
        names = [str(choice) for choice in choices]
        close = get_close_matches(str(value), names, n=1)
        guess = f" (did you mean {close[0]}?)" if close else ""
        what = "/".join(action.option_strings) or str(action.metavar or action.dest).lower()
        self.error(f"{what} is {value!r}{guess}, but must be one of {', '.join(names)}")

    def error(self, message: str) -> NoReturn:
        """One line, as for every other error."""
        message += self._how_to_write_a_dash(message)
        self.exit(UsageError.exit_code, f"freegvc: error: {message} (see {self.prog} --help)\n")

    def _how_to_write_a_dash(self, message: str) -> str:
        """What argparse does not say of a value such as -2:, which it takes for an option."""
        missing = re.search(r"(--[a-z-]+): expected one argument$", message)
        for option, value in pairwise(self._words) if missing else ():
            if missing and option == missing[1] and re.match(r"-[\d.]", value):
                return f"; write {option}={value}"
        return ""

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse ignores a closed pipe; main handles it for all output alike
        if message:
            (file or sys.stderr).write(message)


class PrintCompletion(argparse.Action):
    """Prints what a shell needs to complete the options of every command."""

    def __call__(self, parser: argparse.ArgumentParser, *values: Any) -> NoReturn:
        try:
            import shtab
        except ImportError:
            raise UsageError(
                "shell completion needs shtab: pip install 'freegvc[completion]'"
            ) from None
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, command in action.choices.items():
                    command.declare_now()
                    # shtab passes over commands without a help line, which our epilog has instead
                    line = action._ChoicesPseudoAction(name, [], command.description or "")
                    action._choices_actions.append(line)
        sys.stdout.write(shtab.complete(parser, values[1]))
        parser.exit()


def keywords_of(function: Callable[..., object]) -> dict[str, Any]:
    """Keyword arguments of a function and their defaults, without `on_event`."""
    parameters = inspect.signature(function).parameters.values()
    return {
        p.name: p.default
        for p in parameters
        if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name != "on_event"
    }


def add_input_options(parser: argparse.ArgumentParser, what: str) -> None:
    """What `open_video` takes: how to read a video."""
    group = parser.add_argument_group(f"how to read {what}")
    group.add_argument("--size", metavar="WxH", help="picture size of a .yuv file, such as 416x240")
    group.add_argument(
        "--fps", metavar="R", help="frame rate (default: the file's own; 25 if it has none)"
    )
    group.add_argument("--pix-fmt", metavar="F", help="samples of a .yuv file (default: yuv420p)")
    group.add_argument(
        "--matrix",
        metavar="M",
        help="colour matrix, whatever the file says: bt709, bt601, bt2020, fcc or smpte240m",
    )
    group.add_argument(
        "--range", dest="colour_range", metavar="R", help="colour range likewise: limited or full"
    )
    group.add_argument(
        "--strict-input", action="store_true", help="fail if it is damaged, cut short or repaired"
    )
    group.add_argument(
        "--deinterlace",
        action=argparse.BooleanOptionalAction,
        help="deinterlace it, or take it as whole pictures (default: refuse interlaced video)",
    )


def input_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `open_video` that the options name."""
    from freegvc._video import open_video

    return {name: getattr(arguments, name) for name in keywords_of(open_video)}


def add_allow_large(group: Any) -> None:
    """For commands that decode a stream."""
    group.add_argument(
        "--allow-large",
        action="store_true",
        help="decode a file that asks for far more memory or model calls than its size explains",
    )


def add_force(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--force, for every command that writes."""
    parser.add_argument("--force", action="store_true", help="overwrite existing output")


def add_metric_weights(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--metric-weights, for every command that scores or tunes."""
    from freegvc.metrics import WEIGHTS_VARIABLE

    parser.add_argument(
        "--metric-weights",
        type=Path,
        metavar="DIR",
        help=f"folder of the networks' safetensors (default: {WEIGHTS_VARIABLE}, then torch's "
        "cache, then a download)",
    )
