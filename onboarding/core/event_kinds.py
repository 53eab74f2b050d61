"""What an event of the audit trail tells of. The values are in people's tables and trails for ever: docs/runbook.md."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """One kind of transition."""

    REQUESTED = "requested"
    REQUESTED_AGAIN = "requested-again"
    STEP_STARTED = "step-started"
    STEP_DONE = "step-done"
    STEP_POSTPONED = "step-postponed"
    STEP_STOPPED = "step-stopped"
    STEP_ABANDONED = "step-abandoned"
    STEP_LEFT_TO_PEOPLE = "step-left-to-people"
    DEAD_LETTERED = "dead-lettered"
    MESSAGE_REFUSED = "message-refused"
    LOOKED = "looked"
    TIME_PASSED = "time-passed"
    NOTICE_STARTED = "notice-started"
    NOTICE_SENT = "notice-sent"
    NOTICE_FAILED = "notice-failed"
    CONFIRMED = "confirmed"
    ANSWERS_CORRECTED = "answers-corrected"
    PROBLEM_REPORTED = "problem-reported"
    LINK_REFUSED = "link-refused"
    CHANGE_APPROVED = "change-approved"
    ADMIN_USER_APPROVED = "admin-user-approved"
    APPLICATION_APPROVED = "application-approved"
    CERTIFICATES_GIVEN = "certificates-given"
    RETRY_REQUESTED = "retry-requested"
    CHECK_REQUESTED = "check-requested"
    MADE_BY_HAND = "made-by-hand"
    REPLAY_REQUESTED = "replay-requested"
    SKIPPED = "skipped"
    REOPENED = "reopened"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    CONTACTS_CHANGED = "contacts-changed"
    RESTORED = "restored"
