"""Looks at waits: those of a group together, and only those of which something new is seen cost more than that.

A look at a thin row is a glance: it compares what the world shows with what it showed at the last look. Where that
differs, or the record is to be decided anew by now, the record is loaded, looked at and changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from onboarding import limits
from onboarding.core.events import AskedByPerson, Looked
from onboarding.core.policy import Policy
from onboarding.core.problems import StepProblemError, TryLaterError
from onboarding.core.record import Record, StepRecord
from onboarding.core.schedule import is_due, next_look
from onboarding.engine import Engine, Expected
from onboarding.index import Index, OpenWait, Pass, to_come, watched_waits
from onboarding.records import Loaded
from onboarding.steps import LIBRARY, definition_of
from onboarding.steps.base import Look, SharedRead, Work, World, broken, failing
from onboarding.telemetry.about import about

log = logging.getLogger("onboarding")

GLANCES_AT_ONCE = 200
"""Waits of a group that are looked at between two looks at the clock."""
WRITES_AT_ONCE = 16
"""Onboardings that are loaded or written at one time."""

Key = tuple[str, str]
"""Of a wait: onboarding id and step. Of a shared read: what, and of what."""


async def look_at(engine: Engine, waits: Sequence[OpenWait], last: Pass | None, over: Callable[[], bool]) -> int:
    """Look at those of a group that are due, in the order of their keys, until the time is `over`; how many.

    What is not reached goes on there at the next pass.
    """
    now = engine.clock.now()
    if not to_look_at(waits, last, now, engine.policy):
        return 0
    began = _began(last, now)
    before = last.at if last else None
    due = list(_due(waits, last, now, engine.policy))
    # What they share is read once for all of them.
    world, looked, failed = engine.reach(), 0, list[StepProblemError]()
    for start in range(0, len(due), GLANCES_AT_ONCE):
        if start and over():
            rest = Pass(waits[0].group, before, looked, began=began, cursor=due[start - 1].key)
            await engine.records.index.passed(rest)
            return looked
        part = due[start : start + GLANCES_AT_ONCE]
        to_glance = [w for w in part if w.seen is not None and not w.asked and not _has_come(w, before, began)]
        shown, problem = await _glance(world, to_glance) if to_glance else ({}, None)
        news = [w for w in part if w.key not in shown or shown[w.key] != w.seen]
        # What all share fails as before: one of them shows for all whether people are to be told again.
        again = await look_closely(engine, news or (part[:1] if problem else []), world)
        failed += [each for each in (problem, again) if each]
        looked += len(part)
    await engine.records.index.passed(_passed(engine, waits[0].group, began, looked, failed, last))
    return looked


def to_look_at(waits: Sequence[OpenWait], last: Pass | None, now: datetime, policy: Policy) -> bool:
    """Whether looks at a group are due, or to be gone on with."""
    if last is not None and last.not_before is not None and last.not_before > now:
        return False
    return bool(last and last.cursor) or any(True for _ in _due(waits, last, now, policy))


def _due(waits: Sequence[OpenWait], last: Pass | None, now: datetime, policy: Policy) -> Iterator[OpenWait]:
    began, before, cursor = _began(last, now), last.at if last else None, (last and last.cursor) or ""
    return (w for w in waits if w.key > cursor and _is_due(w, before, began, policy))


def _began(last: Pass | None, now: datetime) -> datetime:
    return (last.began or now) if last is not None and last.cursor else now


async def look_closely(
    engine: Engine, news: Sequence[OpenWait], world: World | None = None
) -> StepProblemError | None:
    """Look at these of one group, and put on their records what is seen; why nothing of any could be seen.

    `world`: of the piece of work that this is a part of.
    """
    world = world or engine.reach()
    limit = asyncio.Semaphore(WRITES_AT_ONCE)

    async def load(wait: OpenWait) -> Loaded | None:
        async with limit:
            return await engine.records.load(wait.onboarding_id)

    loaded = await asyncio.gather(*(load(wait) for wait in news))
    works: list[tuple[OpenWait, Loaded, Work]] = []
    for wait, found in zip(news, loaded, strict=True):
        step = found.record.find_step(wait.step) if found else None
        now = engine.clock.now()
        keys = {each.key for each in watched_waits(found.record, engine.policy, now)} if found else set()
        if found is None or step is None or wait.key not in keys or step.ticket != wait.ticket:
            if not to_come(wait, found.record if found else None, now):
                await engine.records.index.over(wait)
        else:
            works.append((wait, found, Work(found.record, world, step, engine.clock.now())))
    if not works:
        return None
    looks = await _looks([work for *_, work in works])
    tells = await _tells(engine, ((work, look) for (*_, work), look in zip(works, looks, strict=True)))

    async def settle(wait: OpenWait, found: Loaded, look: Look) -> None:
        async with limit, limits.within(limits.RECORD, f"writing what is seen of {wait.onboarding_id}"):
            await _settle(engine, wait, found, look, tells.get((wait.onboarding_id, wait.step)))

    results = await asyncio.gather(
        *(settle(wait, found, look) for (wait, found, _), look in zip(works, looks, strict=True)),
        return_exceptions=True,
    )
    for (_, found, _), result in zip(works, results, strict=True):
        if isinstance(result, BaseException):
            # One broken record must not keep the others from their look; it is looked at again at the next.
            with about(found.record):
                log.error("timer: onboarding %s failed", found.record.id, exc_info=result)
    problems = [look.problem for look in looks]
    return problems[0] if all(isinstance(problem, TryLaterError) for problem in problems) else None


async def happen_and_look(
    engine: Engine, onboarding_id: str, happening: AskedByPerson, expected: Expected | None = None
) -> Record | None:
    """What a person asks for, and where that is a look, the look at once; the onboarding after it. Raises as `happen`.

    What does not come within `limits.ASKED` seconds is the timer's, at its next pass.
    """
    happened = await engine.happen(onboarding_id, happening, expected=expected)
    if happened is None:
        return None
    now = engine.clock.now()
    step = getattr(happening, "step", None)
    asked = [w for w in watched_waits(happened.record, engine.policy, now) if w.asked and w.step == step]
    waits = [w for w in asked if w.not_before is None or w.not_before <= now]
    if not waits:
        return happened.record
    try:
        async with limits.within(limits.ASKED, f"looking at {step} of {onboarding_id}"):
            await look_closely(engine, waits)
            loaded = await engine.records.load(onboarding_id)
    except Exception:
        log.warning("%s of %s is looked at at the next pass", step, onboarding_id, exc_info=True)
        return happened.record
    return loaded.record if loaded else happened.record


async def next_pass(index: Index, policy: Policy) -> datetime | None:
    """When the timer has something to do next, by its rows: for whoever passes only then. None: at no time."""
    passes = await index.passes()
    times = [await index.first_due()]
    async for wait in index.waits():
        last = passes.get(wait.group)
        at = due_at(wait, last.at if last else None, policy)
        times.append(max(at, last.not_before) if last and last.not_before else at)
    return min((at for at in times if at is not None), default=None)


def due_at(wait: OpenWait, last: datetime | None, policy: Policy) -> datetime:
    """When a wait is looked at next, when its group was last looked at then."""
    if last is None or last < wait.since:
        return max(wait.since, wait.not_before or wait.since)
    times = [next_look(wait.since, last, policy)]
    times += [at for at in (wait.not_before, wait.wake) if at is not None and at > last]
    if wait.asked:
        times.append(last)
    return max(min(times), wait.not_before or wait.since)


def _is_due(wait: OpenWait, last: datetime | None, now: datetime, policy: Policy) -> bool:
    if wait.not_before is not None and now < wait.not_before:
        return False
    return wait.asked or is_due(wait.since, last, now, policy) or _has_come(wait, last, now)


def _has_come(wait: OpenWait, last: datetime | None, now: datetime) -> bool:
    """Whether the record is to be decided anew: the time for that has come since the last look."""
    return any(at is not None and at <= now and (last is None or at > last) for at in (wait.not_before, wait.wake))


async def _glance(
    world: World, waits: Sequence[OpenWait]
) -> tuple[Mapping[str, str | None], StepProblemError | None]:
    """What these show, by their keys; and why nothing of any can be seen, which is the same for all."""
    wait = LIBRARY[waits[0].definition].wait
    assert wait is not None, f"{waits[0].definition} is no wait, and is never looked at"
    problem: StepProblemError
    try:
        async with limits.within(limits.LOOK, f"looking at {waits[0].group}"):
            shown = await wait.glance(world, [w.subject for w in waits])
            return {w.key: seen for w, seen in zip(waits, shown, strict=True)}, None
    except StepProblemError as error:
        problem = error
    except Exception as error:
        log.exception("looking at %s failed unexpectedly", waits[0].group)
        look = broken(error)
        assert look.problem is not None
        problem = look.problem
    return {w.key: failing(problem) for w in waits}, problem


def _passed(
    engine: Engine, group: str, at: datetime, looked: int, failed: Sequence[StepProblemError], last: Pass | None
) -> Pass:
    """A pass that has come to its end. One that failed is followed by a gap that grows, or that Microsoft asked for."""
    done = Pass(group, at, looked)
    if not failed:
        return done
    failures = (last.failures if last else 0) + 1
    asked = [each.retry_after for each in failed if isinstance(each, TryLaterError) and each.retry_after is not None]
    gap = engine.policy.retry_after(failures, max(asked, default=None), f"{group}/{failures}")
    return replace(done, failed=failed[0].seen, failures=failures, not_before=at + gap)


async def _looks(works: Sequence[Work]) -> Sequence[Look]:
    """What was seen of waits of one definition."""
    definition = definition_of(works[0].step)
    assert definition.wait is not None, f"{definition.name} is no wait, and is never looked at"
    try:
        return await definition.wait.look(works)
    except Exception as error:
        log.exception("looking at %s failed unexpectedly", definition.name)
        return [broken(error)] * len(works)


async def _tells(engine: Engine, looks: Iterable[tuple[Work, Look]]) -> Mapping[Key, SharedRead]:
    """The waits → the shared read that failed, of which people are told on that one for all."""
    refused: dict[Key, tuple[Key, SharedRead]] = {}
    answered: dict[Key, SharedRead] = {}
    for work, look in looks:
        for read in look.reads:
            key = (read.what, read.of)
            if read.problem is None:
                answered[key] = read
            else:
                refused.setdefault(key, ((work.record.id, work.step.name), read))
    telling: dict[Key, SharedRead] = {}

    async def note(key: Key) -> None:
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


async def _settle(engine: Engine, wait: OpenWait, loaded: Loaded, look: Look, tells: SharedRead | None) -> None:
    """Put what was seen of one wait on its record, and then on its row what the next glance is compared with."""
    step = loaded.record.step(wait.step)
    happened = await engine.happen(loaded.record.id, _looked(step, look, tells=tells is not None), loaded)
    if happened is None:
        return
    if tells is not None and happened.changed:
        await engine.reads.told(tells.what, tells.of, engine.clock.now())
    seen = failing(look.problem) if look.problem and not look.absent else look.shown
    for now in watched_waits(happened.record, engine.policy, engine.clock.now()):
        if now.key == wait.key and (now != wait or seen != wait.seen):
            await engine.records.index.seen(replace(now, seen=seen))


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
