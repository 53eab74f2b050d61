"""While something is broken, trail and queue grow ever more slowly; what a person must mend is shown."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from onboarding.core.events import (
    CancelRequested,
    ContactsChanged,
    NoticeStarted,
    PauseRequested,
    ProblemReported,
    ReplayRequested,
)
from onboarding.core.policy import Policy
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import PersonMustActError, StepProblemError, TryLaterError
from onboarding.core.record import Notice, Record, StepState
from onboarding.core.request import Addressees
from tests.support import requests
from tests.support.http import Api, content
from tests.support.system import System, later

FIRST = "enable-services"
PERSON = PersonMustActError(ProblemCode.PERMISSION_MISSING, "Exchange answered 403.", "Give it Mail.Send.")
OUTAGE = TryLaterError(ProblemCode.OUTAGE, "Exchange answered 503.")
DAYS = 30


async def begun() -> tuple[System, Record]:
    system = System()
    request = requests.parsed(requests.operator_connect())
    system.outside.deploy(request)
    return system, (await system.request(request)).record


async def asking(problem: StepProblemError | None) -> tuple[System, Record]:
    """An onboarding with an open checkpoint, of which nobody can be told by e-mail."""
    system, record = await begun()
    if problem is not None:
        system.outside.notifier.faults.add("mail", *[problem] * 5000)
    return system, await later(system, record.id)


def failing(record: Record) -> Notice:
    return next(n for n in record.notices if n.problem is not None and n.owed)


async def events_of_a_month(system: System, record: Record, *about: str) -> int:
    before = len(await system.events(record.id))
    for _ in range(DAYS * 24 * 6):
        while await system.deliver():
            pass
        await system.tick(600)
    return sum(e.what in about for e in (await system.events(record.id))[before:])


# -- messages that do not arrive --------------------------------------------------------------------------------


async def test_a_step_whose_messages_never_arrive_is_nudged_ever_more_slowly() -> None:
    system, record = await begun()
    for _ in range(24 * 60):
        system.bus.drop()
        await system.tick()
    nudged = [e.at for e in await system.events(record.id) if "nudged again" in e.detail]
    assert len(nudged) <= 30, "720 a day, when the gap did not grow"
    gaps = [after - before for before, after in pairwise(nudged)]
    assert gaps == sorted(gaps)
    assert gaps[0] < timedelta(minutes=5)
    assert max(gaps) <= timedelta(seconds=Policy().nudge_longest + 60)
    system.outside.settle()
    assert (await system.run(record.id)).closed, "a message that does arrive is as good as the first"


async def test_a_message_that_arrives_ends_the_growth_of_the_gap() -> None:
    system, record = await begun()
    for _ in range(60):
        system.bus.drop()
        await system.tick()
    assert (await system.record(record.id)).step(FIRST).nudges == 4
    system.outside.gateways.faults.add("get", OUTAGE)
    while (await system.record(record.id)).step(FIRST).attempts == 0:
        await system.deliver()
        await system.tick()
    step = (await system.record(record.id)).step(FIRST)
    assert (step.state, step.nudges) == (StepState.DUE, 0)


async def test_a_notice_whose_messages_never_arrive_is_nudged_ever_more_slowly() -> None:
    system, record = await begun()
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    for _ in range(24 * 60):
        system.bus.drop()
        await system.tick()
    assert sum("nudged again" in e.detail for e in await system.events(record.id)) <= 30


def test_a_grace_longer_than_the_longest_gap_counts() -> None:
    assert Policy(nudge_grace=7200).nudge_after(3) == timedelta(hours=2)
    assert Policy(nudge_grace=0).nudge_after(30) == timedelta(0)


# -- notices that fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("problem", "most"), [(PERSON, 40), (OUTAGE, 130)])
async def test_a_notice_that_can_not_be_sent_for_a_month_leaves_a_short_trail(
    problem: StepProblemError, most: int
) -> None:
    system, record = await begun()
    system.outside.notifier.faults.add("mail", *[problem] * 5000)
    await system.engine.happen(record.id, PauseRequested("ada", "a freeze"))
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    events = await events_of_a_month(system, record, "notice-started", "notice-failed", "time-passed")
    assert 10 < events < most, "1,300, when it was tried each hour"
    assert len(system.outside.notifier.posts) == 1, "the other way was told, once"


async def test_a_notice_that_a_person_must_mend_is_shown_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    system, record = await asking(PERSON)
    notice = failing(record)
    assert notice.next_attempt_at is not None
    assert notice.next_attempt_at - record.updated_at >= timedelta(hours=1)
    api = Api(monkeypatch, system=system)
    view = content(await api.get(f"onboardings/{record.id}"))
    problems = [n["problem"] for n in view["notices"] if n["problem"]]
    assert {(p["seen"], p["whatNext"]) for p in problems} == {("Exchange answered 403.", "Give it Mail.Send.")}
    page = (await api.get(f"dashboard/{record.id}", accept="text/html")).get_body().decode()
    assert 'What to do: <span class="lines">Give it Mail.Send.</span>' in " ".join(page.split())
    assert "Exchange answered 403." in (await api.get("dashboard", accept="text/html")).get_body().decode()
    assert "replay" in {action["name"] for action in view["allowedActions"]}
    assert (await api.post(f"onboardings/{record.id}/replay")).status_code == 200


async def test_what_was_not_told_goes_out_when_a_person_says_so() -> None:
    system, record = await asking(PERSON)
    notice = failing(record)
    system.outside.notifier.faults = type(system.outside.notifier.faults)()
    await system.engine.happen(record.id, ReplayRequested("ada"))
    await system.deliver()
    [sent] = [n for n in (await system.record(record.id)).notices if n.id == notice.id]
    assert sent.problem is None
    assert {d.way for d in sent.sent} == {"teams", "email"}


async def test_a_person_who_has_it_sent_again_does_not_cut_a_pause_short_that_was_asked_for() -> None:
    system, record = await begun()
    await later(system, record.id)
    record = await begun_to_tell(system, record.id)
    notice = failing(record)
    assert notice.not_before is not None
    await system.engine.happen(record.id, ReplayRequested("ada"))
    again = failing(await system.record(record.id))
    assert (again.next_attempt_at, again.attempts) == (notice.not_before, 0)


async def begun_to_tell(system: System, onboarding_id: str) -> Record:
    """Someone is to be told of something else, and can't be for now."""
    system.outside.notifier.faults = type(system.outside.notifier.faults)()
    system.outside.notifier.faults.add("mail", TryLaterError(ProblemCode.THROTTLED, "429", 600))
    reported = ProblemReported("operator-information", "ada", "no form")
    await system.engine.happen(onboarding_id, reported)
    await system.deliver()
    return await system.record(onboarding_id)


async def test_what_was_not_told_goes_out_when_contacts_are_corrected() -> None:
    system, record = await begun()
    wrong = record.request.notify.emails[0]
    system.outside.notifier.refused.add(wrong)
    record = await later(system, record.id)
    assert failing(record).problem is not None
    right = Addressees(emails=("right@contoso.com",), teams=True)
    await system.engine.happen(record.id, ContactsChanged("ada", notify=right))
    await system.deliver()
    record = await system.record(record.id)
    assert not [n for n in record.notices if n.problem and n.owed]
    assert ("right@contoso.com",) in [to for to, _ in system.outside.notifier.mails]


async def test_a_way_that_may_heal_by_itself_is_not_kept_waiting_by_one_that_a_person_must_mend() -> None:
    system, record = await begun()
    system.outside.notifier.faults.add("mail", PERSON)
    system.outside.notifier.faults.add("teams", OUTAGE)
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    await system.deliver()
    notice = failing(await system.record(record.id))
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.OUTAGE
    assert notice.next_attempt_at is not None
    assert notice.next_attempt_at < system.clock.now() + timedelta(seconds=10)


async def test_a_function_that_dies_each_time_it_tells_somebody_is_given_time() -> None:
    system, record = await begun()
    await system.engine.happen(record.id, CancelRequested("ada", "wrong gateway"))
    system.bus.drop()
    for _ in range(24 * 60):
        [notice] = (await system.record(record.id)).notices
        # It takes the notice up and is never heard of again.
        await system.engine.happen(record.id, NoticeStarted(notice.id, notice.ticket))
        await system.tick()
    assert sum(e.what == "notice-started" for e in await system.events(record.id)) < 20
