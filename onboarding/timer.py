"""The timer's pass: whatever is due and has no message of its own. Bounded, and safe to run twice."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from onboarding import limits
from onboarding.core.events import Happening, Looked, TimePassed
from onboarding.core.plan import StepKind
from onboarding.core.problems import TryLaterError
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.engine import Engine
from onboarding.records import Loaded
from onboarding.steps import definition_of
from onboarding.steps.base import Look, Work, broken
from onboarding.telemetry.about import about

log = logging.getLogger("onboarding")

PASS_LIMIT = 2000
"""Onboardings in one pass; the rest are due still at the next."""
WRITES_AT_ONCE = 16
"""Writes under way at one time."""


async def timer_pass(engine: Engine) -> int:
    """Look at every wait that is due, in batches, and repair what got lost. Returns how many records were due.

    Raises OverdueError when it takes too long: what it had not come to is due still at the next.
    """
    async with limits.within(limits.PASS, "the timer's pass"):
        return await _pass(engine)


async def _pass(engine: Engine) -> int:
    now = engine.clock.now()
    due: list[Loaded] = []
    async for loaded in engine.records.due(now):
        due.append(loaded)
        if len(due) >= PASS_LIMIT:
            log.warning("more than %d onboardings are due; the rest follow at the next pass", PASS_LIMIT)
            break
    looks = await _look(engine, due)
    limit = asyncio.Semaphore(WRITES_AT_ONCE)

    async def one(loaded: Loaded) -> None:
        async with limit, limits.within(limits.RECORD, f"writing what is due of {loaded.record.id}"):
            await _settle(engine, loaded, looks[loaded.record.id])

    results = await asyncio.gather(*(one(loaded) for loaded in due), return_exceptions=True)
    for loaded, result in zip(due, results, strict=True):
        if isinstance(result, BaseException):
            # One broken record must not keep the others from their pass; it is due again at the next.
            with about(loaded.record):
                log.error("timer: onboarding %s failed", loaded.record.id, exc_info=result)
    return len(due)


async def _look(engine: Engine, due: Sequence[Loaded]) -> dict[str, list[Looked]]:
    """Onboarding id → what was seen of its due waits. One batch a definition."""
    now, reach = engine.clock.now(), engine.reach()
    batches: dict[str, list[Work]] = defaultdict(list)
    for loaded in due:
        for step in loaded.record.steps:
            if _is_due(loaded.record, step, now):
                batches[step.plan.definition].append(Work(loaded.record, reach, step))
    seen: dict[str, list[Looked]] = defaultdict(list)

    async def batch(works: Sequence[Work]) -> None:
        for work, look in zip(works, await _looks(works), strict=True):
            seen[work.record.id].append(_looked(work.step, look))

    await asyncio.gather(*map(batch, batches.values()))
    return seen


async def _looks(works: Sequence[Work]) -> Sequence[Look]:
    """What was seen of waits of one definition."""
    definition = definition_of(works[0].step)
    assert definition.wait is not None, f"{definition.name} is no wait, and is never looked at"
    try:
        return await definition.wait.look(works)
    except Exception as error:
        log.exception("looking at %s failed unexpectedly", definition.name)
        return [broken(error)] * len(works)


def _is_due(record: Record, step: StepRecord, now: datetime) -> bool:
    waits = step.plan.kind is StepKind.WAIT and step.state is StepState.WAITING
    return record.active and waits and step.next_attempt_at is not None and step.next_attempt_at <= now


def _looked(step: StepRecord, look: Look) -> Looked:
    problem = look.problem
    return Looked(
        step.name,
        look.done,
        look.detail,
        problem=problem.problem if problem else None,
        stop=problem is not None and not isinstance(problem, TryLaterError),
        retry_after=problem.retry_after if isinstance(problem, TryLaterError) else None,
        ticket=step.ticket,
        sight=look.sight,
    )


async def _settle(engine: Engine, loaded: Loaded, looks: Sequence[Looked]) -> None:
    """Put what was seen of one onboarding on its record, then repair it."""
    if loaded.record.settled:
        await engine.records.archive(loaded)
        return
    happenings: tuple[Happening, ...] = (*looks, TimePassed())
    for happening in happenings:
        happened = await engine.happen(loaded.record.id, happening, loaded)
        if happened is None:
            return
        loaded = happened.loaded
