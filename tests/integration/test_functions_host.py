"""The local Functions host end to end: real HTTP, the genuine Service Bus SDK through the broker, real processes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from sandbox.functions_host import Host
from sandbox.functions_host.host import ENDED_BY_TIMEOUT
from sandbox.functions_host.settings import Settings
from sandbox.functions_host.strictness import Strictness
from sandbox.servicebus import Broker, QueueSettings

SAMPLE = Path(__file__).parent / "apps" / "sample"
REPOSITORY = Path(__file__).parents[2]
BOUND = 15.0
QUEUES = ("orders", "forward", "sealed")
YEARLY = "0 0 0 1 1 *"
T = TypeVar("T")


class Bus:
    """The test's own connection to the broker: the genuine SDK, opened once and closed all at once."""

    def __init__(self, broker: Broker) -> None:
        self._client = ServiceBusClient.from_connection_string(broker.connection_string)
        self._senders: dict[str, ServiceBusSender] = {}
        self._receivers: dict[tuple[str, ServiceBusSubQueue | None], ServiceBusReceiver] = {}

    async def send(self, *messages: str | ServiceBusMessage, queue: str = "orders") -> None:
        if queue not in self._senders:
            self._senders[queue] = self._client.get_queue_sender(queue)
        sent = [ServiceBusMessage(m) if isinstance(m, str) else m for m in messages]
        await within(self._senders[queue].send_messages(sent))

    def receiver(self, queue: str = "orders", sub_queue: ServiceBusSubQueue | None = None) -> ServiceBusReceiver:
        if (queue, sub_queue) not in self._receivers:
            receiver = self._client.get_queue_receiver(queue, sub_queue=sub_queue)
            self._receivers[queue, sub_queue] = receiver
        return self._receivers[queue, sub_queue]

    async def holds(self, *bodies: str, queue: str = "orders", sub_queue: ServiceBusSubQueue | None = None) -> None:
        """Wait until the queue holds exactly these messages, locked ones included."""

        async def exactly() -> bool:
            messages = await self.receiver(queue, sub_queue).peek_messages(max_message_count=10)
            return [str(message) for message in messages] == list(bodies)

        await until(exactly)

    async def close(self) -> None:
        await asyncio.gather(*(link.close() for link in (*self._senders.values(), *self._receivers.values())))
        await self._client.close()


@dataclass
class Running:
    """A host in this process, its app's state, a client for its port and one for its queues."""

    host: Host
    state: Any
    http: httpx.AsyncClient
    bus: Bus


Serve = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def broker() -> Iterator[Broker]:
    orders = QueueSettings("orders", lock_duration=30, max_delivery_count=3)
    others = (QueueSettings("forward"), QueueSettings("sealed"))
    with Broker([orders, QueueSettings("brief", lock_duration=1), *others]) as broker:
        yield broker


@pytest.fixture
def serve(broker: Broker) -> Serve:
    @asynccontextmanager
    async def serving(*off: str, strictness: Strictness | None = None, **values: str) -> AsyncIterator[Running]:
        defaults = {"ServiceBus": broker.connection_string, "ORDERS_QUEUE": "orders", "TICK": YEARLY}
        defaults |= {f"AzureWebJobs.{name}.Disabled": "true" for name in off}
        host, bus = Host(SAMPLE, Settings({**defaults, **values}), strictness=strictness), Bus(broker)
        port = await host.start(0)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                yield Running(host, sys.modules["function_app"].state, http, bus)
        finally:
            await asyncio.gather(host.stop(BOUND), bus.close())

    return serving


async def within(awaitable: Awaitable[T], seconds: float = BOUND) -> T:
    async with asyncio.timeout(seconds):
        return await awaitable


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(BOUND):
        while not await condition():  # noqa: ASYNC110 - other processes and threads set no event
            await asyncio.sleep(0.01)


class TestHttp:
    async def test_a_request_reaches_the_function_and_its_response_comes_back(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            response = await running.http.post(
                "/api/echo/hello%20there?a=1&a=2&b=x", content="the body", headers={"x-test": "seen"}
            )
            seen = response.json()
        assert response.status_code == 201
        assert response.headers["content-type"] == "application/json"
        assert seen.pop("invocation")
        assert seen == {
            "method": "POST",
            "word": "hello there",
            "query": {"a": "1,2", "b": "x"},
            "header": "seen",
            "body": "the body",
            "thread": True,
            "function": "echo",
            "directory": str(SAMPLE),
        }

    @pytest.mark.parametrize(
        ("path", "answer"),
        [
            ("/api/numbers/7", "number 7"),
            ("/api/numbers/seven", "other seven"),
            ("/api/numbers/last", "last"),
            ("/API/Numbers/LAST/", "last"),
            ("/api/numbers/7/8", "rest 7/8"),
            ("/api/numbers/se%0Aven", "other se\nven"),
        ],
    )
    async def test_the_most_specific_route_wins(self, serve: Serve, path: str, answer: str) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get(path)).text == answer

    async def test_an_optional_parameter_may_be_left_out(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get("/api/echo")).json()["word"] is None

    async def test_unknown_paths_and_undeclared_methods_are_404_as_on_the_real_host(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get("/api/unheard-of")).status_code == 404
            assert (await running.http.get("/echo")).status_code == 404
            assert (await running.http.delete("/api/echo")).status_code == 404
            assert (await running.http.head("/api/echo")).status_code == 404
            assert (await running.http.options("/api/echo")).status_code == 404
            assert (await running.http.get("//api/echo")).status_code == 404
            assert (await running.http.get("/api//echo")).status_code == 404

    async def test_a_path_with_a_null_character_is_400(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get("/api/echo/a%00b")).status_code == 400

    async def test_no_body_is_an_empty_one(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.post("/api/echo")).json()["body"] == ""

    async def test_a_declared_head_has_headers_and_no_body(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            response = await running.http.head("/api/probe")
        assert (response.status_code, response.headers["x-probe"], response.content) == (200, "yes", b"")

    async def test_no_return_value_is_204_and_an_exception_500(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get("/api/nothing")).status_code == 204
            response = await running.http.get("/api/broken")
        assert (response.status_code, response.content) == (500, b"")
        assert "Failed broken: LookupError: no such thing" in caplog.text

    async def test_bytes_and_several_cookies_survive(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            response = await running.http.get("/api/cookies")
        assert response.content == b"\x00\xff"
        assert response.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]

    async def test_a_synchronous_function_runs_in_a_thread(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            assert (await running.http.get("/api/sync")).text == "a thread of the pool"

    async def test_a_body_over_the_limit_is_500_as_on_the_real_host(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 8

        async with serve(*QUEUES, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="20") as running:
            assert (await running.http.post("/api/echo", content=b"x" * 20)).status_code == 201
            assert (await running.http.post("/api/echo", content=b"x" * 21)).status_code == 500
            assert (await running.http.post("/api/echo", content=chunks())).status_code == 500
        assert caplog.text.count("Failed echo: the body is larger than FUNCTIONS_REQUEST_BODY_SIZE_LIMIT") == 2

    async def test_each_invocation_is_one_line_without_its_data(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        async with serve(*QUEUES) as running:
            await running.http.post("/api/echo", content="a secret")
        mine = [record for record in caplog.records if record.name in ("root", "sandbox.functions_host")]
        lines = [record.getMessage() for record in mine]
        assert lines[0] == "echo was asked"
        assert len(lines) == 2
        assert lines[1].startswith("Executed echo in ")
        assert "secret" not in caplog.text


class TestAdmin:
    async def test_status_and_functions(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            status = (await running.http.get("/admin/host/status")).json()
            functions = {f["name"]: f for f in (await running.http.get("/admin/functions")).json()}
        assert status["state"] == "Running"
        assert functions["tick"]["trigger"] == "timerTrigger"
        assert functions["orders"]["trigger"] == "serviceBusTrigger"
        assert functions["echo"]["invoke_url_template"].endswith("/api/echo/{word?}")

    async def test_a_timer_function_can_be_run_at_once(self, serve: Serve) -> None:
        async with serve(*QUEUES) as running:
            response = await running.http.post("/admin/functions/tick", json={"input": ""})
            timer = await within(running.state.ticks.get())
        assert response.status_code == 202
        assert timer.past_due is False

    async def test_with_a_master_key_only_ping_is_for_everybody(self, serve: Serve) -> None:
        strict = Strictness(master_key="a key")
        async with serve(*QUEUES, strictness=strict) as running:
            assert (await running.http.get("/admin/host/ping")).status_code == 200
            for path in ("/admin/host/status", "/admin/functions", "/ADMIN/host/status"):
                assert (await running.http.get(path)).status_code == 401
                assert (await running.http.get(path + "?code=another")).status_code == 401
                assert (await running.http.get(path + "?code=a%20key")).status_code == 200
                assert (await running.http.get(path, headers={"x-functions-key": "a key"})).status_code == 200
            assert (await running.http.post("/admin/host/drain")).status_code == 401
            assert not running.host.draining
            assert (await running.http.get("/api/sync")).status_code == 200, "keys of functions are not asked for"

    async def test_other_functions_cant(self, serve: Serve) -> None:
        async with serve() as running:
            refused = await running.http.post("/admin/functions/orders", json={})
            unknown = await running.http.post("/admin/functions/nobody", json={})
        assert (refused.status_code, unknown.status_code) == (400, 404)
        assert "serviceBusTrigger" in refused.json()["error"]


class TestQueue:
    async def test_a_message_arrives_with_the_metadata_that_the_real_host_gives(self, serve: Serve) -> None:
        sent = ServiceBusMessage(
            '{"step": "add-domain"}',
            message_id="m-1",
            subject="step",
            correlation_id="c-1",
            content_type="application/json",
            application_properties={"attempt": 2, "text": "x"},
        )
        async with serve() as running:
            await running.bus.send(sent)
            message = await within(running.state.received.get())
            await running.bus.holds()
        assert message.get_body() == b'{"step": "add-domain"}'
        assert (message.message_id, message.correlation_id) == ("m-1", "c-1")
        assert (message.subject, message.label, message.content_type) == ("step", "step", "application/json")
        assert message.application_properties == message.user_properties == {"attempt": 2, "text": "x"}
        assert (message.delivery_count, message.sequence_number) == (1, 1)
        enqueued = message.enqueued_time_utc
        assert enqueued.tzinfo is None, "the real host leaves the offset out"
        assert abs(datetime.now(UTC) - enqueued.replace(tzinfo=UTC)) < timedelta(minutes=1)

    async def test_a_body_that_is_not_text_arrives_as_it_was(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send(ServiceBusMessage(b"\xff\x00"))
            message = await within(running.state.received.get())
        assert message.get_body() == b"\xff\x00"

    async def test_failures_are_delivered_again_and_end_in_the_dead_letter_queue(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serve() as running:
            await running.bus.send("fail")
            counts = [(await within(running.state.received.get())).delivery_count for _ in range(3)]
            await running.bus.holds("fail", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
            await running.bus.holds()
        assert counts == [1, 2, 3]
        assert running.state.received.empty()
        assert caplog.text.count("Failed orders: ValueError: can't be done") == 3

    async def test_messages_run_concurrently_up_to_the_limit(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send(*["hold"] * 5)
            for _ in range(3):
                await within(running.state.received.get())
            assert running.state.running == 3
            running.state.release.set()
            for _ in range(2):
                await within(running.state.received.get())
            await running.bus.holds()
        assert running.state.most_running == 3, "maxConcurrentCalls of host.json"

    async def test_a_new_message_starts_and_is_settled_while_another_runs(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send("hold")
            await within(running.state.received.get())
            await running.bus.send("quick")
            await within(running.state.received.get())
            await running.bus.holds("hold")
            running.state.release.set()
            await running.bus.holds()

    async def test_a_hundred_messages_are_each_delivered_once(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send(*[str(n) for n in range(100)])
            messages = [await within(running.state.received.get()) for _ in range(100)]
            await running.bus.holds()
        assert sorted(int(message.get_body()) for message in messages) == list(range(100))
        assert {message.delivery_count for message in messages} == {1}
        assert running.state.received.empty()

    async def test_the_lock_of_a_long_run_is_renewed(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        renewals = asyncio.Semaphore(0)
        renew = ServiceBusReceiver.renew_message_lock

        async def counted(receiver: ServiceBusReceiver, message: Any, **options: Any) -> datetime:
            until = await renew(receiver, message, **options)
            renewals.release()
            return until

        monkeypatch.setattr(ServiceBusReceiver, "renew_message_lock", counted)
        async with serve(ORDERS_QUEUE="brief") as running:
            await running.bus.send("hold", queue="brief")
            await within(running.state.received.get())
            for _ in range(3):  # each after half of the lock's second, so the first lock is over by then
                await within(renewals.acquire())
            running.state.release.set()
            await running.bus.holds(queue="brief")
        assert running.state.received.empty(), "delivered once"

    @pytest.mark.loses_connections
    async def test_a_broker_that_was_away_is_found_again(
        self, serve: Serve, broker: Broker, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serve() as running:
            await running.bus.send("before")
            await within(running.state.received.get())
            await running.bus.close()
            broker.stop()

            async def noticed() -> bool:
                return "Can't receive from queue orders" in caplog.text

            await until(noticed)
            broker.start()
            running.bus = Bus(broker)
            await running.bus.send("after")
            assert (await within(running.state.received.get())).get_body() == b"after"
            await running.bus.close()

    @pytest.mark.loses_connections
    async def test_a_message_that_runs_while_the_broker_is_away_is_delivered_again(
        self, serve: Serve, broker: Broker, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serve(ORDERS_QUEUE="brief") as running:
            await running.bus.send("hold", queue="brief")
            await within(running.state.received.get())
            await running.bus.close()
            broker.stop()
            running.state.release.set()
            broker.start()
            again = await within(running.state.received.get())
            assert again.delivery_count == 2
        assert "will be delivered again" in caplog.text

    async def test_a_host_may_be_there_before_its_broker(self, serve: Serve, broker: Broker) -> None:
        broker.stop()
        async with serve() as running:
            assert (await running.http.get("/api/sync")).status_code == 200
            broker.start()
            await running.bus.send("first")
            await within(running.state.received.get())

    async def test_an_output_binding_sends_to_its_queue(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send("this", queue="forward")
            assert (await within(running.state.received.get())).get_body() == b"forwarded this"

    async def test_a_disabled_function_takes_nothing(self, serve: Serve) -> None:
        async with serve("orders") as running:
            await running.bus.send("this", queue="forward")
            await running.bus.holds("forwarded this")
            functions = {f["name"]: f for f in (await running.http.get("/admin/functions")).json()}
        assert functions["orders"]["isDisabled"]
        assert running.state.received.empty()

    async def test_the_keys_of_a_json_body_overwrite_what_service_bus_said_of_it(self, serve: Serve) -> None:
        claims = {
            "DeadLetterSource": "verify-domain",
            "messageid": "m-2",
            "DeliveryCount": 999,
            "SequenceNumber": 7.0,
            "ApplicationProperties": {"DeadLetterReason": "all is well"},
            "Subject": True,
            "CorrelationId": None,
            "ContentType": ["text/plain"],
            "Mine": "x",
        }
        sent = ServiceBusMessage(
            json.dumps(claims), message_id="m-1", correlation_id="c-1", application_properties={"real": 1}
        )
        async with serve() as running:
            await running.bus.send(sent)
            message = await within(running.state.received.get())
        assert message.dead_letter_source == "verify-domain"
        assert (message.message_id, message.delivery_count, message.sequence_number) == ("m-2", 999, 7)
        assert message.application_properties == {"DeadLetterReason": "all is well"}
        assert message.user_properties == {"real": 1}
        assert (message.subject, message.correlation_id, message.content_type) == ("True", "c-1", None)
        assert json.loads(message.get_body()) == claims

    async def test_a_body_that_spoils_its_labels_fails_before_the_function_is_called(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        spoilt = '{"EnqueuedTimeUtc": "x"}'
        async with serve() as running:
            await running.bus.send(spoilt)
            await running.bus.holds(spoilt, sub_queue=ServiceBusSubQueue.DEAD_LETTER)
        assert running.state.received.empty()
        assert caplog.text.count("Failed orders: ValueError: ") == 3

    async def test_a_binary_trigger_gets_bytes_that_nobody_has_looked_into(self, serve: Serve) -> None:
        body = '{"DeadLetterSource": "verify-domain", "EnqueuedTimeUtc": "x"}'
        async with serve() as running:
            await running.bus.send(ServiceBusMessage(body, message_id="m-1"), queue="sealed")
            message = await within(running.state.received.get())
        assert (message.message_id, message.dead_letter_source) == ("m-1", None)
        assert message.get_body() == body.encode()


class TestDrain:
    async def test_queues_and_timers_stop_what_runs_ends_and_http_goes_on(self, serve: Serve) -> None:
        async with serve(TICK="00:00:01") as running:
            await within(running.state.ticks.get())
            await running.bus.send("hold")
            await within(running.state.received.get())
            assert (await running.http.post("/admin/host/drain")).status_code == 202
            status = (await running.http.get("/admin/host/drain/status")).json()
            assert (status["state"], status["outstandingInvocations"]) == ("InProgress", 1)
            await running.bus.send("later")
            running.state.release.set()
            await running.bus.holds("later")

            async def idle() -> bool:
                return bool((await running.http.get("/admin/host/drain/status")).json()["state"] == "Completed")

            await until(idle)
            assert running.state.received.empty()
            assert (await running.http.get("/api/sync")).status_code == 200
            while not running.state.ticks.empty():
                running.state.ticks.get_nowait()
            resumed = await running.http.post("/admin/host/resume")
            assert (resumed.status_code, resumed.json()) == (200, {"state": "Running"})
            assert (await within(running.state.received.get())).get_body() == b"later"
            await within(running.state.ticks.get())
            assert (await running.http.get("/admin/host/drain/status")).json()["state"] == "Disabled"

    async def test_a_drained_host_that_is_told_to_stop_stays_stopped(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send("hold")
            await within(running.state.received.get())
            await running.http.post("/admin/host/drain")
            await running.http.post("/admin/host/resume")
            stopping = asyncio.create_task(running.host.stop(BOUND))
            await asyncio.sleep(0)
            running.state.release.set()
            assert await within(stopping) is True
            await running.bus.send("later")
            await running.bus.holds("later")
            assert running.state.received.empty()


class TestTimer:
    async def test_a_time_span_runs_the_function_again_and_again(self, serve: Serve) -> None:
        async with serve(*QUEUES, TICK="00:00:01") as running:
            timers = [await within(running.state.ticks.get()) for _ in range(2)]
        assert [timer.past_due for timer in timers] == [False, False]
        first, second = (datetime.fromisoformat(timer.schedule_status["Next"]) for timer in timers)
        assert second > first


class TestStop:
    async def test_what_runs_is_finished_and_settled(self, serve: Serve) -> None:
        async with serve() as running:
            await running.bus.send("hold")
            await within(running.state.received.get())
            stopping = asyncio.create_task(running.host.stop(BOUND))

            async def refused() -> bool:
                try:
                    return (await running.http.get("/api/sync")).status_code == 503
                except httpx.ConnectError:
                    return True

            await until(refused)
            assert not stopping.done(), "the function still runs"
            running.state.release.set()
            assert await within(stopping) is True
            await running.bus.holds()

    async def test_what_does_not_end_in_time_is_cancelled_and_its_message_given_back(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serve() as running:
            await running.bus.send("hold")
            await within(running.state.received.get())
            assert await within(running.host.stop(0.05)) is False
            again = await running.bus.receiver().receive_messages(1, max_wait_time=BOUND)
        assert [message.delivery_count for message in again] == [1], "given back at once, not after its lock"
        assert "orders still ran" in caplog.text

    async def test_with_locks_kept_what_does_not_end_in_time_is_left_alone(self, serve: Serve) -> None:
        async with serve(ORDERS_QUEUE="brief", strictness=Strictness(keep_locks=True)) as running:
            await running.bus.send("hold", queue="brief")
            await within(running.state.received.get())
            assert await within(running.host.stop(0.05)) is False
            assert running.state.running == 1, "nobody has told it"
            again = await running.bus.receiver("brief").receive_messages(1, max_wait_time=BOUND)
            assert [message.delivery_count for message in again] == [1], "when its lock has ended"
            running.state.release.set()


@asynccontextmanager
async def process(*options: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The host as its users start it. Killed at the end, if it still runs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.functions_host", "--port", "0", *options,
        cwd=REPOSITORY,
        env={**os.environ, "ServiceBus": "", "ORDERS_QUEUE": "orders", "TICK": YEARLY, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def ready(child: asyncio.subprocess.Process) -> dict[str, Any]:
    assert child.stdout is not None
    word, _, facts = (await within(child.stdout.readline())).decode().partition(" ")
    assert word == "READY"
    return dict(json.loads(facts))


def stop(child: asyncio.subprocess.Process) -> None:
    child.send_signal(signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGTERM)


ENDLESS = """
import asyncio, os, pathlib
import azure.functions as func

app = func.FunctionApp()
marks = pathlib.Path(os.environ["MARKS"])

@app.route()
async def endless(req: func.HttpRequest) -> str:
    (marks / "started").touch()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        (marks / "cancelled").touch()
        raise
"""


KEEPING = """
import atexit, os
import azure.functions as func

app = func.FunctionApp()

class Client:
    def __del__(self):
        os.write(2, b"Unclosed client session")

client = Client()
atexit.register(print, "what was held is sent", flush=True)

@app.route()
async def kept(req: func.HttpRequest) -> str:
    return "kept"
"""


class TestProcess:
    async def test_what_the_app_keeps_for_its_whole_life_is_not_said_to_be_unclosed(self, tmp_path: Path) -> None:
        """Ctrl-C: what was registered for the end is done, and nothing is torn down."""
        shutil.copy(SAMPLE / "host.json", tmp_path)
        (tmp_path / "function_app.py").write_text(KEEPING)
        async with process("--app", str(tmp_path)) as child:
            await ready(child)
            stop(child)
            output, errors = await within(child.communicate())
        assert child.returncode == 0
        assert b"what was held is sent" in output
        assert b"Unclosed" not in errors

    async def test_it_says_ready_and_sigterm_lets_a_request_finish(self, broker: Broker, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        async with process("--app", str(SAMPLE), ServiceBus=broker.connection_string) as child:
            facts = await ready(child)
            assert facts["part"] == "functions_host"
            assert "orders" in facts["functions"]
            async with httpx.AsyncClient(base_url=facts["url"], timeout=BOUND) as http:
                request = asyncio.create_task(http.post("/api/hold", content=str(gate)))

                async def started() -> bool:
                    return gate.with_suffix(".started").exists()

                await until(started)
                stop(child)

                async def closed() -> bool:
                    with socket.socket() as probe:
                        return probe.connect_ex(("127.0.0.1", facts["port"])) != 0

                await until(closed)
                gate.touch()
                assert (await within(request)).text == "released"
            _, errors = await within(child.communicate())
        assert child.returncode == 0
        assert b"Executed hold in " in errors

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that can be ignored")
    async def test_sigterm_may_be_ignored_as_in_azure_and_sigint_still_ends_it(self, broker: Broker) -> None:
        options = ("--app", str(SAMPLE), "--ignore-sigterm")
        async with process(*options, ServiceBus=broker.connection_string) as child:
            facts = await ready(child)
            child.send_signal(signal.SIGTERM)
            async with httpx.AsyncClient() as http:
                assert (await http.get(facts["url"] + "/api/sync")).status_code == 200
            child.send_signal(signal.SIGINT)
            await within(child.communicate())
        assert child.returncode == 0

    async def test_a_function_at_its_timeout_may_end_the_process(self, broker: Broker, tmp_path: Path) -> None:
        app = tmp_path / "app"
        shutil.copytree(SAMPLE, app)
        document = json.loads((app / "host.json").read_text())
        (app / "host.json").write_text(json.dumps({**document, "functionTimeout": "00:00:00.1"}))
        async with process("--app", str(app), "--end-on-timeout", ServiceBus=broker.connection_string) as child:
            facts = await ready(child)
            async with httpx.AsyncClient(base_url=facts["url"], timeout=BOUND) as http:
                with pytest.raises(httpx.HTTPError):
                    await http.post("/api/hold", content=str(tmp_path / "never"))
            _, errors = await within(child.communicate())
        assert child.returncode == ENDED_BY_TIMEOUT
        assert b"hold: it ran longer than functionTimeout 00:00:00 of host.json, and the process ends" in errors

    async def test_a_thread_that_never_ends_does_not_keep_the_process(self, broker: Broker, tmp_path: Path) -> None:
        gate = tmp_path / "never"
        options = ("--app", str(SAMPLE), "--grace", "0.1")
        async with process(*options, ServiceBus=broker.connection_string) as child:
            facts = await ready(child)
            async with httpx.AsyncClient(base_url=facts["url"], timeout=BOUND) as http:
                request = asyncio.create_task(http.post("/api/hold", content=str(gate)))

                async def started() -> bool:
                    return gate.with_suffix(".started").exists()

                await until(started)
                stop(child)
                await within(child.communicate())
                with pytest.raises(httpx.HTTPError):
                    await within(request)
        assert child.returncode == 0

    @pytest.mark.parametrize(("options", "told"), [((), True), (("--keep-locks",), False)])
    async def test_what_still_runs_when_the_process_ends_is_told_so_only_without_kept_locks(
        self, options: tuple[str, ...], told: bool, tmp_path: Path
    ) -> None:
        shutil.copy(SAMPLE / "host.json", tmp_path)
        (tmp_path / "function_app.py").write_text(ENDLESS)
        async with process("--app", str(tmp_path), "--grace", "0.1", *options, MARKS=str(tmp_path)) as child:
            facts = await ready(child)
            async with httpx.AsyncClient(base_url=facts["url"], timeout=BOUND) as http:
                request = asyncio.create_task(http.get("/api/endless"))

                async def started() -> bool:
                    return (tmp_path / "started").exists()

                await until(started)
                stop(child)
                await within(child.communicate())
                with pytest.raises(httpx.HTTPError):
                    (await within(request)).raise_for_status()
        assert child.returncode == 0
        assert (tmp_path / "cancelled").exists() is told

    async def test_a_settings_file_is_read_and_the_environment_wins(self, broker: Broker, tmp_path: Path) -> None:
        values = {"SAMPLE_SETTING": "of the file", "TICK": "nonsense"}
        file = tmp_path / "some.settings.json"
        file.write_text(json.dumps({"IsEncrypted": False, "Values": values}))
        options = ("--app", str(SAMPLE), "--settings", str(file))
        async with process(*options, ServiceBus=broker.connection_string) as child:
            facts = await ready(child)
            async with httpx.AsyncClient() as http:
                assert (await http.get(facts["url"] + "/api/setting")).text == "of the file"

    async def test_a_port_in_use_is_status_3_and_one_sentence(self, broker: Broker) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])
            options = ("--app", str(SAMPLE), "--port", port)
            async with process(*options, ServiceBus=broker.connection_string) as child:
                output, errors = await within(child.communicate())
        assert (child.returncode, output) == (3, b"")
        assert f"Port {port} on 127.0.0.1 is in use" in errors.decode()
        assert "--port" in errors.decode()
        assert "Traceback" not in errors.decode()

    @pytest.mark.parametrize(
        ("environ", "sentence"),
        [
            ({}, "uses the connection 'ServiceBus', but no app setting says where that is"),
            (
                {"ServiceBus": "Endpoint=sb://x/", "TICK": "often"},
                "The schedule of tick can't be used: 'often'",
            ),
        ],
    )
    async def test_a_missing_or_wrong_setting_is_status_1_and_one_sentence(
        self, environ: dict[str, str], sentence: str
    ) -> None:
        async with process("--app", str(SAMPLE), **environ) as child:
            _, errors = await within(child.communicate())
        assert child.returncode == 1
        assert sentence in errors.decode()
        assert "Traceback" not in errors.decode()

    async def test_a_refused_app_is_status_1_with_all_reasons(self, tmp_path: Path) -> None:
        shutil.copy(SAMPLE / "host.json", tmp_path)
        (tmp_path / "function_app.py").write_text(
            "import azure.functions as func\n"
            "app = func.FunctionApp()\n"
            "@app.route()\n"
            "def one(request: func.HttpRequest) -> str: ...\n"
            "@app.route()\n"
            "def two(req: func.TimerRequest) -> str: ...\n"
        )
        async with process("--app", str(tmp_path)) as child:
            _, errors = await within(child.communicate())
        assert child.returncode == 1
        assert "cannot load the one function" in errors.decode()
        assert "cannot load the two function" in errors.decode()
