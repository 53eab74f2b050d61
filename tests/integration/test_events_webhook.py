"""Events to a receiver over HTTPS: signed, retried as it asks, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from onboarding.azure.notifier import AzureNotifier
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import HeldUpError, PersonMustActError, TryLaterError
from onboarding.ports import OutgoingEvent
from onboarding.settings import Settings
from tests.support.adapters import Adapters, connected

BODY = json.dumps({"specversion": "1.0", "id": "an-id:completed:7", "source": "/api", "type": "a.type", "é": "ü"})
EVENT = OutgoingEvent("an-id:completed:7", BODY.encode())
OTHER = SecretStr("whsec_" + "QUJD" * 11)


@pytest.fixture
async def microsoft(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Adapters]:
    async with connected(monkeypatch) as adapters:
        yield adapters


@pytest.fixture
def configured(microsoft: Adapters) -> Settings:
    secret = SecretStr(microsoft.world.seed["events"]["secret"])
    changes = {"events_url": microsoft.microsoft.events_url, "events_secret": secret}
    return microsoft.settings.model_copy(update=changes)


async def told(microsoft: Adapters, settings: Settings) -> bool:
    notifier = AzureNotifier(settings, microsoft.mail.send_mail)
    try:
        return await notifier.event(EVENT)
    finally:
        await notifier.close()


async def test_the_receiver_gets_it_signed_and_whole(microsoft: Adapters, configured: Settings) -> None:
    assert await told(microsoft, configured)
    [got] = microsoft.world.inbox.events
    assert (got["event"], got["wrong"]) == (json.loads(BODY), None)
    assert got["headers"]["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert microsoft.violations() == []


async def test_without_an_address_nobody_is_told(microsoft: Adapters) -> None:
    assert not await told(microsoft, microsoft.settings)
    assert microsoft.sent("events") == []


async def test_while_a_secret_is_replaced_either_will_do(microsoft: Adapters, configured: Settings) -> None:
    both = {"events_secret": OTHER, "events_secret_previous": configured.events_secret}
    assert await told(microsoft, configured.model_copy(update=both))


async def test_another_secret_is_refused_and_shown_nowhere(microsoft: Adapters, configured: Settings) -> None:
    with pytest.raises(PersonMustActError, match="The webhook for events answered 401") as caught:
        await told(microsoft, configured.model_copy(update={"events_secret": OTHER}))
    assert "ONBOARDING_EVENTS_SECRET" in caught.value.what_next
    assert OTHER.get_secret_value() not in f"{caught.value} {caught.value.what_next}"
    assert microsoft.world.inbox.events[0]["wrong"] == "The signature does not fit."


@pytest.mark.parametrize(
    ("status", "code"), [(429, ProblemCode.THROTTLED), (408, ProblemCode.OUTAGE), (503, ProblemCode.OUTAGE)]
)
async def test_a_busy_receiver_is_tried_later(
    microsoft: Adapters, configured: Settings, status: int, code: ProblemCode
) -> None:
    microsoft.fail(service="events", kind="status", status=status, retryAfter=7)
    with pytest.raises(TryLaterError, match=f"answered {status}") as caught:
        await told(microsoft, configured)
    assert (caught.value.code, caught.value.retry_after) == (code, 7)


async def test_within_a_pause_that_it_asked_for_nothing_is_sent(microsoft: Adapters, configured: Settings) -> None:
    microsoft.fail(service="events", kind="status", status=429, retryAfter=60)
    notifier = AzureNotifier(configured, microsoft.mail.send_mail)
    with pytest.raises(TryLaterError):
        await notifier.event(EVENT)
    with pytest.raises(HeldUpError):
        await notifier.event(EVENT)
    await notifier.close()
    assert len(microsoft.sent("events")) == 1


@pytest.mark.parametrize(("status", "why"), [(410, "wants no more"), (302, "No redirect"), (404, "answered 404")])
async def test_what_a_receiver_does_not_take_is_for_a_person(
    microsoft: Adapters, configured: Settings, status: int, why: str
) -> None:
    microsoft.fail(service="events", kind="status", status=status)
    with pytest.raises(PersonMustActError, match=why):
        await told(microsoft, configured)
    assert len(microsoft.sent("events")) == 1


async def test_a_lost_connection_is_tried_later(microsoft: Adapters, configured: Settings) -> None:
    microsoft.fail(service="events", kind="cut")
    with pytest.raises(TryLaterError, match="The webhook for events could not be reached"):
        await told(microsoft, configured)
