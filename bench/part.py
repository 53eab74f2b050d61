"""What a part of the bench is: something that is measured, and how its numbers are shown. No part judges in a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Cell = str | float | int | None
"""None: not measured."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the page."""

    headings: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a plot: of bars the height of each, of lines the points (x, y)."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """A plot of one bar for each label."""

    name: str
    """Of the file, without its ending."""
    title: str
    unit: str
    bars: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """A plot of lines over one horizontal axis."""

    name: str
    """Of the file, without its ending."""
    title: str
    across: str
    up: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at, as a ratio or a bound within one run."""

    says: str
    seen: float | None
    """None: this run did not measure it."""
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """None where it was not measured."""
        if self.seen is None:
            return None
        return self.missed_by == 0

    @property
    def missed_by(self) -> float:
        """How far beyond the bound it is, in the same unit; 0 where it is within, or was not measured."""
        if self.seen is None:
            return 0.0
        above = self.seen - self.at_most if self.at_most is not None else 0.0
        below = self.at_least - self.seen if self.at_least is not None else 0.0
        return max(above, below, 0.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a part's numbers look like on the page."""

    how: str
    """How it was measured."""
    grids: tuple[Grid, ...] = ()
    plots: tuple[Bars | Lines, ...] = ()
    targets: tuple[Target, ...] = ()
    left_out: tuple[str, ...] = ()
    """What could not be measured on that machine, each with its reason."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part. It can be run alone."""

    name: str
    title: str
    takes: str
    """How long it takes at full size on two cores, about."""
    run: Callable[[bool], Json]
    """Measure; True: with small sizes, in seconds. What it returns is JSON, and all that `show` gets."""
    show: Callable[[Mapping[str, Any]], Shown] = field(repr=False)
    """Pure."""


def ratio(value: float | None, to: float | None) -> float | None:
    """None where one of them was not measured."""
    return value / to if value is not None and to else None
