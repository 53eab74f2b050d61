"""A record as a row of table `onboardings`: flat columns to filter and show, and the rest as JSON columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from onboarding.core.record import SCHEMA_VERSION, Event, Problem, Record, StepState
from onboarding.kinds import STORED
from onboarding.open_steps import written
from onboarding.ports import Row
from onboarding.steps import definition_of
from onboarding.upgrade import read_record

OPEN, CLOSED = "open", "closed"

COLUMN_LENGTH = 32_000
"""UTF-16 units that a string column holds are 32 Ki (Table Storage); a little less is used."""

_JSON_COLUMNS = {
    "request": "Request",
    "steps": "Steps",
    "notices": "Notices",
    "tail": "Tail",
}


_OURS = f'{{"schemaVersion":{SCHEMA_VERSION},'
"""What the JSON of a record begins with that this version wrote."""
_ELSEWHERE = set(_JSON_COLUMNS)
_PARTS: Mapping[str, TypeAdapter[Any]] = {
    name: TypeAdapter(Record.model_fields[name].annotation or Any) for name in ("steps", "notices")
}


class UnreadableRowError(Exception):
    """A row that holds no record as this version knows it. It is left as it is."""

    def __init__(self, key: str, what: str) -> None:
        self.key = key
        super().__init__(
            f"The row of onboarding {key} can't be read: {what}. Nothing is done with it; what to do is in"
            " docs/runbook.md."
        )


class RowTooLargeError(Exception):
    """A column of the row would not fit into Table Storage."""


COMMIT = "Commit"
"""The column that names the write which made the row what it is."""
OPEN_STEPS = "OpenSteps"
"""The column of the steps that are going on, which is measured."""


def to_row(record: Record, partition: str, etag: str = "", commit: str = "") -> Row:
    """The row of a record. Raises RowTooLargeError rather than writing half of one."""
    columns: dict[str, Any] = {
        column: _PARTS[name].dump_json(getattr(record, name), by_alias=True).decode()
        for name, column in _JSON_COLUMNS.items()
        if name in _PARTS
    }
    columns[_JSON_COLUMNS["request"]] = record.request.model_dump_json(by_alias=True)
    columns[_JSON_COLUMNS["tail"]] = _tail(record)
    columns["Rest"] = record.model_dump_json(by_alias=True, exclude=_ELSEWHERE)
    columns[COMMIT] = commit
    columns.update(_shown(record))
    if partition == OPEN and record.settled:
        # Nothing is owed any more, but the row still has to move: the timer must find one that was left behind.
        columns["NextDueAt"] = record.updated_at
    for name, value in columns.items():
        if isinstance(value, str) and _length(value) > COLUMN_LENGTH:
            raise RowTooLargeError(
                f"column {name} of onboarding {record.id} would hold {len(value)} characters; {COLUMN_LENGTH} fit."
            )
    return Row(partition, record.id, columns, etag)


def from_row(row: Row) -> Record:
    """The record of a row, whatever older version wrote it.

    Raises UnreadableRowError for one that this version of the application can't read, or must not write back because a
    newer one wrote it: what that one added would be lost.
    """
    try:
        columns = {**_JSON_COLUMNS, **({"findings": "Findings"} if "Findings" in row.columns else {})}
        parts = "".join(f',"{name}":{row.columns[column]}' for name, column in columns.items())
        whole = f"{row.columns['Rest'].removesuffix('}')}{parts}}}"
        if whole.startswith(_OURS):
            record = Record.model_validate_json(whole, context=STORED)
        else:
            record = read_record(json.loads(whole))
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableRowError(row.key, _newer(row) or f"unexpected or missing: {_where(error)}") from None
    if record.schema_version > SCHEMA_VERSION:
        raise UnreadableRowError(row.key, _too_new(record.schema_version))
    return record


def _where(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"column {error}" if isinstance(error, KeyError | AttributeError) else "JSON"
    return ", ".join(_place(e) for e in error.errors()[:5])


def _place(error: Any) -> str:
    said = f" ({error['ctx']['error']})" if error["type"] == "value_error" else ""
    return (".".join(map(str, error["loc"])) or "JSON") + said


def _newer(row: Row) -> str | None:
    """Why a row that makes no sense here was perhaps never meant to."""
    try:
        version = int(json.loads(row.columns["Rest"])["schemaVersion"])
    except (KeyError, TypeError, ValueError):
        return None
    return _too_new(version) if version > SCHEMA_VERSION else None


def _too_new(version: int) -> str:
    return (
        f"it has schema version {version}, which a newer version of the application wrote; this one knows"
        f" {SCHEMA_VERSION}"
    )


def tail_length(record: Record) -> int:
    """Of the record's tail as its column holds it, in UTF-16 units."""
    return _length(_tail(record))


def _tail(record: Record) -> str:
    return f"[{','.join(event.text for event in record.tail)}]"


def _length(text: str) -> int:
    """In UTF-16 units, of which a character has one or two."""
    return len(text) if len(text) * 2 <= COLUMN_LENGTH else len(text.encode("utf-16-le", "surrogatepass")) // 2


_OPERATOR = "an operator of this application"


def waiting_for(record: Record) -> tuple[str | None, str | None, Any]:
    """(what, on whom, since when) an open onboarding waits, by its most telling step; Nones when for nothing."""
    order: tuple[StepState, ...] = (StepState.NEEDS_ATTENTION, StepState.WAITING, StepState.RUNNING, StepState.DUE)
    if record.pause is not None and not record.closed:
        return "Somebody to resume it", _OPERATOR, record.pause.since
    if record.cancelling:
        order = (StepState.RUNNING,)
    open_steps = [] if record.closed else [s for s in record.steps if s.state in order]
    if not open_steps:
        return None, None, None
    step = min(open_steps, key=lambda s: (order.index(s.state), s.since))
    on_whom = _OPERATOR if step.state is StepState.NEEDS_ATTENTION else step.plan.waits_on.value
    return definition_of(step).title, on_whom, step.since


def last_problem(record: Record) -> Problem | None:
    """The problem to show: of a step that needs attention, else of one that is tried again."""
    with_problem = [s for s in record.steps if s.problem is not None and not s.ended]
    with_problem.sort(key=lambda s: s.state is not StepState.NEEDS_ATTENTION)
    return with_problem[0].problem if with_problem else None


def progress(record: Record) -> tuple[int, int]:
    """(steps ended, steps of the plan)."""
    return sum(s.ended for s in record.steps), len(record.steps)


def _shown(record: Record) -> dict[str, Any]:
    what, on_whom, since = waiting_for(record)
    problem = last_problem(record)
    done, total = progress(record)
    return {
        "Version": record.version,
        "Gateway": record.request.gateway.name,
        "GatewayId": record.request.gateway.key,
        "SubscriptionId": record.request.gateway.subscription,
        "Environment": record.request.environment and record.request.environment.value,
        "Services": ",".join(s.value for s in record.request.selected),
        "State": record.state.value,
        OPEN_STEPS: written(record),
        "WaitingFor": what,
        "WaitingOn": on_whom,
        "WaitingSince": since,
        "NextDueAt": record.next_due_at,
        "StepsEnded": done,
        "StepsTotal": total,
        "LastError": problem.seen if problem else None,
        "Domain": record.findings.get("domain"),
        "ApplicationId": record.findings.get("applicationId"),
        "CreatedAt": record.created_at,
        "UpdatedAt": record.updated_at,
        "ClosedAt": record.closed_at,
        "People": " ".join(_people(record)).lower(),
        "NoticeError": next((n.problem.seen for n in record.notices if n.owed and n.problem), None),
    }


def _people(record: Record) -> tuple[str, ...]:
    """Everybody whom a request names, to search by."""
    asked = record.request
    named = (asked.admin_user, asked.onboarding_team.name, asked.onboarding_team.email, asked.notify.escalate_to)
    return (*(name for name in named if name), *asked.notify.emails)


def event_row(onboarding_id: str, event: Event) -> Row:
    """An audit event as a row of table `events`: the same version always gives the same row."""
    columns = {
        "At": event.at,
        "Actor": event.actor,
        "What": event.what,
        "Step": event.step,
        "Body": json.dumps(event.to_json(), separators=(",", ":"), ensure_ascii=False),
    }
    return Row(onboarding_id, f"{event.version:010d}", columns)


def event_of(row: Row) -> Event:
    """The event of a row."""
    return Event.model_validate_json(row.columns["Body"])
