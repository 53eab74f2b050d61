"""How many onboardings a caller may begin in an hour, and how many people are written to: nobody chooses thousands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

import azure.functions as func
import pytest

from onboarding import app
from onboarding.azure.notifier import AzureNotifier
from onboarding.core.events import CancelRequested
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import StoreBusyError, TryLaterError
from onboarding.hourly import HourlyLimit, HourlyLimitError
from onboarding.memory import ManualClock, MemoryTable
from onboarding.ports import ConflictError, Notification, Row
from onboarding.settings import settings
from tests.support import requests
from tests.support.http import Api, app_settings, content
from tests.support.system import System

SETTING = "ONBOARDING_REQUESTS_PER_HOUR"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    settings.cache_clear()
    app.engine.cache_clear()


def limit(per_hour: int, table: MemoryTable | None = None, clock: ManualClock | None = None) -> HourlyLimit:
    return HourlyLimit(
        MemoryTable() if table is None else table, clock or ManualClock(), per_hour, "Onboardings begun", SETTING
    )


async def taken(hourly: HourlyLimit, times: int, who: str = "ada") -> int:
    """How many of so many at once were let through."""
    results = await asyncio.gather(*(hourly.take(who) for _ in range(times)), return_exceptions=True)
    assert not [r for r in results if r is not None and not isinstance(r, HourlyLimitError)]
    return results.count(None)


async def test_as_many_as_are_permitted_and_no_more_until_the_next_hour() -> None:
    clock = ManualClock()
    clock.advance(3600 - clock.now().minute * 60 - clock.now().second + 600)
    hourly = limit(3, clock=clock)
    assert await taken(hourly, 5) == 3
    with pytest.raises(HourlyLimitError, match=rf"begun: 3 in an hour are permitted \({SETTING}\); try") as refused:
        await hourly.take("ada")
    assert refused.value.retry_after == 3000
    clock.advance(2999)
    assert await taken(hourly, 1) == 0
    clock.advance(1)
    assert await taken(hourly, 5) == 3


async def test_each_caller_has_their_own_whatever_they_are_called() -> None:
    hourly = limit(1)
    for who in ("ada", "bob", "", "a/b\\c#d?e\x00", "\ud800", "x" * 5000):
        assert await taken(hourly, 2, who) == 1


async def test_two_instances_count_together() -> None:
    table, clock = MemoryTable(), ManualClock()
    both = await asyncio.gather(taken(limit(10, table, clock), 9), taken(limit(10, table, clock), 9))
    assert sum(both) == 10


async def test_a_caller_has_one_row_however_many_hours_pass() -> None:
    table, clock = MemoryTable(), ManualClock()
    for _ in range(5):
        await limit(2, table, clock).take("ada")
        clock.advance(3600)
    assert [write[0] for write in table.writes] == ["insert", *["replace"] * 4]
    assert "ada" not in str(table.writes)


async def test_what_is_more_than_an_hours_at_once_takes_a_whole_hour() -> None:
    hourly = limit(5)
    await hourly.take(count=21)
    with pytest.raises(HourlyLimitError):
        await hourly.take()


async def test_no_limit_counts_nothing() -> None:
    table = MemoryTable()
    assert await taken(limit(0, table), 100) == 100
    assert table.writes == []


async def test_a_count_that_is_always_lost_is_told_and_not_waited_for() -> None:
    class Busy(MemoryTable):
        async def insert(self, row: Row) -> str:
            raise ConflictError("somebody was faster")

    with pytest.raises(StoreBusyError, match="by many at a time"):
        await limit(5, Busy()).take()


# -- requests --------------------------------------------------------------------------------------------------


def gateway(number: int) -> dict[str, object]:
    body = requests.operator_connect(notify={"emails": [f"victim{number}.{n}@evil.example" for n in range(20)]})
    body["gateway"]["name"] = f"nowhere-{number}"
    return body


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    system = System()
    system.engine = replace(system.engine, requests=limit(3, clock=system.clock))
    return Api(monkeypatch, system)


async def post(api: Api, body: object, path: str = "onboardings", by: str = "sam.submitter") -> func.HttpResponse:
    return await api.post(path, body, cookie=f"sandbox-user={by}")


async def test_gateways_that_do_not_exist_tell_only_so_many_people(api: Api) -> None:
    answers = [await post(api, gateway(n)) for n in range(60)]
    assert [a.status_code for a in answers] == [202] * 3 + [429] * 57
    told = content(answers[-1])
    assert SETTING in told["detail"]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    while await api.system.deliver():
        pass
    assert len({a for to, _ in api.system.outside.notifier.mails for a in to}) == 60
    assert (await post(api, gateway(99), by="olga.operator")).status_code == 202, "another caller may"


async def test_the_same_request_again_is_not_counted_and_one_that_is_refused_neither(api: Api) -> None:
    for _ in range(5):
        assert (await post(api, gateway(1))).status_code in (202, 200)
    for _ in range(5):
        assert (await post(api, {"gateway": {}})).status_code == 400
        assert (await post(api, {**gateway(1), "adminUser": "eve@contoso.com"})).status_code == 409
    assert [(await post(api, gateway(n))).status_code for n in (2, 3, 4)] == [202, 202, 429]


async def test_starting_again_is_counted_by_the_api_and_by_the_page(api: Api) -> None:
    made = content(await post(api, gateway(1), by="olga.operator"))["id"]
    for _ in range(2):
        await api.system.engine.happen(made, CancelRequested("ada", "wrong"))
        await api.system.deliver()
        assert (await post(api, gateway(1), "onboardings?again=true", by="olga.operator")).status_code == 202
    await api.system.engine.happen(made, CancelRequested("ada", "wrong"))
    assert (await post(api, gateway(1), "onboardings?again=true", by="olga.operator")).status_code == 429


# -- mail ------------------------------------------------------------------------------------------------------


async def test_mail_beyond_the_limit_waits_for_the_next_hour() -> None:
    sent: list[Sequence[str]] = []

    async def send_mail(
        sender: str, to: Sequence[str], subject: str, text: str, html: str, reply_to: str = ""
    ) -> None:
        sent.append(to)

    clock = ManualClock()
    mails = HourlyLimit(MemoryTable(), clock, 5, "Addresses written to", "ONBOARDING_MAILS_PER_HOUR")
    notifier = AzureNotifier(app_settings(mail_sender="onboarding@contoso.com"), send_mail, mails)
    assert await notifier.mail(("a@contoso.com", "b@contoso.com", "c@contoso.com"), Notification("one"))
    with pytest.raises(TryLaterError, match=r"No e-mail was sent\. .*ONBOARDING_MAILS_PER_HOUR") as refused:
        await notifier.mail(("a@contoso.com", "b@contoso.com", "c@contoso.com"), Notification("two"))
    assert refused.value.code == ProblemCode.HOURLY_LIMIT
    assert refused.value.retry_after is not None
    clock.advance(refused.value.retry_after)
    assert await notifier.mail(("a@contoso.com", "b@contoso.com", "c@contoso.com"), Notification("two"))
    assert len(sent) == 2


@pytest.mark.parametrize(("said", "permitted"), [({}, (20, 500)), ({"REQUESTS": "7", "MAILS": "0"}, (7, 0))])
def test_the_settings_reach_what_counts(
    said: dict[str, str], permitted: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[HourlyLimit | None] = []
    monkeypatch.setattr(app, "AzureNotifier", lambda settings, send_mail, mails, pauses: made.append(mails))
    monkeypatch.setenv("ServiceBus", "Endpoint=sb://localhost;SharedAccessKeyName=a;SharedAccessKey=b")
    monkeypatch.setenv("Tables", "UseDevelopmentStorage=true")
    for name in ("REQUESTS", "MAILS"):
        monkeypatch.delenv(f"ONBOARDING_{name}_PER_HOUR", raising=False)
    for name, value in said.items():
        monkeypatch.setenv(f"ONBOARDING_{name}_PER_HOUR", value)
    settings.cache_clear()
    app.engine.cache_clear()
    found = (app.engine().requests, made[0])
    assert tuple(one.per_hour for one in found if one) == permitted
    assert [one.setting for one in found if one] == ["ONBOARDING_REQUESTS_PER_HOUR", "ONBOARDING_MAILS_PER_HOUR"]
