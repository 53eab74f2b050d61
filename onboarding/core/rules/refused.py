"""Messages that the bus refuses: what is due stays due, and the record says who must act.

The timer goes on sending them anew; that says nothing new, so it is told once, until the message has arrived.
"""

from __future__ import annotations

from onboarding.core.draft import Draft, was_refused
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import MessageRefused
from onboarding.core.record import StepState
from onboarding.core.rules.steps import open_step
from onboarding.core.rules.transition import Rules, Transition


def message_refused(h: MessageRefused, draft: Draft) -> Transition | None:
    if h.step is None:
        return _notice(h, draft)
    step = open_step(draft, h.step)
    if step is None or step.state is not StepState.DUE or step.ticket != h.ticket or was_refused(step):
        return None
    draft.set_step(h.step, problem=h.problem)
    return Transition(EventKind.MESSAGE_REFUSED, h.step, h.problem.seen)


def _notice(h: MessageRefused, draft: Draft) -> Transition | None:
    notice = draft.notice(h.notice or "")
    if notice is None or not notice.owed or notice.sending or notice.ticket != h.ticket or was_refused(notice):
        return None
    draft.set_notice(notice.id, problem=h.problem)
    return Transition(EventKind.MESSAGE_REFUSED, notice.step, f"{notice.id}: {h.problem.seen}")


REFUSED_RULES: Rules = {MessageRefused: message_refused}
