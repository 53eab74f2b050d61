"""What the core needs of the world, as small protocols. Each has an adapter in `azure/` and a twin in `memory/`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar

from onboarding.azure.azure_actions import AzurePermission
from onboarding.azure.dns_zone import DnsZone, DnsZoneId, TxtSet
from onboarding.azure.gateway_resource import GatewayId, GatewayResource, TestLineResource
from onboarding.azure.peering_resource import PeeringId, PeeringStanding
from onboarding.core import patterns
from onboarding.core.events import Effect
from onboarding.core.parts import kept_as
from onboarding.core.record import Problem
from onboarding.core.services import TestLine
from onboarding.core.stored import Stored

# -- which of their methods only read --------------------------------------------------------------------------

_Method = TypeVar("_Method", bound=Callable[..., Any])
_READS = "__only_reads__"


def reads(method: _Method) -> _Method:
    """Of a method that changes nothing outside, and tells nobody. Every other one is a write: see `writes_of`."""
    setattr(method, _READS, True)
    return method


@cache
def methods_of(port: type) -> frozenset[str]:
    """The names of a port's methods."""
    named = {name for part in port.__mro__ for name in vars(part) if not name.startswith("_")}
    return frozenset(name for name in named if callable(getattr(port, name)))


@cache
def writes_of(port: type) -> frozenset[str]:
    """The names of those that write: all that are not said to read, so that nobody can forget to name one."""
    return frozenset(name for name in methods_of(port) if not getattr(getattr(port, name), _READS, False))


# -- the gateway (Azure Resource Manager) ---------------------------------------------------------------------


class Gateways(Protocol):
    """The ARM side."""

    @reads
    async def get(self, gateway: GatewayId) -> GatewayResource | None:
        """One gateway; None when there is no such resource."""

    async def put(self, gateway: GatewayId, body: Mapping[str, Any]) -> None:
        """Create or replace the whole resource."""

    @reads
    async def in_subscription(self, subscription_id: str) -> Sequence[GatewayResource]:
        """Every gateway of a subscription, in one list call (a page each)."""

    @reads
    async def test_lines(self, gateway: GatewayId) -> Sequence[TestLineResource]:
        """The gateway's test lines."""

    async def put_test_line(self, gateway: GatewayId, line: TestLine, location: str) -> None:
        """Create one automated test line. `location` is the gateway's region."""

    @reads
    async def own_actions(self, gateway: GatewayId) -> Sequence[AzurePermission]:
        """What this application's Azure roles give at a gateway."""


# -- the directory (Microsoft Graph v1.0) --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AppRole:
    """A role that an application offers."""

    id: str
    value: str
    display_name: str
    for_users: bool
    for_applications: bool


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An application in the tenant ("enterprise application")."""

    id: str
    app_id: str
    display_name: str
    app_roles: tuple[AppRole, ...] = ()
    enabled: bool | None = None
    """`accountEnabled`: switched off, it can't sign in, and nobody to it. None: not known."""
    kind: str = ""
    """`servicePrincipalType`: Application, ManagedIdentity, Legacy …"""


@dataclass(frozen=True, slots=True)
class AppCredential:
    """With what an application signs in."""

    kind: str
    """`secret` or `certificate`."""
    name: str
    """As people called it; never the secret itself."""
    ends: datetime | None
    """None: not known."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is to hold a role: a user (UPN or object id) or a service principal (object id)."""

    kind: str
    """`users` or `servicePrincipals`, as in Graph's paths."""
    ref: str


@dataclass(frozen=True, slots=True)
class RoleStanding:
    """What a principal holds of an application, read at one time."""

    application: ServicePrincipal | None
    """None: the tenant has no such application (yet)."""
    principal_id: str | None
    """Object id; None: there is no such principal (yet)."""
    held: frozenset[str] = frozenset()
    """Ids of the application's roles that it holds."""
    principal_enabled: bool | None = None
    """`accountEnabled` of the principal; None: not known, as the permission may not allow to read it."""
    name: str | None = None
    """Of a user, as people know them; None: not known."""
    mail: str | None = None
    """Of a user: where they are written to; None: nowhere that is known."""


class TxtRecord(Stored):
    """The DNS record which proves that the tenant owns the domain (Graph domainDnsTxtRecord)."""

    name: Annotated[str, kept_as(patterns.TXT_NAME)]
    type: Annotated[str, kept_as("TXT")] = "TXT"
    value: Annotated[str, kept_as(patterns.TXT_VALUE)]
    ttl: int
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain name of the tenant."""

    name: str
    is_verified: bool
    txt_record: TxtRecord | None
    """None when Graph listed none (yet)."""
    being_deleted: bool = False
    """Somebody has it removed from the tenant by force: its `state` says so."""
    federated: bool = False
    """Its users sign in elsewhere (`authenticationType`); a subdomain has that from the domain above it."""


@dataclass(frozen=True, slots=True)
class OwnPermissions:
    """What this application may do in the tenant, as its own token says."""

    graph: frozenset[str]
    """Application permissions of Microsoft Graph. Those that Exchange gives for one mailbox are not among them."""
    client_id: str | None = None
    """Whose they are."""


class Directory(Protocol):
    """The Graph side."""

    @reads
    async def own_permissions(self) -> OwnPermissions | None:
        """What a new token of this application says; None: it does not say."""

    @reads
    async def application(self, app_id: str) -> ServicePrincipal | None:
        """The service principal of that application id; None when the tenant has none."""

    async def add_application(self, app_id: str, display_name: str) -> ServicePrincipal:
        """Create it. One that exists already is success."""

    @reads
    async def credentials(self, app_id: str) -> Sequence[AppCredential] | None:
        """The secrets and certificates of an application of this tenant; None when its own object is not here, as of a
        managed identity, or of an application of another tenant."""

    @reads
    async def service_principal(self, object_id: str) -> ServicePrincipal | None:
        """The service principal with that object id."""

    @reads
    async def role_standing(self, principal: Principal, app_id: str) -> RoleStanding:
        """The application, the principal and the roles it holds, in one request."""

    async def assign_roles(self, application: ServicePrincipal, principal_id: str, role_ids: Sequence[str]) -> None:
        """Grant roles of that application. Those held already are success."""

    @reads
    async def domain(self, name: str) -> Domain | None:
        """The domain and its verification record, in one request."""

    async def add_domain(self, name: str) -> Domain | None:
        """Add it; None when Graph does not show it yet."""

    async def verify_domain(self, name: str) -> bool:
        """Ask Graph to verify it now. True when it is verified."""


# -- DNS -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TxtAnswer:
    """What one server said of a name's TXT records."""

    server: str
    """Host name or address, as shown to people."""
    authoritative: bool
    values: tuple[str, ...] = ()
    error: str | None = None
    """SERVFAIL, timeout …; None when it answered (also with nothing)."""
    silent: bool = False
    """No answer came at all: the server's fault, or our own network's."""
    alias: str | None = None
    """The name that an alias (CNAME) at the name leads to: the values are of that one."""
    stands_at: str | None = None
    """Where the value stands instead: the name with the zone's name once more behind it, as some panels make it."""


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """What one authoritative server said of a name's IPv4 addresses. Fields as of a TxtAnswer."""

    server: str
    addresses: tuple[str, ...] = ()
    error: str | None = None
    silent: bool = False
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Delegation:
    """Whose servers the Internet is led to for a name."""

    zone: str
    """The deepest zone that the name is in."""
    servers: tuple[str, ...]
    """Its name servers."""
    alias: str | None = None
    """Where an alias (CNAME) at the name leads."""
    answered: bool = True
    """Whether one of them answered: if none did, the name may be in a zone below, which only they would tell."""


class Dns(Protocol):
    """Who says what of a name."""

    @reads
    async def txt(self, name: str, expected: str) -> Sequence[TxtAnswer]:
        """The answers of every authoritative server of the zone; and, once all of these that answer have the value
        `expected`, of the configured public resolvers: they would keep their "no" for a while.

        Never raises for what a server says or doesn't: that is in the answers.
        """

    @reads
    async def addresses(self, name: str) -> Sequence[AddressAnswer]:
        """The IPv4 addresses (A records) that every authoritative server of the zone gives a name.

        Never raises for what a server says or doesn't: that is in the answers.
        """

    @reads
    async def delegation(self, name: str) -> Delegation | None:
        """Which zone a name is in, as everybody sees it; None when that can't be seen from here."""


class Peerings(Protocol):
    """Peerings of the operator with Microsoft (ARM)."""

    @reads
    async def standing(self, peering: PeeringId) -> PeeringStanding | None:
        """How far it is; None when there is no such resource."""


class DnsZones(Protocol):
    """Zones of Azure DNS (ARM)."""

    @reads
    async def zone(self, zone: DnsZoneId) -> DnsZone | None:
        """One zone; None when there is no such resource."""

    @reads
    async def txt_set(self, zone: DnsZoneId, name: str) -> TxtSet:
        """The TXT set at a name, relative to the zone; an empty one where there is none."""

    async def add_txt(self, zone: DnsZoneId, to: TxtSet, record: TxtRecord) -> None:
        """Add the record's value to a set, if that is still as it was read; nothing that is in it is changed.

        Raises ConflictError when somebody else was faster.
        """

    @reads
    async def own_actions(self, zone: DnsZoneId) -> Sequence[AzurePermission]:
        """What this application's Azure roles give at a zone."""


class DnsUpdates(Protocol):
    """Servers that take updates (RFC 2136), by their names in the settings."""

    @reads
    async def zone_at(self, server: str, name: str) -> str:
        """The zone that the server is sent updates of the name in."""

    @reads
    async def txt_at(self, server: str, name: str) -> TxtAnswer:
        """What that server says of a name's TXT records."""

    async def update_txt(self, server: str, record: TxtRecord) -> None:
        """Have it add one TXT record. One that is there already is success; nothing else is touched."""


# -- certificates (TLS) --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TlsAnswer:
    """What a server showed of itself in a TLS handshake."""

    chain: tuple[bytes, ...] = ()
    """Its certificates (DER) in the order in which it sent them; also when the handshake failed after that."""
    why_not: str = ""
    """Why there are none, as the middle of a sentence."""


class TlsProbe(Protocol):
    """Which certificates servers on the Internet have."""

    @reads
    async def chain(self, name: str, port: int) -> TlsAnswer:
        """Begin a TLS handshake there, and send nothing else. Never raises for what the server or DNS says or doesn't.

        Nothing is verified: what is wrong with a certificate is to be seen.
        """

    @reads
    async def roots(self) -> Sequence[bytes]:
        """The authorities (DER) that this application trusts."""


# -- people ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name people outside the tenant are written to. Empty: not known."""

    name: str = ""
    """Of the operator."""
    contact: str = ""
    """An address at which people answer."""


NO_SENDER = Sender()
"""Nobody has said."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Something to tell people, in words: plain data, which each way shows in its own form. No text of it is markup."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    """Label and text: which gateway, which step …"""
    why: tuple[str, ...] = ()
    """Paragraphs: why this is sent."""
    link: str | None = None
    """The one page to open."""
    link_label: str = "Open the onboarding"
    actions: tuple[str, ...] = ()
    """What to do, in order, without numbers."""
    values: tuple[tuple[str, str], ...] = ()
    """Label and exact text, to be copied as it is."""
    warning: str | None = None
    stays: tuple[tuple[str, str], ...] = ()
    """Step and detail of what was done at Microsoft and stays."""
    told: tuple[str, ...] = ()
    """Who else is told."""
    expects: tuple[str, ...] = ()
    """What happens then, a sentence or two each."""
    link_note: str = ""
    """Until when the link is good, and for what."""
    reply_to: str = ""
    """Where an answer to it goes; empty: to the mailbox that it comes from."""


@dataclass(frozen=True, slots=True)
class Ways:
    """On which ways people can be told."""

    mail: bool
    """E-mail is configured."""
    teams: bool
    """So is the operator's own Teams channel."""
    wrong: str = ""
    """What is wrong with how Teams is configured, in a sentence."""
    refused: tuple[str, ...] = ()
    """Addresses that no e-mail may be sent to."""


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """A CloudEvent (1.0, structured mode) for a program of the operator's."""

    id: str
    """The same however often it is sent."""
    body: bytes
    """JSON."""


class Notifier(Protocol):
    """The ways to people, and to programs. A way that isn't configured tells nobody and returns False."""

    @reads
    async def ways(self, to: Sequence[str]) -> Ways:
        """How it is configured, and which of these addresses are refused. Tells nobody anything."""

    async def mail(self, to: Sequence[str], message: Notification) -> bool:
        """Send one e-mail to these addresses. Raises AddresseesRefusedError when some of them keep it from all."""

    async def teams(self, message: Notification) -> bool:
        """Post to the operator's own Teams channel."""

    async def event(self, event: OutgoingEvent) -> bool:
        """Hand an event to the operator's own program."""


# -- our own state ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    partition: str
    key: str
    columns: Mapping[str, Any]
    etag: str = ""


class ConflictError(Exception):
    """A conditional write lost: somebody else was faster. Load again and decide again."""

    there: Row | None = None
    """The row that stands there instead, when that was read already."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of one partition."""

    partition: str
    columns: tuple[str, ...] = field(default=())
    """Only these columns; all when empty."""
    equals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Only those whose column is one of these texts, for each column named."""
    keys: tuple[str, str] | None = None
    """Only those with a key from the first to the second, both included."""


MAX_PAGE = 1000
"""Rows that Table Storage gives at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, in the order of their keys. It may hold fewer than were asked for, and still not be the last."""

    rows: tuple[Row, ...]
    continuation: str | None
    """What the next page begins with; None: this is the last."""


class ContinuationError(ValueError):
    """A continuation that no page gave."""


class Table(Protocol):
    """Azure Table Storage, as much as is needed.

    Any of it raises StoreBusyError, within seconds, when the storage is busy, slow or away; a write may have been done.
    """

    async def get(self, partition: str, key: str) -> Row | None:
        """One row."""

    async def insert(self, row: Row) -> str:
        """A new row; its ETag. Raises ConflictError when it exists."""

    async def replace(self, row: Row) -> str:
        """Replace the row if it still has `row.etag`; its new ETag. Raises ConflictError otherwise."""

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows of one partition whatever stands there."""

    async def delete(self, partition: str, key: str, etag: str | None = None) -> None:
        """Delete it (if it still has that ETag: ConflictError). One that isn't there is success."""

    def rows(self, query: Query) -> AsyncIterator[Row]:
        """The rows, in the order of their keys."""

    async def page(self, query: Query, limit: int, continuation: str | None = None) -> Page:
        """At most `limit` (1 to MAX_PAGE) of the rows, from the beginning or where another page ended.

        Raises ContinuationError for a continuation that isn't one.
        """


class BusUnavailableError(Exception):
    """The bus does not answer, or did not just now. What was not sent is sent by the timer."""


class BusRefusedError(Exception):
    """The bus does not let this application send to some queues: a person must act."""

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        self.problems = problems
        """Of each such queue; what went to others was sent, or the log says why not."""
        super().__init__(" ".join(problem.seen for problem in problems.values()))


class Bus(Protocol):
    """Messages to our own functions. They may be lost, late or doubled."""

    @property
    def resting(self) -> float:
        """Seconds for which it is left alone, because it failed just now; 0: it is used."""

    async def publish(self, effects: Sequence[Effect], now: datetime) -> None:
        """Put each nudge on its queue, to arrive after its time. Soon over: the record is committed, and callers wait.

        Raises BusRefusedError, BusUnavailableError, and what else goes wrong.
        """


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC, aware."""
