"""A plan: what an onboarding would change at Microsoft, before anything is written. Pure.

It is made of a request and of what was seen (`planning/making.py`), kept for a while, shown, and may be held against
what is seen when the onboarding is to start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
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
    """Somebody does it, when it is its turn; or says that it is so, where that can't be seen from here."""
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


class Differs(StrEnum):
    """How what would be done now is not what was planned."""

    GONE = "gone"
    """It was planned, and would not be done now."""
    NEW = "new"
    """It would be done now, and was not planned."""
    OTHER = "other"
    """It would be done otherwise than planned."""
    KNOWN = "known"
    """It was foreseen, and can be looked at now: an earlier step is done."""
    FORESEEN = "foreseen"
    """It was known exactly, and can only be foreseen now: what an earlier step made is gone."""


class PlanDifference(Stored):
    """A change that is not the same in two plans; of those that could be looked at in one of them only, all of a
    step."""

    step: str
    """The one that would make it."""
    differs: Differs
    """`gone`, `new`, `other`, `known` or `foreseen`."""
    words: str
    """What would be done, as an order."""
    planned: tuple[ValueChange, ...] = ()
    """Before and after, as planned; empty: it was not."""
    now: tuple[ValueChange, ...] = ()
    """As it would be now; empty: it would not."""


def plan_differences(planned: ChangePlan, now: ChangePlan) -> tuple[PlanDifference, ...]:
    """What is not the same in both, in the order of their steps. What became known is told once a step: nobody did
    anything there."""
    before, after = _by_step(planned), _by_step(now)
    steps = dict.fromkeys((*before, *after))
    return tuple(one for step in steps for one in _of_step(step, before.get(step, {}), after.get(step, {})))


_Parts = Mapping[str, Change]
"""Part → the change of a step."""


def _by_step(plan: ChangePlan) -> Mapping[str, _Parts]:
    return {step.step: {change.part: change for change in step.changes} for step in plan.steps}


def _of_step(step: str, before: _Parts, after: _Parts) -> Iterator[PlanDifference]:
    other: dict[Differs, list[str]] = {}
    for part, planned in before.items():
        if part in after and planned != after[part]:
            other.setdefault(_how(planned, after[part]), []).append(part)
    for differs, parts in other.items():
        for told in [[part] for part in parts] if differs is Differs.OTHER else [parts]:
            yield _difference(step, differs, [before[part] for part in told], [after[part] for part in told])
    for part, change in before.items():
        if part not in after:
            yield _difference(step, Differs.GONE, (change,), ())
    for part, change in after.items():
        if part not in before:
            yield _difference(step, Differs.NEW, (), (change,))


def _how(planned: Change, now: Change) -> Differs:
    """How one change, told twice, differs."""
    if (planned.call is None) is (now.call is None):
        return Differs.OTHER
    return Differs.KNOWN if planned.call is None else Differs.FORESEEN


def _difference(step: str, differs: Differs, planned: Sequence[Change], now: Sequence[Change]) -> PlanDifference:
    words = [change.words for change in now or planned]
    return PlanDifference(
        step=step,
        differs=differs,
        words=words[0] if len(words) == 1 else f"{len(words)} changes",
        planned=tuple(value for change in planned for value in change.values),
        now=tuple(value for change in now for value in change.values),
    )
