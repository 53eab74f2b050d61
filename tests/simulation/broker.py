"""Service Bus in simulated time: messages are lost, doubled, late and out of order, and come again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from onboarding.core.messages import DeadLetter, DeadLetterReason, decode, kind_of_message
from onboarding.memory.bus import Published
from tests.simulation.chaos import HOUR, MINUTE
from tests.simulation.gate import Crash
from tests.simulation.journal import SUBJECT, Subject

if TYPE_CHECKING:
    from tests.simulation.world import Host, World

MAX_DELIVERIES = 10
"""As in infra/servicebus/Config.json; then it is a dead letter."""
LOCK = MINUTE
"""How long a message stays with a handler that died."""
LIFE = HOUR
"""A message that nobody took for so long is dropped."""
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class GivenUp(Published):
    """A dead letter."""

    source: str


class Broker:
    """Every message of the application goes through here."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.delivered = 0
        self.dead = 0
        self._tasks = 0

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

    def foreign(self) -> None:
        """Somebody else sends something to a queue."""
        self.carry(Published("add-domain", "foreign", b'{"hello": "world"}', self.world.now()))

    def _arrive(self, message: Published, count: int, first: float) -> None:
        world = self.world
        host = None if world.down("bus") else world.a_process()
        if host is None:
            world.loop.call_later(world.random.uniform(1, 20), self._arrive, message, count, first)
        elif world.loop.time() - first > LIFE:
            world.journal.note(f"{world.stamp()} broker: expired {message.message_id}")
        elif count <= MAX_DELIVERIES:
            self.delivered += 1
            self._tasks += 1
            task = world.loop.create_task(self._handle(host, message, count, first), name=f"{self._tasks:09d}")
            host.tasks.add(task)
            task.add_done_callback(host.tasks.discard)
        elif message.queue != DEAD_LETTERS:
            self.dead += 1
            world.journal.note(f"{world.stamp()} broker: dead letter {message.message_id}")
            letter = GivenUp(DEAD_LETTERS, message.message_id, message.body, message.due, message.queue)
            world.loop.call_soon(self._arrive, letter, 1, world.loop.time())

    async def _handle(self, host: Host, message: Published, count: int, first: float) -> None:
        world = self.world
        again = partial(self._arrive, message, count + 1, first)
        try:
            await self._function(host, message)()
        except Crash:
            world.loop.call_later(LOCK, again)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the host gives the message back
            world.journal.note(f"{world.stamp()} {host.name} [{SUBJECT.get()}] gave back: {type(error).__name__}")
            world.loop.call_soon(again)

    def _function(self, host: Host, message: Published) -> Callable[[], Awaitable[None]]:
        """What the trigger of its queue does."""
        if isinstance(message, GivenUp):
            SUBJECT.set(Subject("dead-letter", name=message.message_id))
            letter = DeadLetter(message.body, message.message_id, message.source, DeadLetterReason.DELIVERIES)
            return partial(host.engine.dead_letter, letter)
        effect = decode(message.body)
        SUBJECT.set(Subject(kind_of_message(effect), effect.onboarding_id, effect.subject, effect.ticket))
        return partial(host.engine.receive, effect)
