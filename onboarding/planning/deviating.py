"""What of a completed onboarding is not any more as its steps left it: every task by its own `inspect`, every wait by
its own `look`, in a world that refuses every write.

A step that was skipped, or that a person said was done, is not held against anybody. What can't be looked at just now
deviates of nothing: it is as it was seen last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from onboarding.core.deviation import Deviation, deviation
from onboarding.core.events import APPLICATION
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError, TryLaterError
from onboarding.core.proposal import Api, propose
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.fence import ReadsOnlyError, fenced, refuse_write
from onboarding.steps import LIBRARY, definition_of
from onboarding.steps.base import Inspection, Look, Work, World

log = logging.getLogger("onboarding")

OF_THE_LOOK = frozenset(
    {
        ProblemCode.SIGN_IN_FAILED,
        ProblemCode.PERMISSION_MISSING,
        ProblemCode.LINKED_PERMISSION_MISSING,
        ProblemCode.BLOCKED,
        ProblemCode.PROVIDER_RETIRED,
        ProblemCode.NOT_PERMITTED,
        ProblemCode.FINDING_MISSING,
        ProblemCode.CERTIFICATE_UNKNOWN,
        ProblemCode.UNEXPECTED,
    }
)
"""Problems with a look, which say nothing of what was to be looked at."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a look at a completed onboarding showed."""

    deviations: Mapping[str, tuple[Deviation, ...]]
    """Of each step that could be looked at."""
    unseen: Mapping[str, str]
    """Of each other one, the code of the reason."""


_Seen = Inspection | Look | StepProblemError


async def inspect_again(record: Record, world: World, at: datetime, seconds: float) -> Inspected:
    """A completed onboarding. `seconds`: for each step at most."""
    reading = fenced(world, refuse_write)
    steps = [step for step in record.steps if _is_inspected(step)]
    seen = await asyncio.gather(*(_look(Work(record, reading, step, at, again=True), seconds) for step in steps))
    deviations: dict[str, tuple[Deviation, ...]] = {}
    unseen: dict[str, str] = {}
    told: set[str] = set()
    for step, one in zip(steps, seen, strict=True):
        # What an earlier step makes is not there any more: that one tells of it.
        explained = any(deviations.get(name) for name in _needs(record, step))
        problem = _problem(one)
        if problem is not None and not _is_seen(problem, explained=explained):
            unseen[step.name] = problem.code
        elif problem is not None and problem.seen in told:
            deviations[step.name] = ()
        else:
            deviations[step.name] = tuple(_deviations(step, one, at))
        if problem is not None:
            told.add(problem.seen)
    return Inspected(deviations, unseen)


def _is_inspected(step: StepRecord) -> bool:
    """Whether it was this application that found it done."""
    done = step.state is StepState.DONE and step.ended_by == APPLICATION
    return done and step.plan.kind is not StepKind.CHECKPOINT and step.plan.definition in LIBRARY


async def _look(work: Work, seconds: float) -> _Seen:
    definition = definition_of(work.step)
    try:
        async with asyncio.timeout(seconds):
            if definition.task is not None:
                return await definition.task.inspect(work)
            assert definition.wait is not None, f"{definition.name} is neither task nor wait"
            (look,) = await definition.wait.look([work])
            return look
    except StepProblemError as problem:
        return problem
    except ReadsOnlyError:
        raise
    except Exception as error:
        if not isinstance(error, TimeoutError):
            log.exception("inspecting %s of %s again failed unexpectedly", work.step.name, work.record.id)
        return TryLaterError(ProblemCode.TIMEOUT, "It took too long, or failed unexpectedly.")


def _problem(seen: _Seen) -> StepProblemError | None:
    return seen.problem if isinstance(seen, Look) else seen if isinstance(seen, StepProblemError) else None


def _is_seen(problem: StepProblemError, *, explained: bool) -> bool:
    """Whether it says something of the world. What was shown once, and is not any more, is gone."""
    if isinstance(problem, TryLaterError):
        return problem.code is ProblemCode.NOT_REPLICATED and not explained
    return problem.code not in OF_THE_LOOK


def _needs(record: Record, step: StepRecord) -> Iterator[str]:
    """What it needs, near or far."""
    for name in step.plan.needs:
        yield name
        yield from _needs(record, record.step(name))


def _deviations(step: StepRecord, seen: _Seen, at: datetime) -> Iterator[Deviation]:
    title = definition_of(step).title
    as_it_was = step.detail or "done"
    problem = _problem(seen)
    if problem is not None:
        yield deviation(step.name, title, as_it_was, problem.seen, at, same=f"{problem.code} {problem.seen}")
    elif isinstance(seen, Look):
        sight = seen.sight
        is_so = seen.done or (sight is not None and (sight.settles or sight.word is NoticeKind.CANNOT_SEE))
        if not is_so:
            yield deviation(step.name, title, as_it_was, seen.detail, at, same=sight.kind if sight else seen.detail)
    elif isinstance(seen, Inspection):
        yield from _of_inspection(step, seen, at)


def _of_inspection(step: StepRecord, seen: Inspection, at: datetime) -> Iterator[Deviation]:
    # Whether people have read what they were told, nobody can see.
    changes = [change for change in seen.changes if change.call is None or change.call.api is not Api.MAIL]
    values = [value for change in changes for value in change.values]
    repair = propose(*values).id if values and len(changes) == len(seen.changes) else ""
    for value in values:
        yield deviation(step.name, value.what, value.after, value.before, at, repair=repair)
    for value in seen.also:
        yield deviation(step.name, value.what, value.before, value.after, at)
