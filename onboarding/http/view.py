"""A record as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.steps import Kind
from onboarding.rows import last_problem, progress, waiting_for


def onboarding(record: Record) -> dict[str, Any]:
    """The whole of it; the fields are described in docs/api.md."""
    what, on_whom, since = waiting_for(record)
    problem = last_problem(record)
    done, total = progress(record)
    return {
        "id": record.id,
        "version": record.version,
        "run": record.run,
        "state": record.state.value,
        "gateway": {**record.request.to_json()["gateway"], "armId": record.request.gateway.id.arm_id},
        "environment": record.request.environment.value,
        "services": [s.value for s in record.request.selected],
        "createdAt": _time(record.created_at),
        "updatedAt": _time(record.updated_at),
        "closedAt": _time(record.closed_at),
        "cancelledBecause": record.cancelled_because,
        "waitingFor": what,
        "waitingOn": on_whom,
        "waitingSince": _time(since),
        "nextDueAt": _time(record.next_due_at),
        "progress": {"done": done, "total": total},
        "lastError": problem.to_json() if problem else None,
        "findings": record.findings.to_json(),
        "steps": [_step(s, record) for s in record.steps],
        "notices": [n.model_dump(mode="json", by_alias=True, exclude={"ticket"}) for n in record.notices],
        "request": record.request.to_json(),
    }


def _step(step: StepRecord, record: Record) -> dict[str, Any]:
    definition = step.definition
    return {
        "name": step.name,
        "title": definition.title,
        "kind": definition.kind.value,
        "needs": list(definition.needs),
        "state": step.state.value,
        "since": _time(step.since),
        "attempts": step.attempts,
        "nextAttemptAt": _time(step.next_attempt_at) if step.state is not StepState.RUNNING else None,
        "waitsFor": waits_for(step, record),
        "detail": step.detail,
        "problem": step.problem.to_json() if step.problem else None,
        "skippedBecause": step.skipped_because,
        "endedBy": step.ended_by,
        "note": step.note,
        "section": definition.section,
    }


def waits_for(step: StepRecord, record: Record) -> str | None:
    """What must happen before this step goes on, in words; None when it has ended or is being done."""
    match step.state:
        case StepState.PENDING:
            return ", ".join(n for n in step.definition.needs if not record.step(n).ended)
        case StepState.WAITING if step.definition.kind is Kind.CHECKPOINT:
            return f"{step.definition.waits_on.value} to do it, and somebody to confirm it"
        case StepState.WAITING:
            return step.definition.waits_on.value
        case StepState.NEEDS_ATTENTION:
            return "an operator to act and retry it"
    return None


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
