"""TLS servers in memory: what each name shows of itself."""

from __future__ import annotations

from collections.abc import Sequence

from onboarding.memory.faults import Faults
from onboarding.ports import TlsAnswer

UNREACHED = TlsAnswer(why_not="the connection was refused")


class MemoryTls:
    """A port `TlsProbe`. Names are found whatever their case; a name that nobody set refuses the connection."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, int], TlsAnswer] = {}
        """(lower-case name, port) → what it shows."""
        self.trusted: list[bytes] = []
        """The authorities that are trusted, as DER."""
        self.faults = Faults()

    def serve(self, name: str, port: int, *chain: bytes) -> None:
        """From now on that server shows these certificates (DER)."""
        self.answers[name.lower(), port] = TlsAnswer(chain)

    async def chain(self, name: str, port: int) -> TlsAnswer:
        self.faults.raise_next("chain")
        return self.answers.get((name.lower(), port), UNREACHED)

    async def roots(self) -> Sequence[bytes]:
        self.faults.raise_next("roots")
        return self.trusted
