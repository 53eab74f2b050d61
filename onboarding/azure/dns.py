"""DNS, by dnspython: what each authoritative server of a zone and each public resolver says of a TXT record.

The public resolvers are never asked of the name while the zone's own servers lack the value: a resolver keeps a "no"
for as long as the zone says (RFC 2308), for everybody who asks it. So the zone is found from above.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from onboarding.azure.dns_bounds import ALIASES, QUERIES_OF_A_LOOK, REFERRALS, SERVERS_OF_A_ZONE, Turns, to_ask
from onboarding.azure.dns_question import Asking, Server, UnansweredError
from onboarding.azure.dns_silence import Silences
from onboarding.azure.per_loop import PerLoop
from onboarding.ports import AddressAnswer, Delegation, TxtAnswer

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name

DNS_PORT = 53
KEEP = 300.0
"""Seconds that a zone's servers and their addresses are kept, as long as one of them answers: many gateways are in one
zone."""
KEPT = 1000
"""How many of each, at most."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Cut:
    """A zone, and the names of its servers, as many as are asked."""

    zone: Name
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one server said, for people and as it came."""

    server: Server
    answer: TxtAnswer
    response: Message | None = None


@dataclass
class LookInto:
    """One look in the making. The answers of the zone's servers are kept as they come, by the order of the servers."""

    expected: str
    kind: str = "TXT"
    """Of the records that are asked for; of others than TXT the zone's own servers alone."""
    anew: bool = False
    """Whether zones are found as if none had been looked at before: what is found is kept as ever."""
    limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(QUERIES_OF_A_LOOK))
    said: list[TxtAnswer] = field(default_factory=list)
    """What stands already: by servers that lead nowhere else."""
    heard: dict[int, list[Heard]] = field(default_factory=dict)
    public: dict[int, TxtAnswer] = field(default_factory=dict)

    @property
    def everybody(self) -> list[Heard]:
        return [one for place in sorted(self.heard) for one in self.heard[place]]

    @property
    def answers(self) -> list[TxtAnswer]:
        """Those of the zone's servers, and then the resolvers'."""
        return [*self.said, *(one.answer for one in self.everybody), *(self.public[n] for n in sorted(self.public))]


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
        self._silences = Silences()
        self._cuts: Lately[Cut] = Lately()
        self._found: Lately[list[str]] = Lately()

    async def txt(self, name: str, expected: str) -> Sequence[TxtAnswer]:
        """The answers of the authoritative servers of the zone; and, once all of these that answer have the value, of
        the configured public resolvers. All of them, as far as `dns_bounds` and the time go.
        """
        return await self._in_turn(name, LookInto(expected))

    async def addresses(self, name: str) -> Sequence[AddressAnswer]:
        """The same of its IPv4 addresses, by the authoritative servers alone."""
        answers = await self._in_turn(name, LookInto("", kind="A"))
        return [AddressAnswer(a.server, a.values, a.error, a.silent, a.alias) for a in answers]

    async def _in_turn(self, name: str, look: LookInto) -> list[TxtAnswer]:
        async with self._turns.get().turn(name):
            try:
                async with asyncio.timeout(self._look_timeout):
                    return await self._look(name, look)
            except TimeoutError:
                slow = f"not all of its servers answered within {self._look_timeout:g} s"
                silent = all(answer.silent for answer in look.answers)
                return [*look.answers, TxtAnswer(f"the zone of {name}", True, error=slow, silent=silent)]

    async def delegation(self, name: str) -> Delegation | None:
        """Which zone a name is in, as everybody sees it, by its own servers; None when they, or the zone, are not
        found. Looked for anew each time: somebody may just have had it delegated.
        """
        import dns.exception
        import dns.name

        look = LookInto("", anew=True)
        async with self._turns.get().turn(name):
            try:
                async with asyncio.timeout(self._look_timeout):
                    return await self._delegation(dns.name.from_text(name), look)
            except (UnansweredError, TimeoutError, dns.exception.DNSException, ValueError):
                return None

    async def _delegation(self, qname: Name, look: LookInto) -> Delegation:
        """A zone below on the same servers is told by its SOA record alone: they refer nobody to themselves. A server
        tells none for an alias, which is not at a zone's top (RFC 1034, 3.6.2): of that, the name above is asked.
        """
        import dns.rdatatype

        cut = await self._authoritative(qname, look, ALIASES)
        answered = [one for one in look.everybody if one.answer.error is None]
        if not answered:
            return Delegation(cut.zone.to_text(omit_final_dot=True), cut.hosts, answered=False)
        server, alias = answered[0].server, answered[0].answer.alias
        within = qname.parent() if alias else qname
        if not within.is_subdomain(cut.zone) or within == cut.zone:
            return Delegation(cut.zone.to_text(omit_final_dot=True), cut.hosts, alias)
        soa = await self._silences.ask(server, Asking(within, "SOA"), self._timeout)
        below = _zone_said(soa) or next((r.name for r in soa.answer if r.name == within), cut.zone)
        if below == cut.zone or not below.is_subdomain(cut.zone):
            return Delegation(cut.zone.to_text(omit_final_dot=True), cut.hosts, alias)
        named = await self._silences.ask(server, Asking(below, "NS"), self._timeout)
        hosts = tuple(_rdata(named, below, dns.rdatatype.NS)[:SERVERS_OF_A_ZONE])
        return Delegation(below.to_text(omit_final_dot=True), hosts, alias)

    async def to_reach(self, host: str) -> list[str]:
        """The addresses of a host that may be connected to, of those that the resolvers know.

        Raises UnansweredError when there are none.
        """
        try:
            async with asyncio.timeout(self._look_timeout):
                return await self._addresses(host, LookInto(""))
        except TimeoutError:
            raise UnansweredError(f"no answer within {self._look_timeout:g} s", silent=True) from None

    async def _look(self, name: str, look: LookInto) -> list[TxtAnswer]:
        import dns.exception
        import dns.name

        try:
            qname = dns.name.from_text(name)
            cut = await self._authoritative(qname, look)
        except UnansweredError as error:
            why = f"its name servers were not found: {error}"
            return [*look.answers, TxtAnswer(f"the zone of {name}", True, error=why, silent=error.silent)]
        except (dns.exception.DNSException, ValueError) as error:
            return [TxtAnswer(f"the zone of {name}", True, error=f"its name is none: {error}")]
        if look.kind != "TXT":
            return look.answers
        answered = [one for one in look.everybody if one.answer.error is None]
        having = [one for one in answered if look.expected in one.answer.values]
        if not having and not any(one.answer.alias for one in answered):
            await self._doubled(qname, cut, answered, look)
        elif having and len(having) == len(answered) and not any(answer.error is None for answer in look.said):
            await asyncio.gather(*(self._public(n, r, qname, look) for n, r in enumerate(self._resolvers)))
        return look.answers

    # -- the zone's own servers

    async def _authoritative(self, qname: Name, look: LookInto, led_by: int = 0) -> Cut:
        """Ask every server of the zone; of the one that an alias leads to, when there is one. Fills in the look.

        Raises UnansweredError when the zone's servers can't be found.
        """
        cut = await self._start(qname, look)
        for _ in range(REFERRALS + 1):
            below = await self._ask_zone(cut, qname, look)
            if below is None:
                break
            self._cuts.keep(below.zone.to_text().lower(), below)
            cut = below
        if all(one.answer.error is not None for one in look.everybody):
            # Whoever it is delegated to now is found by the next look.
            self._cuts.drop(cut.zone.to_text().lower())
            self._found.drop(_found_key(cut.zone, "NS"))
        leads = [one for one in look.everybody if one.answer.alias and not one.answer.values]
        if not leads or led_by >= ALIASES:
            return cut
        import dns.name

        target = str(leads[0].answer.alias)
        look.said += [one.answer for one in look.everybody if one.answer.alias != target]
        look.heard = {}
        try:
            cut = await self._authoritative(dns.name.from_text(target), look, led_by + 1)
        except UnansweredError as error:
            why = f"its name servers were not found: {error}"
            nowhere = TxtAnswer(f"the zone of {target}", True, error=why, silent=error.silent)
            look.heard = {0: [Heard(Server(target, "", self._port, True), nowhere)]}
        for heard in look.heard.values():
            # Where one alias leads to another, the end counts.
            heard[:] = [replace(h, answer=replace(h.answer, alias=h.answer.alias or target)) for h in heard]
        return cut

    async def _start(self, qname: Name, look: LookInto) -> Cut:
        """A zone that the name is in: the deepest that is known, else what the resolvers say of the names above it.

        From the second level down, so that split-horizon networks are seen as they are; the top level as a last resort.
        """
        above = list(_above(qname))
        for zone in () if look.anew else (qname, *reversed(above)):
            if known := self._cuts.get(zone.to_text().lower()):
                return known
        problem = UnansweredError("no name above it has any", silent=False)
        for zone in (*above[1:], *above[:1]):
            try:
                hosts = await self._find(zone, "NS", look)
            except UnansweredError as error:
                if error.silent:
                    raise
                problem = error
                continue
            if hosts:
                cut = Cut(zone, tuple(hosts[:SERVERS_OF_A_ZONE]))
                self._cuts.keep(zone.to_text().lower(), cut)
                return cut
        raise problem

    async def _ask_zone(self, cut: Cut, qname: Name, look: LookInto) -> Cut | None:
        """Ask all servers of a zone. As soon as one says that the name is in a zone below, that zone."""
        look.heard = {}

        async def one(place: int, host: str) -> Cut | None:
            look.heard[place] = await self._host(host, qname, look)
            return next((below for heard in look.heard[place] if (below := _referral(heard, cut, qname))), None)

        tasks = [asyncio.create_task(one(n, host)) for n, host in enumerate(cut.hosts)]
        try:
            for done in asyncio.as_completed(tasks):
                if (below := await done) is not None:
                    return below
            return None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _host(self, host: str, qname: Name, look: LookInto) -> list[Heard]:
        """What one server says, at each of its addresses that are asked."""
        try:
            addresses = await self._addresses(host, look)
        except UnansweredError as error:
            nowhere = Server(host, "", self._port, True)
            return [Heard(nowhere, TxtAnswer(host, True, error=str(error), silent=error.silent))]
        shown = [host] if len(addresses) == 1 else [f"{host} ({address})" for address in addresses]
        servers = [Server(s, a, self._port, True) for s, a in zip(shown, addresses, strict=True)]
        heard = await asyncio.gather(*(self._txt_of(server, qname, look) for server in servers))
        if any(one.answer.error is None for one in heard if not one.server.is_ipv6):
            # Silence over IPv6 says more of our network than of the server, which has answered over IPv4.
            return [one for one in heard if not one.server.is_ipv6 or one.answer.error is None]
        return heard

    async def _addresses(self, host: str, look: LookInto) -> list[str]:
        """IPv4 addresses, then IPv6 ones, as many as are asked. Raises UnansweredError when there is none."""
        import dns.name

        async def of_kind(kind: str) -> list[str] | UnansweredError:
            try:
                return await self._find(dns.name.from_text(host), kind, look)
            except UnansweredError as error:
                return error

        found = await asyncio.gather(of_kind("A"), of_kind("AAAA"))
        lists = [f for f in found if isinstance(f, list)]
        asked = [address for f in lists for address in to_ask(f, private=self._private)]
        if asked:
            return asked
        if any(lists):
            raise UnansweredError("not asked: its address is not on the Internet", silent=False)
        problems = [f for f in found if isinstance(f, UnansweredError)]
        first = problems[0] if problems else UnansweredError("it has none", silent=False)
        raise UnansweredError(f"its address was not found: {first}", silent=first.silent)

    async def _txt_of(self, server: Server, qname: Name, look: LookInto) -> Heard:
        """What a server says of the records. Whatever goes wrong is its answer."""
        import dns.exception

        try:
            async with look.limit:
                asking = Asking(qname, look.kind, to_resolver=not server.authoritative)
                response = await self._silences.ask(server, asking, self._timeout)
            values, alias = _values(response)
            error = _not_its_own(response) if server.authoritative else None
            answer = TxtAnswer(server.name, server.authoritative, values, error, alias=None if error else alias)
            return Heard(server, answer, response)
        except UnansweredError as error:
            return Heard(server, TxtAnswer(server.name, server.authoritative, error=str(error), silent=error.silent))
        except dns.exception.DNSException as error:
            return Heard(server, TxtAnswer(server.name, server.authoritative, error=str(error)))

    async def _doubled(self, qname: Name, cut: Cut, answered: Sequence[Heard], look: LookInto) -> None:
        """Whether the value stands where a panel puts it that appends the zone's name to what is typed in.

        One of the zone's own servers is asked, and noted in its answer.
        """
        import dns.exception
        import dns.name

        for one in answered[:1]:
            zone = _zone_said(one.response) or cut.zone
            try:
                doubled = dns.name.Name(qname.labels[:-1] + zone.labels)
            except dns.exception.DNSException:
                return
            heard = await self._txt_of(one.server, doubled, look)
            if heard.answer.error is None and look.expected in heard.answer.values:
                noted = replace(one.answer, stands_at=doubled.to_text(omit_final_dot=True))
                for place, all_ in look.heard.items():
                    look.heard[place] = [replace(h, answer=noted) if h is one else h for h in all_]

    # -- the resolvers

    async def _public(self, place: int, resolver: Server, qname: Name, look: LookInto) -> None:
        look.public[place] = (await self._txt_of(resolver, qname, look)).answer

    async def _find(self, name: Name, kind: str, look: LookInto) -> list[str]:
        """The names of servers (NS), or addresses, that the resolvers know: of the first one that answers.

        Never the name that is looked at. Kept for a while when there are any: what isn't there may be there at the next
        look. DNSSEC is not checked here: a zone that fails it still has servers, which are to be named.
        Raises UnansweredError when no resolver answers.
        """
        import dns.rdatatype

        key = _found_key(name, kind)
        if not (look.anew and kind == "NS") and (kept := self._found.get(key)):
            return kept
        asking = Asking(name, kind, to_resolver=True, unchecked=True)

        async def one(resolver: Server) -> Message:
            async with look.limit:
                return await self._silences.ask(resolver, asking, self._timeout)

        tasks = [asyncio.create_task(one(resolver)) for resolver in self._finders]
        problems: list[UnansweredError] = []
        try:
            for done in asyncio.as_completed(tasks):
                try:
                    response = await done
                except UnansweredError as error:
                    problems.append(error)
                    continue
                found = _rdata(response, name, dns.rdatatype.from_text(kind))
                if found:
                    self._found.keep(key, found)
                return found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        said = [p for p in problems if not p.silent]
        if said:
            raise UnansweredError(f"no resolver could answer ({said[0]})", silent=False)
        raise UnansweredError(f"no resolver answered ({problems[0] if problems else 'there is none'})", silent=True)

    @cached_property
    def _finders(self) -> list[Server]:
        """Whoever finds zones and addresses: the configured resolvers, else the system's."""
        import dns.resolver

        if self._resolvers:
            return self._resolvers
        return [_resolver(str(address)) for address in dns.resolver.Resolver().nameservers]


class Lately(Generic[_T]):
    """What was found, for KEEP seconds."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, _T]] = OrderedDict()

    def get(self, key: str) -> _T | None:
        until, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def keep(self, key: str, value: _T) -> None:
        self._kept[key] = time.monotonic() + KEEP, value
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)


def _found_key(name: Name, kind: str) -> str:
    return f"{name.to_text().lower()} {kind}"


def _above(name: Name) -> Iterator[Name]:
    """The names above one, from its top level on."""
    labels = len(name.labels)
    for count in range(2, labels):
        yield name.split(count)[1]


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


def _rdata(response: Message, name: Name, kind: int) -> list[str]:
    """The servers (of that very name, not of an alias of it) or addresses in an answer, sorted."""
    import dns.rdatatype

    rrsets = [r for r in response.answer if r.rdtype == kind and (kind != dns.rdatatype.NS or r.name == name)]
    found = (rdata for rrset in rrsets for rdata in rrset)
    return sorted(str(getattr(rdata, "address", None) or rdata.target.to_text(omit_final_dot=True)) for rdata in found)


def _not_its_own(response: Message) -> str | None:
    """Why this is no answer of a zone's server; None when it is one. That there is no such name is an answer."""
    import dns.flags

    if not response.flags & dns.flags.AA:
        return "it does not serve the zone (its answer is not authoritative)"
    return None


def _referral(heard: Heard, cut: Cut, qname: Name) -> Cut | None:
    """The zone below, when that is what a server answers."""
    import dns.flags
    import dns.rdatatype

    response = heard.response
    if response is None or response.flags & dns.flags.AA or response.answer:
        return None
    for rrset in response.authority:
        deeper = rrset.name != cut.zone and rrset.name.is_subdomain(cut.zone)
        if rrset.rdtype == dns.rdatatype.NS and deeper and qname.is_subdomain(rrset.name):
            hosts = sorted(rdata.target.to_text(omit_final_dot=True) for rdata in rrset)
            return Cut(rrset.name, tuple(hosts[:SERVERS_OF_A_ZONE]))
    return None


def _zone_said(response: Message | None) -> Name | None:
    """The zone that an answer without records is from (RFC 2308: its SOA record)."""
    import dns.rdatatype

    authority = response.authority if response is not None else []
    return next((rrset.name for rrset in authority if rrset.rdtype == dns.rdatatype.SOA), None)


def _values(response: Message) -> tuple[tuple[str, ...], str | None]:
    """The TXT values, each joined of its strings, or addresses; and the name that they are of, when an alias (CNAME)
    leads there. Raises UnansweredError for aliases that lead nowhere."""
    import dns.message

    if not isinstance(response, dns.message.QueryMessage):
        return (), None
    try:
        chain = response.resolve_chaining()
    except dns.message.ChainTooLong:
        raise UnansweredError("its aliases (CNAME) lead in a circle, or on and on", silent=False) from None
    values = tuple(
        getattr(rdata, "address", None) or b"".join(rdata.strings).decode("utf-8", "replace")
        for rdata in chain.answer or ()
    )
    return values, chain.canonical_name.to_text(omit_final_dot=True) if chain.cnames else None


async def _nothing(_: object) -> None:
    """A semaphore needs no closing."""

