"""What can happen to an onboarding. Each is one transition at most; `decide` says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onboarding.core.deviation import Deviation
from onboarding.core.proposal import Call
from onboarding.core.record import Delivered, Problem
from onboarding.core.request import Addressees, OnboardingTeam
from onboarding.core.sight import Sight

APPLICATION = "application"
"""The actor of everything that no person did."""


@dataclass(frozen=True, slots=True)
class Started:
    """The function of a task took it up, on the message with this ticket."""

    step: str
    ticket: int
    again: int = 0
    """How often the message had come before its time."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """What the task makes true is true."""

    step: str
    ticket: int
    detail: str
    findings: Mapping[str, Any] = field(default_factory=dict)
    wrote: bool = False
    """This attempt made it so; else it found it so."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The task is to be tried again: throttled, outage, replication lag."""

    step: str
    ticket: int
    problem: Problem
    retry_after: float | None = None
    """Seconds that Microsoft asked for."""
    in_the_end: str = ""
    """What a person does when it is not tried any more."""
    at_most: int | None = None
    """Attempts with this problem, one after another, after which it is not; None: as many as the step's budget has."""
    behind: float | None = None
    """It was not sent, because a pause is not over: the seconds after its end for which others are before it.
    None: Microsoft was asked, and this is what came of it."""
    wrote: bool = False
    """It had begun to make changes."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A person must act before the task can go on."""

    step: str
    ticket: int
    problem: Problem
    wrote: bool = False
    """As of `Postponed`."""


@dataclass(frozen=True, slots=True)
class LeftToPeople:
    """What the task would change is for a person to do by hand."""

    step: str
    ticket: int
    detail: str
    calls: tuple[Call, ...]
    findings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Abandoned:
    """The task's function gave it up unfinished: its host is stopping, or the onboarding was paused or cancelled."""

    step: str
    ticket: int
    wrote: bool = True
    """As of `Postponed`; where it isn't known, it may have."""


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Service Bus gave up the message of a step or of a notice."""

    step: str | None
    notice: str | None
    ticket: int
    reason: str


@dataclass(frozen=True, slots=True)
class MessageRefused:
    """The bus did not take the message of a step or of a notice, and won't before a person has acted."""

    step: str | None
    notice: str | None
    ticket: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Looked:
    """The timer looked whether a wait is over."""

    step: str
    done: bool
    detail: str
    problem: Problem | None = None
    """The look itself failed, or (`stop`) the wait can't end by itself."""
    stop: bool = False
    retry_after: float | None = None
    findings: Mapping[str, Any] = field(default_factory=dict)
    ticket: int | None = None
    """Of the wait as it was when the look began: it may have been retried or reopened since. None: as it is now."""
    absent: bool = False
    """What it waits for was not found: that stops it (`stop`) only when it is seen so for a while."""
    tells: bool = False
    """The problem is one of many onboardings, and this one's people are told of it for all of them."""
    sight: Sight | None = None
    """What follows when it stays as it was seen."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The timer came by: whatever was due and never started is nudged again."""


@dataclass(frozen=True, slots=True)
class NoticeStarted:
    """The function of notices took one up, on the message with this ticket."""

    notice: str
    ticket: int
    again: int = 0


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice went out on every way."""

    notice: str
    ticket: int
    sent: tuple[Delivered, ...]


@dataclass(frozen=True, slots=True)
class NoticeFailed:
    """A notice could not be sent; it is tried again with growing gaps."""

    notice: str
    ticket: int
    problem: Problem
    retry_after: float | None = None
    sent: tuple[Delivered, ...] = ()
    """The ways that it did go: they are not used again."""
    person: bool = False
    """On every other way it will fail again until a person acts."""
    behind: float | None = None
    """As of a step."""


class AskedByPerson:
    """A person asks for it, by a control. Refused with a sentence when the state does not allow it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Confirmed(AskedByPerson):
    """A person says that a checkpoint is done, or that a wait is over."""

    step: str
    actor: str
    note: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """As they were sent, by the names of the fields that the step asks for."""
    turn: str = ""
    """Which of its turns is done; empty: all of it is."""
    name: str = ""
    """Of the holder of a link, as they gave it."""
    outside: bool = False
    """By a signed link."""


@dataclass(frozen=True, slots=True)
class AnswersCorrected(AskedByPerson):
    """A person corrects what was answered when a step was confirmed; fields that are not named stay as they are."""

    step: str
    actor: str
    reason: str
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProblemReported(AskedByPerson):
    """A person says why a checkpoint can't be done. `name` and `outside` as of a confirmation."""

    step: str
    actor: str
    note: str
    name: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """Somebody came with a link that we signed, and that is expired, used, or not for this step (any more)."""

    step: str
    why: str


@dataclass(frozen=True, slots=True)
class RetryRequested(AskedByPerson):
    """A person has acted; the step is to be tried again now."""

    step: str
    actor: str
    reason: str = ""
    """Where one is given: by whoever does the same to many."""


@dataclass(frozen=True, slots=True)
class ChangeApproved(AskedByPerson):
    """A person says yes to what a step would change on the gateway, and has seen exactly that proposal."""

    step: str
    actor: str
    proposal: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class AdminUserApproved(AskedByPerson):
    """A person says yes to who becomes Admin, and has seen exactly that proposal."""

    step: str
    actor: str
    proposal: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class ApplicationApproved(AskedByPerson):
    """A person says yes to which application gets its roles, and has seen exactly that proposal."""

    step: str
    actor: str
    proposal: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class CertificatesGiven(AskedByPerson):
    """A person gives the certificates of the trunks, which the step could not see or found wrong."""

    step: str
    actor: str
    certificate: str
    """PEM text, checked."""


@dataclass(frozen=True, slots=True)
class MadeByHand(AskedByPerson):
    """A person says that they have done by hand what a step would do; the step looks."""

    step: str
    actor: str


@dataclass(frozen=True, slots=True)
class CheckRequested(AskedByPerson):
    """A person wants a wait to be looked at now."""

    step: str
    actor: str


@dataclass(frozen=True, slots=True)
class SkipRequested(AskedByPerson):
    """A person leaves a step out. `insist`: although the article does not let it be left out."""

    step: str
    actor: str
    reason: str
    insist: bool = False


@dataclass(frozen=True, slots=True)
class ReopenRequested(AskedByPerson):
    """A person takes back that a checkpoint is done, or that a step was left out."""

    step: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplayRequested(AskedByPerson):
    """A person wants the messages that were lost or given up to be sent again now."""

    actor: str


@dataclass(frozen=True, slots=True)
class PauseRequested(AskedByPerson):
    """A person wants nothing more to be begun for now."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResumeRequested(AskedByPerson):
    """A person lets a paused onboarding go on."""

    actor: str
    reason: str = ""
    """Where one is given: by whoever does the same to many."""


@dataclass(frozen=True, slots=True)
class ContactsChanged(AskedByPerson):
    """A person changes who is told, and who the onboarding team is. None: as it was."""

    actor: str
    onboarding_team: OnboardingTeam | None = None
    notify: Addressees | None = None


@dataclass(frozen=True, slots=True)
class CancelRequested(AskedByPerson):
    """A person ends the onboarding. What was done at Microsoft stays."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class DriftSeen:
    """A completed onboarding was inspected again."""

    version: int
    """Of the record that was inspected."""
    deviations: Mapping[str, tuple[Deviation, ...]]
    """Step that could be looked at → what deviates of it."""


@dataclass(frozen=True, slots=True)
class DriftLookRequested(AskedByPerson):
    """A person wants a completed onboarding to be inspected now."""

    actor: str


@dataclass(frozen=True, slots=True)
class DeviationAccepted(AskedByPerson):
    """A person says that what deviates of a step is meant so."""

    step: str
    actor: str
    deviations: str
    """Which ones: `deviations_id` of them."""
    reason: str


@dataclass(frozen=True, slots=True)
class RepairRequested(AskedByPerson):
    """A person wants a step to change back what deviates, and has seen exactly what."""

    step: str
    actor: str
    proposal: str
    """Its id."""


Happening = (
    Started
    | Succeeded
    | Postponed
    | Stopped
    | LeftToPeople
    | Abandoned
    | DeadLettered
    | MessageRefused
    | Looked
    | TimePassed
    | NoticeStarted
    | NoticeSent
    | NoticeFailed
    | LinkRefused
    | DriftSeen
    | AskedByPerson
)


@dataclass(frozen=True, slots=True)
class Nudge:
    """Effect: a message to the step's queue."""

    onboarding_id: str
    step: str
    ticket: int
    after: float = 0.0
    """Seconds from now."""
    definition: str = field(default="", compare=False)
    """What the step does, after which its queue is named; empty: as the step."""
    again: int = 0
    """How often it came before its time and was sent once more."""
    nudges: int = 0
    """How many the timer has sent with this one, because none arrived; 0: it is the first message itself."""

    @property
    def queue(self) -> str:
        return self.definition or self.step

    @property
    def subject(self) -> str:
        return self.step


@dataclass(frozen=True, slots=True)
class NudgeNotice:
    """Effect: a message to the queue of notices."""

    onboarding_id: str
    notice: str
    ticket: int
    after: float = 0.0
    again: int = 0
    """As of a step."""
    nudges: int = 0
    """As of a step."""

    @property
    def subject(self) -> str:
        return self.notice


@dataclass(frozen=True, slots=True)
class MakePlan:
    """Effect: a message to the queue of plans."""

    onboarding_id: str
    """Of the onboarding that there would be."""
    plan: str
    """Its id."""
    ticket: int = 0
    after: float = 0.0
    again: int = 0
    nudges: int = 0

    @property
    def subject(self) -> str:
        return self.plan


@dataclass(frozen=True, slots=True)
class LookForDrift:
    """Effect: a message to the queue of drift: inspect some completed onboardings again."""

    onboarding_id: str
    """The first of them; those with an id from there to the last are meant."""
    last: str
    ticket: int
    """When the sweep that they are of began, in seconds since 1970."""
    after: float = 0.0
    again: int = 0
    nudges: int = 0

    @property
    def subject(self) -> str:
        return self.last


@dataclass(frozen=True, slots=True)
class SendDaily:
    """Effect: a message to the queue of notices: send the e-mail that was gathered for a day."""

    onboarding_id: str
    """One of those that it tells of."""
    day: str
    ticket: int
    """The ten minutes in which that was seen to be due."""
    after: float = 0.0
    again: int = 0
    nudges: int = 0

    @property
    def subject(self) -> str:
        return self.day


Effect = Nudge | NudgeNotice | MakePlan | LookForDrift | SendDaily
