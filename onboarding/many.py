"""One control used on many onboardings: each is read, decided and committed by itself, some side by side.

What is asked of one is asked as by its own control: the rules decide by what stands in the table at that moment, and
its audit trail says who it was. What one of them comes to keeps none of the others from its turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from onboarding import limits
from onboarding.core.control import Control
from onboarding.core.decide import RefusedError, decide
from onboarding.core.events import AskedByPerson
from onboarding.core.many import Fate, steps_meant
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import OnboardingState, Record
from onboarding.engine import Engine, OvertakenError
from onboarding.ports import ConflictError
from onboarding.records import Loaded
from onboarding.rows import UnreadableRowError
from onboarding.steps import definition_of

log = logging.getLogger("onboarding")

SIDE_BY_SIDE = 8
"""Onboardings that one call reads and writes at a time."""


@dataclass(frozen=True, slots=True)
class ManyAsked:
    """What somebody wants of each."""

    control: Control
    actor: str
    reason: str
    code: ProblemCode | None
    """Only steps with this problem, of a control of steps."""
    still: Callable[[Record], bool]
    """Whether one is still what was chosen."""

    def event(self, step: str | None) -> AskedByPerson:
        return self.control.asked(self.actor, step or "", {"reason": self.reason})


@dataclass(frozen=True, slots=True)
class Became:
    """What became of one: of a control of steps, a line for each step."""

    id: str
    gateway: str | None
    """Its name; None: it is not known."""
    step: str | None
    title: str
    """The step's; empty: the onboarding as a whole."""
    fate: Fate
    said: str
    """Why, in words; empty: there is nothing to say."""
    state: OnboardingState | None
    """Where the onboarding stands after it."""
    code: str | None = None
    """Of the problem that the step had."""
    another: bool = False
    """It is not any more what was chosen."""


_One = Callable[[Loaded], Awaitable[list[Became]]]


async def foresee(engine: Engine, asked: ManyAsked, ids: Sequence[str]) -> list[Became]:
    """What would become of each. Nothing is written."""

    async def one(loaded: Loaded) -> list[Became]:
        now, record, found = engine.clock.now(), loaded.record, list[Became]()
        for step in steps_meant(asked.control, record, asked.code):
            try:
                record = decide(record, asked.event(step), now, engine.policy).record
            except RefusedError as refusal:
                found.append(_became(record, step, Fate.REFUSED, str(refusal)))
            else:
                found.append(_became(loaded.record, step, Fate.POSSIBLE, before=loaded.record))
        return found

    return await _each(engine, asked, ids, one)


async def carry_out(engine: Engine, asked: ManyAsked, ids: Sequence[str]) -> list[Became]:
    """Do it to each, and say what became of it."""

    async def one(loaded: Loaded) -> list[Became]:
        found = list[Became]()
        for step in steps_meant(asked.control, loaded.record, asked.code):
            # What was chosen by may be changed by the first of its steps.
            still = None if found else lambda now: now is not None and asked.still(now)
            try:
                event = asked.event(step)
                # Without what was just read: between that and its turn others may have written.
                committed = await engine.happen(loaded.record.id, event, expected=still)
            except RefusedError as refusal:
                found.append(_became(loaded.record, step, Fate.REFUSED, str(refusal)))
            except OvertakenError as overtaken:
                return [_another(overtaken.record or loaded.record)]
            else:
                after = committed.record if committed else loaded.record
                found.append(_became(after, step, Fate.DONE, before=loaded.record))
        return found

    return await _each(engine, asked, ids, one)


def fates(became: Sequence[Became]) -> dict[Fate, int]:
    """How many had which, those that there are."""
    counted = Counter(one.fate for one in became)
    return {fate: counted[fate] for fate in Fate if counted[fate]}


async def _each(engine: Engine, asked: ManyAsked, ids: Sequence[str], one: _One) -> list[Became]:
    gate, loop = asyncio.Semaphore(SIDE_BY_SIDE), asyncio.get_running_loop()
    end = loop.time() + limits.MANY

    async def turn(onboarding_id: str) -> list[Became]:
        async with gate:
            if loop.time() > end:
                return [_unknown(onboarding_id, Fate.NOT_BEGUN, _TIME_IS_OVER)]
            return await _told(engine, asked, onboarding_id, one)

    return [became for found in await asyncio.gather(*map(turn, ids)) for became in found]


async def _told(engine: Engine, asked: ManyAsked, onboarding_id: str, one: _One) -> list[Became]:
    try:
        loaded = await engine.records.load(onboarding_id)
        if loaded is None:
            return [_unknown(onboarding_id, Fate.NOT_FOUND, "There is no such onboarding.")]
        if not asked.still(loaded.record):
            return [_another(loaded.record)]
        return await one(loaded) or [_nothing_to_do(loaded.record, asked)]
    except UnreadableRowError as error:
        return [_unknown(onboarding_id, Fate.FAILED, str(error))]
    except ConflictError:
        return [_unknown(onboarding_id, Fate.FAILED, "It is being changed by many at a time. Nothing was changed.")]
    except Exception:
        log.exception("one of many, %s, failed at %s", onboarding_id, asked.control.name)
        return [_unknown(onboarding_id, Fate.FAILED, _FAILED)]


_TIME_IS_OVER = "The time of one call was over before its turn. Nothing was changed: ask for it once more."
_FAILED = "It could not be read or written now; the log says why. Look at it before you ask for it once more."


def _became(
    record: Record, step: str | None, fate: Fate, said: str = "", before: Record | None = None
) -> Became:
    title = definition_of(record.step(step)).title if step else ""
    problem = (before or record).step(step).problem if step else None
    code = problem.code if problem else None
    return Became(record.id, record.request.gateway.name, step, title, fate, said, record.state, code)


def _unknown(onboarding_id: str, fate: Fate, said: str) -> Became:
    return Became(onboarding_id, None, None, "", fate, said, None)


def _another(record: Record) -> Became:
    said = f"It is not any more what was asked for: it is {record.state}. Nothing was changed."
    return replace(_became(record, None, Fate.REFUSED, said), another=True)


def _nothing_to_do(record: Record, asked: ManyAsked) -> Became:
    with_code = f" that stopped with {asked.code}" if asked.code else ""
    said = f"It has no step{with_code} for which “{asked.control.label}” is possible: it is {record.state}."
    return _became(record, None, Fate.REFUSED, said)
