"""compress."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from freegvc._cli.batch import exists_unfinished, run_batch
from freegvc._cli.model_options import add_model_options, add_native_size, prior_options
from freegvc._cli.parser import (
    CommandParser,
    add_force,
    add_input_options,
    input_options,
    keywords_of,
)
from freegvc._cli.parts import add_gops, compress_gops
from freegvc._cli.paths import (
    STANDARD,
    check_stream_output,
    readable_video,
    refuse_standard,
    save_stream,
    say,
)
from freegvc._cli.progress import (
    add_events,
    refuse_events_with_data,
    show_progress,
    tell,
    tell_done,
)
from freegvc._cli.ray_options import add_ray, ray_workers, without_device
from freegvc._cli.resume import (
    add_resume,
    refuse_resume_with_data,
    telling_what_is_kept,
    was_settled,
)
from freegvc._cli.settings_options import add_settings, settings_from
from freegvc._cli.side_by_side import say_compressed, side_by_side
from freegvc._cli.target_options import add_target_options, target_from
from freegvc.errors import (
    ChecksumError,
    CorruptStreamError,
    NotAStreamError,
    TruncatedStreamError,
    UsageError,
)

if TYPE_CHECKING:
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.cluster import Workers


def declare_compress(parser: CommandParser) -> None:
    """Every target, setting and option of the prior, grouped by concern."""
    from freegvc.priors.loading import DEFAULT_PRIOR, load_prior

    output = parser.add_argument_group("output")
    parser.add_names(
        "a video file, .y4m, .yuv (with --size), a folder of images, or - for standard input",
        "the .fgvc file to write, or - for standard output",
        output,
    )
    add_target_options(parser)
    add_settings(parser)
    model = add_model_options(
        parser,
        default="%(default)s",
        dtype="the model's, float32 on a CPU",
        attention="auto",
        vae_tiles="auto, where the free memory of a GPU asks for it",
    )
    add_native_size(model)
    add_ray(parser)
    model.add_argument("--prompt", metavar="TEXT", help="conditions the prior; kept in the file")
    add_input_options(parser, "INPUT")
    output.add_argument(
        "--audio",
        choices=("copy", "drop"),
        help="the input's sound (default: drop, and say so)",
    )
    output.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="put the control log and three pictures of it into a folder",
    )
    add_force(output)
    add_resume(output, "the finished GOPs")
    add_gops(output)
    add_events(output)
    parser.set_defaults(run=_compress, about=None, prior=DEFAULT_PRIOR, **keywords_of(load_prior))


def _compress(arguments: argparse.Namespace) -> int:
    target_from(arguments)  # options that conflict are refused before any work
    if arguments.gops is not None:
        if arguments.ray is not None:
            raise UsageError("--gops codes a part in this process: leave it or --ray out")
        return compress_gops(arguments)
    for option in ("out_dir", "ray"):
        if arguments.report is not None and getattr(arguments, option) is not None:
            raise UsageError(
                f"--report is of one file that is coded here: leave it or "
                f"--{option.replace('_', '-')} out"
            )
    with ExitStack() as stack:
        start = cache(lambda: stack.enter_context(ray_workers(arguments)))
        if arguments.ray is None:
            start()  # which refuses what is of --ray alone
        load = _prior_loader(arguments, start)
        if arguments.inputs is None:
            return _compress_one(arguments, load)
        workers = start()
        return run_batch(
            arguments,
            "compress",
            ".fgvc",
            lambda file: _compress_one(file, load),
            lambda file: _is_whole(file.output),
            None if workers is None else side_by_side(arguments, workers),
        )


class _Coder(NamedTuple):
    """What codes: functions like `freegvc.compress` and `freegvc.compress_file`.

    Attributes:
        compress, compress_file: the two.
        options: which prior they take, and the workers if there are any.
    """

    compress: Callable[..., CompressedVideo]
    compress_file: Callable[..., CompressedVideo]
    options: Mapping[str, Any]


def _prior_loader(
    arguments: argparse.Namespace, start: Callable[[], Workers | None]
) -> Callable[[], _Coder]:
    """What loads the prior when it is called first, or starts workers, which load it themselves."""
    from freegvc.priors import load_prior

    options = prior_options(arguments)

    def load() -> _Coder:
        workers = start()
        if workers is None:
            from freegvc._codec.encoder import compress, compress_file

            return _Coder(
                compress, compress_file, {"prior": load_prior(arguments.prior, **options)}
            )
        from freegvc import cluster

        prior = {"prior": arguments.prior, "prior_options": without_device(options)}
        return _Coder(cluster.compress, cluster.compress_file, {"workers": workers, **prior})

    return cache(load)


def _is_whole(path: str) -> bool:
    """Whether a file of a batch is a complete stream; one that is cut or damaged is made anew.

    Raises:
        OutputExistsError: it is no stream at all.
        StreamError: it cannot be read, or is of another release.
    """
    from freegvc._codec.compressed import CompressedVideo

    try:
        stream = CompressedVideo.open(path)
        return len(stream.gops) == stream.header.num_gops  # which decodes every packet
    except NotAStreamError:
        raise exists_unfinished(path) from None
    except (TruncatedStreamError, ChecksumError, CorruptStreamError):
        return False


def _compress_one(arguments: argparse.Namespace, load: Callable[[], _Coder]) -> int:
    began = time.perf_counter()
    if arguments.resume and was_settled(arguments.output):
        _tell_settled(arguments, time.perf_counter() - began)
        return 0
    check_stream_output(arguments.input, arguments.output, force=arguments.force)
    refuse_events_with_data(arguments)
    refuse_resume_with_data(arguments)
    refuse_standard(arguments.report, "--report")
    with readable_video(arguments.input, is_raw=arguments.size is not None) as video:
        if arguments.output == STANDARD:
            return _compress_video(arguments, video, load)
        with telling_what_is_kept(arguments.output, resume=arguments.resume):
            return _compress_video(arguments, video, load)


def _tell_settled(arguments: argparse.Namespace, seconds: float) -> None:
    """The events of a run that finds its output finished."""
    from freegvc._codec.compressed import CompressedVideo
    from freegvc.events import CommandStarted

    tell(arguments, CommandStarted("compress", str(arguments.input), str(arguments.output)))
    tell_done(arguments, "compress", CompressedVideo.open(arguments.output), seconds)


def _compress_video(arguments: argparse.Namespace, path: str, load: Callable[[], _Coder]) -> int:
    from freegvc._video import open_video
    from freegvc.events import CommandStarted, Event

    if arguments.report is not None:
        from freegvc._cli.report import check_report

        check_report(arguments.report, arguments.input, overwrite=arguments.force)
    began = time.perf_counter()
    tell(arguments, CommandStarted("compress", str(arguments.input), str(arguments.output)))
    target = target_from(arguments)
    settings = settings_from(arguments)
    heard: list[Event] = []
    with (
        open_video(path, **input_options(arguments)) as video,
        show_progress("compress", arguments.events, arguments.about) as show,
    ):

        def on_event(event: Event) -> None:
            heard.append(event)
            show(event)

        target.check(video.height, video.width)  # before the model is loaded
        coder = load()
        coding = {
            "settings": settings,
            "audio": arguments.audio,
            "on_event": on_event,
            **coder.options,
        }
        if arguments.output == STANDARD:
            compressed = coder.compress(video, target, **coding)
            save_stream(compressed, arguments.output, force=arguments.force)
        else:
            writing = {"resume": arguments.resume, "overwrite": arguments.force}
            compressed = coder.compress_file(video, arguments.output, target, **coding, **writing)
    say_compressed(arguments, target, compressed, heard, time.perf_counter() - began)
    if arguments.report is not None:
        from freegvc._cli.report import report_run

        report_run(arguments, path, target, coder.options["prior"], compressed, heard)
        say(f"{arguments.report}: report of this run")
    return 0
