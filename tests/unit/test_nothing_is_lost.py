"""The engine when things break around it: answers that are lost, hosts that stop, messages that are given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import azure.functions as func
import pytest

from onboarding.core.events import CancelRequested, Nudge, PauseRequested, ResumeRequested
from onboarding.core.messages import DeadLetter, DeadLetterReason, encode
from onboarding.core.record import OnboardingState, Record, StepState
from onboarding.core.request import OnboardingRequest
from onboarding.dead_letters import REASON, dead_letter_of
from onboarding.memory import MemoryTable
from onboarding.ports import ConflictError, Notification, Row
from onboarding.rows import CLOSED, OPEN, UnreadableRowError, from_row, to_row
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.kept import records_on
from tests.support.records import new
from tests.support.system import System

FIRST = "enable-services"


async def begun(**changes: Any) -> tuple[System, Record]:
    """A system with a requested onboarding, whose first message has arrived."""
    request = requests.parsed(requests.operator_connect(**changes))
    system = System()
    system.outside.deploy(request)
    return system, (await system.request(request)).record


# -- the fence: an attempt that was withdrawn writes no more ----------------------------------------------------


def interrupting(system: System, method: str, port: Any, act: Callable[[], Any]) -> None:
    """Let `act` happen while the step is in that read of Microsoft."""
    inner = getattr(port, method)

    async def interrupted(*given: Any) -> Any:
        answer = await inner(*given)
        setattr(port, method, inner)
        await act()
        return answer

    setattr(port, method, interrupted)


async def test_no_write_at_microsoft_is_begun_after_a_cancel() -> None:
    system, record = await begun()
    cancel = CancelRequested("ada", "wrong gateway")
    interrupting(system, "get", system.outside.gateways, lambda: system.engine.happen(record.id, cancel))
    await system.deliver()
    assert system.outside.writes == []
    assert (await system.record(record.id)).state is OnboardingState.CANCELLED


async def test_a_pause_stops_a_step_between_two_of_its_writes_and_it_goes_on_where_it_was() -> None:
    system, record = await begun()
    while (await system.record(record.id)).step("add-test-lines").state is not StepState.DUE:
        await system.deliver()
    put = system.outside.gateways.put_test_line
    pause = PauseRequested("ada", "a change freeze")

    async def paused_at_the_third(*given: Any) -> None:
        await put(*given)
        if len(system.outside.gateways.lines[record.request.gateway.id.key]) == 3:
            await system.engine.happen(record.id, pause)

    system.outside.gateways.put_test_line = paused_at_the_third  # type: ignore[method-assign]
    await system.deliver()
    now = await system.record(record.id)
    assert now.state is OnboardingState.PAUSED
    assert now.step("add-test-lines").state is StepState.DUE
    written = [w for w in system.outside.writes if w[0] == "put_test_line"]
    assert len(written) == 3
    await system.tick(86400)
    assert [w for w in system.outside.writes if w[0] == "put_test_line"] == written
    await system.engine.happen(record.id, ResumeRequested("ada"))
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED
    lines = [w[2] for w in system.outside.writes if w[0] == "put_test_line"]
    assert sorted(lines) == sorted(set(lines))


async def test_an_attempt_that_was_taken_for_dead_but_lives_writes_no_more() -> None:
    system, record = await begun()

    async def taken_for_dead() -> None:
        system.clock.advance(system.policy.lease + 1)
        await timer_pass(system.engine)

    interrupting(system, "get", system.outside.gateways, taken_for_dead)
    await system.deliver()
    assert system.outside.writes == []
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


# -- a host that is told to stop --------------------------------------------------------------------------------


async def test_a_host_that_stops_hands_back_what_it_holds() -> None:
    system, record = await begun()
    reached, never = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        reached.set()
        await never.wait()

    interrupting(system, "get", system.outside.gateways, hangs)
    running = asyncio.create_task(system.deliver())
    await reached.wait()
    assert (await system.record(record.id)).step(FIRST).state is StepState.RUNNING
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    step = (await system.record(record.id)).step(FIRST)
    assert (step.state, step.next_attempt_at) == (StepState.DUE, system.clock.now())
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def sending() -> tuple[System, Record, asyncio.Task[int], asyncio.Event]:
    """A function posted a notice to Teams, and is at its e-mail, which hangs until the event is set."""
    system, record = await begun()
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    reached, release = asyncio.Event(), asyncio.Event()
    mail = system.outside.notifier.mail

    async def hangs(to: Sequence[str], message: Notification) -> bool:
        reached.set()
        await release.wait()
        return await mail(to, message)

    system.outside.notifier.mail = hangs  # type: ignore[method-assign]
    task = asyncio.create_task(system.deliver())
    await reached.wait()
    assert len(system.outside.notifier.posts) == 1
    return system, record, task, release


async def test_a_host_that_stops_while_it_tells_people_tells_nobody_twice() -> None:
    system, record, task, release = await sending()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [notice] = (await system.record(record.id)).notices
    assert [d.way for d in notice.sent] == ["teams"]
    assert notice.owed
    assert not notice.sending
    release.set()
    await system.run(record.id)
    assert len(system.outside.notifier.posts) == 1
    assert len(system.outside.notifier.mails) == 1


async def test_a_way_that_hangs_is_broken_off_before_somebody_else_takes_the_notice_up() -> None:
    system, record, task, release = await sending()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    policy = replace(system.policy, notice_lease=0.05)
    system.engine = replace(system.engine, policy=policy)
    system.clock.advance(60)
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert notice.problem is not None
    assert notice.problem.code == "timeout"
    assert notice.owed
    release.set()
    await system.run(record.id)
    assert (len(system.outside.notifier.posts), len(system.outside.notifier.mails)) == (1, 1)


# -- a run that ends while another process is slow to move the one before it ------------------------------------------


def delayed(system: System, act: Callable[[], Any], *methods: str) -> None:
    """The next such write in partition `closed` is carried out only after `act`."""
    table, acted = system.onboardings, False

    def slow(inner: Callable[..., Any]) -> Callable[..., Any]:
        async def late(first: Any, *given: Any) -> Any:
            nonlocal acted
            row = first[0] if isinstance(first, list) else first
            if not acted and CLOSED in (row, getattr(row, "partition", None)):
                acted = True
                await act()
            return await inner(first, *given)

        return late

    for method in methods:
        setattr(table, method, slow(getattr(table, method)))


async def ended(system: System, record: Record) -> None:
    """Cancelled, and everybody told of it: the row has moved."""
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    while await system.deliver():
        pass


async def second_run(system: System, record: Record) -> None:
    await system.request(record.request, again=True)
    await ended(system, record)


@pytest.mark.parametrize("slow", ["copy", "delete"])
async def test_a_run_that_begins_and_ends_while_the_one_before_it_is_being_moved_is_kept(slow: str) -> None:
    system, record = await begun()
    if slow == "copy":
        # Whoever moves the first run is slow: it was started again, and has ended, before its copy is written.
        delayed(system, lambda: second_run(system, record), "insert", "replace", "upsert")
        await ended(system, record)
    else:
        # Whoever starts it again is slow: the second run has ended before the first one's row is deleted.
        await ended(system, record)
        delayed(system, lambda: ended(system, record), "delete")
        await system.request(record.request, again=True)
    now = await system.record(record.id)
    assert (now.run, now.state) == (2, OnboardingState.CANCELLED)
    assert [e.version for e in await system.events(record.id)] == list(range(1, now.version + 1))
    assert await system.onboardings.get(OPEN, record.id) is None


async def test_a_copy_that_somebody_started_again_meanwhile_does_not_stay() -> None:
    system, record = await begun()
    delete = system.onboardings.delete

    async def late(partition: str, *given: Any) -> None:
        system.onboardings.delete = delete  # type: ignore[method-assign]
        await system.request(record.request, again=True)
        await delete(partition, *given)

    system.onboardings.delete = late  # type: ignore[method-assign]
    await ended(system, record)
    assert await system.onboardings.get(CLOSED, record.id) is None
    assert (await system.record(record.id)).run == 2


# -- answers of Table Storage that are lost ---------------------------------------------------------------------


class Losing(MemoryTable):
    """Carries the next write out, and loses its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.lose: list[Exception] = []

    async def replace(self, row: Row) -> str:
        etag = await super().replace(row)
        if self.lose:
            raise self.lose.pop()
        return etag


@pytest.mark.parametrize("error", [ConflictError("the client repeated it and lost"), TimeoutError("no answer")])
async def test_a_commit_whose_answer_is_lost_counts(error: Exception) -> None:
    request = requests.parsed(requests.operator_connect())
    system = System(onboardings=Losing())
    system.outside.deploy(request)
    record = (await system.request(request)).record
    system.onboardings.lose = [error]  # type: ignore[attr-defined]
    await system.deliver()
    step = (await system.record(record.id)).step(FIRST)
    assert (step.state, step.attempts) == (StepState.DONE, 1)


async def test_what_a_person_did_is_not_refused_since_its_answer_was_lost_and_nothing_could_tell() -> None:
    request = requests.parsed(requests.operator_connect())
    system = System(onboardings=Losing())
    record = (await system.request(request)).record
    system.onboardings.lose = [ConflictError("the client repeated it and lost")]  # type: ignore[attr-defined]
    get, asked = system.onboardings.get, []

    async def down_for_a_moment(partition: str, key: str) -> Row | None:
        asked.append(key)
        if len(asked) == 2:
            raise ConnectionError("Table Storage does not answer")
        return await get(partition, key)

    system.onboardings.get = down_for_a_moment  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await system.engine.happen(record.id, PauseRequested("ada", "a change freeze"))
    assert (await system.record(record.id)).pause is not None


async def test_a_commit_that_was_not_done_does_not_count() -> None:
    records = records_on(MemoryTable(), MemoryTable())
    record = new().record
    await records.create(record)
    loaded = await records.load(record.id)
    assert loaded is not None
    await records.save(loaded, record.model_copy(update={"version": 2}))
    with pytest.raises(ConflictError):
        await records.save(loaded, record.model_copy(update={"version": 2}))
    with pytest.raises(ConflictError):
        await records.create(record)


async def test_when_whether_a_commit_was_done_cannot_be_told_the_first_error_counts() -> None:
    class Down(MemoryTable):
        async def replace(self, row: Row) -> str:
            raise TimeoutError("no answer")

    table = Down()
    records = records_on(table, MemoryTable())
    await records.create(new().record)
    loaded = await records.load(new().record.id)
    assert loaded is not None

    async def gone(partition: str, key: str) -> Row | None:
        raise ConnectionError("refused")

    table.get = gone  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await records.save(loaded, new().record)


async def test_a_tail_that_a_long_event_makes_too_long_for_its_column_is_moved_before_it_is_written() -> None:
    onboardings, events = MemoryTable(), MemoryTable()
    records = records_on(onboardings, events)
    record = new().record
    await records.create(record)
    loaded = await records.load(record.id)
    assert loaded is not None
    long = [record.tail[0].model_copy(update={"version": n, "detail": "x" * 1000}) for n in range(2, 40)]
    await records.save(loaded, record.model_copy(update={"version": 39, "tail": (*record.tail, *long)}))
    assert [e.version for e in await records.events(record.id) or []] == list(range(1, 40))


# -- rows that can't be read ------------------------------------------------------------------------------------


def spoilt(row: Row) -> Row:
    half = {"Steps": '[{"name": "enable-services"}]', "NextDueAt": row.columns["CreatedAt"]}
    return replace(row, columns={**row.columns, **half})


async def test_an_unreadable_row_is_told_of_and_keeps_nobody_else_from_their_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    system, record = await begun()
    body = requests.operator_connect()
    body["gateway"]["name"] = "a-first-gateway"
    other = requests.parsed(body)
    system.outside.deploy(other)
    unreadable = (await system.request(other)).record
    row = await system.onboardings.get(OPEN, unreadable.id)
    assert row is not None
    await system.onboardings.upsert([spoilt(row)])
    system.bus.drop()
    with caplog.at_level(logging.ERROR, "onboarding"):
        await system.tick(600)
    assert f"onboarding {unreadable.id} can't be read" in caplog.text
    assert await system.deliver()
    assert (await system.record(record.id)).step(FIRST).state is StepState.DONE


def test_what_is_wrong_with_a_row_is_said_without_its_values() -> None:
    row = to_row(new().record, OPEN)
    with pytest.raises(UnreadableRowError, match=r"steps\.0\.state") as caught:
        from_row(spoilt(row))
    assert "contoso.com" not in str(caught.value)
    missing = replace(row, columns={n: v for n, v in row.columns.items() if n != "Request"})
    with pytest.raises(UnreadableRowError, match="column 'Request'"):
        from_row(missing)


def test_a_number_that_left_its_numbering_plan_since_it_was_accepted_can_still_be_read() -> None:
    record = new().record
    row = to_row(record, CLOSED)
    moved = replace(
        row, columns={**row.columns, "Request": row.columns["Request"].replace("+442079460101", "+9991000000")}
    )
    lines = from_row(moved).request.test_lines
    assert "+9991000000" in [line.phone_number for line in lines]
    body = record.request.to_json()
    body["services"]["operatorConnect"]["testLines"][0]["phoneNumber"] = "+9991000000"
    with pytest.raises(ValueError, match="country code"):
        OnboardingRequest.model_validate(body)


# -- dead letters -----------------------------------------------------------------------------------------------


def letter(system: System, **changes: Any) -> DeadLetter:
    message = system.bus.waiting[0]
    given = DeadLetter(message.body, message.message_id, message.queue, DeadLetterReason.DELIVERIES)
    return replace(given, **changes)


async def test_a_dead_letter_puts_its_reason_on_the_record_and_the_step_is_tried_again() -> None:
    system, record = await begun()
    dead = letter(system)
    system.bus.drop()
    await system.engine.dead_letter(dead)
    problem = (await system.record(record.id)).step(FIRST).problem
    assert problem is not None
    assert "MaxDeliveryCountExceeded" in problem.seen
    assert [e.what for e in await system.events(record.id)] == ["requested", "dead-lettered"]
    assert (await system.run(record.id)).state is OnboardingState.COMPLETED


async def test_a_foreign_dead_letter_is_told_of_without_what_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    system, record = await begun()
    before = await system.record(record.id)
    await system.engine.dead_letter(letter(system, body=b'{"secret": "+442079460101"}'))
    assert "foreign dead letter: The message is not one of this application's" in caplog.text
    assert "secret" not in caplog.text
    assert await system.record(record.id) == before


async def test_a_dead_letter_of_an_onboarding_that_is_not_there_is_finished(caplog: pytest.LogCaptureFixture) -> None:
    system, _ = await begun()
    effect = replace(system.bus.waiting[0].effect, onboarding_id="nobody-0000000000")
    with caplog.at_level(logging.WARNING, "onboarding"):
        await system.engine.dead_letter(letter(system, body=encode(effect)))
    assert "unknown" in caplog.text


def handed_over(given: bytes, reason: str = "MaxDeliveryCountExceeded", source: str | None = FIRST) -> Any:
    class Message(func.ServiceBusMessage):
        message_id: Any = "m-1"
        dead_letter_source: Any = source
        application_properties: Any = {REASON: reason, "DeadLetterErrorDescription": "Pay 1000 to evil", "other": 1}  # noqa: RUF012

        def get_body(self) -> bytes:
            return given

    return Message()


OURS = encode(Nudge("contoso-acg-0123456789", FIRST, 1))


def test_a_dead_letter_is_read_as_service_bus_hands_it_over() -> None:
    read = dead_letter_of(handed_over(OURS))
    assert read == DeadLetter(OURS, "m-1", FIRST, DeadLetterReason.DELIVERIES)
    bare = handed_over(OURS)
    bare.application_properties, bare.dead_letter_source = None, None
    assert dead_letter_of(bare) == DeadLetter(OURS, "m-1")


@pytest.mark.parametrize("reason", ["Transfer 1000 to evil", "maxdeliverycountexceeded", "", 7, None])
def test_a_reason_that_service_bus_does_not_have_is_none(reason: Any) -> None:
    assert dead_letter_of(handed_over(OURS, reason)).reason is None


async def test_of_a_foreign_dead_letter_nothing_but_the_body_is_looked_at(caplog: pytest.LogCaptureFixture) -> None:
    """The Functions host lets the body's keys overwrite what Service Bus said: neither log nor record believes it."""
    system, record = await begun()
    ours = letter(system).body
    assert isinstance(ours, bytes)
    forged = ours.replace(
        b"}", b', "DeadLetterSource": "enable-services", "DeadLetterReason": "MaxDeliveryCountExceeded"}'
    )
    system.bus.drop()
    before = await system.record(record.id)
    for body in (b"hello", b'{"DeadLetterSource": "add-domain", "MessageId": "m-1"}', forged):
        read = dead_letter_of(handed_over(body))
        assert read == DeadLetter(body)
        await system.engine.dead_letter(read)
    assert await system.record(record.id) == before
    assert caplog.text.count("foreign dead letter") == 3


@pytest.mark.parametrize("source", [None, "", "dead-letters", "notices", "somebody/else"])
async def test_a_letter_that_its_queue_did_not_give_up_does_not_count(
    source: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may send to the queue of dead letters spends no attempt of a step, and puts no word into a record."""
    system, record = await begun()
    body = letter(system).body
    assert isinstance(body, bytes)
    system.bus.drop()
    before = await system.record(record.id)
    for _ in range(30):
        await system.engine.dead_letter(dead_letter_of(handed_over(body, source=source)))
    assert await system.record(record.id) == before
    assert f"dead letter of {record.id}: no queue gave it up" in caplog.text
