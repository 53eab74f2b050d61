"""The host: the app's functions, each behind its trigger, from start to an orderly stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from sandbox.functions_host.admin import Admin
from sandbox.functions_host.app import HTTP, QUEUE, TIMER, Function, load_app
from sandbox.functions_host.connections import Connections
from sandbox.functions_host.errors import HostError
from sandbox.functions_host.hostjson import HostConfig
from sandbox.functions_host.http import BODY_LIMIT, HttpServer
from sandbox.functions_host.invocation import Invoker
from sandbox.functions_host.servicebus import QueueListener
from sandbox.functions_host.settings import Settings
from sandbox.functions_host.strictness import Strictness
from sandbox.functions_host.timer import Clock, StatusFile, SystemClock, Timer

log = logging.getLogger("sandbox.functions_host")

LOOPBACK = "127.0.0.1"
CLOSE_SECONDS = 3.0
ENDED_BY_TIMEOUT = 70
"""Exit status of a host that ended with a function that reached functionTimeout."""


class Host:
    """Serves one function app. Everything that can be wrong with it is raised before anything is served.

    ``clock`` drives the timers; ``timer_state`` is the file in which they remember their last run, so that
    a start after a missed occurrence is past due. Without it nothing is remembered.
    """

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        *,
        clock: Clock | None = None,
        timer_state: Path | None = None,
        strictness: Strictness | None = None,
    ) -> None:
        self._strictness = strictness or Strictness()
        self.config = HostConfig.load(directory / "host.json")
        self.functions = load_app(directory, settings)
        self._connections = Connections(settings)
        self._invoker = Invoker(
            _whole(settings, "PYTHON_THREADPOOL_THREAD_COUNT", min(32, (os.cpu_count() or 1) + 4)),
            self.config.function_timeout,
            self._connections.publish,
            _end if self._strictness.end_on_timeout else None,
        )
        enabled = [function for function in self.functions if not function.disabled]
        self._check_outputs(enabled)
        self._admin = Admin(self.functions, self.config.route_prefix, self, self._strictness.master_key)
        self._http = HttpServer(
            _of(enabled, HTTP),
            self.config.route_prefix,
            self._invoker,
            self._admin,
            _whole(settings, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", BODY_LIMIT),
        )
        self._queues = [
            QueueListener(function, settings, self.config, self._connections, self._invoker)
            for function in _of(enabled, QUEUE)
        ]
        self._status_file, clock = StatusFile(timer_state), clock or SystemClock()
        silence = self._strictness.timer_silence if self._status_file.take() else timedelta()
        self._timers = {
            function.name: Timer(function, settings, self._invoker, clock, self._status_file, silence)
            for function in _of(enabled, TIMER)
        }
        self._listening: list[asyncio.Task[None]] = []
        self._ticking: dict[str, asyncio.Task[None]] = {}
        self._asked: set[asyncio.Task[None]] = set()
        self.draining = False

    async def start(self, port: int = 7071) -> int:
        """Listen on 127.0.0.1 and start every trigger; return the port. Raises PortInUseError.

        A broker that isn't there yet is no error: its queues are tried again until it is.
        """
        bound = await self._http.start(LOOPBACK, port)
        self._listening = [asyncio.create_task(queue.run()) for queue in self._queues]
        self._ticking = {name: asyncio.create_task(timer.run()) for name, timer in self._timers.items()}
        return bound

    @property
    def running(self) -> int:
        """How many functions run now."""
        return self._invoker.running

    def drain(self) -> None:
        """Queues and timers begin nothing more; what runs ends and is completed, and HTTP goes on."""
        self.draining = True
        for queue in self._queues:
            queue.stop()
        for timer in self._timers.values():
            timer.stop()

    def resume(self) -> None:
        """Queues and timers go on after a drain."""
        if not self.draining or self._admin.stopping:
            return
        self.draining = False
        for queue in self._queues:
            queue.resume()
        pairs = zip(self._queues, self._listening, strict=True)
        self._listening = [asyncio.create_task(queue.run(before)) for queue, before in pairs]
        for name, timer in self._timers.items():
            timer.resume()
            if self._ticking[name].done():
                self._ticking[name] = asyncio.create_task(timer.run())

    async def stop(self, seconds: float = 10.0, end: Callable[[], None] | None = None) -> bool:
        """Take nothing new, let what runs finish for so many seconds, settle every message that is held.

        Returns whether everything finished. What didn't was cancelled and its message abandoned (unless locks are
        kept); the thread of a synchronous function can't be stopped and may still run. A second stop does nothing.
        ``end`` ends the process around what didn't finish: to close anything would tell it so.
        """
        if self._admin.stopping:
            return True
        self._admin.stopping = True
        self.drain()
        await self._http.refuse_new()
        finished = await self._invoker.drain(seconds, cancel=not self._strictness.keep_locks)
        self._status_file.give_back()
        if end is not None and not finished:
            end()
        for task in (*self._ticking.values(), *self._asked):
            task.cancel()
        await self._close(self._listening)
        await self._http.close()
        await self._close([asyncio.create_task(self._connections.close())])
        self._invoker.close()
        return finished

    @staticmethod
    async def _close(tasks: Sequence[asyncio.Task[None]]) -> None:
        """Wait for tasks that talk to a broker, which may be gone and never answer."""
        if not tasks:
            return
        _, waiting = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in waiting:
            log.warning("Closing the connections to Service Bus took too long; some messages stay locked")
            task.cancel()

    def run_timer(self, name: str) -> None:
        """Run a timer function now, and don't wait for it."""
        task = asyncio.create_task(self._timers[name].run_once())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    def _check_outputs(self, functions: list[Function]) -> None:
        for function in functions:
            for binding in function.outputs:
                if binding["type"] == "serviceBus":
                    self._connections.check(str(binding["connection"]), f"An output of {function.name}")


def _end() -> None:
    logging.shutdown()
    os._exit(ENDED_BY_TIMEOUT)


def _of(functions: list[Function], kind: str) -> list[Function]:
    return [function for function in functions if function.kind == kind]


def _whole(settings: Settings, name: str, default: int) -> int:
    text = settings.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise HostError(f"The app setting {name} is '{text}'; expected a whole number of at least 1.")
    return int(text)
