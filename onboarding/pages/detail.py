"""The page of one onboarding: steps, values, notices, the audit trail, and what this caller may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.deviation import Deviation
from onboarding.core.due import is_watched, tried_until
from onboarding.core.expected_ends import ExpectedEnd, expected_ends, is_late_now, is_overdue, latest_end
from onboarding.core.instructions import Instructions, Value
from onboarding.core.plan import StepKind
from onboarding.core.problems import IT_IS_TRIED_AGAIN
from onboarding.core.record import Delivered, Event, Notice, Problem, Record, StepRecord, StepState
from onboarding.core.roles import Role
from onboarding.notices.what_stays import Stays, by_heading, what_stays
from onboarding.pages.answered import ShownAnswer, shown_of
from onboarding.pages.changed import Changed, changed
from onboarding.pages.controls import Allowed, Form, RefusedForm, banner_forms, forms, step_forms, with_refused
from onboarding.pages.graph import Graph, graph
from onboarding.pages.paths import checkpoint_path, copy_path
from onboarding.pages.requested import Requested, requested
from onboarding.pages.timeline import Timeline, timeline
from onboarding.pages.trail import TrailLine, trail
from onboarding.pages.words import LATE, STATES, Badge, step_badge
from onboarding.planning.by_hand import instructions_by_hand
from onboarding.standing import NextKind, Waiting, next_kind, open_waits, progress
from onboarding.steps import definition_of
from onboarding.steps.definition import Findings
from onboarding.whom import whom


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in the table of steps."""

    name: str
    title: str
    kind: StepKind
    badge: Badge
    since: datetime
    lasting: bool
    """It goes on: how long it has lasted is of interest."""
    told: str
    """What was last seen, or why it was skipped, or what it waits for."""
    next: NextKind | None
    """What happens by itself next."""
    next_at: datetime | None
    asked_until: datetime | None
    """Until when Microsoft asked to be left alone, while that is to come."""
    attempts: int
    tried: str
    """How often it was tried or looked at without success, while it goes on by itself."""
    tried_until: datetime | None
    """Until when it is tried on, at the latest."""
    warned_at: datetime | None
    """When people were last told that this wait takes long."""
    ended_by: str | None
    note: str | None
    answers: tuple[ShownAnswer, ...]
    problem: Problem | None
    took: str
    checkpoint: str | None
    """Address of its checkpoint page."""
    expected_at: datetime | None
    late: Badge | None
    """That it is open for longer than it usually takes."""

    @property
    def to_do(self) -> bool:
        """Whether somebody need do something about its problem, now or in the end."""
        return self.problem is not None and self.problem.what_next not in ("", IT_IS_TRIED_AGAIN)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice, and what became of it."""

    kind: str
    step: str | None
    badge: Badge
    owed_since: datetime
    next_at: datetime | None
    sent: tuple[tuple[str, datetime], ...]
    problem: Problem | None
    what_to_do: str
    """So that it can go; empty when nobody need act."""


@dataclass(frozen=True, slots=True)
class OnboardingPage:
    """Everything that the page shows."""

    record: Record
    badge: Badge
    done: int
    total: int
    waiting_for: str | None
    waiting_on: str | None
    waiting_since: datetime | None
    next_label: str
    """What the next thing is that happens by itself."""
    services: tuple[str, ...]
    graph: Graph
    timeline: Timeline
    steps: tuple[StepRow, ...]
    stopped: tuple[StepRow, ...]
    open_checkpoints: tuple[StepRow, ...]
    by_hand: tuple[tuple[StepRow, Instructions], ...]
    """What a person does in this application's place, and how."""
    deviating: tuple[tuple[StepRow, tuple[Deviation, ...]], ...]
    """Steps of a completed one of which something is not any more as they left it."""
    values: tuple[Value, ...]
    remarks: tuple[tuple[str, tuple[str, ...]], ...]
    """Heading and lines."""
    notices: tuple[NoticeRow, ...]
    trail: tuple[TrailLine, ...]
    event_count: int
    forms: tuple[Form, ...]
    step_forms: Mapping[str, tuple[Form, ...]]
    banner_forms: tuple[Form, ...]
    stays: tuple[tuple[str, tuple[Stays, ...]], ...]
    """Of a cancelled one, or one that is being cancelled: what is there at Microsoft, under whose it is."""
    cancelling_on: tuple[str, ...]
    """The steps whose functions must come back before it is cancelled."""
    copy: str | None
    """Address of the form that is filled with what it asked for, for whoever may request one."""
    expected_at: datetime | None
    late: Badge | None
    """That it is expected later than it was at first."""
    requested: Requested
    retrying: tuple[StepRow, ...]
    """Steps that have failed, and go on being tried."""
    changed: Changed | None
    """What the caller's action did, from which they come back."""
    refused: Form | None
    """The form that was sent, and of which nothing was taken."""


def detail(
    record: Record,
    events: Sequence[Event],
    now: datetime,
    may: Allowed,
    actor: str | None = None,
    *,
    acted: str = "",
    refused: RefusedForm | None = None,
) -> OnboardingPage:
    """The page; `may` says whether the caller, whose name is `actor`, holds a role.

    `acted`: the version of the record that their action made, from which they come back; `refused`: what they sent.
    """
    done, total = progress(record)
    ends = expected_ends(record)
    end = latest_end(ends)
    waits = open_waits(record)
    waiting = next(iter(waits), None)
    drawn = timeline(record, events, now)
    took = {bar.name: bar.told for bar in drawn.bars}
    rows = tuple(_step(record, step, now, took.get(step.name, ""), ends.get(step.name)) for step in record.steps)
    over = record.closed or record.cancelling
    found = [definition_of(step).found_by(step) for step in record.steps]
    shown = list(zip(rows, record.steps, strict=True))
    by_state = {state: [r for r, s in shown if s.state is state] for state in StepState}
    of_steps = {name: with_refused(them, refused) for name, them in step_forms(record, may, actor).items()}
    sent = next((form for them in of_steps.values() for form in them if form.refused), None)
    listed = with_refused(forms(record, may, actor), None if sent else refused)
    return OnboardingPage(
        record,
        STATES[record.state],
        done,
        total,
        waiting.what if waiting else None,
        (waiting.name or waiting.on) if waiting else None,
        waiting.since if waiting else None,
        _next_label(waits),
        tuple(s.label for s in record.request.selected),
        graph(record, now),
        drawn,
        rows,
        () if over else tuple(by_state[StepState.NEEDS_ATTENTION]),
        () if over else tuple(r for r, s in shown if s.with_people and s.plan.kind is StepKind.CHECKPOINT),
        () if over else tuple((r, instructions_by_hand(s)) for r, s in shown if s.by_hand),
        tuple((r, s.deviations) for r, s in shown if s.deviations) if record.completed else (),
        _values(record, found),
        tuple(told for one in found if (told := one.remarks())),
        tuple(_notice(n, record) for n in reversed(record.notices)),
        trail(events),
        len(events),
        listed,
        of_steps,
        banner_forms(record, may),
        by_heading(what_stays(record)) if record.cancelled_because is not None else (),
        tuple(r.title for r in by_state[StepState.RUNNING]) if record.cancelling else (),
        copy_path(record.id) if may(Role.SUBMIT) else None,
        end.seen(now) if end else None,
        LATE if is_late_now(record, now) else None,
        requested(record),
        tuple(r for r, s in shown if r.problem and record.active and s.state in _GOING_ON),
        changed(record, events, acted, may, actor),
        sent or next((form for form in listed if form.refused), None),
    )


_GOING_ON = (StepState.DUE, StepState.RUNNING, StepState.WAITING)


def _step(record: Record, step: StepRecord, now: datetime, took: str, end: ExpectedEnd | None) -> StepRow:
    definition = definition_of(step)
    goes_on = record.active and step.state in (StepState.WAITING, StepState.DUE)
    asked = step.not_before if goes_on and step.not_before and step.not_before > now else None
    return StepRow(
        step.name,
        definition.title,
        step.plan.kind,
        step_badge(record, step),
        step.since,
        step.state in (StepState.WAITING, StepState.NEEDS_ATTENTION) and not record.closed and not record.cancelling,
        _told(record, step),
        next_kind(step) if goes_on else None,
        step.next_attempt_at if goes_on and not _is_looked_at_on_schedule(record, step, now) else None,
        asked,
        step.attempts,
        _tried(step) if goes_on else "",
        tried_until(step) if record.active else None,
        step.warned_at if step.state is StepState.WAITING else None,
        step.ended_by if step.state is StepState.DONE else None,
        step.note,
        shown_of(step),
        step.problem if not step.ended else None,
        took,
        checkpoint_path(record.id, step.name) if step.plan.confirmable else None,
        end.seen(now) if end and not step.ended else None,
        LATE if is_overdue(record, step, now) else None,
    )


def _next_label(waits: Sequence[Waiting]) -> str:
    """By what comes first of all that is waited for: nothing checks a checkpoint, people are reminded of it."""
    coming = min((w for w in waits if w.next_at), key=lambda w: w.next_at or w.since, default=None)
    kind = coming.next if coming else None
    return f"Next {kind or NextKind.CHECK}"


def _is_looked_at_on_schedule(record: Record, step: StepRecord, now: datetime) -> bool:
    """Whether the look that its record names is over: the next ones depend on the wait's age alone."""
    return is_watched(record, step) and step.next_attempt_at is not None and step.next_attempt_at <= now


def _tried(step: StepRecord) -> str:
    if step.problem is None:
        return ""
    due = step.state is StepState.DUE
    return f"{step.attempts} of at most {step.plan.budget.attempts} attempts made." if due else ""


def _told(record: Record, step: StepRecord) -> str:
    if step.state is StepState.SKIPPED:
        return step.skipped_because or ""
    if step.state is StepState.PENDING:
        open_needs = [definition_of(s).title for s in record.open_needs(step)]
        return "" if record.closed else f"After: {'; '.join(open_needs)}"
    if step.state is StepState.WAITING and step.plan.kind is StepKind.CHECKPOINT:
        return f"Waits for {whom(record, step).in_words} to do it, and for somebody to confirm it."
    return step.detail


def _values(record: Record, found: Sequence[Findings]) -> tuple[Value, ...]:
    """What the steps found out, and what people answered; what two tell alike is told once."""
    answered = (value for step in record.steps for value in step.answered)
    return tuple(dict.fromkeys((*(value for one in found for value in one.values()), *answered)))


def _notice(notice: Notice, record: Record) -> NoticeRow:
    if notice.problem and notice.owed:
        badge = Badge("Failed", "attention")
    elif notice.owed:
        badge = Badge("Sending" if notice.sending else "Owed", "running")
    elif notice.sent:
        badge = Badge("Sent", "done")
    else:
        badge = Badge("Not needed any more", "off")
    sent = tuple((_receiver(d), d.at) for d in notice.sent)
    kind = notice.kind.replace("-", " ").capitalize()
    step = definition_of(record.step(notice.step)).title if notice.step else None
    problem = notice.problem if notice.owed else None
    to_do = problem.what_next if problem and problem.what_next != IT_IS_TRIED_AGAIN else ""
    return NoticeRow(kind, step, badge, notice.owed_since, notice.next_attempt_at, sent, problem, to_do)


def _receiver(sent: Delivered) -> str:
    if sent.way == "teams":
        return "Teams"
    if sent.way == "events":
        return "a program, as an event"
    if sent.way == "digest":
        return f"the daily e-mail to {', '.join(sent.to)}"
    return f"e-mail to {', '.join(sent.to)}" + (" (with a signed link)" if sent.outside else "")
