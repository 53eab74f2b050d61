"""Who is told of what, and on which way."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.notices import FOR_PROGRAMS, NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Record
from onboarding.whom import whom

_OF_CHECKPOINTS = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER)
"""With a link for whoever is waited on."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way that a notice is to go."""

    way: str
    """`teams`, `email`, `digest` (e-mail, gathered) or `events`."""
    to: tuple[str, ...] = ()
    """Addresses; none for Teams and for programs."""
    outside: bool = False
    """To people outside the tenant: they get nothing internal, and a signed link where they are asked to answer."""
    waited_on: Party | None = None
    """To whoever the step waits for, as this; None: to those who look after it."""


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
    asked = _waited_on(notice, record, kind, links=links)
    mine = asked.to if asked and not asked.outside else ()
    emails = (*notify.emails, *((second,) if kind is NoticeKind.ESCALATION and second else ()))
    if others := tuple(dict.fromkeys(each for each in emails if each.lower() not in map(str.lower, mine))):
        # What is told once, to somebody who is to step in, does not wait for the next day.
        gathered = daily and kind is not NoticeKind.ESCALATION
        ways.append(Delivery("digest" if gathered else "email", others))
    return (*ways, asked) if asked else tuple(ways)


def asks_for_an_answer(notice: Notice) -> bool:
    """Whether whoever the step waits for is asked to answer, and gets a signed link for that."""
    return notice.kind in _OF_CHECKPOINTS


def _waited_on(notice: Notice, record: Record, kind: NoticeKind, *, links: bool) -> Delivery | None:
    """To whoever the step waits for, where they are known by an address."""
    step = record.find_step(notice.step) if notice.step else None
    on = whom(record, step) if step and not step.by_hand else None
    if on is None or on.email is None:
        return None
    if on.is_outside:
        told = kind is NoticeKind.HELD_UP or (links and asks_for_an_answer(notice))
    else:
        told = record.request.notify.tell_admin_user and asks_for_an_answer(notice)
    return Delivery("email", (on.email,), on.is_outside, on.party) if told else None
