"""Onboardings in every state, made by the rules themselves: each is a script of what happened, and when.

Nothing here is random: the same count and time always give the same crowd.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from onboarding.core.decide import create, decide
from onboarding.core.deviation import deviation
from onboarding.core.events import (
    CancelRequested,
    Confirmed,
    DriftSeen,
    Happening,
    Looked,
    NoticeFailed,
    NoticeSent,
    NoticeStarted,
    PauseRequested,
    Postponed,
    ProblemReported,
    Started,
    Stopped,
    Succeeded,
    TimePassed,
)
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.record import Delivered, Problem, Record
from onboarding.core.request import OnboardingRequest
from onboarding.ports import Table, TxtRecord
from onboarding.records import TAIL_CHARACTERS
from onboarding.rows import event_row
from tests.support import requests
from tests.support.kept import records_on

OLGA, ADAM, SAM = "olga.operator@contoso.com", "adam.approver@contoso.com", "sam.submitter@contoso.com"
SUBSCRIPTIONS = (requests.SUBSCRIPTION, "b3a0c7de-52f4-4a8e-8b1d-7f6e5d4c3b2a", "1f9d3c5b-7a2e-4d61-9c84-0e2b6a8d4f17")
PLACES = (
    "london", "oslo", "lisbon", "vienna", "dublin", "madrid", "paris", "prague", "warsaw", "zurich", "athens", "riga",
    "helsinki", "cardiff", "leeds", "malmo", "porto", "turin", "ghent", "basel",
)  # fmt: skip
OPERATORS = ("contoso", "fabrikam", "northwind", "adatum", "litware", "proseware", "tailspin")
AT_ONCE = 16
"""Onboardings written side by side."""

MISSING = Problem(
    code=ProblemCode.PERMISSION_MISSING,
    seen="Microsoft Graph refused to assign the role: Insufficient privileges to complete the operation.",
    what_next="Grant the application AppRoleAssignment.ReadWrite.All, then retry the step.",
)
IN_USE = Problem(
    code=ProblemCode.DOMAIN_IN_USE,
    seen="Another Microsoft tenant holds the domain.",
    what_next="Have it removed there, then retry the step.",
)
THROTTLED = Problem(
    code=ProblemCode.THROTTLED, seen="Microsoft Graph answered 429: too many requests; it asks for 120 seconds."
)
DEAD_WEBHOOK = Problem(
    code=ProblemCode.REFUSED, seen="The Teams webhook answered 404.", what_next="Make the workflow anew."
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Life:
    """One onboarding, as it happened."""

    def __init__(self, request: OnboardingRequest, began: datetime) -> None:
        self.now = began
        self.webhook_works = True
        self.record = create(request, SAM, began).record

    def happen(self, happening: Happening) -> None:
        """The rules decide, and people are told what they are to be told."""
        self.record = decide(self.record, happening, self.now).record
        for notice in self.record.notices:
            if notice.owed and not notice.sending:
                self._tell(notice.id, notice.ticket)

    def _tell(self, notice: str, ticket: int) -> None:
        self.record = decide(self.record, NoticeStarted(notice, ticket), self.now).record
        mail = Delivered(way="email", to=self.record.request.notify.emails, at=self.now)
        teams = Delivered(way="teams", at=self.now)
        told: Happening = NoticeSent(notice, ticket, (teams, mail))
        if not self.webhook_works:
            told = NoticeFailed(notice, ticket, DEAD_WEBHOOK, sent=(mail,))
        self.record = decide(self.record, told, self.now).record

    @property
    def domain(self) -> str:
        return f"{self.record.request.gateway.name}.commsgw.azure.com"

    def guid(self, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{what}.{self.domain}"))


Deed = Callable[[Life], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happened `after` what happened before it."""

    after: timedelta
    deed: Deed


def _task(name: str, detail: str, find: Callable[[Life], dict[str, Any]] = lambda _: {}) -> Scene:
    def deed(life: Life) -> None:
        ticket = life.record.step(name).ticket
        life.happen(Started(name, ticket))
        life.now += timedelta(seconds=3)
        life.happen(Succeeded(name, life.record.step(name).ticket, detail, find(life)))

    return Scene(timedelta(seconds=5), deed)


def _happens(after: timedelta, *happenings: Happening) -> Scene:
    def deed(life: Life) -> None:
        for happening in happenings:
            life.happen(happening)

    return Scene(after, deed)


def _attempt(name: str, outcome: Callable[[int], Happening], after: timedelta = MINUTE) -> Scene:
    """A task is started; what comes of it is made with its ticket."""

    def deed(life: Life) -> None:
        ticket = life.record.step(name).ticket
        life.happen(Started(name, ticket))
        life.happen(outcome(ticket))

    return Scene(after, deed)


def _open_for(days: float) -> Iterator[Scene]:
    """A checkpoint stays open: people are reminded after three days, then weekly."""
    passed = 0.0
    for reminder in (3.0, 10.0, 14.0, 17.0, 24.0):
        if reminder < days:
            yield _happens((reminder - passed) * DAY + MINUTE, TimePassed())
            passed = reminder
    yield _happens(max(timedelta(0), (days - passed) * DAY))


def _look(name: str, after: timedelta, detail: str, done: bool = False) -> Scene:
    return _happens(after, Looked(name, done, detail))


def _provisioned(days: float) -> list[Scene]:
    return [
        _task("enable-services", "The services were enabled."),
        _task("add-test-lines", "The test lines were added."),
        _look("provisioning-complete", MINUTE, "Provisioning Status is ChangePending."),
        _look("provisioning-complete", days * DAY, "Provisioning Status is Complete.", done=True),
    ]


def _txt(life: Life) -> dict[str, Any]:
    value = f"MS=ms{int(life.guid('txt')[:6], 16) % 10**8:08d}"
    return {"domain": life.domain, "txtRecord": TxtRecord(name=life.domain, value=value, ttl=3600).to_json()}


_MACHINE = {
    "add-project-synergy": _task(
        "add-project-synergy", "Project Synergy was added.", lambda x: {"projectSynergyId": x.guid("synergy")}
    ),
    "assign-admin-user": _task(
        "assign-admin-user", "The admin user has the role.", lambda x: {"adminUserId": x.guid("admin")}
    ),
    "find-application-id": _task(
        "find-application-id",
        "Found by the gateway's identity.",
        lambda x: {"applicationId": x.guid("application"), "gatewayPrincipalId": x.guid("principal")},
    ),
    "assign-application-roles": _task("assign-application-roles", "All seven roles are assigned."),
    "add-domain": _task("add-domain", "The domain was added.", _txt),
    "share-txt-record": _task("share-txt-record", "The record was sent to Microsoft onboarding."),
}
"""What needs nobody, after provisioning."""


def _machine(*left_out: str) -> list[Scene]:
    return [scene for name, scene in _MACHINE.items() if name not in left_out]


def _domain_verified(days: float) -> list[Scene]:
    return [
        _look("txt-record-visible", days * DAY, "Every name server shows the record.", done=True),
        _task("verify-domain", "The domain is verified.", lambda _: {"domainVerified": True}),
    ]


def _confirmed(step: str, after: timedelta, note: str) -> Scene:
    return _happens(after, Confirmed(step, ADAM, note))


def _people() -> list[Scene]:
    return [
        _confirmed("operator-information", 2 * DAY, "Form returned on Monday."),
        _confirmed("portal-access", 5 * HOUR, ""),
    ]


def _last_look(name: str, detail: str) -> list[Scene]:
    return [_look(name, timedelta(0), detail), _happens(4 * MINUTE)]


def _for_microsoft(n: int) -> list[Scene]:
    days = 1 + n % 13
    *begun, _ = _provisioned(days)
    return [*begun, _happens(days * DAY), *_last_look("provisioning-complete", "Provisioning Status is ChangePending.")]


def _for_the_team(n: int) -> list[Scene]:
    return [
        *_provisioned(3 + n % 5),
        *_machine(),
        *_open_for(0.4 + n % 19),
        *_last_look("txt-record-visible", "Not on ns1 and ns2 yet."),
    ]


def _for_portal_access(n: int) -> list[Scene]:
    return [
        *_provisioned(2.5), *_machine(), *_domain_verified(1.2),
        _confirmed("operator-information", 1.5 * DAY, "Form returned."), *_open_for(0.2 + n % 6),
    ]  # fmt: skip


def _for_application_ids(n: int) -> list[Scene]:
    return [*_provisioned(6), *_machine(), *_domain_verified(2.5), *_people(), *_open_for(0.3 + n % 9)]


def _stopped(n: int) -> list[Scene]:
    step, problem = ("assign-admin-user", MISSING) if n % 2 else ("add-domain", IN_USE)
    after_it = {"assign-admin-user": ("assign-admin-user",), "add-domain": ("add-domain", "share-txt-record")}[step]
    others = _machine(*after_it)
    return [
        *_provisioned(4),
        *others,
        _attempt(step, lambda ticket: Stopped(step, ticket, problem)),
        _happens((1 + n % 30) * HOUR),
        *([] if step == "add-domain" else _last_look("txt-record-visible", "Not on ns1 and ns2 yet.")),
    ]


def _reported(n: int) -> list[Scene]:
    note = "The portal says that our tenant has no Operator Connect subscription."
    return [
        *_provisioned(5), *_machine(), *_domain_verified(1),
        _confirmed("operator-information", 2 * DAY, "Form returned."),
        _happens(DAY, ProblemReported("portal-access", ADAM, note)), _happens((2 + n % 50) * HOUR),
    ]  # fmt: skip


def _throttled(n: int) -> list[Scene]:
    return [
        *_provisioned(1 + n % 8),
        *_machine("add-project-synergy", "assign-admin-user", "assign-application-roles"),
        _attempt("add-project-synergy", lambda ticket: Postponed("add-project-synergy", ticket, THROTTLED, 3600.0)),
        *_last_look("txt-record-visible", "Not on ns1 and ns2 yet."),
    ]


def _webhook_dead(n: int) -> list[Scene]:
    def breaks(life: Life) -> None:
        life.webhook_works = False

    return [
        *_provisioned(2), Scene(timedelta(0), breaks), *_machine(),
        *_domain_verified(1 + n % 3), _happens(HOUR),
    ]  # fmt: skip


def _running(n: int) -> list[Scene]:
    return [_happens((n % 50) * timedelta(seconds=1))]


def _completed(n: int) -> list[Scene]:
    return [
        *_provisioned(2 + n % 11), *_machine(), *_domain_verified(1 + n % 4), *_people(),
        _confirmed("add-application-ids", 3 * HOUR, "Both are in the portal."), _happens((1 + n % 60) * DAY),
    ]  # fmt: skip


def _drifted(n: int) -> list[Scene]:
    def seen(life: Life) -> None:
        role = f"Data.Read of {life.record.request.gateway.name}"
        gone = deviation("assign-application-roles", role, "held", "not held", life.now, repair=life.guid("repair"))
        life.happen(DriftSeen(life.record.version, {"assign-application-roles": (gone,)}))

    return [*_completed(n), Scene(HOUR, seen), Scene(HOUR, seen), _happens((n % 3) * DAY)]


def _cancelled(n: int) -> list[Scene]:
    reason = "The gateway is replaced by another one."
    return [*_provisioned(3), *_machine(), _happens(2 * DAY, CancelRequested(OLGA, reason)), _happens((n % 40) * DAY)]


def _paused(n: int) -> list[Scene]:
    pause = PauseRequested(OLGA, "A change freeze: nothing is touched until the new exchange is in service.")
    return [
        *_provisioned(2 + n % 4), *_machine("add-domain", "share-txt-record"),
        _happens(2 * DAY, pause), _happens((1 + n % 6) * DAY),
    ]  # fmt: skip


def _cancelling(n: int) -> list[Scene]:
    return [
        *_provisioned(3),
        _attempt("add-domain", lambda _: CancelRequested(OLGA, "The gateway is replaced by another one.")),
        _happens((1 + n % 5) * timedelta(seconds=10)),
    ]


SCRIPTS: tuple[Callable[[int], list[Scene]], ...] = (
    _for_application_ids, _for_microsoft, _stopped, _for_the_team, _completed, _for_portal_access,
    _for_microsoft, _reported, _completed, _throttled, _webhook_dead, _completed, _running, _cancelled,
    _paused, _cancelling, _drifted,
)  # fmt: skip


def lived(request: OnboardingRequest, scenes: list[Scene], now: datetime) -> Record:
    """The record of a script that has come to its end now."""
    spare = timedelta(seconds=3) * len(scenes)
    life = Life(request, now - spare - sum((s.after for s in scenes), timedelta(0)))
    for scene in scenes:
        life.now += scene.after
        scene.deed(life)
    return life.record


def request_of(n: int) -> OnboardingRequest:
    """The n-th request: another gateway each."""
    make = (requests.operator_connect, requests.teams_phone_mobile, requests.lab)[n % 3]
    body = make()
    operator = OPERATORS[n % len(OPERATORS)]
    number = n // (len(PLACES) * len(OPERATORS))
    name = f"{operator}-{PLACES[n % len(PLACES)]}{f'-{number}' if number else ''}"
    subscription = SUBSCRIPTIONS[n % len(SUBSCRIPTIONS)]
    body["gateway"].update(name=name, subscriptionId=subscription, resourceGroup=f"rg-voice-{operator}")
    body["adminUser"] = f"voice.admin@{operator}.example.com"
    body["notify"]["emails"] = [f"voice-ops@{operator}.example.com"]
    return requests.parsed(body)


def crowd(count: int, now: datetime) -> Iterator[Record]:
    """So many onboardings in turn in every state, as they stand now."""
    for n in range(count):
        yield lived(request_of(n), SCRIPTS[n % len(SCRIPTS)](n // len(SCRIPTS)), now)


async def put(people: Iterable[Record], onboardings: Table, events: Table) -> list[Record]:
    """Write them as the application does: the older events in a table of their own, closed ones where they belong."""
    records = records_on(onboardings, events)
    gate = asyncio.Semaphore(AT_ONCE)

    async def write(record: Record) -> Record:
        older: list[Any] = []
        kept = list(record.tail)
        while sum(len(e.model_dump_json(by_alias=True)) for e in kept) > TAIL_CHARACTERS:
            older.append(kept.pop(0))
        async with gate:
            if older:
                await events.upsert([event_row(record.id, event) for event in older])
            record = record.model_copy(update={"tail": tuple(kept)})
            await records.create(record)
            if record.settled:
                loaded = await records.load(record.id)
                assert loaded is not None
                await records.archive(loaded)
        return record

    return list(await asyncio.gather(*(write(record) for record in people)))
