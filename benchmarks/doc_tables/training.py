"""Tables and a picture of how the small prior was trained: benchmarks/results/training."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np

from benchmarks.bjontegaard_delta import bd_rate
from benchmarks.doc_tables.table import DocTable, listing, load
from benchmarks.record import RESULTS
from benchmarks.report.plots import DIGEST

_RUNS = (
    ("denoiser", "bpp_low", "bpp down to SNR 6.4"),
    ("decoder", "lpips_alex", "LPIPS-Alex"),
    ("motion", "lpips_alex", "LPIPS-Alex"),
)
_COLUMNS = 10


def read_log(run: str, key: str) -> list[dict[str, float]]:
    """The lines of a run's log that have the key; the line after a resumed step may lack it."""
    text = (RESULTS / "training" / f"{run}.jsonl").read_text(encoding="utf-8")
    lines: list[dict[str, float]] = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if key in line]


def training() -> DocTable:
    """Each run in tenths: where each ends, and the mean of what is minimised."""
    rows = []
    for run, key, label in _RUNS:
        log = np.array([[line["step"], line[key]] for line in read_log(run, key)])
        parts = np.array_split(log, _COLUMNS)
        rows.append([run, "up to step", *(f"{part[-1, 0]:,.0f}" for part in parts)])
        rows.append(["", label, *(f"{part[:, 1].mean():.4f}" for part in parts)])
    minutes = ", ".join(f"{run} {read_log(run, key)[-1]['minutes']:.0f}" for run, key, _ in _RUNS)
    header = ["run", "", *(f"{k}/{_COLUMNS}" for k in range(1, _COLUMNS + 1))]
    note = f"Means over tenths of a run, on training crops. Minutes: {minutes}."
    return DocTable(header, rows, note)


def validation() -> DocTable:
    """What the walk costs on clips that were never trained on, and where it stands."""
    record = load("training/validation.json")
    walk = {
        f"SNR {at['root'] ** 2:g}": f"{{walk[{k}][bpp]:.4f}} bpp, error {{walk[{k}][mse]:.3f}}"
        for k, at in enumerate(record["mean"]["walk"])
    }
    return listing(
        [*record["clips"], {"clip": "mean", **record["mean"]}],
        {
            "clip": "{clip}",
            **walk,
            "decoder dB": "{psnr_db:.1f}",
            "by phase": lambda row: ", ".join(f"{value:.1f}" for value in row["psnr_db_by_phase"]),
            "decoder LPIPS": "{lpips:.3f}",
            "flicker": "{flicker:.2f}",
        },
        "Bits of the walk down to an SNR with an ideal coder, and the squared error of the "
        "prediction there, latents having unit power on average; then the autoencoder alone: PSNR, "
        "also of the four frames of a latent, LPIPS, and the mean absolute error of frame "
        "differences in grey levels. "
        f"{record['frames']} frames at {record['size']}, measured {record['measured']}.",
    )


def decoders() -> DocTable:
    """The decoder that moves pixels beside the one before, on the same files."""
    record = load("training/decoders.json")
    metrics = {
        "lpips": ("LPIPS", 3, -1),
        "ms_ssim": ("MS-SSIM", 3, 1),
        "psnr": ("PSNR", 2, 1),
        "cvvdp": ("ColorVideoVDP", 2, 1),
        "flicker": ("flicker", 2, -1),
        "tof": ("tOF", 2, -1),
    }
    rows = []
    for rate in record["rates"]:
        files = [row for row in record["files"] if row["rate"] == rate]
        cells = []
        for name, (_, decimals, sign) in metrics.items():
            scored = [row for row in files if row["now"][name] is not None]
            before, now = (
                np.array([row[when][name] for row in scored]) for when in ("before", "now")
            )
            wins = int((sign * (now - before) > 0).sum())
            means, medians = (
                f"{pool(before):.{decimals}f} to {pool(now):.{decimals}f}"
                for pool in (np.mean, np.median)
            )
            cells.append(f"{means}; median {medians}; better on {wins} of {len(scored)}")
        rows.append([f"{rate:g}", *cells])
    note = (
        "From the decoder before to this one, for the same files of at most that rate: mean and "
        "median over the clips, and on how many it is better. Flicker: mean absolute error of "
        f"frame differences, in grey levels. First 48 frames, at most 416x240. Measured "
        f"{record['measured']}; the decoder before is that of commit cacbb33."
    )
    return DocTable(["bpp at most", *(label for label, _, _ in metrics.values())], rows, note)


def weights() -> DocTable:
    """The weights beside the ones before, with the code of one day."""
    record = load("training/weights.json")
    scores = {
        "lpips": ("LPIPS", False),
        "ms_ssim": ("MS-SSIM", True),
        "psnr": ("PSNR", True),
        "cvvdp": ("ColorVideoVDP", True),
        "flicker": ("flicker", False),
        "tof": ("tOF", False),
    }
    cells = []
    for name, (_, up) in scores.items():
        rates = []
        for clip in record["clips"]:
            curves = ([(at["bpp"], at[name]) for at in c if name in at] for c in clip["curves"])
            delta = bd_rate(*curves, higher_is_better=up)
            if delta.value is not None:
                rates.append(delta.value)
        median, mean, wins = np.median(rates), np.mean(rates), int(np.less(rates, 0).sum())
        cells.append(
            f"median {median:+.0f} %, mean {mean:+.0f} %; better on {wins} of {len(rates)}"
        )
    before, now = record["fingerprints"]
    note = (
        f"BD-rates of {now} against {before}, below 0 is fewer bits: over the clips that have one, "
        f"of {len(record['clips'])}. {record['frames']} frames, the middle {record['size']} pixels "
        f"of each. Measured {record['measured']} on {record['hardware']}."
    )
    return DocTable([label for label, _ in scores.values()], [cells], note)


def digest() -> str:
    """Digest of everything that the picture shows."""
    shown = [[(x["step"], x[key]) for x in read_log(run, key)] for run, key, _ in _RUNS]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def draw() -> bytes:
    """PNG of what each run minimised, against minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.2, 3.4), dpi=130, layout="constrained")
    for axes, (run, key, label) in zip(figure.subplots(1, len(_RUNS)), _RUNS, strict=True):
        log = read_log(run, key)
        minutes, values = [x["minutes"] for x in log], np.array([x[key] for x in log])
        axes.plot(minutes, values, color="#0072b2", alpha=0.3, linewidth=1.0)
        width = max(1, len(log) // 20)
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        axes.plot(minutes[width - 1 :], smooth, color="#0072b2", linewidth=2.0)
        axes.set_title(f"{run}: {label}, training crops", fontsize=10, loc="left")
        axes.set_xlabel("minutes", fontsize=9)
        axes.set_ylim(0.9 * smooth.min(), 1.1 * smooth.max())
        axes.set_yscale("log")
        axes.grid(alpha=0.25, which="both")
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={DIGEST: digest()})
    return picture.getvalue()


TABLES = {"training": training, "validation": validation, "decoders": decoders, "weights": weights}
PICTURES = {"docs/small-prior-training.png": (digest, draw)}
