"""Messages that Service Bus gives up: nothing is blocked by them, nothing is lost, and the reason can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from onboarding.core.events import Nudge
from onboarding.core.messages import encode
from sandbox.cloud import Cloud
from tests.support.people import BOUND, LOOK_EVERY, Operator, Simulator

Json = dict[str, Any]
Send = Callable[[str, bytes], None]


@pytest.fixture
def send(cloud: Cloud) -> Iterator[Send]:
    """Put a message on a queue."""
    with ServiceBusClient.from_connection_string(cloud.settings["ServiceBus"]) as client:

        def put(queue: str, body: bytes) -> None:
            with client.get_queue_sender(queue) as sender:
                sender.send_messages(ServiceBusMessage(body))

        yield put


@pytest.fixture
def give_up(cloud: Cloud) -> Iterator[Send]:
    """Have a queue give a message up, as after the last delivery that failed."""
    with ServiceBusClient.from_connection_string(cloud.settings["ServiceBus"]) as client:

        def dead_letter(queue: str, body: bytes) -> None:
            end = time.monotonic() + BOUND
            with client.get_queue_sender(queue) as sender, client.get_queue_receiver(queue) as receiver:
                # The step's function takes them too; it finds nothing to do.
                while time.monotonic() < end:
                    sender.send_messages(ServiceBusMessage(body))
                    for message in receiver.receive_messages(max_wait_time=LOOK_EVERY):
                        receiver.dead_letter_message(message, reason="MaxDeliveryCountExceeded")
                        return
            raise AssertionError(f"no message of {queue} came here")

        yield dead_letter


def log_of(cloud: Cloud) -> str:
    return (cloud.folder / "logs" / "functions.log").read_text(encoding="utf-8")


def test_a_foreign_message_ends_in_the_log_and_blocks_no_queue(
    operator: Operator, gateway: Callable[..., Json], cloud: Cloud, send: Send
) -> None:
    queues = ("add-domain", "notices")
    for queue in queues:
        send(queue, b"hello +442079460101")
        # Its keys could stand in for what Service Bus says of it: nothing beside such a body is looked at.
        send(queue, b'{"hello": "+442079460101", "DeadLetterSource": "onboarding"}')
    assert operator.completed(operator.post(gateway()).json()["id"])["state"] == "completed"
    end = time.monotonic() + BOUND
    while log_of(cloud).count("foreign dead letter: The message is not one") < 2 * len(queues):
        assert time.monotonic() < end, log_of(cloud)[-3000:]
        time.sleep(LOOK_EVERY)
    assert "+442079460101" not in log_of(cloud)


def test_a_message_that_was_given_up_stands_on_the_record_and_is_replayed(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json], cloud: Cloud, send: Send, give_up: Send
) -> None:
    microsoft.fault(kind="status", service="arm", path="communicationsGateways", status=429, retryAfter=4, times=1)
    onboarding_id = operator.post(gateway()).json()["id"]

    def first(record: Json) -> Json:
        return dict(record["steps"][0])

    operator.until(onboarding_id, lambda r: first(r)["state"] == "due" and first(r)["problem"] is not None)
    tickets = [
        change[1]
        for event in operator.events(onboarding_id)
        for path, change in event["changes"].items()
        if path == "steps.enable-services.ticket"
    ]
    letter = encode(Nudge(onboarding_id, "enable-services", tickets[-1]))
    # Whoever may send to that queue alone can say what they like: no queue gave it up.
    send("dead-letters", letter)
    give_up("enable-services", letter)
    record = operator.until(onboarding_id, lambda r: (first(r)["problem"] or {}).get("code") == "dead-lettered")
    assert "Service Bus gave up" in first(record)["problem"]["seen"]
    assert [e["what"] for e in operator.events(onboarding_id)].count("dead-lettered") == 1
    assert f"dead letter of {onboarding_id}: no queue gave it up" in log_of(cloud)
    assert operator.completed(onboarding_id)["state"] == "completed"
