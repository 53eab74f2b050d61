"""All queues of the broker, each with the queue that its dead letters go to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.servicebus.message import QueueSettings
from sandbox.servicebus.queue import Clock, Queue

DEAD_LETTER_SUFFIX = "/$DeadLetterQueue"


def forwarding_problems(queues: Sequence[QueueSettings]) -> list[str]:
    """What is wrong with names and with where dead letters go; empty if nothing is."""
    problems = []
    by_name: dict[str, QueueSettings] = {}
    for queue in queues:
        if queue.name.lower() in by_name:
            problems.append(f"queue '{queue.name}': seen twice, expected once (case doesn't count)")
        by_name.setdefault(queue.name.lower(), queue)
    for queue in queues:
        target, passed = queue.forward_dead_letters_to, {queue.name.lower()}
        where = f"queue '{queue.name}': ForwardDeadLetteredMessagesTo"
        if target is not None and target.lower() not in by_name:
            others = ", ".join(other.name for other in queues if other is not queue) or "(there is none)"
            problems.append(f"{where}: seen '{target}', expected the name of another queue here: {others}")
        while target is not None and target.lower() in by_name:
            if target.lower() in passed:
                problems.append(f"{where}: seen a circle by way of '{target}', expected an end to it")
                break
            passed.add(target.lower())
            target = by_name[target.lower()].forward_dead_letters_to
    return problems


class Namespace:
    """The queues, found by path. Names are case-insensitive, as in the service.

    Raises ValueError, with all reasons, if names repeat or dead letters would go nowhere or in circles.
    """

    def __init__(self, queues: Sequence[QueueSettings], clock: Clock) -> None:
        if problems := forwarding_problems(queues):
            raise ValueError("; ".join(problems))
        self._queues: dict[str, Queue] = {}
        for settings in queues:
            shelf = Queue(QueueSettings(settings.name + DEAD_LETTER_SUFFIX, settings.lock_duration), clock)
            queue = Queue(settings, clock, dead_letters=shelf)
            self._queues.update({queue.name.lower(): queue, shelf.name.lower(): shelf})
        for settings in queues:
            if settings.forward_dead_letters_to is not None:
                target = self._queues[settings.forward_dead_letters_to.lower()]
                self._queues[settings.name.lower()].dead_letters = target

    def __iter__(self) -> Iterator[Queue]:
        return iter(self._queues.values())

    def find(self, path: str) -> Queue | None:
        """The queue at a path such as ``add-domain`` or ``add-domain/$DeadLetterQueue``."""
        return self._queues.get(path.lower())

    def advance(self) -> None:
        """Let every queue carry out what has fallen due."""
        for queue in self:
            queue.advance()

    def next_due(self) -> float | None:
        """When the next thing falls due in any queue (seconds since the epoch); None if never."""
        return min((due for queue in self if (due := queue.next_due()) is not None), default=None)
