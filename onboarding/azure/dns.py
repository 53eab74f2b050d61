"""DNS, by dnspython: what each authoritative server of a zone and each public resolver says of a TXT record."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onboarding.azure.dns_bounds import QUERIES_OF_A_LOOK, SERVERS_OF_A_ZONE, Turns, to_ask
from onboarding.azure.per_loop import PerLoop
from onboarding.ports import TxtAnswer

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.message import Message
    from dns.name import Name
    from dns.resolver import LRUCache, NoNameservers

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
    ValueError, on construction, for anything else. Seconds: `timeout` for one question, `look_timeout` for all of one
    name. `private`: name servers are also asked at addresses that are not on the Internet.
    """

    def __init__(
        self,
        resolvers: Sequence[str],
        *,
        authoritative_port: int = DNS_PORT,
        timeout: float = 5.0,
        look_timeout: float = 20.0,
        private: bool = False,
    ) -> None:
        self._resolvers = [_resolver(text) for text in resolvers]
        self._port = authoritative_port
        self._timeout = timeout
        self._look_timeout = look_timeout
        self._private = private
        self._turns: PerLoop[Turns] = PerLoop(Turns, _nothing)

    async def txt(self, name: str) -> Sequence[TxtAnswer]:
        """The answers of the authoritative servers of the zone and of the configured public resolvers.

        All of them, as far as `dns_bounds` and the time go.
        """
        answers: dict[tuple[int, int], list[TxtAnswer]] = {}
        late: list[TxtAnswer] = []
        async with self._turns.get().turn(name):
            try:
                async with asyncio.timeout(self._look_timeout):
                    await self._look(name, answers)
            except TimeoutError:
                slow = f"not all of its servers answered within {self._look_timeout:g} s"
                late = [TxtAnswer(f"the zone of {name}", True, error=slow)]
        return [*(answer for place in sorted(answers) for answer in answers[place]), *late]

    async def _look(self, name: str, answers: dict[tuple[int, int], list[TxtAnswer]]) -> None:
        """Fills in the answers as they come: those of the zone's servers, by their order, and then the resolvers'."""
        limit = asyncio.Semaphore(QUERIES_OF_A_LOOK)

        async def put(place: tuple[int, int], answer: Awaitable[list[TxtAnswer]]) -> None:
            answers[place] = await answer

        async def authoritative() -> None:
            hosts, problem = await self._zone(name, limit)
            if problem:
                answers[0, 0] = [problem]
            await asyncio.gather(*(put((0, n), self._host(host, name, limit)) for n, host in enumerate(hosts)))

        async def public(resolver: Server) -> list[TxtAnswer]:
            return [await self._ask(resolver, name, limit)]

        resolvers = (put((1, n), public(resolver)) for n, resolver in enumerate(self._resolvers))
        await asyncio.gather(authoritative(), *resolvers)

    async def _zone(self, name: str, limit: asyncio.Semaphore) -> tuple[list[str], TxtAnswer | None]:
        """The zone's servers; or an answer that tells why there are none."""
        import dns.exception
        import dns.name

        try:
            return await self._hosts(dns.name.from_text(name), limit), None
        except (dns.exception.DNSException, OSError, ValueError) as error:
            why = f"its name servers were not found: {_why(error)}"
            return [], TxtAnswer(f"the zone of {name}", True, error=why)

    async def _hosts(self, qname: Name, limit: asyncio.Semaphore) -> list[str]:
        """The names of the zone's servers, as many as are asked. Raises what dnspython raises."""
        import dns.asyncresolver

        async with limit:
            zone = await dns.asyncresolver.zone_for_name(qname, resolver=self._finder)
            found = await self._finder.resolve(zone, "NS")
        return sorted(rdata.target.to_text(omit_final_dot=True) for rdata in found)[:SERVERS_OF_A_ZONE]

    async def _host(self, host: str, name: str, limit: asyncio.Semaphore) -> list[TxtAnswer]:
        """What one server says, at each of its addresses that are asked."""
        addresses, problem = await self._addresses(host, limit)
        if not addresses:
            return [TxtAnswer(host, True, error=problem)]
        shown = [host] if len(addresses) == 1 else [f"{host} ({address})" for address in addresses]
        servers = [Server(s, a, self._port, True) for s, a in zip(shown, addresses, strict=True)]
        answers = await asyncio.gather(*(self._ask(server, name, limit) for server in servers))
        both = list(zip(servers, answers, strict=True))
        if any(answer.error is None for server, answer in both if not server.is_ipv6):
            # Silence over IPv6 says more of our network than of the server, which has answered over IPv4.
            both = [(s, a) for s, a in both if not s.is_ipv6 or a.error is None]
        return [answer for _, answer in both]

    async def _addresses(self, host: str, limit: asyncio.Semaphore) -> tuple[list[str], str]:
        """IPv4 addresses, then IPv6 ones, as many as are asked; and, when there is none, why."""
        import dns.exception
        import dns.resolver

        async def of_kind(kind: str) -> list[str] | str:
            try:
                async with limit:
                    return sorted(rdata.address for rdata in await self._finder.resolve(f"{host}.", kind))
            except dns.resolver.NoAnswer:
                return []
            except (dns.exception.DNSException, OSError, ValueError) as error:
                return _why(error)

        found = await asyncio.gather(of_kind("A"), of_kind("AAAA"))
        lists = [f for f in found if isinstance(f, list)]
        asked = [a for f in lists for a in to_ask(f, private=self._private)]
        if any(lists):
            return asked, "not asked: its address is not on the Internet"
        problems = [f for f in found if isinstance(f, str)]
        return [], f"its address was not found: {(problems or ['it has none'])[0]}"

    async def _ask(self, server: Server, name: str, limit: asyncio.Semaphore) -> TxtAnswer:
        """Ask one server for the TXT records. Whatever goes wrong is its answer."""
        import dns.exception
        import dns.resolver

        try:
            async with limit:
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
