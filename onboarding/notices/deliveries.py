"""Who is told of what, and on which way."""

from __future__ import annotations

from dataclasses import dataclass

from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Party
from onboarding.core.record import Notice, Record

_OF_CHECKPOINTS = (NoticeKind.CHECKPOINT_OPENED, NoticeKind.REMINDER)
"""With a link for people outside."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way that a notice is to go."""

    way: str
    """`teams` or `email`."""
    to: tuple[str, ...] = ()
    """Addresses; none for Teams."""
    outside: bool = False
    """To people outside the tenant: they get nothing internal, and a signed link where they are asked to answer."""


def deliveries(notice: Notice, record: Record, escalation_email: str | None, *, links: bool) -> tuple[Delivery, ...]:
    """The ways that a notice is to go. `links`: links for people outside can be signed.

    An escalation goes to the second address (the request's, else the setting's) besides the others.
    """
    notify = record.request.notify
    kind = NoticeKind(notice.kind)
    ways: list[Delivery] = []
    if notify.teams:
        ways.append(Delivery("teams"))
    second = notify.escalate_to or escalation_email
    emails = (*notify.emails, *((second,) if kind is NoticeKind.ESCALATION and second else ()))
    if emails:
        ways.append(Delivery("email", tuple(dict.fromkeys(emails))))
    tells_the_team = kind is NoticeKind.HELD_UP or (links and kind in _OF_CHECKPOINTS)
    if tells_the_team and notice.step and _is_the_teams(notice.step, record):
        ways.append(Delivery("email", (record.request.onboarding_team.email,), outside=True))
    return tuple(ways)


def links_outside(notice: Notice) -> bool:
    """Whether people outside get a signed link with it: where they are asked to answer."""
    return notice.kind in _OF_CHECKPOINTS


def _is_the_teams(name: str, record: Record) -> bool:
    step = record.find_step(name)
    return step is not None and step.plan.waits_on is Party.ONBOARDING_TEAM
