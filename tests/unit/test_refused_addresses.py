"""An address that is refused is named on the record, and silences nobody else."""

from __future__ import annotations

from onboarding.core.events import ContactsChanged
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import AddresseesRefusedError, PersonMustActError, TryLaterError
from onboarding.core.record import Record
from onboarding.core.request import Addressees
from onboarding.ports import Notification
from tests.support import requests
from tests.support.system import System

GOOD, BAD, WORSE, LAST = "a@contoso.com", "bad@contoso.com", "worse@contoso.com", "z@contoso.com"


async def telling(*emails: str, refused: tuple[str, ...] = (BAD, WORSE)) -> tuple[System, Record]:
    """A system that owes these addresses, and Teams, a notice."""
    system = System()
    system.outside.notifier.refused.update(refused)
    body = {**requests.operator_connect(), "notify": {"emails": list(emails)}}
    request = requests.parsed(body)
    system.outside.deploy(request)
    record = (await system.request(request)).record
    system.outside.gateways.faults.add("get", PersonMustActError(ProblemCode.REFUSED, "ARM answered 400."))
    await system.deliver()
    return system, record


def mailed(system: System) -> list[str]:
    return [address for to, _ in system.outside.notifier.mails for address in to]


async def test_the_others_are_told_and_the_record_names_who_was_refused() -> None:
    system, record = await telling(GOOD, BAD, LAST, WORSE)
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert mailed(system) == [GOOD, LAST]
    assert [(d.way, d.to) for d in notice.sent] == [("teams", ()), ("email", (GOOD, LAST))]
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.ADDRESS_REFUSED
    assert notice.problem.seen.startswith(f"No e-mail was sent to {BAD}, {WORSE}: ")
    assert "PUT" in notice.problem.what_next
    assert (await system.events(record.id))[-1].detail.endswith(notice.problem.seen)


async def test_nobody_is_told_twice_and_the_corrected_address_is_told_alone() -> None:
    system, record = await telling(GOOD, BAD)
    for _ in range(3):
        await system.deliver()
        await system.tick(7200)
    assert mailed(system) == [GOOD]
    await system.engine.happen(record.id, ContactsChanged("ada", notify=Addressees(emails=(GOOD, LAST))))
    await system.tick(7200)
    await system.deliver()
    assert mailed(system) == [GOOD, LAST]
    assert len(system.outside.notifier.posts) == 1
    assert [n.owed for n in (await system.record(record.id)).notices] == [False]


async def test_where_nobody_says_which_address_it_was_each_is_tried_alone() -> None:
    system, record = await telling(GOOD, BAD, LAST)
    notifier = system.outside.notifier
    notifier.faults.add("mail", AddresseesRefusedError((GOOD, BAD, LAST), "one of them is not resolved."))
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert mailed(system) == [GOOD, LAST]
    assert notice.problem is not None
    assert notice.problem.seen == f"No e-mail was sent to {BAD}: it is not resolved."


async def test_a_mail_that_is_broken_off_among_them_goes_on_with_the_rest() -> None:
    system, record = await telling(GOOD, BAD, LAST)
    whole = AddresseesRefusedError((GOOD, BAD, LAST), "one of them is not resolved.")
    system.outside.notifier.faults.add("mail", whole, None, TryLaterError(ProblemCode.THROTTLED, "429", 60))
    await system.deliver()
    assert mailed(system) == [GOOD]
    await system.tick(7200)
    await system.deliver()
    assert mailed(system) == [GOOD, LAST]
    [notice] = (await system.record(record.id)).notices
    assert [d.to for d in notice.sent if d.way == "email"] == [(GOOD,), (LAST,)]


async def test_an_error_of_the_mail_library_does_not_keep_teams_from_being_told() -> None:
    system, record = await telling(GOOD)

    async def stumbles(to: object, message: Notification) -> bool:
        raise AttributeError("as_bytes")

    system.outside.notifier.mail = stumbles  # type: ignore[method-assign]
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert [d.way for d in notice.sent] == ["teams"]
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.UNEXPECTED


async def test_one_that_is_refused_is_named_also_when_another_way_fails() -> None:
    """Refused by Exchange while the Teams webhook is away, or refuses: both stand on the record."""
    for failure in (
        TryLaterError(ProblemCode.OUTAGE, "The Teams webhook answered 503."),
        PersonMustActError(ProblemCode.REFUSED, "The Teams webhook answered 404.", "Copy the URL once more."),
    ):
        system, record = await telling(GOOD, BAD)
        system.outside.notifier.faults.add("teams", failure)
        await system.deliver()
        [notice] = (await system.record(record.id)).notices
        assert mailed(system) == [GOOD]
        assert notice.problem is not None
        assert failure.seen in notice.problem.seen
        assert f"No e-mail was sent to {BAD}: " in notice.problem.seen
        passing = isinstance(failure, TryLaterError)
        assert notice.problem.code == (ProblemCode.OUTAGE if passing else ProblemCode.ADDRESS_REFUSED)
        assert passing or "Copy the URL once more." in notice.problem.what_next
        assert passing or "PUT" in notice.problem.what_next


async def test_one_that_is_refused_is_named_also_when_the_mail_to_the_others_fails() -> None:
    system, record = await telling(GOOD, BAD)
    refusal = AddresseesRefusedError((BAD,), "it is not resolved.")
    system.outside.notifier.faults.add("mail", refusal, TryLaterError(ProblemCode.THROTTLED, "Exchange answered 429."))
    await system.deliver()
    [notice] = (await system.record(record.id)).notices
    assert notice.problem is not None
    assert notice.problem.code == ProblemCode.THROTTLED
    assert notice.problem.seen == f"Exchange answered 429. No e-mail was sent to {BAD}: it is not resolved."
    await system.tick(7200)
    await system.deliver()
    assert mailed(system) == [GOOD]
