"""The assignment file: what each trial compares. It stays with whoever runs the study."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from freegvc._study.design import (
    COMPARISON,
    KINDS,
    MAX_PARTICIPANTS,
    MAX_SEED,
    Design,
    Shown,
    Trial,
)
from freegvc._study.documents import Fields, read_document
from freegvc.errors import StudyError, StudyMismatchError

FORMAT, VERSION = "freegvc study assignment", 1
_TRIAL = ("id", "kind", "sequence", "first", "second")
_FIELDS = (
    *("format", "version", "study", "seed", "clips", "codecs", "pairs"),
    *("practice", "trials", "participants"),
)


@dataclass(frozen=True)
class Assignment:
    """A design, and the page that was built of it.

    Attributes:
        study: the page's id, which every vote names.
        clips: how the clips of the page were made.
        design: who sees what.
    """

    study: str
    clips: str
    design: Design

    def document(self) -> str:
        """The text of the file."""
        design = self.design
        content = {
            "format": FORMAT,
            "version": VERSION,
            "study": self.study,
            "seed": design.seed,
            "clips": self.clips,
            "codecs": design.codecs,
            "pairs": design.pairs,
            "practice": asdict(design.practice),
            "trials": [asdict(trial) for trial in design.trials.values()],
            "participants": [
                [[shown.trial, shown.swapped] for shown in order] for order in design.orders
            ],
        }
        lines = ",\n".join(f"{json.dumps(k)}: {_lines(v)}" for k, v in content.items())
        return f"{{\n{lines}\n}}\n"


def _lines(value: Any) -> str:
    """A list has one line for each entry."""
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    entries = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in value)
    return f"[\n  {entries}\n]"


def read_assignment(path: Path) -> Assignment:
    """Read and check an assignment file.

    Raises:
        StudyMismatchError: it is another file, such as votes, or of another version.
        StudyError: it cannot be read, or is damaged.
    """
    document = read_document(path, "the assignment of a study")
    check_format(path, document, FORMAT, VERSION)
    fields = Fields(str(path), document, _FIELDS)
    codecs = tuple(_texts(path, "codecs", fields.items("codecs")))
    pairs = []
    for pair in fields.items("pairs"):
        first, second = _pair(path, pair)
        if first not in codecs or second not in codecs or first == second:
            raise StudyError(f"{path}: the pair {pair} is not two of its codecs")
        pairs.append((first, second))
    _check_pairs(path, codecs, pairs)
    trials = [_trial(f"{path}, trial {k + 1}", t) for k, t in enumerate(fields.items("trials"))]
    by_id = {trial.id: trial for trial in trials}
    if len(by_id) != len(trials):
        raise StudyError(f"{path}: two trials have one id")
    for trial in trials:
        compared = {trial.first, trial.second}
        if trial.kind == COMPARISON and compared not in map(set, pairs):
            raise StudyError(f"{path}: trial {trial.id} compares no pair of the study")
    shown = {frozenset((t.first, t.second)) for t in trials if t.kind == COMPARISON}
    for pair in pairs:
        if frozenset(pair) not in shown:
            raise StudyError(f"{path}: no trial compares {pair[0]!r} with {pair[1]!r}")
    participants = fields.items("participants")
    if not 1 <= len(participants) <= MAX_PARTICIPANTS:
        raise StudyError(
            f"{path} has {len(participants)} participants, but must have 1 to {MAX_PARTICIPANTS}"
        )
    orders = tuple(
        _order(f"{path}, participant {k + 1}", order, by_id) for k, order in enumerate(participants)
    )
    practice = _trial(f"{path}, practice", document["practice"])
    seed = fields.integer("seed", 0, MAX_SEED)
    design = Design(seed, codecs, tuple(pairs), by_id, practice, orders)
    return Assignment(fields.text("study"), fields.text("clips"), design)


def check_format(path: Path, document: dict[str, Any], name: str, version: int) -> None:
    """Refuse a file of another format or version.

    Raises:
        StudyMismatchError: it is one.
    """
    found = document.get("format")
    if found != name:
        raise StudyMismatchError(f"{path} states format {found!r:.60}, but needed is {name!r}")
    if document.get("version") != version or isinstance(document["version"], bool):
        raise StudyMismatchError(
            f"{path} has version {document.get('version')!r:.60}, but this release reads {version}"
        )


def _texts(path: Path, name: str, values: list[Any]) -> list[str]:
    if not values or not all(isinstance(v, str) for v in values) or len(set(values)) < len(values):
        raise StudyError(f"{path}: {name} must be different names")
    return values


def _pair(path: Path, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise StudyError(f"{path}: {value!r:.60} must be a list of two values")
    return value[0], value[1]


def _check_pairs(path: Path, codecs: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """Refuse pairs that stand twice, or through which codecs cannot be ranked together.

    Raises:
        StudyError: they are such pairs.
    """
    if len(set(map(frozenset, pairs))) != len(pairs):
        raise StudyError(f"{path}: two pairs have the same codecs")
    joined, waiting = set(codecs[:1]), list(codecs[:1])
    while waiting:
        codec = waiting.pop()
        others = {other for pair in pairs if codec in pair for other in pair} - joined
        joined |= others
        waiting += others
    if joined != set(codecs):
        apart = ", ".join(sorted(set(codecs) - joined))
        raise StudyError(f"{path}: no pairs join {codecs[0]} with {apart}: it cannot rank them")


def _trial(where: str, value: Any) -> Trial:
    fields = Fields(where, value, _TRIAL)
    kind = fields.text("kind", KINDS)
    return Trial(
        fields.text("id"),
        kind,
        fields.text("sequence"),
        fields.text("first"),
        fields.text("second"),
    )


def _order(where: str, value: Any, trials: dict[str, Trial]) -> tuple[Shown, ...]:
    order = []
    for entry in value if isinstance(value, list) else [value]:
        if (
            not isinstance(entry, list)
            or len(entry) != 2
            or not isinstance(entry[0], str)
            or not isinstance(entry[1], bool)
        ):
            raise StudyError(f"{where}: {entry!r:.60} is not the id of a trial and true or false")
        order.append(Shown(*entry))
    if sorted(shown.trial for shown in order) != sorted(trials):
        raise StudyError(f"{where} does not have every trial once")
    return tuple(order)
