"""Invented writing to try the studio with: alphabets of random characters, each drawn by many hands.

A character is a few strokes (lines with corners, curves, loops, dots) in the taste of its alphabet. A hand has a slant,
a size and a pen of its own, and never draws a stroke twice in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE_PX = 64
_OVERSAMPLING = 3
_PAPER, _INK = 255, 0
_SYLLABLES = ("ka", "lo", "mi", "ren", "su", "tor", "vel", "ash", "ne", "dri", "oth", "qua", "zi", "um", "bar", "eth")

Points = NDArray[np.float64]  # (n, 2), x right and y down, the character's box is 0 … 1


@dataclass(frozen=True)
class _Stroke:
    """Control points; a curve runs smoothly through them, else they are corners; `steadiness` tames the hand."""

    controls: Points
    is_curved: bool
    steadiness: float = 1.0


@dataclass(frozen=True)
class _Taste:
    """What the characters of one alphabet have in common."""

    curviness: float
    loops: float
    strokes: float
    dots: float


@dataclass(frozen=True)
class _Hand:
    """What the drawings of one person have in common."""

    slant: float
    turn: float
    size: float
    aspect: float
    pen: float
    shakiness: float


def make_sample_glyphs(
    folder: Path, *, seed: int = 0, alphabets: int = 6, characters: int = 12, drawers: int = 20
) -> None:
    """Write ``ALPHABET/characterNN/NN_DD.png`` below `folder`: dark ink on white, grey, 64 pixels a side.

    The same arguments give the same pictures; files of the same name are replaced.

    Raises:
        OSError: if the folder cannot be written.
    """
    hands = [_hand(_random(seed, 1, drawer)) for drawer in range(drawers)]
    for number, name in enumerate(_names(_random(seed, 2), alphabets)):
        taste = _taste(_random(seed, 3, number))
        for character in range(characters):
            strokes = _character(_random(seed, 4, number, character), taste)
            place = folder / name / f"character{character + 1:02}"
            place.mkdir(parents=True, exist_ok=True)
            for drawer, hand in enumerate(hands):
                picture = _drawn(strokes, hand, _random(seed, 5, number, character, drawer))
                picture.save(place / f"{character + 1:02}_{drawer + 1:02}.png", compress_level=1)


def _random(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def _names(random: np.random.Generator, count: int) -> list[str]:
    names: list[str] = []
    while len(names) < count:
        name = "".join(random.choice(_SYLLABLES, size=3)).capitalize()
        if name not in names:
            names.append(name)
    return names


def _taste(random: np.random.Generator) -> _Taste:
    return _Taste(
        curviness=random.uniform(0.3, 0.95),
        loops=random.uniform(0.05, 0.35),
        strokes=random.uniform(1.5, 2.7),
        dots=random.uniform(0.0, 0.25),
    )


def _hand(random: np.random.Generator) -> _Hand:
    return _Hand(
        slant=random.normal(0.0, 0.16),
        turn=random.normal(0.0, 0.06),
        size=random.uniform(0.52, 0.74),
        aspect=random.uniform(0.82, 1.2),
        pen=random.uniform(0.03, 0.055),
        shakiness=random.uniform(0.03, 0.055),
    )


def _character(random: np.random.Generator, taste: _Taste) -> list[_Stroke]:
    """Return strokes that mostly begin where an earlier one passes, as writing does."""
    strokes: list[_Stroke] = []
    for _ in range(max(1, min(3, round(random.normal(taste.strokes, 0.7))))):
        if strokes and random.random() < 0.65:
            earlier = strokes[random.integers(len(strokes))].controls
            start = earlier[random.integers(len(earlier))]
        else:
            start = _anchor(random)
        strokes.append(_stroke(random, taste, start))
    if random.random() < taste.dots:
        spot = _anchor(random)
        strokes.append(_Stroke(np.stack([spot, spot + 0.02]), is_curved=False))
    points = np.concatenate([each.controls for each in strokes])
    low, high = points.min(0), points.max(0)
    scale = max(float((high - low).max()), 0.4)
    middle = (low + high) / 2
    return [_Stroke((each.controls - middle) / scale + 0.5, each.is_curved, each.steadiness) for each in strokes]


def _stroke(random: np.random.Generator, taste: _Taste, start: Points) -> _Stroke:
    if random.random() < taste.loops:
        radii = random.uniform(0.14, 0.32, size=2)
        sweep = random.uniform(0.6, 1.0) * 2 * np.pi * random.choice([-1, 1])
        begin = random.uniform(0, 2 * np.pi)
        angles = begin + np.linspace(0, sweep, 8)
        ring = np.stack([np.cos(angles), np.sin(angles)], 1) * radii
        return _Stroke(start + ring - ring[0], is_curved=True, steadiness=2.5)
    controls = [start]
    for _ in range(random.integers(1, 4)):
        controls.append(_next_anchor(random, controls))
    return _Stroke(np.stack(controls), is_curved=bool(random.random() < taste.curviness))


def _next_anchor(random: np.random.Generator, controls: list[Points]) -> Points:
    """Return a point that is far enough away and does not lead straight back."""
    for _ in range(20):
        spot = _anchor(random)
        step = spot - controls[-1]
        length = float(np.linalg.norm(step))
        if length < 0.35:
            continue
        if len(controls) == 1:
            break
        last = controls[-1] - controls[-2]
        if step @ last > -0.8 * length * float(np.linalg.norm(last)):
            break
    return spot


def _anchor(random: np.random.Generator) -> Points:
    return random.integers(0, 3, size=2) / 2 + random.normal(0, 0.07, size=2)


def _drawn(strokes: list[_Stroke], hand: _Hand, random: np.random.Generator) -> Image.Image:
    side = SIDE_PX * _OVERSAMPLING
    picture = Image.new("L", (side, side), _PAPER)
    pencil = ImageDraw.Draw(picture)
    slant, turn = hand.slant + random.normal(0, 0.05), hand.turn + random.normal(0, 0.05)
    size = hand.size * random.uniform(0.92, 1.08) * side
    to_paper = size * (
        np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.array([[1.0, -slant], [0.0, 1.0]])
        @ np.diag([hand.aspect**0.5, hand.aspect**-0.5])
    )
    centre = side / 2 + random.normal(0, 0.03, size=2) * side
    width = max(2.0, hand.pen * side * random.uniform(0.9, 1.1))
    for stroke in strokes:
        controls = stroke.controls + random.normal(0, hand.shakiness / stroke.steadiness, size=stroke.controls.shape)
        controls = controls + random.normal(0, 0.03, size=2)
        path = _through(controls, steps=10 if stroke.is_curved else 4, tension=0.5 if stroke.is_curved else 0.06)
        path = (path - 0.5) @ to_paper.T + centre
        pencil.line([(x, y) for x, y in path.tolist()], fill=_INK, width=round(width), joint="curve")
        for x, y in (path[0], path[-1]):
            pencil.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=_INK)
    return picture.reduce(_OVERSAMPLING)


def _through(controls: Points, *, steps: int, tension: float) -> Points:
    """Return a cardinal spline through the controls; tension 0.5 is round, 0 turns corners."""
    before = np.concatenate([controls[:1], controls[:-1]])
    after = np.concatenate([controls[1:], controls[-1:]])
    tangents = tension * (after - before)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = [
        (2 * t**3 - 3 * t**2 + 1) * p + (t**3 - 2 * t**2 + t) * m + (3 * t**2 - 2 * t**3) * q + (t**3 - t**2) * n
        for p, q, m, n in zip(controls[:-1], controls[1:], tangents[:-1], tangents[1:], strict=True)
    ]
    return np.concatenate([*pieces, controls[-1:]])
