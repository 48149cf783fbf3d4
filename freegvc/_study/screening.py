"""Attention checks: whose votes count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from freegvc._study.design import COMPARISON, IDENTICAL, Design, Trial
from freegvc._study.plan import REFERENCE
from freegvc._study.votes import FIRST, NEITHER, SECOND, Ballot

NEEDED = Fraction(2, 3)  # whoever guesses has 1/3 on average, and so has always left, or always tie


@dataclass(frozen=True)
class Screened:
    """A participant's answers to the checks.

    Attributes:
        ballot: all votes.
        num_right: right answers to checks.
        num_answers: all answers to checks, three for each.
    """

    ballot: Ballot
    num_right: int
    num_answers: int

    @property
    def is_kept(self) -> bool:
        """Whether at least two thirds of the answers to checks are right."""
        return self.num_right >= NEEDED * self.num_answers


def screen(ballots: Sequence[Ballot], design: Design) -> tuple[Screened, ...]:
    """Count each participant's right answers to the checks.

    Right is the reference where it stands against a poor version, and a tie where both sides show
    the same.
    """
    result = []
    for ballot in ballots:
        right = [
            answer == _right_answer(design.trials[vote.trial])
            for vote in ballot.votes
            if design.trials[vote.trial].kind != COMPARISON
            for answer in vote.answers.values()
        ]
        result.append(Screened(ballot, sum(right), len(right)))
    return tuple(result)


def _right_answer(trial: Trial) -> int:
    if trial.kind == IDENTICAL:
        return NEITHER
    return FIRST if trial.first == REFERENCE else SECOND
