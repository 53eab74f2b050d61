"""DNS data: one set of records a server, and what a resolver makes of them. No sockets here."""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from sandbox.microsoft.clock import Clock
from sandbox.microsoft.options import Options

ZONE = dns.name.from_text("commsgw.azure.com.")
OTHER_ZONE = dns.name.from_text("elsewhere.example.")
"""A zone of somebody else, on the same two servers: where an alias may lead."""
OPERATORS_ZONE = dns.name.from_text("contoso.example.")
"""The operator's, with the names of its trunks."""
AUTHORITIES = tuple(f"{host}.{ZONE}" for host in ("ns1", "ns2"))
"""The names of the two servers, also as Azure DNS has them."""
LONGEST_CHAIN = 8
SERVERS = ("ns1", "ns2", "resolver")
"""Two authoritative servers of the zone, and a public recursive resolver."""
TTL = 3600
NEGATIVE_TTL = 60
SOA = f"ns1.{ZONE} hostmaster.{ZONE} 1 3600 300 1209600 {NEGATIVE_TTL}"
LONGEST_STRING = 255
TOP_LEVEL = 2
"""Labels of a top-level name, with the root's."""


@dataclass
class Planned:
    """A TXT value that will be put on every server."""

    due: float
    name: str
    value: str


@dataclass
class Records:
    """TXT records of every server, addresses of the name servers, and names that exist without records."""

    clock: Clock
    options: Options = field(default_factory=Options)
    txt: dict[str, dict[dns.name.Name, list[str]]] = field(default_factory=dict)
    hosts: dict[str, dict[dns.name.Name, list[str]]] = field(default_factory=dict)
    """Server → name → its IPv4 addresses."""
    addresses: dict[str, str] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    aliases: dict[dns.name.Name, dns.name.Name] = field(default_factory=dict)
    """Name → where a CNAME leads, on every server."""
    denials: dict[dns.name.Name, float] = field(default_factory=dict)
    """Name → until when the resolver keeps that it has no TXT record."""
    zones: dict[dns.name.Name, tuple[str, ...]] = field(default_factory=dict)
    """Zone → the name servers that the Internet is led to for it. The two servers refer to those of any other."""
    existing: set[dns.name.Name] = field(default_factory=set)
    """Base domains of gateways: they have host names below them, so they exist even without a TXT record."""

    def __post_init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all records."""
        self.txt = {server: {} for server in SERVERS}
        self.hosts = {server: {} for server in SERVERS}
        self.planned = []
        self.aliases = {}
        self.denials = {}
        self.zones = dict.fromkeys((ZONE, OTHER_ZONE, OPERATORS_ZONE), AUTHORITIES)
        self.existing = set()

    def put(self, server: str, name: str, values: list[str]) -> None:
        """Set the TXT values of a name on a server (`*`: all); none removes it. Raises ValueError."""
        for one in _servers(server):
            self._set(one, dns.name.from_text(name), values)

    def place(self, server: str, name: str, addresses: list[str]) -> None:
        """Set the IPv4 addresses of a name on a server (`*`: all); none removes them. Raises ValueError."""
        for one in _servers(server):
            self.hosts[one].pop(dns.name.from_text(name), None)
            if addresses:
                self.hosts[one][dns.name.from_text(name)] = list(addresses)

    def _set(self, server: str, name: dns.name.Name, values: list[str]) -> None:
        if values:
            self.txt[server][name] = list(values)
        else:
            self.txt[server].pop(name, None)

    def lead(self, name: str, target: str | None) -> None:
        """A CNAME at the name leads there; None removes it. Raises ValueError."""
        alias = dns.name.from_text(name)
        self.aliases.pop(alias, None)
        if target:
            self.aliases[alias] = dns.name.from_text(target)

    def plan(self, name: str, value: str, delay: float) -> None:
        """Put the value on every server in `delay` seconds, beside those that are there."""
        self.planned.append(Planned(self.clock.time() + delay, name, value))

    def values(self, server: str, name: str) -> set[str]:
        """The TXT values of a name as that server has them."""
        self.settle()
        return set(self.txt[server].get(dns.name.from_text(name), []))

    def has(self, server: str, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> bool:
        """Whether that server has records of that kind at a name."""
        self.settle()
        return self._find(server, name, kind) is not None

    def settle(self) -> None:
        """Put what is due."""
        now = self.clock.time()
        for plan in [plan for plan in self.planned if plan.due <= now]:
            self.planned.remove(plan)
            name = dns.name.from_text(plan.name)
            for server in SERVERS:
                present = self.txt[server].setdefault(name, [])
                if plan.value not in present:
                    present.append(plan.value)

    def answer(self, query: dns.message.Message, server: str) -> dns.message.Message:
        """The server's answer: authoritative for the zone, recursive for the resolver, which knows nothing else."""
        self.settle()
        response = dns.message.make_response(query, recursion_available=server == "resolver")
        question = query.question[0]
        name, kind = question.name, question.rdtype
        origin = self._zone_of(name)
        if server == "resolver":
            pass
        elif origin and self.zones[origin] != AUTHORITIES:
            response.authority.append(_rrset(origin, TTL, "NS", *self.zones[origin]))
            return response
        elif origin:
            response.flags |= dns.flags.AA
        else:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        end = self._follow(response, server, name, kind)
        if server != "resolver" and self._zone_of(end) != origin:
            return response
        found = None if self._denied(server, end, kind) else self._find(server, end, kind)
        if found:
            response.answer.append(found)
        else:
            zone = self._zone_of(end) or (ZONE if ZONE.is_subdomain(end) else dns.name.root)
            response.authority.append(_rrset(zone, NEGATIVE_TTL, "SOA", SOA))
            if not self._exists(server, end):
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def _follow(
        self, response: dns.message.Message, server: str, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.name.Name:
        """Where aliases lead, as far as the server knows; they are put into the response."""
        origin = self._zone_of(name)
        for _ in range(LONGEST_CHAIN):
            target = self.aliases.get(name)
            elsewhere = server != "resolver" and self._zone_of(name) != origin
            if target is None or kind == dns.rdatatype.CNAME or elsewhere:
                break
            response.answer.append(_rrset(name, TTL, "CNAME", target.to_text()))
            name = target
        return name

    def _denied(self, server: str, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> bool:
        """Whether the resolver keeps that there was none. It does from now on, if there is none."""
        if server != "resolver" or kind != dns.rdatatype.TXT or not self.options.dns_keeps_denials:
            return False
        now = self.clock.time()
        if name not in self.txt[server]:
            self.denials.setdefault(name, now + NEGATIVE_TTL)
        if now >= self.denials.get(name, now):
            self.denials.pop(name, None)
        return name in self.denials

    def _find(self, server: str, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        if kind == dns.rdatatype.TXT and name in self.txt[server]:
            return _rrset(name, TTL, "TXT", *map(_quoted, self.txt[server][name]))
        if name in self.aliases and kind == dns.rdatatype.CNAME:
            return _rrset(name, TTL, "CNAME", self.aliases[name].to_text())
        if name in self.zones and kind == dns.rdatatype.SOA:
            return _rrset(name, TTL, "SOA", SOA)
        if name in self.zones and kind == dns.rdatatype.NS:
            return _rrset(name, TTL, "NS", *self.zones[name])
        if kind == dns.rdatatype.NS and server == "resolver" and self._leads_to_the_two(name):
            return _rrset(name, TTL, "NS", *AUTHORITIES)
        if kind == dns.rdatatype.A and name in self.hosts[server]:
            return _rrset(name, TTL, "A", *self.hosts[server][name])
        host = name.relativize(ZONE).to_text().lower()
        if kind == dns.rdatatype.A and name.is_subdomain(ZONE) and host in self.addresses:
            return _rrset(name, TTL, "A", self.addresses[host])
        return None

    def _leads_to_the_two(self, name: dns.name.Name) -> bool:
        """Whether a top level's own servers are the two, which have or refer to all zones below."""
        return len(name.labels) == TOP_LEVEL and any(zone.is_subdomain(name) for zone in self.zones)

    def _zone_of(self, name: dns.name.Name) -> dns.name.Name | None:
        """The zone of the two servers that the name is in: the deepest."""
        having = [zone for zone in self.zones if name.is_subdomain(zone)]
        return max(having, key=len, default=None)

    def _exists(self, server: str, name: dns.name.Name) -> bool:
        hosts = {dns.name.from_text(host, ZONE) for host in self.addresses}
        made = {*self.txt[server], *self.aliases, *self.hosts[server]}
        known = {*self.zones} | hosts | self.existing | made
        return any(other.is_subdomain(name) for other in known)


def _servers(server: str) -> tuple[str, ...]:
    if server not in (*SERVERS, "*"):
        raise ValueError(f"Unknown DNS server {server!r}; known are {', '.join(SERVERS)} and *.")
    return SERVERS if server == "*" else (server,)


def _rrset(name: dns.name.Name, ttl: int, kind: str, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(name, ttl, dns.rdataclass.IN, kind, *values)


def _quoted(value: str) -> str:
    """A TXT value as strings of at most 255 bytes."""
    pieces = [value[start : start + LONGEST_STRING] for start in range(0, len(value), LONGEST_STRING)] or [""]
    escaped = (piece.replace("\\", "\\\\").replace('"', '\\"') for piece in pieces)
    return " ".join(f'"{piece}"' for piece in escaped)
