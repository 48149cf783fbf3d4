"""The other end of tests/cli/forked.py."""

import json
import os
import subprocess
import sys

from tests.cli.tiny_clip import ROOT


class Forked:
    """Commands in children of a process that has run them before; see tests/cli/forked.py.

    Some may be named, if the others are not needed.
    """

    def __init__(self, clip, folder, *names):
        command = [sys.executable, "-m", "tests.cli.forked", str(clip), str(folder), *names]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._server = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout.readline() == "ready\n"

    def start(self, *arguments, limit=None, out=None):
        """Start a command, and return its process id."""
        out = None if out is None else str(out)
        self._server.stdin.write(json.dumps([[*map(str, arguments)], limit, out]) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def wait(self):
        """Exit code and standard error of the command that runs."""
        return json.loads(self._server.stdout.readline())

    def stop(self):
        self._server.communicate(timeout=60)
