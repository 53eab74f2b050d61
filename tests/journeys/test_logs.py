"""No secret, token, phone number or mail address in any log, nor in what is exported, whatever goes wrong."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from onboarding.steps import QUEUES
from sandbox.cloud import Cloud
from sandbox.ports import Ports
from tests.support import requests
from tests.support.leaks import leaks
from tests.support.people import BOUND, LOOK_EVERY, Operator, Simulator, as_seeded, deploying

Json = dict[str, Any]

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiIxIn0.c2lnbmF0dXJl"
SIGNATURE = "Zm9vYmFyYmF6cXV4-a-signature"
DEBUGGING = "AzureFunctionsJobHost__logging__logLevel__default"
MAILS = "mails.json"
BODIES = (
    b'{"onboarding": 1, "number": "+442079460101", "who": "voice.admin@contoso.com"}',
    f"Bearer {TOKEN}".encode(),
    b"\xff\xfe+442079460101",
)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of its own, whose Teams webhook leads nowhere, after everything that can go wrong in it has.

    With debugging turned on, as somebody will who looks for a fault: then SDKs log URLs, headers and whole messages.
    """
    folder = tmp_path_factory.mktemp("troubled")
    ports = Ports.free()
    webhook = f"https://127.0.0.1:9/workflows/1/triggers/manual/paths/invoke?sp=run&sig={SIGNATURE}"
    overrides = {"ONBOARDING_TEAMS_WEBHOOK_URL": webhook, DEBUGGING: "Debug"}
    with Cloud(ports, folder=folder, overrides=overrides) as cloud:
        for number, body in enumerate(BODIES):
            _send(cloud, QUEUES[number], body)
        _malformed(cloud)
        _journeys(cloud)
        _until(lambda: log_of(cloud).count("ERROR foreign dead letter") >= len(BODIES), cloud)
        _outages(cloud)
        _exported(cloud)
        yield cloud


def log_of(cloud: Cloud) -> str:
    return (cloud.folder / "logs" / "functions.log").read_text(encoding="utf-8")


def _until(wanted: Callable[[], bool], cloud: Cloud) -> None:
    end = time.monotonic() + BOUND
    while not wanted():
        assert time.monotonic() < end, log_of(cloud)[-3000:]
        time.sleep(LOOK_EVERY)


def _send(cloud: Cloud, queue: str, body: bytes) -> None:
    with (
        ServiceBusClient.from_connection_string(cloud.settings["ServiceBus"]) as client,
        client.get_queue_sender(queue) as sender,
    ):
        sender.send_messages(ServiceBusMessage(body))


def _journeys(cloud: Cloud) -> None:
    with as_seeded(cloud.control) as microsoft:
        operator = Operator(cloud.api)
        with deploying(microsoft, operator) as gateway:
            # Refused, with numbers and addresses in what is refused.
            operator.post({**gateway(), "adminUser": "+442079460101", "surprise": "voice.admin@contoso.com"})
            operator.client.post("/onboardings", content=f'{{"adminUser": "a@b.com", "token": "{TOKEN}", '.encode())
            operator.client.get("/onboardings/voice.admin@contoso.com")
            operator.client.get("/links/WyJjb250b3NvIiwib3BlcmF0b3IiLDMsMTc5MF0.lrW0rUVfJt2hJ8n")
            operator.client.get("/links/not-to-be-read.lrW0rUVfJt2hJ8n")
            assert _opened(operator, "WyJjb250b3NvIiwib3BlcmF0b3IiLDMsMTc5MF0.lrW0rUVfJt2hJ8n") == 403
            # Neither text nor path makes a line of its own.
            operator.client.get("/onboardings/contoso%0A2026-04-01%20ERROR%20all%20is%20lost")
            operator.client.get("/onboardings?state=x%0A2026-04-01%20ERROR%20all%20is%20lost")
            # A user that is not there, a permission that is missing, mail that is refused and cut off, throttling.
            microsoft.fault(kind="status", service="graph", path="sendMail", status=403, times=2)
            microsoft.fault(kind="cut", service="graph", path="sendMail", times=2)
            microsoft.fault(kind="status", service="graph", path="/users", status=429, retryAfter=1, times=1)
            microsoft.fault(kind="status", service="arm", path="testLines", status=500, times=1)
            unknown = gateway(requests.operator_connect(adminUser="nobody.there@contoso.com"))
            stopped = operator.post(unknown).json()["id"]
            operator.until(stopped, lambda r: r["state"] == "needs-attention")
            other = gateway(testLines=[{"name": "OC1", "phoneNumber": "+442079460188"}])
            operator.until(operator.post(other).json()["id"], lambda r: r["state"] == "needs-attention")
            done = operator.post(gateway()).json()["id"]
            operator.completed(done)
            # A signed link, as the onboarding team gets it: opened, and once more when it has been used. Which notices
            # the troubles above kept from going out is a matter of time, so that this onboarding has none of them.
            microsoft.call("DELETE", "/faults")
            body = gateway()
            watched = operator.post(body).json()["id"]
            operator.until(watched, lambda _: bool(_links(microsoft, body["gateway"]["name"])), confirm=False)
            links = _links(microsoft, body["gateway"]["name"])
            for link in links:
                assert _opened(operator, link) == 200
                # As links of earlier versions have it.
                assert operator.client.get(f"/links/{link}").status_code == 200
            operator.completed(watched)
            for link in links:
                assert _opened(operator, link) == 410
            (cloud.folder / MAILS).write_text(json.dumps(_mails(microsoft), indent=1), encoding="utf-8")
        operator.close()


def _mails(microsoft: Simulator) -> list[Json]:
    return list(microsoft.call("GET", "/mailbox"))


def _links(microsoft: Simulator, gateway: str) -> set[str]:
    """The tokens of the links that people have got about that gateway."""
    texts = [text for mail in _mails(microsoft) if re.search(rf"\b{gateway}\b", text := json.dumps(mail))]
    return {link for text in texts for link in re.findall(r"/api/links#([\w.-]+)", text)}


def _opened(operator: Operator, token: str) -> int:
    """The status with which the page behind a link opens it."""
    page = operator.client.get("/links", headers={"accept": "text/html"}).text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[-1]
    return operator.client.post("/outside", data={"csrf": csrf, "link": token}).status_code


def _malformed(cloud: Cloud) -> None:
    """A request that a library logs with all that it holds (aiohttp: `Error handling request`)."""
    held = f"X-Who: voice.admin@contoso.com +442079460101 Bearer {TOKEN} {cloud.settings['IDENTITY_HEADER']} \x01"
    with socket.create_connection(("127.0.0.1", cloud.ports.functions), timeout=10) as client:
        client.sendall(f"GET /api/onboardings HTTP/1.1\r\nHost: x\r\n{held}\r\n\r\n".encode())
        client.recv(1000)


def _outages(cloud: Cloud) -> None:
    """The broker, the storage and Microsoft are gone, while the timer runs and people ask."""
    for part in ("broker", "azurite", "microsoft"):
        cloud.kill(part)
    with httpx.Client(base_url=f"{cloud.api}/api", timeout=60, trust_env=False) as client:
        assert client.get("/onboardings").status_code == 503
        client.post("/onboardings", json=requests.operator_connect())
    _until(lambda: "Failed timer" in log_of(cloud), cloud)
    for part in ("azurite", "broker", "microsoft"):
        cloud.start_part(part)


def _exported(cloud: Cloud) -> None:
    """The simulated Microsoft forgot what was exported before; after one more onboarding there is something again."""
    with as_seeded(cloud.control) as microsoft:
        operator = Operator(cloud.api)
        with deploying(microsoft, operator) as gateway:
            microsoft.fault(kind="status", service="graph", path="sendMail", status=403, times=1)
            _send(cloud, QUEUES[0], BODIES[0])
            operator.completed(operator.post(gateway()).json()["id"])
            _until(lambda: bool(telemetry(cloud, "logs")["logs"]), cloud)
        operator.close()


def telemetry(cloud: Cloud, what: str) -> Json:
    return dict(httpx.get(f"{cloud.control}/telemetry/{what}", trust_env=False, timeout=30).json())


def test_the_functions_log_tells_of_every_trouble_and_leaks_nothing(troubled: Cloud) -> None:
    text = log_of(troubled)
    troubles = (
        "dead letter",
        "Traceback (most recent call last):",
        "Failed timer: FunctionFailedError:",
        "a link was",
        "BadHttpMessage",
    )
    assert [trouble for trouble in troubles if trouble not in text] == []
    assert leaks(text, troubled.settings) == []


def test_nobodys_text_makes_a_line(troubled: Cloud) -> None:
    assert [line for line in log_of(troubled).splitlines() if line.startswith("2026-04-01 ERROR")] == []


def test_lines_say_which_onboarding_they_are_about(troubled: Cloud) -> None:
    assert re.search(r"\[onboarding=journey-\d+-\w+( gateway=journey-\d+)?", log_of(troubled))


@pytest.mark.parametrize("what", ["traces", "metrics", "logs"])
def test_nothing_exported_leaks(troubled: Cloud, what: str) -> None:
    exported = telemetry(troubled, what)
    assert exported[what]
    assert leaks(json.dumps(exported, indent=1), troubled.settings) == []


def test_what_is_looked_for_is_found_where_it_is(troubled: Cloud) -> None:
    """The mailbox and the settings hold what the logs must not: the patterns see it there."""
    mails = (troubled.folder / MAILS).read_text(encoding="utf-8")
    kinds = {leak.partition(":")[0] for leak in leaks(mails, troubled.settings)}
    assert kinds >= {"a mail address", "a signed link"}
    held = "\n".join(f"{name}={value}" for name, value in troubled.settings.items())
    held += f"\n{TOKEN}\nBearer x\n+442079460101"
    kinds = {leak.partition(":")[0] for leak in leaks(held, troubled.settings)}
    assert kinds >= {"a secret of the settings", "a key", "a signature", "a token", "a bearer token", "a phone number"}
