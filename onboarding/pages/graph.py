"""The graph of steps as a picture: which box stands where, and how the lines run. Pure geometry, in SVG units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from textwrap import wrap
from typing import NamedTuple

from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.pages.words import Badge, brief_span, step_badge
from onboarding.steps import definition_of

WIDTH, HEIGHT = 150, 100
GAP_X, GAP_Y = 24, 16
LANE = 10
"""Height that a line takes when it runs past a box's layer."""
MARGIN = 6
LINE_CHARACTERS, LINES = 18, 4


@dataclass(frozen=True, slots=True)
class Box:
    """A step's box. `x` and `y` are its upper left corner."""

    name: str
    title: str
    lines: tuple[str, ...]
    """The title, broken to fit."""
    kind: StepKind
    badge: Badge
    told: str
    """The state in words, with how long it has lasted."""
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """From a step to one that needs it, as SVG path data."""

    start: str
    end: str
    path: str
    head: str
    """The arrow's head."""
    passed: bool
    """The step at its start has ended."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole picture."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    summary: str
    """The picture in a sentence."""


class Node(NamedTuple):
    """A step, as far as its place is concerned."""

    name: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, whatever its state."""

    width: float
    height: float
    corners: dict[str, tuple[float, float]]
    lines: tuple[tuple[str, str, str, str], ...]
    """(start, end, path, head)."""


def graph(record: Record, now: datetime) -> Graph:
    """The picture of a record."""
    where = layout(tuple(Node(step.name, step.plan.needs) for step in record.steps))
    boxes = tuple(_box(record, step, where.corners[step.name], now) for step in record.steps)
    lines = tuple(Line(start, end, path, head, record.step(start).ended) for start, end, path, head in where.lines)
    return Graph(where.width, where.height, boxes, lines, _summary(record))


def _box(record: Record, step: StepRecord, corner: tuple[float, float], now: datetime) -> Box:
    title = definition_of(step).title
    badge = step_badge(record, step)
    lasting = step.state is StepState.WAITING and not record.closed and not record.cancelling
    told = f"{badge.label} {brief_span(now - step.since)}" if lasting else badge.label
    lines = tuple(wrap(title, LINE_CHARACTERS, max_lines=LINES, placeholder="…"))
    return Box(step.name, title, lines, step.plan.kind, badge, told, *corner)


def _summary(record: Record) -> str:
    counts: dict[str, int] = {}
    for step in record.steps:
        label = step_badge(record, step).label.lower()
        counts[label] = counts.get(label, 0) + 1
    return f"{len(record.steps)} steps: " + ", ".join(f"{n} {label}" for label, n in counts.items()) + "."


@lru_cache(maxsize=16)
def layout(steps: Sequence[Node]) -> Layout:
    """Layers from left to right: each step right of everything that it needs.

    Lines that pass a layer get a lane of their own there, so that none runs through a box.
    """
    layer: dict[str, int] = {}
    for step in steps:
        layer[step.name] = max((layer[n] + 1 for n in step.needs), default=0)
    hops = {(n, s.name): _hops(n, s.name, layer) for s in steps for n in s.needs}
    middle = _middles(steps, layer, hops)
    top = min(middle[i] - _height(i) / 2 for i in middle)
    bottom = max(middle[i] + _height(i) / 2 for i in middle)
    x: dict[str, float] = {i: MARGIN + at * (WIDTH + GAP_X) for i, at in _places(steps, layer, hops).items()}
    y = {i: middle[i] - top + MARGIN for i in middle}
    corners = {s.name: (x[s.name], y[s.name] - HEIGHT / 2) for s in steps}
    lines = tuple((start, end, *_path(chain, x, y)) for (start, end), chain in hops.items())
    width = 2 * MARGIN + (max(layer.values()) + 1) * (WIDTH + GAP_X) - GAP_X
    return Layout(width, bottom - top + 2 * MARGIN, corners, lines)


_Hops = dict[tuple[str, str], list[str]]
_VIA = "→"
"""In the name of a place where a line passes a layer; no step's name holds it."""


def _hops(start: str, end: str, layer: dict[str, int]) -> list[str]:
    between = range(layer[start] + 1, layer[end])
    return [start, *(f"{start}{_VIA}{end}{_VIA}{at}" for at in between), end]


def _height(item: str) -> float:
    return LANE if _VIA in item else HEIGHT


def _places(steps: Sequence[Node], layer: dict[str, int], hops: _Hops) -> dict[str, int]:
    """Item (step or passing line) → its layer."""
    places = {s.name: layer[s.name] for s in steps}
    for start, *via, _ in hops.values():
        places.update({item: layer[start] + 1 + i for i, item in enumerate(via)})
    return places


def _middles(steps: Sequence[Node], layer: dict[str, int], hops: _Hops) -> dict[str, float]:
    """The vertical middle of every item: each layer in the order of what leads to it, stacked around zero."""
    places = _places(steps, layer, hops)
    before: dict[str, list[str]] = {}
    for chain in hops.values():
        for left, right in pairwise(chain):
            before.setdefault(right, []).append(left)
    rank = {s.name: i for i, s in enumerate(steps)}
    middle: dict[str, float] = {}
    for at in range(max(places.values()) + 1):
        items = [i for i, place in places.items() if place == at]
        items.sort(key=lambda i: (_mean([middle[b] for b in before.get(i, ())]), _VIA in i, rank[i.split(_VIA)[0]]))
        y = -(sum(map(_height, items)) + GAP_Y * (len(items) - 1)) / 2
        for item in items:
            middle[item] = y + _height(item) / 2
            y += _height(item) + GAP_Y
    return middle


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _path(chain: Sequence[str], x: dict[str, float], y: dict[str, float]) -> tuple[str, str]:
    here = (x[chain[0]] + WIDTH, y[chain[0]])
    path = f"M{here[0]:g} {here[1]:g}"
    for item in chain[1:]:
        bend = x[item] - GAP_X / 2
        path += f"C{bend:g} {here[1]:g} {bend:g} {y[item]:g} {x[item]:g} {y[item]:g}"
        here = (x[item], y[item])
        if _VIA in item:
            here = (x[item] + WIDTH, y[item])
            path += f"H{here[0]:g}"
    return path, f"M{here[0] - 7:g} {here[1] - 4:g}L{here[0]:g} {here[1]:g}L{here[0] - 7:g} {here[1] + 4:g}Z"
