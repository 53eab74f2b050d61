"""What a program of the operator's is told: a CloudEvent (1.0, JSON, structured mode) for each notice. Pure.

Source: CloudEvents 1.0.2 (spec.md, formats/json-format.md). An event's id is the same however often it is sent, so that
a receiver may drop what it has; what is in `data` is how the onboarding stands when it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import AwareDatetime

from onboarding.core.notices import NoticeKind
from onboarding.core.record import Notice, OnboardingState, Record, StepState
from onboarding.core.request import Environment
from onboarding.core.services import Service
from onboarding.core.stored import Stored
from onboarding.notices.deliveries import Delivery
from onboarding.notices.notification import notification
from onboarding.ports import OutgoingEvent
from onboarding.standing import progress, waiting_for

TYPE_PREFIX = "operator-connect.onboarding."
CLOUDEVENTS_JSON = "application/cloudevents+json"

EVENT_TYPES: Mapping[NoticeKind, str] = {
    NoticeKind.REQUESTED: "An onboarding has begun, or begins again.",
    NoticeKind.STEP_ENDED: "A step is done, or was skipped: whatever was open because of it can be closed.",
    NoticeKind.CHECKPOINT_OPENED: "A step can be done now, by people.",
    NoticeKind.REMINDER: "That is still so; said again and again.",
    NoticeKind.ESCALATION: "It has been so for longer than it should; said once.",
    NoticeKind.NEEDS_ATTENTION: "A step stopped, and a person must act; said again while it stands still.",
    NoticeKind.LONG_WAIT: "A wait takes longer than expected; said again while it lasts.",
    NoticeKind.READ_FAILED: "Microsoft refuses a read that many onboardings need; said on one of them for all.",
    NoticeKind.HELD_UP: "What is seen keeps a wait from its end, and others can mend that.",
    NoticeKind.CANNOT_SEE: "A wait can't be looked at, and that is for the operator to mend.",
    NoticeKind.PAUSED: "The onboarding is still paused.",
    NoticeKind.PROBLEM_REPORTED: "A person says that a step can't be done.",
    NoticeKind.COMPLETED: "All steps have ended: the gateway is connected.",
    NoticeKind.DRIFTED: "Something of a completed one is not any more as it was; said once of each change.",
    NoticeKind.REPAIRED: "What had drifted was changed back, as somebody asked for.",
    NoticeKind.CANCELLED: "It was cancelled.",
}
"""What each type means, by the notice that it is of. Types are in people's programs for ever."""


class OnboardingEvent(Stored):
    """The `data` of an event: how the onboarding stands, and what people are told on the same occasion."""

    onboarding: str
    """Its id."""
    href: str
    """Address of the record, for programs."""
    page: str
    """Address of its page, for people."""
    gateway_name: str
    gateway_id: str
    """What makes it this gateway and no other: of a resource in Azure its id."""
    environment: Environment | None
    services: tuple[Service, ...]
    """Those that are onboarded."""
    state: OnboardingState
    run: int
    version: int
    """Goes up with each change: of two events of one onboarding, the one with the higher version is the newer."""
    steps_ended: int
    """Steps that are done or skipped."""
    steps_total: int
    """All steps."""
    waiting_for: str | None
    waiting_on: str | None
    step: str | None
    """The step that it is about; null: the whole onboarding."""
    step_state: StepState | None
    """Where that stands; null: it is about none."""
    problem_code: str | None
    """Why the step does not go on, stable: made for programs. Null: nothing is wrong with it."""
    problem_seen: str | None
    """The same in words."""
    title: str
    """What people are told, in a line."""
    why: tuple[str, ...]
    """The same in paragraphs."""
    what_to_do: tuple[str, ...]
    """In order."""
    since: AwareDatetime
    """Since when that is to be told."""


def event_type(kind: NoticeKind) -> str:
    """As receivers tell it from others."""
    return f"{TYPE_PREFIX}{kind}"


def cloud_event(notice: Notice, record: Record, public_url: str, *, told: Sequence[Delivery] = ()) -> OutgoingEvent:
    """The event of a notice. `told`: whom else it goes to."""
    said = data_of(notice, record, public_url, told=told)
    event_id = event_id_of(notice, record)
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"{public_url}/api",
        "type": event_type(NoticeKind(notice.kind)),
        "subject": record.id,
        "time": notice.owed_since.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"{public_url}/api/openapi.json#/components/schemas/{OnboardingEvent.__name__}",
        "data": said.to_json(),
    }
    return OutgoingEvent(event_id, json.dumps(body, ensure_ascii=False).encode())


def event_id_of(notice: Notice, record: Record) -> str:
    """No two events of this application have the same; without a dot, which ends the id in what is signed."""
    return f"{record.id}:{notice.id}".replace(".", "-")


def data_of(notice: Notice, record: Record, public_url: str, *, told: Sequence[Delivery] = ()) -> OnboardingEvent:
    """What it tells."""
    page = f"{public_url}/api/dashboard/{record.id}"
    people = notification(notice, record, Delivery("events"), told=told, link=page)
    step = record.find_step(notice.step) if notice.step else None
    waiting = waiting_for(record)
    done, total = progress(record)
    problem = step.problem if step else None
    return OnboardingEvent(
        onboarding=record.id,
        href=f"{public_url}/api/onboardings/{record.id}",
        page=page,
        gateway_name=record.request.gateway.name,
        gateway_id=record.request.gateway.key,
        environment=record.request.environment,
        services=record.request.selected,
        state=record.state,
        run=record.run,
        version=record.version,
        steps_ended=done,
        steps_total=total,
        waiting_for=waiting.what if waiting else None,
        waiting_on=waiting.on if waiting else None,
        step=notice.step,
        step_state=step.state if step else None,
        problem_code=problem.code if problem else None,
        problem_seen=problem.seen if problem else None,
        title=people.title,
        why=people.why,
        what_to_do=people.actions,
        since=notice.owed_since,
    )
