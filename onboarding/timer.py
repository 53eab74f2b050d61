"""The timer's pass: whatever is due and has no message of its own. Bounded, and safe to run twice."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from onboarding import limits
from onboarding.core.events import Happening, Looked, TimePassed
from onboarding.core.plan import StepKind
from onboarding.core.problems import TryLaterError
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.engine import Engine
from onboarding.records import Loaded
from onboarding.steps import definition_of
from onboarding.steps.base import Look, SharedRead, Work, broken
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
    tells = await _tells(engine, looks)
    limit = asyncio.Semaphore(WRITES_AT_ONCE)

    async def one(loaded: Loaded) -> None:
        async with limit, limits.within(limits.RECORD, f"writing what is due of {loaded.record.id}"):
            await _settle(engine, loaded, looks[loaded.record.id], tells)

    results = await asyncio.gather(*(one(loaded) for loaded in due), return_exceptions=True)
    for loaded, result in zip(due, results, strict=True):
        if isinstance(result, BaseException):
            # One broken record must not keep the others from their pass; it is due again at the next.
            with about(loaded.record):
                log.error("timer: onboarding %s failed", loaded.record.id, exc_info=result)
    return len(due)


Watched = tuple[StepRecord, Look]


async def _look(engine: Engine, due: Sequence[Loaded]) -> dict[str, list[Watched]]:
    """Onboarding id → what was seen of its due waits. One batch a definition."""
    now, reach = engine.clock.now(), engine.reach()
    batches: dict[str, list[Work]] = defaultdict(list)
    for loaded in due:
        for step in loaded.record.steps:
            if _is_due(loaded.record, step, now):
                batches[step.plan.definition].append(Work(loaded.record, reach, step))
    seen: dict[str, list[Watched]] = defaultdict(list)

    async def batch(works: Sequence[Work]) -> None:
        for work, look in zip(works, await _looks(works), strict=True):
            seen[work.record.id].append((work.step, look))

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


async def _tells(engine: Engine, looks: Mapping[str, list[Watched]]) -> dict[tuple[str, str], SharedRead]:
    """Onboarding id and step → the shared read that failed, of which people are told on that one for all."""
    refused: dict[tuple[str, str], tuple[tuple[str, str], SharedRead]] = {}
    answered: dict[tuple[str, str], SharedRead] = {}
    for onboarding_id, seen in looks.items():
        for step, look in seen:
            for read in look.reads:
                key = (read.what, read.of)
                if read.problem is None:
                    answered[key] = read
                else:
                    refused.setdefault(key, ((onboarding_id, step.name), read))
    telling: dict[tuple[str, str], SharedRead] = {}

    async def note(key: tuple[str, str]) -> None:
        try:
            if key not in refused:
                await engine.reads.works(*key)
                return
            whose, read = refused[key]
            assert read.problem is not None
            if await engine.reads.failed(*key, read.problem.code.value, engine.clock.now(), soon=read.soon):
                telling[whose] = read
        except Exception:
            log.exception("how reading the %s of %s goes can't be kept now", *key)

    await asyncio.gather(*map(note, {**answered, **refused}))
    return telling


def _looked(step: StepRecord, look: Look, *, tells: bool) -> Looked:
    problem = look.problem
    shared = any(read.problem for read in look.reads)
    return Looked(
        step.name,
        look.done,
        look.detail,
        problem=problem.problem if problem else None,
        stop=problem is not None and not shared and not isinstance(problem, TryLaterError),
        retry_after=problem.retry_after if isinstance(problem, TryLaterError) else None,
        ticket=step.ticket,
        absent=look.absent,
        tells=tells,
        sight=look.sight,
    )


async def _settle(
    engine: Engine, loaded: Loaded, seen: Sequence[Watched], tells: Mapping[tuple[str, str], SharedRead]
) -> None:
    """Put what was seen of one onboarding on its record, then repair it."""
    if loaded.record.settled:
        await engine.records.archive(loaded)
        return
    onboarding_id = loaded.record.id
    told = [tells.get((onboarding_id, step.name)) for step, _ in seen]
    looks = [_looked(step, look, tells=read is not None) for (step, look), read in zip(seen, told, strict=True)]
    happenings: tuple[tuple[Happening, SharedRead | None], ...] = (*zip(looks, told, strict=True), (TimePassed(), None))
    for happening, read in happenings:
        happened = await engine.happen(onboarding_id, happening, loaded)
        if happened is None:
            return
        if read is not None and happened.changed:
            await engine.reads.told(read.what, read.of, engine.clock.now())
        loaded = happened.loaded
