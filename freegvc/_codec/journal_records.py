"""The records of a journal as bytes: its plan, its GOPs, its output or the end of a part."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freegvc._codec.plan import Plan
from freegvc._control.finished_gop import FinishedGop
from freegvc.errors import JournalError
from freegvc.events import GopDone

_OUTPUT = b'{"output": '  # how such records begin
_END = b'{"end": '


@dataclass(frozen=True, slots=True)
class JournalledGop:
    """A finished GOP as the journal holds it.

    Attributes:
        finished: the GOP.
        input_digest: of all frames of the input up to the first one of the next GOP, as
            `InputDigest` gives it: another input is found out when its frames are read again.
    """

    finished: FinishedGop
    input_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnd:
    """What a finished part knows besides its GOPs.

    Attributes:
        before: the input digest of the GOP before the first one; None of GOP 0.
        is_last: no GOP follows.
        num_frames: of the video up to the end of the last GOP.
        last_advance: as for `Header`.
        timestamps: the stream's section, if the part is the last and the frame rate varies.
        audio: of the stream, in the part that begins with GOP 0.
    """

    before: str | None
    is_last: bool
    num_frames: int
    last_advance: int
    timestamps: bytes | None
    audio: bytes | None


def encode_plan(plan: Plan) -> bytes:
    """The first record."""
    return json.dumps({"plan": plan}).encode()


def plan_of(path: Path, payload: bytes) -> Plan:
    """The plan in the first record of a journal.

    Raises:
        JournalError: it holds none.
    """
    document = _json(path, payload)
    if not isinstance(document.get("plan"), dict):
        raise JournalError(f"{path} does not begin with a plan: remove it and start anew")
    plan: Plan = document["plan"]
    return plan


def encode_gop(gop: JournalledGop) -> bytes:
    """One line of JSON, then the packet and the tail; JSON holds a float exactly."""
    finished, tail = gop.finished, gop.finished.tail
    line = json.dumps(
        {
            "input_digest": gop.input_digest,
            "done": asdict(finished.done),
            "state": finished.state,
            "packet_bytes": len(finished.packet),
            "tail_shape": None if tail is None else tail.shape,
        }
    )
    samples = b"" if tail is None else tail.astype("<f4", copy=False).tobytes()
    return line.encode() + b"\n" + finished.packet + samples


def decode_gop(path: Path, payload: bytes) -> JournalledGop:
    """The inverse of `encode_gop`.

    Args:
        path: of the journal, for messages.
        payload: the record.

    Raises:
        JournalError: it is not one of a GOP.
    """
    line, _, rest = payload.partition(b"\n")
    document = _json(path, line)
    try:
        num_bytes, shape = document["packet_bytes"], document["tail_shape"]
        samples = np.frombuffer(rest[num_bytes:], "<f4")
        finished = FinishedGop(
            packet=rest[:num_bytes],
            done=GopDone(**document["done"]),
            state=document["state"],
            tail=None if shape is None else samples.reshape(shape).astype(np.float32),
        )
        return JournalledGop(finished, document["input_digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(
            f"a record of {path} is not that of a GOP ({error!r}): it is of another release; "
            "remove it and start anew"
        ) from error


def output_record(data: bytes) -> bytes:
    """What says that a stream is about to be written."""
    digest = hashlib.blake2b(data, digest_size=16).hexdigest()
    return _OUTPUT + json.dumps(digest).encode() + b"}"


def encode_end(end: PartEnd) -> bytes:
    """One line of JSON, then the timestamps and the audio."""
    line = {
        "before": end.before,
        "is_last": end.is_last,
        "num_frames": end.num_frames,
        "last_advance": end.last_advance,
        "timestamps": None if end.timestamps is None else len(end.timestamps),
        "audio": None if end.audio is None else len(end.audio),
    }
    blobs = (end.timestamps or b"") + (end.audio or b"")
    return _END + json.dumps(line).encode() + b"}\n" + blobs


def decode_end(path: Path, payload: bytes) -> PartEnd:
    """The inverse of `encode_end`.

    Args:
        path: of the part, for messages.
        payload: the record.

    Raises:
        JournalError: it is not one of an end.
    """
    line, _, blobs = payload.partition(b"\n")
    document = _json(path, line)
    try:
        end = {**document["end"]}
        num_timestamps, num_audio = end.pop("timestamps"), end.pop("audio")
        cut = num_timestamps or 0
        timestamps = None if num_timestamps is None else blobs[:cut]
        audio = None if num_audio is None else blobs[cut:]
        return PartEnd(**end, timestamps=timestamps, audio=audio)
    except (KeyError, TypeError) as error:
        raise JournalError(
            f"a record of {path} is not that of the end of a part ({error!r}): it is of another "
            "release; code the part anew"
        ) from error


def is_end(payload: bytes) -> bool:
    """Whether a record is that of a finished part."""
    return payload.startswith(_END)


def is_gop(payload: bytes) -> bool:
    """Whether a record, not the first one, is that of a GOP."""
    return not payload.startswith((_OUTPUT, _END))


def _json(path: Path, line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise JournalError(f"a record of {path} is not JSON ({error}): remove it") from error
    if not isinstance(document, dict):
        raise JournalError(f"a record of {path} is not a JSON object: remove it")
    return document
