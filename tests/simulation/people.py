"""People: a restless operator who does anything at any time, and a diligent one who answers what they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from onboarding.core.decide import RefusedError
from onboarding.core.events import (
    AdminUserApproved,
    CancelRequested,
    ChangeApproved,
    CheckRequested,
    Confirmed,
    ContactsChanged,
    Happening,
    LinkRefused,
    PauseRequested,
    ProblemReported,
    ReopenRequested,
    ReplayRequested,
    ResumeRequested,
    RetryRequested,
    SkipRequested,
)
from onboarding.core.plan import StepKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Record, StepRecord, StepState
from onboarding.core.request import OnboardingRequest, OnboardingTeam
from onboarding.engine import Engine, InProgressError
from onboarding.ports import ConflictError
from tests.simulation.gate import Crash
from tests.simulation.journal import SUBJECT, Subject
from tests.simulation.planned import plan_in
from tests.support import requests

if TYPE_CHECKING:
    from tests.simulation.world import World

ADA = "ada"
BEN = "ben"
"""The second person: he requests nothing."""
ADMIN = "assign-admin-user"
_BOTH = (requests.parsed(requests.operator_connect()), requests.parsed(requests.own_sbc()))
_PLANNED = {step.name: step.plan for request in _BOTH for step in request.plan()}
"""Of both kinds: a step that an onboarding does not have is asked for too."""
_NAMES = list(_PLANNED)
_CONFIRMABLE = [name for name, plan in _PLANNED.items() if plan.confirmable]
_TEAMS = [OnboardingTeam(name=name, email=f"{name}@example.com") for name in ("first", "second")]
_WAITS = [name for name, plan in _PLANNED.items() if plan.kind is StepKind.WAIT]


class People:
    """Everybody who acts through the API."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.actions = 0
        self._meddling: set[asyncio.Task[bool]] = set()

    async def ask(self, request: OnboardingRequest, *, again: bool = False) -> None:
        """Post a request."""

        await plan_in(self.world, request)

        async def post(engine: Engine) -> None:
            await engine.request(request, ADA, again=again)

        await self._do("request", request.gateway.onboarding_id, post)

    async def restless(self, request: OnboardingRequest) -> None:
        """Anything, whether the state allows it or not."""
        random, key = self.world.random, request.gateway.onboarding_id
        choices: tuple[tuple[float, Callable[[], Happening]], ...] = (
            (6, lambda: Confirmed(random.choice(_CONFIRMABLE), ADA, "done")),
            (2, lambda: ProblemReported(random.choice(_CONFIRMABLE), ADA, "it does not work")),
            (4, lambda: RetryRequested(random.choice(_NAMES), ADA)),
            (2, lambda: CheckRequested(random.choice(_WAITS), ADA)),
            (1, lambda: LinkRefused(random.choice(_CONFIRMABLE), "it is expired")),
            (1, lambda: SkipRequested(random.choice(_NAMES), ADA, "done in another way", random.random() < 0.5)),
            (1, lambda: ReopenRequested(random.choice(_NAMES), ADA, "it was not done after all")),
            (1, lambda: ReplayRequested(ADA)),
            (1, lambda: PauseRequested(ADA, "a change freeze")),
            (3, lambda: ResumeRequested(ADA)),
            (1, lambda: ContactsChanged(ADA, onboarding_team=random.choice(_TEAMS))),
            (0.3, lambda: CancelRequested(ADA, "changed my mind")),
            (1, lambda: AdminUserApproved(ADMIN, ADA, self._proposed(key))),
        )
        total = sum(weight for weight, _ in choices)
        if random.random() < 0.1:
            await self.ask(request, again=random.random() < 0.7)
            return
        chosen = random.choices([make for _, make in choices], [w / total for w, _ in choices])[0]
        await self.happen(key, chosen())

    def _proposed(self, key: str) -> str:
        """What she who requested it would so like to say yes to herself."""
        record = self.world.records.get(key)
        problem = record.step(ADMIN).problem if record else None
        return problem.proposal.id if problem and problem.proposal else "anything"

    def meddle(self, key: str) -> None:
        """Right now, in the middle of whatever runs."""
        random, loop = self.world.random, self.world.loop
        happenings: tuple[Happening, ...] = (
            PauseRequested(ADA, "a change freeze"),
            ResumeRequested(ADA),
            CancelRequested(ADA, "changed my mind"),
            SkipRequested(random.choice(_NAMES), ADA, "done in another way", insist=True),
            ReopenRequested(random.choice(_CONFIRMABLE), ADA, "it was not done after all"),
            ContactsChanged(ADA, onboarding_team=random.choice(_TEAMS)),
        )
        # One that nobody has asked about yet, or the timer, is at many: any will do.
        key = key or random.choice(self.world.requests).gateway.onboarding_id
        task = loop.create_task(self.happen(key, random.choice(happenings)))
        self._meddling.add(task)
        task.add_done_callback(self._meddling.discard)

    async def happen(self, key: str, happening: Happening) -> bool:
        """One action; whether it was carried out."""

        async def act(engine: Engine) -> None:
            await engine.happen(key, happening)

        return await self._do(type(happening).__name__, key, act)

    async def answer(self, record: Record) -> None:
        """What a diligent person does on seeing this record."""
        if record.pause is not None:
            await self.happen(record.id, ResumeRequested(ADA))
        for step in record.steps if record.active else ():
            if step.state is StepState.NEEDS_ATTENTION:
                # It may need what a step would have found that somebody skipped.
                skipped = [n for n in _ancestors(record, step.name) if _skipped_by_a_person(record, n)]
                for name in skipped:
                    await self.happen(record.id, ReopenRequested(name, ADA, "it is needed after all"))
                if not skipped:
                    await self.happen(record.id, _word(step) or RetryRequested(step.name, ADA))
            elif step.state is StepState.WAITING and step.plan.kind is StepKind.CHECKPOINT:
                await self.happen(record.id, Confirmed(step.name, ADA, "done"))

    async def _do(self, what: str, key: str, act: Callable[[Engine], object]) -> bool:
        process = self.world.a_process()
        if process is None:
            return False
        self.actions += 1
        subject = Subject("person", key, what)
        token = SUBJECT.set(subject)
        try:
            await act(process.engine)  # type: ignore[misc]
        except (RefusedError, InProgressError) as error:
            said = f"{what} of {key}: {error}, yet {subject.commits}"
            self.world.invariants.hold("what is refused changes nothing", not subject.commits, said)
            return False
        except (Crash, ConflictError, ConnectionError):
            # The caller sees an error, and does not know whether it was done.
            return False
        finally:
            SUBJECT.reset(token)
        return True


def _ancestors(record: Record, name: str) -> list[str]:
    """Everything that a step needs, directly or not, in the order of the plan."""
    needed = {name}
    for step in reversed(record.steps):
        if step.name in needed:
            needed.update(step.plan.needs)
    return [s.name for s in record.steps if s.name in needed and s.name != name]


def _word(step: StepRecord) -> Happening | None:
    """The word that a step asks for, by somebody who may say it."""
    if step.problem is None or step.problem.proposal is None:
        return None
    of_admin = step.problem.code == ProblemCode.ADMIN_USER_NOT_APPROVED
    return (AdminUserApproved if of_admin else ChangeApproved)(step.name, BEN, step.problem.proposal.id)


def _skipped_by_a_person(record: Record, name: str) -> bool:
    step = record.step(name)
    return step.state is StepState.SKIPPED and step.ended_by == ADA
