"""DNS, by dnspython: what each authoritative server of a zone and each public resolver says of a TXT record."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onboarding.azure.per_loop import PerLoop
from onboarding.ports import TxtAnswer

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.message import Message
    from dns.name import Name
    from dns.resolver import LRUCache, NoNameservers

QUERIES_AT_ONCE = 32
"""Questions under way at one time."""
SENDS = 2
"""How often a question is sent while no answer comes: datagrams get lost. All sends share the timeout."""
UDP_PAYLOAD = 1232
"""Bytes of an answer that cross the Internet unfragmented (DNS Flag Day 2020); a longer one comes by TCP."""
DNS_PORT = 53
KEEP = 300.0
"""Seconds, at most, that a zone's servers and their addresses are kept: many gateways are in one zone."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask, at one address."""

    name: str
    address: str
    port: int
    authoritative: bool

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.address


class DnsLookup:
    """A port `Dns`. `resolvers` find the zone and its servers, and are asked for the record like everybody.

    Each is `address` or `address:port`, with brackets around an IPv6 address before a port: `[::1]:53`. Raises
    ValueError, on construction, for anything else.
    """

    def __init__(self, resolvers: Sequence[str], *, authoritative_port: int = DNS_PORT, timeout: float = 5.0) -> None:
        self._resolvers = [_resolver(text) for text in resolvers]
        self._port = authoritative_port
        self._timeout = timeout
        self._limit: PerLoop[asyncio.Semaphore] = PerLoop(lambda: asyncio.Semaphore(QUERIES_AT_ONCE), _nothing)

    async def txt(self, name: str) -> Sequence[TxtAnswer]:
        """The answers of every authoritative server of the zone and of the configured public resolvers."""
        authoritative, public = await asyncio.gather(
            self._authoritative(name), asyncio.gather(*(self._ask(r, name) for r in self._resolvers))
        )
        return (*authoritative, *public)

    async def _authoritative(self, name: str) -> list[TxtAnswer]:
        """One answer for each address of each of the zone's servers, and one that tells what could not be found."""
        import dns.exception
        import dns.name

        try:
            qname = dns.name.from_text(name)
            hosts = await self._hosts(qname)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            return [TxtAnswer(f"the zone of {name}", True, error=f"its name servers were not found: {_why(error)}")]
        answers = await asyncio.gather(*(self._host(host, name) for host in hosts))
        return [answer for of_host in answers for answer in of_host]

    async def _hosts(self, qname: Name) -> list[str]:
        """The names of the zone's servers. Raises what dnspython raises."""
        import dns.asyncresolver

        async with self._limit.get():
            zone = await dns.asyncresolver.zone_for_name(qname, resolver=self._finder)
            found = await self._finder.resolve(zone, "NS")
        return sorted(rdata.target.to_text(omit_final_dot=True) for rdata in found)

    async def _host(self, host: str, name: str) -> list[TxtAnswer]:
        """What one server says, at each of its addresses."""
        addresses, problem = await self._addresses(host)
        if not addresses:
            return [TxtAnswer(host, True, error=f"its address was not found: {problem}")]
        shown = [host] if len(addresses) == 1 else [f"{host} ({address})" for address in addresses]
        servers = [Server(s, a, self._port, True) for s, a in zip(shown, addresses, strict=True)]
        answers = await asyncio.gather(*(self._ask(server, name) for server in servers))
        both = list(zip(servers, answers, strict=True))
        if any(answer.error is None for server, answer in both if not server.is_ipv6):
            # Silence over IPv6 says more of our network than of the server, which has answered over IPv4.
            both = [(s, a) for s, a in both if not s.is_ipv6 or a.error is None]
        return [answer for _, answer in both]

    async def _addresses(self, host: str) -> tuple[list[str], str]:
        """IPv4 addresses, then IPv6 ones; and, when there is none, why."""
        import dns.exception
        import dns.resolver

        async def of_kind(kind: str) -> list[str] | str:
            try:
                async with self._limit.get():
                    return sorted(rdata.address for rdata in await self._finder.resolve(f"{host}.", kind))
            except dns.resolver.NoAnswer:
                return []
            except (dns.exception.DNSException, OSError, ValueError) as error:
                return _why(error)

        found = await asyncio.gather(of_kind("A"), of_kind("AAAA"))
        problems = [f for f in found if isinstance(f, str)]
        return [a for f in found if isinstance(f, list) for a in f], (problems or ["it has none"])[0]

    async def _ask(self, server: Server, name: str) -> TxtAnswer:
        """Ask one server for the TXT records. Whatever goes wrong is its answer."""
        import dns.exception
        import dns.resolver

        try:
            async with self._limit.get():
                response = await self._response(server, name)
            return TxtAnswer(server.name, server.authoritative, _values(response), _error(response, server))
        except dns.resolver.NoNameservers as error:
            return TxtAnswer(server.name, server.authoritative, error=_last(error))
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            return TxtAnswer(server.name, server.authoritative, error=_why(error))

    async def _response(self, server: Server, name: str) -> Message:
        """By UDP, and by TCP when the answer doesn't fit; kept for nobody. Raises what dnspython raises."""
        import dns.flags
        import dns.resolver

        resolver = _through(server)
        resolver.flags = 0 if server.authoritative else int(dns.flags.RD)
        resolver.use_edns(0, 0, UDP_PAYLOAD)
        resolver.timeout = self._timeout / SENDS
        resolver.lifetime = self._timeout
        try:
            return (await resolver.resolve(name, "TXT", search=False, raise_on_no_answer=False)).response
        except dns.resolver.NXDOMAIN as error:
            response: Message
            (response,) = error.kwargs["responses"].values()
            return response

    @cached_property
    def _finder(self) -> Resolver:
        """Finds zones and addresses, through the configured resolvers, else the system's."""
        import dns.asyncresolver

        if not self._resolvers:
            finder = dns.asyncresolver.Resolver()
        else:
            finder = _through(*self._resolvers)
            finder.timeout = self._timeout
            finder.lifetime = self._timeout * (len(self._resolvers) + 1)
        finder.cache = _found_lately()
        return finder


def _through(*servers: Server) -> Resolver:
    import dns.asyncresolver
    import dns.nameserver

    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(server.address, server.port) for server in servers]
    return resolver


def _found_lately() -> LRUCache:
    """dnspython's cache, of what was found only: what isn't there may be there at the next look."""
    import dns.resolver

    class Found(dns.resolver.LRUCache):
        def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
            # dnspython keeps for 68 years what a server says, without an SOA record, that there isn't.
            if value.rrset is not None:
                value.expiration = min(value.expiration, time.time() + KEEP)
                super().put(key, value)

    return Found()


def _resolver(text: str) -> Server:
    """A public resolver, from its setting."""
    wrong = ValueError(f"public resolver {text!r}: expected an IP address or address:port, such as 1.1.1.1 or [::1]:53")
    with_port = re.fullmatch(r"(?:\[(.+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?", text)
    host, port = (with_port[1] or with_port[2], int(with_port[3] or DNS_PORT)) if with_port else (text, DNS_PORT)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise wrong from None
    if not 1 <= port <= 65535:
        raise wrong
    return Server(text, str(address), port, False)


def _error(response: Message, server: Server) -> str | None:
    """Why this is no answer; None when it is one. That there is no such name or record is an answer."""
    import dns.flags

    if server.authoritative and not response.flags & dns.flags.AA:
        return "it does not serve the zone (its answer is not authoritative)"
    return None


def _values(response: Message) -> tuple[str, ...]:
    """The TXT values, each joined of its strings; of the name that a CNAME leads to, if there is one."""
    import dns.message
    import dns.rcode

    if response.rcode() != dns.rcode.NOERROR or not isinstance(response, dns.message.QueryMessage):
        return ()
    found = response.resolve_chaining().answer
    return tuple(b"".join(rdata.strings).decode("utf-8", "replace") for rdata in found or ())


def _last(error: NoNameservers) -> str:
    """What the one server that was asked said at last: its response code, or what went wrong."""
    *_, (_, _, _, seen, _) = error.kwargs["errors"]
    return _why(seen) if isinstance(seen, Exception) else str(seen)


def _why(error: Exception) -> str:
    """A few words on what went wrong, for people."""
    import dns.exception
    import dns.resolver

    if isinstance(error, dns.exception.Timeout | TimeoutError):
        return "timeout"
    if isinstance(error, dns.resolver.NoNameservers):
        return "no resolver could answer (SERVFAIL or REFUSED)"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__


async def _nothing(_: object) -> None:
    """A semaphore needs no closing."""
