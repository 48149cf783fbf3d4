"""A file of records that survives the end of the process at any moment.

    file   = MAGIC record*
    record = length (4 bytes) CRC-32 of the length (4) payload CRC-32 of the payload (4)

Numbers are little endian. Each record is on the disk before the next one is begun, so only the last
can be torn: by a kill, a full disk or a loss of power, after which a file may end in zeros. A torn
record is cut off. Anything else that is wrong is damage, and an error.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from freegvc._own_files import RECORDS_MAGIC, STREAM_MAGIC
from freegvc._run_lock import lock
from freegvc._special_files import special_kind
from freegvc.errors import JournalError, OutputExistsError, UsageError

MAGIC = RECORDS_MAGIC + b"\x01"
_MAGIC_BYTES = len(MAGIC)
_CRC_BYTES = 4
_HEAD_BYTES = 8


class RecordFile:
    """Appends records to a file; made by `create` or `reopen`, and locked until it is closed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def create(cls, path: Path) -> RecordFile:
        """Begin a file.

        Raises:
            OutputExistsError: it exists.
            UsageError: another process has taken it at once.
            OSError: it cannot be written.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            raise OutputExistsError(f"{path} exists: name another file, or remove it") from None
        file = cls(path, descriptor)
        try:
            lock(descriptor, path)
        except BaseException:  # the file is another's now, and stays
            file.close()
            raise
        try:
            file._write(MAGIC)
            _sync_folder(path.parent)
        except BaseException:
            file.remove()
            raise
        return file

    @classmethod
    def reopen(cls, path: Path) -> tuple[RecordFile, list[bytes]]:
        """Go on with a file.

        Returns:
            The file, from which a torn last record is cut off, and the payloads in it.

        Raises:
            UsageError: another process writes to it.
            JournalError: it is damaged, or another kind of file.
            OSError: it cannot be read or written.
        """
        _refuse_other_kinds(path)
        file = cls(path, os.open(path, os.O_RDWR))
        try:
            lock(file._open, file.path)
            payloads, end = _parse(path, path.read_bytes())
            os.ftruncate(file._open, end)
            os.lseek(file._open, end, os.SEEK_SET)
            if end == 0:
                file._write(MAGIC)
        except BaseException:
            file.close()
            raise
        return file, payloads

    def append(self, payload: bytes) -> None:
        """Write one record; it is on the disk when this returns.

        Raises:
            OSError: the disk is full, for example.
        """
        self._write(_framed(payload))

    def replace(self, payloads: Iterable[bytes]) -> None:
        """Put other records in place of all: either they are on the disk, or the old ones are.

        Raises:
            OSError: as `append`; the old records stay.
        """
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.unlink(missing_ok=True)  # of a run that was killed here
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        other = RecordFile(fresh, descriptor)
        try:
            lock(other._open, other.path)
            other._write(MAGIC + b"".join(map(_framed, payloads)))
            fresh.replace(self.path)
        except BaseException:
            other.remove()
            raise
        self.close()
        self._descriptor = descriptor
        _sync_folder(self.path.parent)

    def rename_to(self, path: Path) -> None:
        """Give the file another name, and let go of it."""
        self.path.replace(path)
        self.close()

    def remove(self) -> None:
        """Delete the file. It is locked until then, so that no other run has gone on with it."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file. A second call has no effect."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def _open(self) -> int:
        if self._descriptor is None:
            raise UsageError(f"{self.path} is closed")
        return self._descriptor

    def _write(self, data: bytes) -> None:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._open, rest) :]
            os.fsync(self._open)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error


def is_record_file(path: Path) -> bool:
    """Whether a path is a file that begins like one of these."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(_MAGIC_BYTES) == MAGIC


def read_records(path: Path) -> list[bytes]:
    """The payloads of a file that is only read; a torn last record is left out.

    Raises:
        JournalError: it cannot be read, is damaged, or is another kind of file.
    """
    try:
        _refuse_other_kinds(path)
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"cannot read {path}: {error.strerror or error}") from error
    return _parse(path, data)[0]


def _refuse_other_kinds(path: Path) -> None:
    """Refuse what cannot hold records; reading a pipe would wait for ever."""
    kind = "a folder" if path.is_dir() else special_kind(path)
    if kind is not None:
        raise JournalError(f"{path} is {kind}, and no journal: move it, or name another output")


def _parse(path: Path, data: bytes) -> tuple[list[bytes], int]:
    """All payloads, and where the last whole record ends."""
    if data.startswith(STREAM_MAGIC):
        raise JournalError(
            f"{path} is a freegvc stream, and no part or journal: merge joins what compress --gops "
            "writes, and names the stream to write last"
        )
    if data[:_MAGIC_BYTES] != MAGIC[: len(data)]:
        raise JournalError(
            f"{path} begins with {data[:_MAGIC_BYTES]!r}, but journals and parts with "
            f"{MAGIC!r}: this is another kind of file, or of another release"
        )
    if len(data) < _MAGIC_BYTES:
        return [], 0
    records = list(_whole_records(path, data))
    return [payload for payload, _ in records], records[-1][1] if records else _MAGIC_BYTES


def _whole_records(path: Path, data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each payload, and where its record ends, up to the end or a torn record."""
    begin = _MAGIC_BYTES
    while begin < len(data):
        record = _record(data, begin)
        if record is None:
            # of a torn record any page may be missing, so its length says nothing
            for later in range(begin + 1, len(data)):
                if _record(data, later) is not None:
                    raise JournalError(
                        f"the record at byte {begin} of {path} is damaged, and not the last one, "
                        "which a killed run may leave torn: remove the file and start anew"
                    )
            return
        yield record
        begin = record[1]


def _record(data: bytes, begin: int) -> tuple[bytes, int] | None:
    """The payload of the record that begins here, and where it ends; None if it is not whole."""
    head_end = begin + _HEAD_BYTES
    length = data[begin : begin + 4]
    if len(length) < 4 or data[begin + 4 : head_end] != _crc(length):
        return None
    payload_end = head_end + int.from_bytes(length, "little")
    payload, end = data[head_end:payload_end], payload_end + _CRC_BYTES
    return (payload, end) if data[payload_end:end] == _crc(payload) else None


def _framed(payload: bytes) -> bytes:
    length = len(payload).to_bytes(4, "little")
    return length + _crc(length) + payload + _crc(payload)


def _crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CRC_BYTES, "little")


def _sync_folder(folder: Path) -> None:
    """Put a new name on the disk, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
