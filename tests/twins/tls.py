"""What every port `TlsProbe` does: run for the twin in memory and for real handshakes."""

from __future__ import annotations

from typing import Protocol

from onboarding.core.x509 import read_chain
from onboarding.ports import TlsProbe

TRUNK = "sbc1.contoso.com"


class Trunk(Protocol):
    """How a test sets what TRUNK shows."""

    port: int

    def show_good(self) -> None:
        """A good certificate with its intermediate one, of an authority that is trusted."""

    def show_nothing(self) -> None:
        """It gives no certificate."""


class TlsBehaviour:
    """Subclasses give fixtures `tls` and `trunk`."""

    async def test_the_chain_is_that_which_is_sent_and_leads_to_a_trusted_root(
        self, tls: TlsProbe, trunk: Trunk
    ) -> None:
        trunk.show_good()
        answer = await tls.chain(TRUNK.upper(), trunk.port)
        assert answer.why_not == ""
        chain = read_chain(answer.chain, await tls.roots())
        assert (chain.own.dns_names, len(chain.path), chain.root is None) == ((TRUNK,), 2, False)

    async def test_why_there_is_none_is_said(self, tls: TlsProbe, trunk: Trunk) -> None:
        trunk.show_nothing()
        answer = await tls.chain(TRUNK, trunk.port)
        assert answer.chain == ()
        assert answer.why_not
