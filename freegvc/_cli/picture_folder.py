"""The folder of PNG files that decompress writes, and goes on with."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from freegvc import __version__
from freegvc._cli.pages import count
from freegvc._cli.paths import say
from freegvc.errors import JournalError, UsageError

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc._video.partial_folder import PartialFolder

_OPTIONS = ("prior", "dtype", "attention", "vae_tiles")


@contextmanager
def picture_folder(
    arguments: argparse.Namespace, stream: CompressedVideo, part: range
) -> Iterator[PartialFolder]:
    """Where frames go that a later run may go on with; says how if this one fails.

    Args:
        arguments: of the command.
        stream, part: which frames of what.

    Raises:
        UsageError, JournalError: as `partial_folder`.
    """
    from freegvc._video.partial_folder import partial_folder, partial_path

    plan = {
        "release": __version__,
        "stream": hashlib.blake2b(stream.data, digest_size=16).hexdigest(),
        "frames": [part.start, part.stop],
        **{name: getattr(arguments, name) for name in _OPTIONS},
    }
    path = Path(arguments.output)
    try:
        with partial_folder(
            path, json.dumps(plan), resume=arguments.resume, overwrite=arguments.force
        ) as folder:
            if folder.num_frames:
                say(f"{folder.path}: {count(folder.num_frames, 'frame')} finished before")
            yield folder
    except (UsageError, JournalError):  # which name the folder themselves if it is about it
        raise
    except BaseException:
        partial = partial_path(path.resolve())
        if partial.exists():
            say(f"{partial} keeps finished frames: the same command with --resume goes on")
        raise
