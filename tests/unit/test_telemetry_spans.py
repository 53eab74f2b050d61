"""One trace follows an onboarding, whoever works on it, and hangs together however messages come."""

from __future__ import annotations

import azure.functions as func
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from onboarding.azure.service_bus import _message
from onboarding.core.events import Confirmed, Nudge
from onboarding.core.messages import encode
from onboarding.telemetry import ids, spans
from onboarding.telemetry.names import ATTEMPT, ROOT
from onboarding.telemetry.triggers import FunctionFailedError, called, received
from tests.support import requests
from tests.support.steps import CHECKPOINTS, TASKS
from tests.support.system import System, finished
from tests.support.telemetry import Seen, parent, place, seen, traceparent

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

OURS = encode(Nudge("contoso-acg-0123456789", "enable-services", 1))


def message(body: bytes = OURS, **properties: object) -> func.ServiceBusMessage:
    class Message:
        application_properties = properties

        def get_body(self) -> bytes:
            return body

    return Message()  # type: ignore[return-value]


async def accepted(kept: Seen) -> tuple[System, str]:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    with called({"traceparent": CALLER}, None, "a-call-1"):
        record = (await system.request(request)).record
    return system, record.id


async def test_everything_that_happens_is_in_one_trace_that_hangs_together() -> None:
    with seen() as kept:
        _, record = await finished(requests.parsed(requests.operator_connect()))
        everything = kept.spans
    trunk = ids.root_ids(record.id, 1)
    own = [s for s in everything if s.name != "send teams"]
    assert {place(s).trace_id for s in own} == {trunk.trace_id}
    known = {place(s) for s in everything}
    tops = [s for s in everything if parent(s) is None]
    assert [(s.name, place(s)) for s in tops] == [(ROOT.pattern, trunk)]
    assert all(parent(s) in known for s in everything if s not in tops)
    names = {s.name for s in everything}
    assert names >= {ATTEMPT.pattern.format(step=task.name) for task in TASKS}
    assert {"confirmed", "notice completed", "notice checkpoint-opened"} <= names


async def test_an_attempts_span_says_which_and_how_it_ended() -> None:
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        await system.deliver()
        (span,) = kept.named("step enable-services")
    record = await system.record(onboarding_id)
    assert dict(span.attributes or {}) == {
        "onboarding": onboarding_id,
        "gateway": record.request.gateway.name,
        "step": "enable-services",
        "attempt": 1,
        "ticket": 1,
        "outcome": "step-done",
    }
    assert span.kind is SpanKind.INTERNAL


async def test_the_request_is_linked_to_its_callers_trace_and_starts_one_of_its_own() -> None:
    with seen() as kept:
        _, onboarding_id = await accepted(kept)
        (span,) = kept.named("onboarding")
    assert place(span) == ids.root_ids(onboarding_id, 1)
    (link,) = span.links
    assert f"{link.context.trace_id:032x}" in CALLER


async def test_a_second_run_is_a_trace_of_its_own() -> None:
    with seen() as kept:
        system, record = await finished(requests.parsed(requests.operator_connect()))
        await system.request(record.request, again=True)
    assert {place(s) for s in kept.named("onboarding")} == {ids.root_ids(record.id, 1), ids.root_ids(record.id, 2)}


async def test_a_message_carries_the_span_that_sent_it_and_its_step_hangs_on_it() -> None:
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        sender = ids.SpanIds(ids.root_ids(onboarding_id, 1).trace_id, 77)
        with received(message(traceparent=traceparent(sender))):
            await system.engine.receive(Nudge(onboarding_id, "enable-services", 1))
            # Delivered twice: the second finds nothing to do, and tells of no attempt.
            await system.engine.receive(Nudge(onboarding_id, "enable-services", 1))
        (span,) = kept.named("step enable-services")
    assert parent(span) == sender
    assert span.links == ()


@pytest.mark.parametrize(
    "carried", [{}, {"traceparent": CALLER}, {"Diagnostic-Id": CALLER}, {"traceparent": "rubbish"}]
)
async def test_a_message_with_no_trace_or_a_foreign_one_hangs_on_the_root(carried: dict[str, object]) -> None:
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        with received(message(**carried)):
            await system.engine.receive(Nudge(onboarding_id, "enable-services", 1))
        (span,) = kept.named("step enable-services")
    assert parent(span) == ids.root_ids(onboarding_id, 1)
    assert len(span.links) == (CALLER in carried.values())


@pytest.mark.parametrize("foreign", [b"hello", b"{}", OURS.replace(b"}", b', "ApplicationProperties": {}}')])
async def test_the_trace_of_a_foreign_message_is_not_joined(foreign: bytes) -> None:
    """The host puts a body's own ApplicationProperties in the place of those that Service Bus delivered."""
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        nudge = Nudge(onboarding_id, "enable-services", 1)
        with received(message(foreign, traceparent=CALLER)):
            await system.engine.receive(nudge)
        (span,) = kept.named("step enable-services")
    assert parent(span) == ids.root_ids(onboarding_id, 1)
    assert span.links == ()


async def test_the_hosts_own_span_of_the_message_is_the_parent_when_it_is_in_the_trace() -> None:
    """With OpenTelemetry in the host, the worker makes the host's span current before the function runs."""
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        host = ids.SpanIds(ids.root_ids(onboarding_id, 1).trace_id, 99)
        with trace.use_span(trace.NonRecordingSpan(trace.get_current_span(spans._remote(host)).get_span_context())):
            await system.engine.receive(Nudge(onboarding_id, "enable-services", 1))
        (span,) = kept.named("step enable-services")
    assert parent(span) == host


async def test_a_sent_message_says_where_it_comes_from_in_both_forms() -> None:
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        record = await system.record(onboarding_id)
        with spans.within_trace(record):
            sent = _message(Nudge(onboarding_id, "enable-services", 1), system.clock.now())
    expected = traceparent(ids.root_ids(onboarding_id, 1))
    assert sent.application_properties == {"traceparent": expected, "Diagnostic-Id": expected}
    bare = _message(Nudge(onboarding_id, "enable-services", 1), system.clock.now())
    assert not bare.application_properties
    # Only so does Service Bus know a duplicate: what a message carries besides is not part of its id.
    assert bare.message_id == sent.message_id


async def test_an_answer_of_a_person_is_in_the_trace_and_linked_to_the_call() -> None:
    with seen() as kept:
        system, onboarding_id = await accepted(kept)
        for _ in range(5):
            while await system.deliver():
                pass
            system.outside.settle()
            await system.tick()
        with called({"traceparent": CALLER}, onboarding_id, "a-call-1"):
            await system.engine.happen(onboarding_id, Confirmed(CHECKPOINTS[0].name, "ada"))
        (span,) = kept.named("confirmed")
    assert parent(span) == ids.root_ids(onboarding_id, 1)
    assert len(span.links) == 1
    assert "ada" not in str(dict(span.attributes or {}))


async def test_a_failed_attempt_is_an_error_with_the_problems_code() -> None:
    with seen() as kept:
        system, _ = await accepted(kept)
        system.outside.gateways.resources.clear()
        await system.deliver()
        (span,) = kept.named("step enable-services")
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["outcome"] == "step-stopped"
    assert (span.attributes or {})["problem"] == span.status.description == "gateway-gone"
    assert span.events == ()


async def test_what_a_function_raises_is_told_without_what_it_holds() -> None:
    def failing() -> None:
        try:
            raise KeyError("Bearer abcdefghijklmnop")
        except KeyError as error:
            raise RuntimeError("for voice.admin@contoso.com\nand more") from error

    with pytest.raises(FunctionFailedError) as failed, received(message()):
        failing()
    assert str(failed.value) == "RuntimeError: for [address]"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


async def test_without_a_destination_nothing_is_made_and_messages_carry_nothing() -> None:
    assert spans.message_properties() == {}
    _, record = await finished(requests.parsed(requests.operator_connect()))
    assert record.closed
