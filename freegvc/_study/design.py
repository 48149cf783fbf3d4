"""The design of a study: its trials, and for each participant their order and their sides.

Everything random comes from the seed. Participants 1 and 2, 3 and 4, and so on, are shown mirror
images: what one has on the left, the other has on the right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from freegvc._study.plan import POOR, REFERENCE, Plan
from freegvc.errors import UsageError

COMPARISON, OBVIOUS, IDENTICAL = KINDS = ("comparison", "obvious", "identical")
MAX_PARTICIPANTS, MAX_CHECKS, MAX_SEED = 1000, 20, 2**63 - 1
_ORDERS_TRIED = 100
_ID_BITS = 32


@dataclass(frozen=True)
class Trial:
    """Two versions of a sequence, to be compared.

    Attributes:
        id: hexadecimal; it tells nothing.
        kind: COMPARISON, or a check: OBVIOUS, the reference against a poor version, or IDENTICAL,
            one version twice.
        sequence: the name of the sequence.
        first, second: codecs, in random order; REFERENCE and POOR in an obvious check.
    """

    id: str
    kind: str
    sequence: str
    first: str
    second: str


@dataclass(frozen=True)
class Shown:
    """A trial as a participant sees it.

    Attributes:
        trial: its id.
        swapped: whether the second version is on the left.
    """

    trial: str
    swapped: bool


@dataclass(frozen=True)
class Design:
    """Who sees what.

    Attributes:
        seed: of everything random.
        codecs: the names.
        pairs: of codecs that are compared with each other.
        trials: by id; comparisons and checks.
        practice: a trial as OBVIOUS, which every participant sees first and which does not count.
        orders: for each participant, from number 1 on, all trials.
    """

    seed: int
    codecs: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    trials: dict[str, Trial]
    practice: Trial
    orders: tuple[tuple[Shown, ...], ...]


def make_design(
    plan: Plan,
    *,
    ours: str | None = None,
    num_checks: int = 3,
    num_participants: int = 100,
    seed: int = 0,
) -> Design:
    """All pairs of codecs for each sequence, or one codec against each other.

    For each participant, a pair has each of its codecs on the left in half of the sequences; where
    their number is odd, in one more for every second participant. Trials are in random order, with
    few neighbours of one sequence.

    Args:
        plan: sequences and codecs.
        ours: the codec that is compared with each other one; None for all pairs.
        num_checks: attention checks: every third one is IDENTICAL, the others are OBVIOUS.
        num_participants: how many numbers can be handed out.
        seed: an integer from 0.

    Raises:
        UsageError: `ours` is no codec of the plan, or a number is outside its limits.
    """
    _check("the number of checks", num_checks, 0, MAX_CHECKS)
    _check("the number of participants", num_participants, 1, MAX_PARTICIPANTS)
    _check("the seed", seed, 0, MAX_SEED)
    if ours is None:
        pairs = tuple(combinations(plan.codecs, 2))
    elif ours in plan.codecs:
        pairs = tuple((ours, codec) for codec in plan.codecs if codec != ours)
    else:
        raise UsageError(f"{ours!r} is no codec of the plan: it has {', '.join(plan.codecs)}")
    rng = np.random.default_rng([seed, 0])
    names = [sequence.name for sequence in plan.sequences]
    comparisons = [(COMPARISON, name, *pair) for pair in pairs for name in names]
    checks, practice = _checks(rng, names, plan.codecs, num_checks)
    ids = _ids(rng, len(comparisons) + len(checks) + 1)
    trials = []
    for kind, name, *versions in (*comparisons, *checks, practice):
        first, second = versions if rng.integers(2) else reversed(versions)
        trials.append(Trial(next(ids), kind, name, first, second))
    *counted, practice_trial = trials
    orders = tuple(
        _order(seed, number, counted, pairs) for number in range(1, num_participants + 1)
    )
    by_id = {trial.id: trial for trial in sorted(counted, key=lambda trial: trial.id)}
    return Design(seed, plan.codecs, pairs, by_id, practice_trial, orders)


def _check(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UsageError(f"{what} is {value}, but must be from {low} to {high}")


_Versions = tuple[str, str, str, str]


def _checks(
    rng: np.random.Generator, names: Sequence[str], codecs: Sequence[str], num_checks: int
) -> tuple[list[_Versions], _Versions]:
    """Kind, sequence and versions of the checks and of the practice trial."""
    order = rng.permutation(len(names))
    places = [names[order[k % len(names)]] for k in range(num_checks + 1)]
    checks = []
    for k, name in enumerate(places[1:], start=1):
        if k % 3:
            checks.append((OBVIOUS, name, REFERENCE, POOR))
        else:
            codec = codecs[int(rng.integers(len(codecs)))]
            checks.append((IDENTICAL, name, codec, codec))
    return checks, (OBVIOUS, places[0], REFERENCE, POOR)


def _ids(rng: np.random.Generator, count: int) -> Iterator[str]:
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn[f"{rng.integers(2**_ID_BITS):0{_ID_BITS // 4}x}"] = None
    return iter(drawn)


def _order(
    seed: int, number: int, trials: Sequence[Trial], pairs: Sequence[tuple[str, str]]
) -> tuple[Shown, ...]:
    """The trials of one participant."""
    twins = (number - 1) // 2
    left = _left_codecs(np.random.default_rng([seed, 1, twins]), twins, trials, pairs)
    rng = np.random.default_rng([seed, 2, number])
    orders = [rng.permutation(len(trials)) for _ in range(_ORDERS_TRIED)]
    best = min(orders, key=lambda order: _neighbours([trials[k].sequence for k in order]))
    mirrored = number % 2 == 0
    return tuple(Shown(trials[k].id, (left[k] != trials[k].first) != mirrored) for k in best)


def _left_codecs(
    rng: np.random.Generator,
    twins: int,
    trials: Sequence[Trial],
    pairs: Sequence[tuple[str, str]],
) -> list[str]:
    """The version that is on the left in each trial, for the first of two twins."""
    left = [trial.first for trial in trials]
    obvious = [k for k, trial in enumerate(trials) if trial.kind == OBVIOUS]
    groups = [(obvious, (REFERENCE, POOR))]
    for pair in pairs:
        places = [
            k
            for k, trial in enumerate(trials)
            if trial.kind == COMPARISON and {trial.first, trial.second} == set(pair)
        ]
        groups.append((places, pair))
    for g, (places, pair) in enumerate(groups):
        # where the number is odd, the codec that is once more on the left changes
        sides = [pair[(k + g + twins) % 2] for k in range(len(places))]
        for place, chosen in zip(places, rng.permutation(len(places)), strict=True):
            left[place] = sides[chosen]
    return left


def _neighbours(sequences: Sequence[str]) -> int:
    """How many trials follow one of the same sequence."""
    return sum(a == b for a, b in pairwise(sequences))
