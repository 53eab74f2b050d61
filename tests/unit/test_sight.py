"""What is seen of a wait that goes on: how long it has been so counts, and who is told of it when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from onboarding.core.decide import decide
from onboarding.core.events import Looked, PauseRequested, ReopenRequested, ResumeRequested, SkipRequested
from onboarding.core.notices import NoticeKind
from onboarding.core.plan import Budget
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.record import Problem, Record, StepRecord, StepState
from onboarding.core.sight import Sight
from onboarding.memory.dns import SILENCE
from onboarding.notify import Notifying
from onboarding.steps.add_domain import txt_record
from onboarding.steps.txt_record_visible import SIGHTS
from onboarding.steps.txt_verdict import TxtKind
from tests.support import requests
from tests.support.records import NOW, after
from tests.support.system import TELLING, System

WAIT = "txt-record-visible"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SETTLE, TELL = timedelta(seconds=Policy().settle_after), timedelta(seconds=Policy().tell_after)


def look(record: Record, kind: TxtKind, now: datetime) -> Record:
    """What a look of that kind leaves."""
    return decide(record, Looked(WAIT, False, f"Seen: {kind}.", sight=SIGHTS[kind]), now).record


def owed(record: Record) -> list[str]:
    return [n.kind for n in record.notices if n.owed and n.step == WAIT]


def step(record: Record) -> StepRecord:
    return record.step(WAIT)


def test_what_some_servers_have_and_none_denies_counts_after_a_while() -> None:
    seen = look(after(WAIT), TxtKind.SOMEWHERE, NOW)
    assert (step(seen).state, owed(seen)) == (StepState.WAITING, [])
    assert step(look(seen, TxtKind.SOMEWHERE, NOW + SETTLE - MINUTE)).state is StepState.WAITING
    done = look(seen, TxtKind.SOMEWHERE, NOW + SETTLE)
    assert (step(done).state, step(done).detail) == (StepState.DONE, "Seen: somewhere.")
    assert done.step("verify-domain").state is StepState.DUE


def test_a_denial_meanwhile_begins_the_while_anew() -> None:
    record = look(after(WAIT), TxtKind.SOMEWHERE, NOW)
    record = look(record, TxtKind.CONTRADICTED, NOW + SETTLE - MINUTE)
    record = look(record, TxtKind.SOMEWHERE, NOW + SETTLE)
    assert step(look(record, TxtKind.SOMEWHERE, NOW + 2 * SETTLE - MINUTE)).state is StepState.WAITING
    assert step(look(record, TxtKind.SOMEWHERE, NOW + 2 * SETTLE)).state is StepState.DONE


def test_an_old_wait_is_looked_at_when_the_while_is_over() -> None:
    record = look(after(WAIT), TxtKind.SOMEWHERE, NOW + 20 * DAY)
    assert step(record).next_attempt_at == NOW + 20 * DAY + SETTLE
    record = look(after(WAIT), TxtKind.WRONG_VALUE, NOW + 20 * DAY)
    assert step(record).next_attempt_at == NOW + 20 * DAY + TELL
    record = look(after(WAIT), TxtKind.NOTHING_YET, NOW + 20 * DAY)
    assert step(record).next_attempt_at == NOW + 20 * DAY + HOUR


@pytest.mark.parametrize(
    ("kind", "notice"),
    [
        (TxtKind.WRONG_VALUE, "held-up"),
        (TxtKind.WRONG_NAME, "held-up"),
        (TxtKind.ALIAS, "held-up"),
        (TxtKind.CONTRADICTED, "held-up"),
        (TxtKind.FAILING, "held-up"),
        (TxtKind.BLIND, "cannot-see"),
    ],
)
def test_what_is_wrong_is_told_within_the_hour_and_then_like_a_checkpoint(kind: TxtKind, notice: str) -> None:
    record = look(after(WAIT), kind, NOW)
    assert owed(look(record, kind, NOW + TELL - MINUTE)) == []
    assert HOUR >= TELL
    record = look(record, kind, NOW + TELL)
    assert owed(record) == [notice]
    said = [n.id for n in record.notices]
    record = look(record, kind, NOW + 3 * DAY - MINUTE)
    assert [n.id for n in record.notices] == said
    for time in (NOW + 3 * DAY, NOW + 10 * DAY):
        record = look(record, kind, time)
        assert owed(record) == [notice]
        assert record.notices[-1].owed_since == time


def test_that_nothing_is_published_is_told_like_a_checkpoint_that_is_open() -> None:
    record = look(after(WAIT), TxtKind.NOTHING_YET, NOW)
    record = look(record, TxtKind.NOTHING_YET, NOW + 3 * DAY - MINUTE)
    assert owed(record) == []
    assert owed(look(record, TxtKind.NOTHING_YET, NOW + 3 * DAY)) == ["held-up"]


def test_what_was_mended_before_it_was_told_is_not_told() -> None:
    record = look(look(after(WAIT), TxtKind.WRONG_VALUE, NOW), TxtKind.WRONG_VALUE, NOW + TELL)
    assert owed(record) == ["held-up"]
    assert owed(look(record, TxtKind.SOMEWHERE, NOW + TELL + MINUTE)) == []
    long = decide(after(WAIT), Looked(WAIT, False, "Not yet."), NOW + 15 * DAY).record
    assert owed(look(long, TxtKind.NOTHING_YET, NOW + 15 * DAY)) == ["long-wait"], "only what was said of sights"


def test_a_look_that_fails_changes_nothing_of_what_was_seen() -> None:
    record = look(after(WAIT), TxtKind.WRONG_VALUE, NOW)
    problem = Problem(code="timeout", seen="It took too long.")
    failed = decide(record, Looked(WAIT, False, "It took too long.", problem=problem), NOW + MINUTE).record
    assert step(failed).seen == step(record).seen


def test_a_pause_does_not_count_and_a_new_beginning_forgets() -> None:
    record = look(after(WAIT), TxtKind.SOMEWHERE, NOW)
    record = decide(record, PauseRequested("ada", "a freeze"), NOW + MINUTE).record
    record = decide(record, ResumeRequested("ada"), NOW + DAY).record
    seen = step(record).seen
    assert seen is not None
    assert (seen.since, seen.word_at) == (NOW + DAY - MINUTE, None)
    wrong = look(after(WAIT), TxtKind.WRONG_VALUE, NOW)
    wrong = decide(wrong, PauseRequested("ada", "a freeze"), NOW).record
    wrong = decide(wrong, ResumeRequested("ada"), NOW + DAY).record
    seen = step(wrong).seen
    assert seen is not None
    assert seen.word_at == NOW + DAY + TELL
    skipped = decide(record, SkipRequested(WAIT, "ada", "why", insist=True), NOW + DAY).record
    again = decide(skipped, ReopenRequested(WAIT, "ada", "why"), NOW + DAY).record
    assert (step(again).state, step(again).seen) == (StepState.WAITING, None)


def test_what_has_no_word_is_never_told() -> None:
    quiet = Sight("quiet")
    record = decide(after(WAIT), Looked(WAIT, False, "So.", sight=quiet), NOW).record
    assert not decide(record, Looked(WAIT, False, "So.", sight=quiet), NOW + 5 * DAY).changed
    assert owed(record) == []


def test_a_task_that_is_tried_gently_leaves_gaps_from_the_first_attempt_on() -> None:
    policy = Policy()
    gaps = [policy.retry_after(n, None, "seed", patience=12).total_seconds() for n in range(1, 15)]
    assert all(60 <= gap <= 3600 * 1.2 for gap in gaps)
    assert policy.retry_after(1, None, "seed").total_seconds() <= 6
    assert Budget(patience=12).to_json()["patience"] == 12


# -- the whole, on the twins ------------------------------------------------------------------------------------


async def waiting(telling: Notifying = TELLING) -> tuple[System, str]:
    """An onboarding that waits for its TXT record; everything else is done or waits for people."""
    system = System(telling=telling)
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    accepted = await system.request(request)
    onboarding_id = accepted.record.id
    for _ in range(20):
        for resource in system.outside.gateways.resources.values():
            resource["properties"]["status"] = "Complete"
        await pass_time(system, 1)
    assert (await system.record(onboarding_id)).step(WAIT).state is StepState.WAITING
    system.outside.notifier.mails.clear()
    return system, onboarding_id


async def pass_time(system: System, minutes: int) -> None:
    for _ in range(minutes):
        await system.tick()
        while await system.deliver():
            pass


def mails(system: System) -> list[tuple[str, str]]:
    """(address, title) of what was mailed about the wait."""
    about = ("Wait until the TXT record is visible", "please have a look at this")
    return [(address, m.title) for to, m in system.outside.notifier.mails for address in to if m.title.endswith(about)]


@pytest.mark.parametrize("error", ["REFUSED", "SERVFAIL", SILENCE, "its address was not found: it has none"])
async def test_one_dead_name_server_makes_nobody_wait_for_ever(error: str) -> None:
    system, only = await waiting()
    record = txt_record(await system.record(only))
    dns = system.outside.dns
    dns.publish(record.name, record.value)
    dns.errors["ns2.example.net"] = error
    await pass_time(system, 10)
    assert (await system.record(only)).step(WAIT).state is StepState.WAITING
    await pass_time(system, 10)
    done = await system.record(only)
    assert (done.step(WAIT).state, done.step("verify-domain").state) == (StepState.DONE, StepState.DONE)


async def test_one_blocked_public_resolver_makes_nobody_wait() -> None:
    system, only = await waiting()
    record = txt_record(await system.record(only))
    system.outside.dns.publish(record.name, record.value)
    system.outside.dns.errors["192.0.2.53"] = SILENCE
    await pass_time(system, 2)
    assert (await system.record(only)).step("verify-domain").state is StepState.DONE


async def test_a_network_that_lets_no_dns_out_is_told_to_our_people_only_within_the_hour() -> None:
    system, _ = await waiting()
    for server in system.outside.dns.servers:
        system.outside.dns.errors[server] = SILENCE
    await pass_time(system, 60)
    title = "contoso-acg: this application can't see — Wait until the TXT record is visible"
    assert mails(system) == [("voice-ops@contoso.com", title)]
    [(_, message)] = [(to, m) for to, m in system.outside.notifier.mails if m.title == title]
    text = " ".join((*message.why, *message.actions))
    assert "UDP and TCP, port 53" in text
    assert "ONBOARDING_PUBLIC_RESOLVERS" in text
    assert "ns1.example.net (timeout)" in text


@pytest.mark.parametrize("what", ["a stale value", "a doubled name"])
async def test_a_wrong_record_is_told_to_those_who_can_mend_it_within_the_hour(what: str) -> None:
    system, only = await waiting()
    record = txt_record(await system.record(only))
    dns, said = system.outside.dns, "MS=ms00000001"
    if what == "a stale value":
        dns.publish(record.name, said)
    else:
        said = f"{record.name}.{dns.zone}"
        dns.publish(said, record.value)
    await pass_time(system, 60)
    team = [m for to, m in system.outside.notifier.mails if to == ("team@example.com",)]
    [message] = [m for m in team if m.title.startswith("contoso-acg: please have a look at this")]
    assert said in " ".join(message.actions)
    assert ("Value", record.value) in message.values
    assert message.link is None, "nothing but to mend it is asked of them"
    inside = [address for address, title in mails(system) if "is held up" in title]
    assert inside == ["voice-ops@contoso.com"]
    dns.publish(record.name, record.value)
    await pass_time(system, 60)
    assert (await system.record(only)).step("verify-domain").state is StepState.DONE


async def test_without_a_key_for_links_the_team_is_told_all_the_same() -> None:
    system, only = await waiting(Notifying("https://onboarding.example.com"))
    system.outside.dns.publish(txt_record(await system.record(only)).name, "MS=ms00000001")
    await pass_time(system, 60)
    assert "team@example.com" in [address for address, _ in mails(system)]


async def test_what_a_failed_look_of_ours_says_is_not_told_outside() -> None:
    system, only = await waiting()
    system.outside.dns.publish(txt_record(await system.record(only)).name, "MS=ms00000001")
    await pass_time(system, 29)
    system.outside.dns.faults.add("txt", TryLaterError(ProblemCode.TIMEOUT, "secret-of-ours"))
    await pass_time(system, 60)
    outside = [m for to, m in system.outside.notifier.mails if to == ("team@example.com",)]
    assert outside
    assert "secret-of-ours" not in repr(outside)


def test_whoever_is_to_mend_it_stands_in_the_notice() -> None:
    assert {sight.word for sight in SIGHTS.values()} == {None, NoticeKind.HELD_UP, NoticeKind.CANNOT_SEE}
    assert set(SIGHTS) == set(TxtKind) - {TxtKind.EVERYWHERE}
