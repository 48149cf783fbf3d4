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
        repositories: folder of each "organisation/name".
        gated: ids whose licence has to be accepted.
        cut: file that breaks off in the middle, the given number of times.
        sizes: sizes of files that the hub states wrongly.
        fail_with: status of every answer, if it is not None.
        requests: (method, path, Range header) of each request.
        endpoint: address, such as "http://127.0.0.1:40123".
    """

    repositories: dict[str, Path]
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
        elif found is None or found[1] not in self.hub.repositories:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif found.re is _MODEL:
            self._send_json(self._model(found[1]))
        elif found.re is _TREE:
            self._send_json(self._tree(found[1]))
        elif found[1] in self.hub.gated:
            self._send(403, b"", {"X-Error-Code": "GatedRepo"})
        else:
            self._send_file(found[1], found[3])

    def _files(self, name: str) -> list[str]:
        folder = self.hub.repositories[name]
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())

    def _size(self, name: str, file: str) -> int:
        return self.hub.sizes.get(file, (self.hub.repositories[name] / file).stat().st_size)

    def _model(self, name: str) -> dict[str, Any]:
        siblings = [{"rfilename": f, "size": self._size(name, f)} for f in self._files(name)]
        return {"id": name, "sha": commit_of(name), "siblings": siblings}

    def _tree(self, name: str) -> list[dict[str, Any]]:
        return [
            {"type": "file", "path": f, "size": self._size(name, f), "oid": _etag(f)}
            for f in self._files(name)
        ]

    def _send_json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send_file(self, name: str, file: str) -> None:
        path = self.hub.repositories[name] / file
        headers = {"X-Repo-Commit": commit_of(name), "ETag": f'"{_etag(file)}"'}
        if not path.is_file():
            self._send(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
            return
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


def commit_of(name: str) -> str:
    """The only commit of a repository."""
    return hashlib.sha1(name.encode()).hexdigest()


def _etag(file: str) -> str:
    return hashlib.sha1(file.encode()).hexdigest()
