"""Service Bus in simulated time: messages are lost, doubled, late and out of order, and come again when a handler fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from onboarding.core.events import Nudge
from onboarding.core.messages import decode
from onboarding.memory.bus import Published
from tests.simulation.chaos import HOUR, MINUTE
from tests.simulation.gate import Crash
from tests.simulation.journal import SUBJECT, Subject

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_DELIVERIES = 10
"""As in infra/servicebus/Config.json; then it is a dead letter."""
LOCK = MINUTE
"""How long a message stays with a handler that died."""
LIFE = HOUR
"""A message that nobody took for so long is dropped."""


class Broker:
    """Every message of the application goes through here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead: list[Published] = []
        self.delivered = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def carry(self, message: Published) -> None:
        """Take a message; what becomes of it, the seed says."""
        world, chaos, random = self.world, self.world.chaos, self.world.random
        due = world.loop_time(message.due)
        if chaos.drop and random.random() < chaos.drop:
            world.journal.note(f"{world.stamp()} broker: lost {message.message_id}")
            return
        copies = 1 + (chaos.duplicate > 0 and random.random() < chaos.duplicate)
        for _ in range(copies):
            late = random.choice((0.5, 5.0, 90.0, 600.0)) if chaos.late and random.random() < chaos.late else 0.0
            at = max(world.loop.time(), due) + random.uniform(0.001, 0.05) + late
            world.loop.call_at(at, self._arrive, message, 1, at)

    def _arrive(self, message: Published, count: int, first: float) -> None:
        world = self.world
        process = None if world.down("bus") else world.a_process()
        if process is None:
            world.loop.call_later(world.random.uniform(1, 20), self._arrive, message, count, first)
        elif count > MAX_DELIVERIES:
            world.journal.note(f"{world.stamp()} broker: dead letter {message.message_id}")
            self.dead.append(message)
            world.dead_letter(message)
        elif world.loop.time() - first <= LIFE:
            self.delivered += 1
            task = world.loop.create_task(self._handle(process.engine, process.name, message, count, first))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _handle(self, engine: object, process: str, message: Published, count: int, first: float) -> None:
        world = self.world
        effect = decode(message.body)
        step = isinstance(effect, Nudge)
        name = effect.step if isinstance(effect, Nudge) else effect.notice
        SUBJECT.set(Subject("step" if step else "notice", effect.onboarding_id, name, effect.ticket))
        try:
            await engine.receive(effect)  # type: ignore[attr-defined]
        except Crash:
            world.loop.call_later(LOCK, self._arrive, message, count + 1, first)
        except Exception as error:  # noqa: BLE001 - the host gives the message back, whatever it was
            world.journal.note(f"{world.stamp()} {process} [{SUBJECT.get()}] gave back: {type(error).__name__}")
            world.loop.call_soon(self._arrive, message, count + 1, first)
