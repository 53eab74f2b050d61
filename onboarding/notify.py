"""Putting a notice into words, and sending it on every way that the request asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from onboarding.core.instructions import instructions
from onboarding.core.notices import NoticeKind
from onboarding.core.problems import StepProblemError
from onboarding.core.record import Notice, Record
from onboarding.core.steps import BY_NAME
from onboarding.ports import Message, Notifier


@dataclass(frozen=True, slots=True)
class Sent:
    """How far a notice went."""

    told: tuple[str, ...]
    """The ways that it went, without addresses."""
    failed: StepProblemError | None = None


async def send(notice: Notice, record: Record, notifier: Notifier, public_url: str) -> Sent:
    """Send it on every way that it has not gone yet. A way that fails does not keep the others from being tried."""
    message = words(notice, record, public_url)
    notify = record.request.notify
    ways: list[tuple[str, Callable[[], Awaitable[bool]]]] = []
    if notify.teams:
        ways.append(("teams", lambda: notifier.teams(message)))
    if notify.emails:
        ways.append((f"email ({len(notify.emails)})", lambda: notifier.mail(notify.emails, message)))
    told, failed = list(notice.sent_to), None
    for name, way in ways:
        if name in told:
            continue
        try:
            if await way():
                told.append(name)
        except StepProblemError as problem:
            failed = problem
    return Sent(tuple(told), failed)


def words(notice: Notice, record: Record, public_url: str) -> Message:
    """The notice, for people."""
    gateway = record.request.gateway.name
    facts = [("Gateway", gateway), ("Environment", record.request.environment.value)]
    step = BY_NAME[notice.step] if notice.step else None
    if step:
        facts.append(("Step", step.title))
    titles = {
        NoticeKind.CHECKPOINT_OPENED: f"{gateway}: your turn" + (f" — {step.title}" if step else ""),
        NoticeKind.NEEDS_ATTENTION: f"{gateway} needs attention" + (f" — {step.title}" if step else ""),
        NoticeKind.COMPLETED: f"{gateway} is connected",
    }
    link = f"{public_url}/api/onboardings/{record.id}"
    return Message(titles[NoticeKind(notice.kind)], tuple(facts), _lines(notice, record), link)


def _lines(notice: Notice, record: Record) -> tuple[str, ...]:
    match NoticeKind(notice.kind):
        case NoticeKind.COMPLETED:
            return ("All steps are done.", "Next: prepare for live traffic.")
        case NoticeKind.NEEDS_ATTENTION:
            problem = record.step(notice.step or "").problem
            return (problem.seen, problem.what_next) if problem else ()
        case NoticeKind.CHECKPOINT_OPENED:
            told = instructions(notice.step or "", record)
            values = tuple(f"{v.label}: {v.text}" for v in (*told.values, *told.pages))
            return (*told.numbered, *values, *((told.warning,) if told.warning else ()))
