"""Issue 17, item 12: one e-mail a day in place of single ones, for whoever chooses that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from onboarding.core.daily import LINES, days_due, next_day, says_how_it_is
from onboarding.core.events import CancelRequested, PauseRequested, SendDaily
from onboarding.core.messages import decode, encode, queue_of
from onboarding.core.notices import NoticeKind
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.daily import DailyMail
from onboarding.memory import MemoryTable
from onboarding.ports import Query, Row
from tests.support import requests
from tests.support.system import TELLING, System

DAY = timedelta(days=1)
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def gathering(*, for_all: bool = False) -> System:
    return System(telling=replace(TELLING, daily=DailyMail(MemoryTable()), daily_for_all=for_all))


async def begun(system: System, **notify: object) -> str:
    """An onboarding, as far as it comes in a minute; its id."""
    body = requests.operator_connect()
    request = requests.parsed({**body, "notify": {**body["notify"], **notify}})
    system.outside.deploy(request)
    onboarding = (await system.request(request)).record.id
    while await system.deliver():
        pass
    system.outside.settle()
    for _ in range(5):
        await system.tick()
        while await system.deliver():
            pass
    return onboarding


async def at_six(system: System) -> None:
    """The next six o'clock, and what the timer and the messages do then."""
    system.clock.advance((next_day(system.clock.now(), 6) - system.clock.now()).total_seconds())
    await system.tick()
    while await system.deliver():
        pass


def titles(system: System) -> list[str]:
    """Of e-mail to the operator's own people."""
    return [m.title for to, m in system.outside.notifier.mails if "voice-ops@contoso.com" in to]


@pytest.mark.parametrize(("now", "expected"), [(AT, datetime(2026, 3, 3, 6, tzinfo=UTC)), (AT.replace(hour=5), None)])
def test_what_is_told_now_is_sent_at_the_next_such_hour(now: datetime, expected: datetime | None) -> None:
    assert next_day(now, 6) == (expected or datetime(2026, 3, 2, 6, tzinfo=UTC))
    days = days_due(now, 6)
    assert days[-1] <= now < days[-1] + DAY
    assert [b - a for a, b in pairwise(days)] == [DAY] * 6


async def test_single_mails_become_one_a_day() -> None:
    system = gathering()
    onboarding = await begun(system, daily=True)
    assert titles(system) == []
    # Teams, and people outside, are told at once.
    assert system.outside.notifier.posts
    assert [to for to, _ in system.outside.notifier.mails if "voice-ops@contoso.com" not in to]
    record = await system.record(onboarding)
    assert any(d.way == "digest" for notice in record.notices for d in notice.sent)
    await at_six(system)
    [title] = titles(system)
    assert title.startswith("Onboardings: ")
    message = next(m for to, m in system.outside.notifier.mails if m.title == title)
    assert any("contoso-acg: Microsoft onboarding's turn" in text and onboarding in text for _, text in message.facts)
    assert message.link == "https://onboarding.example.com/api/dashboard?state=needs-attention,waiting-for-people"
    await at_six(system)
    assert len(titles(system)) == 1, "what was sent is not sent again"


async def test_what_was_settled_meanwhile_is_left_out_and_nothing_sends_nothing() -> None:
    system = gathering()
    onboarding = await begun(system, daily=True)
    await system.engine.happen(onboarding, CancelRequested("ada", "no more"))
    await at_six(system)
    message = next(m for _, m in system.outside.notifier.mails if m.title.startswith("Onboardings: "))
    assert message.title == "Onboardings: 1 thing to know today"
    assert "was cancelled" in message.facts[0][1]


async def test_whoever_does_not_choose_it_is_written_to_each_time_unless_the_setting_says_so() -> None:
    system = gathering()
    await begun(system)
    assert titles(system)
    everybody = gathering(for_all=True)
    await begun(everybody)
    assert titles(everybody) == []


async def test_an_escalation_does_not_wait_for_the_next_day() -> None:
    system = gathering()
    await begun(system, daily=True, escalateTo="head@contoso.com")
    system.clock.advance(15 * 86400)
    await system.tick()
    while await system.deliver():
        pass
    assert any("is held up" in m.title for to, m in system.outside.notifier.mails if "head@contoso.com" in to)


async def test_a_day_that_fails_is_tried_again_in_ten_minutes_and_nobody_is_told_twice() -> None:
    system = gathering()
    await begun(system, daily=True)
    system.outside.notifier.faults.add("mail", TryLaterError(ProblemCode.OUTAGE, "Exchange is down."))
    await at_six(system)
    assert titles(system) == []
    await system.tick(660)
    while await system.deliver():
        pass
    assert len(titles(system)) == 1


async def test_an_address_that_is_refused_keeps_no_other_from_its_mail_and_is_given_up_after_a_week() -> None:
    system = gathering()
    emails = ["voice-ops@contoso.com", "gone@contoso.com"]
    onboarding = await begun(system, daily=True, emails=emails)
    system.outside.notifier.refused.add("gone@contoso.com")
    await system.engine.happen(onboarding, PauseRequested("ada", "a holiday"))
    await at_six(system)
    assert len(titles(system)) == 1
    daily = system.telling.daily
    assert daily is not None
    tomorrow = f"{next_day(system.clock.now(), 6):%Y%m%d-%H}"
    assert {row.columns["To"] async for row in daily.table.rows(Query(tomorrow))} == {"gone@contoso.com"}
    for _ in range(8):
        await at_six(system)
    left = f"{next_day(system.clock.now(), 6):%Y%m%d-%H}"
    kept = [row.columns["At"] async for row in daily.table.rows(Query(left))]
    assert all(system.clock.now() - at < 8 * DAY for at in kept)


async def test_two_at_a_time_write_once() -> None:
    system = gathering()
    await begun(system, daily=True)
    day = f"{next_day(system.clock.now(), 6):%Y%m%d-%H}"
    daily = system.telling.daily
    assert daily is not None
    assert await daily.claim("voice-ops@contoso.com", system.clock.now())
    await system.engine.receive(SendDaily("contoso-acg-0123456789", day, 1))
    assert titles(system) == []
    system.clock.advance(700)
    await system.engine.receive(SendDaily("contoso-acg-0123456789", day, 2))
    await system.engine.receive(SendDaily("contoso-acg-0123456789", day, 2))
    assert len(titles(system)) == 1


def test_the_message_says_which_day_and_goes_where_mail_is_sent() -> None:
    effect = SendDaily("contoso-acg-0123456789", "20260302-06", 7)
    assert decode(encode(effect)) == effect
    assert queue_of(effect) == "notices"


async def test_a_line_of_what_is_gone_says_nothing() -> None:
    system = gathering()
    onboarding = await begun(system, daily=True)
    record = await system.record(onboarding)
    assert not says_how_it_is(None, NoticeKind.COMPLETED, None)
    assert not says_how_it_is(record, NoticeKind.PAUSED, None)
    assert not says_how_it_is(record, NoticeKind.CHECKPOINT_OPENED, "no-such-step")
    assert not says_how_it_is(record, NoticeKind.NEEDS_ATTENTION, "enable-services")
    assert says_how_it_is(record, NoticeKind.COMPLETED, None)


def test_a_long_day_fits_one_mail() -> None:
    from onboarding.daily import gathered

    columns = {"Told": "x: your turn", "Why": "Why.", "Link": "https://x", "Kind": "reminder"}
    rows = [Row("day", str(n), {**columns, "At": AT + timedelta(minutes=n)}) for n in range(LINES + 20)]
    message = gathered(rows, "https://onboarding.example.com")
    assert len(message.facts) == LINES
    assert "20 earlier ones are left out" in " ".join(message.why)
