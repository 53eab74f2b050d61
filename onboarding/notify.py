"""Sending a notice on every way that it is to go, once."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from onboarding.core.links import Link, sign
from onboarding.core.permitted import Permitted
from onboarding.core.plan import StepKind
from onboarding.core.problems import (
    AddresseesRefusedError,
    PersonMustActError,
    StepProblemError,
    TryLaterError,
    unexpected_problem,
)
from onboarding.core.record import Delivered, Notice, Record
from onboarding.daily import DailyMail
from onboarding.notices.deliveries import Delivery, asks_for_an_answer, deliveries
from onboarding.notices.event import cloud_event
from onboarding.notices.notification import notification
from onboarding.ports import NO_SENDER, Clock, Notification, Notifier, Sender
from onboarding.telemetry.work import delivering

log = logging.getLogger("onboarding")


@dataclass(frozen=True, slots=True)
class Notifying:
    """How people are told: where they find this application, and what signs links for those outside."""

    public_url: str
    escalation_email: str | None = None
    link_key: str | None = None
    link_lifetime: float = 30 * 86400.0
    events: bool = False
    """A program of the operator's is told too."""
    daily: DailyMail | None = None
    """Where e-mail is gathered that comes once a day; None: it goes each time."""
    daily_for_all: bool = False
    """It does, whatever a request says."""
    sender: Sender = NO_SENDER
    """In whose name people outside are written to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a notice went."""

    sent: tuple[Delivered, ...]
    failed: StepProblemError | None = None
    retry_after: float | None = None
    """The longest pause that any way asked for."""
    behind: float | None = None
    """Nothing was asked of anybody, where it did not go: pauses held it up, and others are before it for so many
    seconds after their end."""

    @property
    def person(self) -> bool:
        """Whether what failed will fail again until a person acts."""
        return self.failed is not None and not isinstance(self.failed, TryLaterError)


async def send(
    notice: Notice,
    record: Record,
    notifier: Notifier,
    telling: Notifying,
    clock: Clock,
    sent: list[Delivered],
    permitted: Permitted,
) -> Outcome:
    """Send it on every way that it has not gone yet. A way that fails does not keep the others from being tried, nor an
    address that is refused the others.

    A way that is not configured tells nobody, and is no failure. Addresses that may not have mail are left out; a way
    to none but those fails. `sent` begins with where it went before, and grows with each that is told: it is right
    also when this is broken off.
    """
    links = telling.link_key is not None
    daily = telling.daily is not None and (telling.daily_for_all or record.request.notify.daily)
    ways = deliveries(notice, record, telling.escalation_email, links=links, events=telling.events, daily=daily)
    failures: list[StepProblemError] = []
    for way in ways:
        rest = _untold(replace(way, to=_permitted(way, notice, record, permitted)), sent)
        if rest is None:
            continue
        try:
            if way.way == "events":
                others = [other for other in ways if other is not way]
                event = cloud_event(notice, record, telling.public_url, told=others)
                with delivering(notice, way.way) as going:
                    if going.told(await notifier.event(event)):
                        sent.append(Delivered(way=way.way, at=clock.now()))
                continue
            link, good_until = _link(notice, record, telling, clock.now(), way)
            others = [other for other in ways if other is not way]
            message = notification(
                notice, record, way, told=others, link=link, good_until=good_until, sender=telling.sender
            )

            async def _by(way: str, to: tuple[str, ...], message: Notification) -> bool:
                if way == "digest" and telling.daily is not None:
                    await telling.daily.keep(notice, record, to, message)
                    return True
                return await (notifier.teams(message) if way == "teams" else notifier.mail(to, message))

            async def deliver(to: tuple[str, ...], way: Delivery = way, message: Notification = message) -> None:
                with delivering(notice, way.way) as going:
                    told = going.told(await _by(way.way, to, message))
                if told:
                    sent.append(Delivered(way=way.way, to=to, outside=way.outside, at=clock.now()))

            await _to_each_that_can_be_told(rest, deliver)
        except StepProblemError as problem:
            failures.append(problem)
        except Exception as error:
            log.exception("notice %s of %s failed unexpectedly", notice.id, record.id)
            failures.append(unexpected_problem(error))
    passing = [problem for problem in failures if isinstance(problem, TryLaterError)]
    pauses = [problem.retry_after for problem in passing if problem.retry_after is not None]
    held_up = [problem.behind for problem in passing if problem.behind is not None]
    behind = max(held_up) if held_up and len(held_up) == len(failures) else None
    return Outcome(tuple(sent), _as_one(failures), max(pauses, default=None), behind)


def _as_one(failures: Sequence[StepProblemError]) -> StepProblemError | None:
    """All that was seen, so that each address which was refused is named; None when nothing failed.

    While one of them may pass by itself, all are tried again as soon as that.
    """
    refusals = [problem for problem in failures if isinstance(problem, AddresseesRefusedError)]
    others = [problem for problem in failures if not isinstance(problem, AddresseesRefusedError)]
    told = [AddresseesRefusedError.all_of(refusals), *others] if refusals else others
    first = next((problem for problem in told if isinstance(problem, TryLaterError)), next(iter(told), None))
    if first is None or len(told) == 1:
        return first
    seen = " ".join(dict.fromkeys(problem.seen for problem in (first, *told)))
    if isinstance(first, TryLaterError):
        return TryLaterError(first.code, seen, first.retry_after)
    return PersonMustActError(first.code, seen, " ".join(dict.fromkeys(problem.what_next for problem in told)))


def _permitted(way: Delivery, notice: Notice, record: Record, permitted: Permitted) -> tuple[str, ...]:
    """Whom it goes to. All of them when none is permitted: then sending it says what is wrong."""
    to = permitted.addresses(way.to)
    if to and len(to) < len(way.to):
        left_out = len(way.to) - len(to)
        log.warning("%d addressees of notice %s of %s may not have e-mail", left_out, notice.id, record.id)
    return to or way.to


def _untold(way: Delivery, sent: Sequence[Delivered]) -> tuple[str, ...] | None:
    """The addresses of a way that it has not gone to yet; None when it has gone everywhere."""
    gone = [d for d in sent if (d.way, d.outside) == (way.way, way.outside)]
    rest = tuple(a for a in way.to if not any(a in d.to for d in gone))
    return None if gone and not rest else rest


async def _to_each_that_can_be_told(to: tuple[str, ...], deliver: Callable[[tuple[str, ...]], Awaitable[None]]) -> None:
    """To all of them at once; where some are refused, to the others without these.

    Raises AddresseesRefusedError, once the others are told, that names all who were refused; and any other problem at
    once, with the names of those so far.
    """
    groups, refusals = [to], list[AddresseesRefusedError]()
    while groups:
        group = groups.pop()
        try:
            await deliver(group)
        except AddresseesRefusedError as refusal:
            others = tuple(a for a in group if a not in refusal.addresses)
            if others and len(others) < len(group):
                refusals.append(refusal)
                groups.append(others)
            elif len(group) > 1:
                # Nobody says which of them it is.
                groups += [(address,) for address in reversed(group)]
            else:
                refusals.append(refusal)
        except StepProblemError as problem:
            raise _as_one([*refusals, problem]) or problem from problem
    if refusals:
        raise AddresseesRefusedError.all_of(refusals)


def _link(
    notice: Notice, record: Record, telling: Notifying, now: datetime, way: Delivery
) -> tuple[str, datetime | None]:
    """Where a notice leads: for whoever is asked to answer, the checkpoint's page with a signed link, and until when
    that is good; for the others that page; else the onboarding's.

    Nowhere (empty), when nothing is asked of people outside but to know.
    """
    base = f"{telling.public_url}/api"
    if way.outside and not asks_for_an_answer(notice):
        return "", None
    step = record.step(notice.step) if notice.step else None
    if step and way.waited_on and telling.link_key:
        good_until = now + timedelta(seconds=telling.link_lifetime)
        link = Link(record.id, step.name, step.ticket, good_until)
        return f"{base}/links#{sign(link, telling.link_key)}", good_until
    if step and step.plan.kind is StepKind.CHECKPOINT:
        return f"{base}/onboardings/{record.id}/checkpoints/{step.name}", None
    return f"{base}/dashboard/{record.id}", None
