"""What people are told: each notice goes out once on each way, however often its message arrives."""

from __future__ import annotations

from onboarding.core.draft import Draft, problem_on_arrival
from onboarding.core.event_kinds import EventKind
from onboarding.core.events import DeadLettered, NoticeFailed, NoticeSent, NoticeStarted, NudgeNotice
from onboarding.core.policy import later
from onboarding.core.record import Notice
from onboarding.core.rules.given_up import given_up
from onboarding.core.rules.transition import Rules, Transition


def notice_started(h: NoticeStarted, draft: Draft) -> Transition | None:
    notice = draft.notice(h.notice)
    if notice is None or notice.ticket != h.ticket or notice.sending:
        return None
    if notice.next_attempt_at is None:
        return None
    pause = notice.not_before is not None and notice.not_before > draft.now
    if early := draft.policy.early(notice.next_attempt_at, draft.now, pause=pause):
        draft.come_again(NudgeNotice(draft.record.id, h.notice, h.ticket, again=h.again), early)
        return None
    lease = later(draft.now, draft.policy.notice_lease)
    draft.set_notice(
        h.notice, sending=True, attempts=notice.attempts + 1, next_attempt_at=lease, problem=problem_on_arrival(notice)
    )
    return Transition(EventKind.NOTICE_STARTED, notice.step, f"{h.notice}, attempt {notice.attempts + 1}")


def sent(h: NoticeSent, draft: Draft) -> Transition | None:
    notice = _sending(draft, h.notice, h.ticket)
    if notice is None:
        return None
    draft.set_notice(h.notice, next_attempt_at=None, sending=False, sent=h.sent, problem=None)
    ways = ", ".join(_way(d.way, len(d.to)) for d in h.sent) or "nobody is to be told"
    return Transition(EventKind.NOTICE_SENT, notice.step, f"{h.notice}: {ways}")


def failed(h: NoticeFailed, draft: Draft) -> Transition | None:
    notice = _sending(draft, h.notice, h.ticket)
    if notice is None:
        return None
    draft.set_notice(h.notice, problem=h.problem, sent=h.sent, sending=False)
    if h.retry_after is not None:
        draft.set_notice(h.notice, not_before=draft.policy.not_before(draft.now, h.retry_after))
    if notice.owed and h.behind is not None:
        # No attempt either: it waits for its turn, however long that takes.
        since, seed = notice.held_since or draft.now, f"{draft.record.id}/{h.notice}/{draft.version}"
        gap = draft.policy.turn_after(h.retry_after or 0.0, h.behind, draft.now - since, seed)
        draft.set_notice(h.notice, attempts=notice.attempts - 1)
        draft.send_notice(h.notice, gap, held_since=since)
    elif notice.owed:
        seed = f"{draft.record.id}/{h.notice}/{notice.attempts}"
        gap = draft.policy.tell_again_after(notice.attempts, h.retry_after, seed, person=h.person)
        draft.send_notice(h.notice, gap)
    return Transition(EventKind.NOTICE_FAILED, notice.step, f"{h.notice}: {h.problem.seen}")


def notice_dead_lettered(h: DeadLettered, draft: Draft) -> Transition | None:
    """Of a notice: it is sent again after a gap, when it is still owed."""
    notice = draft.notice(h.notice or "")
    if notice is None or not notice.owed or notice.sending or notice.ticket != h.ticket:
        return None
    attempts = notice.attempts + 1
    problem = given_up(h.reason, "sent")
    draft.set_notice(notice.id, problem=problem, attempts=attempts)
    seed = f"{draft.record.id}/{notice.id}/{attempts}"
    draft.send_notice(notice.id, draft.policy.tell_again_after(attempts, None, seed))
    return Transition(EventKind.DEAD_LETTERED, notice.step, f"{notice.id}: {problem.seen}")


def _sending(draft: Draft, notice_id: str, ticket: int) -> Notice | None:
    """The notice, when it is being sent on that very message (also one that was withdrawn meanwhile)."""
    notice = draft.notice(notice_id)
    return notice if notice and notice.sending and notice.ticket == ticket else None


def _way(way: str, count: int) -> str:
    return f"{way} ({count})" if count else way


NOTICE_RULES: Rules = {NoticeStarted: notice_started, NoticeSent: sent, NoticeFailed: failed}
