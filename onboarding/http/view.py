"""What the API shows, as models: the answers are made of them, and the OpenAPI description is generated from them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SerializeAsAny, create_model
from pydantic.alias_generators import to_camel, to_snake

from onboarding.columns import LISTED
from onboarding.controls import actions
from onboarding.core.answers import AnswerKind, AnswerValue
from onboarding.core.deviation import Acceptance, Deviation
from onboarding.core.expected_ends import ExpectedEnd, expected_ends, is_late_now, is_overdue, latest_end
from onboarding.core.plan import StepKind
from onboarding.core.record import (
    Delivered,
    Event,
    MadeBy,
    OnboardingState,
    Pause,
    Problem,
    Record,
    StepRecord,
    StepState,
)
from onboarding.core.request import Environment, Gateway, OnboardingRequest
from onboarding.core.rules.drift import open_deviations_id, repair_id
from onboarding.core.services import Service
from onboarding.http.access import Caller
from onboarding.http.search import is_late_row
from onboarding.index import LastInspection
from onboarding.notices.what_stays import what_stays
from onboarding.planning.by_hand import Shell, commands_of
from onboarding.ports import Row
from onboarding.standing import OPERATOR, last_problem, progress, waiting_for
from onboarding.steps import LIBRARY, definition_of
from onboarding.turns import TurnState, turns_of
from onboarding.whom import whom


class View(BaseModel):
    """A part of an answer: camelCase in JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", defer_build=True
    )

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class GatewayView(View):
    """The gateway that is onboarded."""

    kind: str
    subscription_id: str | None = None
    resource_group: str | None = None
    name: str
    domain: str | None = None
    """As the request overrides it; the one in use stands in the findings."""
    arm_id: str
    """What makes it this gateway and no other: of a resource in Azure its id."""


class ProgressView(View):
    """How many steps have ended, of how many."""

    done: int
    total: int


class AskView(View):
    """One thing that whoever confirms a step is asked for."""

    name: str
    label: str
    kind: AnswerKind
    required: bool
    """Without it the step can't be confirmed."""
    many: bool
    """It is a list."""
    hint: str
    pattern: str
    """Of a text, as a regular expression; empty: any line."""
    choices: tuple[str, ...]
    ahead: int | None
    """Of a date: how many days after today it may be at most; null: any number."""
    correctable: bool
    """It can be corrected when the step is done."""


class CommandView(View):
    """One command."""

    shell: Shell
    """`powershell`: PowerShell 7 with Microsoft.Graph.Authentication; `bash`: a POSIX shell with the Azure CLI."""
    text: str
    """As it is pasted."""


class DeviationView(View):
    """One value that is not any more as its step left it."""

    id: str
    what: str
    expected: str
    """As the step left it."""
    found: str
    """As it is."""
    since: AwareDatetime
    """When that was first seen."""
    sure: bool
    """It was seen twice, some time apart; false: it was seen once, is looked at again, and counts for nothing."""
    repairable: bool
    """The step can change it back."""
    accepted: Acceptance | None
    """Who said that it is meant so; null: nobody."""


class TurnView(View):
    """One turn of a checkpoint that goes back and forth."""

    name: str
    """For `turn` of the confirmation."""
    title: str
    on: str
    """The party."""
    on_name: str | None
    """That person or team."""
    state: TurnState
    at: AwareDatetime | None
    """When somebody said that it is done; null: nobody said so of this turn alone."""
    by: str | None
    note: str | None


class StepView(View):
    """One step of its plan."""

    name: str
    title: str
    kind: StepKind
    needs: tuple[str, ...]
    state: StepState
    since: AwareDatetime
    begun_at: AwareDatetime | None
    """When it became possible, or was last retried or reopened; attempts count from there."""
    attempts: int
    failures: int
    """Attempts that failed in the same way, one after another; of a wait, looks that were noted."""
    next_attempt_at: AwareDatetime | None
    not_before: AwareDatetime | None
    """Until when Microsoft asked to be left alone."""
    expected_at: AwareDatetime | None
    """When it will have ended, if all takes as long as usual, on the full hour; null: it has, or nobody can say."""
    late: bool
    """It is open for longer than it usually takes."""
    waits_for: str | None
    detail: str
    problem: Problem | None
    skipped_because: str | None
    ended_by: str | None
    note: str | None
    asks: tuple[AskView, ...]
    """What whoever confirms it is asked for."""
    answers: dict[str, AnswerValue]
    """What was answered to that, by name."""
    turns: tuple[TurnView, ...]
    """In which it goes back and forth; empty: it does not."""
    by_hand: tuple[CommandView, ...]
    """What a person runs in its place, in this order; empty: it is not done by hand, or not now."""
    deviations: tuple[DeviationView, ...]
    """What of a completed onboarding is not any more as this step left it."""
    deviations_id: str
    """Of those that nobody has accepted, for whoever accepts them; empty: there are none."""
    repair_id: str
    """Of what the step would change back, for whoever has it repaired; empty: nothing."""
    reminders: int
    escalated: bool
    warned_at: AwareDatetime | None
    """When people were last told that this wait takes long."""
    may_be_skipped_when: str | None
    """When Microsoft's article lets it be left out; null: only by insisting."""
    section: str
    """Of Microsoft's article; empty: it is in none."""


class NoticeView(View):
    """Something that people were told, or are to be told."""

    id: str
    kind: str
    step: str | None
    owed_since: AwareDatetime
    next_attempt_at: AwareDatetime | None
    """When it is sent or tried again; null: nothing more is to happen."""
    attempts: int
    sent: tuple[Delivered, ...]
    problem: Problem | None


class RepairView(View):
    """A completed onboarding goes on with one step, which changes back what deviates."""

    step: str
    by: str
    since: AwareDatetime


class PauseView(View):
    """Why nothing is begun at the moment."""

    since: AwareDatetime
    by: str
    because: str
    reminder_at: AwareDatetime
    """When people are told of it again."""


class StaysView(View):
    """What one step did at Microsoft, or may have done in part."""

    step: str
    title: str
    told: str
    made_by: MadeBy | None
    """Who made it; null: not known."""
    shared_with: str
    """Who else uses it: leave it as long as they do; empty: nobody."""


class ActionView(View):
    """Something that the caller may do now."""

    name: str
    step: str | None
    label: str
    method: str
    href: str


_FOUND: dict[str, Any] = {
    name: (field.annotation, field.default) for d in LIBRARY.values() for name, field in d.found.model_fields.items()
}
FindingsView = create_model("FindingsView", __base__=View, __doc__="What the steps found out; null: not yet.", **_FOUND)


class InspectionView(View):
    """The last look at a completed onboarding."""

    at: AwareDatetime
    unseen: int
    """Of its steps that could not be looked at."""


class OnboardingView(View):
    """One onboarding, whole."""

    id: str
    version: int
    run: int
    state: OnboardingState
    gateway_name: str
    gateway: GatewayView
    environment: Environment | None
    services: tuple[Service, ...]
    requested_by: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None
    expected_at: AwareDatetime | None
    """When it will be complete, if all takes as long as usual, on the full hour; null: closed, paused, or nobody can
    say."""
    late: bool
    """It is expected more than a day later than it was when it was requested."""
    cancelled_because: str | None
    pause: PauseView | None
    """Null: it is not paused."""
    repair: RepairView | None
    """Null: nothing is being changed back."""
    inspected: InspectionView | None
    """Null: it is not completed, or was not inspected again since."""
    waiting_for: str | None
    waiting_for_step: str | None
    """Its name; null while it is paused."""
    waiting_on: str | None
    waiting_on_name: str | None
    """That person or team, as the request names them."""
    waiting_since: AwareDatetime | None
    next_due_at: AwareDatetime | None
    progress: ProgressView
    last_error: Problem | None
    last_error_seen: str | None
    findings: FindingsView
    warnings: tuple[str, ...]
    """What is worth a look, though the request was taken."""
    stays_at_microsoft: tuple[StaysView, ...]
    """What was done there so far; a cancel leaves it."""
    steps: tuple[StepView, ...]
    notices: tuple[NoticeView, ...]
    allowed_actions: tuple[ActionView, ...]
    request: SerializeAsAny[OnboardingRequest]


class EventsView(View):
    """The audit trail, oldest first."""

    id: str
    events: tuple[Event, ...]


_DEPRECATED: Any = Field(json_schema_extra={"deprecated": True})
"""Goes with the next version of the API: its name means another type elsewhere."""


class SummaryView(View):
    """One onboarding in the list: the columns of its row. Older rows lack what came later, until their next change."""

    id: str
    version: int
    gateway_name: str
    gateway: str = _DEPRECATED
    """As `gatewayName`, which is a text wherever it stands; a record's `gateway` is an object."""
    arm_id: str
    subscription_id: str | None
    environment: Environment | None
    services: tuple[Service, ...]
    state: OnboardingState
    waiting_for: str | None
    waiting_for_step: str | None
    """Its name; null while it is paused."""
    waiting_on: str | None
    waiting_on_name: str | None
    """That person or team, as the request names them."""
    waiting_since: AwareDatetime | None
    next_due_at: AwareDatetime | None
    progress: ProgressView
    open_wait_count: int | None
    last_error_seen: str | None
    last_error: str | None = _DEPRECATED
    """As `lastErrorSeen`; a record's `lastError` is an object."""
    last_error_code: str | None
    notice_error: str | None
    """Why a notice could not be sent yet."""
    domain: str | None
    application_id: str | None
    requested_by: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    deviation_count: int | None
    """What of a completed one is not as it was, and nobody has accepted."""
    closed_at: AwareDatetime | None
    expected_at: AwareDatetime | None
    """When it will be complete, if all takes as long as usual, on the full hour; null: closed, paused, or nobody can
    say."""
    late: bool
    """It is expected more than a day later than it was when it was requested."""
    href: str


class ListView(View):
    """A page of the list."""

    onboardings: tuple[SummaryView, ...]
    counts: dict[OnboardingState, int]
    """Of all onboardings, whatever was searched for; up to ten seconds old."""
    cut: bool
    """More fit than could be sorted: the order holds among the first 5,000 by gateway."""
    next: str | None
    """Address of the next page; null: this is the last."""


def onboarding_view(
    record: Record, caller: Caller, now: datetime, inspected: LastInspection | None = None
) -> OnboardingView:
    """The whole of a record at that time, and what the caller may do with it. `inspected`: the last look at it."""
    waiting = waiting_for(record)
    error = last_problem(record)
    ends = expected_ends(record)
    end = latest_end(ends)
    done, total = progress(record)
    return OnboardingView(
        id=record.id,
        version=record.version,
        run=record.run,
        state=record.state,
        gateway_name=record.request.gateway.name,
        gateway=gateway_view(record.request.gateway),
        environment=record.request.environment,
        services=record.request.selected,
        requested_by=record.requested_by,
        created_at=record.created_at,
        updated_at=record.updated_at,
        closed_at=record.closed_at,
        expected_at=end.seen(now) if end else None,
        late=is_late_now(record, now),
        cancelled_because=record.cancelled_because,
        pause=_pause(record.pause),
        repair=RepairView.model_validate(record.repair, from_attributes=True) if record.repair else None,
        inspected=InspectionView(at=inspected.at, unseen=inspected.unseen) if inspected else None,
        waiting_for=waiting.what if waiting else None,
        waiting_for_step=waiting.step if waiting else None,
        waiting_on=waiting.on if waiting else None,
        waiting_on_name=waiting.name if waiting else None,
        waiting_since=waiting.since if waiting else None,
        next_due_at=record.next_due_at,
        progress=ProgressView(done=done, total=total),
        last_error=error,
        last_error_seen=error.seen if error else None,
        findings=_findings(record),
        warnings=record.request.warnings,
        stays_at_microsoft=tuple(StaysView.model_validate(s, from_attributes=True) for s in what_stays(record)),
        steps=tuple(_step(step, record, ends.get(step.name), now) for step in record.steps),
        notices=tuple(NoticeView.model_validate(notice, from_attributes=True) for notice in record.notices),
        allowed_actions=allowed(record, caller),
        request=record.request,
    )


def allowed(record: Record, caller: Caller) -> tuple[ActionView, ...]:
    """What the state allows and the caller's roles cover."""
    return tuple(
        ActionView(name=a.name, step=a.step, label=a.label, method=a.control.method, href=f"/api/{a.path}")
        for a in actions(record, caller.name)
        if caller.may(a.control.role)
    )


def _findings(record: Record) -> BaseModel:
    """Those that this version of the application knows."""
    known = {field.alias for field in FindingsView.model_fields.values()}
    return FindingsView.model_validate({name: value for name, value in record.findings.items() if name in known})


def gateway_view(gateway: Gateway) -> GatewayView:
    """What a request says of what is onboarded."""
    told = {name: value for name, value in gateway if name in GatewayView.model_fields}
    return GatewayView(**told, arm_id=gateway.key)


def events(onboarding_id: str, trail: list[Event]) -> EventsView:
    """An audit trail."""
    return EventsView(id=onboarding_id, events=tuple(trail))


def summary(row: Row, now: datetime) -> SummaryView:
    """A row of the list, then: a field for each column that is listed, but where the API has another form for it."""
    shown: dict[str, Any] = {to_snake(name): row.columns.get(name) for name in LISTED}
    ended = ProgressView(done=shown.pop("steps_ended"), total=shown.pop("steps_total"))
    at, rest = shown.pop("expected_at"), shown.pop("expected_rest")
    end = ExpectedEnd(at, timedelta(seconds=rest or 0)) if at else None
    del shown["late_from"]
    return SummaryView(
        id=row.key,
        href=f"/api/onboardings/{row.key}",
        arm_id=shown.pop("gateway_id"),
        services=tuple(Service(s) for s in shown.pop("services").split(",")),
        progress=ended,
        gateway_name=shown["gateway"],
        last_error_seen=shown["last_error"],
        expected_at=end.seen(now) if end else None,
        late=is_late_row(row, now),
        **shown,
    )


def waits_for(step: StepRecord, record: Record) -> str | None:
    """What must happen before this step goes on, in words; None when it has ended or is being done."""
    match step.state:
        case StepState.PENDING:
            return ", ".join(s.name for s in record.open_needs(step))
        case StepState.WAITING if step.plan.kind is StepKind.CHECKPOINT:
            return f"{whom(record, step).in_words} to do it, and somebody to confirm it"
        case StepState.WAITING if step.with_people:
            return f"{OPERATOR} to do it by hand, and to say so"
        case StepState.WAITING:
            return step.waits_on.value
        case StepState.NEEDS_ATTENTION:
            asked = step.problem is not None and step.problem.proposal is not None
            return "a person to say yes to what it would change" if asked else f"{OPERATOR} to act and retry it"
    return None


def _pause(pause: Pause | None) -> PauseView | None:
    if pause is None:
        return None
    return PauseView(since=pause.since, by=pause.by, because=pause.because, reminder_at=pause.next_word_at)


def _deviation(one: Deviation) -> DeviationView:
    told = one.model_dump(exclude={"repair", "accepted"})
    return DeviationView(**told, repairable=one.sure and bool(one.repair), accepted=one.accepted)


def _step(step: StepRecord, record: Record, end: ExpectedEnd | None, now: datetime) -> StepView:
    definition = definition_of(step)
    # While it is paused nothing is attempted.
    begun_by_itself = record.active and step.state is not StepState.RUNNING
    due: datetime | None = step.next_attempt_at if begun_by_itself else None
    return StepView(
        name=step.name,
        title=definition.title,
        kind=step.plan.kind,
        needs=step.plan.needs,
        state=step.state,
        since=step.since,
        begun_at=step.begun_at,
        attempts=step.attempts,
        failures=step.failures,
        next_attempt_at=due,
        not_before=step.not_before,
        expected_at=end.seen(now) if end and not step.ended else None,
        late=is_overdue(record, step, now),
        waits_for=waits_for(step, record),
        detail=step.detail,
        problem=step.problem,
        skipped_because=step.skipped_because,
        ended_by=step.ended_by,
        note=step.note,
        asks=tuple(AskView.model_validate(asked, from_attributes=True) for asked in definition.asked_of(step)),
        answers=dict(step.answers),
        turns=tuple(TurnView.model_validate(turn, from_attributes=True) for turn in turns_of(record, step)),
        by_hand=tuple(CommandView(shell=c.shell, text=c.text) for c in commands_of(step)),
        deviations=tuple(_deviation(one) for one in step.deviations),
        deviations_id=open_deviations_id(step),
        repair_id=repair_id(step),
        reminders=step.reminders,
        escalated=step.escalated,
        warned_at=step.warned_at,
        may_be_skipped_when=definition.may_be_skipped_when,
        section=definition.section,
    )
