"""A small Hugging Face hub on this machine: a thread that serves folders as repositories.

It speaks the part of the hub's protocol that downloads need: a model's page with file sizes, its
tree, and its files with ETag, commit and ranges.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_MODEL = re.compile(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?")
_TREE = re.compile(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class SmallHub:
    """What the hub serves, and what it was asked.

    Attributes:
        repositories: folder of each "organisation/name", as its branch main.
        revisions: folders of other revisions, by ("organisation/name", revision).
        gated: ids whose licence has to be accepted.
        cut: file that breaks off in the middle, the given number of times.
        sizes: sizes of files that the hub states wrongly.
        fail_with: status of every answer, if it is not None.
        requests: (method, path, Range header) of each request.
        endpoint: address, such as "http://127.0.0.1:40123".
    """

    repositories: dict[str, Path]
    revisions: dict[tuple[str, str], Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    fail_with: int | None = None
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    endpoint: str = ""

    def downloads(self) -> list[str]:
        """Files whose content was asked for, in order."""
        paths = (path for method, path, _ in self.requests if method == "GET")
        return [found[3] for path in paths if (found := _FILE.fullmatch(path))]


@contextmanager
def serve(repositories: dict[str, Path]) -> Iterator[SmallHub]:
    """A hub that lives within the `with` block."""
    hub = SmallHub(repositories)
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        found = _TREE.fullmatch(path) or _MODEL.fullmatch(path) or _FILE.fullmatch(path)
        if self.hub.fail_with is not None:
            self._send(self.hub.fail_with, b"")
            return
        if found is None or found[1] not in self.hub.repositories:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
            return
        name = found[1]
        state = self._state(name, found[2] or "main")
        if state is None:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        elif found.re is _MODEL:
            self._send_json(self._model(name, *state))
        elif found.re is _TREE:
            self._send_json([{"type": "file", **e} for e in self._files(state[1])])
        elif name in self.hub.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        else:
            self._send_file(*state, found[3])

    def _state(self, name: str, revision: str) -> tuple[str, Path] | None:
        """Commit and folder that a branch, tag or commit names."""
        states = {"main": self.hub.repositories[name]}
        states |= {r: folder for (n, r), folder in self.hub.revisions.items() if n == name}
        states |= {commit_of(name, r): folder for r, folder in states.items()}
        commit = commit_of(name, revision) if len(revision) < 40 else revision
        return (commit, states[revision]) if revision in states else None

    def _files(self, folder: Path) -> list[dict[str, Any]]:
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        return [self._entry(p, str(p.relative_to(folder))) for p in files]

    def _entry(self, path: Path, name: str) -> dict[str, Any]:
        size = self.hub.sizes.get(name, path.stat().st_size)
        entry: dict[str, Any] = {"path": name, "size": size, "oid": _etag(path)}
        if path.suffix == ".safetensors":
            entry["lfs"] = {"oid": _etag(path), "size": size, "pointerSize": 130}
        return entry

    def _model(self, name: str, commit: str, folder: Path) -> dict[str, Any]:
        siblings = [
            {
                "rfilename": entry["path"],
                "size": entry["size"],
                "blobId": entry["oid"],
                **({"lfs": {"sha256": entry["oid"], **entry["lfs"]}} if "lfs" in entry else {}),
            }
            for entry in self._files(folder)
        ]
        return {"id": name, "sha": commit, "siblings": siblings}

    def _send_json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send_file(self, commit: str, folder: Path, file: str) -> None:
        path = folder / file
        if not path.is_file():
            headers = {"X-Repo-Commit": commit, "X-Error-Code": "EntryNotFound"}
            self._send(404, b"", headers)
            return
        headers = {"X-Repo-Commit": commit, "ETag": f'"{_etag(path)}"'}
        content, status = path.read_bytes(), 200
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(asked[1]), int(asked[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            content, status = content[start : end + 1], 206
        if self.command == "GET" and self.hub.cut.get(file, 0) > 0:
            self.hub.cut[file] -= 1
            self._send(status, content, headers, num_sent=len(content) // 2)
            self.close_connection = True
            return
        self._send(status, content, headers)

    def _send(
        self,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        num_sent: int | None = None,
    ) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:num_sent])


def commit_of(name: str, revision: str = "main") -> str:
    """The commit that a revision of a repository names."""
    return hashlib.sha1(f"{name}@{revision}".encode()).hexdigest()


def _etag(path: Path) -> str:
    """The hub's name for the content of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
