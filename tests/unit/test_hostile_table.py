"""Whoever writes the table and sends messages, as a front that somebody took over does, stays within the bounds.

The attacker has those two rights and no other: rows are written as bytes, messages sent to each step, and what
Microsoft and the addressees got is looked at.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.events import Nudge
from onboarding.core.patterns import PHONE_NUMBER, fits
from onboarding.core.permitted import Permitted
from onboarding.core.plan import StepKind
from onboarding.core.record import Record
from onboarding.core.request import OnboardingRequest
from onboarding.memory import ManualClock
from onboarding.memory.directory import user_id
from onboarding.ports import Domain, Row, TxtRecord
from onboarding.rows import OPEN, UnreadableRowError, from_row, to_row
from onboarding.steps.operator_connect import ADMIN_ROLE
from onboarding.timer import timer_pass
from tests.support import requests
from tests.support.steps import STEPS, TASKS
from tests.support.system import System, finished, later

ADMIN, OTHER_USER = "voice.admin@contoso.com", "mallory@contoso.com"
FOREIGN = GatewayId("11111111-2222-4333-8444-555555555555", "rg-foreign", "foreign-acg")
NEIGHBOUR = GatewayId(requests.SUBSCRIPTION, "rg-neighbour", "contoso-acg")
SERVICE = "9f9f9f9f-0000-4000-8000-00000000beef"
"""Object id of an application's service principal that no gateway has."""
HELD = "held.example"
"""A domain that the tenant has and has not verified, on purpose."""
PERMITTED = Permitted(
    subscriptions=(f"{requests.SUBSCRIPTION}/rg-voice",),
    admin_users=(ADMIN,),
    domain_suffixes=("commsgw.azure.com",),
    mail_domains=("contoso.com", "example.com"),
)
Body = dict[str, Any]


def request_of_ours() -> OnboardingRequest:
    return requests.parsed(requests.lab())


OURS: GatewayId = request_of_ours().gateway.id  # type: ignore[attr-defined]
DOMAIN = f"{OURS.name}-label.commsgw.azure.com"
IDENTITY = f"principal-of-{OURS.name}"


def row_of(body: Body, key: str | None = None) -> Row:
    """A row as anybody can write it."""
    whole = dict(body)
    columns = {
        column: json.dumps(whole.pop(name))
        for name, column in (("request", "Request"), ("steps", "Steps"), ("notices", "Notices"), ("tail", "Tail"))
    }
    columns["Rest"] = json.dumps(whole, separators=(",", ":"))
    return Row(OPEN, key or body["id"], {**to_row(HONEST, OPEN).columns, **columns})


class Attacker:
    """A system whose table and bus somebody else writes to."""

    def __init__(self, permitted: Permitted = PERMITTED) -> None:
        self.system = System(permitted=permitted, clock=ManualClock(HONEST.updated_at))
        self.outside = self.system.outside
        self.outside.deploy(request_of_ours())
        for gateway in (FOREIGN, NEIGHBOUR):
            body = self.outside.gateways.add(gateway)
            body["identity"]["principalId"] = f"identity-in-{gateway.resource_group}"
            self.outside.directory.add_identity(body["identity"]["principalId"], gateway.name)
        self.outside.directory.add_user(OTHER_USER)
        self.outside.directory.add_identity(SERVICE, "an application")
        record = TxtRecord(name=HELD, value="MS=ms1", ttl=60)
        self.outside.directory.domains[HELD] = Domain(HELD, False, record)
        self.outside.dns.publish(HELD, "MS=ms1")
        self.before = copy.deepcopy({k: v for k, v in self.outside.gateways.resources.items() if k != OURS.key})
        self.before_lines = copy.deepcopy({k: v for k, v in self.outside.gateways.lines.items() if k != OURS.key})

    async def has_project_synergy(self) -> None:
        await self.outside.directory.add_application("eb63d611-525e-4a31-abd7-0cb33f679599", "Operator Connect")

    async def writes(self, body: Body, key: str | None = None) -> None:
        """A row of these parts, whatever stands there."""
        await self.system.onboardings.upsert([row_of(body, key)])

    async def sends(self, onboarding_id: str, step: str) -> None:
        """The message of that step arrives; then all that is owed, and the timer passes."""
        with suppress(UnreadableRowError):
            await self.system.engine.receive(Nudge(onboarding_id, step, 7))
        while await self.system.deliver():
            pass
        await timer_pass(self.system.engine)

    def outside_the_bounds(self) -> list[str]:
        """What was done at Microsoft, or told, that may not be."""
        directory, gateways = self.outside.directory, self.outside.gateways
        admin = next(r.id for r in directory.offers["eb63d611-525e-4a31-abd7-0cb33f679599"] if r.value == ADMIN_ROLE)
        found = [f"gateway {k}" for k, v in gateways.resources.items() if k != OURS.key and v != self.before.get(k)]
        found += [f"lines of {k}" for k, v in gateways.lines.items() if k != OURS.key and v != self.before_lines.get(k)]
        found += [
            f"line {line}" for line in gateways.lines[OURS.key].values() if not fits(PHONE_NUMBER, line.phone_number)
        ]
        for (principal, _), roles in directory.held.items():
            allowed = {user_id(ADMIN): {admin}, IDENTITY: roles - {admin}}.get(principal, set())
            found += [f"role {role} for {principal}" for role in roles - allowed]
        found += [f"domain {name}" for name in directory.domains if name not in (DOMAIN, HELD)]
        found += [f"verified {HELD}" for _ in [0] if directory.domains[HELD].is_verified]
        found += [
            f"mail to {address}"
            for to, _ in self.outside.notifier.mails
            for address in to
            if address.rpartition("@")[2] not in PERMITTED.mail_domains
        ]
        told = [m for _, m in self.outside.notifier.mails if m.title.startswith("DNS TXT record")]
        shared = (dict(message.values)["Name"] for message in told)
        found += [f"TXT record for {name}" for name in shared if name != DOMAIN]
        return found


def ready(body: Body, name: str) -> Body:
    """The record with that step due, by its ticket; every other one has ended."""
    made = copy.deepcopy(body)
    made["closedAt"] = None
    for step in made["steps"]:
        step["state"] = "done"
        if step["name"] == name:
            step.update(state="due", ticket=7, nextAttemptAt=made["updatedAt"], attempts=0, begunAt=None)
    return made


HONEST: Record = asyncio.run(finished(request_of_ours()))[1]  # type: ignore[arg-type]
"""How our gateway's onboarding ends when nobody interferes."""


def consistent(body: Body) -> Body:
    """With the id that belongs to its gateway, as a careful attacker writes it."""
    gateway = body["request"]["gateway"]
    try:
        body["id"] = GatewayId(gateway["subscriptionId"], gateway["resourceGroup"], gateway["name"]).onboarding_id
    except (TypeError, AttributeError):
        return body
    return body


HOSTILE: tuple[Any, ...] = (
    SERVICE,
    OTHER_USER,
    user_id(OTHER_USER),
    f"identity-in-{FOREIGN.resource_group}",
    f"{IDENTITY}/owners",
    FOREIGN.subscription_id,
    FOREIGN.resource_group,
    NEIGHBOUR.resource_group,
    FOREIGN.name,
    "../../x",
    "evil.example",
    HELD,
    "eve@evil.example",
    "not a number <b>",
    "=?utf-8?q?v=40evil.example?=@contoso.com",
    None,
    7,
    ["evil.example"],
    {"name": "evil.example", "type": "TXT", "value": "<b>", "ttl": 1},
)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where each text stands, of lists only the first."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value[:1]):
            yield from leaves(part, (*path, place))
    elif isinstance(value, str | type(None) | bool):
        yield path


def put(body: Body, path: tuple[str | int, ...], value: Any) -> Body:
    made = copy.deepcopy(body)
    at: Any = made
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return made


def forged() -> Iterator[tuple[str, Body]]:
    """The record with one stored value of another's, for each value of the request and of what steps found."""
    body = HONEST.to_json()
    places = [("request", *path) for path in leaves(body["request"])]
    for number, step in enumerate(body["steps"]):
        places += [("steps", number, "found", *path) for path in leaves(step["found"])]
    for path in places:
        for value in HOSTILE:
            yield f"{path}={value!r}", consistent(put(body, path, value))


@cache
def that_can_be_read() -> tuple[tuple[str, Body], ...]:
    """Those of them that are no nonsense."""
    return tuple((what, body) for what, body in forged() if readable(body))


def readable(body: Body) -> bool:
    try:
        from_row(row_of(body))
    except UnreadableRowError:
        return False
    return True


def test_most_values_of_others_make_no_record_and_some_do() -> None:
    tried = len(list(forged()))
    assert tried > 500
    assert 100 < len(that_can_be_read()) < tried / 2


@pytest.mark.parametrize("name", [step.name for step in TASKS])
async def test_no_stored_value_takes_a_step_out_of_the_bounds(name: str) -> None:
    bad: list[str] = []
    for what, body in that_can_be_read():
        attacker = Attacker()
        if name != "add-project-synergy":
            await attacker.has_project_synergy()
        await attacker.writes(ready(body, name))
        await attacker.sends(body["id"], name)
        bad += [f"{what}: {found}" for found in attacker.outside_the_bounds()]
    assert bad == []


async def all_at_once(attacker: Attacker, change: Callable[[Body], object], name: str) -> Record | None:
    await attacker.has_project_synergy()
    body = ready(HONEST.to_json(), name)
    change(body)
    consistent(body)
    await attacker.writes(body)
    await attacker.sends(body["id"], name)
    with suppress(UnreadableRowError):
        loaded = await attacker.system.records.load(body["id"])
        return loaded.record if loaded else None
    return None


def found(body: Body, step: str) -> Body:
    value: Body = next(s for s in body["steps"] if s["name"] == step)["found"]
    return value


async def test_a_principal_in_the_findings_is_given_nothing() -> None:
    """It was given the seven roles of the gateway."""
    attacker = Attacker()

    def change(body: Body) -> None:
        found(body, "find-application-id")["gatewayPrincipalId"] = SERVICE

    await all_at_once(attacker, change, "assign-application-roles")
    assert {principal for principal, _ in attacker.outside.directory.held} == {IDENTITY}


async def test_another_user_is_not_made_admin() -> None:
    attacker = Attacker()
    record = await all_at_once(attacker, lambda b: b["request"].update(adminUser=OTHER_USER), "assign-admin-user")
    assert attacker.outside.directory.held == {}
    assert record is not None
    problem = record.step("assign-admin-user").problem
    assert problem is not None
    assert problem.code == "not-permitted"
    assert "ONBOARDING_PERMITTED_ADMIN_USERS" in problem.seen
    assert OTHER_USER not in problem.seen


@pytest.mark.parametrize("permitted", [PERMITTED, Permitted()])
@pytest.mark.parametrize("name", ["add-domain", "verify-domain", "share-txt-record"])
@pytest.mark.parametrize("domain", ["evil.example", HELD])
@pytest.mark.parametrize("in_request", [True, False])
async def test_a_domain_of_choice_is_not_added_verified_or_shared(
    name: str, permitted: Permitted, domain: str, in_request: bool
) -> None:
    """It was, from the request (add) or the findings (verify, share)."""
    attacker = Attacker(permitted)

    def change(body: Body) -> None:
        body["request"]["gateway"]["domain"] = domain if in_request else None
        record = {"name": domain, "type": "TXT", "value": "MS=ms1", "ttl": 60}
        found(body, "add-domain").update(domain=domain, domainVerified=False, txtRecord=record)
        found(body, "verify-domain").update(domainVerified=False)

    await all_at_once(attacker, change, name)
    assert attacker.outside_the_bounds() == []


async def test_a_test_line_has_a_number() -> None:
    attacker = Attacker()
    lines = {"testLines": [{"name": "OC1", "phoneNumber": "not a number <b>"}]}
    await all_at_once(attacker, lambda b: b["request"]["services"]["operatorConnect"].update(lines), "add-test-lines")
    assert attacker.outside.gateways.lines[OURS.key] == {}


@pytest.mark.parametrize("gateway", [FOREIGN, NEIGHBOUR])
@pytest.mark.parametrize("name", [step.name for step in TASKS])
async def test_a_gateway_of_elsewhere_is_neither_read_nor_changed(name: str, gateway: GatewayId) -> None:
    attacker = Attacker()
    where = {
        "subscriptionId": gateway.subscription_id,
        "resourceGroup": gateway.resource_group,
        "name": gateway.name,
    }
    await all_at_once(attacker, lambda b: b["request"]["gateway"].update(where), name)
    assert attacker.outside_the_bounds() == []
    assert attacker.outside.gateways.faults.calls["get"] == 0


async def test_plans_of_choice_do_no_more() -> None:
    """Every step at once, in an order of their own, about another's things."""
    attacker = Attacker()
    await attacker.has_project_synergy()
    for task in TASKS:
        body = ready(HONEST.to_json(), task.name)
        body["request"]["adminUser"] = OTHER_USER
        for step in body["steps"]:
            step["plan"]["needs"] = []
            if step["name"] == task.name:
                step.update(name=f"{task.name}:{SERVICE}")
                step["plan"]["about"] = SERVICE
        await attacker.writes(body)
        await attacker.sends(body["id"], f"{task.name}:{SERVICE}")
    assert attacker.outside_the_bounds() == []


async def test_a_row_whose_key_id_and_gateway_do_not_belong_together_is_not_read() -> None:
    body = ready(HONEST.to_json(), "enable-services")
    for key, onboarding_id in (("contoso-acg-0000000000", body["id"]), (body["id"], "contoso-acg-0000000000")):
        attacker = Attacker()
        await attacker.writes({**body, "id": onboarding_id}, key)
        with pytest.raises(UnreadableRowError, match="do not belong together"):
            await attacker.system.records.load(key)
        await attacker.sends(key, "enable-services")
        assert attacker.outside.writes == []


async def test_what_is_within_the_bounds_is_done() -> None:
    """Or nothing above would prove anything."""
    system, record = await finished(request_of_ours(), System(permitted=PERMITTED))  # type: ignore[arg-type]
    assert record.closed
    assert {s.state for s in record.steps} == {"done"}
    assert len(system.outside.writes) > 8
    assert {s.kind for s in STEPS} == set(StepKind)


async def test_an_addressee_who_may_not_have_mail_does_not_silence_the_others() -> None:
    emails = ["voice-ops@contoso.com", "eve@evil.example"]
    request = requests.parsed(requests.operator_connect(notify={"emails": emails}))
    system, record = await finished(request, System(permitted=PERMITTED))  # type: ignore[arg-type]
    assert record.closed
    told = {address for to, _ in system.outside.notifier.mails for address in to}
    assert told == {"voice-ops@contoso.com", "team@example.com", "voice.admin@contoso.com"}
    assert {a for n in record.notices for d in n.sent for a in d.to} == told


async def test_mail_to_nobody_who_may_have_it_stops_the_step_and_is_no_notice() -> None:
    team = {"name": "team", "email": "eve@evil.example"}
    request = requests.parsed(requests.operator_connect(onboardingTeam=team, notify={"emails": ["x@evil.example"]}))
    system = System(permitted=PERMITTED)
    system.outside.deploy(request)  # type: ignore[arg-type]
    record = await later(system, (await system.request(request)).record.id)
    problem = record.step("share-txt-record").problem
    assert problem is not None
    assert problem.code == "not-permitted"
    assert system.outside.notifier.mails == []
    assert {n.problem.code for n in record.notices if n.problem} == {"not-permitted"}
