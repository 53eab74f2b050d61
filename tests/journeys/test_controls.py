"""An operator's hands on the controls, in the whole system: nothing happens that was not asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient

from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support.people import Operator, Simulator, as_seeded, deploying

Json = dict[str, Any]
WAIT, FORM, FIRST = "provisioning-complete", "operator-information", "enable-services"


def step(record: Json, name: str) -> Json:
    return next(s for s in record["steps"] if s["name"] == name)


def stands(name: str, state: str) -> Callable[[Json], bool]:
    return lambda record: bool(step(record, name)["state"] == state)


def start(operator: Operator, body: Json) -> str:
    answer = operator.post(body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def done(operator: Operator, onboarding_id: str, what: str, body: Json | None = None, method: str = "POST") -> Json:
    """Use a control; the record after it."""
    answer = operator.client.request(method, f"/onboardings/{onboarding_id}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def happened(operator: Operator, onboarding_id: str, step: str | None = None) -> list[str]:
    return [e["what"] for e in operator.events(onboarding_id) if step is None or e["step"] == step]


def test_a_paused_one_stands_still_while_others_pass_and_goes_on_when_it_is_resumed(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(provisioningSeconds=None)
    body = gateway()
    onboarding_id = start(operator, body)
    operator.until(onboarding_id, stands(WAIT, "waiting"))
    paused = done(operator, onboarding_id, "pause", {"reason": "a change freeze"})
    assert paused["pause"]["because"] == "a change freeze"
    microsoft.call("POST", "/transitions", {"gateway": body["gateway"]["name"], "status": "Complete"})

    # Another one goes all the way, with as many passes of the timer as that takes.
    microsoft.options(provisioningSeconds=0.5)
    assert operator.completed(start(operator, gateway()))["state"] == "completed"
    still = operator.get(onboarding_id)
    assert (still["state"], still["version"]) == ("paused", paused["version"])
    assert step(still, WAIT)["state"] == "waiting"

    done(operator, onboarding_id, "resume")
    assert operator.completed(onboarding_id)["state"] == "completed"


def test_a_cancel_waits_for_what_runs_and_nothing_is_written_after_it(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.fault(kind="delay", service="arm", method="GET", path="communicationsGateways", seconds=3, times=1)
    onboarding_id = start(operator, gateway())
    operator.until(onboarding_id, stands(FIRST, "running"))
    cancelling = done(operator, onboarding_id, "cancel", {"reason": "the wrong gateway"})
    assert cancelling["state"] == "cancelling"
    assert cancelling["allowedActions"] == []
    again = operator.client.post(f"/onboardings/{onboarding_id}/pause", json={"reason": "wait"})
    assert again.status_code == 409
    ended = operator.until(onboarding_id, lambda r: r["state"] == "cancelled")
    assert step(ended, FIRST)["state"] != "done"
    told = operator.until(onboarding_id, lambda r: any(n["kind"] == "cancelled" and n["sent"] for n in r["notices"]))
    assert told["cancelledBecause"] == "the wrong gateway"
    assert [w for w in microsoft.writes() if not w.endswith("/sendMail")] == []


def test_a_step_that_is_skipped_is_not_waited_for(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(provisioningSeconds=None)
    onboarding_id = start(operator, gateway())
    operator.until(onboarding_id, stands(WAIT, "waiting"))
    done(operator, onboarding_id, f"steps/{WAIT}/skip", {"reason": "selected at deployment"})
    record = operator.completed(onboarding_id)
    assert record["state"] == "completed"
    assert step(record, WAIT)["state"] == "skipped"
    assert happened(operator, onboarding_id, WAIT)[-1] == "skipped"


def test_a_reopened_checkpoint_asks_again_and_what_was_done_is_not_done_twice(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    onboarding_id = start(operator, gateway())
    operator.until(onboarding_id, lambda r: bool(_sent(r, "checkpoint-opened", FORM)), confirm=False)
    operator.confirm(onboarding_id, FORM, "sent")
    operator.until(onboarding_id, stands("portal-access", "waiting"), confirm=False)
    reopened = done(operator, onboarding_id, f"steps/{FORM}/reopen", {"reason": "they want another form"})
    assert step(reopened, FORM)["state"] == "waiting"
    assert step(reopened, "portal-access")["state"] == "pending"
    operator.until(onboarding_id, lambda r: len(_sent(r, "checkpoint-opened", FORM)) == 2, confirm=False)
    ended = operator.completed(onboarding_id)
    assert ended["state"] == "completed"
    assert happened(operator, onboarding_id).count("reopened") == 1
    tasks = [s["name"] for s in ended["steps"] if s["kind"] == "task"]
    assert [happened(operator, onboarding_id, name).count("step-done") for name in tasks] == [1] * len(tasks)


def _sent(record: Json, kind: str, name: str) -> list[Json]:
    return [n for n in record["notices"] if (n["kind"], n["step"]) == (kind, name) and n["sent"]]


def test_other_people_are_told_from_the_change_on(
    operator: Operator, microsoft: Simulator, gateway: Callable[..., Json]
) -> None:
    microsoft.options(dnsDelay=None)
    onboarding_id = start(operator, gateway())
    waits = stands("txt-record-visible", "waiting")
    operator.until(onboarding_id, lambda r: waits(r) and bool(_sent(r, "checkpoint-opened", FORM)), confirm=False)
    team = {"name": "A partner", "email": "partner@example.com"}
    notify = {"emails": ["night@contoso.com"], "teams": False}
    done(operator, onboarding_id, "contacts", {"onboardingTeam": team, "notify": notify}, "PUT")
    record = operator.until(
        onboarding_id, lambda r: waits(r) and len(_sent(r, "checkpoint-opened", FORM)) == 2, confirm=False
    )
    shared = [m["to"] for m in microsoft.call("GET", "/mailbox") if "TXT" in m["subject"]]
    assert shared == [["team@example.com"], ["partner@example.com"]]
    last = _sent(record, "checkpoint-opened", FORM)[-1]["sent"]
    assert [(way["way"], way["to"], way["outside"]) for way in last] == [
        ("email", ["night@contoso.com"], False),
        ("email", ["partner@example.com"], True),
    ]


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud that does not make a lost message good by itself for minutes, nor try again at once."""
    slow = {"ONBOARDING_NUDGE_GRACE": "300", "ONBOARDING_RETRY_FIRST": "5"}
    with Cloud(Ports.free(), folder=tmp_path, overrides=slow) as running:
        yield running
        running.check()


def test_a_message_that_was_given_up_is_told_of_and_sent_again(patient: Cloud) -> None:
    with (
        as_seeded(patient.control) as microsoft,
        closing(Operator(patient.api)) as operator,
        deploying(microsoft, operator) as gateway,
    ):
        # Throttled, so that the message of the next attempt is still to come when the host is gone.
        arm = {"service": "arm", "path": "communicationsGateways"}
        microsoft.fault(kind="status", status=429, retryAfter=3, times=1, **arm)
        onboarding_id = start(operator, gateway())
        operator.until(onboarding_id, problem("throttled"))
        patient.kill("functions")
        give_up(patient, FIRST, "Nobody could read it.")
        patient.start_part("functions")
        record = operator.until(onboarding_id, problem("dead-lettered"))
        # A reason of somebody's own is not repeated: whoever may send could write it.
        seen = step(record, FIRST)["problem"]["seen"]
        assert seen.startswith("Service Bus gave up the message")
        assert "Nobody" not in seen
        assert [a["name"] for a in record["allowedActions"] if a["name"] == "replay"] == ["replay"]
        done(operator, onboarding_id, "replay")
        assert operator.completed(onboarding_id)["state"] == "completed"
        assert {"dead-lettered", "replay-requested"} <= set(happened(operator, onboarding_id))


def problem(code: str) -> Callable[[Json], bool]:
    return lambda record: bool((step(record, FIRST)["problem"] or {}).get("code") == code)


def give_up(cloud: Cloud, queue: str, reason: str) -> None:
    """Take the next message of a queue and give it up for good, as Service Bus does after many deliveries."""
    with (
        ServiceBusClient.from_connection_string(cloud.settings["ServiceBus"]) as client,
        client.get_queue_receiver(queue, max_wait_time=20) as receiver,
    ):
        message = next(iter(receiver), None)
        if message is None:
            pytest.fail(f"no message came to {queue}")
        receiver.dead_letter_message(message, reason=reason)
