"""DNS, by dnspython: what each authoritative server of a zone and each public resolver says of a TXT record."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onboarding.azure.per_loop import PerLoop
from onboarding.ports import TxtAnswer

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.message import Message, QueryMessage
    from dns.name import Name

AT_ONCE = 32
"""Questions under way at one time."""
SENDS = 2
"""How often a question is sent while no answer comes: datagrams get lost. All sends share the timeout."""
UDP_PAYLOAD = 1232
"""Bytes of an answer that cross the Internet unfragmented (DNS Flag Day 2020); a longer one comes by TCP."""
DNS_PORT = 53


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
        self._limit: PerLoop[asyncio.Semaphore] = PerLoop(lambda: asyncio.Semaphore(AT_ONCE), _nothing)

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
            zone = await dns.asyncresolver.zone_for_name(qname, resolver=self._stub())
            found = await self._stub().resolve(zone, "NS")
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
                    return sorted(rdata.address for rdata in await self._stub().resolve(f"{host}.", kind))
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

        try:
            async with self._limit.get():
                response = await self._exchange(server, name)
            return TxtAnswer(server.name, server.authoritative, _values(response), _error(response, server))
        except (dns.exception.DNSException, OSError, EOFError, ValueError) as error:
            return TxtAnswer(server.name, server.authoritative, error=_why(error))

    async def _exchange(self, server: Server, name: str) -> Message:
        """UDP, then TCP when the answer doesn't fit. Raises dns.exception.Timeout after the last send."""
        import dns.asyncquery
        import dns.exception

        query = _query(name, recurse=not server.authoritative)
        timeout = self._timeout / SENDS
        for send in range(1, SENDS + 1):
            try:
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, server.address, timeout, server.port, ignore_unexpected=True, ignore_errors=True
                )
            except dns.exception.Timeout:
                if send == SENDS:
                    raise
            else:
                return response
        raise AssertionError("the last send returns or raises")

    def _stub(self) -> Resolver:
        """For finding zones and addresses: the configured resolvers, else the system's."""
        import dns.asyncresolver
        import dns.nameserver

        if not self._resolvers:
            return dns.asyncresolver.Resolver()
        stub = dns.asyncresolver.Resolver(configure=False)
        stub.nameservers = [dns.nameserver.Do53Nameserver(r.address, r.port) for r in self._resolvers]
        stub.timeout = self._timeout
        stub.lifetime = self._timeout * (len(self._resolvers) + 1)
        return stub


def _resolver(text: str) -> Server:
    """A public resolver, from its setting."""
    wrong = ValueError(f"public resolver {text!r}: expected an IP address or address:port, such as 1.1.1.1 or [::1]:53")
    host, port = text, str(DNS_PORT)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise wrong
        port = rest[1:] if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise wrong from None
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise wrong
    return Server(text, str(address), int(port), False)


def _query(name: str, *, recurse: bool) -> QueryMessage:
    import dns.flags
    import dns.message

    return dns.message.make_query(
        name, "TXT", flags=dns.flags.RD if recurse else dns.flags.Flag(0), use_edns=0, payload=UDP_PAYLOAD
    )


def _error(response: Message, server: Server) -> str | None:
    """Why this is no answer; None when it is one. That there is no such name or record is an answer."""
    import dns.flags
    import dns.rcode

    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return dns.rcode.to_text(response.rcode())
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
