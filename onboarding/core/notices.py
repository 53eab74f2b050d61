"""The occasions on which people are told something."""

from __future__ import annotations

from enum import StrEnum


class NoticeKind(StrEnum):
    """An occasion to tell people."""

    REQUESTED = "requested"
    """It has begun, or begins again. Only programs are told."""
    STEP_ENDED = "step-ended"
    """A step is done, or was skipped. Only programs are told."""
    CHECKPOINT_OPENED = "checkpoint-opened"
    REMINDER = "reminder"
    """A checkpoint is open still."""
    ESCALATION = "escalation"
    """It has been open for so long that somebody else is told, once."""
    NEEDS_ATTENTION = "needs-attention"
    """A step stopped; said again, like a reminder, while it stands still."""
    LONG_WAIT = "long-wait"
    """A wait takes longer than expected; said again, like a reminder."""
    READ_FAILED = "read-failed"
    """Microsoft refuses a read that many waits need; said on one of them for all, and again, like a reminder."""
    HELD_UP = "held-up"
    """What is seen of a wait keeps it from its end, and others can mend that; said again, like a reminder."""
    CANNOT_SEE = "cannot-see"
    """A wait can't be looked at, and that is ours to mend; said again, like a reminder."""
    PAUSED = "paused"
    """It is still paused."""
    PROBLEM_REPORTED = "problem-reported"
    """A person says that a checkpoint can't be done."""
    COMPLETED = "completed"
    DRIFTED = "drifted"
    """Something of a completed one is not any more as it was; said once of each deviation."""
    REPAIRED = "repaired"
    CANCELLED = "cancelled"


FOR_PROGRAMS = frozenset({NoticeKind.REQUESTED, NoticeKind.STEP_ENDED})
"""People see these on the pages; they are owed only where there is a program to be told."""
