"""The page of charts: completed a week, median days a step, what is expected when; each with its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import azure.functions as func

from onboarding.core.figures import Figures, StepFigures, Week
from onboarding.http.call import HttpCall
from onboarding.http.chosen import FILTERS
from onboarding.http.export import ExportRows
from onboarding.http.figures import gathered_figures, read_weeks, step_title
from onboarding.http.search import Search, read_search
from onboarding.pages.charts import Chart, bar_chart, column_chart
from onboarding.pages.export import EXPORT
from onboarding.pages.responses import as_page, page

CHARTS = "/api/charts"
DRAWN = 12
"""Steps in the chart; the table has all."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step, in the table."""

    figures: StepFigures
    title: str
    median: str
    slow: str


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """Everything that the page shows."""

    figures: Figures
    weeks: int
    search: Search
    filtered: bool
    median: str
    completed: Chart
    steps: Chart | None
    expected: Chart
    lines: Sequence[StepLine]
    past: Sequence[tuple[Week, str]]
    """With the median, in words; the latest first."""
    export: str
    export_steps: str
    programs: str
    """The same as JSON."""
    cut: bool


@as_page
async def charts_page(call: HttpCall) -> func.HttpResponse:
    """GET /api/charts (weeks, and the list's filters) → 200, 400."""
    params = {name: value.strip() for name, value in call.request.params.items()}
    weeks, search = read_weeks(params), read_search({n: v for n, v in params.items() if n in FILTERS})
    found, cut = await gathered_figures(call.engine.records, params, call.engine.clock.now(), weeks)
    kept = {name: value for name, value in search.parameters.items() if name in FILTERS}
    lines = [StepLine(s, step_title(s.step), days(s.median_days), days(s.slow_days)) for s in found.steps]
    view = FiguresPage(
        figures=found,
        weeks=weeks,
        search=search,
        filtered=bool(kept),
        median="–" if found.median_days is None else days(found.median_days),
        completed=_completed(found),
        steps=_steps(lines) if lines else None,
        expected=_expected(found),
        lines=lines,
        past=[(week, "–" if week.days is None else days(week.days)) for week in reversed(found.completed)],
        export=f"{EXPORT}?{urlencode(kept)}",
        export_steps=f"{EXPORT}?{urlencode({**kept, 'rows': ExportRows.STEPS})}",
        programs=f"/api/figures?{urlencode({**kept, 'weeks': weeks})}",
        cut=cut,
    )
    return page(call, "charts.html", view=view, section="charts")


def days(number: float) -> str:
    """`12 d`, `2.5 d`, `3 h`, `4 min`: as exact as anybody needs it."""
    if number >= 10:
        return f"{number:.0f} d"
    if number >= 1:
        return f"{number:.1f} d"
    hours = number * 24
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def _completed(found: Figures) -> Chart:
    best = max(found.completed, key=lambda week: week.number)
    told = f"{found.done} from {found.completed[0].name} to {found.completed[-1].name}"
    told += f"; most in {best.name}: {best.number}." if best.number else "."
    numbers = [(_brief(week), week.number) for week in found.completed]
    return column_chart("completed", "Completed a week", told, numbers)


def _expected(found: Figures) -> Chart:
    dated = sum(week.number for week in found.expected)
    told = f"{dated} from {found.expected[0].name} to {found.expected[-1].name}, {found.later} later."
    numbers = [*((_brief(week), week.number) for week in found.expected), ("later", found.later)]
    return column_chart("expected", "Expected to be complete", told, numbers)


def _steps(lines: Sequence[StepLine]) -> Chart:
    drawn = lines[:DRAWN]
    longest = drawn[0]
    told = f"The longest is {longest.title}: {longest.median} at the median."
    numbers = [
        (line.figures.step, line.figures.median_days, line.figures.slow_days, line.median) for line in drawn
    ]
    return bar_chart("steps", "Median days a step", told, numbers)


def _brief(week: Week) -> str:
    return week.name.partition("-")[2]
