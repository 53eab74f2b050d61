"""What a notice says: which gateway, why it is sent, what to do, who else knows, and the one page to open. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from onboarding.core.instructions import Instructions, Value
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Record, StepRecord
from onboarding.notices.deliveries import Delivery
from onboarding.notices.outside import outside_actions, outside_title, outside_values, outside_why
from onboarding.notices.what_stays import what_stays
from onboarding.ports import Notification
from onboarding.steps import definition_of

NOBODY_ELSE = "nobody else"


def notification(notice: Notice, record: Record, *, told: Sequence[Delivery], link: str, outside: bool) -> Notification:
    """The notice for one delivery. Raises ValueError for a kind that there is not.

    `told` are the notice's other deliveries, `link` the page that this one leads to. `outside`: for people outside the
    tenant, who are told nothing internal: no error, no note, no name and no address of the operator's people.
    """
    kind, step = NoticeKind(notice.kind), record.step(notice.step) if notice.step else None
    facts = (*record.request.facts, *_about_step(step))
    if outside:
        return Notification(
            outside_title(kind, record, step),
            facts,
            outside_why(kind, record, step),
            link or None,
            "Open your page for this step" if step else "Open",
            outside_actions(kind, record, step),
            outside_values(record, step),
            told=_told_outside(told),
        )
    found = _instructions(step, record)
    return Notification(
        _title(kind, record, step),
        facts,
        _why(kind, notice, record, step),
        link or None,
        _link_label(kind, step),
        _actions(kind, record, step, found),
        tuple((v.label, v.text) for v in (*found.values, *found.pages)),
        found.warning if step else record.request.words.warning if kind is NoticeKind.COMPLETED else None,
        tuple((s.title, s.told) for s in what_stays(record)) if kind is NoticeKind.CANCELLED else (),
        _told(told),
    )


def how_long(time: timedelta) -> str:
    """A time for people, in the largest unit of which there is at least one: `3 days`."""
    seconds = max(0, int(time.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if count := seconds // size:
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return "less than a minute"


def _about_step(step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    if step is None:
        return ()
    definition = definition_of(step)
    return (("Step", definition.title), ("Section of Microsoft's article", definition.section))


def _title(kind: NoticeKind, record: Record, step: StepRecord | None) -> str:
    gateway = record.request.gateway.name
    begin = {
        NoticeKind.CHECKPOINT_OPENED: f"{gateway}: your turn",
        NoticeKind.REMINDER: f"{gateway}: still your turn",
        NoticeKind.ESCALATION: f"{gateway} is held up",
        NoticeKind.NEEDS_ATTENTION: f"{gateway} needs attention",
        NoticeKind.LONG_WAIT: f"{gateway}: a long wait",
        NoticeKind.PAUSED: f"{gateway} is still paused" if record.pause else f"{gateway} was paused",
        NoticeKind.PROBLEM_REPORTED: f"{gateway}: a problem was reported",
        NoticeKind.COMPLETED: f"{gateway} is connected",
        NoticeKind.CANCELLED: f"{gateway}: the onboarding was cancelled",
    }[kind]
    return f"{begin} — {definition_of(step).title}" if step else begin


def _why(kind: NoticeKind, notice: Notice, record: Record, step: StepRecord | None) -> tuple[str, ...]:
    problem = step.problem if step else None
    seen = problem.seen if problem else "nothing more is known by now."
    opened = how_long(notice.owed_since - step.since) if step else ""
    match kind:
        case NoticeKind.CHECKPOINT_OPENED:
            return (
                f"This step can only be done by people, and it can be done now. It waits for {_whom(step, record)}.",
            )
        case NoticeKind.REMINDER:
            return (
                f"The checkpoint has been open for {opened}. It waits for {_whom(step, record)}, and the onboarding"
                " can't be completed without it.",
            )
        case NoticeKind.ESCALATION:
            return (
                f"The checkpoint has been open for {opened}, which is past its deadline."
                f" It waits for {_whom(step, record)}. You are told once, so that somebody can step in.",
            )
        case NoticeKind.NEEDS_ATTENTION:
            since = f" It has stood still for {opened}." if step and step.reminders else ""
            return (f"The step stopped because of this: {seen}", f"It does not go on by itself.{since}")
        case NoticeKind.LONG_WAIT:
            last = step.detail if step and step.detail else "nothing yet."
            return (
                f"This wait has lasted {opened}, on {_whom(step, record)}. What was last seen: {last}",
                "It goes on being watched, however long it takes.",
            )
        case NoticeKind.PAUSED:
            return _paused(record, notice)
        case NoticeKind.PROBLEM_REPORTED:
            return (f"Somebody can't do this step. {seen}", "The step stands still until it is retried or confirmed.")
        case NoticeKind.COMPLETED:
            return ("All steps are done: the gateway is connected. The next step is to prepare for live traffic.",)
        case NoticeKind.CANCELLED:
            return (f"The onboarding was cancelled for this reason: {record.cancelled_because or 'none was given.'}",)
        case _ as never:
            assert_never(never)


def _paused(record: Record, notice: Notice) -> tuple[str, ...]:
    pause = record.pause
    if pause is None:
        return ("It was paused, and is not any more.",)
    return (
        f"It has been paused for {how_long(notice.owed_since - pause.since)}, by {pause.by}: {pause.because}",
        "Nothing is begun, and nobody is asked for anything, until it is resumed.",
    )


def _actions(kind: NoticeKind, record: Record, step: StepRecord | None, found: Instructions) -> tuple[str, ...]:
    problem = step.problem if step else None
    advice = (problem.what_next,) if problem and problem.what_next else ()
    match kind:
        case NoticeKind.CHECKPOINT_OPENED | NoticeKind.REMINDER:
            return found.actions
        case NoticeKind.ESCALATION:
            return (f"Ask {_whom(step, record)} what holds this up, or see that somebody else does it:", *found.actions)
        case NoticeKind.NEEDS_ATTENTION:
            return (*advice, "Retry the step on the page below; or cancel the onboarding there.")
        case NoticeKind.LONG_WAIT:
            return (f"Ask {record.request.onboarding_team.name} what holds it up.", *found.actions)
        case NoticeKind.PAUSED:
            go_on = "Resume the onboarding on the page below; or cancel it there."
            return (go_on if record.pause else "Nothing is to be done about the pause.",)
        case NoticeKind.PROBLEM_REPORTED:
            return (*advice, *found.actions)
        case NoticeKind.COMPLETED:
            return record.request.words.afterwards
        case NoticeKind.CANCELLED:
            return (
                "Read below what was done at Microsoft already: nothing of it is undone.",
                "Undo by hand what you do not want to keep.",
                "To take it up again, start the onboarding again: it goes on from what it finds.",
            )
        case _ as never:
            assert_never(never)


def _instructions(step: StepRecord | None, record: Record) -> Instructions:
    """What a person does at the step; empty where there is nothing but to retry it."""
    if step is None:
        page = record.request.words.afterwards_page
        pages = (Value("How to prepare for live traffic", page),) if page and _completed(record) else ()
        return Instructions((), pages=pages)
    return definition_of(step).instructions(record) if step.plan.confirmable else Instructions(())


def _completed(record: Record) -> bool:
    return record.cancelled_because is None


def _whom(step: StepRecord | None, record: Record) -> str:
    """On whom the step waits, by name."""
    match step.plan.waits_on if step else Party.US:
        case Party.ADMIN_USER:
            return f"{Party.ADMIN_USER} ({record.request.admin_user})"
        case Party.ONBOARDING_TEAM:
            return f"{Party.ONBOARDING_TEAM} ({record.request.onboarding_team.name})"
        case party:
            return party.value


def _link_label(kind: NoticeKind, step: StepRecord | None) -> str:
    waiting = kind in (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER, NoticeKind.ESCALATION)
    return "Confirm or report a problem" if step and waiting else "Open the onboarding"


def _told(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The ways and addresses of the other deliveries."""
    return tuple(_way(other) for other in others) or (NOBODY_ELSE,)


def _way(other: Delivery) -> str:
    whom = "the onboarding team, " if other.outside else ""
    if other.way == "teams":
        return f"{whom}your Teams channel"
    return f"{whom}{', '.join(other.to)} (e-mail)"


def _told_outside(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The same without any address."""
    ways = dict.fromkeys("in Teams" if other.way == "teams" else "by e-mail" for other in others if not other.outside)
    return (f"the operator's own people, {' and '.join(ways)}",) if ways else (NOBODY_ELSE,)
