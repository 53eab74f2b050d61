"""Charts as SVG, computed here: columns over weeks, and a bar for each of several things. Pure.

Across they are shares of 100, so that a chart is as wide as its place; down and in their texts they are pixels, so that
texts are as large as others on a phone too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

PLOT = 150.0
"""Pixels that the highest column has."""
ABOVE, BELOW = 22.0, 26.0
"""Pixels for the number over a column, and for what stands under it."""
ROW = 42.0
"""Pixels for a bar and its words above it."""
GAP = 0.3
"""Of a column's place that is left free."""
MOST_LABELS = 6
"""Under the columns: more would run into one another on a phone."""
AXIS = 7.0
"""Percent of the width for the numbers of the lines."""
LEAST_WIDTH = 0.4
"""Percent: what is little is to be seen."""


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """One of several side by side."""

    left: float
    width: float
    middle: float
    top: float
    height: float
    number: int
    label: str
    """Under it; empty: its neighbours say it."""


@dataclass(frozen=True, slots=True)
class ChartBar:
    """One of several, one below the other."""

    top: float
    width: float
    mark: float
    """Where the second number is."""
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture. Its title and description are for whoever does not see it."""

    id: str
    title: str
    description: str
    height: float
    columns: tuple[ChartColumn, ...] = ()
    bars: tuple[ChartBar, ...] = ()
    lines: tuple[tuple[float, int], ...] = ()
    """Height of a line across, and its number."""
    axis: float = AXIS


def column_chart(id_: str, title: str, description: str, numbers: Sequence[tuple[str, int]]) -> Chart:
    """Columns of these numbers, with what stands under each."""
    top = _round_up(max((number for _, number in numbers), default=0))
    place = (100 - AXIS) / max(len(numbers), 1)
    every = max(1, ceil(len(numbers) / MOST_LABELS))
    columns = []
    for n, (label, number) in enumerate(numbers):
        height = PLOT * number / top
        left = AXIS + n * place
        columns.append(
            ChartColumn(
                round(left + place * GAP / 2, 2),
                round(place * (1 - GAP), 2),
                round(left + place / 2, 2),
                round(ABOVE + PLOT - height, 1),
                round(height, 1),
                number,
                # Counted from the end: the latest has its name.
                label if (len(numbers) - 1 - n) % every == 0 else "",
            )
        )
    lines = tuple((round(ABOVE + PLOT * (1 - share), 1), round(top * share)) for share in (0, 0.5, 1))
    return Chart(id_, title, description, ABOVE + PLOT + BELOW, columns=tuple(columns), lines=lines)


def bar_chart(
    id_: str, title: str, description: str, numbers: Sequence[tuple[str, float, float, str]]
) -> Chart:
    """Bars of label, number, a second number that is marked, and words for both."""
    most = max((max(first, second) for _, first, second, _ in numbers), default=0.0) or 1.0
    bars = tuple(
        ChartBar(
            n * ROW,
            round(max(100 * first / most, LEAST_WIDTH), 2),
            round(100 * second / most, 2),
            label,
            said,
        )
        for n, (label, first, second, said) in enumerate(numbers)
    )
    return Chart(id_, title, description, ROW * len(bars), bars=bars)


def _round_up(number: int) -> int:
    """The next that is 2, 4, 6, 8 or 10, or so many tens, hundreds …: half of it is a whole number too."""
    size = 1
    while number > 10 * size:
        size *= 10
    return max(2, ceil(number / (2 * size)) * 2 * size)
