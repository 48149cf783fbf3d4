"""The journal of a run: its plan and the GOPs that are finished, so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from freegvc._atomic import came_meanwhile, check_output
from freegvc._codec.journal_records import (
    JournalledGop,
    PartEnd,
    decode_gop,
    encode_end,
    encode_gop,
    encode_plan,
    is_gop,
    output_record,
    plan_of,
)
from freegvc._codec.output_path import check_new_stream
from freegvc._codec.plan import Plan, shown
from freegvc._codec.record_file import RecordFile, read_records
from freegvc._control.finished_gop import FinishedGop
from freegvc._sibling_names import name_beside
from freegvc.errors import JournalError, JournalMismatchError, OutputExistsError, UsageError

MAX_IDLE_BYTES = 1 << 26  # the file is written anew without them, at a few KB for each GOP


class Journal:
    """Keeps each finished GOP of a run in a file, until the output is there.

        with Journal.open(path, plan, resume=True) as journal:
            journal.gops          # those that an earlier run has finished, by index
            journal.add(finished, digest)

    `add` returns once the GOP is on the disk, so that neither kill -9 nor a loss of power takes it
    away. The file stays when the block ends: `remove` it once the stream is safe. Without a single
    GOP it holds nothing, and goes away if the block fails.

    Attributes:
        path: of the file.
        plan: what the run does, by name, as JSON holds it.
        gops: finished GOPs by index; `add` adds to them. Only the last one has its tail.
    """

    def __init__(self, path: Path, plan: Plan, file: RecordFile) -> None:
        self.path = path
        self.plan = plan
        self.gops: dict[int, JournalledGop] = {}
        self._file = file
        self._idle_bytes = 0  # in the file, of tails that nothing needs any more

    @classmethod
    def open(cls, path: Path, plan: Plan, *, resume: bool) -> Self:
        """Begin a journal, or go on with one.

        Args:
            path: of the file.
            plan: everything that decides the bytes of the stream.
            resume: go on with the journal at `path` if there is one.

        Raises:
            OutputExistsError: there is one, and `resume` is false.
            JournalMismatchError: it is of another plan.
            JournalError: it is damaged, or no journal.
            UsageError: another run writes to it.
            OSError: it cannot be written.
        """
        check_journal(path, resume=resume)
        if not path.exists():
            return cls._begin(path, plan, RecordFile.create(path))
        file, payloads = RecordFile.reopen(path)
        try:
            if not payloads:  # the run was killed before its plan was on the disk
                return cls._begin(path, plan, file)
            journal = cls(path, plan_of(path, payloads[0]), file)
            _compare(path, journal.plan, plan)
            for payload in payloads[1:]:
                if is_gop(payload):
                    journal._take(decode_gop(path, payload))
        except BaseException:
            file.close()
            raise
        return journal

    @classmethod
    def _begin(cls, path: Path, plan: Plan, file: RecordFile) -> Self:
        journal = cls(path, plan, file)
        try:
            file.append(encode_plan(plan))
        except BaseException:
            journal.remove()
            raise
        return journal

    def _take(self, gop: JournalledGop) -> None:
        """Take a GOP that is in the file; the tail of the one before has served."""
        self._check_order(gop)
        index = gop.finished.index
        before = self.gops.get(index - 1)
        if before is not None and before.finished.tail is not None:
            self._idle_bytes += before.finished.tail.nbytes
            self.gops[index - 1] = _without_tail(before)
        self.gops[index] = gop

    def _check_order(self, gop: JournalledGop) -> None:
        index, last = gop.finished.index, max(self.gops, default=gop.finished.index - 1)
        if index != last + 1:
            raise JournalError(
                f"{self.path}: GOP {index} follows GOP {last}, but GOPs are finished in order: "
                "remove the journal and start anew"
            )

    def add(self, finished: FinishedGop, input_digest: str) -> None:
        """Put a finished GOP on the disk.

        Args:
            finished: the next one.
            input_digest: as for `JournalledGop`.

        Raises:
            OSError: the disk is full, for example; the GOPs before are safe.
        """
        gop = JournalledGop(finished, input_digest)
        self._check_order(gop)
        if self._idle_bytes > MAX_IDLE_BYTES:
            gops = [*map(_without_tail, self.gops.values()), gop]
            self._file.replace([encode_plan(self.plan), *map(encode_gop, gops)])
            self._idle_bytes = 0
        else:
            self._file.append(encode_gop(gop))
        self._take(gop)

    def note_output(self, data: bytes) -> None:
        """Keep a digest of the stream that is about to be written, for `settle`."""
        self._file.append(output_record(data))

    @contextmanager
    def naming_itself(self, output: Path) -> Iterator[None]:
        """Say how to go on where the block finds that the output must not be written any more."""
        try:
            yield
        except UsageError as error:
            advice = (
                f"{self.path} keeps all GOPs; move {output.name} away, or allow overwriting "
                "(--force, overwrite=True), and go on (--resume, resume=True)"
            )
            raise came_meanwhile(output, advice) from error

    def finish_part(self, end: PartEnd, path: Path, *, overwrite: bool) -> None:
        """End the journal of a part, and give it the name of the part's file."""
        self._file.append(encode_end(end))
        with self.naming_itself(path):
            check_output(path, overwrite=overwrite)
        self._file.rename_to(path)

    def close(self) -> None:
        """Let go of the file, which stays. A second call has no effect."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file: the stream is safe, or there is nothing worth keeping."""
        self._file.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None or self.gops:
            self.close()
        else:
            self.remove()


def _without_tail(gop: JournalledGop) -> JournalledGop:
    return replace(gop, finished=replace(gop.finished, tail=None))


def journal_path(output: Path) -> Path:
    """Where the journal of a file is kept while it is made.

    Raises:
        UsageError: the path has no name: it is a folder.
    """
    if not output.name:
        raise UsageError(f"{output} is a folder: name a file")
    return name_beside(output, ".journal")


def count_gops(path: Path) -> int:
    """How many finished GOPs a journal holds.

    Raises:
        JournalError: it is damaged, or no journal.
    """
    return sum(map(is_gop, read_records(path)[1:]))


def settle(output: Path) -> bool:
    """Whether an output is the finished one of its journal, which is then deleted.

    So it is after a run that was killed between writing the one and deleting the other.

    Raises:
        JournalError: the journal is damaged.
        UsageError: another run writes to it.
    """
    path = journal_path(output)
    if not path.exists() or not output.is_file():
        return False
    file, payloads = RecordFile.reopen(path)
    try:
        is_finished = output_record(output.read_bytes()) in payloads[1:]
        if is_finished:
            file.remove()
    finally:
        file.close()
    return is_finished


def finished_before(output: Path, video: object, *, resume: bool, overwrite: bool) -> bool:
    """Refuse an output that cannot or must not be written, and the journal of an earlier run.

    Args:
        output: the .fgvc file of a run that is about to begin.
        video: its input.
        resume, overwrite: as for `compress_file`.

    Returns:
        Whether the run that is to be resumed has written it, as `settle` says: nothing is to do.

    Raises:
        OutputExistsError, UsageError: as `check_new_stream`, `check_output` and `check_journal`.
        JournalError: the journal is damaged.
    """
    check_new_stream(output, video)
    if resume and settle(output):
        return True
    path = journal_path(output)
    check_output(output, overwrite=overwrite)
    check_journal(path, resume=resume)
    return False


def check_journal(path: Path, *, resume: bool) -> None:
    """Refuse to pass over the journal of an earlier run, before any work.

    Raises:
        OutputExistsError: there is one, and `resume` is false.
    """
    if path.exists() and not resume:
        raise OutputExistsError(
            f"{path} is the journal of a run that did not end: go on with it (--resume, "
            "resume=True), or remove it to start anew"
        )


def difference(kept: Plan, wanted: Plan) -> str | None:
    """The name of what differs first between two plans; None if they are equal."""
    for name in [*wanted, *(name for name in kept if name not in wanted)]:
        if kept.get(name) != wanted.get(name):
            return name
    return None


def _compare(path: Path, kept: Plan, wanted: Plan) -> None:
    """Refuse a journal of another plan, naming what differs."""
    wanted = json.loads(json.dumps(wanted))  # tuples become lists, as in the file
    name = difference(kept, wanted)
    if name is not None:
        hint = ", which effort decides" if name in ("first_step", "growth") else ""
        raise JournalMismatchError(
            f"{path} is of a run whose {name} is {shown(kept.get(name))}, but here it is "
            f"{shown(wanted.get(name))}{hint}: give what that run was given, or remove the journal "
            "to start anew"
        )
