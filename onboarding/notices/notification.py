"""What a notice says: which gateway, why it is sent, what to do, who else knows, and the one page to open. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.core.notices import NoticeKind
from onboarding.core.record import Notice, Record, StepRecord
from onboarding.notices.deliveries import Delivery
from onboarding.notices.occasions import OCCASIONS, Occurrence
from onboarding.notices.outside import outside_actions, outside_values, outside_why
from onboarding.notices.what_stays import what_stays
from onboarding.ports import Notification
from onboarding.steps import definition_of

NOBODY_ELSE = "nobody else"


def notification(notice: Notice, record: Record, *, told: Sequence[Delivery], link: str, outside: bool) -> Notification:
    """The notice for one delivery. Raises ValueError for a kind that there is not.

    `told` are the notice's other deliveries, `link` the page that this one leads to. `outside`: for people outside the
    tenant.
    """
    kind, step = NoticeKind(notice.kind), record.step(notice.step) if notice.step else None
    occasion, occurrence = OCCASIONS[kind], Occurrence(notice, record, step)
    facts = (*record.request.facts, *_about_step(step))
    if outside:
        return Notification(
            _title(occasion.outside_title(occurrence), step),
            facts,
            outside_why(occasion, record, occurrence.asked_outside),
            link or None,
            "Open your page for this step" if step else "Open",
            outside_actions(occasion, step),
            outside_values(record, step),
            told=_told_outside(told),
        )
    found = occurrence.instructions
    return Notification(
        _title(occasion.title(occurrence), step),
        facts,
        occasion.why(occurrence),
        link or None,
        "Confirm or report a problem" if step and occasion.asks else "Open the onboarding",
        occasion.actions(occurrence),
        tuple((v.label, v.text) for v in (*found.values, *found.pages)),
        found.warning if step else record.request.words.warning if kind is NoticeKind.COMPLETED else None,
        tuple((s.title, s.told) for s in what_stays(record)) if kind is NoticeKind.CANCELLED else (),
        _told(told),
    )


def _about_step(step: StepRecord | None) -> tuple[tuple[str, str], ...]:
    if step is None:
        return ()
    definition = definition_of(step)
    section = (("Section of Microsoft's article", definition.section),) if definition.section else ()
    return (("Step", definition.title), *section)


def _title(begin: str, step: StepRecord | None) -> str:
    return f"{begin} — {definition_of(step).title}" if step else begin


def _told(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The ways and addresses of the other deliveries."""
    return tuple(_way(other) for other in others) or (NOBODY_ELSE,)


def _way(other: Delivery) -> str:
    whom = "the onboarding team, " if other.outside else ""
    if other.way == "teams":
        return f"{whom}your Teams channel"
    if other.way == "events":
        return "a program of yours"
    if other.way == "digest":
        return f"{', '.join(other.to)} (e-mail, once a day)"
    return f"{whom}{', '.join(other.to)} (e-mail)"


def _told_outside(others: Sequence[Delivery]) -> tuple[str, ...]:
    """The same without any address."""
    people = [other.way for other in others if not other.outside and other.way != "events"]
    ways = dict.fromkeys("in Teams" if way == "teams" else "by e-mail" for way in people)
    return (f"the operator's own people, {' and '.join(ways)}",) if ways else (NOBODY_ELSE,)
