"""priors: list the known priors, and fetch models onto this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.pages import facts, table
from freegvc._cli.paths import say
from freegvc.errors import PriorUnavailableError
from freegvc.priors.diffusers.catalogue import KNOWN_MODELS, find
from freegvc.priors.diffusers.families import ADAPTERS
from freegvc.priors.diffusers.fetching import HUB, embed_empty_prompt, fetch
from freegvc.priors.diffusers.hub_cache import find_folder, is_whole
from freegvc.priors.loading import BUILT_IN, installed_priors

if TYPE_CHECKING:
    from freegvc.priors.diffusers.catalogue import KnownModel
    from freegvc.priors.diffusers.fetching import Plan

NOT_MEASURED = "not measured here"
_COMPONENTS = ("transformer", "vae", "text_encoder")


def declare_priors(parser: argparse.ArgumentParser) -> None:
    """Three actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, prog=parser.prog)
    listing = actions.add_parser("list", help="list all priors, and which are on this machine")
    listing.add_argument("--json", action="store_true", help="print the list as JSON")
    listing.set_defaults(run=_list)
    fetching = actions.add_parser("fetch", help="download a model from the Hugging Face hub")
    fetching.add_argument("name", help="a name in the list, or an id 'organisation/name'")
    fetching.add_argument(
        "--no-text-encoder",
        action="store_true",
        help="leave out the text encoder; the prompt's embedding must then come from elsewhere",
    )
    fetching.set_defaults(run=_fetch)
    showing = actions.add_parser("show", help="show the facts about one prior")
    showing.add_argument("name", help="a name in the list, an id, or a folder of a model")
    showing.set_defaults(run=_show)


def _list(arguments: argparse.Namespace) -> int:
    entries = [*_built_in(), *map(_entry, KNOWN_MODELS), *_installed()]
    if arguments.json:
        print(json.dumps(entries, indent=2, allow_nan=False))
        return 0
    head = ("name", "from", "licence", "parameters", "weights", "size", "present")
    rows = [
        (
            e["name"],
            e["hub_id"] or e["package"],
            e["licence"] or "-",
            _billions(e["num_parameters"]),
            _gigabytes(e["weights_bytes"]),
            _size(e["native_size"]),
            "yes" if e["present"] else "no",
        )
        for e in entries
    ]
    print(table(head, rows))
    print(
        "\nweights: memory of transformer and VAE in the model's own dtype, in 10^9 bytes.\n"
        f"The memory of a forward pass comes on top of it and was {NOT_MEASURED}.\n"
        "size: width x height above which frames are cut into tiles.\n"
        "Get a model with: freegvc priors fetch NAME"
    )
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    def tell(plan: Plan) -> None:
        say(
            f"{plan.hub_id}: {len(plan.files)} files, {_gigabytes(plan.num_bytes)}, of which "
            f"{_gigabytes(plan.missing_bytes)} will be downloaded; the disk has "
            f"{_gigabytes(plan.free_bytes)} free"
        )

    known = find(arguments.name)
    if known is not None:
        say(f"{known.name} has its own licence ({known.licence}): {HUB}/{known.hub_id}")
    with_text_encoder = not arguments.no_text_encoder
    folder = fetch(arguments.name, with_text_encoder=with_text_encoder, on_plan=tell)
    if with_text_encoder:
        need = f", {_gigabytes(4 * known.text_encoder_parameters)} of memory" if known else ""
        say(f"making the embedding of the empty prompt, once, in float32 on the CPU{need}")
        embed_empty_prompt(folder)
    print(folder)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    name = arguments.name
    own = {e["name"]: e for e in (*_built_in(), *_installed())}
    if Path(name).is_dir():
        print(facts(_folder_facts(Path(name))))
    elif name in own:
        print(facts([("name", name), ("package", own[name]["package"]), ("present", "yes")]))
    else:
        known, folder = find(name), find_folder(name if "/" in name else _hub_id(name))
        if known is None and folder is None:
            raise PriorUnavailableError(
                f"{name} is not on this machine; get it with: freegvc priors fetch {name}"
            )
        rows = _known_facts(known) if known else [("hub id", name)]
        rows += _folder_facts(folder) if folder else [("present", "no")]
        print(facts(rows))
    return 0


def _hub_id(name: str) -> str:
    known = find(name)
    if known is None:
        raise PriorUnavailableError(
            f"no prior is called {name!r} and there is no such folder; see: freegvc priors list"
        )
    return known.hub_id


def _known_facts(known: KnownModel) -> list[tuple[str, str]]:
    return [
        ("name", known.name),
        ("hub id", known.hub_id),
        ("licence", f"{known.licence}, see {HUB}/{known.hub_id}"),
        ("native size", _size(known.native_size)),
        ("dtype", f"{known.dtype}, VAE {known.vae_dtype}"),
        ("parameters", _billions(known.num_parameters)),
        ("  transformer", _billions(known.transformer_parameters)),
        ("  VAE", _billions(known.vae_parameters)),
        ("  text encoder", f"{_billions(known.text_encoder_parameters)} more, used once"),
        ("weights", f"{_gigabytes(known.weights_bytes)} of memory"),
        ("activations", NOT_MEASURED),
    ]


def _folder_facts(folder: Path) -> list[tuple[str, str]]:
    """What is in a folder, without loading any of it."""
    from freegvc.priors.diffusers.checkpoint import Checkpoint

    transformer = Checkpoint(folder).class_name("transformer")
    family = ADAPTERS[transformer][0] if transformer in ADAPTERS else "unknown: no adapter for it"
    rows = [
        ("present", "yes" if is_whole(folder) else "in part: files are missing; fetch it again"),
        ("folder", str(folder)),
        ("class", transformer),
        ("family", family),
    ]
    parts = [p for p in _COMPONENTS if (folder / p).is_dir()]
    sizes = {p: sum(f.stat().st_size for f in (folder / p).iterdir()) for p in parts}
    rows.append(("on disk", _gigabytes(sum(sizes.values()))))
    rows += [(f"  {part}", _gigabytes(num_bytes)) for part, num_bytes in sizes.items()]
    prompts = len(list((folder / "freegvc").glob("prompt-*.safetensors")))
    rows.append(("prompts embedded", str(prompts)))
    return rows


def _entry(known: KnownModel) -> dict[str, Any]:
    """A known model as `list --json` prints it; the others have the same keys."""
    folder = find_folder(known.hub_id)
    return {
        "name": known.name,
        "hub_id": known.hub_id,
        "package": None,
        "licence": known.licence,
        "dtype": known.dtype,
        "native_size": known.native_size,
        "num_parameters": known.num_parameters,
        "weights_bytes": known.weights_bytes,
        "present": folder is not None,
        "folder": None if folder is None else str(folder),
    }


def _own(name: str, package: str) -> dict[str, Any]:
    """A prior that comes with a Python package."""
    unknown = ("hub_id", "licence", "dtype", "native_size", "num_parameters", "weights_bytes")
    return {
        "name": name,
        **dict.fromkeys(unknown),
        "package": package,
        "present": True,
        "folder": None,
    }


def _built_in() -> list[dict[str, Any]]:
    return [_own(name, "freegvc") for name in BUILT_IN]


def _installed() -> list[dict[str, Any]]:
    points = [point for _, point in sorted(installed_priors().items())]
    return [_own(p.name, p.dist.name if p.dist else p.value) for p in points]


def _gigabytes(num_bytes: int | None) -> str:
    return "-" if num_bytes is None else f"{num_bytes / 1e9:.3g} GB"


def _billions(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e9:.3g} B"


def _size(native_size: tuple[int, int] | None) -> str:
    return "-" if native_size is None else f"{native_size[1]}x{native_size[0]}"
