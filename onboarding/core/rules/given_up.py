"""Messages that Service Bus gave up: what the record says of them, and which of its steps and notices wait for one."""

from __future__ import annotations

from onboarding.core.bounds import shorten
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Notice, Problem, StepRecord


def given_up(reason: str, should_have: str) -> Problem:
    """The message was given up; `should_have` is what it was for: `started`, `sent`."""
    return Problem(
        code=ProblemCode.DEAD_LETTERED,
        seen=shorten(
            f"Service Bus gave up the message that should have {should_have} it: {reason or 'no reason given'}."
        ),
        what_next="Look at the function's log for why it failed each time. It is tried again; `replay` does so now.",
    )


def gave_up(owed: StepRecord | Notice) -> bool:
    """Whether its message was given up, and it has not been taken up since."""
    return owed.problem is not None and owed.problem.code == ProblemCode.DEAD_LETTERED


def unsent(notice: Notice) -> bool:
    """Whether it could not be sent, for whatever reason, and waits for its next attempt."""
    return notice.owed and not notice.sending and notice.problem is not None
