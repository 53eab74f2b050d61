"""The twins in memory keep the promises of the ports, as the real adapters do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from onboarding.azure.gateway_resource import GatewayId
from onboarding.core.events import Effect, Nudge, NudgeNotice
from onboarding.core.problem_codes import ProblemCode
from onboarding.core.problems import TryLaterError
from onboarding.core.services import TestLine
from onboarding.memory import (
    ManualClock,
    MemoryBus,
    MemoryDirectory,
    MemoryDns,
    MemoryGateways,
    MemoryNotifier,
    MemoryTable,
    MemoryWorld,
)
from onboarding.memory.dns import SILENCE
from onboarding.ports import (
    Bus,
    Clock,
    Directory,
    Dns,
    Gateways,
    Notifier,
    Principal,
    Row,
    Table,
)
from onboarding.steps.operator_connect import ADMIN_ROLE, PROJECT_SYNERGY_APP_ID
from tests.twins.bus import MONDAY, BusBehaviour
from tests.twins.dns import NAME, DnsBehaviour
from tests.twins.notifier import NotifierBehaviour
from tests.twins.tables import TableBehaviour

GATEWAY = GatewayId("11111111-2222-3333-4444-555555555555", "rg-voice", "contoso-acg")

A, B = "contoso-a-0123456789", "contoso-b-0123456789"
"""Onboardings."""


class TestMemoryTable(TableBehaviour):
    @pytest.fixture
    def table(self) -> Table:
        return MemoryTable()

    async def test_a_column_that_does_not_fit_is_refused(self) -> None:
        with pytest.raises(ValueError, match="column Steps: at most 32768 characters were expected, seen 33000"):
            await MemoryTable().insert(Row("open", "a", {"Steps": "x" * 33_000}))

    async def test_a_kind_that_storage_does_not_hold_is_refused(self) -> None:
        with pytest.raises(TypeError, match="column Steps: Table Storage holds no list"):
            await MemoryTable().insert(Row("open", "a", {"Steps": []}))

    async def test_writes_are_in_the_journal(self) -> None:
        table = MemoryTable()
        await table.replace(Row("open", "a", {}, await table.insert(Row("open", "a", {}))))
        await table.delete("open", "b")
        await table.delete("open", "a")
        assert table.writes == [("insert", "open", "a"), ("replace", "open", "a"), ("delete", "open", "a")]


class Taken:
    """What has arrived on the queues of a bus in memory."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    async def arrived(self, queue: str, at: datetime) -> list[Effect]:
        others = [m for m in self._bus.waiting if m.queue != queue]
        self._bus.drop(lambda m: m.queue != queue)
        due = self._bus.take_due(at)
        self._bus.waiting += others
        return [m.effect for m in due]


class TestMemoryBus(BusBehaviour):
    @pytest.fixture
    def bus(self) -> Bus:
        return MemoryBus()

    @pytest.fixture
    def receiver(self, bus: MemoryBus) -> Taken:
        return Taken(bus)

    @pytest.fixture
    def now(self) -> datetime:
        return MONDAY

    async def test_messages_can_be_lost_doubled_and_late(self) -> None:
        bus = MemoryBus()
        await bus.publish([Nudge(A, "add-domain", 1), Nudge(B, "add-domain", 2, after=60)], MONDAY)
        assert bus.duplicate(lambda m: m.effect.onboarding_id == A) == 1
        assert bus.drop(lambda m: m.due > MONDAY) == 1
        assert [m.message_id for m in bus.take_due(MONDAY)] == [f"{A}/add-domain/1"] * 2
        assert bus.next_due() is None
        assert len(bus.published) == 2

    async def test_what_is_due_first_comes_first(self) -> None:
        bus = MemoryBus()
        await bus.publish([NudgeNotice(A, "n", 1, after=60), Nudge(A, "add-domain", 2, after=30)], MONDAY)
        assert bus.next_due() == MONDAY + timedelta(seconds=30)
        assert [m.queue for m in bus.take_due(MONDAY + timedelta(hours=1))] == ["add-domain", "notices"]

    async def test_an_outage_publishes_nothing(self) -> None:
        bus = MemoryBus()
        bus.faults.add("publish", ConnectionError("down"))
        with pytest.raises(ConnectionError, match="down"):
            await bus.publish([Nudge(A, "add-domain", 1)], MONDAY)
        assert bus.waiting == []


class MemoryZone:
    """Sets what a `MemoryDns` says."""

    def __init__(self, dns: MemoryDns) -> None:
        self._dns = dns
        self._names = dict(zip(("ns1", "ns2", "resolver"), dns.servers, strict=True))

    def publish(self, server: str, *values: str) -> None:
        self._dns.publish(NAME, *values, on=() if server == "*" else (self._names[server],))

    def publish_at(self, name: str, *values: str) -> None:
        self._dns.publish(name, *values)

    def lead(self, name: str) -> None:
        self._dns.aliases[NAME] = name

    def break_down(self, server: str) -> None:
        self._dns.errors[self._names[server]] = "SERVFAIL"

    def silence(self, server: str) -> None:
        self._dns.errors[self._names[server]] = SILENCE


class TestMemoryDns(DnsBehaviour):
    @pytest.fixture
    def dns(self) -> Dns:
        return MemoryDns()

    @pytest.fixture
    def zone(self, dns: MemoryDns) -> MemoryZone:
        return MemoryZone(dns)


class Inbox:
    """What a `MemoryNotifier` sent."""

    def __init__(self, notifier: MemoryNotifier) -> None:
        self._notifier = notifier

    def mailed(self) -> list[tuple[tuple[str, ...], str]]:
        return [(to, message.title) for to, message in self._notifier.mails]

    def posted(self) -> list[str]:
        return [message.title for message in self._notifier.posts]

    def refuse(self, address: str) -> None:
        self._notifier.refused.add(address)


class TestMemoryNotifier(NotifierBehaviour):
    @pytest.fixture
    def notifier(self) -> Notifier:
        return MemoryNotifier()

    @pytest.fixture
    def silent(self, notifier: MemoryNotifier) -> Notifier:
        silent = MemoryNotifier()
        silent.mail_configured = silent.teams_configured = False
        silent.mails, silent.posts = notifier.mails, notifier.posts
        return silent

    @pytest.fixture
    def people(self, notifier: MemoryNotifier) -> Inbox:
        return Inbox(notifier)


class TestMemoryGateways:
    async def test_a_resource_is_found_in_any_case_and_given_as_a_copy(self) -> None:
        gateways = MemoryGateways()
        gateways.add(GATEWAY)
        found = await gateways.get(GatewayId(GATEWAY.subscription_id, "RG-VOICE", "Contoso-ACG"))
        assert found is not None
        found.body["properties"]["platforms"].append("OperatorConnect")
        assert gateways.resources[GATEWAY.key]["properties"]["platforms"] == []
        assert await gateways.get(GatewayId(GATEWAY.subscription_id, "rg-voice", "other")) is None

    async def test_a_put_replaces_the_whole_and_leaves_it_change_pending(self) -> None:
        gateways = MemoryGateways()
        gateways.add(GATEWAY, customSipHeaders={"headers": []})
        await gateways.put(GATEWAY, {"location": "uksouth", "properties": {"platforms": ["OperatorConnect"]}})
        found = await gateways.get(GATEWAY)
        assert found is not None
        assert (found.status, found.provisioning_state) == ("ChangePending", "Succeeded")
        assert found.platforms == ("OperatorConnect",)
        assert "customSipHeaders" not in found.properties
        assert found.domain_label == "contoso-acg-label"
        assert found.principal_id == "principal-of-contoso-acg"
        gateways.complete(GATEWAY)
        (listed,) = await gateways.in_subscription(GATEWAY.subscription_id.upper())
        assert listed.status == "Complete"
        assert gateways.writes == [("put", "contoso-acg")]

    async def test_test_lines_and_faults(self) -> None:
        gateways = MemoryGateways()
        gateways.add(GATEWAY)
        gateways.faults.add("put_test_line", TryLaterError(ProblemCode.THROTTLED, "429", 3), None)
        line = TestLine.model_validate({"name": "OC1", "phoneNumber": "+442079460101"})
        with pytest.raises(TryLaterError):
            await gateways.put_test_line(GATEWAY, line, "northeurope")
        assert await gateways.test_lines(GATEWAY) == []
        await gateways.put_test_line(GATEWAY, line, "northeurope")
        (made,) = await gateways.test_lines(GATEWAY)
        assert (made.name, made.phone_number, made.purpose) == ("OC1", "+442079460101", "Automated")
        assert gateways.faults.calls == {"put_test_line": 2, "test_lines": 2}
        assert gateways.faults.left == 0


class TestMemoryDirectory:
    @pytest.fixture
    def dns(self) -> MemoryDns:
        return MemoryDns()

    @pytest.fixture
    def directory(self, dns: MemoryDns) -> MemoryDirectory:
        return MemoryDirectory(dns)

    async def test_roles_are_granted_once(self, directory: MemoryDirectory) -> None:
        directory.add_user("Voice.Admin@contoso.com")
        user = Principal("users", "voice.admin@CONTOSO.com")
        assert (await directory.role_standing(user, PROJECT_SYNERGY_APP_ID)).application is None
        made = await directory.add_application(PROJECT_SYNERGY_APP_ID, "Operator Connect")
        assert await directory.add_application(PROJECT_SYNERGY_APP_ID, "again") == made
        standing = await directory.role_standing(user, PROJECT_SYNERGY_APP_ID)
        assert standing.application == made
        assert standing.principal_id is not None
        admin = next(r.id for r in made.app_roles if r.value == ADMIN_ROLE)
        for _ in range(2):
            await directory.assign_roles(made, standing.principal_id, [admin])
        assert (await directory.role_standing(user, PROJECT_SYNERGY_APP_ID)).held == {admin}
        assert [w[0] for w in directory.writes] == ["add_application", "assign_roles"]

    async def test_what_is_new_shows_after_a_while(self, directory: MemoryDirectory) -> None:
        directory.lag = 2
        assert await directory.add_domain(NAME) is None
        assert await directory.domain(NAME) is None
        found = await directory.domain(NAME)
        assert found is not None
        assert found.txt_record is not None
        assert not found.is_verified

    async def test_a_domain_is_verified_when_its_record_is_in_dns(
        self, directory: MemoryDirectory, dns: MemoryDns
    ) -> None:
        made = await directory.add_domain(NAME)
        assert made is not None
        assert made.txt_record is not None
        assert not await directory.verify_domain(NAME)
        dns.publish(NAME, made.txt_record.value)
        assert await directory.verify_domain(NAME)
        assert await directory.add_domain(NAME) == await directory.domain(NAME)
        assert directory.writes == [("add_domain", NAME), ("verify_domain", NAME), ("verify_domain", NAME)]


def test_the_clock_moves_only_forward() -> None:
    clock = ManualClock(MONDAY)
    assert clock.advance(90) == clock.now() == MONDAY + timedelta(seconds=90)
    assert clock.advance_to(MONDAY) == MONDAY + timedelta(seconds=90)
    later = (MONDAY + timedelta(hours=3)).astimezone(timezone(timedelta(hours=2)))
    assert clock.advance_to(later) == later
    assert clock.now().utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="seen -1"):
        clock.advance(-1)


def test_every_twin_is_its_port() -> None:
    """Checked by mypy: a twin that lacks a method of its port does not assign."""
    memory = MemoryWorld()
    gateways: Gateways = memory.gateways
    directory: Directory = memory.directory
    dns: Dns = memory.dns
    notifier: Notifier = memory.notifier
    clock: Clock = ManualClock()
    assert all((gateways, directory, dns, notifier, clock))
    assert memory.world.gateways is gateways
