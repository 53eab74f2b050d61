"""GET /api/figures: how many were completed in which week, how long steps took, what is expected when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import azure.functions as func

from onboarding.columns import named
from onboarding.core.expected_ends import ExpectedEnd
from onboarding.core.figures import MOST_WEEKS, WEEKS, Figures, Observed, StepTook, Week, figures
from onboarding.core.record import OnboardingState, StepState
from onboarding.http.call import HttpCall
from onboarding.http.chosen import FILTERS
from onboarding.http.conditional import answer
from onboarding.http.export import ENDED_STEPS, EXPORTED, definition_by_name, fitting_rows
from onboarding.http.problems import ProblemError
from onboarding.http.search import CLOSED_STATES, is_late_row, read_search
from onboarding.http.view import View
from onboarding.ports import Row
from onboarding.records import Records

FIGURES_PARAMETERS = ("weeks", *FILTERS)
_COMPLETE = (OnboardingState.COMPLETED, OnboardingState.DRIFTED)
_STATE, _CREATED, _CLOSED, _EXPECTED, _REST = named("State", "CreatedAt", "ClosedAt", "ExpectedAt", "ExpectedRest")


class WeekView(View):
    """A week, and how many there were in it."""

    week: str
    """As ISO 8601 names it: `2026-W48`."""
    monday: date
    """Its first day."""
    number: int
    """Onboardings."""
    median_days: float | None
    """Days from the request until they were completed, the median; null: there were none, or they are yet to come."""


class StepFiguresView(View):
    """How long a step took."""

    step: str
    """The step's name."""
    title: str
    """What it is called."""
    number: int
    """How often it was done in these weeks."""
    median_days: float
    """From when all that it needs had ended until it was done; the median."""
    slow_days: float
    """Nine of ten took no longer."""


class FiguresView(View):
    """Figures of the onboardings that fit, from the columns of the table's contract."""

    weeks: int
    """How many weeks are looked back."""
    open_count: int
    """Onboardings that go on."""
    late_count: int
    """Of these, those that are late."""
    completed: int
    """Completed in the weeks that are looked back."""
    median_days: float | None
    """Of these, from the request until they were completed; null: there were none."""
    completed_by_week: tuple[WeekView, ...]
    """Each week, this one last."""
    steps: tuple[StepFiguresView, ...]
    """Steps that were done in these weeks, the longest first."""
    expected_by_week: tuple[WeekView, ...]
    """When open ones are expected to be complete: each week, this one first. What should have been before is in it."""
    expected_later: int
    """Open ones that are expected after these weeks."""
    undated: int
    """Open ones of which it is not known: they are paused, or were requested before these dates were kept."""
    cut: bool
    """There are more onboardings than were looked at: filter."""


async def get_figures(call: HttpCall) -> func.HttpResponse:
    """GET /api/figures (weeks, and the list's filters) → 200, 304, 400."""
    weeks = read_weeks(call.request.params)
    found, cut = await gathered_figures(call.engine.records, call.request.params, call.engine.clock.now(), weeks)
    return answer(call.request, figures_view(found, weeks, cut=cut))


def read_weeks(params: Mapping[str, str]) -> int:
    """Raises ProblemError 400."""
    given = params.get("weeks") or str(WEEKS)
    if not (given.isascii() and given.isdecimal() and len(given) < 5 and 1 <= int(given) <= MOST_WEEKS):
        said = f"?weeks= is '{given[:50]}'; a number from 1 to {MOST_WEEKS} was expected."
        raise ProblemError(400, "The request is invalid", said)
    return int(given)


async def gathered_figures(
    records: Records, params: Mapping[str, str], now: datetime, weeks: int
) -> tuple[Figures, bool]:
    """The figures of all that fit, and whether there are more than were looked at. Raises ProblemError 400."""
    search = read_search({name: value for name, value in params.items() if name in FILTERS})
    rows, after = await fitting_rows(records, replace(search, more=ENDED_STEPS), now, EXPORTED)
    return figures((_observed(row, now) for row in rows), now, weeks), after is not None


def figures_view(found: Figures, weeks: int, *, cut: bool) -> FiguresView:
    """As JSON has them."""
    return FiguresView(
        weeks=weeks,
        open_count=found.open,
        late_count=found.late,
        completed=found.done,
        median_days=_rounded(found.median_days),
        completed_by_week=tuple(map(_week_view, found.completed)),
        steps=tuple(
            StepFiguresView(
                step=one.step,
                title=step_title(one.step),
                number=one.number,
                median_days=round(one.median_days, 3),
                slow_days=round(one.slow_days, 3),
            )
            for one in found.steps
        ),
        expected_by_week=tuple(map(_week_view, found.expected)),
        expected_later=found.later,
        undated=found.undated,
        cut=cut,
    )


def step_title(step: str) -> str:
    """What people call it."""
    definition = definition_by_name(step)
    return definition.title if definition else step


def _week_view(week: Week) -> WeekView:
    return WeekView(week=week.name, monday=week.monday, number=week.number, median_days=_rounded(week.days))


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 3)


def _observed(row: Row, now: datetime) -> Observed:
    c = row.columns
    state = OnboardingState(c[_STATE])
    at = c.get(_EXPECTED)
    end = ExpectedEnd(at, timedelta(seconds=c.get(_REST) or 0)).seen(now) if at else None
    steps = (
        StepTook(step["step"], datetime.fromisoformat(step["endedAt"]), step["seconds"])
        for step in json.loads(c.get(ENDED_STEPS[0]) or "[]")
        if step["state"] == StepState.DONE and step["seconds"] is not None
    )
    closed = c.get(_CLOSED) if state in _COMPLETE else None
    return Observed(c[_CREATED], closed, state not in CLOSED_STATES, end, is_late_row(row, now), tuple(steps))
