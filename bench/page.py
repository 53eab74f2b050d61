"""The page of results, docs/performance.md, from the numbers alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bench.part import Cell, Grid, Json, Part, Shown, Target
from bench.plots import drawn
from bench.results import PLOTS

MADE_BY = "python3 dev.py bench"
INTRODUCTION = f"""# Performance

`{MADE_BY}` writes this page and [performance.json](performance.json). Machines differ, so no test judges these numbers;
what is compared is measured in one run, in turns. `{MADE_BY} --list` names the parts, `{MADE_BY} NAME` runs one,
`--quick` all of them with small sizes, to see that they work: its numbers go to `.sandbox/bench` and mean nothing.
"""


def page(results: Mapping[str, Json], parts: Mapping[str, Part]) -> str:
    """Markdown, with links to the plots of `plots`."""
    shown = _shown(results, parts)
    blocks = [INTRODUCTION, *_targets(shown, parts)]
    for name, part in parts.items():
        blocks += _section(part, results.get(name), shown.get(name))
    return "\n".join(blocks)


def plots(results: Mapping[str, Json], parts: Mapping[str, Part]) -> dict[str, str]:
    """Name of the file → SVG."""
    return {f"{plot.name}.svg": drawn(plot) for one in _shown(results, parts).values() for plot in one.plots}


def _shown(results: Mapping[str, Json], parts: Mapping[str, Part]) -> dict[str, Shown]:
    return {name: part.show(results[name]["measured"]) for name, part in parts.items() if name in results}


def _targets(shown: Mapping[str, Shown], parts: Mapping[str, Part]) -> Iterator[str]:
    rows = [
        (
            target.says,
            _bound(target),
            _unit(target.seen, target.unit),
            _verdict(target),
            f"[{parts[name].title}](#{name})",
        )
        for name, one in shown.items()
        for target in one.targets
    ]
    if rows:
        yield "## Targets\n"
        yield _table(Grid(("target", "aimed at", "seen", "verdict", "measured by"), rows))


def _section(part: Part, result: Json | None, shown: Shown | None) -> Iterator[str]:
    yield f'<a id="{part.name}"></a>\n\n## {part.title}\n'
    if result is None or shown is None:
        yield f"Not measured yet: `{MADE_BY} {part.name}` ({part.takes}).\n"
        return
    yield f"{shown.how}\n"
    for grid in shown.grids:
        if grid.title:
            yield f"**{grid.title}**\n"
        yield _table(grid)
    for plot in shown.plots:
        yield f"![{plot.title}]({PLOTS}/{plot.name}.svg)\n"
    for reason in shown.left_out:
        yield f"Left out: {' '.join(reason.split())[:400]}\n"
    small = " With small sizes: the numbers mean nothing." if result["quick"] else ""
    yield (
        f"*Measured on {result['day']} with `{result['command']}` in {result['seconds']:.0f} s, of version"
        f" {result['version']}, on {result['machine']}.{small}*\n"
    )


def _table(grid: Grid) -> str:
    lines = [_row(grid.headings), _row(["---"] + ["---:"] * (len(grid.headings) - 1))]
    lines += [_row(list(map(cell, row))) for row in grid.rows]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(value: Cell) -> str:
    """A number to three places that mean something; — for what was not measured."""
    if value is None:
        return "—"
    if isinstance(value, str):
        return value.replace("|", "\\|")
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0:
        return "0"
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.095 else 3
    return f"{value:,.{places}f}"


def _bound(target: Target) -> str:
    said = [("at most", target.at_most), ("at least", target.at_least)]
    return " and ".join(f"{words} {_unit(value, target.unit)}" for words, value in said if value is not None)


def _unit(value: float | None, unit: str) -> str:
    return cell(value) if value is None or not unit else f"{cell(value)} {unit}"


def _verdict(target: Target) -> str:
    if target.met is None:
        return "not measured"
    return "reached" if target.met else f"**missed** by {_unit(target.missed_by, target.unit)}"
