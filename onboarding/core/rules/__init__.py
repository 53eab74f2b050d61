"""The rules, by what they are about. Each takes a happening and a draft, changes the draft, and tells what it did.

None means that the happening no longer applies, and nothing changes: a doubled or late message, a look at a wait that
is over. A person's action that the state doesn't allow raises RefusedError with a sentence.
"""

from __future__ import annotations

from onboarding.core.rules import (
    approving,
    controls,
    drift,
    giving,
    notices,
    people,
    refused,
    repair,
    tasks,
    waits,
    whole,
)
from onboarding.core.rules.transition import RefusedError, Rules, UnknownStepError

RULES: Rules = {
    **tasks.TASK_RULES,
    **waits.WAIT_RULES,
    **repair.REPAIR_RULES,
    **refused.REFUSED_RULES,
    **notices.NOTICE_RULES,
    **people.PEOPLE_RULES,
    **approving.APPROVING_RULES,
    **giving.GIVING_RULES,
    **controls.CONTROL_RULES,
    **whole.WHOLE_RULES,
    **drift.DRIFT_RULES,
}

__all__ = ["RULES", "RefusedError", "UnknownStepError"]
