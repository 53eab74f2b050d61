"""The broker's life: listening, its thread, its timer, stopping and starting again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from proton import Event, Handler
from proton.reactor import Container

from sandbox.servicebus.faults import NONE
from sandbox.servicebus.links import Links
from sandbox.servicebus.listener import Listener
from sandbox.servicebus.message import QueueSettings
from sandbox.servicebus.namespace import Namespace
from sandbox.servicebus.queue import Clock
from sandbox.servicebus.wakeup import Wakeup

_STOP_WITHIN = 5.0
"""Seconds; stopping takes milliseconds, so more means that the thread hangs."""

_log = logging.getLogger("sandbox.servicebus")


class PortUnavailableError(Exception):
    """The port can't be listened on; the message says which, why, and how to choose another."""

    def __init__(self, host: str, port: int, problem: OSError) -> None:
        super().__init__(
            f"The Service Bus broker can't listen on {host}:{port}: {problem.strerror or problem}. Stop the"
            " program that uses the port, or choose another with --port (0 means any free port)."
        )


class BrokerFailedError(Exception):
    """The broker's thread ended by an error of its own; the cause is chained."""


class Broker:
    """A Service Bus with the given queues, served by a thread of its own.

    ``port`` 0 means any free port; once started, `port` is the real one, and stays it over a restart.
    ``clock`` gives seconds since the epoch; after moving a clock of your own, call `wake`.

    Messages live as long as this object: stopping and starting it is an outage of the network, for the
    clients; a new Broker on the same port is one that has lost its messages.

    ``faults`` may be set at any time, from any thread; after it, call `wake`.

    Raises ValueError if the queues contradict each other.
    """

    def __init__(
        self,
        queues: Sequence[QueueSettings],
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Clock = time.time,
    ) -> None:
        self.host = host
        self.port = port
        self._clock = clock
        self._namespace = Namespace(queues, clock)
        self.faults = NONE
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None
        self._stopping = False
        self._armed: Any = None  # a proton Task, a name that proton doesn't export
        self._armed_for = 0.0

    @property
    def connection_string(self) -> str:
        """For ``ServiceBusClient.from_connection_string``. The key is a placeholder: any is accepted.

        The SDK keeps the port, and does without TLS, only with ``UseDevelopmentEmulator``.
        """
        return (
            f"Endpoint=sb://{self.host}:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
        )

    @property
    def running(self) -> bool:
        """Whether the broker is serving."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def senders(self) -> int:
        """How many links for sending to queues are attached."""
        return self._links.senders

    def start(self) -> Self:
        """Listen, and serve from now on. Raises PortUnavailableError."""
        if self._thread is not None:
            raise RuntimeError(f"the broker on port {self.port} is already started; stop it first")
        self._stopping, self._failure, self._armed = False, None, None
        self._links = Links(self._namespace, self._clock, lambda: self.faults, self._arm)
        self._container = Container(self._links)
        try:
            self._listener = Listener(self._container, self.host, self.port, lambda: self.faults.silent)
        except OSError as problem:
            raise PortUnavailableError(self.host, self.port, problem) from problem
        self.port = self._listener.port
        self._wakeup = Wakeup(self._on_wake)
        self._container.selectable(self._wakeup)
        self._thread = threading.Thread(target=self._serve, name=f"service-bus-{self.port}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close the port and every client's connection. Raises BrokerFailedError if the thread had failed."""
        if self._thread is None:
            return
        self._stopping = True
        self._wakeup.wake()
        self._thread.join(_STOP_WITHIN)
        if self._thread.is_alive():
            raise BrokerFailedError(f"the broker on port {self.port} didn't stop within {_STOP_WITHIN:g} seconds")
        self._thread = None
        if self._failure is not None:
            raise BrokerFailedError(f"the broker on port {self.port} failed: {self._failure}") from self._failure

    def wake(self) -> None:
        """Look at the clock again now. May be called from any thread."""
        self._wakeup.wake()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- in the broker's thread ---------------------------------------------------------------------------

    def _serve(self) -> None:
        try:
            self._container.run()
        except Exception as failure:  # noqa: BLE001 - kept for the thread that stops or watches the broker
            _log.exception("the broker failed")
            self._failure = failure
            self._listener.close()
        finally:
            self._wakeup.close()

    def _on_wake(self) -> None:
        if self._stopping:
            self._listener.stop()
            self._links.disconnect_all()
            self._container.stop()
        else:
            self._links.deliver_due()

    def _arm(self) -> None:
        """Have the timer go off when the next thing falls due; one that goes off too early does no harm."""
        due = self._links.next_due()
        if due is None or (self._armed is not None and self._armed_for <= due):
            return
        if self._armed is not None:
            self._armed.cancel()
        self._armed_for = due
        self._armed = self._container.schedule(max(0.0, due - self._clock()), _Timer(self))

    def _on_timer(self) -> None:
        self._armed = None
        self._links.deliver_due()


class _Timer(Handler):
    def __init__(self, broker: Broker) -> None:
        super().__init__()
        self._broker = broker

    def on_timer_task(self, event: Event) -> None:
        self._broker._on_timer()
