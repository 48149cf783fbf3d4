"""From votes to preference rates and a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freegvc._study.assignment import Assignment
from freegvc._study.davidson import Strengths, davidson
from freegvc._study.design import COMPARISON, Design
from freegvc._study.screening import Screened, screen
from freegvc._study.votes import LEFT, QUESTIONS, RIGHT, TIE, Ballot
from freegvc._study.wilson import wilson_interval
from freegvc.errors import StudyError, UsageError

ALL_QUESTIONS = "all three"
MAX_RESAMPLES = 100_000
BLOCKS = (*QUESTIONS, ALL_QUESTIONS)
_PRIOR_VOTES = 1 / 3  # for each outcome of each pair: a codec that always wins stays finite

Interval = tuple[float, float]
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rates:
    """How a pair of codecs was judged.

    Attributes:
        pair: first and second codec.
        num_votes: trials that were judged.
        counts: of answers: first better, tie, second better; their sum is `num_votes`. For all
            three questions together these are means over the questions.
        intervals: Wilson's score interval of each of the three shares, 95 %.
    """

    pair: tuple[str, str]
    num_votes: int
    counts: tuple[float, float, float]
    intervals: tuple[Interval, Interval, Interval]

    @property
    def shares(self) -> tuple[float, float, float]:
        """The counts as shares of all votes."""
        first, tie, second = (count / self.num_votes for count in self.counts)
        return first, tie, second


@dataclass(frozen=True)
class Ranked:
    """The place of a codec.

    Attributes:
        codec: its name.
        strength: natural logarithm, with mean 0 over the codecs.
        interval: 95 %, from resampled participants; None for a single one.
    """

    codec: str
    strength: float
    interval: Interval | None


@dataclass(frozen=True)
class Analysis:
    """The result of a study.

    Attributes:
        screened: all participants, those that are left out included.
        rates: by question and for ALL_QUESTIONS: each pair.
        ranking: likewise: codecs from the strongest to the weakest.
        sides: how often LEFT, TIE and RIGHT were answered in comparisons.
        seconds: median time of a comparison.
    """

    screened: tuple[Screened, ...]
    rates: dict[str, tuple[Rates, ...]]
    ranking: dict[str, tuple[Ranked, ...]]
    sides: dict[str, int]
    seconds: float

    @property
    def kept(self) -> tuple[Ballot, ...]:
        """The participants whose votes count."""
        return tuple(person.ballot for person in self.screened if person.is_kept)


def analyse(
    ballots: Sequence[Ballot],
    assignment: Assignment,
    *,
    num_resamples: int = 2000,
    seed: int = 0,
) -> Analysis:
    """Screen the participants, count their votes, and rank the codecs.

    Strengths are those of Davidson's model, fitted to the votes and one vote more for each pair, a
    third for each answer. Their intervals are percentiles over participants drawn with
    replacement, since the votes of one person are not independent.

    Args:
        ballots: as `read_ballots` returns them.
        assignment: of their study.
        num_resamples: how many draws.
        seed: of the draws.

    Raises:
        StudyError: no participant is left.
        UsageError: a number is outside its limits.
    """
    if not 1 <= num_resamples <= MAX_RESAMPLES:
        raise UsageError(
            f"the number of resamples is {num_resamples}, but must be from 1 to {MAX_RESAMPLES}"
        )
    if seed < 0:
        raise UsageError(f"the seed is {seed}, but must not be below 0")
    design = assignment.design
    screened = screen(ballots, design)
    kept = [person.ballot for person in screened if person.is_kept]
    if not kept:
        raise StudyError(
            f"none of {len(screened)} participants has two thirds of the answers to attention "
            "checks right: there are no votes to count"
        )
    by_question = _counts(kept, design)
    by_block = {
        **by_question,
        ALL_QUESTIONS: np.mean([by_question[question] for question in QUESTIONS], axis=0),
    }
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(kept), np.full(len(kept), 1 / len(kept)), num_resamples)
    votes = [v for b in kept for v in b.votes if design.trials[v.trial].kind == COMPARISON]
    given = [side for vote in votes for side in vote.sides.values()]
    return Analysis(
        screened,
        {block: _rates(counts.sum(axis=0), design) for block, counts in by_block.items()},
        {block: _ranking(counts, draws, design) for block, counts in by_block.items()},
        {side: given.count(side) for side in (LEFT, TIE, RIGHT)},
        float(np.median([vote.seconds for vote in votes])),
    )


def _counts(ballots: Sequence[Ballot], design: Design) -> dict[str, Counts]:
    """By question: [participants, pairs, 3] answers."""
    counts = {q: np.zeros((len(ballots), len(design.pairs), 3)) for q in QUESTIONS}
    places = {frozenset(pair): p for p, pair in enumerate(design.pairs)}
    for b, ballot in enumerate(ballots):
        for vote in ballot.votes:
            trial = design.trials[vote.trial]
            if trial.kind != COMPARISON:
                continue
            p = places[frozenset((trial.first, trial.second))]
            is_reversed = trial.first != design.pairs[p][0]
            for question, answer in vote.answers.items():
                counts[question][b, p, 2 - answer if is_reversed else answer] += 1
    return counts


def _rates(counts: Counts, design: Design) -> tuple[Rates, ...]:
    result = []
    for pair, row in zip(design.pairs, counts, strict=True):
        total = float(row.sum())
        first, tie, second = (float(count) for count in row)
        a, b, c = (wilson_interval(count, total) for count in (first, tie, second))
        result.append(Rates(pair, round(total), (first, tie, second), (a, b, c)))
    return tuple(result)


def _ranking(counts: Counts, draws: npt.NDArray[np.int64], design: Design) -> tuple[Ranked, ...]:
    """From counts of participants, [participants, pairs, 3], and draws, [draws, participants]."""
    fitted = _fit(counts.sum(axis=0), design).log_strengths
    intervals: list[Interval | None] = [None] * len(design.codecs)
    if len(counts) > 1:
        redrawn = _fit(np.tensordot(draws, counts, axes=1), design).log_strengths
        low, high = np.percentile(redrawn, (2.5, 97.5), axis=0)
        intervals = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    order = np.argsort(-fitted, kind="stable")
    return tuple(Ranked(design.codecs[k], float(fitted[k]), intervals[k]) for k in order)


def _fit(counts: Counts, design: Design) -> Strengths:
    places = {codec: k for k, codec in enumerate(design.codecs)}
    pairs = [(places[a], places[b]) for a, b in design.pairs]
    return davidson(counts + _PRIOR_VOTES, pairs, len(design.codecs))
