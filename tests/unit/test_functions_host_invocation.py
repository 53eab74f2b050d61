"""How the local Functions host runs one function."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.functions.meta import Datum

from sandbox.functions_host.app import QUEUE, Binding, Function
from sandbox.functions_host.invocation import FunctionTimeoutError, Invoker

MESSAGE = Datum("the body", "string")
RETURN = {"type": "serviceBus", "name": "$return", "direction": "OUT", "connection": "c", "queueName": "q"}
OUT = {**RETURN, "name": "out"}


def function(call: Callable[..., Any], *outputs: Binding) -> Function:
    trigger = {"type": QUEUE, "name": "message"}
    return Function(
        "one",
        call,
        str(Path(__file__).parent),
        trigger,
        outputs,
        lambda data, metadata: data.value,
        wants_context=False,
    )


class Published(list[tuple[str, Any]]):
    async def publish(self, binding: Binding, value: Any) -> None:
        self.append((str(binding["name"]), value))


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
def invoker(published: Published) -> Iterator[Invoker]:
    invoker = Invoker(2, timedelta(minutes=1), published.publish)
    yield invoker
    invoker.close()


@pytest.fixture
def impatient(published: Published) -> Iterator[Invoker]:
    invoker = Invoker(2, timedelta(seconds=0.05), published.publish)
    yield invoker
    invoker.close()


async def test_outputs_and_return_value_are_sent(invoker: Invoker, published: Published) -> None:
    async def one(message: str, out: Any) -> str:
        out.set("set")
        assert out.get() == "set"
        return "returned"

    await invoker.invoke(function(one, OUT, RETURN), MESSAGE, {})
    assert published == [("out", "set"), ("$return", "returned")]


async def test_what_is_not_set_is_not_sent(invoker: Invoker, published: Published) -> None:
    async def one(message: str, out: Any) -> None: ...

    await invoker.invoke(function(one, OUT, RETURN), MESSAGE, {})
    assert published == []


async def test_a_failed_function_sends_nothing(invoker: Invoker, published: Published) -> None:
    async def one(message: str, out: Any) -> None:
        out.set("set")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await invoker.invoke(function(one, OUT), MESSAGE, {})
    assert published == []


async def test_a_value_without_a_return_binding_is_an_error(invoker: Invoker) -> None:
    async def one(message: str) -> str:
        return "x"

    expected = "function 'one' without a \\$return binding returned a non-None value"
    with pytest.raises(RuntimeError, match=expected):
        await invoker.invoke(function(one), MESSAGE, {})


async def test_a_synchronous_function_has_the_context_variables(invoker: Invoker) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[tuple[str, bool]] = []

    def one(message: str) -> None:
        seen.append((variable.get(), threading.current_thread() is threading.main_thread()))

    variable.set("here")
    await invoker.invoke(function(one), MESSAGE, {})
    assert seen == [("here", False)]


async def test_the_function_timeout_stops_it(impatient: Invoker, caplog: pytest.LogCaptureFixture) -> None:
    async def one(message: str) -> None:
        await asyncio.Event().wait()

    with pytest.raises(FunctionTimeoutError, match="longer than functionTimeout 00:00:00"):
        await impatient.invoke(function(one), MESSAGE, {})
    assert "Failed one: FunctionTimeoutError" in caplog.text


async def test_a_function_that_reaches_its_timeout_may_end_the_process(
    published: Published, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sandbox.functions_host.invocation.LAST_SECONDS", 0.05)
    ended: list[str] = []
    strict = Invoker(2, timedelta(seconds=0.05), published.publish, lambda: ended.append("ended"))

    async def hanging(message: str) -> None:
        await asyncio.Event().wait()

    async def quick(message: str, out: Any) -> None:
        out.set("set")

    async def failing(message: str) -> None:
        raise ValueError("no")

    await strict.invoke(function(quick, OUT), MESSAGE, {})
    assert published == [("out", "set")]
    with pytest.raises(ValueError, match="no"):
        await strict.invoke(function(failing), MESSAGE, {})
    assert ended == []
    with pytest.raises(FunctionTimeoutError, match=r"it ran longer than functionTimeout 00:00:00 of host\.json"):
        await strict.invoke(function(hanging), MESSAGE, {})
    assert ended == ["ended"]
    assert "the process ends with all that runs in it" in caplog.text
    strict.close()


async def test_one_that_comes_back_within_two_seconds_has_failed_all_the_same(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.functions_host.invocation.LAST_SECONDS", 60)
    strict = Invoker(2, timedelta(seconds=0.05), published.publish, lambda: pytest.fail("it came back"))

    async def late(message: str) -> None:
        await asyncio.sleep(0.1)

    with pytest.raises(FunctionTimeoutError):
        await strict.invoke(function(late), MESSAGE, {})
    strict.close()


async def test_a_timeout_of_the_functions_own_stays_its_own(invoker: Invoker) -> None:
    async def one(message: str) -> None:
        raise TimeoutError("the directory didn't answer")

    with pytest.raises(TimeoutError, match="the directory didn't answer"):
        await invoker.invoke(function(one), MESSAGE, {})


async def test_a_failure_is_one_line_with_its_place_and_without_data(
    invoker: Invoker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def one(message: str) -> None:
        raise ValueError(f"can't\ninput: {message}")

    with pytest.raises(ValueError, match="can't"):
        await invoker.invoke(function(one), MESSAGE, {})
    [record] = caplog.records
    assert record.getMessage().startswith(f"Failed one: ValueError: can't (at {__file__}:")
    assert "the body" not in caplog.text


async def test_a_cancellation_from_within_is_a_failure_like_any_other(invoker: Invoker) -> None:
    async def one(message: str) -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="awaited something that was cancelled"):
        await invoker.invoke(function(one), MESSAGE, {})


async def test_drain_waits_for_what_runs_and_then_cancels(published: Published) -> None:
    invoker, release, started = Invoker(1, None, published.publish), asyncio.Event(), asyncio.Event()

    async def one(message: str) -> None:
        started.set()
        await release.wait()

    running = asyncio.create_task(invoker.invoke(function(one), MESSAGE, {}))
    await started.wait()
    assert await invoker.drain(0.01) is False
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await invoker.drain(0.01) is True
    invoker.close()
