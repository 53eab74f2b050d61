"""The fence: what of a port is a write stands once, on the port, and a new method can't be left unfenced."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import pytest

from onboarding.azure.allowed import ARM_WRITES, GRAPH_WRITES
from onboarding.fence import Fenced, WithdrawnError, fenced, ports_of
from onboarding.memory import MemoryWorld
from onboarding.ports import reads, writes_of
from onboarding.steps.base import World
from tests.support import requests
from tests.support.system import finished

GATEWAY = next(iter(ARM_WRITES))
WRITES = {
    "Gateways.put": {GATEWAY},
    "Gateways.put_test_line": {f"{GATEWAY}/testLines/{{line}}"},
    "DnsZones.add_txt": {operation for operation in ARM_WRITES if operation.endswith("/TXT/{record}")},
    "DnsUpdates.update_txt": set[str](),  # to a DNS server of the settings
    "Directory.add_application": {"POST /servicePrincipals"},
    "Directory.assign_roles": {"POST /servicePrincipals/{id}/appRoleAssignedTo"},
    "Directory.add_domain": {"POST /domains"},
    "Directory.verify_domain": {"POST /domains/{id}/verify"},
    "Notifier.mail": {"POST /users/{sender}/sendMail"},
    "Notifier.teams": set[str](),  # a webhook: no call to Graph or ARM
    "Notifier.event": set[str](),  # likewise
}
"""Method of a port → what it may send."""


class Trunks(Protocol):
    """A port as somebody may add it."""

    @reads
    async def trunk(self, name: str) -> str: ...

    async def put_trunk(self, name: str, *, port: int) -> str: ...


class Known:
    def __init__(self) -> None:
        self.put: list[tuple[str, int]] = []
        self.secret = "not the port's"

    async def trunk(self, name: str) -> str:
        return name

    async def put_trunk(self, name: str, *, port: int) -> str:
        self.put.append((name, port))
        return name


@dataclass(frozen=True)
class Wider(World):
    """The world with a port more."""

    trunks: Trunks = field(default_factory=Known)


@dataclass(frozen=True)
class Loose(World):
    """The world with something that no port describes."""

    trunks: Known | None = None


async def withdrawn() -> None:
    raise WithdrawnError


async def permitted() -> None: ...


def of_memory(kind: type[World], **more: Any) -> Any:
    memory = MemoryWorld().world
    return kind(**{f.name: getattr(memory, f.name) for f in fields(World)}, **more)


def test_the_whole_list_of_writes_and_what_each_may_send() -> None:
    """A new write is a decision: it changes this test as well as `allowed.py`."""
    found = {f"{port.__name__}.{name}" for port in ports_of(World).values() for name in writes_of(port)}
    assert found == set(WRITES)
    assert set().union(*WRITES.values()) == {*ARM_WRITES, *GRAPH_WRITES}


async def test_every_port_of_the_world_is_behind_the_fence() -> None:
    memory = MemoryWorld()
    behind = fenced(memory.world, withdrawn)
    assert set(ports_of(World)) == {
        "gateways",
        "directory",
        "dns",
        "notifier",
        "dns_zones",
        "dns_updates",
        "tls",
        "peerings",
    }
    for name, port in ports_of(World).items():
        assert isinstance(getattr(behind, name), Fenced)
        for write in writes_of(port):
            with pytest.raises(WithdrawnError):
                await getattr(getattr(behind, name), write)()
    assert memory.writes == []
    assert behind.domain_suffix == memory.world.domain_suffix


async def test_a_new_port_with_a_new_write_is_fenced_without_a_word_about_it() -> None:
    trunks = Known()
    world = of_memory(Wider, trunks=trunks)
    behind = fenced(world, withdrawn)
    assert await behind.trunks.trunk("a") == "a"
    with pytest.raises(WithdrawnError):
        await behind.trunks.put_trunk("a", port=5061)
    assert trunks.put == []
    assert await fenced(world, permitted).trunks.put_trunk("a", port=5061) == "a"
    assert trunks.put == [("a", 5061)]


def test_what_no_port_describes_can_not_be_in_the_world() -> None:
    with pytest.raises(TypeError, match=r"Loose\.trunks is a .*; a Protocol of onboarding/ports.py was expected"):
        fenced(of_memory(Loose, trunks=Known()), permitted)


def test_what_is_not_the_ports_is_not_to_be_had_past_the_fence() -> None:
    behind = Fenced(Trunks, Known(), permitted)
    with pytest.raises(AttributeError, match="Trunks has no method 'secret'"):
        _ = behind.secret


async def test_a_whole_onboarding_writes_by_these_methods_only() -> None:
    system, _ = await finished(requests.parsed(requests.operator_connect()))
    used = {write[0] for write in system.outside.writes}
    assert used
    assert used <= {name.partition(".")[2] for name in WRITES}
