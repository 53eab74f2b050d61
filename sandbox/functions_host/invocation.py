"""One run of one function: its context, its arguments, its outputs, and the line that the log gets."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import azure.functions as func
from azure.functions._abc import RetryContext, TraceContext
from azure.functions.meta import Datum

from sandbox.functions_host.app import Binding, Function
from sandbox.functions_host.errors import one_line
from sandbox.functions_host.timespan import format_timespan

log = logging.getLogger("sandbox.functions_host")

LAST_SECONDS = 2.0
"""After functionTimeout, until the real host restarts the worker."""

Publish = Callable[[Binding, Any], Awaitable[None]]
"""Sends what a function put into one of its output bindings."""


class FunctionTimeoutError(Exception):
    """The function ran longer than host.json's functionTimeout."""


class _Trace(TraceContext):
    """No distributed tracing on one machine."""

    trace_state = ""
    trace_parent = ""
    attributes: dict[str, str] = {}  # noqa: RUF012 - read by nobody who would change it


class _Retry(RetryContext):
    """Functions with a retry policy are refused at load, so nothing is ever retried by the host."""

    retry_count = 0
    max_retry_count = 0
    exception = None  # type: ignore[assignment]  # the worker too gives none on a first run


class Context(func.Context):
    """What a parameter named ``context`` gets."""

    thread_local_storage = threading.local()  # type: ignore[assignment]  # the worker gives an instance too
    trace_context = _Trace()
    retry_context = _Retry()
    invocation_id = ""
    function_name = ""
    function_directory = ""

    def __init__(self, function: Function) -> None:
        self.invocation_id = str(uuid.uuid4())
        self.function_name = function.name
        self.function_directory = function.directory


class Out(func.Out[Any]):
    """The box behind an output parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class Invoker:
    """Runs functions: async ones on the event loop, the others in a pool of threads, as the worker does."""

    def __init__(
        self, threads: int, timeout: timedelta | None, publish: Publish, end: Callable[[], None] | None = None
    ) -> None:
        """``end`` ends the process around a function that has reached ``timeout``; without it, it is cancelled."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._timeout = timeout
        self._publish = publish
        self._end = end
        self._running: set[asyncio.Task[Any]] = set()

    async def invoke(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
        """Run the function and send its outputs. Raises whatever it raises, after logging it."""
        task = asyncio.create_task(self._logged(function, data, metadata), name=function.name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await task

    @property
    def running(self) -> int:
        """How many functions run now."""
        return len(self._running)

    async def drain(self, seconds: float, *, cancel: bool = True) -> bool:
        """Let what runs finish for so many seconds, then cancel the rest. True if nothing was cut short."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        cut_short = list(self._running)
        if not cancel:
            return not cut_short
        for task in cut_short:
            log.warning("%s still ran %g s after the stop and was cancelled", task.get_name(), seconds)
            task.cancel()
        if cut_short:
            await asyncio.wait(cut_short, timeout=1)
        return not cut_short

    def close(self) -> None:
        """Give up the threads without waiting for them."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _logged(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
        started = time.perf_counter()
        try:
            result = await self._run(function, data, metadata)
        except Exception as error:
            log.error("Failed %s: %s", function.name, one_line(error, function.directory))
            log.debug("Traceback of %s", function.name, exc_info=True)
            raise
        except asyncio.CancelledError as error:
            log.error("Failed %s: cancelled", function.name)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled the run, so whoever waits for it must not take it for a cancellation of his own.
            raise RuntimeError(f"function {function.name!r} awaited something that was cancelled") from error
        log.info("Executed %s in %.0f ms", function.name, (time.perf_counter() - started) * 1000)
        return result

    async def _run(self, function: Function, data: Datum, metadata: Mapping[str, Datum]) -> Any:
        boxes = {str(b["name"]): Out() for b in function.outputs if b["name"] != "$return"}
        arguments: dict[str, Any] = {str(function.trigger["name"]): function.decode(data, metadata), **boxes}
        if function.wants_context:
            arguments["context"] = Context(function)
        result = await self._bounded(function, arguments)
        if result is not None and function.returns is None:
            raise RuntimeError(f"function {function.name!r} without a $return binding returned a non-None value")
        for binding in function.outputs:
            name = str(binding["name"])
            value = result if name == "$return" else boxes[name].get()
            if value is not None and binding["type"] != "http":
                await self._publish(binding, value)
        return result

    async def _bounded(self, function: Function, arguments: dict[str, Any]) -> Any:
        timeout = self._timeout
        if timeout is not None and self._end is not None:
            return await self._bounded_by_the_process(function, arguments, self._end)
        try:
            async with asyncio.timeout(timeout.total_seconds() if timeout else None) as scope:
                return await self._call(function, arguments)
        except TimeoutError as error:
            if timeout is None or not scope.expired():
                raise
            raise FunctionTimeoutError(
                f"it ran longer than functionTimeout {format_timespan(timeout)} of host.json and was stopped"
            ) from error

    async def _call(self, function: Function, arguments: dict[str, Any]) -> Any:
        if inspect.iscoroutinefunction(function.call):
            return await function.call(**arguments)
        run = contextvars.copy_context().run
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: run(function.call, **arguments))

    async def _bounded_by_the_process(
        self, function: Function, arguments: dict[str, Any], end: Callable[[], None]
    ) -> Any:
        """The real host tells a function nothing: it has failed, and if it doesn't come back its worker is ended."""
        assert self._timeout is not None, "without a bound it ends nothing"
        timeout, task = self._timeout, asyncio.create_task(self._call(function, arguments))
        try:
            if (await asyncio.wait([task], timeout=timeout.total_seconds()))[0]:
                return task.result()
            shown = f"it ran longer than functionTimeout {format_timespan(timeout)} of host.json"
            if not (await asyncio.wait([task], timeout=LAST_SECONDS))[0]:
                log.error("%s: %s, and the process ends with all that runs in it", function.name, shown)
                end()
            raise FunctionTimeoutError(shown)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
