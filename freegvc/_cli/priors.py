"""priors: list the known priors, fetch models, and take embeddings to other machines."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freegvc._cli.pages import facts, table
from freegvc._cli.paths import refuse_standard, say
from freegvc.errors import PriorUnavailableError
from freegvc.priors.built_in import BUILT_IN_PRIORS
from freegvc.priors.diffusers.catalogue import KNOWN_MODELS, find
from freegvc.priors.diffusers.embeddings import kept_embeddings, model_base
from freegvc.priors.diffusers.families import ADAPTERS
from freegvc.priors.diffusers.fetching import HUB, embed_empty_prompt, fetch
from freegvc.priors.diffusers.hub_cache import MAIN, find_folder, is_whole, repository_of
from freegvc.priors.loading import installed_priors

if TYPE_CHECKING:
    from freegvc.priors.built_in import BuiltInPrior
    from freegvc.priors.diffusers.catalogue import KnownModel
    from freegvc.priors.diffusers.fetching import Plan

NOT_MEASURED = "not measured here"
_COMPONENTS = ("transformer", "vae", "text_encoder")


def declare_priors(parser: argparse.ArgumentParser) -> None:
    """Five actions."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, prog=parser.prog)
    listing = actions.add_parser("list", help="list all priors, and which are on this machine")
    listing.add_argument("--json", action="store_true", help="print the list as JSON")
    listing.set_defaults(run=_list)
    showing = actions.add_parser("show", help="show the facts about one prior")
    showing.add_argument("name", help="a name in the list, an id, or a folder of a model")
    showing.set_defaults(run=_show)
    fetching = actions.add_parser("fetch", help="download a model from the Hugging Face hub")
    fetching.add_argument("name", help="a name in the list, or an id 'organisation/name'")
    fetching.add_argument(
        "--revision",
        default=MAIN,
        help="a branch, tag or commit of the model (default: %(default)s)",
    )
    fetching.add_argument(
        "--text-encoder",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="download the text encoder, or leave it out (default: only if no embedding of the "
        "empty prompt is here)",
    )
    fetching.set_defaults(run=_fetch)
    exporting = actions.add_parser(
        "export-embedding", help="write the embedding of a prompt to a file for other machines"
    )
    exporting.add_argument("name", help="a name in the list, or an id 'organisation/name'")
    exporting.add_argument("file", type=Path, help="the file to write, such as NAME.safetensors")
    exporting.add_argument("--prompt", default="", help="the text (default: the empty prompt)")
    exporting.add_argument("--force", action="store_true", help="replace an existing file")
    exporting.set_defaults(run=_export)
    importing = actions.add_parser(
        "import-embedding", help="keep an embedding that another machine has exported"
    )
    importing.add_argument("file", type=Path, help="the exported file")
    importing.set_defaults(run=_import)


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
            _count(e["num_parameters"]),
            _size(e["weights_bytes"]),
            _frame(e["native_size"]),
            "yes" if e["present"] else "no",
        )
        for e in entries
    ]
    print(table(head, rows))
    print(
        "\nweights: memory of transformer and VAE in the model's own dtype; a GB has 10^9 bytes.\n"
        f"The memory of a forward pass comes on top of it and was {NOT_MEASURED}.\n"
        "size: width x height above which frames are cut into tiles.\n"
        "Get a model with: freegvc priors fetch NAME"
    )
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    package = {e["name"]: e["package"] for e in _installed()}.get(arguments.name)
    if package is not None:
        raise PriorUnavailableError(
            f"{arguments.name} comes with the package {package}: there is nothing to fetch"
        )
    plans: list[Plan] = []

    def tell(plan: Plan) -> None:
        plans.append(plan)
        say(
            f"{plan.hub_id} at commit {plan.commit[:12]}: {len(plan.files)} files, "
            f"{_size(plan.num_bytes)}, of which {_size(plan.missing_bytes)} will be downloaded; "
            f"the disk has {_size(plan.free_bytes)} free"
        )
        if not plan.with_text_encoder and arguments.text_encoder is None:
            say("the embedding of the empty prompt is here, so the text encoder is left out")

    known = find(arguments.name)
    if known is not None:
        say(f"{known.name} has its own licence ({known.licence}): {HUB}/{known.hub_id}")
    folder = fetch(
        arguments.name,
        revision=arguments.revision,
        with_text_encoder=arguments.text_encoder,
        on_plan=tell,
    )
    if plans[0].with_text_encoder:
        say(
            "making the embedding of the empty prompt, once, in float32 on the CPU, in "
            f"{_size(plans[0].ram_bytes)} of memory"
        )
        embed_empty_prompt(folder)
    print(folder)
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from freegvc.priors.diffusers.transfer import export_embedding

    refuse_standard(arguments.file, "FILE")
    export_embedding(
        arguments.name, arguments.file, prompt=arguments.prompt, overwrite=arguments.force
    )
    print(arguments.file)
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from freegvc.priors.diffusers.transfer import import_embedding

    refuse_standard(arguments.file, "FILE")
    embedding, kept = import_embedding(arguments.file)
    origin = embedding.origin
    say(f"embedding of the prompt {origin.prompt!r} for {origin.hub_id}, commit {origin.commit}")
    print(kept)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    name = arguments.name
    built_in = {prior.name: prior for prior in BUILT_IN_PRIORS}
    installed = {e["name"]: e["package"] for e in _installed()}
    if Path(name).is_dir():
        print(facts(_folder_facts(Path(name))))
    elif name in built_in:
        print(facts(_built_in_facts(built_in[name])))
    elif name in installed:
        print(facts([("name", name), ("package", installed[name]), ("present", "yes")]))
    else:
        known, folder = find(name), find_folder(name if "/" in name else _hub_id(name))
        if known is None and folder is None:
            raise PriorUnavailableError(
                f"there is no folder {name}, and a model {name} is not on this machine; get it "
                f"with: freegvc priors fetch {name}"
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


def _built_in_facts(prior: BuiltInPrior) -> list[tuple[str, str]]:
    return [
        ("name", prior.name),
        ("package", "freegvc"),
        ("licence", prior.licence),
        ("native size", _frame(prior.native_size)),
        ("dtype", prior.dtype),
        ("parameters", _count(prior.num_parameters)),
        ("weights", f"{_size(prior.weights_bytes)} of memory"),
        ("on disk", _size(prior.files_bytes)),
        ("present", "yes"),
    ]


def _known_facts(known: KnownModel) -> list[tuple[str, str]]:
    return [
        ("name", known.name),
        ("hub id", known.hub_id),
        ("licence", f"{known.licence}, see {HUB}/{known.hub_id}"),
        ("native size", _frame(known.native_size)),
        ("dtype", f"{known.dtype}, VAE {known.vae_dtype}"),
        ("parameters", _count(known.num_parameters)),
        ("  transformer", _count(known.transformer_parameters)),
        ("  VAE", _count(known.vae_parameters)),
        ("  text encoder", f"{_count(known.text_encoder_parameters)} more, used once"),
        ("weights", f"{_size(known.weights_bytes)} of memory"),
        ("activations", NOT_MEASURED),
    ]


def _folder_facts(folder: Path) -> list[tuple[str, str]]:
    """What is in a folder, without loading any of it."""
    from freegvc.priors.diffusers.checkpoint import Checkpoint

    transformer = Checkpoint(folder).class_name("transformer")
    family = ADAPTERS[transformer][0] if transformer in ADAPTERS else "unknown: no adapter for it"
    repository = repository_of(folder)
    commit = [] if repository is None else [("commit", repository[2])]
    rows = [
        ("present", "yes" if is_whole(folder) else "in part: files are missing; fetch it again"),
        ("folder", str(folder)),
        *commit,
        ("class", transformer),
        ("family", family),
    ]
    parts = [p for p in _COMPONENTS if (folder / p).is_dir()]
    sizes = {p: sum(f.stat().st_size for f in (folder / p).iterdir()) for p in parts}
    rows.append(("on disk", _size(sum(sizes.values()))))
    rows += [(f"  {part}", _size(num_bytes)) for part, num_bytes in sizes.items()]
    rows.append(("prompts embedded", str(len(kept_embeddings(model_base(folder))))))
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


def _built_in() -> list[dict[str, Any]]:
    return [
        {
            "name": prior.name,
            "hub_id": None,
            "package": "freegvc",
            "licence": prior.licence,
            "dtype": prior.dtype,
            "native_size": prior.native_size,
            "num_parameters": prior.num_parameters,
            "weights_bytes": prior.weights_bytes,
            "present": True,
            "folder": None,
        }
        for prior in BUILT_IN_PRIORS
    ]


def _installed() -> list[dict[str, Any]]:
    """The priors of other packages, of which only the names are known without loading them."""
    unknown = ("hub_id", "licence", "dtype", "native_size", "num_parameters", "weights_bytes")
    return [
        {
            "name": point.name,
            **dict.fromkeys(unknown),
            "package": point.dist.name if point.dist else point.value,
            "present": True,
            "folder": None,
        }
        for _, point in sorted(installed_priors().items())
    ]


def _size(num_bytes: int | None) -> str:
    """A number of bytes in a decimal unit."""
    if not num_bytes:
        return "-" if num_bytes is None else "0"
    scale, unit = (1e9, "GB") if num_bytes >= 1e9 else (1e6, "MB")
    return f"{num_bytes / scale:.3g} {unit}"


def _count(number: int | None) -> str:
    """A number of parameters in millions or billions."""
    if not number:
        return "-" if number is None else "0"
    return f"{number / 1e9:.3g} B" if number >= 1e9 else f"{number / 1e6:.3g} M"


def _frame(native_size: tuple[int, int] | None) -> str:
    return "-" if native_size is None else f"{native_size[1]}x{native_size[0]}"
