"""Codecs that are programs: HM, VTM, VVenC, and any other that command templates describe.

HM and VTM run as the baselines of the paper's field do (DCVC's test conditions, GNVC-VD's
appendix): the official low-delay configuration, 10-bit 4:4:4 from RGB, one intra picture. VVenC
codes 4:2:0 alone, here in 10 bits with its own random-access hierarchy. All at fixed QP.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.codecs.base import Codec, CodecUnavailableError, Encoded, Frames
from benchmarks.codecs.sized_files import size_in_name, sized_path
from benchmarks.frames import open_clip, pad_edges
from freegvc._video import BT709, rgb_to_yuv

_SUBSAMPLING = {"yuv420p": (2, 2), "yuv422p": (2, 1), "yuv444p": (1, 1)}
_DEEP = "10le"
_END_OF_OUTPUT = 2000  # characters shown of a failed program's output


class ExternalCodecError(Exception):
    """A codec's program failed; the message has the command and the end of its output."""


@dataclass(frozen=True)
class ExternalTool:
    """A program and how it is called.

    Templates may contain {input} and {recon} (planar files before and after), {output} (the coded
    file), {width}, {height}, {frames}, {fps} (rounded to an integer), {qp}, and {home}, the folder
    that an environment variable names. Templates are split as a shell does it, before the names
    are replaced, and run without a shell.

    Attributes:
        label: for tables.
        encode, decode: templates.
        pix_fmt: of the planar files: yuv420p, yuv422p, yuv444p, or these with 10le at their end.
        qps: rate settings, from coarse to fine.
        install: what to do if a program is missing.
        home_variable: the environment variable behind {home}; "" if no template has it.
        unit: pictures are padded to multiples of it.
        suffix: of the coded files.
    """

    label: str
    encode: str
    decode: str
    pix_fmt: str
    qps: tuple[int, ...]
    install: str
    home_variable: str = ""
    unit: int = 8
    suffix: str = ".bin"

    @classmethod
    def read(cls, path: Path) -> ExternalTool:
        """A tool from a JSON file with these attributes.

        Raises:
            ValueError: the file is not JSON, or has other attributes.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            tool = cls(**{**content, "qps": tuple(content["qps"])})
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{path} does not describe an external codec ({error}): it needs label, encode, "
                "decode, pix_fmt, qps and install"
            ) from error
        if tool.pix_fmt.removesuffix(_DEEP) not in _SUBSAMPLING:
            raise ValueError(
                f"{path} has pix_fmt {tool.pix_fmt!r}; the formats are {', '.join(_SUBSAMPLING)}, "
                f"and these with {_DEEP}"
            )
        return tool


def _reference_software(
    name: str, programs: str, configuration: str, qps: tuple[int, ...]
) -> ExternalTool:
    """HM and VTM take the same options."""
    variable = f"FREEGVC_{name}"
    return ExternalTool(
        f"{name.lower()}-ld",
        f"{{home}}/bin/{programs.format('Encoder')} -c {{home}}/cfg/{configuration} "
        "--InputFile={input} --BitstreamFile={output} --SourceWidth={width} "
        "--SourceHeight={height} --FrameRate={fps} --FramesToBeEncoded={frames} --QP={qp} "
        "--IntraPeriod=-1 --DecodingRefreshType=2 --Level=6.2 --InputBitDepth=10 "
        "--InputChromaFormat=444 --ChromaFormatIDC=444",
        f"{{home}}/bin/{programs.format('Decoder')} -b {{output}} -o {{recon}} -d 10",
        "yuv444p10le",
        qps,
        f"build {name} from https://vcgit.hhi.fraunhofer.de/jvet and set {variable} to its "
        "folder, in which are bin/ and cfg/",
        variable,
    )


TOOLS = (
    _reference_software(
        "HM", "TApp{}Static", "encoder_lowdelay_main_rext.cfg", (51, 47, 42, 37, 32)
    ),
    _reference_software("VTM", "{}AppStatic", "encoder_lowdelay_vtm.cfg", (62, 57, 52, 47, 42, 37)),
    ExternalTool(
        "vvenc-ra",
        "vvencapp -i {input} -s {width}x{height} -c yuv420_10 --framerate {fps} "
        "--frames {frames} --preset slower --qp {qp} --qpa 0 --intraperiod 96 -o {output}",
        "vvdecapp -b {output} -o {recon}",
        "yuv420p10le",
        (62, 57, 52, 47, 42, 37),
        "build vvenc and vvdec from https://github.com/fraunhoferhhi and put vvencapp and "
        "vvdecapp on the PATH",
        suffix=".266",
    ),
)


class ExternalCodec(Codec):
    """A program as a codec."""

    def __init__(self, tool: ExternalTool) -> None:
        self.label = tool.label
        self._tool = tool
        self.settings = {**asdict(tool), "qps": list(tool.qps)}

    def check(self) -> None:
        """Make sure that the programs, and the files below {home}, are here."""
        tool = self._tool
        home = os.environ.get(tool.home_variable, "")
        if tool.home_variable and not home:
            raise CodecUnavailableError(f"{tool.home_variable} is not set: {tool.install}")
        for template in (tool.encode, tool.decode):
            program, *words = shlex.split(template)
            needed = [word.format(home=home) for word in words if word.startswith("{home}/")]
            missing = [path for path in needed if not Path(path).exists()]
            if shutil.which(program.format(home=home)) is None:
                missing.insert(0, program.format(home=home))
            if missing:
                raise CodecUnavailableError(f"{missing[0]} is not here: {tool.install}")

    def encode(self, frames: Frames, fps: Fraction, folder: Path) -> Sequence[Encoded]:
        began = time.perf_counter()
        files = []
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            raw = Path(scratch) / "input.yuv"
            height, width = self._write_planes(frames, raw)
            prepared = time.perf_counter() - began
            for qp in self._tool.qps:
                path = sized_path(folder, f"qp {qp}", frames, self._tool.suffix)
                values = {"input": raw, "output": path, "width": width, "height": height}
                values |= {"frames": len(frames), "fps": round(fps), "qp": qp}
                seconds = prepared + self._run(self._tool.encode, values)
                files.append(Encoded(f"qp {qp}", path, seconds))
        return files

    def decode(self, encoded: Encoded) -> Frames:
        height, width = size_in_name(encoded.path)
        unit = self._tool.unit
        padded = (width + -width % unit, height + -height % unit)
        with tempfile.TemporaryDirectory(dir=encoded.path.parent) as scratch:
            recon = Path(scratch) / "recon.yuv"
            self._run(self._tool.decode, {"output": encoded.path, "recon": recon})
            with open_clip(recon, size=padded, pix_fmt=self._tool.pix_fmt) as source:
                return np.stack([frame[:height, :width] for frame in source])

    def _write_planes(self, frames: Frames, raw: Path) -> tuple[int, int]:
        """Write the planar file; return the height and width of its pictures."""
        depth = 10 if self._tool.pix_fmt.endswith(_DEEP) else 8
        subsampling = _SUBSAMPLING[self._tool.pix_fmt.removesuffix(_DEEP)]
        with raw.open("wb") as file:
            for frame in frames:
                padded = pad_edges(frame, self._tool.unit)
                for plane in rgb_to_yuv(padded, BT709, subsampling, depth):
                    file.write(plane.astype("<u2" if depth == 10 else "u1").tobytes())
        return padded.shape[0], padded.shape[1]

    def _run(self, template: str, values: Mapping[str, Any]) -> float:
        """Seconds of one call."""
        home = os.environ.get(self._tool.home_variable, "")
        command = [word.format(home=home, **values) for word in shlex.split(template)]
        began = time.perf_counter()
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        made = Path(values["recon"] if "recon" in values else values["output"])
        if done.returncode or not made.exists():
            raise ExternalCodecError(
                f"{shlex.join(command)} ended with exit status {done.returncode} and "
                f"{'a' if made.exists() else 'no'} file: {done.stdout[-_END_OF_OUTPUT:]}"
            )
        return time.perf_counter() - began
