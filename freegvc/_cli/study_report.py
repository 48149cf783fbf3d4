"""The result of a study as text and as JSON."""

from __future__ import annotations

from typing import Any

from freegvc._cli.pages import facts, table
from freegvc._cli.paths import printable
from freegvc._study.analysis import BLOCKS, Analysis, Ranked, Rates
from freegvc._study.assignment import Assignment
from freegvc._study.design import COMPARISON
from freegvc._study.screening import Screened
from freegvc._study.votes import LEFT, QUESTIONS, RIGHT, TIE

TITLES = {
    "quality": "perceptual quality",
    "continuity": "temporal continuity",
    "fidelity": "fidelity to the reference",
}


def title(block: str) -> str:
    """The heading of a question, or of all three."""
    return TITLES.get(block, block)


def page(result: Analysis, assignment: Assignment) -> str:
    """What `freegvc study analyse` prints."""
    left_out = [person for person in result.screened if not person.is_kept]
    sides, total = result.sides, sum(result.sides.values())
    rows = [
        ("study", f"{printable(assignment.study)}, seed {assignment.design.seed}"),
        ("clips", printable(assignment.clips)),
        ("participants", _participants(result, left_out)),
        (
            "sides",
            f"left {_percent(sides[LEFT] / total)}, right {_percent(sides[RIGHT] / total)}, "
            f"no difference {_percent(sides[TIE] / total)}",
        ),
        ("time", f"{result.seconds:.1f} s for a trial (median)"),
    ]
    parts = [facts(rows)]
    for block in BLOCKS:
        parts.append(f"{title(block)}\n{_rates_table(result.rates[block])}")
        parts.append(_ranking_table(result.ranking[block]))
    parts.append(
        "shares of all votes, with Wilson intervals; log strengths of Davidson's model, with\n"
        "intervals from resampled participants; all at 95 %"
    )
    return "\n\n".join(parts)


def _participants(result: Analysis, left_out: list[Screened]) -> str:
    text = f"{len(result.screened)}"
    if result.screened[0].num_answers == 0:
        return f"{text}; no attention checks"
    text += f", of whom {len(left_out)} left out for less than 2/3 of the checks right"
    named = [
        f"{person.ballot.participant} ({person.num_right} of {person.num_answers})"
        for person in left_out
    ]
    return f"{text}: {', '.join(named)}" if named else text


def _rates_table(rates: tuple[Rates, ...]) -> str:
    rows = [
        [
            f"{printable(row.pair[0])} : {printable(row.pair[1])}",
            str(row.num_votes),
            *(
                f"{_percent(share)} [{100 * low:.1f}, {100 * high:.1f}]"
                for share, (low, high) in zip(row.shares, row.intervals, strict=True)
            ),
        ]
        for row in rates
    ]
    return table(("pair", "votes", "first better", "no difference", "second better"), rows)


def _ranking_table(ranking: tuple[Ranked, ...]) -> str:
    rows = [
        [
            str(place),
            printable(ranked.codec),
            f"{ranked.strength:+.2f}",
            "-"
            if ranked.interval is None
            else f"[{ranked.interval[0]:+.2f}, {ranked.interval[1]:+.2f}]",
        ]
        for place, ranked in enumerate(ranking, start=1)
    ]
    return table(("rank", "codec", "log strength", "interval"), rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def document(result: Analysis, assignment: Assignment) -> dict[str, Any]:
    """The result as JSON, with the single votes of those who are kept."""
    return {
        "study": assignment.study,
        "clips": assignment.clips,
        "seed": assignment.design.seed,
        "participants": [
            {
                "participant": person.ballot.participant,
                "file": printable(person.ballot.path),
                "checks_right": person.num_right,
                "checks": person.num_answers,
                "kept": person.is_kept,
            }
            for person in result.screened
        ],
        "sides": result.sides,
        "median_seconds": result.seconds,
        "rates": {
            block: [
                {
                    "first": row.pair[0],
                    "second": row.pair[1],
                    "num_votes": row.num_votes,
                    **{
                        name: {"count": num, "share": share, "interval": interval}
                        for name, num, share, interval in zip(
                            ("first_better", "tie", "second_better"),
                            row.counts,
                            row.shares,
                            row.intervals,
                            strict=True,
                        )
                    },
                }
                for row in rates
            ]
            for block, rates in result.rates.items()
        },
        "ranking": {
            block: [
                {"codec": r.codec, "log_strength": r.strength, "interval": r.interval}
                for r in ranking
            ]
            for block, ranking in result.ranking.items()
        },
        "votes": _single_votes(result, assignment),
    }


def _single_votes(result: Analysis, assignment: Assignment) -> list[dict[str, Any]]:
    votes = []
    for ballot in result.kept:
        for vote in ballot.votes:
            trial = assignment.design.trials[vote.trial]
            if trial.kind != COMPARISON:
                continue
            better = (trial.first, None, trial.second)
            votes.append(
                {
                    "participant": ballot.participant,
                    "sequence": trial.sequence,
                    "pair": sorted((trial.first, trial.second)),
                    **{question: better[vote.answers[question]] for question in QUESTIONS},
                    "seconds": vote.seconds,
                }
            )
    return votes
