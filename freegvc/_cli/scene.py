"""The scene of the demo: a camera pans over a meadow while two balls and a balloon move.

It is drawn with NumPy from integer-keyed noise, so it is the same everywhere and free of rights.
Lengths are in units of the picture's height; y points down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, NUM_FRAMES, FRAME_RATE = 416, 240, 48, 24

Plane = npt.NDArray[np.floating[Any]]
Picture = npt.NDArray[np.floating[Any]]  # [H, W, 3] in 0 .. 1

_HORIZON = 0.56
_PAN = 0.012  # of a nearby layer, per frame
_LIGHT = np.array([-0.55, -0.65, 0.53], np.float32)  # towards the sun: left, up, to the viewer
_SUN, _SHADE = np.array([1.0, 0.94, 0.82]), np.array([0.33, 0.40, 0.52])


def render_scene(
    num_frames: int = NUM_FRAMES, width: int = WIDTH, height: int = HEIGHT
) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw the scene.

    Args:
        num_frames: how many frames.
        width, height: size in pixels; the scene is designed for 416 by 240 and scales.

    Returns:
        Frames, uint8 [height, width, 3], one after the other.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    canvas = _Canvas(x / height, y / height, 1.0 / height)
    for index in range(num_frames):
        time = index / FRAME_RATE
        pan = _PAN * index
        picture = _sky(canvas, 0.15 * pan)
        _ridge(picture, canvas, 0.25 * pan, key=11, base=0.47, rise=0.20, scale=1.6, haze=0.72)
        _ridge(picture, canvas, 0.5 * pan, key=23, base=0.545, rise=0.12, scale=3.0, haze=0.3)
        _balloon(picture, canvas, 0.30 + 0.10 * time, 0.22 - 0.025 * time)
        _meadow(picture, canvas, pan)
        bounce = abs(math.sin(2.1 * time + 0.6))
        _ball(picture, canvas, 0.42 + 0.28 * time, 0.86, 0.105, 0.0, 4.0 * time, 0)
        _ball(picture, canvas, 1.40 - 0.16 * time, 0.75, 0.075, 0.24 * bounce, -2.2 * time, 1)
        yield (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Coordinates of the pixels, and the size of one."""

    x: Plane
    y: Plane
    pixel: float

    def rows(self, top: float, bottom: float) -> tuple[slice, slice]:
        """The pixels between two heights."""
        first, last = (max(0, int(edge / self.pixel)) for edge in (top, bottom))
        return slice(first, last + 1), slice(None)

    def cover(self, inside: Plane, softness: float = 1.0) -> Plane:
        """Coverage 0 .. 1 of a shape given by its signed distance, positive inside."""
        coverage: Plane = np.clip(inside / (softness * self.pixel) + 0.5, 0.0, 1.0)
        return coverage


def _lattice(ix: npt.NDArray[np.uint32], iy: npt.NDArray[np.uint32], key: int) -> Plane:
    """Pseudorandom 0 .. 1 of a lattice point: integer mixing, alike on every machine."""
    mixed = (
        ix * np.uint32(0x9E3779B1)
        ^ iy * np.uint32(0x85EBCA77)
        ^ np.uint32(key * 0x27D4EB2F % 2**32)
    )
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


def _noise(x: Plane, y: Plane, key: int) -> Plane:
    """Smooth noise in 0 .. 1 with features of size 1."""
    floor_x, floor_y = np.floor(x), np.floor(y)
    u, v = x - floor_x, y - floor_y
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    ix, iy = (f.astype(np.int64).astype(np.uint32) for f in (floor_x, floor_y))
    one = np.uint32(1)
    top = _mix(_lattice(ix, iy, key), _lattice(ix + one, iy, key), u)
    bottom = _mix(_lattice(ix, iy + one, key), _lattice(ix + one, iy + one, key), u)
    return _mix(top, bottom, v)


def _fractal(x: Plane, y: Plane, key: int, octaves: int) -> Plane:
    """Noise of several sizes, each half as large and half as strong as the one before."""
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for octave in range(octaves):
        total += _noise(x * 2.0**octave, y * 2.0**octave, key + octave) * np.float32(0.5**octave)
    return total / np.float32(2.0 - 0.5 ** (octaves - 1))


def _mix(a: Plane, b: Plane, weight: Plane) -> Plane:
    return a + (b - a) * weight


def _paint(
    picture: Picture, where: tuple[slice, slice], colour: npt.ArrayLike, alpha: Plane
) -> None:
    picture[where] += (np.asarray(colour, np.float32) - picture[where]) * alpha[..., None]


def _sky(canvas: _Canvas, pan: float) -> Picture:
    height = np.clip(canvas.y / _HORIZON, 0.0, 1.0)[..., None]
    zenith, horizon = np.array([0.28, 0.50, 0.82]), np.array([0.93, 0.86, 0.76])
    picture: Picture = (zenith + (horizon - zenith) * height**1.4).astype(np.float32)
    rows = canvas.rows(0.0, _HORIZON)
    clouds = _fractal((canvas.x[rows] + pan) * 2.4, canvas.y[rows] * 5.5, key=5, octaves=5)
    _paint(picture, rows, (0.99, 0.97, 0.95), np.clip((clouds - 0.52) * 3.4, 0.0, 0.85))
    return picture


def _ridge(
    picture: Picture,
    canvas: _Canvas,
    pan: float,
    *,
    key: int,
    base: float,
    rise: float,
    scale: float,
    haze: float,
) -> None:
    """A row of hills: rock and wood, bluer with distance."""
    x = canvas.x[:1] + pan
    crest = base - rise * (_fractal(x * scale, np.zeros_like(x), key, 5) - 0.35)
    rows = canvas.rows(base - rise, _HORIZON + 0.02)
    relief = _fractal((canvas.x[rows] + pan) * scale * 5, canvas.y[rows] * scale * 9, key + 40, 3)
    slope = np.gradient(crest[0], canvas.pixel)[None]  # rising to the right turns to the sun
    shade = np.clip(0.62 + 0.5 * (relief - 0.5) - 0.35 * slope, 0.25, 1.1)[..., None]
    near, far = np.array([0.24, 0.34, 0.16]), np.array([0.62, 0.68, 0.78])
    colour = near * shade * (1.0 - haze) + far * (0.85 + 0.2 * (shade - 0.6)) * haze
    _paint(picture, rows, colour, canvas.cover(canvas.y[rows] - crest))


def _meadow(picture: Picture, canvas: _Canvas, pan: float) -> None:
    """Grass in perspective: its noise lives on the ground, so near blades pass faster."""
    rows = canvas.rows(_HORIZON, 1.0)
    below = canvas.y[rows] - _HORIZON + 0.02
    depth = 0.3 / below
    ground_x = (canvas.x[rows] - 0.85) * depth + pan
    patches = _fractal(ground_x * 1.3, depth * 1.6, key=31, octaves=3)
    blades = _fractal(ground_x * 22, depth * 16, key=37, octaves=2)
    detail = np.clip(1.3 - 0.35 * depth, 0.0, 1.0)  # blades far away are finer than a pixel
    light = 0.72 + 0.55 * (patches - 0.5) + 0.5 * (blades - 0.5) * detail
    dry = np.clip(patches * 2.2 - 0.7, 0.0, 1.0)[..., None]
    colour = np.array([0.30, 0.46, 0.16]) + dry * np.array([0.26, 0.10, 0.06])
    colour = colour * light[..., None]
    mist = np.clip(0.02 / below, 0.0, 0.6)[..., None]
    colour = colour + (np.array([0.70, 0.74, 0.68]) - colour) * mist
    _paint(picture, rows, colour, canvas.cover(canvas.y[rows] - _HORIZON, softness=3.0))


def _ball(
    picture: Picture,
    canvas: _Canvas,
    x: float,
    ground: float,
    radius: float,
    lift: float,
    turn: float,
    kind: int,
) -> None:
    """A rolling ball that stands `lift` above `ground`, with its shadow."""
    shadow_x, spread = x + 0.7 * radius + 0.5 * lift, 1.0 + 2.5 * lift
    across = (canvas.x - shadow_x) / (1.35 * radius * spread)
    along = (canvas.y - ground) / (0.34 * radius * spread)
    shadow = np.exp(-1.6 * (across**2 + along**2)) * np.float32(0.72 / spread)
    picture *= 1.0 - shadow[..., None]

    where = _box(canvas, x, ground - radius - lift, radius)
    u = (canvas.x[where] - x) / radius
    v = (canvas.y[where] - (ground - radius - lift)) / radius
    w = np.sqrt(np.clip(1.0 - u * u - v * v, 0.0, 1.0))
    # the pattern turns about the viewing axis and is tilted, so that its band is seen
    along_band = (u * math.sin(turn) + v * math.cos(turn)) * 0.8 + w * 0.35
    around = np.arctan2(u * math.cos(turn) - v * math.sin(turn), w)
    if kind == 0:
        band = np.clip((0.24 - np.abs(along_band)) / (2 * canvas.pixel / radius) + 0.5, 0.0, 1.0)
        paint = _blend((0.80, 0.13, 0.10), (0.97, 0.94, 0.88), band)
    else:
        sector = np.clip(np.sin(3.0 * around + 0.6 * along_band) * 6.0 + 0.5, 0.0, 1.0)
        paint = _blend((0.10, 0.30, 0.72), (0.98, 0.78, 0.18), sector)
    _shade(picture, canvas, where, (u, v, w), paint, radius, gloss=0.55)


def _balloon(picture: Picture, canvas: _Canvas, x: float, y: float) -> None:
    """A striped hot-air balloon."""
    radius = 0.085
    where = _box(canvas, x, y + 1.75 * radius, 0.02)
    basket = np.minimum(
        0.014 - np.abs(canvas.x[where] - x), 0.012 - np.abs(canvas.y[where] - (y + 1.75 * radius))
    )
    _paint(picture, where, (0.36, 0.22, 0.12), canvas.cover(basket))
    where = _box(canvas, x, y, 1.4 * radius)
    u, v = (canvas.x[where] - x) / radius, (canvas.y[where] - y) / radius
    v = np.where(v > 0.0, v * 0.78, v)  # drawn out below
    u = u * np.where(v > 0.0, 1.0 + 0.35 * v * v, 1.0)
    w = np.sqrt(np.clip(1.0 - u * u - v * v, 0.0, 1.0))
    stripes = np.clip(np.sin(5.0 * np.arctan2(u, w + 1e-3)) * 5.0 + 0.5, 0.0, 1.0)
    paint = _blend((0.86, 0.36, 0.12), (0.98, 0.90, 0.66), stripes)
    _shade(picture, canvas, where, (u, v, w), paint, radius, gloss=0.12)


def _box(canvas: _Canvas, x: float, y: float, radius: float) -> tuple[slice, slice]:
    """The pixels that a disc can touch."""
    reach = radius + 2 * canvas.pixel
    rows = slice(*(max(0, int(edge / canvas.pixel)) for edge in (y - reach, y + reach)))
    columns = slice(*(max(0, int(edge / canvas.pixel)) for edge in (x - reach, x + reach)))
    return rows, columns


def _blend(first: npt.ArrayLike, second: npt.ArrayLike, weight: Plane) -> Picture:
    a, b = np.asarray(first, np.float32), np.asarray(second, np.float32)
    return a + (b - a) * weight[..., None]


def _shade(
    picture: Picture,
    canvas: _Canvas,
    where: tuple[slice, slice],
    normal: tuple[Plane, Plane, Plane],
    paint: Picture,
    radius: float,
    gloss: float,
) -> None:
    """Sunlight, skylight and a highlight on a sphere, with a smooth edge."""
    u, v, w = normal
    sun = np.clip(u * _LIGHT[0] + v * _LIGHT[1] + w * _LIGHT[2], 0.0, 1.0)
    sky = 0.75 - 0.25 * v
    lit = paint * (sun[..., None] * _SUN + sky[..., None] * _SHADE)
    half = _LIGHT + np.array([0.0, 0.0, 1.0], np.float32)
    half = half / np.linalg.norm(half)
    highlight = np.clip(u * half[0] + v * half[1] + w * half[2], 0.0, 1.0) ** 40
    lit = lit + gloss * highlight[..., None]
    inside = (1.0 - np.sqrt(u * u + v * v)) * np.float32(radius)
    _paint(picture, where, lit, canvas.cover(inside))
