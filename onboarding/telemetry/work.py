"""What the engine does, told: a transition, an attempt at a step, the sending of a notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from onboarding.core.event_kinds import EventKind
from onboarding.core.record import Notice, Record, StepRecord, StepState
from onboarding.telemetry import metrics, spans
from onboarding.telemetry.about import about, current_about
from onboarding.telemetry.names import (
    ATTEMPT,
    DEAD_LETTERS,
    DELIVERY,
    LINKS_REFUSED,
    NOTICE,
    NOTICES,
    STEP_DURATION,
    TRANSITION,
    Attribute,
)

WITHOUT_A_SPAN = frozenset({EventKind.STEP_STARTED, EventKind.NOTICE_STARTED, EventKind.LOOKED})
"""Events without a span: the attempt's own span tells of them, or (a look) nothing came of it."""
OUTCOMES = frozenset(
    {
        EventKind.STEP_DONE,
        EventKind.STEP_POSTPONED,
        EventKind.STEP_STOPPED,
        EventKind.STEP_ABANDONED,
        EventKind.NOTICE_SENT,
        EventKind.NOTICE_FAILED,
    }
)
"""Events that say how an attempt ended; its span has them as its outcome."""
ENDS = frozenset({StepState.DONE, StepState.SKIPPED, StepState.NEEDS_ATTENTION})


@contextmanager
def committed(before: Record | None, after: Record, now: datetime) -> Iterator[None]:
    """A transition has been committed; inside, its effects are carried out."""
    event = after.tail[-1]
    asked = {Attribute.REQUEST: current_about().request}
    values = {Attribute.STEP: event.step, Attribute.VERSION: after.version, **_of(after), **asked}
    with ExitStack() as stack:
        stack.enter_context(about(after, event.step))
        if before is None or before.run != after.run:
            root = {**_of(after), Attribute.VERSION: after.version, Attribute.RUN: after.run, **asked}
            stack.enter_context(spans.root_span(after, root))
        elif event.what in WITHOUT_A_SPAN:
            stack.enter_context(spans.within_trace(after))
        else:
            if event.what in OUTCOMES:
                _ended(event.what, after.step(event.step) if event.step else None)
            stack.enter_context(spans.span(TRANSITION, after, values, event=event.what))
        _durations(before, after, now)
        yield


@contextmanager
def attempting(record: Record, name: str) -> Iterator[None]:
    """A step's function is at it."""
    step = record.step(name)
    values = {
        **_of(record),
        Attribute.STEP: name,
        Attribute.ATTEMPT: step.attempts,
        Attribute.TICKET: step.ticket,
    }
    with about(record, name), spans.span(ATTEMPT, record, values, step=name):
        yield


@contextmanager
def notifying(record: Record, notice: Notice) -> Iterator[None]:
    """The function of notices is at one."""
    values = {
        **_of(record),
        Attribute.STEP: notice.step,
        Attribute.KIND: notice.kind,
        Attribute.TICKET: notice.ticket,
    }
    with about(record, notice.step), spans.span(NOTICE, record, values, kind=notice.kind):
        yield


def dead(queue: str) -> None:
    """Service Bus gave a message of this queue up."""
    metrics.count(DEAD_LETTERS, {Attribute.QUEUE: queue or "unknown"})


def unfit_link(kind: str) -> None:
    """Somebody came with a signed link that is no good, in this way."""
    metrics.count(LINKS_REFUSED, {Attribute.KIND: kind})


class NotificationUnderWay:
    """A notice on one way."""

    def __init__(self) -> None:
        self.outcome = "failed"

    def told(self, anybody: bool) -> bool:
        """It went out, or there is nobody on that way; handed through."""
        self.outcome = "sent" if anybody else "not-configured"
        return anybody


@contextmanager
def delivering(notice: Notice, way: str) -> Iterator[NotificationUnderWay]:
    """It is being sent on one way."""
    delivery = NotificationUnderWay()
    values = {Attribute.KIND: notice.kind, Attribute.WAY: way}
    with spans.span(DELIVERY, None, values, way=way) as told:
        try:
            yield delivery
        finally:
            told.set(Attribute.OUTCOME, delivery.outcome)
            metrics.count(NOTICES, {**values, Attribute.OUTCOME: delivery.outcome})


def _of(record: Record) -> dict[Attribute, str | int | None]:
    return {Attribute.ONBOARDING: record.id, Attribute.GATEWAY: record.request.gateway.name}


def _ended(what: str, step: StepRecord | None) -> None:
    attempt = spans.current_span()
    attempt.set(Attribute.OUTCOME, what)
    if step is not None and step.problem is not None and what in ("step-postponed", "step-stopped"):
        attempt.set(Attribute.PROBLEM, step.problem.code)
        attempt.failed(step.problem.code)


def _durations(before: Record | None, after: Record, now: datetime) -> None:
    """Of the steps that ended by this transition, or came to need attention."""
    if before is None or not metrics.in_use():
        return
    for old, new in zip(before.steps, after.steps, strict=True):
        if new.state is old.state or new.state not in ENDS:
            continue
        began = new.begun_at or old.since
        values = {Attribute.STEP: new.name, Attribute.OUTCOME: new.state.value}
        metrics.put(STEP_DURATION, (now - began).total_seconds(), values)
