"""Whether the application does its work: for probes, and for whoever is woken by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import azure.functions as func

from onboarding.core.roles import Role
from onboarding.engine import Engine
from onboarding.http.call import HttpCall
from onboarding.http.conditional import answer
from onboarding.http.view import View
from onboarding.version import VERSION

PASS_LATE = timedelta(minutes=5)
"""The timer passes each minute, and a pass takes one at most."""
DUE_LATE = timedelta(minutes=15)
"""What is due is done at the next pass: what is older was not reached, or fails each time."""


class HealthState(StrEnum):
    """How it does."""

    READY = "ready"
    DEGRADED = "degraded"
    """It answers, and something that it needs does not do its part."""
    DOWN = "down"
    """It can't do anything."""


class CheckView(View):
    """One thing that was looked at."""

    name: str
    """`table`, `bus`, `timer` or `due`."""
    state: HealthState
    """How that does."""
    told: str
    """What was seen, in words."""


class HealthView(View):
    """How the application does."""

    state: HealthState
    """The worst of all checks."""
    version: str | None = None
    """Of the application; null without the role `Onboarding.Read`."""
    checks: tuple[CheckView, ...] = ()
    """What was looked at; empty without that role."""


async def get_health(call: HttpCall) -> func.HttpResponse:
    """GET /api/health → 200 (ready, degraded), 503 (down). Who holds no role gets the state alone."""
    checks = await look(call.engine)
    worst = max((check.state for check in checks), key=list(HealthState).index)
    told = call.caller.may(Role.READ)
    shown = HealthView(state=worst, version=VERSION if told else None, checks=checks if told else ())
    status = HTTPStatus.SERVICE_UNAVAILABLE if worst is HealthState.DOWN else HTTPStatus.OK
    return answer(call.request, shown, status=status, headers={"Cache-Control": "no-store"})


async def look(engine: Engine) -> tuple[CheckView, ...]:
    """Reads three rows. Never raises."""
    now = engine.clock.now()
    table = await _checked("table", lambda: _table(engine))
    if table.state is HealthState.DOWN:
        return (table, _bus(engine))
    timer = await _checked("timer", lambda: _timer(engine, now))
    due = await _checked("due", lambda: _due(engine, now))
    return (table, _bus(engine), timer, due)


async def _checked(name: str, check: Callable[[], Awaitable[CheckView]]) -> CheckView:
    try:
        return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, a probe is told; its text may hold anything
        return CheckView(name=name, state=HealthState.DOWN, told=f"Table Storage failed: {type(error).__name__}.")


async def _table(engine: Engine) -> CheckView:
    await engine.records.index.round()
    return CheckView(name="table", state=HealthState.READY, told="Table Storage answers.")


def _bus(engine: Engine) -> CheckView:
    rests = engine.bus.resting
    if rests > 0:
        told = f"Service Bus failed just now. It is tried again in {rests:.0f} s; the timer sends what did not go out."
        return CheckView(name="bus", state=HealthState.DEGRADED, told=told)
    return CheckView(name="bus", state=HealthState.READY, told="Service Bus took what this process sent last, if any.")


async def _timer(engine: Engine, now: datetime) -> CheckView:
    last = await engine.records.index.last_tick()
    if last is None:
        return CheckView(name="timer", state=HealthState.DEGRADED, told="The timer has not passed yet.")
    late = now - last > PASS_LATE
    told = f"The timer's last pass ended at {last:%Y-%m-%d %H:%M:%S} UTC."
    advice = " It passes each minute: look whether its function runs." if late else ""
    return CheckView(name="timer", state=HealthState.DEGRADED if late else HealthState.READY, told=f"{told}{advice}")


async def _due(engine: Engine, now: datetime) -> CheckView:
    first = await engine.records.index.first_due()
    if first is None or now - first <= DUE_LATE:
        return CheckView(name="due", state=HealthState.READY, told="Nothing is overdue.")
    told = f"The oldest that is due has been since {first:%Y-%m-%d %H:%M:%S} UTC: the log of the timer says why."
    return CheckView(name="due", state=HealthState.DEGRADED, told=told)
