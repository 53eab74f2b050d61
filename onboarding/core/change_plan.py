"""A plan: what an onboarding would change at Microsoft, before anything is written. Pure.

It is made of a request and of what was seen (`planning/making.py`), kept for a while, shown, and may be held against
what is seen when the onboarding is to start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from enum import StrEnum

from pydantic import AwareDatetime

from onboarding.core.plan import StepKind
from onboarding.core.proposal import Change, ValueChange
from onboarding.core.stored import DetailText, Stored


class Outlook(StrEnum):
    """What a plan can say of a step."""

    DONE = "done"
    """It is as it should be: nothing would be done."""
    CHANGES = "changes"
    """Exactly these would be made."""
    FORESEEN = "foreseen"
    """It can't be looked at before other steps are done. The changes are those that there will be if nothing of it is
    there yet."""
    PERSON = "person"
    """Somebody does it, when it is its turn."""
    WAIT = "wait"
    """The world does it."""
    BLOCKED = "blocked"
    """As things stand, the onboarding would stop there."""
    UNSEEN = "unseen"
    """It could not be looked at now."""
    LEFT_OUT = "left-out"
    """The request leaves it out."""


class Gravity(StrEnum):
    """How grave a finding is."""

    BLOCKER = "blocker"
    """The onboarding would stop there until somebody acts."""
    WARNING = "warning"
    """It may go on, and somebody should look."""
    NOTE = "note"
    """To be known."""


class PlanFinding(Stored):
    """Something that was seen and matters before an onboarding starts."""

    gravity: Gravity
    """`blocker`, `warning` or `note`."""
    code: str
    """Stable; of a problem, its code."""
    step: str | None = None
    """Which step it would concern; None: the whole."""
    seen: DetailText
    what_next: DetailText = ""


class StepPlan(Stored):
    """What would become of one step."""

    step: str
    title: str
    kind: StepKind
    """`task`, `wait` or `checkpoint`."""
    outlook: Outlook
    """What would become of it: `done`, `changes`, `foreseen`, `person`, `wait`, `blocked`, `unseen` or `left-out`."""
    found: DetailText = ""
    """What is there, in words."""
    changes: tuple[Change, ...] = ()
    consent: tuple[ValueChange, ...] = ()
    """What a person has to say yes to before any of it is made."""
    known_after: tuple[str, ...] = ()
    """The steps without which it can't be looked at."""
    waits_on: str = ""
    """Whose turn it will be, where it is not this application's."""
    expected_at: AwareDatetime | None = None
    """When it will have ended, if all takes as long as usual."""


class ChangePlan(Stored):
    """What an onboarding would do."""

    steps: tuple[StepPlan, ...]
    findings: tuple[PlanFinding, ...] = ()
    expected_at: AwareDatetime | None = None
    """When all will be done, if all takes as long as usual."""

    @property
    def changes(self) -> tuple[tuple[str, Change], ...]:
        """All of them, each with its step."""
        return tuple((step.step, change) for step in self.steps for change in step.changes)

    @property
    def checksum(self) -> str:
        """The same for the same changes, and for no others."""
        whole = [[step, change.to_json()] for step, change in self.changes]
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def has(self, gravity: Gravity) -> bool:
        """Whether there is a finding of it."""
        return any(finding.gravity is gravity for finding in self.findings)


class PlanDifference(Stored):
    """A change that two plans do not share."""

    step: str
    """The one that would make it."""
    words: str
    """What would be done, as an order."""
    values: tuple[ValueChange, ...]
    """Before and after."""
    planned: bool
    """It was planned, and would not be made now; False: it would be made now, and was not planned."""


def plan_differences(planned: ChangePlan, now: ChangePlan) -> tuple[PlanDifference, ...]:
    """What is not the same in both, in the order of their steps."""
    before, after = planned.changes, now.changes
    return (*_only_in(before, after, planned=True), *_only_in(after, before, planned=False))


def _only_in(
    these: Sequence[tuple[str, Change]], those: Sequence[tuple[str, Change]], *, planned: bool
) -> Iterator[PlanDifference]:
    for step, change in these:
        if (step, change) not in those:
            yield PlanDifference(step=step, words=change.words, values=change.values, planned=planned)
