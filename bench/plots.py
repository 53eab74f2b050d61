"""Plots as SVG: bars and lines, and no more. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import floor, log10

from bench.part import Bars, Line, Lines

WIDTH, BAR, LEFT, RIGHT = 720, 26, 300, 80
HEIGHT, TOP, BOTTOM, MARGIN = 300, 34, 40, 60
COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7e22ce")
"""Dark enough on white, light enough on black."""
TEXT = "#6b7280"
MOST_POINTS = 400


def drawn(plot: Bars | Lines) -> str:
    """One SVG document."""
    return _bars(plot) if isinstance(plot, Bars) else _lines(plot)


def _bars(plot: Bars) -> str:
    most = max((value for _, value in plot.bars), default=0.0) or 1.0
    body = []
    for place, (label, value) in enumerate(plot.bars):
        y = TOP + place * BAR
        length = (WIDTH - LEFT - RIGHT) * value / most
        body.append(_text(LEFT - 8, y + 15, label, "end"))
        body.append(
            f'<rect x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="{BAR - 8}" rx="2" fill="{COLOURS[0]}"/>'
        )
        body.append(_text(LEFT + length + 6, y + 15, f"{_short(value)} {plot.unit}"))
    return _document(plot.title, TOP + BAR * len(plot.bars) + 8, body)


def _lines(plot: Lines) -> str:
    lines = [line for line in plot.lines if line.points]
    wide = max((x for line in lines for x, _ in line.points), default=0.0) or 1.0
    high = _round_up(max((y for line in lines for _, y in line.points), default=0.0) or 1.0)
    inner = (WIDTH - MARGIN - 20, HEIGHT - TOP - BOTTOM)
    body = []
    for quarter in range(5):
        y = TOP + inner[1] * (1 - quarter / 4)
        body.append(f'<path d="M{MARGIN} {y:.1f}h{inner[0]}" stroke="{TEXT}" stroke-opacity=".25"/>')
        body.append(_text(MARGIN - 6, y + 4, _short(high * quarter / 4), "end"))
        x = MARGIN + inner[0] * quarter / 4
        body.append(_text(x, HEIGHT - BOTTOM + 16, _short(wide * quarter / 4), "middle"))
    body.append(_text(WIDTH - 20, HEIGHT - 6, plot.across, "end"))
    body.append(_text(WIDTH - 20, TOP - 14, plot.up, "end"))
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        points = " ".join(
            f"{MARGIN + inner[0] * x / wide:.1f},{TOP + inner[1] * (1 - y / high):.1f}" for x, y in _thinned(line)
        )
        dashes = ' stroke-dasharray="6 3"' if place >= len(COLOURS) else ""
        body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        body.append(f'<rect x="{MARGIN}" y="{HEIGHT + 8 + 18 * place}" width="12" height="12" fill="{colour}"/>')
        body.append(_text(MARGIN + 20, HEIGHT + 18 + 18 * place, line.name))
    return _document(plot.title, HEIGHT + 14 + 18 * len(lines), body)


def _thinned(line: Line) -> Iterator[tuple[float, float]]:
    """So few points that the file stays small; the last is among them."""
    step = -(-len(line.points) // MOST_POINTS)
    yield from line.points[::step]
    if (len(line.points) - 1) % step:
        yield line.points[-1]


def _document(title: str, height: int, body: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12">'
    )
    named = _text(8, 18, title).replace("<text ", '<text font-weight="bold" ')
    return "\n".join([head, named, *body, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{TEXT}">{escape(text)}</text>'


def _round_up(value: float) -> float:
    """The next number that quarters well."""
    size = 10.0 ** floor(log10(value))
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if value <= size * step)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
