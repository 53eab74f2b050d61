"""Records part of the way through, made by the rules themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from onboarding.core.decide import Decision, create, decide
from onboarding.core.events import Confirmed, Looked, NoticeSent, NoticeStarted, Started, Succeeded
from onboarding.core.plan import StepKind
from onboarding.core.record import Record, StepState
from onboarding.core.stored import Stored
from tests.support import requests
from tests.support.steps import BY_NAME, STEPS

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def new(**changes: object) -> Decision:
    """An onboarding of Operator Connect, just requested."""
    return create(requests.parsed(requests.operator_connect(**changes)), "ada", NOW)


def after(step: str, record: Record | None = None) -> Record:
    """A record in which `step` has just become able to go on: everything that it needs has been done."""
    record = record or new().record
    for name in [s.name for s in STEPS]:
        if name != step and name in _needed(step):
            record = finish(record, name)
    return record


def _needed(step: str) -> set[str]:
    direct = set(BY_NAME[step].needs)
    return direct.union(*(_needed(n) for n in direct)) if direct else set()


def finish(record: Record, name: str) -> Record:
    """Bring a step that can go on to its end, the way its kind ends."""
    step = record.step(name)
    if step.ended:
        return record
    match step.plan.kind:
        case StepKind.TASK:
            record = decide(record, Started(name, step.ticket), NOW).record
            return decide(record, Succeeded(name, record.step(name).ticket, "done"), NOW).record
        case StepKind.WAIT:
            return decide(record, Looked(name, True, "it is so"), NOW).record
        case StepKind.CHECKPOINT:
            return decide(record, Confirmed(name, "ada"), NOW).record


def finish_all(record: Record) -> Record:
    while not record.closed:
        for step in record.steps:
            if step.state in (StepState.DUE, StepState.WAITING):
                record = finish(record, step.name)
    return record


def told(record: Record) -> Record:
    """The record after every notice that it owes went out, as soon as each was due."""
    for notice in [n for n in record.notices if n.owed]:
        assert notice.next_attempt_at is not None
        record = decide(record, NoticeStarted(notice.id, notice.ticket), notice.next_attempt_at).record
        record = decide(record, NoticeSent(notice.id, notice.ticket, ()), notice.next_attempt_at).record
    return record


def finding(record: Record, step: str, found: Stored) -> Record:
    """The record with what that step found out."""
    kept = found.model_dump(mode="json", by_alias=True, exclude_unset=True)
    steps = tuple(s.model_copy(update={"found": {**s.found, **kept}}) if s.name == step else s for s in record.steps)
    return record.model_copy(update={"steps": steps})
