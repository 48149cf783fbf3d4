"""A small plan without files, and participants who vote at random by known chances."""

import json
from pathlib import Path

import numpy as np

from freegvc._study.assignment import Assignment
from freegvc._study.design import COMPARISON, IDENTICAL, make_design
from freegvc._study.plan import REFERENCE, Plan, PlannedSequence
from freegvc._study.votes import ANSWERS, QUESTIONS


def plan(num_sequences=4, codecs=("ours", "old", "neural")):
    sequences = [
        PlannedSequence(f"s{k}", Path("r.y4m"), {c: Path(f"{c}.y4m") for c in codecs})
        for k in range(num_sequences)
    ]
    return Plan(tuple(sequences), tuple(codecs))


def assignment(num_sequences=4, codecs=("ours", "old", "neural"), **options):
    return Assignment("0123abcd", "x265", make_design(plan(num_sequences, codecs), **options))


def votes_document(assignment, number, choose, seconds=4.5):
    """A file's content; `choose(trial, question)` is 0 for the first version, 1 a tie, 2."""
    votes = []
    for shown in assignment.design.orders[number - 1]:
        trial = assignment.design.trials[shown.trial]
        answers = {}
        for question in QUESTIONS:
            chosen = choose(trial, question)
            answers[question] = ANSWERS[2 - chosen if shown.swapped else chosen]
        votes.append({"trial": trial.id, "swapped": shown.swapped, **answers, "seconds": seconds})
    return {
        "format": "freegvc study votes",
        "version": 1,
        "study": assignment.study,
        "participant": number,
        "votes": votes,
    }


def by_strength(strengths, log_tie, rng):
    """Chances of Davidson's model; checks are answered rightly."""

    def choose(trial, question):
        if trial.kind == IDENTICAL:
            return 1
        if trial.kind != COMPARISON:
            return 0 if trial.first == REFERENCE else 2
        a, b = strengths[trial.first], strengths[trial.second]
        weights = np.exp([a, (a + b) / 2 + log_tie, b])
        return int(rng.choice(3, p=weights / weights.sum()))

    return choose


def write_votes(folder, assignment, numbers, choose):
    paths = []
    for number in numbers:
        path = folder / f"votes-{number}.json"
        path.write_text(json.dumps(votes_document(assignment, number, choose)), encoding="utf-8")
        paths.append(path)
    return paths
