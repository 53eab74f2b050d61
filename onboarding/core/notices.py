"""What people are told, and when: the kinds of notices and their words."""

from __future__ import annotations

from enum import StrEnum


class NoticeKind(StrEnum):
    """An occasion to tell people."""

    CHECKPOINT_OPENED = "checkpoint-opened"
    NEEDS_ATTENTION = "needs-attention"
    COMPLETED = "completed"
