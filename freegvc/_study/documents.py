"""JSON files of a study, read without trust: people send them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

from freegvc._special_files import special_kind
from freegvc.errors import StudyError

_MAX_BYTES = 16 << 20  # 200 participants of 600 trials have an assignment of 3 MB


def read_document(path: Path, what: str) -> dict[str, Any]:
    """A file that holds one JSON object.

    Args:
        path: the file.
        what: what it should hold, for messages.

    Raises:
        StudyError: it cannot be read, is too large, is not JSON, or names a key twice.
    """
    try:
        kind = special_kind(path)
        if kind is not None:
            raise StudyError(f"{path} is {kind}: name a file with {what}")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise StudyError(f"{path} cannot be read as {what}: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise StudyError(f"{path} has more than {_MAX_BYTES} bytes: it cannot be {what}")
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse
        )
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{path} is not {what}: {error}") from error
    if not isinstance(document, dict):
        raise StudyError(f"{path} is not {what}: it holds no JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return result


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


class Fields:
    """The fields of a JSON object, each checked when it is taken.

    Args:
        where: names the object in messages.
        value: what stands there.
        names: the fields that it must have, and no others.

    Raises:
        StudyError: it is no object, or has other fields.
    """

    def __init__(self, where: str, value: object, names: Collection[str]) -> None:
        if not isinstance(value, Mapping):
            raise StudyError(f"{where} is {_short(value)}, but must be an object")
        for name in names:
            if name not in value:
                raise StudyError(f"{where} has no {name!r}")
        for name in value:
            if name not in names:
                raise StudyError(f"{where} has a field {_short(name)} that does not belong there")
        self._where = where
        self._value = value

    def text(self, name: str, allowed: Collection[str] | None = None) -> str:
        """A string; one of `allowed` where these are given."""
        value = self._value[name]
        if not isinstance(value, str) or (allowed is not None and value not in allowed):
            among = "a string" if allowed is None else f"one of {', '.join(allowed)}"
            self._fail(name, among)
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer from `low` to `high`."""
        value = self._value[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._fail(name, f"an integer from {low} to {high}")
        return value

    def number(self, name: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        value = self._value[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            self._fail(name, f"a number from {low:g} to {high:g}")
        return float(value)

    def truth(self, name: str) -> bool:
        """true or false."""
        value = self._value[name]
        if not isinstance(value, bool):
            self._fail(name, "true or false")
        return value

    def items(self, name: str) -> list[Any]:
        """A list."""
        value = self._value[name]
        if not isinstance(value, list):
            self._fail(name, "a list")
        return value

    def _fail(self, name: str, wanted: str) -> NoReturn:
        found = _short(self._value[name])
        raise StudyError(f"{self._where} has {name!r} {found}, but it must be {wanted}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
