"""Making a plan: every step of an onboarding that does not exist is inspected, in a world that refuses every write.

The steps are looked at in the order of their graph, on a record that goes along: what an inspection finds, the next one
finds on the record. So the same `inspect` that an onboarding runs by says what it would do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from onboarding.core.bounds import shorten
from onboarding.core.change_plan import ChangePlan, Gravity, Outlook, PlanFinding, StepPlan
from onboarding.core.expected_ends import expected_ends
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError, TryLaterError, unexpected_problem
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.fence import ReadsOnlyError, fenced, refuse_write
from onboarding.numbers import SharedNumbers
from onboarding.planning.preflight import Preflight, preflight, told_once
from onboarding.steps import definition_of
from onboarding.steps.base import Inspection, Work, World, kept

log = logging.getLogger("onboarding")

NOT_THERE_YET = frozenset({ProblemCode.NOT_REPLICATED, ProblemCode.FINDING_MISSING})
"""What a step says that lacks what an earlier one makes."""
_OVER = frozenset({Outlook.DONE, Outlook.LEFT_OUT})
"""Of steps after which the world will be as it is."""


BESIDES = "besides"
"""Code of a finding that is no step's problem."""


async def make_plan(
    record: Record, world: World, seconds: float, shared: Sequence[SharedNumbers] = ()
) -> ChangePlan:
    """What would become of an onboarding that begins as this record. `seconds`: for each look at most. `shared`: its
    numbers that other onboardings have too."""
    reading = fenced(world, refuse_write)
    planning = _Planning(record, reading, seconds)
    for step in record.steps:
        planning.steps[step.name] = await planning.plan(step.name)
    before = Preflight(planning.record, reading, tuple(planning.steps.values()), tuple(shared), seconds)
    findings = told_once([*planning.findings, *await preflight(before)])
    steps, expected_at = _with_dates(record, {step.step: step for step in before.steps})
    return ChangePlan(steps=steps, findings=tuple(findings), expected_at=expected_at)


def _with_dates(record: Record, plans: Mapping[str, StepPlan]) -> tuple[tuple[StepPlan, ...], datetime | None]:
    """When each that is not over will have ended, and when all will; None: all is so already."""
    done = {name for name, plan in plans.items() if plan.outlook is Outlook.DONE}
    steps = (s.model_copy(update={"state": StepState.DONE}) if s.name in done else s for s in record.steps)
    ends = expected_ends(record.model_copy(update={"steps": tuple(steps)}))
    now = record.created_at
    seen = {name: end.seen(now) for name, end in ends.items() if plans[name].outlook not in _OVER}
    dated = (plan.model_copy(update={"expected_at": seen.get(name)}) for name, plan in plans.items())
    return tuple(dated), max(seen.values(), default=None)


class _Planning:
    """One plan in the making."""

    def __init__(self, record: Record, world: World, seconds: float) -> None:
        self._record = record
        self._world = world
        self._seconds = seconds
        self.steps: dict[str, StepPlan] = {}
        self.findings: list[PlanFinding] = []

    @property
    def record(self) -> Record:
        """With all that was found."""
        return self._record

    async def plan(self, name: str) -> StepPlan:
        step = self._record.step(name)
        if step.state is StepState.SKIPPED:
            return self._of(step, Outlook.LEFT_OUT, step.skipped_because or "")
        if step.plan.kind is StepKind.CHECKPOINT:
            return self._of(step, Outlook.PERSON)
        try:
            async with asyncio.timeout(self._seconds):
                return await (self._task(step) if step.plan.kind is StepKind.TASK else self._wait(step))
        except StepProblemError as problem:
            return self._stopped(step, problem)
        except ReadsOnlyError:
            raise
        except Exception as error:
            if not isinstance(error, TimeoutError):
                log.exception("planning %s of %s failed unexpectedly", name, self._record.id)
            return self._stopped(step, unexpected_problem(error))

    async def _task(self, step: StepRecord) -> StepPlan:
        task = definition_of(step).task
        assert task is not None, f"{step.name} is planned as a task, and its definition has none"
        found = await task.inspect(Work(self._record, self._world, step, self._record.created_at))
        self._find(step, found)
        for value in found.also:
            seen = f"{value.what}: {value.after}; expected: {value.before}."
            self._tell(Gravity.WARNING, step, BESIDES, seen, "Nothing is done about it: see whether it is meant so.")
        if found.done:
            return self._of(step, Outlook.DONE, found.found)
        consent = found.consent.changes if found.consent else ()
        if found.consent:
            self._tell(Gravity.NOTE, step, found.consent.code, found.consent.seen, found.consent.what_next)
        return self._of(step, Outlook.CHANGES, found.found, changes=found.changes, consent=consent)

    async def _wait(self, step: StepRecord) -> StepPlan:
        """A wait is looked at when all that it needs is so already: else there is nothing to see."""
        wait = definition_of(step).wait
        assert wait is not None, f"{step.name} is planned as a wait, and its definition has none"
        if self._open_before(step):
            return self._of(step, Outlook.WAIT)
        (look,) = await wait.look([Work(self._record, self._world, step, self._record.created_at)])
        if look.problem is not None and not isinstance(look.problem, TryLaterError):
            raise look.problem
        return self._of(step, Outlook.DONE if look.done else Outlook.WAIT, look.detail)

    def _stopped(self, step: StepRecord, problem: StepProblemError) -> StepPlan:
        """What an inspection ended with: it lacks what an earlier step makes, or can't be looked at, or would stop."""
        before = self._open_before(step)
        if before and problem.code in NOT_THERE_YET:
            foreseen = definition_of(step).foreseen(self._record)
            return self._of(step, Outlook.FORESEEN, changes=foreseen, known_after=before)
        later = isinstance(problem, TryLaterError)
        # Where a person may say that it is so, what can't be seen from here keeps nothing from going on.
        gentle = later or step.plan.kind is StepKind.WAIT or step.plan.confirmable
        gravity = Gravity.WARNING if gentle else Gravity.BLOCKER
        self._tell(gravity, step, problem.code, problem.seen, problem.what_next)
        outlook = Outlook.UNSEEN if later else Outlook.PERSON if gentle else Outlook.BLOCKED
        return self._of(step, outlook, problem.seen)

    def _open_before(self, step: StepRecord) -> tuple[str, ...]:
        """What it needs, near or far, after which the world will be another; the nearest of them."""
        found: dict[str, None] = {}
        for need in step.plan.needs:
            planned = self.steps[need]
            if planned.outlook not in _OVER:
                found[need] = None
            else:
                found |= dict.fromkeys(self._open_before(self._record.step(need)))
        return tuple(found)

    def _find(self, step: StepRecord, found: Inspection) -> None:
        """On the record that goes along, as a run would have it."""
        state = StepState.DONE if found.done else step.state
        new = step.model_copy(update={"found": {**step.found, **kept(found.findings)}, "state": state})
        steps = tuple(new if one.name == step.name else one for one in self._record.steps)
        self._record = self._record.model_copy(update={"steps": steps})

    def _tell(self, gravity: Gravity, step: StepRecord, code: str, seen: str, what_next: str) -> None:
        self.findings.append(
            PlanFinding(
                gravity=gravity, code=code, step=step.name, seen=shorten(seen), what_next=shorten(what_next)
            )
        )

    def _of(self, step: StepRecord, outlook: Outlook, found: str = "", **more: Any) -> StepPlan:
        return StepPlan(
            step=step.name,
            title=definition_of(step).title,
            kind=step.plan.kind,
            outlook=outlook,
            found=shorten(found),
            waits_on=step.plan.waits_on.value,
            **more,
        )
