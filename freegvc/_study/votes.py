"""Votes as the page saves them: one JSON file for each participant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freegvc._study.assignment import Assignment, check_format
from freegvc._study.design import MAX_PARTICIPANTS
from freegvc._study.documents import Fields, read_document
from freegvc.errors import StudyError, StudyMismatchError

FORMAT, VERSION = "freegvc study votes", 1
QUESTIONS = ("quality", "continuity", "fidelity")
LEFT, TIE, RIGHT = ANSWERS = ("left", "tie", "right")
FIRST, NEITHER, SECOND = range(3)
_MAX_SECONDS = 1e6  # a page may stay open for days


@dataclass(frozen=True)
class Vote:
    """The answers of a participant to a trial.

    Attributes:
        trial: its id.
        answers: by question: FIRST, NEITHER or SECOND, the trial's versions.
        sides: by question: LEFT, TIE or RIGHT, where they were shown.
        seconds: from the start of the trial to its last answer.
    """

    trial: str
    answers: dict[str, int]
    sides: dict[str, str]
    seconds: float


@dataclass(frozen=True)
class Ballot:
    """All votes of a participant.

    Attributes:
        path: the file.
        participant: the number, from 1.
        votes: one for each trial, in the order in which they were shown.
    """

    path: Path
    participant: int
    votes: tuple[Vote, ...]


def read_ballots(paths: Sequence[Path], assignment: Assignment) -> tuple[Ballot, ...]:
    """Read the files of all participants, sorted by their numbers.

    Raises:
        StudyMismatchError: a file holds no votes, or votes of another study.
        StudyError: a file is damaged or not complete, or two are of one participant.
    """
    ballots: dict[int, Ballot] = {}
    for path in paths:
        ballot = read_ballot(path, assignment)
        other = ballots.setdefault(ballot.participant, ballot)
        if other is not ballot:
            raise StudyError(
                f"{other.path} and {path} are both of participant {ballot.participant}: a number "
                "is for one person and one session; leave one file out"
            )
    return tuple(ballots[number] for number in sorted(ballots))


def read_ballot(path: Path, assignment: Assignment) -> Ballot:
    """Read the votes of one participant.

    Raises:
        StudyMismatchError, StudyError: as `read_ballots`.
    """
    document = read_document(path, "the votes of a participant")
    check_format(path, document, FORMAT, VERSION)
    fields = Fields(str(path), document, ("format", "version", "study", "participant", "votes"))
    study = fields.text("study")
    if study != assignment.study:
        raise StudyMismatchError(
            f"{path} has votes of study {study!r:.60}, but the assignment is of "
            f"{assignment.study!r}: use the assignment file of its page"
        )
    number = fields.integer("participant", 1, MAX_PARTICIPANTS)
    orders = assignment.design.orders
    if number > len(orders):
        raise StudyError(
            f"{path} is of participant {number}, but the study has numbers 1 to {len(orders)}"
        )
    shown = orders[number - 1]
    entries = fields.items("votes")
    if len(entries) != len(shown):
        raise StudyError(
            f"{path} has {len(entries)} votes, but the study has {len(shown)} trials: let the "
            "participant go on with the page, or leave the file out"
        )
    votes = []
    for k, (entry, expected) in enumerate(zip(entries, shown, strict=True)):
        where = f"{path}, vote {k + 1}"
        vote, swapped = _vote(where, entry)
        if (vote.trial, swapped) != (expected.trial, expected.swapped):
            raise StudyError(
                f"{where} is of trial {vote.trial!r:.60}, swapped {swapped}, but participant "
                f"{number} was shown {expected.trial}, swapped {expected.swapped}: the file was "
                "changed, or carries another participant's number"
            )
        votes.append(vote)
    return Ballot(path, number, tuple(votes))


def _vote(where: str, entry: Any) -> tuple[Vote, bool]:
    fields = Fields(where, entry, ("trial", "swapped", *QUESTIONS, "seconds"))
    swapped = fields.truth("swapped")
    sides = {question: fields.text(question, ANSWERS) for question in QUESTIONS}
    answers = {
        question: (SECOND - ANSWERS.index(side) if swapped else ANSWERS.index(side))
        for question, side in sides.items()
    }
    seconds = fields.number("seconds", 0, _MAX_SECONDS)
    return Vote(fields.text("trial"), answers, sides, seconds), swapped
