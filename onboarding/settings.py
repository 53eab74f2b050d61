"""Every setting of the function app: checked once, at start. Times are in seconds."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from onboarding.azure.gateway_resource import GATEWAY_DOMAIN_SUFFIX
from onboarding.azure.permissions import ChangesBy, ProjectSynergyBy
from onboarding.azure.update_server import UpdateServer
from onboarding.core.email_address import email_problem
from onboarding.core.expected import ExpectedWords, in_words
from onboarding.core.links import KEY_LENGTH
from onboarding.core.patterns import ADDRESS_EXAMPLE, AZURE_ZONE, DNS_SERVER, GUID, IN_WORDS, fits
from onboarding.core.permitted import Permitted
from onboarding.core.plan import DAY
from onboarding.core.policy import Policy
from onboarding.core.web_address import https_host
from onboarding.core.webhook_signature import secret_problem
from onboarding.outside_facts import MicrosoftTrust, OutsideFacts
from onboarding.ports import Sender
from onboarding.steps import LIBRARY

_POLICY, _OUTSIDE = Policy(), OutsideFacts()
_TRUST = "a JSON object in braces with asOf, source, roots and ranges"
_SERVERS = "a JSON object in braces: the name of each server, and an object with its address, zones and key"
_USUAL_DAYS = "names of steps with days, such as provisioning-complete=10,operator-information=5"
MOST_DAYS = 365
"""That a step may usually take."""
UNRESOLVED = "@microsoft.keyvault("
"""How a Key Vault reference begins, in lower case (Microsoft Learn, "Use Key Vault references as app settings")."""

API_PAGE = "/api/docs"
"""The path of the API's own page."""

SET_IN_AZURE = (
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_SITE_NAME",
    "WEBSITE_SKU",
    "WEBSITE_POD_NAME",
    "CONTAINER_APP_NAME",
    "LEGION_SERVICE_HOST",
)
"""Of App Service, of the Consumption, Flex Consumption and Premium plans, of Container Apps. Source: the host's own
`EnvironmentSettingNames.cs` (Azure/azure-functions-host). `func start` sets none of them on a laptop. CONTAINER_NAME
isn't among them: machines that have nothing to do with Azure set it too."""


class SettingsError(Exception):
    """The app can't start: a setting is missing or wrong. The message names each, and what was expected."""


class Functions(StrEnum):
    """Which functions an app has. One package serves two apps with an identity each (docs/permissions.md)."""

    ALL = "all"
    FRONT = "front"
    """HTTP and the timer: they meet people, and at Microsoft they only read gateways."""
    STEPS = "steps"
    """The queues: they write at Microsoft and send notices, and nobody can call them."""

    @property
    def has_front(self) -> bool:
        return self is not Functions.STEPS

    @property
    def has_steps(self) -> bool:
        return self is not Functions.FRONT


class Registration(BaseSettings):
    """The one setting that is needed before any function runs: when the host asks which there are."""

    model_config = SettingsConfigDict(env_prefix="ONBOARDING_", case_sensitive=False, extra="ignore", frozen=True)

    functions: Functions = Functions.ALL
    """`front` and `steps` in two apps, so that no function that HTTP reaches has the permissions of the steps."""


class Settings(Registration):
    """The app settings. Names are those of the environment, in upper case unless given here otherwise."""

    service_bus: SecretStr | None = Field(None, validation_alias="ServiceBus")
    """A connection string, for an emulator. In Azure leave it out and set `ServiceBus__fullyQualifiedNamespace`."""
    service_bus_namespace: str | None = Field(None, validation_alias="ServiceBus__fullyQualifiedNamespace")
    """Such as `contoso.servicebus.windows.net`; triggers and publishing sign in with the managed identity."""
    tables: SecretStr | None = Field(None, validation_alias="Tables")
    """A connection string, for Azurite. In Azure leave it out and set `Tables__tableServiceUri`."""
    tables_uri: str | None = Field(None, validation_alias="Tables__tableServiceUri")
    """Such as `https://contoso.table.core.windows.net`."""
    client_id: str | None = Field(None, validation_alias="AZURE_CLIENT_ID")
    """Client id of the user-assigned managed identity; the system-assigned one when left out."""

    project_synergy_by: ProjectSynergyBy = ProjectSynergyBy.APPLICATION
    """Who adds Microsoft's application Project Synergy to the tenant, once in its life (docs/permissions.md)."""
    changes_by: ChangesBy = ChangesBy.APPLICATION
    """Who makes the changes at Microsoft, of all onboardings: `people` by hand, or this application."""
    arm_endpoint: str = "https://management.azure.com"
    graph_endpoint: str = "https://graph.microsoft.com"
    """Both differ in national clouds."""
    ca_file: str | None = None
    """PEM file of a private certificate authority, trusted besides the public ones."""
    gateway_domain_suffix: str = GATEWAY_DOMAIN_SUFFIX
    """A gateway's domain is its autoGeneratedDomainNameLabel and this."""

    public_resolvers: Annotated[tuple[str, ...], NoDecode] = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
    """Addresses (`address` or `address:port`, comma-separated) that find the zone's name servers, and are asked for the
    TXT record once these have it."""
    dns_authoritative_port: int = Field(53, ge=1, le=65535)
    dns_timeout: float = Field(5.0, gt=0, le=60)
    """For one question."""
    dns_look_timeout: float = Field(20.0, gt=0, le=60)
    """For all questions about one domain."""
    dns_private_servers: bool = False
    """Whether name servers at addresses that are not on the Internet are asked: where the zone is split-horizon, and in
    the sandbox. Elsewhere a zone's owner could have any address of the app's network asked."""

    dns_servers: Annotated[dict[str, UpdateServer], NoDecode, ExpectedWords(_SERVERS)] = {}
    """Servers that take updates (RFC 2136), as JSON: name → `address`, `port`, `zones`, `key` and `algorithm`. Only the
    steps' app needs them."""
    dns_keys: SecretStr | None = None
    """The secrets of their TSIG keys, as JSON: name of the key → base64."""
    peering_api_version: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$")] = "2022-10-01"
    """Of Microsoft.Peering, with which peerings are read."""
    microsoft_trust: Annotated[MicrosoftTrust | None, NoDecode, ExpectedWords(_TRUST)] = None
    """What `trust-microsoft-roots` shows, as JSON: `asOf`, `source`, `roots` and `ranges`, all four; without it what
    was known when this version was made."""
    verification_lines: int = Field(_OUTSIDE.verification_lines, ge=0)
    """Service verification lines that the onboarding team wants of a session border controller, for each service; a
    request with another number is warned of. 0: any."""
    verification_lines_lab: int = Field(_OUTSIDE.verification_lines_lab, ge=0)
    """The same in a lab."""
    tls_private_addresses: bool = False
    """Whether the certificate of a trunk is looked at where its address is not on the Internet, and its name may lead
    to this machine: in the sandbox.
    Elsewhere whoever posts a request could have any address and port of the app's network tried."""

    txt_settle: float = Field(_POLICY.settle_after, ge=0)
    """How long some name servers must have the TXT record, and none deny it, until Microsoft is asked to verify it
    though others do not answer."""
    txt_tell_after: float = Field(_POLICY.tell_after, ge=0, le=3600)
    """How long a TXT record must have been wrong, or out of our sight, until people are told."""

    timer_schedule: str = "0 * * * * *"
    """NCRONTAB, UTC: when waits are looked at and lost messages repaired."""
    poll_first: float = Field(_POLICY.poll_first, gt=0)
    """Between the first looks at a wait."""
    poll_longest: float = Field(_POLICY.poll_longest, gt=0)
    """Between looks at an old one."""
    retry_first: float = Field(_POLICY.retry_first, gt=0)
    """Before a step's second attempt; doubles from there."""
    nudge_grace: float = Field(_POLICY.nudge_grace, ge=0)
    """How late a message may be before the timer sends another."""
    step_timeout: float = Field(_POLICY.step_timeout, gt=0)
    """When a step that a function is at is broken off."""
    step_lease: float = Field(_POLICY.lease, gt=0)
    """How long a function may be at a step before it is taken for dead; longer than `step_timeout`."""
    notice_lease: float = Field(_POLICY.notice_lease, gt=0)
    """How long a function may be at a notice before it is taken for dead."""

    drift_every: float = Field(_POLICY.drift_every, ge=0)
    """Within which all completed onboardings are inspected again; 0: they never are."""
    drift_sure_after: float = Field(_POLICY.drift_sure_after, ge=0)
    """What is not as it was counts, and is told, when it is seen again after so long."""

    teams_webhook_url: SecretStr | None = None
    """A Teams Workflows webhook. Its query holds the key: a secret."""
    teams_hosts: Annotated[tuple[str, ...], NoDecode] = (
        ".environment.api.powerplatform.com",
        ".logic.azure.com",
    )
    """Hosts that the webhook may be on (a leading dot: any host below)."""
    events_url: str | None = None
    """Where events go, for a program of one's own (docs/events.md): https, and no other host is ever called."""
    events_secret: SecretStr | None = None
    """What signs them: `whsec_` and 24 to 64 random bytes in base64. Only the steps' app needs it."""
    events_secret_previous: SecretStr | None = None
    """The one before: while it is set, both sign."""
    events_authorization: SecretStr | None = None
    """The header `Authorization` as the receiver wants it, such as `Bearer …`; empty: none."""
    mail_sender: str | None = None
    """Mailbox that e-mail is sent from (UPN or object id)."""
    daily_mail: bool = False
    """Whether e-mail to one's own people comes once a day, gathered, whatever requests say (`notify.daily`)."""
    daily_mail_hour: int = Field(6, ge=0, le=23)
    """When, UTC."""
    operator_name: Annotated[
        str | None, Field(max_length=100), ExpectedWords("one line of at most 100 characters")
    ] = None
    """What people outside the tenant know the operator by: mail to them, and their pages, are in this name."""
    operator_contact: str | None = None
    """An e-mail address at which people outside reach somebody: it is named to them, and answers go there."""
    public_url: str = "http://localhost:7071"
    """Where people reach this application; links in notices begin with it."""

    runbook_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    """Where your people read docs/runbook.md: what refusals and alerts point to. Empty: this application's own page of
    the API, which has a place for each refusal too."""

    usual_days: Annotated[dict[str, float], NoDecode, ExpectedWords(_USUAL_DAYS)] = {}
    """How many days steps usually take from when they can begin, as `step=days` with commas between, where that is not
    what their definitions say: expected dates come of it, until ten of this operator's own onboardings say it better.
    """
    warn_after: float = Field(_POLICY.warn_after, gt=0)
    """After a wait began, until people are told that it takes long."""
    link_key: SecretStr | None = None
    """Signs links for people outside the tenant; at least 32 characters. Without it, nobody is sent such a link."""
    link_key_previous: SecretStr | None = None
    """The key before: links that it signed stay good until they expire."""
    link_lifetime: float = Field(30 * 86400, gt=0)
    """How long such a link is good."""
    remind_first: float = Field(_POLICY.remind_first, gt=0)
    """After a checkpoint opened, until people are reminded of it."""
    remind_again: float = Field(_POLICY.remind_again, gt=0)
    """Between further reminders."""
    escalate_after: float = Field(_POLICY.escalate_after, gt=0)
    """After a checkpoint opened, until `notify.escalateTo` (or the next setting) is told, once."""
    escalation_email: str | None = None
    """Whom to tell then, for requests that name nobody."""

    permitted_subscriptions: Annotated[tuple[str, ...], NoDecode] = ()
    """Subscription ids, or `subscription id/resource group`, whose gateways the steps may change. These six stand
    where only the steps are (`bounded.py`): whoever writes the table, or sends messages, can't change them. Empty: any.
    """
    permitted_admin_users: Annotated[tuple[str, ...], NoDecode] = ()
    """Who may be made Operator Connect Admin: user names, object ids, or `@contoso.com` for everybody of a domain."""
    permitted_domain_suffixes: Annotated[tuple[str, ...], NoDecode] = ()
    """The domain that is added to the tenant is one of these, or below one of them."""
    permitted_applications: Annotated[tuple[str, ...], NoDecode] = ()
    """Client ids of the applications that may be given roles of Project Synergy without a second person, and no
    others. A gateway's own identity needs to be in no list."""
    permitted_dns_zones: Annotated[tuple[str, ...], NoDecode] = ()
    """Resource ids of the zones of Azure DNS that TXT records are added to."""
    permitted_mail_domains: Annotated[tuple[str, ...], NoDecode] = ()
    """E-mail is sent to addresses of these domains only."""
    requests_per_hour: int = Field(20, ge=0)
    """Onboardings that one caller may begin, or begin again, in an hour of the clock; 0: any number."""
    plans_per_hour: int = Field(60, ge=0)
    """Plans that one caller may ask for in an hour of the clock; 0: any number."""
    mails_per_hour: int = Field(500, ge=0)
    """Addresses that e-mail is sent to in an hour, all notices together; what is more waits for the next. 0: any."""
    sandbox_user: str | None = None
    """On a laptop: who is signed in (a name from `http/access.py`). Without effect in Azure."""

    @field_validator(
        "public_resolvers",
        "teams_hosts",
        "permitted_subscriptions",
        "permitted_admin_users",
        "permitted_domain_suffixes",
        "permitted_applications",
        "permitted_dns_zones",
        "permitted_mail_domains",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(p.strip() for p in value.split(",") if p.strip()) if isinstance(value, str) else value

    @field_validator(
        "service_bus",
        "service_bus_namespace",
        "tables",
        "tables_uri",
        "client_id",
        "ca_file",
        "dns_keys",
        "teams_webhook_url",
        "events_url",
        "events_secret",
        "events_secret_previous",
        "events_authorization",
        "mail_sender",
        "link_key",
        "link_key_previous",
        "escalation_email",
        "operator_name",
        "operator_contact",
        "sandbox_user",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("dns_servers", mode="before")
    @classmethod
    def _servers(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value:
            return {}
        servers = _json_object(value)
        wrong = [name for name in servers if not fits(DNS_SERVER, name)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} can't be a server's name: it must be {IN_WORDS[DNS_SERVER]}")
        try:
            return {name: UpdateServer.model_validate(one) for name, one in servers.items()}
        except ValidationError as error:
            reasons = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'a server'} {in_words(e, UpdateServer)}" for e in error.errors()
            )
            raise ValueError(f"of one of its servers, {reasons}") from None

    @field_validator("usual_days", mode="before")
    @classmethod
    def _days(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        days: dict[str, float] = {}
        for one in (part.strip() for part in value.split(",") if part.strip()):
            name, _, number = (part.strip() for part in one.partition("="))
            if name not in LIBRARY:
                raise ValueError(f"'{name[:50]}' is no step; the steps are {', '.join(LIBRARY)}")
            try:
                days[name] = float(number)
            except ValueError:
                days[name] = -1
            if not 0 <= days[name] <= MOST_DAYS:
                raise ValueError(f"the days of '{name}' must be a number from 0 to {MOST_DAYS}: {_USUAL_DAYS}")
        return days

    @field_validator("microsoft_trust", mode="before")
    @classmethod
    def _trust(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value:
            return None
        told = _json_object(value)
        try:
            return MicrosoftTrust.model_validate(told)
        except ValidationError as error:
            reasons = (f"{'.'.join(map(str, e['loc']))} {in_words(e, MicrosoftTrust)}" for e in error.errors())
            raise ValueError("; ".join(reasons)) from None

    @field_validator("permitted_dns_zones")
    @classmethod
    def _zones(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [one for one in value if not fits(AZURE_ZONE, one)]
        if wrong:
            raise ValueError(f"each must be {IN_WORDS[AZURE_ZONE]}; {wrong[0]!r} is not")
        return value

    @field_validator("arm_endpoint", "graph_endpoint", "public_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("operator_name")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError("must be one line of at most 100 characters")
        return value

    @field_validator("mail_sender", "escalation_email", "operator_contact")
    @classmethod
    def _sendable(cls, value: str | None, info: ValidationInfo) -> str | None:
        object_id = info.field_name == "mail_sender"
        if value is None or (object_id and fits(GUID, value)) or email_problem(value) is None:
            return value
        raise ValueError(
            f"an e-mail address was expected, such as {ADDRESS_EXAMPLE}: the bare address, of a domain that is in"
            f" DNS for everybody{', or the object id of a mailbox' if object_id else ''}"
        )

    @field_validator("link_key", "link_key_previous")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < KEY_LENGTH:
            raise ValueError(f"must have at least {KEY_LENGTH} characters")
        return value

    @field_validator("events_url")
    @classmethod
    def _only_https(cls, value: str | None) -> str | None:
        if value is not None and https_host(value) is None:
            raise ValueError("must be an https:// URL of a host that is a name, without a user name or password")
        return value

    @field_validator("events_secret", "events_secret_previous")
    @classmethod
    def _signs(cls, value: SecretStr | None) -> SecretStr | None:
        reference = value is not None and value.get_secret_value().lstrip().lower().startswith(UNRESOLVED)
        if value is not None and not reference and (problem := secret_problem(value.get_secret_value())):
            raise ValueError(problem)
        return value

    @field_validator(
        "link_key",
        "link_key_previous",
        "teams_webhook_url",
        "dns_keys",
        "events_secret",
        "events_secret_previous",
        "events_authorization",
    )
    @classmethod
    def _resolved(cls, value: SecretStr | None) -> SecretStr | None:
        # The platform hands a reference over as it is written when it can't read the secret. As a key it would be long
        # enough, and known to anybody.
        if value is not None and value.get_secret_value().lstrip().lower().startswith(UNRESOLVED):
            raise ValueError(
                "is a Key Vault reference that the platform could not resolve: check that the secret exists, and that"
                " the app's identity holds Key Vault Secrets User on it"
            )
        return value

    @field_validator("dns_keys")
    @classmethod
    def _secrets(cls, value: SecretStr | None) -> SecretStr | None:
        for name, secret in _json_object(value.get_secret_value()).items() if value else ():
            try:
                right = isinstance(secret, str) and bool(base64.b64decode(secret, validate=True))
            except ValueError:
                right = False
            if not right:
                raise ValueError(f"the secret of {name!r} must be a text in base64, as in the server's configuration")
        return value

    @model_validator(mode="after")
    def _connections(self) -> Settings:
        for one, other, names in (
            (
                self.service_bus,
                self.service_bus_namespace,
                "ServiceBus or ServiceBus__fullyQualifiedNamespace",
            ),
            (self.tables, self.tables_uri, "Tables or Tables__tableServiceUri"),
        ):
            if not one and not other:
                raise ValueError(f"set {names}")
        return self

    @model_validator(mode="after")
    def _lease_outlasts_its_step(self) -> Settings:
        if self.step_lease <= self.step_timeout:
            raise ValueError(
                f"ONBOARDING_STEP_LEASE is {self.step_lease:g} and ONBOARDING_STEP_TIMEOUT {self.step_timeout:g};"
                " the lease must be longer, or a second function begins a step that the first is still at"
            )
        return self

    @model_validator(mode="after")
    def _events_are_signed(self) -> Settings:
        if self.functions.has_steps and self.events_url and not self.events_secret:
            raise ValueError("ONBOARDING_EVENTS_URL is set and ONBOARDING_EVENTS_SECRET is not: no event goes unsigned")
        return self

    @model_validator(mode="after")
    def _each_server_has_a_key(self) -> Settings:
        for name, server in self.dns_servers.items():
            if self.functions.has_steps and server.key not in self.tsig_keys:
                raise ValueError(
                    f"ONBOARDING_DNS_SERVERS has '{name}' with the key '{server.key}', and ONBOARDING_DNS_KEYS has no"
                    " secret of that name"
                )
        return self

    @property
    def tsig_keys(self) -> dict[str, str]:
        """Name of a TSIG key → its secret in base64."""
        return _json_object(self.dns_keys.get_secret_value()) if self.dns_keys else {}

    @property
    def events_secrets(self) -> tuple[str, ...]:
        """What signs events: the current secret, then the one before."""
        both = (self.events_secret, self.events_secret_previous)
        return tuple(secret.get_secret_value() for secret in both if secret)

    @property
    def explained_at(self) -> str:
        """The page that has a place for each code of a refusal."""
        return self.runbook_url or f"{self.public_url}{API_PAGE}"

    @property
    def link_keys(self) -> tuple[str, ...]:
        """What signs links and forms: the current key, then the one before."""
        return tuple(key.get_secret_value() for key in (self.link_key, self.link_key_previous) if key)

    @property
    def permitted(self) -> Permitted:
        """What the steps will ever do."""
        return Permitted(
            self.permitted_subscriptions,
            self.permitted_admin_users,
            self.permitted_domain_suffixes,
            self.permitted_mail_domains,
            self.permitted_dns_zones,
            self.permitted_applications,
        )

    @property
    def sender(self) -> Sender:
        """In whose name people outside are written to."""
        return Sender(self.operator_name or "", self.operator_contact or "")

    @property
    def usual(self) -> dict[str, float]:
        """Step → seconds that it usually takes."""
        return {name: days * DAY for name, days in self.usual_days.items()}

    @property
    def outside_facts(self) -> OutsideFacts:
        """What is asked of a session border controller's side."""
        trust = self.microsoft_trust or _OUTSIDE.trust
        return OutsideFacts(trust, self.verification_lines, self.verification_lines_lab)

    @property
    def policy(self) -> Policy:
        """The times that the rules use."""
        return Policy(
            poll_first=self.poll_first,
            poll_longest=self.poll_longest,
            retry_first=self.retry_first,
            nudge_grace=self.nudge_grace,
            step_timeout=self.step_timeout,
            lease=self.step_lease,
            notice_lease=self.notice_lease,
            remind_first=self.remind_first,
            remind_again=self.remind_again,
            escalate_after=self.escalate_after,
            warn_after=self.warn_after,
            settle_after=self.txt_settle,
            tell_after=self.txt_tell_after,
            drift_every=self.drift_every,
            drift_sure_after=self.drift_sure_after,
            tells_programs=self.events_url is not None,
        )


def _json_object(text: str) -> dict[str, Any]:
    """Raises ValueError, without the text, for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("must be a JSON object, in braces")
    return found


def in_azure(environ: Mapping[str, str]) -> bool:
    """Whether this process runs in Azure, where other rules hold than on a laptop."""
    return any(environ.get(name) for name in SET_IN_AZURE)


_S = TypeVar("_S", bound=BaseSettings)


def _checked(kind: type[_S]) -> _S:
    try:
        return kind()
    except ValidationError as error:
        # Not the value: it may be a secret.
        reasons = "; ".join(f"{_named(kind, e['loc'])}: {in_words(e, kind)}" for e in error.errors())
        raise SettingsError(f"The app settings are wrong: {reasons}. They are described in docs/settings.md.") from None


def _named(kind: type[BaseSettings], place: Sequence[int | str]) -> str:
    """A setting as the environment has it."""
    name = str(place[0]) if place else "settings"
    return f"{kind.model_config['env_prefix']}{name}".upper() if name in kind.model_fields else name


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises SettingsError that names everything wrong, and no value."""
    chosen = _checked(Settings)
    if in_azure(os.environ) and not chosen.link_keys:
        # A key of the process would do for one instance; the forms of one are refused by the next.
        raise SettingsError(
            "The app settings are wrong: ONBOARDING_LINK_KEY is missing, and in Azure it must be set: it signs the"
            " forms of the pages, which any instance must be able to read. It is described in docs/settings.md."
        )
    return chosen


def functions() -> Functions:
    """Which functions this app has. Raises SettingsError."""
    return _checked(Registration).functions
