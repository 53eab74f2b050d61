"""The steps of an onboarding, as data: queues, triggers, docs and tests derive from it or are compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DAY = 86400.0
"""Seconds."""


class Kind(StrEnum):
    """Who brings a step to its end."""

    TASK = "task"
    """We do: the step's queue-triggered function."""
    WAIT = "wait"
    """The world does; the timer looks."""
    CHECKPOINT = "checkpoint"
    """A person does, and says so over HTTP."""


class Party(StrEnum):
    """On whom a step waits, as shown to people."""

    US = "this application"
    MICROSOFT = "Microsoft"
    ONBOARDING_TEAM = "the onboarding team"
    ADMIN_USER = "the admin user"


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a task is tried before a person is asked, whichever ends first."""

    attempts: int
    seconds: float
    """From the first attempt on."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its place in the graph, and what people are told of it."""

    name: str
    kind: Kind
    title: str
    needs: tuple[str, ...]
    waits_on: Party
    section: str
    """Section of Microsoft's article "Connect Azure Communications Gateway to Operator Connect …"."""
    skipped_when_already_onboarded: bool = False
    confirmable: bool = False
    """A person may end it by saying that it is so."""
    may_be_skipped_when: str | None = None
    """When the article itself lets it be left out, as the end of a sentence; else an operator has to insist."""
    tells_the_team: bool = False
    """It sends the onboarding team something: done again for another team, while what needs it is open."""
    only_reads: bool = False
    """It changes nothing at Microsoft, and tells nobody."""
    budget: Budget = Budget(30, DAY)
    """For a task: with the gaps of `policy.py`, about 20 hours of an outage."""

    @property
    def queue(self) -> str | None:
        """The Service Bus queue of a task: named like the step."""
        return self.name if self.kind is Kind.TASK else None


_SELECTED = "the services were selected when the gateway was deployed"
_ONBOARDED = "the operator is onboarded to the Operator Connect or Teams Phone Mobile environment already"

_ENABLE = "Enable Operator Connect or Teams Phone Mobile support"
_SYNERGY = "Add the Project Synergy application to your Azure tenant"
_ADMIN = "Assign an Admin user to the Project Synergy application"
_FIND = "Find the Application ID for your Azure Communication Gateway resource"
_ROLES = "Set up application roles for Azure Communications Gateway"
_TEAM = "Provide additional information to your onboarding team"
_PORTAL = "Test your Operator Connect portal access"
_IDS = "Add the Application IDs for Azure Communications Gateway to Operator Connect"
_DOMAIN = "Register your deployment's domain name in Microsoft Entra"

STEPS: tuple[Step, ...] = (
    Step(
        "enable-services",
        Kind.TASK,
        "Enable the services on the gateway",
        (),
        Party.US,
        _ENABLE,
        may_be_skipped_when=_SELECTED,
    ),
    Step(
        "add-test-lines",
        Kind.TASK,
        "Add the service verification lines",
        ("enable-services",),
        Party.US,
        _ENABLE,
        may_be_skipped_when=_SELECTED,
    ),
    Step(
        "provisioning-complete",
        Kind.WAIT,
        "Wait until the gateway is provisioned",
        ("add-test-lines",),
        Party.MICROSOFT,
        _ENABLE,
        may_be_skipped_when=_SELECTED,
    ),
    Step(
        "add-project-synergy",
        Kind.TASK,
        "Add the Project Synergy application",
        ("provisioning-complete",),
        Party.US,
        _SYNERGY,
        skipped_when_already_onboarded=True,
        may_be_skipped_when=_ONBOARDED,
    ),
    Step(
        "assign-admin-user",
        Kind.TASK,
        "Give the admin user the Admin role",
        ("add-project-synergy",),
        Party.US,
        _ADMIN,
        skipped_when_already_onboarded=True,
        may_be_skipped_when=_ONBOARDED,
    ),
    Step(
        "find-application-id",
        Kind.TASK,
        "Find the gateway's application id",
        ("provisioning-complete",),
        Party.US,
        _FIND,
        only_reads=True,
    ),
    Step(
        "assign-application-roles",
        Kind.TASK,
        "Give the gateway its seven application roles",
        ("add-project-synergy", "find-application-id"),
        Party.US,
        _ROLES,
    ),
    Step(
        "operator-information",
        Kind.CHECKPOINT,
        "Return the onboarding team's form, and have their confirmation",
        ("assign-admin-user",),
        Party.ONBOARDING_TEAM,
        _TEAM,
        skipped_when_already_onboarded=True,
        may_be_skipped_when=_ONBOARDED,
        confirmable=True,
    ),
    Step(
        "portal-access",
        Kind.CHECKPOINT,
        "Sign in to the Operator Connect portal",
        ("operator-information", "assign-admin-user"),
        Party.ADMIN_USER,
        _PORTAL,
        confirmable=True,
    ),
    Step(
        "add-application-ids",
        Kind.CHECKPOINT,
        "Enter both application ids in the Operator Connect portal",
        ("portal-access", "assign-application-roles"),
        Party.ADMIN_USER,
        _IDS,
        confirmable=True,
    ),
    Step(
        "add-domain",
        Kind.TASK,
        "Add the gateway's domain to the tenant",
        ("provisioning-complete",),
        Party.US,
        _DOMAIN,
    ),
    Step(
        "share-txt-record",
        Kind.TASK,
        "Share the TXT record with the onboarding team",
        ("add-domain",),
        Party.US,
        _DOMAIN,
        confirmable=True,
        tells_the_team=True,
    ),
    Step(
        "txt-record-visible",
        Kind.WAIT,
        "Wait until the TXT record is visible",
        ("share-txt-record",),
        Party.ONBOARDING_TEAM,
        _DOMAIN,
        confirmable=True,
    ),
    Step(
        "verify-domain",
        Kind.TASK,
        "Verify the domain",
        ("txt-record-visible",),
        Party.US,
        _DOMAIN,
        # Microsoft's own resolvers may keep an old answer for as long as the zone says.
        budget=Budget(80, 3 * DAY),
    ),
)

BY_NAME: Mapping[str, Step] = {step.name: step for step in STEPS}
TASKS: tuple[Step, ...] = tuple(s for s in STEPS if s.kind is Kind.TASK)
WAITS: tuple[Step, ...] = tuple(s for s in STEPS if s.kind is Kind.WAIT)
CHECKPOINTS: tuple[Step, ...] = tuple(s for s in STEPS if s.kind is Kind.CHECKPOINT)

NOTICES_QUEUE = "notices"
DEAD_LETTERS_QUEUE = "dead-letters"
"""Where every other queue forwards the messages that Service Bus gives up."""
QUEUES: tuple[str, ...] = (*(s.name for s in TASKS), NOTICES_QUEUE, DEAD_LETTERS_QUEUE)

ALREADY_ONBOARDED_REASON = (
    "The request says that the operator is onboarded already: the article lets such an operator go on at"
    " 'Find the Application ID'."
)
