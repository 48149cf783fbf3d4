"""What a study compares: sequences, and the version that each codec made of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from freegvc._study.documents import read_document
from freegvc.errors import StudyError

REFERENCE = "reference"
POOR = "poor"  # a version of the reference that is far worse in every respect
_MAX_SEQUENCES, _MAX_CODECS, _MAX_NAME = 200, 20, 100
_LAYOUT = (
    'a plan is a folder with one folder for each sequence, in which are the "reference" and one '
    "video named after each codec; or a .json file, "
    '{"SEQUENCE": {"reference": FILE, "CODEC": FILE, ...}, ...}'
)


@dataclass(frozen=True)
class PlannedSequence:
    """One sequence.

    Attributes:
        name: of the sequence.
        reference: the original: a video or a folder of pictures.
        versions: by codec: a video, a folder of pictures or a .fgvc file.
    """

    name: str
    reference: Path
    versions: dict[str, Path]


@dataclass(frozen=True)
class Plan:
    """All sequences; each has a version of every codec.

    Attributes:
        sequences: at least one.
        codecs: at least two names, in the order of the first sequence.
    """

    sequences: tuple[PlannedSequence, ...]
    codecs: tuple[str, ...]


def read_plan(path: Path) -> Plan:
    """Read a plan from a .json file or a folder, and check that all its files exist.

    The file is an object, {"SEQUENCE": {"reference": FILE, "CODEC": FILE, ...}, ...}; names of
    files are relative to its folder. A folder has the same shape: SEQUENCE/reference.mp4,
    SEQUENCE/CODEC.fgvc and so on, with a folder in place of each file if it holds pictures.
    Hidden files are left out.

    Raises:
        StudyError: it cannot be read, has another shape, names files that do not exist or a
            codec "poor", or its sequences do not all have the same codecs.
    """
    if path.is_dir():
        entries = _from_folder(path)
    elif path.suffix.lower() == ".json":
        entries = _from_file(path)
    else:
        raise StudyError(f"{path} is no folder and no .json file: {_LAYOUT}")
    if not 1 <= len(entries) <= _MAX_SEQUENCES:
        raise StudyError(
            f"{path} has {len(entries)} sequences, but must have 1 to {_MAX_SEQUENCES}: {_LAYOUT}"
        )
    sequences = tuple(_sequence(path, name, files) for name, files in entries.items())
    codecs = tuple(sequences[0].versions)
    for sequence in sequences:
        missing = set(codecs) ^ set(sequence.versions)
        if missing:
            raise StudyError(
                f"{path}: {sequences[0].name} and {sequence.name} differ in "
                f"{', '.join(sorted(missing))}: every sequence needs a version of every codec"
            )
    return Plan(sequences, codecs)


def _from_file(path: Path) -> dict[str, dict[str, Path]]:
    entries: dict[str, dict[str, Path]] = {}
    for name, files in read_document(path, "the plan of a study").items():
        if not isinstance(files, dict) or not all(isinstance(f, str) for f in files.values()):
            raise StudyError(f"{path}: {name!r} is no object of names of files: {_LAYOUT}")
        entries[name] = {codec: path.parent / file for codec, file in files.items()}
    return entries


def _from_folder(path: Path) -> dict[str, dict[str, Path]]:
    entries: dict[str, dict[str, Path]] = {}
    for folder in _visible(path):
        if not folder.is_dir():
            continue
        files = entries[folder.name] = {}
        for file in _visible(folder):
            name = file.name if file.is_dir() else file.stem
            if name in files:
                raise StudyError(
                    f"{files[name]} and {file} are both versions of {name!r}: keep one of them"
                )
            files[name] = file
    return entries


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise StudyError(f"{folder} cannot be read: {error.strerror}") from error


def _sequence(path: Path, name: str, files: dict[str, Path]) -> PlannedSequence:
    for text in (name, *files):
        if not 1 <= len(text) <= _MAX_NAME or not text.isprintable():
            raise StudyError(
                f"{path}: the name {text!r} must have 1 to {_MAX_NAME} printable characters"
            )
    if POOR in files:
        raise StudyError(
            f"{path}: {name} has a codec {POOR!r}, which names the poor versions of attention "
            "checks: give it another name"
        )
    if REFERENCE not in files:
        raise StudyError(f"{path}: {name} has no {REFERENCE!r}: {_LAYOUT}")
    versions = {codec: file for codec, file in files.items() if codec != REFERENCE}
    if not 2 <= len(versions) <= _MAX_CODECS:
        raise StudyError(
            f"{path}: the number of codecs of {name} is {len(versions)}, but must be 2 to "
            f"{_MAX_CODECS}: {_LAYOUT}"
        )
    for file in files.values():
        try:
            exists = file.exists()
        except OSError as error:  # such as a name that is too long
            raise StudyError(f"{path}: {name} needs {file}: {error.strerror}") from error
        if not exists:
            raise StudyError(f"{path}: {name} needs {file}, which does not exist")
    return PlannedSequence(name, files[REFERENCE], versions)
