"""Trials, orders and sides: complete, balanced, random and reproducible."""

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freegvc._study.design import COMPARISON, IDENTICAL, OBVIOUS, make_design
from freegvc._study.plan import POOR, REFERENCE
from freegvc.errors import UsageError
from tests.study.simulated import plan

designs = st.builds(
    lambda s, c, seed, checks, ours: make_design(
        plan(s, tuple("abcde"[:c])),
        ours="a" if ours else None,
        seed=seed,
        num_checks=checks,
        num_participants=6,
    ),
    st.integers(1, 9),
    st.integers(2, 5),
    st.integers(0, 2**63 - 1),
    st.integers(0, 7),
    st.booleans(),
)


def left_of(design, shown):
    trial = design.trials[shown.trial]
    return trial.second if shown.swapped else trial.first


@settings(max_examples=30, deadline=None)
@given(designs)
def test_every_participant_sees_every_trial_once_with_balanced_sides(design):
    comparisons = Counter(
        (trial.sequence, frozenset((trial.first, trial.second)))
        for trial in design.trials.values()
        if trial.kind == COMPARISON
    )
    names = {sequence for sequence, _ in comparisons}
    assert comparisons == Counter((s, frozenset(p)) for s in names for p in design.pairs)
    for order in design.orders:
        assert sorted(shown.trial for shown in order) == sorted(design.trials)
        for pair in [*design.pairs, (REFERENCE, POOR)]:
            left = [
                left_of(design, shown)
                for shown in order
                if {design.trials[shown.trial].first, design.trials[shown.trial].second}
                == set(pair)
            ]
            assert abs(left.count(pair[0]) - left.count(pair[1])) <= 1


@settings(max_examples=30, deadline=None)
@given(designs)
def test_neighbours_in_number_see_mirror_images(design):
    for first, second in zip(design.orders[::2], design.orders[1::2], strict=True):
        sides = {shown.trial: shown.swapped for shown in first}
        assert all(sides[shown.trial] is not shown.swapped for shown in second)


def test_the_seed_decides_everything_and_orders_differ():
    designs = [make_design(plan(8), seed=seed, num_participants=30) for seed in (3, 3, 4)]
    assert designs[0] == designs[1]
    assert set(designs[0].trials).isdisjoint(designs[2].trials)
    orders = {tuple(shown.trial for shown in order) for order in designs[0].orders}
    assert len(orders) == 30
    firsts = Counter(order[0].trial for order in designs[0].orders)
    assert max(firsts.values()) <= 6  # of 30, in 27 trials


def test_a_sequence_rarely_follows_itself():
    design = make_design(plan(8), ours="ours", num_participants=50)
    follow = [
        a == b
        for order in design.orders
        for a, b in pairwise(design.trials[shown.trial].sequence for shown in order)
    ]
    assert sum(follow) <= 5  # at random it would be 50 times 2


def test_sides_of_a_trial_are_independent_of_its_place_and_of_the_order_of_codecs():
    design = make_design(plan(8), num_participants=200)
    swapped = [shown.swapped for order in design.orders for shown in order]
    assert sum(swapped) * 2 == len(swapped)  # mirror images
    comparisons = [t for t in design.trials.values() if t.kind == COMPARISON]
    in_order = [(t.first, t.second) in design.pairs for t in comparisons]
    assert 4 < sum(in_order) < 20  # of 24


def test_checks_and_practice():
    design = make_design(plan(8), num_checks=6)
    kinds = Counter(trial.kind for trial in design.trials.values())
    assert kinds == {COMPARISON: 24, OBVIOUS: 4, IDENTICAL: 2}
    for trial in design.trials.values():
        assert (trial.first == trial.second) == (trial.kind == IDENTICAL)
        if trial.kind == OBVIOUS:
            assert {trial.first, trial.second} == {REFERENCE, POOR}
    checked = [t.sequence for t in design.trials.values() if t.kind != COMPARISON]
    assert len({*checked, design.practice.sequence}) == 7
    assert {design.practice.first, design.practice.second} == {REFERENCE, POOR}
    assert design.practice.id not in design.trials


def test_ours_against_each_other_or_all_pairs():
    codecs = ("x", "ours", "y", "z")
    assert make_design(plan(2, codecs)).pairs == tuple(combinations(codecs, 2))
    paper = make_design(plan(8, codecs), ours="ours")  # 24 groups, as in the paper
    assert paper.pairs == (("ours", "x"), ("ours", "y"), ("ours", "z"))
    assert sum(t.kind == COMPARISON for t in paper.trials.values()) == 24


@pytest.mark.parametrize(
    "options",
    [
        {"ours": "other"},
        {"num_checks": -1},
        {"num_checks": 21},
        {"num_participants": 0},
        {"num_participants": 1001},
        {"seed": -1},
    ],
)
def test_limits(options):
    with pytest.raises(UsageError):
        make_design(plan(), **options)
