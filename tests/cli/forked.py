"""Runs commands in children forked from one process that has run each of them before.

`python -m tests.cli.forked CLIP FOLDER [NAMES]` reads a line of JSON for each command: its
arguments, the size in bytes that no file may exceed, or null, and a file for standard output, or
null. It answers with the child's process id and, when the child has ended, with its exit code and
what it wrote to standard error. A new process would import torch for seconds each time, and few of
the moments at which a test kills it would fall into the work itself.
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


def warm_up(clip, folder, names):
    """Run commands here, so that all is imported and compiled; all of them if none is named."""
    stream = folder / "warm.fgvc"
    with Path(os.devnull).open("w") as null, redirect_stdout(null), redirect_stderr(null):
        for command, (arguments, name) in commands(clip, stream, folder).items():
            if names and command not in names:
                continue
            if main([*map(str, arguments), "--force"]) != 0:
                raise SystemExit(f"{arguments} failed")
            if name.endswith(".fgvc") and not stream.exists():
                (folder / name).rename(stream)
    gc.freeze()  # a collection would write to, and so copy, every page that a child shares


def run(arguments, limit, out, errors):
    """What the child does."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null if out is None else os.open(out, os.O_WRONLY | os.O_CREAT, 0o666), 1)
    os.dup2(errors, 2)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    code = main(arguments)
    sys.stderr.flush()
    os._exit(code)


def serve(clip, folder, names):
    """Answer until standard input ends."""
    warm_up(clip, folder, names)
    print("ready", flush=True)
    for line in sys.stdin:
        arguments, limit, out = json.loads(line)
        read_end, write_end = os.pipe()  # a file would have the limit too
        child = os.fork()
        if child == 0:
            run(arguments, limit, out, write_end)
        print(child, flush=True)
        os.close(write_end)
        with os.fdopen(read_end) as errors:
            said = errors.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps([code, said]), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
