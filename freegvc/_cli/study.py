"""study: build the page of a user study, and analyse its votes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from freegvc._cli.pages import count
from freegvc._cli.parser import add_allow_large, add_force
from freegvc._cli.paths import refuse_same_file, refuse_standard, say
from freegvc.errors import UsageError


def declare_study(parser: argparse.ArgumentParser) -> None:
    """Two actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, prog=parser.prog)
    _declare_build(actions.add_parser("build", help="make the page that participants open"))
    _declare_analyse(
        actions.add_parser("analyse", help="preference rates and a ranking from the votes")
    )


def _declare_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "plan",
        type=Path,
        help="a folder with one folder for each sequence, which holds a video named reference and "
        "one named after each codec; or a .json file that says the same",
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder for the participants"
    )
    output.add_argument(
        "--assignment",
        type=Path,
        metavar="FILE",
        help="the file that tells who is who, for you alone (default: DIR.assignment.json)",
    )
    add_force(output)
    trials = parser.add_argument_group("the trials")
    trials.add_argument(
        "--ours",
        metavar="CODEC",
        help="compare this codec with each other one (default: all pairs of codecs)",
    )
    trials.add_argument(
        "--checks",
        type=int,
        default=3,
        metavar="N",
        help="attention checks among the trials (default: %(default)s)",
    )
    trials.add_argument(
        "--participants",
        type=int,
        default=100,
        metavar="N",
        help="how many numbers you can hand out (default: %(default)s)",
    )
    trials.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of orders, sides and names (default: %(default)s)",
    )
    clips = parser.add_argument_group("the clips")
    clips.add_argument(
        "--fps",
        default="20",
        metavar="R",
        help="frames that are shown in a second (default: %(default)s, as in the paper)",
    )
    clips.add_argument(
        "--lossless",
        action="store_true",
        help="keep every sample, instead of x265 at CRF 10 as in the paper",
    )
    streams = parser.add_argument_group("decoding .fgvc files")
    streams.add_argument(
        "--prior",
        metavar="NAME",
        help="a prior's name, or the folder of a model (default: their own)",
    )
    streams.add_argument(
        "--device", default="cpu", help="such as cpu or cuda:0 (default: %(default)s)"
    )
    add_allow_large(streams)
    parser.set_defaults(run=_build)


def _build(arguments: argparse.Namespace) -> int:
    from freegvc._cli.progress import FrameCount
    from freegvc._study.build import build_study, check_outputs, num_clips
    from freegvc._study.design import make_design
    from freegvc._study.plan import read_plan
    from freegvc._video.rate import parse_rate

    folder: Path = arguments.out
    if folder.name in ("", ".."):
        raise UsageError(f"--out {folder} is no new folder: name one, such as study")
    if arguments.plan.is_dir() and folder.resolve().is_relative_to(arguments.plan.resolve()):
        raise UsageError(f"{folder} would be a sequence of the plan {arguments.plan}: name another")
    assignment = arguments.assignment or folder.with_name(f"{folder.name}.assignment.json")
    for path, option in ((folder, "--out"), (assignment, "--assignment")):
        refuse_standard(path, option)
    frame_rate = parse_rate(arguments.fps)
    plan = read_plan(arguments.plan)
    for sequence in plan.sequences:
        for source in (arguments.plan, sequence.reference, *sequence.versions.values()):
            refuse_same_file(source, assignment)
    design = make_design(
        plan,
        ours=arguments.ours,
        num_checks=arguments.checks,
        num_participants=arguments.participants,
        seed=arguments.seed,
    )
    check_outputs(folder, assignment, overwrite=arguments.force)
    built = build_study(
        plan,
        design,
        folder,
        assignment,
        frame_rate=frame_rate,
        is_lossless=arguments.lossless,
        prior=arguments.prior,
        device=arguments.device,
        allow_large=arguments.allow_large,
        overwrite=arguments.force,
        on_clip=FrameCount("study", f"of {num_clips(design)} clips"),
    )
    num_trials = len(design.trials)
    say(
        f"{folder}: {count(num_trials, 'trial')} of {count(len(plan.sequences), 'sequence')} and "
        f"{count(len(plan.codecs), 'codec')}, {count(built.num_clips, 'clip')}, "
        f"{_megabytes(built.num_bytes)}; a trial loads up to {_megabytes(built.largest_bytes)}"
    )
    say(
        f"hand out the folder, and a number from 1 to {len(design.orders)} to each participant: "
        f"{folder / 'study.html'}#1"
    )
    say(f"{assignment}: who is who, for you alone")
    return 0


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f} MB"


def _declare_analyse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "votes", nargs="+", type=Path, metavar="VOTES", help="the participants' .json files"
    )
    parser.add_argument(
        "--assignment", type=Path, required=True, metavar="FILE", help="what `study build` kept"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with every single vote")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw the preferences as stacked bars"
    )
    parser.add_argument(
        "--resamples",
        type=int,
        default=2000,
        metavar="N",
        help="draws of participants behind the intervals of strengths (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of these draws (default: %(default)s)"
    )
    add_force(parser)
    parser.set_defaults(run=_analyse)


def _analyse(arguments: argparse.Namespace) -> int:
    from freegvc._cli.study_report import document, page
    from freegvc._study.analysis import analyse
    from freegvc._study.assignment import read_assignment
    from freegvc._study.votes import read_ballots

    if arguments.plot is not None:
        from freegvc._cli.score_plot import check_plot

        inputs = [arguments.assignment, *arguments.votes]
        check_plot(arguments.plot, inputs, overwrite=arguments.force)
    assignment = read_assignment(arguments.assignment)
    ballots = read_ballots(arguments.votes, assignment)
    result = analyse(ballots, assignment, num_resamples=arguments.resamples, seed=arguments.seed)
    if arguments.plot is not None:
        from freegvc._cli.study_plot import save_study_plot

        save_study_plot(arguments.plot, result, overwrite=arguments.force)
    if arguments.json:
        print(json.dumps(document(result, assignment), indent=2, allow_nan=False))
    else:
        print(page(result, assignment))
    return 0
