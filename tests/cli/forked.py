"""Runs commands in children forked from one process that has run each of them before.

`python -m tests.cli.forked CLIP FOLDER` reads a line of JSON for each command: its arguments, and
the size in bytes that no file may exceed, or null. It answers with the child's process id and, when
the child has ended, with its exit code and what it wrote to standard error. A new process would
import torch for seconds each time, and few of the moments at which a test kills it would fall into
the work itself.
"""

import gc
import json
import os
import resource
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from freegvc._cli.main import main
from tests.cli.killed_commands import commands


def warm_up(clip, folder):
    """Run each command here, so that all is imported and compiled."""
    stream = folder / "warm.fgvc"
    with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
        for arguments, name in commands(clip, stream, folder).values():
            if main([*map(str, arguments), "--force"]) != 0:
                raise SystemExit(f"{arguments} failed")
            if name.endswith(".fgvc") and not stream.exists():
                (folder / name).rename(stream)
    gc.freeze()  # a collection would write to, and so copy, every page that a child shares


def run(arguments, limit, errors):
    """What the child does."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(errors, 2)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    code = main(arguments)
    sys.stderr.flush()
    os._exit(code)


def serve(clip, folder):
    """Answer until standard input ends."""
    warm_up(clip, folder)
    print("ready", flush=True)
    for line in sys.stdin:
        arguments, limit = json.loads(line)
        read_end, write_end = os.pipe()  # a file would have the limit too
        child = os.fork()
        if child == 0:
            run(arguments, limit, write_end)
        print(child, flush=True)
        os.close(write_end)
        with os.fdopen(read_end) as errors:
            said = errors.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps([code, said]), flush=True)


if __name__ == "__main__":
    serve(*map(Path, sys.argv[1:]))
