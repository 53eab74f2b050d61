"""The shell around the rules: load, decide, commit, then carry the effects out.

The commit is one conditional write; whoever loses it loads again and decides again. Effects come after it and may
be lost with the process: the record says what should be happening, so the timer finds and repeats them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from onboarding import limits
from onboarding.bounded import bounded
from onboarding.core.advice import in_real_names
from onboarding.core.decide import Decision, create, decide
from onboarding.core.events import (
    Abandoned,
    AskedByPerson,
    DeadLettered,
    Effect,
    Happening,
    LeftToPeople,
    LookForDrift,
    MakePlan,
    MessageRefused,
    NoticeFailed,
    NoticeSent,
    NoticeStarted,
    Nudge,
    NudgeNotice,
    Postponed,
    SendDaily,
    Started,
    Stopped,
    Succeeded,
)
from onboarding.core.expected_ends import Usual
from onboarding.core.messages import (
    DEAD_LETTERS_QUEUE,
    DeadLetter,
    ForeignMessageError,
    decode,
    queue_of,
)
from onboarding.core.permitted import ANYTHING, Permitted
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StepProblemError, TryLaterError, unexpected_problem
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.core.rules.given_up import given_up
from onboarding.core.rules.tasks import may_write
from onboarding.daily import send_daily
from onboarding.durations import Durations
from onboarding.fence import Permit, WithdrawnError, fenced
from onboarding.hourly import HourlyLimit
from onboarding.notify import Notifying, Outcome, send
from onboarding.planning.drift import look_for_drift
from onboarding.planning.planner import give_up_plan, make_asked
from onboarding.planning.store import Plans
from onboarding.ports import Bus, BusRefusedError, BusUnavailableError, Clock, ConflictError, Directory
from onboarding.reads import Reads
from onboarding.records import Loaded, Records
from onboarding.steps import LIBRARY, definition_of
from onboarding.steps.base import Work, World, expect_agreed, is_by_hand, kept
from onboarding.telemetry.about import About, about, about_this
from onboarding.telemetry.work import attempting, committed, dead, notifying

log = logging.getLogger("onboarding")

CONFLICT_ROUNDS = 50
"""How often a lost write is decided again, before the caller is told to come back."""


class InProgressError(Exception):
    """The gateway has an onboarding which this request would change."""

    def __init__(self, record: Record, differs: list[str]) -> None:
        self.record = record
        self.differs = differs
        super().__init__(f"onboarding {record.id} is {record.state}")


class OvertakenError(Exception):
    """The onboarding is not what the caller has seen any more; `record` is what it is now, None when there is none."""

    def __init__(self, record: Record | None) -> None:
        self.record = record
        super().__init__(f"onboarding {record.id} is at version {record.version}" if record else "no such onboarding")


Expected = Callable[[Record | None], bool]
"""Whether an onboarding is still what a caller has seen, and wants to have changed."""


def _expect(expected: Expected | None, record: Record | None) -> None:
    if expected is not None and not expected(record):
        raise OvertakenError(record)


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a happening."""

    loaded: Loaded
    """The onboarding as it stands now, for the next transition."""
    changed: bool

    @property
    def record(self) -> Record:
        return self.loaded.record


@dataclass(frozen=True, slots=True)
class _Decided:
    """One transition, committed."""

    before: Record
    decision: Decision
    at: datetime
    loaded: Loaded
    """The onboarding as it stands now."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a posted request."""

    record: Record
    created: bool


@dataclass(frozen=True, slots=True)
class Engine:
    """Takes happenings to records, and task messages to steps."""

    records: Records
    bus: Bus
    clock: Clock
    world: World
    policy: Policy
    telling: Notifying
    reads: Reads
    plans: Plans
    durations: Durations
    permitted: Permitted = ANYTHING
    requests: HourlyLimit | None = None
    """Of onboardings that one caller may begin."""

    gathered: Directory | None = None
    """The same directory for many reads at a time, which share requests; None: there is none but the world's own."""
    known: Mapping[str, str | None] = field(default_factory=dict)
    """What this application knows of itself, by the words that stand for it in advice."""

    def reach(self) -> World:
        """The world for one piece of work: what it does there stays within what is permitted."""
        return bounded(self.world, self.permitted)

    def reach_together(self) -> World:
        """The same for a piece of work that reads a lot at a time."""
        return bounded(replace(self.world, directory=self.gathered or self.world.directory), self.permitted)

    @property
    def public_url(self) -> str:
        """Where people reach this application."""
        return self.telling.public_url

    async def happen(
        self,
        onboarding_id: str,
        happening: Happening,
        loaded: Loaded | None = None,
        *,
        expected: Expected | None = None,
    ) -> Committed | None:
        """One transition. None when there is no such onboarding.

        Raises RefusedError when a person asked for what the state does not allow, OvertakenError when the onboarding
        is not as `expected`, ConflictError when the record is so busy that every round was lost. `loaded` saves the
        first read to a caller who has just read it. What is expected is looked at in every round, so nobody can come
        in between.

        What this process wrote last saves that read too: the conditional write tells if somebody came in between. What
        a person asks for, and what would not change anything, is decided by what stands in the table.
        """
        async with self.records.turn(onboarding_id):
            decided = await self._transition(onboarding_id, happening, loaded, expected)
        if decided is None:
            return None
        decision, noted = decided.decision, None
        if decision.changed and decided.loaded.record.settled:
            await self.settle(decided.loaded)
        if decision.changed or decision.effects:
            noted = await self._carry_out(decided.before, decision, decided.at)
        return Committed(noted or decided.loaded, decision.changed)

    async def settle(self, loaded: Loaded) -> None:
        """Nothing more happens to it: how long its steps took is kept, and its row is moved out of the way."""
        await self.durations.keep(loaded.record)
        await self.records.archive(loaded)

    async def _transition(
        self, onboarding_id: str, happening: Happening, loaded: Loaded | None, expected: Expected | None
    ) -> _Decided | None:
        """Decide and commit, until nobody comes in between. None when there is no such onboarding."""
        by_person = isinstance(happening, AskedByPerson) or expected is not None
        written = None if by_person else self.records.written(onboarding_id)
        if written and (loaded is None or written.record.version > loaded.record.version):
            loaded = written
        for _ in range(CONFLICT_ROUNDS):
            loaded = loaded or await self.records.load(onboarding_id)
            _expect(expected, loaded.record if loaded else None)
            if loaded is None:
                return None
            now = self.clock.now()
            failed = getattr(happening, "problem", None) is not None
            told = in_real_names(happening, loaded.record, self.known) if failed else happening
            decision = decide(loaded.record, told, now, self.policy)
            if decision.changed:
                try:
                    saved = await self.records.save(loaded, decision.record)
                except ConflictError as lost:
                    loaded = self.records.instead(lost)
                else:
                    return _Decided(loaded.record, decision, now, saved)
            elif loaded is written:
                loaded = None
            else:
                return _Decided(loaded.record, decision, now, loaded)
        raise ConflictError(f"onboarding {onboarding_id} changed {CONFLICT_ROUNDS} times while it was being written")

    async def _carry_out(self, before: Record | None, decision: Decision, now: datetime) -> Loaded | None:
        """The effects of what was committed. The record has them: when the bus is down, the timer repeats them.

        A step that another version planned has no function and no queue here: it stops at once, and asks for a person.
        Returns the onboarding as it stands then, if the bus refuses a message and that was noted.
        """
        refused: BusRefusedError | None = None
        unknown = [e for e in decision.effects if isinstance(e, Nudge) and e.queue not in LIBRARY]
        with committed(before, decision.record, now) if decision.changed else about(decision.record):
            try:
                await self.bus.publish([e for e in decision.effects if e not in unknown], now)
            except BusRefusedError as error:
                refused = error
            except BusUnavailableError as error:
                log.warning("messages of onboarding %s were not sent; the timer will: %s", decision.record.id, error)
            except Exception:
                log.warning(
                    "messages of onboarding %s were not sent; the timer will", decision.record.id, exc_info=True
                )
        for nudge in (nudge for nudge in unknown if not nudge.again):
            await self.run_step(nudge.onboarding_id, nudge.step, nudge.ticket)
        return await self._note(refused, decision) if refused else None

    async def _note(self, refused: BusRefusedError, decision: Decision) -> Loaded | None:
        """What the bus refuses, on the record. The change before it counts, also if this can't be written."""
        log.error("messages of onboarding %s were not sent: %s", decision.record.id, refused)
        loaded: Loaded | None = None
        for effect in decision.effects:
            problem = refused.problems.get(queue_of(effect))
            if problem is None:
                continue
            if isinstance(effect, MakePlan | LookForDrift | SendDaily):
                continue
            step, notice = (effect.step, None) if isinstance(effect, Nudge) else (None, effect.notice)
            try:
                noted = await self.happen(
                    effect.onboarding_id, MessageRefused(step, notice, effect.ticket, problem), loaded
                )
            except Exception:
                log.exception("that messages of onboarding %s are refused was not noted", decision.record.id)
                return loaded
            loaded = noted.loaded if noted else None
        return loaded

    async def request(
        self,
        request: OnboardingRequest,
        actor: str,
        *,
        again: bool,
        expected: Expected | None = None,
        counted: bool = False,
        usual: Usual | None = None,
    ) -> Accepted:
        """A posted request: a new onboarding, the one there is, or (`again`) a closed one started anew.

        Raises InProgressError when the gateway has another one, OvertakenError as `happen` does, HourlyLimitError when
        the caller has begun too many: each tells people of the requester's choice. `counted`: this one is among those
        already. `usual`: how long steps usually take; None: as is known here.
        """
        for _ in range(CONFLICT_ROUNDS):
            loaded = await self.records.load(request.gateway.onboarding_id)
            _expect(expected, loaded.record if loaded else None)
            if loaded is not None and not (again and loaded.record.closed):
                differs = loaded.record.differences(request)
                if differs or again:
                    raise InProgressError(loaded.record, differs)
                return Accepted(loaded.record, created=False)
            if self.requests is not None and not counted:
                await self.requests.take(actor)
                counted = True
            now = self.clock.now()
            if usual is None:
                usual = await self.durations.usual(now)
            decision = create(request, actor, now, self.policy, loaded.record if loaded else None, usual)
            try:
                await (self.records.save(loaded, decision.record) if loaded else self.records.create(decision.record))
            except ConflictError:
                continue
            noted = await self._carry_out(loaded.record if loaded else None, decision, now)
            return Accepted(noted.record if noted else decision.record, created=True)
        raise ConflictError(f"onboarding {request.gateway.onboarding_id} is being written by many at a time")

    async def begin_planned(self, request: OnboardingRequest, actor: str, usual: Usual, *, again: bool) -> str:
        """An onboarding whose plan is the one that was looked at. Why it does not begin; empty: it has."""
        try:
            await self.request(request, actor, again=again, counted=True, usual=usual)
        except InProgressError as error:
            return f"The gateway has another onboarding, {error.record.id}, which is {error.record.state}."
        return ""

    async def receive(self, nudge: Effect) -> None:
        """A message arrived. Raises OverdueError when it takes too long, so that the message comes again."""
        with about_this(About(nudge.onboarding_id)):
            async with limits.within(limits.MESSAGE, f"{nudge.subject} of {nudge.onboarding_id}"):
                await self._receive(nudge)

    async def _receive(self, nudge: Effect) -> None:
        match nudge:
            case Nudge():
                await self.run_step(nudge.onboarding_id, nudge.step, nudge.ticket, nudge.again)
            case NudgeNotice():
                await self.send_notice(nudge.onboarding_id, nudge.notice, nudge.ticket, nudge.again)
            case MakePlan():
                await make_asked(self, nudge.plan)
            case LookForDrift():
                await look_for_drift(self, nudge.onboarding_id, nudge.last)
            case SendDaily():
                if self.telling.daily is not None:
                    await send_daily(self, self.telling.daily, nudge.day)
            case _ as never:
                assert_never(never)

    async def run_step(self, onboarding_id: str, name: str, ticket: int, again: int = 0) -> None:
        """A message says: look at this step. Whether anything is to be done, the record says."""
        started = await self.happen(onboarding_id, Started(name, ticket, again))
        if started is None or not started.changed:
            log.info("nothing to do for %s of %s (ticket %d)", name, onboarding_id, ticket)
            return
        with attempting(started.record, name):
            try:
                outcome = await self._attempt(started.record, name, ticket)
            except asyncio.CancelledError:
                # The host is stopping, or the message's time is over: what was begun is handed back, and the next
                # attempt finds what is done.
                async with limits.within(limits.HAND_BACK, f"handing {name} of {onboarding_id} back"):
                    await self.happen(onboarding_id, Abandoned(name, ticket))
                raise
            await self.happen(onboarding_id, outcome, started.loaded)

    async def _attempt(self, record: Record, name: str, ticket: int) -> Happening:
        """Do the step once. Everything that can go wrong becomes an outcome that the record keeps."""
        step = record.step(name)
        task = definition_of(step).task
        assert task is not None, f"{name} is no task, and is never due"
        permit = self._permit(record.id, name, ticket)
        repair = record.repair if record.repair and record.repair.step == name else None
        reach = self.reach()
        world = fenced(reach, permit, by_hand=is_by_hand(record.request, reach))
        work = Work(record, world, step, self.clock.now(), again=repair is not None)
        bound = asyncio.timeout(self.policy.step_timeout)
        wrote = False
        try:
            async with bound:
                inspection = await task.inspect(work)
                if inspection.done:
                    return Succeeded(name, ticket, inspection.found, kept(inspection.findings))
                # Before anybody is given a command too: a second person says who becomes Admin, whoever makes it so.
                expect_agreed(inspection, step, repair)
                if by_hand := work.calls_by_hand(inspection):
                    words = "; ".join(change.words for change in inspection.changes)
                    detail = f"{inspection.found} To be done by hand: {words}."
                    return LeftToPeople(name, ticket, detail, by_hand, kept(inspection.findings))
                wrote = True
                applied = await task.apply(work, inspection)
                return Succeeded(name, ticket, applied.did, kept(inspection.findings, applied.findings), wrote)
        except StepProblemError as problem:
            return outcome_of(problem, name, ticket, wrote)
        except WithdrawnError:
            return Abandoned(name, ticket, wrote)
        except Exception as error:
            if bound.expired():
                seconds = self.policy.step_timeout
                slow = TryLaterError(ProblemCode.TIMEOUT, f"The step was broken off after {seconds:.0f} s.")
                return outcome_of(slow, name, ticket, wrote)
            log.exception("step %s of %s failed unexpectedly", name, record.id)
            return outcome_of(unexpected_problem(error), name, ticket, wrote)

    def _permit(self, onboarding_id: str, name: str, ticket: int) -> Permit:
        async def permit() -> None:
            loaded = await self.records.load(onboarding_id)
            if loaded is None or not may_write(loaded.record, name, ticket, self.clock.now()):
                raise WithdrawnError(f"{name} of {onboarding_id}, ticket {ticket}")

        return permit

    async def send_notice(self, onboarding_id: str, notice_id: str, ticket: int, again: int = 0) -> None:
        """A message says: look at this notice. Whether it is still owed, the record says."""
        started = await self.happen(onboarding_id, NoticeStarted(notice_id, ticket, again))
        if started is None or not started.changed:
            log.info("nothing to tell of %s (%s, ticket %d)", onboarding_id, notice_id, ticket)
            return
        notice = next(n for n in started.record.notices if n.id == notice_id)
        with notifying(started.record, notice):
            sent = list(notice.sent)
            try:
                async with asyncio.timeout(self.policy.notice_timeout):
                    notifier = self.reach().notifier
                    outcome = await send(
                        notice, started.record, notifier, self.telling, self.clock, sent, self.permitted
                    )
            except asyncio.CancelledError:
                # Likewise: the ways that it went are kept, so that the next one takes only the others.
                stopping = TryLaterError(ProblemCode.ATTEMPT_LOST, "The function that was sending it was told to stop.")
                async with limits.within(limits.HAND_BACK, f"handing {notice_id} of {onboarding_id} back"):
                    failed = NoticeFailed(notice_id, ticket, stopping.problem, sent=tuple(sent))
                    await self.happen(onboarding_id, failed)
                raise
            except TimeoutError:
                seconds = self.policy.notice_timeout
                slow = TryLaterError(ProblemCode.TIMEOUT, f"Sending it was broken off after {seconds:.0f} s.")
                outcome = Outcome(tuple(sent), slow)
            if outcome.failed is None:
                await self.happen(onboarding_id, NoticeSent(notice_id, ticket, outcome.sent), started.loaded)
            else:
                failed = NoticeFailed(
                    notice_id,
                    ticket,
                    outcome.failed.problem,
                    outcome.retry_after,
                    outcome.sent,
                    outcome.person,
                    outcome.behind,
                )
                await self.happen(onboarding_id, failed, started.loaded)

    async def dead_letter(self, letter: DeadLetter) -> None:
        """Service Bus gave a message up: the reason goes onto the record. What it did not give up is only told of."""
        try:
            nudge = decode(letter.body)
        except ForeignMessageError as error:
            dead("")
            log.error("foreign dead letter: %s", error)
            return
        if letter.queue not in _queues_of(nudge):
            dead("")
            log.error(
                "dead letter of %s: no queue gave it up that its kind goes to, so somebody else sent it. Nothing is"
                " noted; look who may send to the queue %s.",
                nudge.onboarding_id,
                DEAD_LETTERS_QUEUE,
            )
            return
        dead(letter.queue)
        reason = letter.reason.value if letter.reason else ""
        async with limits.within(limits.MESSAGE, f"the dead letter of {nudge.subject} of {nudge.onboarding_id}"):
            known = await self._note_dead(nudge, reason)
        log.warning("dead letter of %s of %s (%s): %s", nudge.subject, nudge.onboarding_id, reason, known)

    async def _note_dead(self, nudge: Effect, reason: str) -> str:
        if isinstance(nudge, MakePlan):
            why = given_up(reason, "made")
            return "noted" if await give_up_plan(self, nudge.plan, why.seen) else "of no importance any more"
        if isinstance(nudge, LookForDrift):
            return "looked at in the next sweep"
        if isinstance(nudge, SendDaily):
            return "sent in some minutes"
        step, notice = (nudge.step, None) if isinstance(nudge, Nudge) else (None, nudge.notice)
        noted = await self.happen(nudge.onboarding_id, DeadLettered(step, notice, nudge.ticket, reason))
        return "unknown" if noted is None else "noted" if noted.changed else "of no importance any more"


def _queues_of(effect: Effect) -> Collection[str]:
    """Where the message of an effect can have been given up. A step's queue is named after what it does."""
    return LIBRARY if isinstance(effect, Nudge) else (queue_of(effect),)


def outcome_of(problem: StepProblemError, name: str, ticket: int, wrote: bool = False) -> Happening:
    """What a step's problem means for the record. `wrote`: it came up when the step had begun to make changes."""
    if isinstance(problem, TryLaterError):
        return Postponed(
            name,
            ticket,
            problem.problem,
            problem.retry_after,
            problem.in_the_end,
            problem.at_most,
            problem.behind,
            wrote,
        )
    return Stopped(name, ticket, problem.problem, wrote)
