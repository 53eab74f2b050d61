"""What a notice says: which gateway, why it is sent, what to do, who else knows, and the one page to open. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from onboarding.core.notices import NoticeKind
from onboarding.core.record import Notice, Record, StepRecord
from onboarding.notices.deliveries import Delivery
from onboarding.notices.occasions import OCCASIONS, Occasion, Occurrence
from onboarding.notices.outside import (
    good_until_words,
    outside_actions,
    outside_expects,
    outside_facts_of,
    outside_values,
    outside_why,
    yours_why,
)
from onboarding.notices.what_stays import what_stays
from onboarding.ports import NO_SENDER, Notification, Sender
from onboarding.steps import definition_of

NOBODY_ELSE = "nobody else"


def notification(
    notice: Notice,
    record: Record,
    way: Delivery,
    *,
    told: Sequence[Delivery],
    link: str,
    good_until: datetime | None = None,
    sender: Sender = NO_SENDER,
) -> Notification:
    """The notice for one delivery. Raises ValueError for a kind that there is not.

    `told` are the notice's other deliveries, `link` the page that this one leads to, and `good_until` when that ends.
    `sender`: in whose name people outside the tenant are written to.
    """
    kind, step = NoticeKind(notice.kind), record.step(notice.step) if notice.step else None
    yours = way.waited_on is not None and not way.outside
    occasion, occurrence = OCCASIONS[kind], Occurrence(notice, record, step, sender, yours)
    note = good_until_words(good_until) if good_until else ""
    if way.outside:
        return Notification(
            occasion.outside_title(occurrence),
            outside_facts_of(record, sender),
            outside_why(occasion, record, occurrence.asked_outside, sender),
            link or None,
            "Open your page" if step else "Open",
            outside_actions(occasion, step),
            outside_values(record, step),
            told=_told_outside(told),
            expects=outside_expects(occasion, step, sender),
            link_note=note,
            reply_to=sender.contact,
        )
    return _inside(kind, occasion, occurrence, told, link, note)


def _inside(
    kind: NoticeKind, occasion: Occasion, occurrence: Occurrence, told: Sequence[Delivery], link: str, note: str
) -> Notification:
    """For people of the tenant: those who look after the onboarding, and the admin user."""
    record, step, found = occurrence.record, occurrence.step, occurrence.instructions
    why = occasion.why(occurrence)
    return Notification(
        _title(occasion.title(occurrence), step),
        (*record.request.facts, *_about_step(step)),
        (*yours_why(record), *why) if occurrence.yours else why,
        link or None,
        "Confirm or report a problem" if step and occasion.asks else "Open the onboarding",
        occasion.actions(occurrence),
        tuple((v.label, v.text) for v in (*found.values, *found.pages)),
        found.warning if step else record.request.words.warning if kind is NoticeKind.COMPLETED else None,
        tuple((s.title, s.whole) for s in what_stays(record)) if kind is NoticeKind.CANCELLED else (),
        _told(told),
        link_note=note,
    )


def _about_step(step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    if step is None:
        return ()
    definition = definition_of(step)
    turn = (("Whose turn", definition.doing(step)),) if step.turn else ()
    section = (("Section of Microsoft's article", definition.section),) if definition.section else ()
    return (("Step", definition.title), *turn, *section)


def _title(begin: str, step: StepRecord | None) -> str:
    return f"{begin} — {definition_of(step).doing(step)}" if step else begin


def _told(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The ways and addresses of the other deliveries."""
    return tuple(_way(other) for other in others) or (NOBODY_ELSE,)


def _way(other: Delivery) -> str:
    who = f"{other.waited_on}, " if other.waited_on else ""
    if other.way == "teams":
        return f"{who}your Teams channel"
    if other.way == "events":
        return "a program of yours"
    if other.way == "digest":
        return f"{', '.join(other.to)} (e-mail, once a day)"
    return f"{who}{', '.join(other.to)} (e-mail)"


def _told_outside(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The same without any address."""
    people = [other.way for other in others if not other.outside and other.way != "events"]
    ways = dict.fromkeys("in Teams" if way == "teams" else "by e-mail" for way in people)
    return (f"the operator's own people, {' and '.join(ways)}",) if ways else (NOBODY_ELSE,)
