"""DNS in memory: what each server says of each name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from onboarding.core.publishing import longest_zone
from onboarding.memory.faults import Faults
from onboarding.ports import AddressAnswer, Delegation, TxtAnswer

AUTHORITATIVE = ("ns1.example.net", "ns2.example.net")
PUBLIC = ("192.0.2.53",)
SILENCE = "timeout"
"""The error of a server from which no answer comes at all."""


class MemoryDns:
    """A port `Dns`. Names are found whatever their case."""

    def __init__(self, authoritative: Sequence[str] = AUTHORITATIVE, public: Sequence[str] = PUBLIC) -> None:
        self.servers: dict[str, bool] = {**dict.fromkeys(authoritative, True), **dict.fromkeys(public, False)}
        """Server → whether it is authoritative."""
        self.values: dict[tuple[str, str], tuple[str, ...]] = {}
        """(server, lower-case name) → the TXT values it has."""
        self.errors: dict[str, str] = {}
        """Server → why it gives no answer."""
        self.hosts: dict[tuple[str, str], tuple[str, ...]] = {}
        """(server, lower-case name) → its IPv4 addresses."""
        self.aliases: dict[str, str] = {}
        """Lower-case name → where an alias leads."""
        self.delegated: dict[str, tuple[str, ...]] = {}
        """Lower-case zone → the servers that the Internet is led to for it."""
        self.zone = "commsgw.azure.com"
        """What a panel appends to a name."""
        self.faults = Faults()

    def publish(self, name: str, *values: str, on: Sequence[str] = ()) -> None:
        """Set the values at a name, on these servers or on all; none removes the record."""
        for server in on or self.servers:
            self.values[server, name.lower()] = values

    def at(self, name: str) -> tuple[str, ...]:
        """The values at a name, on the first of the zone's servers."""
        return self.values.get((next(iter(self.servers)), name.lower()), ())

    def place(self, name: str, *addresses: str, on: Sequence[str] = ()) -> None:
        """Set the IPv4 addresses of a name, on these servers or on all."""
        for server in on or self.servers:
            self.hosts[server, name.lower()] = addresses

    def visible(self, name: str, value: str) -> bool:
        """Whether Microsoft sees the value: of the zone's servers, all that answer have it."""
        answers = [a for a in self._zone(name, value) if a.error is None]
        return bool(answers) and all(value in answer.values for answer in answers)

    async def txt(self, name: str, expected: str) -> Sequence[TxtAnswer]:
        """The answers of the zone's servers; of the public ones, when these all have the value."""
        self.faults.raise_next("txt")
        answers = self._zone(name, expected)
        if self.visible(name, expected):
            answers += self._answers(name, authoritative=False)
        return answers

    async def delegation(self, name: str) -> Delegation | None:
        """Which zone a name is in; None when none is known."""
        self.faults.raise_next("delegation")
        zone = longest_zone(name, self.delegated)
        if zone is None:
            return None
        answered = any(self.servers[server] and server not in self.errors for server in self.servers)
        return Delegation(zone, self.delegated[zone], self.aliases.get(name.lower()) if answered else None, answered)

    async def addresses(self, name: str) -> Sequence[AddressAnswer]:
        """What the zone's servers say of its IPv4 addresses."""
        self.faults.raise_next("addresses")
        alias = self.aliases.get(name.lower())
        return [
            AddressAnswer(
                server,
                () if self.errors.get(server) else self.hosts.get((server, (alias or name).lower()), ()),
                error=self.errors.get(server),
                silent=self.errors.get(server) == SILENCE,
                alias=None if self.errors.get(server) else alias,
            )
            for server, of_zone in self.servers.items()
            if of_zone
        ]

    def _zone(self, name: str, expected: str) -> list[TxtAnswer]:
        answers = self._answers(name, authoritative=True)
        doubled = f"{name}.{self.zone}"
        if any(expected in a.values for a in answers):
            return answers
        return [
            replace(a, stands_at=doubled) if expected in self.values.get((a.server, doubled.lower()), ()) else a
            for a in answers
        ]

    def _answers(self, name: str, *, authoritative: bool) -> list[TxtAnswer]:
        return [self._answer(server, name) for server, of_zone in self.servers.items() if of_zone is authoritative]

    def _answer(self, server: str, name: str) -> TxtAnswer:
        error = self.errors.get(server)
        alias = None if error else self.aliases.get(name.lower())
        values = () if error else self.values.get((server, (alias or name).lower()), ())
        return TxtAnswer(server, self.servers[server], values, error, silent=error == SILENCE, alias=alias)
