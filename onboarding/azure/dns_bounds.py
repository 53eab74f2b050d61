"""What a look into DNS may cost: a zone is anybody's, and its owner says which servers it has and where they are."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from onboarding.core.domain_name import registered_part

SERVERS_OF_A_ZONE = 8
"""Name servers that are asked, in the order of their names. Most zones have two to six, the root has thirteen."""
ADDRESSES_OF_A_SERVER = 2
"""Addresses of each that are asked, of IPv4 and of IPv6 each."""
QUERIES_OF_A_LOOK = 8
"""Questions under way at one time for one name."""
REFERRALS = 6
"""How often a zone's servers may refer to a zone below, for one name: most names are below two or three zones."""
ALIASES = 4
"""How often an alias into another zone is followed: that one is anybody's too."""
LOOKS_AT_ONCE = 16
"""Names that are looked at at one time."""
LOOKS_OF_A_DOMAIN = 4
"""The same for names below one domain: however many and slow somebody's are, the others have their turn."""

_PLATFORM = ipaddress.ip_address("168.63.129.16")
"""Azure's own servers, at an address that looks public (Microsoft Learn, "What is IP address 168.63.129.16?")."""


def is_on_the_internet(address: str) -> bool:
    """Whether an address leads out of every private network: no loopback, link-local, multicast or reserved one.

    Addresses that hold another one (IPv4-mapped, NAT64, 6to4) count as none: what they lead to is not theirs to say.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    holds_another = isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.sixtofour or ip.teredo)
    outside = ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip == _PLATFORM)
    return outside and not holds_another


def to_ask(addresses: Iterable[str], *, private: bool) -> list[str]:
    """Those of a server's addresses that are asked, in their order. `private`: also those of private networks."""
    return [a for a in addresses if private or is_on_the_internet(a)][:ADDRESSES_OF_A_SERVER]


class Turns:
    """Whose name is looked at next. For one event loop."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._domains: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for it, and hold it. Names below the same two last labels count as one domain's."""
        of_domain = self._domains.setdefault(registered_part(name), asyncio.Semaphore(LOOKS_OF_A_DOMAIN))
        async with of_domain, self._all:
            yield
