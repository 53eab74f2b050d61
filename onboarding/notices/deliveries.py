"""Who is told of what, and on which way."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.notices import FOR_PROGRAMS, NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Record
from onboarding.core.request import OnboardingTeam

_OF_CHECKPOINTS = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER)
"""With a link for people outside."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way that a notice is to go."""

    way: str
    """`teams`, `email`, `digest` (e-mail, gathered) or `events`."""
    to: tuple[str, ...] = ()
    """Addresses; none for Teams and for programs."""
    outside: bool = False
    """To people outside the tenant: they get nothing internal, and a signed link where they are asked to answer."""


def deliveries(
    notice: Notice,
    record: Record,
    escalation_email: str | None,
    *,
    links: bool,
    events: bool = False,
    daily: bool = False,
) -> tuple[Delivery, ...]:
    """The ways that a notice is to go. `links`: links for people outside can be signed; `events`: a program is told;
    `daily`: e-mail inside comes once a day, gathered.

    An escalation goes to the second address (the request's, else the setting's) besides the others.
    """
    notify = record.request.notify
    kind = NoticeKind(notice.kind)
    ways = [Delivery("events")] if events else []
    if kind in FOR_PROGRAMS:
        return tuple(ways)
    if notify.teams:
        ways.append(Delivery("teams"))
    second = notify.escalate_to or escalation_email
    emails = (*notify.emails, *((second,) if kind is NoticeKind.ESCALATION and second else ()))
    if emails:
        # What is told once, to somebody who is to step in, does not wait for the next day.
        gathered = daily and kind is not NoticeKind.ESCALATION
        ways.append(Delivery("digest" if gathered else "email", tuple(dict.fromkeys(emails))))
    asked = _asked_outside(notice.step, record) if notice.step else None
    tells_outside = kind is NoticeKind.HELD_UP or (links and kind in _OF_CHECKPOINTS)
    if tells_outside and asked:
        ways.append(Delivery("email", (asked.email,), outside=True))
    return tuple(ways)


def links_outside(notice: Notice) -> bool:
    """Whether people outside get a signed link with it: where they are asked to answer."""
    return notice.kind in _OF_CHECKPOINTS


def _asked_outside(name: str, record: Record) -> OnboardingTeam | None:
    """Whoever outside the tenant a step waits for, of those whom the request names; None: nobody."""
    step = record.find_step(name)
    if step is None:
        return None
    match step.plan.waits_on:
        case Party.ONBOARDING_TEAM:
            return record.request.onboarding_team
        case Party.DNS_OWNER:
            return record.request.txt_record_for
    return None
