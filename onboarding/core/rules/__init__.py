"""The rules, by what they are about. Each takes a happening and a draft, changes the draft, and tells what it did.

None means that the happening no longer applies, and nothing changes: a doubled or late message, a look at a wait that
is over. A person's action that the state doesn't allow raises RefusedError with a sentence.
"""

from __future__ import annotations

from onboarding.core.rules import controls, notices, people, repair, tasks, waits, whole
from onboarding.core.rules.told import RefusedError, Rules, Told

RULES: Rules = {
    **tasks.RULES,
    **waits.RULES,
    **repair.RULES,
    **notices.RULES,
    **people.RULES,
    **controls.RULES,
    **whole.RULES,
}

__all__ = ["RULES", "RefusedError", "Told"]
