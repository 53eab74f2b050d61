"""Which DNS servers keep silent: they are not asked for a while, so that the names of others have their turn."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboarding.azure.circuit import Circuit
from onboarding.azure.dns_question import Asking, Server, UnansweredError, ask

if TYPE_CHECKING:
    from dns.message import Message

SPARED = 20.0
"""Seconds that a silent server is left alone: less than from one pass of the timer to the next."""
IN_A_ROW = 2
"""Questions without an answer that make it silent: each was two datagrams, and all may be lost by chance."""
KNOWN = 1000
"""How many silent servers are remembered, at most."""

@dataclass
class _Silent:
    circuit: Circuit
    in_a_row: int = 0


class Silences:
    """Of one lookup. Servers that answer are not remembered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: OrderedDict[tuple[str, int], _Silent] = OrderedDict()

    async def ask(self, server: Server, asking: Asking, seconds: float) -> Message:
        """As `dns_question.ask`; at once silent is a server that was so to the questions before."""
        at = (server.address, server.port)
        known = self._silent.get(at)
        if known is not None and known.in_a_row >= IN_A_ROW and not known.circuit.enter():
            raise UnansweredError("not asked: it left the last questions without an answer", silent=True)
        try:
            answer = await ask(server, asking, seconds)
        except UnansweredError as error:
            if error.silent:
                self._keep(at)
            else:
                self._silent.pop(at, None)
            raise
        self._silent.pop(at, None)
        return answer

    def _keep(self, at: tuple[str, int]) -> None:
        silent = self._silent.setdefault(at, _Silent(Circuit(SPARED, self._clock)))
        silent.in_a_row += 1
        if silent.in_a_row >= IN_A_ROW:
            silent.circuit.failed()
        self._silent.move_to_end(at)
        if len(self._silent) > KNOWN:
            self._silent.popitem(last=False)
