"""Batches: one command for several inputs, with --out-dir."""

from __future__ import annotations

import argparse
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from freegvc._cli.pages import count
from freegvc._cli.paths import STANDARD, say
from freegvc._cli.progress import tell, tell_failed
from freegvc._cli.warning_lines import warnings_as_lines
from freegvc.errors import FreeGvcError, OutputExistsError, UsageError
from freegvc.events import BatchDone, FileSkipped

OneFile = Callable[[argparse.Namespace], object]
IsWhole = Callable[[argparse.Namespace], bool]
FileEnded = tuple[argparse.Namespace, FreeGvcError | OSError | None]
ManyFiles = Callable[[Sequence[argparse.Namespace]], Iterator[FileEnded]]


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong with an input."""

    source: str
    message: str
    exit_code: int


# errors of one file; others, such as a full disk, meet the next file too and end the batch
_OF_ONE_FILE = frozenset(
    {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP, errno.EFBIG}
)


@dataclass
class _Tally:
    """What became of the files of a batch so far."""

    num_done: int = 0
    skipped: list[str] = field(default_factory=list)
    failures: list[_Failure] = field(default_factory=list)

    @property
    def num_ended(self) -> int:
        """Files that nothing more will be done for."""
        return self.num_done + len(self.skipped) + len(self.failures)

    @property
    def exit_code(self) -> int:
        """0 if no file failed, the code of the failures if they agree, else 1."""
        codes = {failure.exit_code for failure in self.failures} or {0}
        return codes.pop() if len(codes) == 1 else 1


def run_batch(
    arguments: argparse.Namespace,
    command: str,
    suffix: str,
    one: OneFile,
    is_whole: IsWhole,
    many: ManyFiles | None = None,
) -> int:
    """Run a command for each of its inputs, whatever becomes of the others.

    Args:
        arguments: of the command, with `inputs` and `out_dir`.
        command: its name.
        suffix: of the outputs.
        one: runs the command for one input; it is given the arguments with `input` and `output`.
        is_whole: whether an output that exists is whole; asked with the same arguments. One that is
            not is replaced, so it must be a broken output of this command.
        many: runs the command for several inputs side by side, instead of `one`; it yields the
            arguments of each as it ends, and what went wrong.

    Returns:
        The exit code.

    Raises:
        UsageError: an input is `-`, or two of them would have the same output.
    """
    outputs = outputs_of(arguments.inputs, arguments.out_dir, suffix)
    _make_folder(arguments.out_dir)
    began = time.perf_counter()
    tally = _Tally()
    files = [
        argparse.Namespace(
            **(vars(arguments) | {"input": source, "output": output, "about": source})
        )
        for source, output in zip(arguments.inputs, outputs, strict=True)
    ]
    try:
        for _ in _run_each(files, one, is_whole, tally, many):
            if tally.num_ended < len(outputs):
                say(f"{command}: {tally.num_ended} of {count(len(outputs), 'file')}")
    finally:  # a full disk or a signal may end it early
        _say_end(tally, len(outputs))
    failed = [failure.source for failure in tally.failures]
    seconds = time.perf_counter() - began
    tell(
        arguments,
        BatchDone(command, tally.num_done, tally.skipped, failed, tally.exit_code, seconds),
    )
    return tally.exit_code


def outputs_of(inputs: Sequence[str], folder: str, suffix: str) -> list[str]:
    """The output of each input: a file of its name in the folder, with another suffix.

    Raises:
        UsageError: an input is `-`, or two of them would have the same output.
    """
    outputs: dict[str, str] = {}
    names = []
    for source in inputs:
        if source == STANDARD:
            raise UsageError("- has no name for a file in --out-dir: name files only")
        path = Path(source)
        if path.name in ("", ".."):  # such as "."
            path = path.resolve()
        output = str(Path(folder) / f"{path.name if path.is_dir() else path.stem}{suffix}")
        same = os.path.normcase(output)
        if same in outputs:
            raise UsageError(
                f"{outputs[same]} and {source} would both be written to {output}: rename one, or "
                "give them in two runs with two folders"
            )
        outputs[same] = source
        names.append(output)
    return names


def _make_folder(folder: str) -> None:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"--out-dir {folder} cannot be made: {error.strerror}; name another folder"
        ) from error


def _run_each(
    files: Sequence[argparse.Namespace],
    one: OneFile,
    is_whole: IsWhole,
    tally: _Tally,
    many: ManyFiles | None,
) -> Iterator[None]:
    """Run the command for each file; yields when one has ended."""
    waiting = []
    for file in files:
        with _failures_counted(file, tally), warnings_as_lines(f"{file.input}: "):
            if _is_finished(file, is_whole):
                tally.skipped.append(file.input)
            elif many is None:
                one(file)
                tally.num_done += 1
            else:
                waiting.append(file)
                continue
        yield
    for file, error in many(waiting) if many is not None else ():
        with _failures_counted(file, tally):
            if error is not None:
                raise error
            tally.num_done += 1
        yield


def _is_finished(file: argparse.Namespace, is_whole: IsWhole) -> bool:
    """Whether the output of a file is there and whole; one that is broken is to be replaced."""
    if file.force or not Path(file.output).exists():
        return False
    if is_whole(file):
        say(f"{file.output}: finished already; --force makes it anew")
        tell(file, FileSkipped(file.input, file.output))
        return True
    say(f"{file.output}: not whole, so it is made anew")
    file.force = True
    return False


@contextmanager
def _failures_counted(file: argparse.Namespace, tally: _Tally) -> Iterator[None]:
    try:
        yield
    except FreeGvcError as error:
        _count_failure(file, tally, type(error).__name__, str(error), error.exit_code)
    except OSError as error:
        if error.errno not in _OF_ONE_FILE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _count_failure(file, tally, "OSError", f"{where}{error.strerror}", 1)


def _count_failure(
    file: argparse.Namespace, tally: _Tally, error: str, message: str, exit_code: int
) -> None:
    message = " ".join(message.split())
    say(f"{file.input}: failed: {message}")
    tell_failed(file, error, message, exit_code)
    tally.failures.append(_Failure(file.input, message, exit_code))


def _say_end(tally: _Tally, num_files: int) -> None:
    done = f"{tally.num_done} done, {len(tally.skipped)} finished before"
    left = num_files - tally.num_ended
    rest = f", {left} not done" if left else ""
    say(f"{count(num_files, 'file')}: {done}, {len(tally.failures)} failed{rest}")
    for failure in tally.failures:
        say(f"  {failure.source}: {failure.message}")


def exists_unfinished(output: str) -> OutputExistsError:
    """The error for an output that is there and not whole, and may be somebody else's."""
    return OutputExistsError(
        f"{output} exists and is not what this input gives: choose another folder, or allow "
        "overwriting (--force)"
    )
