"""DNS in memory: what each server says of each name."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.memory.faults import Faults
from onboarding.ports import TxtAnswer

AUTHORITATIVE = ("ns1.example.net", "ns2.example.net")
PUBLIC = ("192.0.2.53",)


class MemoryDns:
    """A port `Dns`. Names are found whatever their case."""

    def __init__(self, authoritative: Sequence[str] = AUTHORITATIVE, public: Sequence[str] = PUBLIC) -> None:
        self.servers: dict[str, bool] = {**dict.fromkeys(authoritative, True), **dict.fromkeys(public, False)}
        """Server → whether it is authoritative."""
        self.values: dict[tuple[str, str], tuple[str, ...]] = {}
        """(server, lower-case name) → the TXT values it has."""
        self.errors: dict[str, str] = {}
        """Server → why it gives no answer."""
        self.faults = Faults()

    def publish(self, name: str, *values: str, on: Sequence[str] = ()) -> None:
        """Set the values at a name, on these servers or on all; none removes the record."""
        for server in on or self.servers:
            self.values[server, name.lower()] = values

    def visible(self, name: str, value: str) -> bool:
        """Whether every server answers with the value."""
        return all(value in self.values.get((s, name.lower()), ()) and s not in self.errors for s in self.servers)

    async def txt(self, name: str) -> Sequence[TxtAnswer]:
        """The answers of every server, the authoritative ones first."""
        self.faults.raise_next("txt")
        ordered = sorted(self.servers, key=lambda server: not self.servers[server])
        return [self._answer(server, name) for server in ordered]

    def _answer(self, server: str, name: str) -> TxtAnswer:
        error = self.errors.get(server)
        values = () if error else self.values.get((server, name.lower()), ())
        return TxtAnswer(server, self.servers[server], values, error)
