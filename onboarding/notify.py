"""Sending a notice on every way that it is to go, once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from onboarding.core.links import Link, sign
from onboarding.core.plan import StepKind
from onboarding.core.problems import StepProblemError, TryLaterError, unexpected_problem
from onboarding.core.record import Delivered, Notice, Record
from onboarding.notices.deliveries import deliveries
from onboarding.notices.inside import notification
from onboarding.ports import Clock, Notifier
from onboarding.telemetry.work import delivering

log = logging.getLogger("onboarding")


@dataclass(frozen=True, slots=True)
class Notifying:
    """How people are told: where they find this application, and what signs links for those outside."""

    public_url: str
    escalation_email: str | None = None
    link_key: str | None = None
    link_lifetime: float = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a notice went."""

    sent: tuple[Delivered, ...]
    failed: StepProblemError | None = None
    retry_after: float | None = None
    """The longest pause that any way asked for."""


async def send(
    notice: Notice, record: Record, notifier: Notifier, telling: Notifying, clock: Clock, sent: list[Delivered]
) -> Outcome:
    """Send it on every way that it has not gone yet. A way that fails does not keep the others from being tried.

    A way that is not configured tells nobody, and is no failure. `sent` begins with the ways that it went before, and
    grows with each: it is right also when this is broken off.
    """
    ways = deliveries(notice, record, telling.escalation_email, links=telling.link_key is not None)
    failed: StepProblemError | None = None
    pauses: list[float] = []
    for way in ways:
        if any((d.way, d.outside) == (way.way, way.outside) for d in sent):
            continue
        try:
            link = _link(notice, record, telling, clock.now(), outside=way.outside)
            others = [other for other in ways if other is not way]
            message = notification(notice, record, told=others, link=link, outside=way.outside)
            with delivering(notice, way.way) as going:
                told = going.told(
                    await (notifier.teams(message) if way.way == "teams" else notifier.mail(way.to, message))
                )
        except StepProblemError as problem:
            failed = problem
            if isinstance(problem, TryLaterError) and problem.retry_after is not None:
                pauses.append(problem.retry_after)
        except Exception as error:
            log.exception("notice %s of %s failed unexpectedly", notice.id, record.id)
            failed = unexpected_problem(error)
        else:
            if told:
                sent.append(Delivered(way=way.way, to=way.to, outside=way.outside, at=clock.now()))
    return Outcome(tuple(sent), failed, max(pauses, default=None))


def _link(notice: Notice, record: Record, telling: Notifying, now: datetime, *, outside: bool) -> str:
    """Where a notice leads: the checkpoint's page, for people outside with a signed link; else the onboarding's."""
    base = f"{telling.public_url}/api"
    if outside and notice.step and telling.link_key:
        opening = record.step(notice.step).ticket
        link = Link(record.id, notice.step, opening, now + timedelta(seconds=telling.link_lifetime))
        return f"{base}/links#{sign(link, telling.link_key)}"
    step = record.step(notice.step) if notice.step else None
    if step and step.plan.kind is StepKind.CHECKPOINT:
        return f"{base}/onboardings/{record.id}/checkpoints/{step.name}"
    return f"{base}/dashboard/{record.id}"
