"""Which onboarding should be seen to first: by its row alone. Pure.

What needs attention comes first, then what has drifted, what was escalated, what is overdue, what waits for people, and
last what goes on by itself; of each, what has been so for longest. A branch that is tried again hides nothing of that.
"""

from __future__ import annotations

from datetime import datetime

from onboarding.columns import named
from onboarding.core.record import OnboardingState
from onboarding.http.search import listed_in
from onboarding.ports import Row
from onboarding.standing import WaitsOn

URGENCY_COLUMNS = named("State", "WaitsOn", "OverdueFrom", "Escalated", "WaitingSince")
_STATE, _WAITS_ON, _OVERDUE_FROM, _ESCALATED, _SINCE = URGENCY_COLUMNS

BY_STATE = tuple(
    OnboardingState(state)
    for state in (
        "needs-attention",
        "drifted",
        "waiting-for-people",
        "running",
        "waiting-for-microsoft",
        "paused",
        "cancelling",
        "completed",
        "cancelled",
    )
)
"""The states, the most urgent first."""
_GOING_ON = {OnboardingState.WAITING_FOR_PEOPLE, OnboardingState.RUNNING, OnboardingState.WAITING_FOR_MICROSOFT}
_NO_PEOPLE = {"", WaitsOn.MICROSOFT, WaitsOn.APPLICATION}
_LAST = "~"
"""After every time, as texts are sorted."""


def urgency(row: Row, now: datetime) -> str:
    """What rows are sorted by: the more urgent one has the lesser text. A row of an older version says less."""
    cells = row.columns
    state = OnboardingState(cells[_STATE])
    place, since = BY_STATE.index(state), cells.get(_SINCE)
    tier = f"{place}9"
    if state in _GOING_ON:
        people = BY_STATE.index(OnboardingState.WAITING_FOR_PEOPLE)
        overdue_from: datetime | None = cells.get(_OVERDUE_FROM)
        if cells.get(_ESCALATED):
            tier = f"{people}0"
        elif overdue_from is not None and now > overdue_from:
            tier, since = f"{people}1", overdue_from
        elif set(listed_in(row, _WAITS_ON)) - _NO_PEOPLE:
            tier = f"{people}9"
    return f"{tier} {since.isoformat() if since else _LAST}"
