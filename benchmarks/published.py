"""Numbers that papers print, as data: Free-GVC's Tables I to III and those of its peers.

One file of `benchmarks/published/` for each paper, transcribed from the papers' text. None of it
was measured here. What a paper does not print is not there: "N/A" and "-" are the paper's own, and
null is what could not be read in the text at hand, which a note of the table then says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.strict_json import FileFormatError, read_json

FOLDER = Path(__file__).with_suffix("")
FREE_GVC = "free-gvc"
PROTOCOL = (
    "sequences",
    "frame size",
    "colour",
    "LPIPS network",
    "DISTS",
    "FID patches",
    "temporal metrics",
    "BD",
    "settings of other codecs",
)
DATASETS = {
    "hevc-b": "HEVC B",
    "hevc-c": "HEVC C",
    "hevc-d": "HEVC D",
    "hevc-e": "HEVC E",
    "uvg": "UVG",
    "mcl-jcv": "MCL-JCV",
    "hevc": "HEVC, classes not said",
    "all": "mean of all six",
    "unsaid": "not said",
}
METRICS = {
    "psnr": "PSNR",
    "ms_ssim": "MS-SSIM",
    "lpips": "LPIPS (AlexNet)",
    "lpips_vgg": "LPIPS (VGG)",
    "lpips_unsaid": "LPIPS (network not said)",
    "dists": "DISTS",
    "fid": "FID",
    "tof": "tOF",
    "tlp": "tLP",
    "e_warp_raft": "warp error (RAFT)",
    "clip_f": "CLIP-F",
    "bpp": "bpp",
    "bpp_y": "rate of y",
    "bpp_z": "rate of z",
    "vae_encoding": "VAE encoding",
    "vae_decoding": "VAE decoding",
    "encoder_diffusion": "diffusion, encoder",
    "decoder_diffusion": "diffusion, decoder",
    "encoder_channel_coding": "RCC, encoder",
    "decoder_channel_coding": "RCC, decoder",
    "decoder_denoising": "denoising",
    "encoding_speed": "encoding speed",
    "decoding_speed": "decoding speed",
    "encoding_time": "encoding",
    "decoding_time": "decoding",
    "parameters": "parameters",
}
Quantity = Literal["BD-rate", "BD-metric", "value"]
_QUANTITIES: tuple[Quantity, ...] = ("BD-rate", "BD-metric", "value")
_ABSENT = ("N/A", "-")
ILLEGIBLE = "illegible"


@dataclass(frozen=True)
class Number:
    """One number of a paper.

    Attributes:
        subject: the codec, or the setting of the paper's codec.
        dataset: of `DATASETS`; with "/" and a sequence where it is of one sequence.
        metric: of `METRICS`.
        quantity: what it is of the metric.
        unit: "%" for a BD-rate; "" where there is none.
        anchor: of a BD; None for a value.
        value: None if there is none.
        absent: what stands in place of the value: "N/A" or "-" as printed, or `ILLEGIBLE`; else "".
    """

    subject: str
    dataset: str
    metric: str
    quantity: Quantity
    unit: str
    anchor: str | None
    value: float | None
    absent: str = ""


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper, or the numbers that a section gives in its text.

    Attributes:
        number, title: as in the paper, such as "Table I".
        subject: whether its subjects are codecs or settings of the paper's own codec.
        notes: what is to be known of the numbers.
        numbers: no two of the same subject, dataset, metric, quantity and anchor.
    """

    number: str
    title: str
    subject: Literal["codec", "setting"]
    notes: tuple[str, ...]
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Paper:
    """A paper and how it measured.

    Attributes:
        key, system: names of it and of its codec.
        citation: authors and title.
        protocol: the entries of `PROTOCOL`.
        comparable, not_comparable: with Free-GVC's protocol.
        tables: in the paper's order.
    """

    key: str
    system: str
    citation: str
    protocol: Mapping[str, str]
    comparable: tuple[str, ...]
    not_comparable: tuple[str, ...]
    tables: tuple[PublishedTable, ...]

    def table(self, number: str) -> PublishedTable:
        """The table of that number, such as "Table I".

        Raises:
            KeyError: there is none.
        """
        for table in self.tables:
            if table.number == number:
                return table
        raise KeyError(f"{self.system} has no {number!r}")


def load_published(folder: Path = FOLDER) -> tuple[Paper, ...]:
    """All papers of a folder, Free-GVC first.

    Raises:
        FileFormatError: a file that is not as described here, with the place in it.
    """
    papers = [read_paper(path) for path in sorted(folder.glob("*.json"))]
    keys = [paper.key for paper in papers]
    if FREE_GVC not in keys or len(set(keys)) < len(keys):
        raise FileFormatError(f"{folder} holds {keys}: not each paper once, {FREE_GVC} among them")
    return tuple(sorted(papers, key=lambda paper: (paper.key != FREE_GVC, paper.key)))


def read_paper(path: Path) -> Paper:
    """One file.

    Raises:
        FileFormatError: as for `load_published`.
    """
    return _Reader(path).paper(read_json(path))


@dataclass(frozen=True)
class _Reader:
    """Turns the content of one file into dataclasses and refuses whatever is not expected."""

    path: Path

    def paper(self, content: Any) -> Paper:
        fields = ("key", "system", "citation", "protocol", "comparable", "not_comparable", "tables")
        self._has_fields("", content, fields)
        key, system, citation = (self._text(name, content[name]) for name in fields[:3])
        self._has_fields("protocol", content["protocol"], PROTOCOL)
        protocol = {name: self._text(name, content["protocol"][name]) for name in PROTOCOL}
        comparable, others = (self._texts(name, content[name]) for name in fields[4:6])
        self._expect("tables", isinstance(content["tables"], list))
        tables = tuple(self._table(table) for table in content["tables"])
        self._expect("tables", len({table.number for table in tables}) == len(tables))
        return Paper(key, system, citation, protocol, comparable, others, tables)

    def _table(self, content: Any) -> PublishedTable:
        self._has_fields("tables", content, ("number", "title", "subject", "notes", "groups"))
        place, title = (self._text("tables", content[name]) for name in ("number", "title"))
        notes = self._texts(f"{place}, notes", content["notes"])
        subject = content["subject"]
        self._expect(f"{place}, subject", subject in ("codec", "setting"))
        self._expect(f"{place}, groups", isinstance(content["groups"], list))
        numbers = tuple(n for group in content["groups"] for n in self._group(place, group))
        known = {(n.subject, n.dataset, n.metric, n.quantity, n.anchor) for n in numbers}
        self._expect(f"{place}, a number twice", len(known) == len(numbers))
        if any(number.absent == ILLEGIBLE for number in numbers):
            self._expect(f"{place}, a null that no note explains", bool(notes))
        return PublishedTable(place, title, subject, notes, numbers)

    def _group(self, place: str, content: Any) -> Iterator[Number]:
        self._has_fields(place, content, ("metric", "quantity", "unit", "anchor", "values"))
        metric, quantity, anchor = (content[name] for name in ("metric", "quantity", "anchor"))
        self._expect(f"{place}, metric {metric!r}", isinstance(metric, str) and metric in METRICS)
        self._expect(f"{place}, quantity {quantity!r}", quantity in _QUANTITIES)
        self._expect(f"{place}, unit", isinstance(content["unit"], str))
        self._expect(f"{place}, unit", (quantity == "BD-rate") == (content["unit"] == "%"))
        self._expect(f"{place}, anchor", (quantity == "value") == (anchor is None))
        self._expect(f"{place}, anchor", anchor is None or (isinstance(anchor, str) and anchor))
        self._expect(f"{place}, values", isinstance(content["values"], dict))
        for dataset, values in content["values"].items():
            self._expect(f"{place}, dataset {dataset!r}", dataset.split("/")[0] in DATASETS)
            self._expect(f"{place}, {dataset}", isinstance(values, dict) and bool(values))
            for subject, value in values.items():
                number, absent = self._value(f"{place}, {dataset}, {metric}, {subject}", value)
                unit = content["unit"]
                yield Number(subject, dataset, metric, quantity, unit, anchor, number, absent)

    def _value(self, place: str, value: Any) -> tuple[float | None, str]:
        if value is None:
            return None, ILLEGIBLE
        if value in _ABSENT:
            return None, str(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        self._expect(place, is_number and math.isfinite(value))
        return float(value), ""

    def _has_fields(self, place: str, content: Any, names: tuple[str, ...]) -> None:
        if not isinstance(content, dict) or sorted(content) != sorted(names):
            have = sorted(content) if isinstance(content, dict) else type(content).__name__
            raise FileFormatError(f"{self.path}, {place or 'top'}: {have}, not {sorted(names)}")

    def _text(self, place: str, content: Any) -> str:
        self._expect(place, isinstance(content, str) and bool(content.strip()))
        return str(content)

    def _texts(self, place: str, content: Any) -> tuple[str, ...]:
        self._expect(place, isinstance(content, list))
        return tuple(self._text(place, text) for text in content)

    def _expect(self, place: str, condition: object) -> None:
        if not condition:
            raise FileFormatError(f"{self.path}: {place} is not as it should be")
