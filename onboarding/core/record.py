"""The record of one onboarding: the truth about where a gateway stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from onboarding.core.request import STORED as STORED
from onboarding.core.request import OnboardingRequest
from onboarding.core.steps import BY_NAME, Kind, Step

SCHEMA_VERSION = 2
"""Goes up when an older version of the application would lose or misread what this one writes: docs/upgrade.md."""
DETAIL_LENGTH = 1000
"""Characters of a detail or message that the record keeps: a column of the table holds 32 K."""


class StepState(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    """Something it needs is not done."""
    DUE = "due"
    """To be done at `next_attempt_at`; a message says so to its function."""
    RUNNING = "running"
    """Its function is at it; `next_attempt_at` is when it is taken for dead."""
    WAITING = "waiting"
    """For the world (polled at `next_attempt_at`) or for a person."""
    NEEDS_ATTENTION = "needs-attention"
    """Stopped; a person must act, and is reminded at `next_attempt_at`."""
    DONE = "done"
    SKIPPED = "skipped"


class OnboardingState(StrEnum):
    """Where a whole onboarding stands, derived from its steps."""

    RUNNING = "running"
    WAITING_FOR_PEOPLE = "waiting-for-people"
    WAITING_FOR_MICROSOFT = "waiting-for-microsoft"
    NEEDS_ATTENTION = "needs-attention"
    PAUSED = "paused"
    """Nothing is begun until somebody resumes it."""
    CANCELLING = "cancelling"
    """Nothing is begun any more; it is cancelled as soon as what runs has ended."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Stored(BaseModel):
    """What is kept: frozen, camelCase in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True, extra="ignore")

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


Detail = Annotated[str, Field(max_length=DETAIL_LENGTH)]


class Problem(Stored):
    """What went wrong, for a person to read. `code` is stable, the sentences are not."""

    code: str
    seen: Detail
    what_next: Detail = ""


class StepRecord(Stored):
    """One step of one onboarding."""

    name: str
    state: StepState
    since: AwareDatetime
    attempts: int = 0
    """Attempts started (task) or looks taken (wait) since it became possible, or was retried or reopened."""
    failures: int = 0
    """Looks at a wait that failed, one after another."""
    begun_at: AwareDatetime | None = None
    """When the first of these attempts was started: its budget of time counts from there, or from a resume on."""
    not_before: AwareDatetime | None = None
    """Until when Microsoft asked to be left alone."""
    next_attempt_at: AwareDatetime | None = None
    ticket: int = 0
    """The version of the record that made it due, or opened it: only the message with this number may start it, and
    only links made for this opening are good."""
    detail: Detail = ""
    """What was last seen."""
    problem: Problem | None = None
    skipped_because: Detail | None = None
    ended_by: str | None = None
    note: Detail | None = None
    reminders: int = 0
    """Sent while this checkpoint has been open, or has needed attention."""
    escalated: bool = False
    warned_at: AwareDatetime | None = None
    """When people were last told that this wait takes long."""
    link_refused_at: AwareDatetime | None = None
    """When somebody last came with a link that is not good (any more)."""

    @property
    def definition(self) -> Step:
        return BY_NAME[self.name]

    @property
    def ended(self) -> bool:
        """Done or skipped: what needs it may go on."""
        return self.state in (StepState.DONE, StepState.SKIPPED)


class TxtRecord(Stored):
    """The DNS record which proves that the tenant owns the domain (Graph domainDnsTxtRecord)."""

    name: str
    type: str = "TXT"
    value: str
    ttl: int
    """Seconds."""


class Findings(Stored):
    """What the steps found out and later steps or people need."""

    project_synergy_id: str | None = None
    """Object id of its service principal in the tenant."""
    admin_user_id: str | None = None
    gateway_principal_id: str | None = None
    """Object id of the gateway's managed identity, from ARM."""
    application_id: str | None = None
    """Of that identity: entered in the Operator Connect portal."""
    domain: str | None = None
    domain_verified: bool | None = None
    txt_record: TxtRecord | None = None
    role_differences: tuple[str, ...] = ()
    """App roles whose id in the tenant isn't the article's."""


class Delivered(Stored):
    """One way that a notice went."""

    way: str
    """`teams` or `email`."""
    to: tuple[str, ...] = ()
    outside: bool = False
    """To the onboarding team, with a signed link."""
    at: AwareDatetime


class Notice(Stored):
    """Something that people are to be told."""

    id: str
    kind: str
    step: str | None = None
    owed_since: AwareDatetime
    next_attempt_at: AwareDatetime | None
    """When it is sent, or tried again, or (`sending`) taken for lost. None: sent, or no longer owed."""
    ticket: int
    """Only the message with this number may send it."""
    attempts: int = 0
    sending: bool = False
    sent: tuple[Delivered, ...] = ()
    problem: Problem | None = None

    @property
    def owed(self) -> bool:
        """Whether it is still to go out."""
        return self.next_attempt_at is not None


class Pause(Stored):
    """Nothing is begun meanwhile."""

    since: AwareDatetime
    by: str
    because: Detail
    next_word_at: AwareDatetime
    """When people are reminded of it."""


class Event(Stored):
    """One transition in the audit trail. `changes` maps a field's path to its value before and after."""

    version: int
    at: AwareDatetime
    actor: str
    what: str
    step: str | None = None
    detail: Detail = ""
    changes: dict[str, tuple[Any, Any]] = {}

    @cached_property
    def text(self) -> str:
        """Its JSON. Kept, because it is written again with each version of the record until it leaves the tail."""
        return self.model_dump_json(by_alias=True)

    def __copy__(self) -> Self:
        """What `model_copy` begins with: a copy may be given other fields, and then has another text."""
        copied = super().__copy__()
        copied.__dict__.pop("text", None)
        return copied


class Record(Stored):
    """One onboarding, whole: this is what one row of the table holds."""

    schema_version: int = SCHEMA_VERSION
    id: str
    version: int
    run: int = 1
    """How often it was started: `?again=true` counts on."""
    request: OnboardingRequest
    requested_by: str | None = None
    """Who posted it, or started it again. None: before this was kept."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    cancelled_because: Detail | None = None
    """Set when somebody cancels; `closed_at` follows when nothing runs any more."""
    pause: Pause | None = None
    steps: tuple[StepRecord, ...]
    findings: Findings = Findings()
    notices: tuple[Notice, ...] = ()
    tail: tuple[Event, ...] = ()
    """Events not yet dropped from the row; the older ones stand in table `events`."""

    def step(self, name: str) -> StepRecord:
        """The step of that name. Raises KeyError when there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    @property
    def closed(self) -> bool:
        return self.closed_at is not None

    @property
    def settled(self) -> bool:
        """Closed, and nothing more is owed to anybody."""
        return self.closed and self.next_due_at is None

    @property
    def cancelling(self) -> bool:
        """Cancelled by somebody, while a function is still at a step."""
        return self.cancelled_because is not None and not self.closed

    @property
    def active(self) -> bool:
        """Whether steps may be begun."""
        return not self.closed and not self.cancelling and self.pause is None

    @property
    def state(self) -> OnboardingState:
        if self.closed:
            return OnboardingState.COMPLETED if self.cancelled_because is None else OnboardingState.CANCELLED
        if self.cancelling:
            return OnboardingState.CANCELLING
        if self.pause is not None:
            return OnboardingState.PAUSED
        states = {s.state for s in self.steps}
        if StepState.NEEDS_ATTENTION in states:
            return OnboardingState.NEEDS_ATTENTION
        if states & {StepState.DUE, StepState.RUNNING}:
            return OnboardingState.RUNNING
        if any(s.state is StepState.WAITING and s.definition.kind is Kind.CHECKPOINT for s in self.steps):
            return OnboardingState.WAITING_FOR_PEOPLE
        return OnboardingState.WAITING_FOR_MICROSOFT

    @property
    def next_due_at(self) -> datetime | None:
        """When something is to happen by itself next; None when nothing is."""
        steps = self.steps if self.active else (s for s in self.steps if s.state is StepState.RUNNING)
        times = [s.next_attempt_at for s in steps] + [n.next_attempt_at for n in self.notices]
        if self.pause is not None and not self.closed:
            times.append(self.pause.next_word_at)
        return min((t for t in times if t is not None), default=None)


def upgraded(record: Record) -> Record:
    """A record of an older schema version as this one writes it: what was added since has its default."""
    if record.schema_version >= SCHEMA_VERSION:
        return record
    return record.model_copy(update={"schema_version": SCHEMA_VERSION})
