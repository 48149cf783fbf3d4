"""Votes of known chances: rates, ranking and screening find them again."""

import numpy as np
import pytest

from freegvc._study.analysis import ALL_QUESTIONS, analyse
from freegvc._study.design import COMPARISON, IDENTICAL
from freegvc._study.plan import REFERENCE
from freegvc._study.votes import QUESTIONS, read_ballots
from freegvc._study.wilson import wilson_interval
from freegvc.errors import StudyError
from tests.study.simulated import assignment, by_strength, write_votes

STRENGTHS = {"ours": 0.9, "old": -0.7, "neural": -0.2}


def ballots(tmp_path, study, numbers, choose):
    return read_ballots(write_votes(tmp_path, study, numbers, choose), study)


def test_strengths_are_recovered(tmp_path):
    study = assignment(8, num_participants=100)
    choose = by_strength(STRENGTHS, -0.5, np.random.default_rng(8))
    result = analyse(ballots(tmp_path, study, range(1, 101), choose), study, num_resamples=300)
    assert len(result.kept) == 100
    for ranking in result.ranking.values():
        assert [place.codec for place in ranking] == ["ours", "neural", "old"]
        for place in ranking:
            assert place.strength == pytest.approx(STRENGTHS[place.codec], abs=0.15)
            low, high = place.interval
            assert low < place.strength < high
            assert high - low < 0.35
    for rates in (row for rows in result.rates.values() for row in rows):
        assert rates.num_votes == 800
        a, b = (STRENGTHS[codec] for codec in rates.pair)
        weights = np.exp([a, (a + b) / 2 - 0.5, b])
        assert rates.shares == pytest.approx(weights / weights.sum(), abs=0.06)


def test_resampled_intervals_cover_the_truth(tmp_path):
    study = assignment(4, num_participants=400, num_checks=0)
    choose = by_strength(STRENGTHS, -0.5, np.random.default_rng(3))
    everyone = ballots(tmp_path, study, range(1, 401), choose)
    held = []
    for k in range(0, 400, 10):
        result = analyse(everyone[k : k + 10], study, num_resamples=200, seed=k)
        for place in result.ranking["quality"]:
            low, high = place.interval
            held.append(low <= STRENGTHS[place.codec] <= high)
    assert np.mean(held) > 0.87  # 120 intervals of 95 %, of ten participants each


def test_counts_by_hand(tmp_path):
    study = assignment(2, ("a", "b"), num_participants=3)

    def choose(trial, question):
        if trial.kind == IDENTICAL:
            return 1
        if trial.kind != COMPARISON:
            return 0 if trial.first == REFERENCE else 2
        if question == "continuity":
            return 1
        better = "a" if question == "quality" or trial.sequence == "s0" else "b"
        return 0 if trial.first == better else 2

    result = analyse(ballots(tmp_path, study, (1, 2, 3), choose), study)
    (quality,), (continuity,), (fidelity,) = (result.rates[q] for q in QUESTIONS)
    assert quality.counts == (6, 0, 0)
    assert continuity.counts == (0, 6, 0)
    assert fidelity.counts == (3, 0, 3)
    assert result.rates[ALL_QUESTIONS][0].counts == (3, 2, 1)
    assert quality.intervals[0] == wilson_interval(6, 6)
    assert result.sides["tie"] == 6
    assert sum(result.sides.values()) == 18
    assert result.seconds == 4.5
    first = result.ranking["fidelity"][0]
    assert first.strength == pytest.approx(0, abs=1e-9)
    # one third of a vote more for each answer
    assert result.ranking["quality"][0].strength == pytest.approx(np.log(19) / 2)


def test_those_who_fail_the_checks_are_left_out(tmp_path):
    study = assignment(4, num_participants=10)
    careful = by_strength(STRENGTHS, -0.5, np.random.default_rng(1))
    people = {
        1: careful,
        2: lambda trial, question: 1,
        3: lambda trial, question: 0,
        4: lambda trial, question: 1 if question == "continuity" else careful(trial, question),
    }
    everyone = [b for n, choose in people.items() for b in ballots(tmp_path, study, [n], choose)]
    result = analyse(everyone, study)
    right = {p.ballot.participant: (p.num_right, p.num_answers) for p in result.screened}
    assert (right[1], right[2], right[4]) == ((9, 9), (3, 9), (7, 9))
    assert [ballot.participant for ballot in result.kept][:1] == [1]
    assert {b.participant for b in result.kept} == {1, 4} | ({3} if right[3][0] >= 6 else set())
    alone = analyse(everyone[:1], study)
    assert [place.interval for place in alone.ranking["quality"]] == [None] * 3
    with pytest.raises(StudyError, match="none of 1"):
        analyse(everyone[1:2], study)


@pytest.mark.parametrize("side", ["left", "tie", "right"])
def test_always_the_same_answer_fails(tmp_path, side):
    study = assignment(4, num_participants=20)
    swapped = {s.trial: s.swapped for s in study.design.orders[6]}

    def choose(trial, question):
        place = ["left", "tie", "right"].index(side)
        return 2 - place if swapped[trial.id] else place

    (person,) = analyse_screened(ballots(tmp_path, study, [7], choose), study)
    assert (person.num_right, person.is_kept) == (3, False)


def analyse_screened(everyone, study):
    from freegvc._study.screening import screen

    return screen(everyone, study.design)


def test_the_seed_decides_the_intervals(tmp_path):
    study = assignment(4, num_participants=10)
    choose = by_strength(STRENGTHS, -0.5, np.random.default_rng(1))
    everyone = ballots(tmp_path, study, range(1, 11), choose)
    np.random.seed(4)  # noqa: NPY002 (the global state must not matter, nor change)
    results = [analyse(everyone, study, seed=seed).ranking for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(4)  # noqa: NPY002
    assert np.random.random() == drawn  # noqa: NPY002
