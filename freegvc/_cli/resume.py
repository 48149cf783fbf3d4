"""--resume, and what is said of a run that does not end."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from freegvc._cli.pages import count
from freegvc._cli.paths import STANDARD, say
from freegvc.errors import JournalError, UsageError


def add_resume(group: argparse._ArgumentGroup, what: str) -> None:
    """--resume, for the commands that can go on.

    Args:
        group: of options.
        what: what they go on with.
    """
    group.add_argument(
        "--resume", action="store_true", help=f"go on with {what} of a run that did not end"
    )


def refuse_resume_with_data(arguments: argparse.Namespace) -> None:
    """Refuse to resume what goes to standard output, of which nothing is kept.

    Raises:
        UsageError: `--resume` and the output `-`.
    """
    if arguments.resume and arguments.output == STANDARD:
        raise UsageError("--resume needs what an output file leaves beside it: name a file, not -")


def was_settled(output: str) -> bool:
    """Whether an earlier run has written its output, and was killed before it left."""
    from freegvc._codec.journal import settle

    settled = output != STANDARD and settle(Path(output))
    if settled:
        say(f"{output}: finished before")
    return settled


@contextmanager
def telling_what_is_kept(output: str, *, resume: bool) -> Iterator[None]:
    """Say how far an earlier run came and, if this one fails, how to go on.

    Args:
        output: the .fgvc file, beside which its journal lies.
        resume: whether to go on with one.

    Raises:
        OutputExistsError: there is a journal, and `resume` is false.
    """
    from freegvc._codec.journal import check_journal, count_gops, journal_path

    journal = journal_path(Path(output))
    check_journal(journal, resume=resume)
    if resume and journal.exists():
        say(f"{journal}: {count(count_gops(journal), 'GOP')} finished before")
    try:
        yield
    except (UsageError, JournalError):  # which name the journal themselves if it is about one
        raise
    except BaseException:
        # a journal that is damaged, or gone, must not hide what went wrong first
        with suppress(JournalError):
            gops = count(count_gops(journal), "finished GOP")
            say(f"{journal} keeps {gops}: the same command with --resume goes on from there")
        raise
