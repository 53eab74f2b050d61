"""The timer's pass: whatever is due and has no message of its own. Bounded, and safe to run twice."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from onboarding import limits
from onboarding.core.events import Happening, Looked, TimePassed
from onboarding.core.problems import TryLaterError
from onboarding.core.record import StepRecord, StepState
from onboarding.core.steps import WAITS
from onboarding.engine import Engine
from onboarding.records import Loaded
from onboarding.steps import WAIT_STEPS
from onboarding.steps.base import Look, Work, broken
from onboarding.telemetry.about import about

log = logging.getLogger("onboarding")

PASS_LIMIT = 2000
"""Onboardings in one pass; the rest are due still at the next."""
AT_ONCE = 16
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
    limit = asyncio.Semaphore(AT_ONCE)

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
    """Onboarding id → what was seen of its due waits. One batch a kind of wait."""
    now = engine.clock.now()
    seen: dict[str, list[Looked]] = defaultdict(list)

    async def batch(name: str) -> None:
        works = [Work(x.record, engine.world) for x in due if _is_due(x, name, now)]
        if not works:
            return
        try:
            looks = await WAIT_STEPS[name].look(works)
        except Exception as error:
            log.exception("looking at %s failed unexpectedly", name)
            looks = {w.record.id: broken(error) for w in works}
        for work in works:
            seen[work.record.id].append(_looked(work.record.step(name), looks[work.record.id]))

    await asyncio.gather(*(batch(wait.name) for wait in WAITS))
    return seen


def _is_due(loaded: Loaded, name: str, now: datetime) -> bool:
    step = loaded.record.step(name)
    at = step.next_attempt_at
    return loaded.record.active and step.state is StepState.WAITING and at is not None and at <= now


def _looked(step: StepRecord, look: Look) -> Looked:
    problem = look.problem
    return Looked(
        step.name,
        look.done,
        look.detail,
        problem=problem.problem if problem else None,
        stop=problem is not None and not isinstance(problem, TryLaterError),
        retry_after=problem.retry_after if isinstance(problem, TryLaterError) else None,
        findings=look.findings,
        ticket=step.ticket,
    )


async def _settle(engine: Engine, loaded: Loaded, looks: Sequence[Looked]) -> None:
    """Put what was seen of one onboarding on its record, then repair it."""
    if loaded.record.settled:
        await engine.records.archive(loaded)
        return
    happenings: tuple[Happening, ...] = (*looks, TimePassed())
    for happening in happenings:
        happened = await engine.transition(loaded.record.id, happening, loaded)
        if happened is None:
            return
        loaded = happened[1]
