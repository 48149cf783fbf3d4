"""Assignment and votes: a way there and back, and hostile files."""

import json
from copy import deepcopy

import pytest

from freegvc._study.assignment import read_assignment
from freegvc._study.votes import read_ballot, read_ballots
from freegvc.errors import StudyError, StudyMismatchError
from tests.study.simulated import assignment, votes_document, write_votes

STUDY = assignment(num_participants=4)


def first(trial, question):
    return 0


def save(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_an_assignment_comes_back(tmp_path):
    assert read_assignment(save(tmp_path, STUDY.document())) == STUDY


def test_votes_name_versions_wherever_they_were(tmp_path):
    path = save(tmp_path, votes_document(STUDY, 3, first))
    ballot = read_ballot(path, STUDY)
    assert (ballot.participant, len(ballot.votes)) == (3, 15)
    assert all(set(vote.answers.values()) == {0} for vote in ballot.votes)
    sides = [side for vote in ballot.votes for side in vote.sides.values()]
    assert {"left", "right"} == set(sides)


def test_files_are_sorted_and_a_number_is_taken_once(tmp_path):
    paths = write_votes(tmp_path, STUDY, (4, 2), first)
    assert [ballot.participant for ballot in read_ballots(paths, STUDY)] == [2, 4]
    again = save(tmp_path, votes_document(STUDY, 2, first))
    with pytest.raises(StudyError, match=r"votes-2\.json and .*file\.json"):
        read_ballots([*paths, again], STUDY)


def changed(change):
    document = votes_document(STUDY, 1, first)
    change(document, document["votes"])
    return document


def put(where, name, value):
    where[name] = value


BAD_VOTES = {
    "damaged": json.dumps(votes_document(STUDY, 1, first))[:-40],
    "an empty file": "",
    "deep": '{"a":' * 50_000,
    "long number": '{"participant": ' + "9" * 10_000 + "}",
    "no participant": changed(lambda d, v: d.pop("participant")),
    "a field more": changed(lambda d, v: put(d, "name", "Eve")),
    "participant 0": changed(lambda d, v: put(d, "participant", 0)),
    "participant true": changed(lambda d, v: put(d, "participant", True)),
    "participant 5 of 4": changed(lambda d, v: put(d, "participant", 5)),
    "another's number": changed(lambda d, v: put(d, "participant", 2)),
    "incomplete": changed(lambda d, v: v.pop()),
    "one too many": changed(lambda d, v: v.append(v[0])),
    "a trial twice": changed(lambda d, v: put(v, 0, v[1])),
    "another order": changed(lambda d, v: v.reverse()),
    "unknown trial": changed(lambda d, v: put(v[0], "trial", "ffffffff")),
    "trial as a list": changed(lambda d, v: put(v[0], "trial", [])),
    "swapped": changed(lambda d, v: put(v[0], "swapped", not v[0]["swapped"])),
    "swapped 0": changed(lambda d, v: put(v[0], "swapped", 0)),
    "unknown answer": changed(lambda d, v: put(v[0], "quality", "both")),
    "answer 1": changed(lambda d, v: put(v[0], "quality", 1)),
    "no answer": changed(lambda d, v: v[0].pop("fidelity")),
    "seconds below 0": changed(lambda d, v: put(v[0], "seconds", -1)),
    "seconds infinite": changed(lambda d, v: put(v[0], "seconds", 1e999)),
    "seconds as text": changed(lambda d, v: put(v[0], "seconds", "4")),
    "a vote as a list": changed(lambda d, v: put(v, 0, [])),
    "votes as an object": changed(lambda d, v: put(d, "votes", {})),
}


@pytest.mark.parametrize("name", BAD_VOTES)
def test_bad_votes_are_refused(tmp_path, name):
    with pytest.raises(StudyError, match=r"file\.json"):
        read_ballot(save(tmp_path, BAD_VOTES[name]), STUDY)


def test_files_of_other_kinds_and_studies_are_told_apart(tmp_path):
    for content in (
        STUDY.document(),
        changed(lambda d, v: put(d, "study", "ffff0000")),
        changed(lambda d, v: put(d, "version", 2)),
        changed(lambda d, v: put(d, "version", True)),
        "{}",
    ):
        with pytest.raises(StudyMismatchError):
            read_ballot(save(tmp_path, content), STUDY)
    with pytest.raises(StudyMismatchError):
        read_assignment(save(tmp_path, votes_document(STUDY, 1, first)))


def test_a_file_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(StudyError, match="bytes"):
        read_ballot(save(tmp_path, '{"a": "' + "x" * (17 << 20) + '"}'), STUDY)


WHOLE = json.loads(STUDY.document())
BAD_ASSIGNMENTS = {
    "no field": lambda d: d.pop("codecs"),
    "codecs twice": lambda d: put(d, "codecs", ["ours", "ours"]),
    "no codecs": lambda d: put(d, "codecs", []),
    "pair of one": lambda d: put(d["pairs"], 0, ["ours"]),
    "pair of a list": lambda d: put(d["pairs"], 0, [["ours"], "old"]),
    "pair of a stranger": lambda d: put(d["pairs"], 0, ["ours", "x264"]),
    "pair of itself": lambda d: put(d["pairs"], 0, ["ours", "ours"]),
    "pair twice": lambda d: d["pairs"].append(d["pairs"][0][::-1]),
    "pair without a trial": lambda d: (
        d["codecs"].append("new"),
        d["pairs"].append(["ours", "new"]),
    ),
    "codec in no pair": lambda d: d["codecs"].append("apart"),
    "no trials": lambda d: (put(d, "trials", []), put(d, "participants", [[]])),
    "no pair": lambda d: put(d, "pairs", []),
    "kind": lambda d: put(d["trials"][0], "kind", "other"),
    "a trial's id twice": lambda d: put(d["trials"][0], "id", d["trials"][1]["id"]),
    "order without a trial": lambda d: d["participants"][0].pop(),
    "order of text": lambda d: put(d["participants"], 0, "text"),
    "order of numbers": lambda d: put(d["participants"][0], 0, [1, 2]),
    "no participants": lambda d: put(d, "participants", []),
    "seed": lambda d: put(d, "seed", -1),
}


@pytest.mark.parametrize("name", BAD_ASSIGNMENTS)
def test_bad_assignments_are_refused(tmp_path, name):
    document = deepcopy(WHOLE)
    BAD_ASSIGNMENTS[name](document)
    with pytest.raises(StudyError, match=r"file\.json"):
        read_assignment(save(tmp_path, document))
