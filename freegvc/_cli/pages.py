"""Pages of text: aligned columns, the same on a terminal and in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from freegvc._bitstream.silent_rule import RATE_TIMESTEPS

if TYPE_CHECKING:
    from freegvc._bitstream import Header
    from freegvc._codec.compressed import CompressedVideo


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """One fact per line: its name, then its value."""
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of numbers, right-aligned under their heads."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def count(number: int, noun: str) -> str:
    """A number and its noun, which is in the plural unless the number is 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _tiles(tile: tuple[int, int, int]) -> str:
    height, width, overlap = tile
    return f"{height}x{width} latents, {overlap} of overlap" if height else "none"


def stream_page(name: str, compressed: CompressedVideo) -> str:
    """The page of `freegvc info`."""
    h, gops = compressed.header, compressed.gops
    seconds = compressed.duration_seconds
    rate = f"{float(h.frame_rate):.5g} fps"
    if compressed.stream.timestamps is not None:
        rate = f"variable, about {rate}"
    matrix, primaries, transfer, full_range = h.colour
    packet_bits = sum(gop.bits for gop in gops)
    seed_bits = sum(gop.seed_bits for gop in gops)
    packet_bytes = packet_bits // 8
    rest = compressed.num_bytes - packet_bytes - compressed.audio_bytes
    aspect = "" if h.pixel_aspect == 1 else f", pixel aspect {h.pixel_aspect}"
    refinement = f"refined from {h.refine_timestep}" if h.refine_timestep else "not refined"
    page = facts(
        [
            ("file", name),
            ("picture", f"{h.width}x{h.height}{aspect}"),
            ("frames", f"{h.num_frames}, {rate}, {seconds:.2f} s"),
            (
                "colour",
                f"matrix {matrix}, primaries {primaries}, transfer {transfer} (H.273), "
                f"{'full' if full_range else 'limited'} range",
            ),
            ("prior", f"{h.prior}, fingerprint {h.fingerprint.hex()}"),
            ("numerics", f"{h.numerics}, attention {h.attention}"),
            # repr, because text from a file may hold control sequences for the terminal
            ("prompt", "none" if compressed.prompt is None else repr(compressed.prompt)),
            ("tiles", _tiles(h.tile)),
            ("VAE tiles", _tiles(h.vae_tile)),
            ("trajectory", f"from {h.start_timestep}"),
            ("silent part", f"{h.sampler}, {_silent_rule(h)}, {refinement}"),
            ("coder", h.coder),
            (
                "GOPs",
                f"{h.num_gops}, {h.gop_length} frames, {h.overlap} of overlap"
                + (", chained: each needs those before it" if h.chain else ""),
            ),
            ("  overlap", _overlap(compressed)),
            ("rate", f"{compressed.bpp:.5g} bpp, audio aside"),
            ("bytes", str(compressed.num_bytes)),
            ("  packets", f"{packet_bytes}, of which seeds {seed_bits / 8:.0f}"),
            ("  header, index", str(rest)),
            ("  audio", str(compressed.audio_bytes)),
        ]
    )
    rows = []
    for gop in gops:
        pixels = gop.num_frames * h.width * h.height
        frames = f"{gop.first_frame}..{gop.first_frame + gop.num_frames - 1}"
        counts = (gop.index, frames, gop.stop_step, gop.num_steps, gop.model_calls, gop.bits)
        rows.append([*map(str, counts), f"{gop.seed_bits:.0f}", f"{gop.bits / pixels:.5f}"])
    head = ("GOP", "frames", "stop step", "steps", "model calls", "bits", "seed bits", "bpp")
    return f"{page}\n\n{table(head, rows)}"


def _overlap(compressed: CompressedVideo) -> str:
    """What the overlap costs (paper, eq. 18)."""
    h = compressed.header
    if not h.overlap or h.num_gops == 1:
        return "nothing is coded twice"
    if h.chain:
        return "known from the GOP before, costs nothing"
    return (
        f"{h.plan.num_coded} frames are coded for {h.num_frames}, "
        f"{100 * compressed.overlap_overhead:.1f} % more"
    )


def _silent_rule(header: Header) -> str:
    if header.silent_steps:
        return count(header.silent_steps, "step")
    return f"{count(header.silent_rate, 'step')} for {RATE_TIMESTEPS} timesteps"
