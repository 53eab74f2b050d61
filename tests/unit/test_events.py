"""What a program is told: events that are CloudEvents, signed, named once, and owed only where there is a program."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from onboarding.core.notices import FOR_PROGRAMS, NoticeKind
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.webhook_signature import secret_problem, signed_headers
from onboarding.notices.event import EVENT_TYPES, OnboardingEvent, event_type
from onboarding.notify import Notifying
from tests.support import requests
from tests.support.http import app_settings
from tests.support.system import TELLING, System
from tests.unit.test_openapi import check, described

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://contoso.service-now.com/api/x/onboarding"
ATTRIBUTES = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data"}


def told() -> System:
    """A system with a program to be told."""
    telling = Notifying(TELLING.public_url, link_key=TELLING.link_key, events=True)
    return System(policy=Policy(tells_programs=True), telling=telling)


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    """Standard Webhooks 1.0.0, `test_sign_function` of its library for Python."""
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [SECRET])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_while_a_secret_is_replaced_both_sign() -> None:
    both = signed_headers("an-id", 1, b"{}", [SECRET, "whsec_" + "QUJD" * 11])["webhook-signature"].split(" ")
    assert len(set(both)) == 2
    assert all(one.startswith("v1,") for one in both)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_dG9vIHNob3J0", "whsec_not base64!" * 3, "whsec_" + "QUJD" * 22]
)
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    problem = secret_problem(secret)
    assert problem == "must be whsec_ and 24 to 64 random bytes in base64"


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso.example/events",
        "https://user:password@contoso.example/",
        "https://[::1]/",
        "https://contoso.example\\@evil.example/",
        "https://contoso.example:0/",
        "contoso.example",
        "https://",
    ],
)
def test_only_https_to_a_host_that_every_parser_reads_alike(url: str) -> None:
    with pytest.raises(ValidationError, match="https:// URL of a host that is a name"):
        app_settings(events_url=url, events_secret=SECRET)


def test_no_event_goes_unsigned() -> None:
    with pytest.raises(ValidationError, match="no event goes unsigned"):
        app_settings(events_url=URL)
    # The front only says that there is something to tell; the steps' app tells it.
    assert app_settings(events_url=URL, functions="front").policy.tells_programs
    assert not app_settings().policy.tells_programs


async def test_a_program_is_told_from_the_request_to_the_end() -> None:
    system = told()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    record = await system.run((await system.request(request)).record.id)
    events = [json.loads(event.body) for event in system.outside.notifier.events]
    types = [event["type"] for event in events]
    assert types[0] == "operator-connect.onboarding.requested"
    assert types[-1] == "operator-connect.onboarding.completed"
    ended = [event["data"]["step"] for event in events if event["type"] == event_type(NoticeKind.STEP_ENDED)]
    assert sorted(ended) == sorted(step.name for step in record.steps)
    assert {"operator-connect.onboarding.checkpoint-opened"} < set(types)
    for event in events:
        assert set(event) == ATTRIBUTES
        assert (event["specversion"], event["subject"]) == ("1.0", record.id)
        assert event["source"] == "https://onboarding.example.com/api"
        assert datetime.fromisoformat(event["time"]).tzinfo is not None
        check(event["data"], "OnboardingEvent")
    ids = [event.id for event in system.outside.notifier.events]
    assert len(set(ids)) == len(ids)
    assert all("." not in one and one.isascii() for one in ids)
    # People see on the pages what only programs are told.
    titles = {post.title for post in system.outside.notifier.posts}
    assert not {title for title in titles if "requested" in title or "a step has ended" in title}


async def test_without_a_program_nothing_is_owed_to_one() -> None:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    record = await system.run((await system.request(request)).record.id)
    assert not system.outside.notifier.events
    assert not {notice.kind for notice in record.notices} & FOR_PROGRAMS


async def test_an_event_that_is_not_taken_is_sent_again_with_the_same_id_and_people_are_not_told_twice() -> None:
    system = told()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    refused = TryLaterError(ProblemCode.THROTTLED, "The webhook for events answered 429.", 600)
    system.outside.notifier.faults.add("event", refused)
    onboarding = (await system.request(request)).record.id
    while await system.deliver():
        pass
    waiting = next(n for n in (await system.record(onboarding)).notices if n.kind == NoticeKind.REQUESTED)
    assert waiting.problem is not None
    assert waiting.next_attempt_at is not None
    assert (waiting.next_attempt_at - system.clock.now()).total_seconds() >= 600
    record = await system.run(onboarding)
    requested = next(n for n in record.notices if n.id == waiting.id)
    assert [d.way for d in requested.sent] == ["events"]
    sent = [json.loads(e.body)["id"] for e in system.outside.notifier.events]
    assert sent.count(f"{onboarding}:{waiting.id}") == 1
    completed = [post for post in system.outside.notifier.posts if "is connected" in post.title]
    assert len(completed) == 1


def test_every_kind_of_notice_has_a_type_and_the_document_names_each() -> None:
    assert set(EVENT_TYPES) == set(NoticeKind)
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    for kind, meaning in EVENT_TYPES.items():
        assert f"| `{event_type(kind)}` | {meaning} |" in text
    for name, field in OnboardingEvent.model_json_schema(by_alias=True)["properties"].items():
        assert f"| `{name}` |" in text, field


def test_the_description_has_the_events_too() -> None:
    [name] = described()["webhooks"]
    posted = described()["webhooks"][name]["post"]
    assert set(posted["requestBody"]["content"]) == {"application/cloudevents+json"}
    assert {p["name"] for p in posted["parameters"]} == {"webhook-id", "webhook-timestamp", "webhook-signature"}
